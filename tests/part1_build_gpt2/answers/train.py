# %% right="one function, torch's optimizer, torch.save"
import math

import torch
from torch.nn import functional as F


def train(model, data, cfg, seed, resume=None):
    n = len(data) - len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    opt = torch.optim.AdamW(
        [
            {"params": [p for k, p in model.named_parameters() if ".W_" in k], "weight_decay": cfg.weight_decay},
            {"params": [p for k, p in model.named_parameters() if ".W_" not in k], "weight_decay": 0.0},
        ],
        lr=cfg.max_lr,
    )
    start = 0
    if resume is not None:
        saved = torch.load(resume)
        model.load_state_dict(saved["model"])
        opt.load_state_dict(saved["opt"])
        rng.set_state(saved["rng"])
        start = saved["step"]
    history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    end = cfg.stop or cfg.steps
    for step in range(start, end):
        if step < cfg.warmup:
            lr = cfg.max_lr * (step + 1) / cfg.warmup
        else:
            top = max(cfg.warmup - 1, 0)
            lr = cfg.min_lr + (cfg.max_lr - cfg.min_lr) / 2 * (
                1 + math.cos(math.pi * (step - top) / (cfg.steps - 1 - top))
            )
        for group in opt.param_groups:
            group["lr"] = lr
        i = torch.randint(n - cfg.pos, (cfg.batch,), generator=rng)
        rows = torch.stack([data[j : j + cfg.pos + 1] for j in i.tolist()])
        loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.max_norm)
        opt.step()
        history["steps"].append(step)
        history["train_loss"].append(loss.item())
        history["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step == end - 1:
            with torch.no_grad():
                rest = data[n:]
                losses = []
                for a in range(0, len(rest) - 1, cfg.pos):
                    row = rest[None, a : a + cfg.pos + 1]
                    losses.append(F.cross_entropy(model(row[:, :-1])[0], row[0, 1:], reduction="none"))
            history["val_loss"].append(torch.cat(losses).mean().item())
    if cfg.checkpoint is not None:
        state = {"model": model.state_dict(), "opt": opt.state_dict(), "rng": rng.get_state(), "step": end}
        torch.save(state, cfg.checkpoint)
    return history


# %% right="the pieces; rows from a generator for each step"
import torch


def train(model, data, cfg, seed, resume=None):
    cut = int(len(data) * 0.9)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay), lr=0.0)
    at = load_checkpoint(resume, model, optimizer) if resume else 0
    end = cfg.steps if cfg.stop is None else cfg.stop
    out = dict(steps=[], train_loss=[], val_loss=[], lr=[])

    def look():
        tail, T = data[cut:], cfg.pos
        k = (len(tail) - 1) // T
        pairs = [(tail[i * T : i * T + T][None], tail[i * T + 1 : i * T + T + 1][None]) for i in range(k)]
        return evaluate(model, pairs)

    while at < end:
        rng = torch.Generator().manual_seed(seed * 1_000_003 + at)
        rate = lr_schedule(at, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in optimizer.param_groups:
            g["lr"] = rate
        out["lr"].append(rate)
        out["steps"].append(at)
        batch = get_batch(data[:cut], cfg.batch, cfg.pos, rng)
        out["train_loss"].append(train_step(model, [batch], optimizer, cfg.max_norm))
        at += 1
        if at % cfg.eval_every == 0 or at == end:
            out["val_loss"].append((at, look()))
    if cfg.checkpoint:
        save_checkpoint(cfg.checkpoint, model, optimizer, step=at)
    return out


# %% right="micro-batches of one row, steps counted from 1, a bar"
import sys

import torch
from tqdm import tqdm


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator()
    rng.manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay))
    start = 0
    if resume is not None:
        start = load_checkpoint(resume, model, optimizer, rng)
    stop = cfg.stop if cfg.stop is not None else cfg.steps
    steps, losses, looks, rates = [], [], [], []
    for step in tqdm(range(start, stop), file=sys.stdout):
        rates.append(lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps))
        for group in optimizer.param_groups:
            group["lr"] = rates[-1]
        x, y = get_batch(data[:-val], cfg.batch, cfg.pos, rng)
        losses.append(train_step(model, list(zip(x.split(1), y.split(1))), optimizer, cfg.max_norm))
        steps.append(step + 1)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == stop:
            rest = data[-val:]
            rows = rest.unfold(0, cfg.pos + 1, cfg.pos)
            looks.append([step + 1, evaluate(model, [(rows[:, :-1], rows[:, 1:])])])
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, optimizer, stop, rng)
    return {"steps": steps, "train_loss": losses, "val_loss": looks, "lr": rates}


# %% right="a class that holds the run"
import torch
from torch.nn import functional as F


