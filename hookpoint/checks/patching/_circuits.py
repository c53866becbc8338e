"""What is left of a metric when only a circuit is left: in fractions, as a plain function, and wrong in many ways."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch
from hookpoint.checks.compare import describe
from hookpoint.model import Config

from . import _handmade as hand
from ._plain import SMALL, Case, z_at
from ._sweeps import z

ALL = slice(None)
LARGE = replace(SMALL, n_layers=4, n_heads=5)


def every(cfg) -> set:
    heads = {(layer, head) for layer in range(cfg.n_layers) for head in range(cfg.n_heads)}
    return heads if cfg.attn_only else heads | {("mlp", layer) for layer in range(cfg.n_layers)}


class Left:
    """The metric with only these nodes left, as a plain function of the weights. `case` has `ref` beside its inputs."""

    def __init__(self, case: Case, ref: Tensor):
        self.case, self.known = case, {}
        _, self.seen = case.run(ref)

    def __call__(self, circuit: set) -> Tensor:
        edits: dict[str, Callable] = {}
        for layer in range(self.case.cfg.n_layers):
            out = [head for head in range(self.case.cfg.n_heads) if (layer, head) not in circuit]
            edits[z_at(layer)] = self.averaged(z_at(layer), (ALL, ALL, out))
            if not self.case.cfg.attn_only and ("mlp", layer) not in circuit:
                name = f"blocks.{layer}.hook_mlp_out"
                edits[name] = self.averaged(name, (ALL,))
        return self.case.patched(self.case.clean, edits)

    def averaged(self, name: str, where: tuple) -> Callable:
        mean = self.seen[name].mean(dim=0, keepdim=True)

        def edit(value: Tensor) -> Tensor:
            value = value.clone()
            value[where] = mean.expand_as(value)[where]
            return value

        return edit

    def beyond(self) -> list[set]:
        """Two circuits of which one keeps more than all, and one less than nothing."""
        each = [{node} for node in sorted(self.whole, key=str)]
        by_share = sorted([*each, *(self.whole - node for node in each)], key=self.share)
        return [by_share[-1], by_share[0]]

    @property
    def whole(self) -> set:
        return every(self.case.cfg)

    def share(self, circuit: set) -> float:
        left, whole, none = (self.once(frozenset(each)) for each in (circuit, self.whole, ()))
        return (left - none) / (whole - none)

    def once(self, circuit: frozenset) -> float:
        if circuit not in self.known:
            self.known[circuit] = float(self(circuit))
        return self.known[circuit]


class LeftInFractions(Left):
    """The same on the model of fractions, without a tensor until the end."""

    def __init__(self, case: Case, ref: Tensor):
        self.case, self.known = case, {}
        runs = [hand.Program(row) for row in ref.tolist()]
        self.means = {
            head: [sum(run.z[head][t] for run in runs) / len(runs) for t in range(ref.shape[1])] for head in hand.HEADS
        }

    def __call__(self, circuit: set) -> Tensor:
        out = {head: mean for head, mean in self.means.items() if head not in circuit}
        return self.case.value(hand.tensor([hand.Program(row, z=out).logits for row in self.case.clean.tolist()]))


def handmade(learner, draw) -> tuple[Case, Tensor, Left]:
    """The model of fractions. Every position of `ref` has a whole number as its mean, so that powers of two stay so."""
    return with_a_gap(lambda: handmade_once(learner, draw))


def handmade_once(learner, draw) -> tuple[Case, Tensor, Left]:
    case = Case(learner, draw, handmade=True, batch=2, length=4)
    some = draw.ids(3, 3, 4)
    some[0, 0] = 0
    ref = torch.cat([some, 2 - some, torch.ones_like(some[:1])])
    ref[:, 1], ref[:, 2] = 2, 0
    return case, ref, LeftInFractions(case, ref)


def gpt2(learner, draw, cfg: Config = SMALL) -> tuple[Case, Tensor, Left]:
    """A small GPT-2 with random weights, and texts to take means over."""
    return with_a_gap(lambda: gpt2_once(learner, draw, cfg))


def gpt2_once(learner, draw, cfg: Config) -> tuple[Case, Tensor, Left]:
    case = Case(learner, draw, cfg=cfg)
    ref = draw.ids(cfg.d_vocab, 7, case.clean.shape[1])
    ref[-1] = ref[0]  # a text that is there twice counts twice
    return case, ref, Left(case, ref)


def with_a_gap(make: Callable) -> tuple[Case, Tensor, Left]:
    """A case in which the whole model is well apart from nothing at all, so that shares do not amplify rounding."""
    for _ in range(10):
        case, ref, left = make()
        whole, none = left.once(frozenset(left.whole)), left.once(frozenset())
        if abs(whole - none) > 0.1 * (abs(whole) + abs(none)):
            break
    return case, ref, left


def other_texts(draw, case: Case, rows: int = 2) -> tuple[Case, Tensor, Left]:
    """The same model and inputs, with other texts to take means over: fewer of them than there are inputs."""

    def make():
        ref = draw.ids(case.cfg.d_vocab, rows, case.clean.shape[1])
        return case, ref, Left(case, ref)

    return with_a_gap(make)


def close(got: Tensor, want: float, when: str, whole: object = None) -> None:
    """Raises `Mismatch` unless a number is right, on the scale on which the whole model is 1."""
    whole = got if whole is None else whole
    if isinstance(got, (str, bytes)) or (isinstance(got, Tensor) and got.ndim):
        raise Mismatch(f"gives {describe(got)} {when}, expected a number.", got=whole)
    if abs(float(got) - want) > 2e-4 * max(1.0, abs(want)):  # right answers are within 1e-5
        raise Mismatch(f"gives {float(got):.4f} {when}, expected {want:.4f}.", got=whole)


class Wrong:
    """A way to leave only a circuit; right by default."""

    def __init__(self, source="ref", mean=(0,), mlps=True, zero=False, which=lambda node: node, first=False):
        self.source, self.mean, self.mlps, self.zero, self.which, self.first = source, mean, mlps, zero, which, first

    def left(self, model, clean, ref_tokens, metric) -> Callable:
        _, cache = model.run_with_cache(ref_tokens if self.source == "ref" else clean)
        nodes = {node for node in every(model.cfg) if self.mlps or node[0] != "mlp"}

        def value(name, act):
            if self.zero:
                return torch.zeros_like(act)
            if self.first:
                return cache[name][:1].expand_as(act)
            return cache[name].mean(dim=self.mean, keepdim=True).expand_as(act)

        def kept(circuit):
            hooks = []
            circuit = {self.which(node) for node in circuit}
            for node in nodes - circuit:
                if node[0] == "mlp":
                    name = f"blocks.{node[1]}.hook_mlp_out"
                    hooks.append((name, lambda act, point: value(point.name, act)))
                else:
                    hooks.append((z(node[0]), self.one(node[1], value)))
            with torch.no_grad():
                return metric(model.run_with_hooks(clean, hooks))

        return kept

    @staticmethod
    def one(head, value):
        def hook(act, point):
            act = act.clone()
            act[:, :, head] = value(point.name, act)[:, :, head]
            return act

        return hook


def swapped(node: tuple) -> tuple:
    """Layer and head the wrong way round."""
    return node if node[0] == "mlp" else node[::-1]


ZERO, OF_CLEAN = Wrong(zero=True), Wrong(source="clean")
OVER_POSITIONS, HEADS_ONLY = Wrong(mean=(0, 1)), Wrong(mlps=False)
HEAD_FIRST, ONE_TEXT = Wrong(which=swapped), Wrong(first=True)
RIGHT = Wrong()
