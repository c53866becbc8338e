"""Checks for `train` (part 1, notebook 06).

A run is judged by what it leaves behind: the weights are fetched and their loss is measured here.
"""

import math
from dataclasses import replace

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.model import GPT2, Config, TrainConfig

from . import _train_slips as slips
from ._stories import VOCAB, bigram_loss, cycle, stories, two_worlds
from .lr_schedule import reference as rate

CFG = Config(d_vocab=VOCAB, n_ctx=8, d_model=12, n_layers=1, n_heads=2, d_head=5, d_mlp=16)
RUN = TrainConfig(steps=3, batch=3, pos=5, max_lr=0.02, min_lr=0.002, warmup=2, weight_decay=0.0, eval_every=2)
LAST = 1000  # as eval_every: look at the validation tokens after the last step only


def reference(model, data, cfg, seed, resume=None):
    """Names the arguments only: there are many right runs."""


class Session:
    """One call of the learner's function on a model of ours: its history, and the weights before and after."""

    def __init__(self, learner, data, cfg, seed, resume=None, shift=0.0, sizes=CFG):
        self.given, self.data, self.sizes = learner.given, data, sizes
        self.model = self.given.gpt2(sizes)
        if shift:
            self.given.load(self.model, {name: w + shift for name, w in self.given.weights(self.model).items()})
        self.given.watch(self.model)
        self.before = self.given.weights(self.model)
        arguments = (self.model, data, cfg, seed) if resume is None else (self.model, data, cfg, seed, resume)
        self.history = formed(learner.train(*arguments))
        self.after = self.given.weights(self.model)

    def moved(self, other=None):
        """The largest change of any weight: since before, or against another session."""
        since = self.before if other is None else other.after
        return max((self.after[name] - since[name]).abs().max().item() for name in since)

    def validation_loss(self):
        """The loss of the weights on the last tenth, in rows of 5 tokens side by side."""
        return loss_of(self.after, self.data[-(len(self.data) // 10) :], self.sizes)


@torch.no_grad()
def loss_of(weights, data, sizes=CFG, pos=RUN.pos):
    model = GPT2(sizes, seed=None)
    model.load_state_dict(weights)
    rows = (len(data) - 1) // pos
    x, y = (data[shift : shift + rows * pos].view(rows, pos) for shift in (0, 1))
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()


def formed(history):
    """The history with numbers as floats. `val_loss` may hold losses, or pairs of which the loss is the last."""
    if not isinstance(history, dict):
        raise Mismatch("does not return a dict.", got=history)
    for key in ("steps", "train_loss", "val_loss", "lr"):
        if not isinstance(history.get(key), (list, tuple)):
            raise Mismatch(f"returns a history without a list {key!r}.", got=history)
    try:
        numbers = {key: [float(value) for value in history[key]] for key in ("steps", "train_loss", "lr")}
        pairs = (value[-1] if isinstance(value, (list, tuple)) else value for value in history["val_loss"])
        return numbers | {"val_loss": [float(value) for value in pairs]}
    except (TypeError, ValueError, RuntimeError, IndexError):
        raise Mismatch("returns a history that does not hold numbers.", got=history) from None


def covers(history, first, last, cfg):
    """One entry for each step from `first` to `last`, the steps counted from 0 (or from 1), with the rates used."""
    for key in ("steps", "train_loss", "lr"):
        if len(history[key]) != last - first:
            fact = f"returns a history with {len(history[key])} entries in {key!r}, expected {last - first}"
            raise Mismatch(f"{fact}: one for each step of this session.")
    start = history["steps"][0]
    if start - first not in (0, 1) or history["steps"] != [start + n for n in range(last - first)]:
        raise Mismatch(f"returns 'steps' that are not {first} to {last - 1}.")
    for number, got in enumerate(history["lr"]):
        want = rate(first + number, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        if not math.isclose(got, want, rel_tol=1e-4, abs_tol=1e-9):
            line = f"  lr_schedule counts from 0 to {cfg.steps}, the whole run, also when the session stops before."
            raise Mismatch(f"returns lr {got:.4g} for step {first + number}, which uses {want:.4g}.", line)
    if not all(math.isfinite(loss) for loss in history["train_loss"] + history["val_loss"]):
        raise Mismatch("returns a loss that is not finite.")


def looks(history, first, last, cfg):
    """One validation loss whenever the steps made are a multiple of eval_every, and at the end; perhaps one before."""
    due = [made for made in range(first + 1, last + 1) if made % cfg.eval_every == 0 or made == last]
    if len(history["val_loss"]) not in (len(due), len(due) + 1):
        line = f"  eval_every is {cfg.eval_every}: due after {' and '.join(map(str, due))} steps of the schedule."
        raise Mismatch(f"returns {len(history['val_loss'])} entries in 'val_loss', expected {len(due)}.", line)


def history(learner, draw):
    """The history has one entry per step in steps, train_loss and lr, and the last val_loss is that of the weights."""
    session = Session(learner, cycle(draw, 200), RUN, draw.number(0, 1000))
    covers(session.history, 0, RUN.steps, RUN)
    start = session.history["train_loss"][0]
    if abs(start - math.log(VOCAB)) > 0.2:
        line = f"  Weights that know nothing have {math.log(VOCAB):.2f}, the logarithm of the {VOCAB} tokens."
        raise Mismatch(f"returns a first train_loss of {start:.2f}.", line)
    looks(session.history, 0, RUN.steps, RUN)
    reported(session)


def reported(session):
    want, got = session.validation_loss(), session.history["val_loss"][-1]
    if abs(got - want) > 0.05 + 0.05 * want:
        line = "  It is the mean over the whole last tenth, after the last step."
        raise Mismatch(f"reports a last val_loss of {got:.3f}; its weights have {want:.3f}.", line)


def batches(learner, draw):
    """Each step trains on cfg.batch rows of cfg.pos tokens, which are other ones at each step."""
    cfg = replace(RUN, batch=4, pos=6, steps=4, eval_every=LAST)
    session = Session(learner, draw.ids(VOCAB, 600), cfg, draw.number(0, 1000))
    seen = session.given.trained_on(session.model)
    rows, lengths = sum(len(x) for x in seen), {x.shape[-1] for x in seen}
    if rows != cfg.batch * cfg.steps or not lengths <= {cfg.pos, cfg.pos + 1}:
        line = f"  In {cfg.steps} steps it read {rows} rows, of lengths {sorted(lengths)}."
        raise Mismatch(f"does not train on {cfg.batch} rows of {cfg.pos} tokens in each step.", line)
    different = {tuple(row.tolist()) for x in seen for row in x}
    if len(different) < rows - 2:
        line = f"  Of {rows} rows only {len(different)} are different."
        raise Mismatch("trains on the same rows again and again.", line)


def rates_used(learner, draw):
    """Training starts from the weights that it is given, and each step moves them by about the lr of that step."""
    data, seed = cycle(draw, 200), draw.number(0, 1000)
    cfg = replace(RUN, steps=5, warmup=3, min_lr=1e-6, eval_every=LAST)
    first = Session(learner, data, replace(cfg, stop=1), seed)
    covers(first.history, 0, 1, cfg)
    want = cfg.max_lr / cfg.warmup
    if not 0.5 * want < first.moved() < 1.5 * want:
        line = f"  With AdamW the first step moves every weight by about lr, here {want:.4f}."
        raise Mismatch(f"moves the weights by up to {first.moved():.4f} in the first step.", line)
    almost = Session(learner, data, replace(cfg, stop=4), seed)
    covers(almost.history, 0, 4, cfg)
    whole = Session(learner, data, cfg, seed)
    if not 0 < whole.moved(almost) < 10 * cfg.min_lr:
        line = f"  Its rate is min_lr, here {cfg.min_lr:g}."
        raise Mismatch(f"moves the weights by up to {whole.moved(almost):.2g} in the last step.", line)


def held_out(learner, draw):
    """The last tenth of the data is never trained on, and val_loss is measured there."""
    cfg = replace(RUN, steps=4, batch=20, max_lr=0.05)
    session = Session(learner, two_worlds(draw, 500), cfg, draw.number(0, 1000))
    embedding, start = session.after["embed.W_E"], session.before["embed.W_E"]
    if not torch.equal(embedding[-3:], start[-3:]):
        line = "  Their embeddings have moved, and weight_decay is 0."
        raise Mismatch("trains on tokens that stand in the last tenth of the data only.", line)
    if (embedding[:-3] == start[:-3]).all(-1).any():
        raise Mismatch("never trains on some of the tokens in the first nine tenths.")
    reported(session)


def decay(learner, draw):
    """cfg.weight_decay shrinks matrices and embeddings, also the ones nothing else moves; gains are left alone."""
    cfg = replace(RUN, steps=2, warmup=0, max_lr=0.01, min_lr=0.01, weight_decay=20.0, eval_every=LAST)
    session = Session(learner, cycle(draw, 200), cfg, draw.number(0, 1000))
    unused = slice(cfg.pos + 1, None)  # positions that no row reaches
    left = session.after["pos_embed.W_pos"][unused].norm() / session.before["pos_embed.W_pos"][unused].norm()
    want = (1 - cfg.max_lr * cfg.weight_decay) ** cfg.steps
    if abs(left - want) > 0.01:
        line = f"  lr {cfg.max_lr:g}, weight_decay {cfg.weight_decay:g}, {cfg.steps} steps."
        raise Mismatch(f"leaves {left:.0%} of a matrix that only decays, expected {want:.0%}.", line)
    for name in ("blocks.0.ln1.w", "ln_final.w"):
        if (session.after[name] - 1).abs().max() > 0.2:
            raise Mismatch(f"lets {name} decay, which is a gain.")


def clipping(learner, draw):
    """The gradient is clipped to cfg.max_norm."""
    cfg = replace(RUN, steps=2, max_norm=1e-12, eval_every=LAST)
    session = Session(learner, cycle(draw, 200), cfg, draw.number(0, 1000))
    if session.moved() > 0.1 * cfg.max_lr:
        line = "  Clipped to a norm of 1e-12 it is far below AdamW's epsilon, so the weights hardly move."
        raise Mismatch("does not clip the gradient to cfg.max_norm.", line)


def seeds(learner, draw):
    """The same seed gives the same weights, another seed others."""
    data, seed, cfg = draw.ids(VOCAB, 200), draw.number(0, 1000), replace(RUN, steps=2, eval_every=LAST)
    once, again, other = (Session(learner, data, cfg, number) for number in (seed, seed, seed + 1))
    if once.moved(again) > 1e-6:
        raise Mismatch("gives other weights when it is called again with the same seed.")
    if once.moved(other) < 1e-6:
        raise Mismatch("gives the same weights for two different seeds.", "  The seed decides which rows are drawn.")


def resumed(learner, draw):
    """A session that resumes from a checkpoint ends at the weights of a run that was never interrupted."""
    data, seed, stop = draw.ids(VOCAB, 200), draw.number(0, 1000), 2
    cfg = replace(RUN, steps=4, eval_every=3)
    path = learner.given.inside(folder := learner.given.folder({}), "run.checkpoint")
    first = Session(learner, data, replace(cfg, stop=stop, checkpoint=path), seed)
    covers(first.history, 0, stop, cfg)
    if not learner.given.listing(folder):
        raise Mismatch("saves nothing at cfg.checkpoint at the end of the session.")
    whole = Session(learner, data, cfg, seed)
    second = Session(learner, data, cfg, seed, path, shift=0.3)
    covers(second.history, stop, cfg.steps, cfg)
    looks(second.history, stop, cfg.steps, cfg)
    if second.moved(whole) > 1e-5:
        line = "  Model, optimizer, step and the state of the generator must all come back."
        raise Mismatch(f"ends {second.moved(whole):.2g} away from the weights of an uninterrupted run.", line)
    for got, want in zip(second.history["train_loss"], whole.history["train_loss"][stop:], strict=True):
        if abs(got - want) > 1e-4:
            raise Mismatch(f"returns a train_loss of {got:.4f} where the uninterrupted run has {want:.4f}.")
    Session(learner, data, replace(cfg, stop=3, checkpoint=path), seed, path, shift=0.3)
    third = Session(learner, data, cfg, seed, path, shift=0.2)
    covers(third.history, 3, cfg.steps, cfg)
    if third.moved(whole) > 1e-5:
        line = "  The first two sessions stopped after 2 and 3 steps; the second one has to save, too."
        raise Mismatch(f"ends {third.moved(whole):.2g} away from the uninterrupted run in the third session.", line)


def learns(learner, draw):
    """A text in which each token says the next one is known after 25 steps: the loss of the weights is below 0.1."""
    cfg = TrainConfig(25, batch=8, pos=5, max_lr=0.05, min_lr=0.005, warmup=2, weight_decay=0.0, eval_every=LAST)
    session = Session(learner, cycle(draw, 200), cfg, draw.number(0, 1000))
    loss = session.validation_loss()
    if loss > 0.1:
        line = f"  Knowing nothing is {math.log(VOCAB):.2f}, knowing this text is 0."
        raise Mismatch(f"leaves weights with a loss of {loss:.2f} on a text that is easily learned.", line)


def beats_bigrams(learner, draw):
    """Trained on the stories, the weights predict the last tenth better than counting pairs of tokens does."""
    data, vocab = stories(draw.number(0, 1000))
    sizes = Config(d_vocab=vocab, n_ctx=12, d_model=24, n_layers=1, n_heads=2, d_head=12, d_mlp=48, init_range=0.05)
    cfg = TrainConfig(steps=50, batch=48, pos=12, max_lr=0.03, min_lr=0.003, warmup=5, eval_every=LAST)
    session = Session(learner, data, cfg, draw.number(0, 1000), sizes=sizes)
    new = data[-(len(data) // 10) :]
    loss, bound = loss_of(session.after, new, sizes, cfg.pos), bigram_loss(data[: -len(new)], new, vocab)
    if loss > bound:
        line = f"  A table of how often each token follows each other one has {bound:.2f}."
        raise Mismatch(f"leaves weights with a loss of {loss:.2f} on the last tenth of the stories.", line)


TRAINING = "hookpoint.model.training:"
NAMES = ("get_batch", "lr_schedule", "clip_grad_norm", "decay_groups", "train_step", "evaluate")
EXERCISE = Exercise(
    "train",
    checks=(rates_used, history, batches, held_out, decay, clipping, seeds, resumed, learns, beats_bigrams),
    reference=reference,
    limit=60.0,
    needs={
        **{name: TRAINING + name for name in NAMES},
        "AdamW": "hookpoint.model.adamw:AdamW",
        "save_checkpoint": "hookpoint.model.checkpoints:save_checkpoint",
        "load_checkpoint": "hookpoint.model.checkpoints:load_checkpoint",
        "lm_loss": "hookpoint.model.loss:lm_loss",
    },
    slips=(
        Slip("validation reads the training data", slips.evaluates_on_training),
        Slip("all of the data is trained on, the last tenth too", slips.trains_on_everything),
        Slip("the first tenth of the data is kept for validation, not the last", slips.first_tenth),
        Slip("the rate of the next step is written down, not the one that was used", slips.lr_after_step),
        Slip("the rate is computed but never set in the optimizer's param_groups", slips.lr_not_set),
        Slip("the rate is constant", slips.constant_lr),
        Slip("the schedule ends where this session stops, not where the run ends", slips.schedule_of_session),
        Slip("the schedule counts steps from 1", slips.counted_from_one),
        Slip("the rate is set in the first group only, so biases and gains keep their own", slips.first_group_only),
        Slip("one batch is drawn before the loop and used at every step", slips.one_batch_for_all),
        Slip("everything decays, the LayerNorm gains too", slips.everything_decays),
        Slip("cfg.weight_decay is not used", slips.no_decay),
        Slip("cfg.max_norm is not used", slips.not_clipped),
        Slip("the seed is ignored", slips.seed_ignored),
        Slip("the generator is not saved, so the resumed session draws the first batches again", slips.rng_not_saved),
        Slip("the optimizer's moments are not saved", slips.optimizer_not_saved),
        Slip("the model's weights are not saved", slips.model_not_saved),
        Slip("the resumed session starts to count at 0", slips.starts_again),
        Slip("the checkpoint is one step behind", slips.step_behind),
        Slip("nothing is saved", slips.nothing_saved),
        Slip("cfg.stop is ignored", slips.stop_ignored),
        Slip("the resumed session makes cfg.steps steps of its own", slips.steps_of_session),
        Slip("the last step is left out", slips.last_step_missing),
        Slip("a copy of the model is trained, and the one that was given stays as it was", slips.copy_trained),
        Slip("the model's weights are drawn anew at the start", slips.drawn_anew),
        Slip("the losses are written down every eval_every steps only", slips.sparse_history),
    ),
)