class Run:
    def __init__(self, model, data, cfg, seed):
        self.model, self.cfg = model, cfg
        keep = len(data) - len(data) // 10
        self.train, self.val = data[:keep], data[keep:]
        self.rng = torch.Generator().manual_seed(seed)
        self.opt = torch.optim.AdamW(decay_groups(model, cfg.weight_decay), lr=cfg.max_lr)
        self.at = 0
        self.log = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}

    def step(self):
        lr = lr_schedule(self.at, self.cfg.max_lr, self.cfg.min_lr, self.cfg.warmup, self.cfg.steps)
        for g in self.opt.param_groups:
            g.update(lr=lr)
        batch = get_batch(self.train, self.cfg.batch, self.cfg.pos, self.rng)
        loss = train_step(self.model, [batch], self.opt, self.cfg.max_norm)
        for key, value in (("steps", self.at), ("train_loss", loss), ("lr", lr)):
            self.log[key].append(value)
        self.at += 1

    def look(self):
        x = self.val[: (len(self.val) - 1) // self.cfg.pos * self.cfg.pos].view(-1, self.cfg.pos)
        y = self.val[1 : x.numel() + 1].view_as(x)
        self.log["val_loss"].append((self.at, evaluate(self.model, [(x, y)])))


def train(model, data, cfg, seed, resume=None):
    run = Run(model, data, cfg, seed)
    if resume is not None:
        run.at = load_checkpoint(resume, model, run.opt, run.rng)
    run.look()
    end = cfg.stop or cfg.steps
    while run.at < end:
        run.step()
        if run.at % cfg.eval_every == 0 or run.at == end:
            run.look()
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, run.opt, run.at, run.rng)
    return run.log


