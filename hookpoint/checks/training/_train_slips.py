"""Wrong training loops. Each changes one piece of a right one."""

import copy

import torch

from hookpoint.model import init_weights
from hookpoint.model.adamw import AdamW
from hookpoint.model.training import decay_groups, evaluate, get_batch, lr_schedule, train_step, windows


class Loop:
    """A right loop in pieces; a checkpoint is one file written by torch."""

    def run(self, model, data, cfg, seed, resume):
        self.cfg = cfg
        training, validation = self.split(data)
        rng = torch.Generator().manual_seed(self.seed(seed))
        model = self.subject(model, seed)
        optimizer = AdamW(self.groups(model))
        parts = {"model": model, "optimizer": optimizer}
        first = self.load(resume, parts, rng) if resume is not None else 0
        last = self.last(first)
        history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
        self.begin(training, rng)
        for step in range(first, last):
            self.set_rate(optimizer, step)
            batch = self.batch(training, rng)
            loss = train_step(model, [batch], optimizer, self.max_norm())
            if self.written(step):
                history["steps"].append(step)
                history["train_loss"].append(loss)
                history["lr"].append(self.rate_written(step))
            if self.due(step, last):
                history["val_loss"].append(evaluate(model, windows(validation, cfg.batch, cfg.pos)))
        if cfg.checkpoint is not None:
            self.save(cfg.checkpoint, parts, rng, last)
        return history

    def split(self, data):
        return data[: -(len(data) // 10)], data[-(len(data) // 10) :]

    def seed(self, seed):
        return seed

    def subject(self, model, seed):
        return model

    def groups(self, model):
        return decay_groups(model, self.cfg.weight_decay)

    def last(self, first):
        return self.cfg.stop or self.cfg.steps

    def begin(self, training, rng):
        pass

    def batch(self, training, rng):
        return get_batch(training, self.cfg.batch, self.cfg.pos, rng)

    def rate(self, step):
        return lr_schedule(step, self.cfg.max_lr, self.cfg.min_lr, self.cfg.warmup, self.cfg.steps)

    def rate_written(self, step):
        return self.rate(step)

    def set_rate(self, optimizer, step):
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step)

    def max_norm(self):
        return self.cfg.max_norm

    def written(self, step):
        return True

    def due(self, step, last):
        return (step + 1) % self.cfg.eval_every == 0 or step + 1 == last

    def save(self, path, parts, rng, step):
        kept = {name: part.state_dict() for name, part in parts.items()}
        torch.save(kept | {"rng": rng.get_state(), "step": step}, path)

    def load(self, path, parts, rng):
        kept = torch.load(path)
        for name, part in parts.items():
            part.load_state_dict(kept[name])
        rng.set_state(kept["rng"])
        return kept["step"]


def slip(name, **methods):
    """A function with the learner's signature that runs the loop with some methods exchanged."""
    kind = type(name, (Loop,), methods)

    def train(model, data, cfg, seed, resume=None):
        return kind().run(model, data, cfg, seed, resume)

    train.__name__ = name
    return train


def set_first(self, optimizer, step):
    optimizer.param_groups[0]["lr"] = self.rate(step)


def fixed(self, training, rng):
    self.only = get_batch(training, self.cfg.batch, self.cfg.pos, rng)


def schedule_to(self, step):
    total = self.cfg.stop or self.cfg.steps
    return lr_schedule(step, self.cfg.max_lr, self.cfg.min_lr, self.cfg.warmup, total)


def save_without(part):
    def save(self, path, parts, rng, step):
        Loop.save(self, path, {name: value for name, value in parts.items() if name != part}, rng, step)

    return save


def load_without(part):
    def load(self, path, parts, rng):
        return Loop.load(self, path, {name: value for name, value in parts.items() if name != part}, rng)

    return load


def load_without_rng(self, path, parts, rng):
    return Loop.load(self, path, parts, torch.Generator())


def load_from_zero(self, path, parts, rng):
    Loop.load(self, path, parts, rng)
    return 0


def save_behind(self, path, parts, rng, step):
    Loop.save(self, path, parts, rng, step - 1)


def anew(self, model, seed):
    init_weights(model, seed)
    return model


evaluates_on_training = slip("evaluates_on_training", split=lambda self, data: (data[: -(len(data) // 10)],) * 2)
trains_on_everything = slip("trains_on_everything", split=lambda self, data: (data, data[-(len(data) // 10) :]))
first_tenth = slip("first_tenth", split=lambda self, data: (data[len(data) // 10 :], data[: len(data) // 10]))
lr_after_step = slip("lr_after_step", rate_written=lambda self, step: self.rate(step + 1))
lr_not_set = slip("lr_not_set", set_rate=lambda self, optimizer, step: None)
constant_lr = slip("constant_lr", rate=lambda self, step: self.cfg.max_lr)
schedule_of_session = slip("schedule_of_session", rate=schedule_to)
counted_from_one = slip(
    "counted_from_one",
    rate=lambda self, step: Loop.rate(self, step + 1),
    rate_written=lambda self, step: self.rate(step),
)
first_group_only = slip("first_group_only", set_rate=set_first)
one_batch_for_all = slip("one_batch_for_all", begin=fixed, batch=lambda self, training, rng: self.only)
everything_decays = slip(
    "everything_decays",
    groups=lambda self, model: [{"params": list(model.parameters()), "weight_decay": self.cfg.weight_decay}],
)
no_decay = slip("no_decay", groups=lambda self, model: decay_groups(model, 0.0))
not_clipped = slip("not_clipped", max_norm=lambda self: 1.0)
seed_ignored = slip("seed_ignored", seed=lambda self, seed: 0)
rng_not_saved = slip("rng_not_saved", load=load_without_rng)
optimizer_not_saved = slip("optimizer_not_saved", save=save_without("optimizer"), load=load_without("optimizer"))
model_not_saved = slip("model_not_saved", save=save_without("model"), load=load_without("model"))
starts_again = slip("starts_again", load=load_from_zero)
step_behind = slip("step_behind", save=save_behind)
nothing_saved = slip("nothing_saved", save=lambda self, path, parts, rng, step: None)
stop_ignored = slip("stop_ignored", last=lambda self, first: self.cfg.steps)
steps_of_session = slip("steps_of_session", last=lambda self, first: self.cfg.stop or first + self.cfg.steps)
last_step_missing = slip("last_step_missing", last=lambda self, first: Loop.last(self, first) - 1)
copy_trained = slip("copy_trained", subject=lambda self, model, seed: copy.deepcopy(model))
drawn_anew = slip("drawn_anew", subject=anew)
sparse_history = slip("sparse_history", written=lambda self, step: (step + 1) % self.cfg.eval_every == 0)