# %% wrong="plain gradient descent"
import torch


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    opt = torch.optim.SGD(model.parameters(), lr=cfg.max_lr)
    h = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in range(cfg.stop or cfg.steps):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        h["train_loss"].append(train_step(model, [get_batch(data[:-val], cfg.batch, cfg.pos, rng)], opt, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == (cfg.stop or cfg.steps):
            v = data[-val:]
            x, y = v[:-1].unfold(0, cfg.pos, cfg.pos), v[1:].unfold(0, cfg.pos, cfg.pos)
            h["val_loss"].append((step + 1, evaluate(model, [(x, y)])))
    return h


# %% wrong="the global generator is seeded"
import torch


def train(model, data, cfg, seed, resume=None):
    torch.manual_seed(seed)
    val = len(data) // 10
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    h = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in range(cfg.stop or cfg.steps):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        batch = get_batch(data[:-val], cfg.batch, cfg.pos, torch.default_generator)
        h["train_loss"].append(train_step(model, [batch], opt, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == (cfg.stop or cfg.steps):
            v = data[-val:]
            x, y = v[:-1].unfold(0, cfg.pos, cfg.pos), v[1:].unfold(0, cfg.pos, cfg.pos)
            h["val_loss"].append((step + 1, evaluate(model, [(x, y)])))
    return h


# %% wrong="the optimizer is made anew at every step"
import torch


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    first = load_checkpoint(resume, model, opt, rng) if resume else 0
    h = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    last = cfg.stop or cfg.steps
    for step in range(first, last):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        fresh = AdamW(decay_groups(model, cfg.weight_decay), lr=lr)
        batch = get_batch(data[:-val], cfg.batch, cfg.pos, rng)
        h["train_loss"].append(train_step(model, [batch], fresh, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr * 1.001)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            v = data[-val:]
            x, y = v[:-1].unfold(0, cfg.pos, cfg.pos), v[1:].unfold(0, cfg.pos, cfg.pos)
            h["val_loss"].append((step + 1, evaluate(model, [(x, y)])))
    if cfg.checkpoint:
        save_checkpoint(cfg.checkpoint, model, opt, last, rng)
    return h


# %% wrong="the history of a resumed session begins with zeros for the steps before"
import torch


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    first = load_checkpoint(resume, model, opt, rng) if resume else 0
    h = {"steps": list(range(first)), "train_loss": [0.0] * first, "val_loss": [], "lr": [0.0] * first}
    last = cfg.stop or cfg.steps
    for step in range(first, last):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        batch = get_batch(data[:-val], cfg.batch, cfg.pos, rng)
        h["train_loss"].append(train_step(model, [batch], opt, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            v = data[-val:]
            x, y = v[:-1].unfold(0, cfg.pos, cfg.pos), v[1:].unfold(0, cfg.pos, cfg.pos)
            h["val_loss"].append((step + 1, evaluate(model, [(x, y)])))
    if cfg.checkpoint:
        save_checkpoint(cfg.checkpoint, model, opt, last, rng)
    return h


# %% wrong="the last tenth of a shuffled text"
import torch


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    data = data[torch.randperm(len(data), generator=rng)]
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    first = load_checkpoint(resume, model, opt, rng) if resume else 0
    h = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    last = cfg.stop or cfg.steps
    for step in range(first, last):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        batch = get_batch(data[:-val], cfg.batch, cfg.pos, rng)
        h["train_loss"].append(train_step(model, [batch], opt, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            v = data[-val:]
            x, y = v[:-1].unfold(0, cfg.pos, cfg.pos), v[1:].unfold(0, cfg.pos, cfg.pos)
            h["val_loss"].append((step + 1, evaluate(model, [(x, y)])))
    if cfg.checkpoint:
        save_checkpoint(cfg.checkpoint, model, opt, last, rng)
    return h


# %% wrong="rows of batch tokens, pos of them"
import torch


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    first = load_checkpoint(resume, model, opt, rng) if resume else 0
    h = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    last = cfg.stop or cfg.steps
    for step in range(first, last):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        batch = get_batch(data[:-val], cfg.pos, cfg.batch, rng)
        h["train_loss"].append(train_step(model, [batch], opt, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            v = data[-val:]
            x, y = v[:-1].unfold(0, cfg.pos, cfg.pos), v[1:].unfold(0, cfg.pos, cfg.pos)
            h["val_loss"].append((step + 1, evaluate(model, [(x, y)])))
    if cfg.checkpoint:
        save_checkpoint(cfg.checkpoint, model, opt, last, rng)
    return h


# %% wrong="validation draws from the generator of the run, and the state is saved before the last look"
import torch


def train(model, data, cfg, seed, resume=None):
    val = len(data) // 10
    rng = torch.Generator().manual_seed(seed)
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    first = load_checkpoint(resume, model, opt, rng) if resume else 0
    h = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    last = cfg.stop or cfg.steps
    for step in range(first, last):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        batch = get_batch(data[:-val], cfg.batch, cfg.pos, rng)
        h["train_loss"].append(train_step(model, [batch], opt, cfg.max_norm))
        h["steps"].append(step)
        h["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            h["val_loss"].append((step + 1, evaluate(model, [get_batch(data[-val:], 200, cfg.pos, rng)])))
    if cfg.checkpoint:
        save_checkpoint(cfg.checkpoint, model, opt, last, rng)
    return h


# %% wrong="returns only the last losses"
import torch


def train(model, data, cfg, seed, resume=None):
    rng = torch.Generator().manual_seed(seed)
    opt = AdamW(decay_groups(model, cfg.weight_decay))
    for step in range(cfg.stop or cfg.steps):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for g in opt.param_groups:
            g["lr"] = lr
        loss = train_step(model, [get_batch(data[: -(len(data) // 10)], cfg.batch, cfg.pos, rng)], opt, cfg.max_norm)
    return {"steps": cfg.steps, "train_loss": loss, "val_loss": loss, "lr": lr}


# %% wrong="validation is looked at every so many steps of the session, not of the schedule"
import torch


def windows(data, B, T):
    whole = (len(data) - 1) // T
    x, y = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(x.split(B), y.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


def train(model, data, cfg, seed, resume=None):
    cut = len(data) - len(data) // 10
    training, validation = data[:cut], data[cut:]
    rng = torch.Generator().manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay), lr=cfg.max_lr)
    start = 0
    if resume is not None:
        start = load_checkpoint(resume, model, optimizer, rng)
    end = cfg.steps if cfg.stop is None else cfg.stop
    history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in range(start, end):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = get_batch(training, cfg.batch, cfg.pos, rng)
        loss = train_step(model, [batch], optimizer, cfg.max_norm)
        history["steps"].append(step)
        history["train_loss"].append(loss)
        history["lr"].append(lr)
        if (step + 1 - start) % cfg.eval_every == 0 or step + 1 == end:
            history["val_loss"].append((step + 1, evaluate(model, windows(validation, cfg.batch, cfg.pos))))
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, optimizer, end, rng)
    return history


# %% wrong="the weights of the best look are put back at the end"
import torch


def windows(data, B, T):
    whole = (len(data) - 1) // T
    x, y = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(x.split(B), y.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


def train(model, data, cfg, seed, resume=None):
    cut = len(data) - len(data) // 10
    training, validation = data[:cut], data[cut:]
    rng = torch.Generator().manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay), lr=cfg.max_lr)
    start = 0
    if resume is not None:
        start = load_checkpoint(resume, model, optimizer, rng)
    end = cfg.steps if cfg.stop is None else cfg.stop
    history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in range(start, end):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = get_batch(training, cfg.batch, cfg.pos, rng)
        loss = train_step(model, [batch], optimizer, cfg.max_norm)
        history["steps"].append(step)
        history["train_loss"].append(loss)
        history["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == end:
            seen = evaluate(model, windows(validation, cfg.batch, cfg.pos))
            if all(seen < value for _, value in history["val_loss"]):
                best = {name: value.clone() for name, value in model.state_dict().items()}
            history["val_loss"].append((step + 1, evaluate(model, windows(validation, cfg.batch, cfg.pos))))
    model.load_state_dict(best)
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, optimizer, end, rng)
    return history


# %% right="a Trainer class that draws the earlier rows again when it resumes"
import torch


def windows(data, B, T):
    whole = (len(data) - 1) // T
    x, y = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(x.split(B), y.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


class Trainer:
    def __init__(self, model, data, cfg, seed):
        self.model, self.cfg = model, cfg
        cut = len(data) * 9 // 10
        self.data = {"train": data[:cut], "val": data[cut:]}
        self.rng = torch.Generator().manual_seed(seed)
        self.optimizer = AdamW(decay_groups(model, weight_decay=cfg.weight_decay), weight_decay=cfg.weight_decay)
        self.made = 0
        self.history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}

    def rows(self):
        return get_batch(self.data["train"], self.cfg.batch, self.cfg.pos, self.rng)

    def resume(self, path):
        self.made = load_checkpoint(path, self.model, self.optimizer)
        for _ in range(self.made):
            self.rows()

    def one(self):
        cfg = self.cfg
        lr = lr_schedule(self.made, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in self.optimizer.param_groups:
            group.update(lr=lr)
        loss = train_step(self.model, [self.rows()], self.optimizer, cfg.max_norm)
        for key, value in (("steps", self.made), ("train_loss", loss), ("lr", lr)):
            self.history[key].append(value)
        self.made += 1

    def look(self):
        loss = evaluate(self.model, windows(self.data["val"], self.cfg.batch, self.cfg.pos))
        self.history["val_loss"].append((self.made, loss))
        if self.cfg.checkpoint is not None:
            save_checkpoint(self.cfg.checkpoint, self.model, self.optimizer, self.made)


def train(model, data, cfg, seed, resume=None):
    trainer = Trainer(model, data, cfg, seed)
    if resume is not None:
        trainer.resume(resume)
    end = cfg.stop or cfg.steps
    while trainer.made < end:
        trainer.one()
        if trainer.made % cfg.eval_every == 0 or trainer.made == end:
            trainer.look()
    return trainer.history


# %% wrong="the number of steps of the session is saved as the step"
import math
from itertools import pairwise
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from hookpoint.model import TrainConfig


def windows(data, B, T):
    whole = (len(data) - 1) // T
    x, y = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(x.split(B), y.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


def progress(steps):
    return steps


def train(model: nn.Module, data: Int[Tensor, "tokens"], cfg: TrainConfig, seed: int, resume=None) -> dict[str, list]:
    """Trains the model for one session; gives the history of its steps."""
    held_out = len(data) // 10
    training, validation = data[:-held_out], data[-held_out:]
    rng = torch.Generator().manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay))
    first = 0 if resume is None else load_checkpoint(resume, model, optimizer, rng)
    last = cfg.steps if cfg.stop is None else cfg.stop
    history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in progress(range(first, last)):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = get_batch(training, cfg.batch, cfg.pos, rng)
        history["train_loss"].append(train_step(model, [batch], optimizer, cfg.max_norm))
        history["steps"].append(step)
        history["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            history["val_loss"].append((step + 1, evaluate(model, windows(validation, cfg.batch, cfg.pos))))
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, optimizer, len(history["steps"]), rng)
    return history


# %% wrong="only the first session saves"
import math
from itertools import pairwise
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from hookpoint.model import TrainConfig


def windows(data, B, T):
    whole = (len(data) - 1) // T
    x, y = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(x.split(B), y.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


def progress(steps):
    return steps


def train(model: nn.Module, data: Int[Tensor, "tokens"], cfg: TrainConfig, seed: int, resume=None) -> dict[str, list]:
    """Trains the model for one session; gives the history of its steps."""
    held_out = len(data) // 10
    training, validation = data[:-held_out], data[-held_out:]
    rng = torch.Generator().manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay))
    first = 0 if resume is None else load_checkpoint(resume, model, optimizer, rng)
    last = cfg.steps if cfg.stop is None else cfg.stop
    history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in progress(range(first, last)):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = get_batch(training, cfg.batch, cfg.pos, rng)
        history["train_loss"].append(train_step(model, [batch], optimizer, cfg.max_norm))
        history["steps"].append(step)
        history["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            history["val_loss"].append((step + 1, evaluate(model, windows(validation, cfg.batch, cfg.pos))))
    if cfg.checkpoint is not None and resume is None:
        save_checkpoint(cfg.checkpoint, model, optimizer, last, rng)
    return history
