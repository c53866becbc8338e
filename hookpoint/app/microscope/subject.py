"""A model under the microscope: its weights, its reader, its tasks, and the runs that the views share."""

import functools
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from hookpoint import zoo
from hookpoint.app.yours.sources import load_source
from hookpoint.errors import HookpointError
from hookpoint.model import GPT2

from .catalogue import SYMBOLS, TEXT
from .families import Family, Pair, families, of_text
from .reader import Reader, Symbols, Words

__all__ = ["Batch", "Subject", "load"]

LIKE_IT = 32  # prompts that a mean is taken over
FEW = 4  # the same for a large model, where each prompt takes seconds
LARGE = 4096  # a vocabulary from which on a model is large, and no [d_vocab, d_vocab] matrix is made


@dataclass
class Batch:
    """Pairs of prompts of one length with both runs.

    Attributes:
        clean, changed: Tokens [n pos].
        answer, foil: What is told apart [n].
        at: The position whose prediction is meant.
    """

    model: GPT2
    clean: Tensor
    changed: Tensor
    answer: Tensor
    foil: Tensor
    at: int

    def __len__(self) -> int:
        return len(self.clean)

    @functools.cached_property
    def runs(self) -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
        """Logits [n d_vocab] at the position, and the cache, of the `clean` and the `changed` prompts."""
        found = {}
        for name, tokens in (("clean", self.clean), ("changed", self.changed)):
            logits, cache = self.model.run_with_cache(tokens, _kept)
            found[name] = logits[:, self.at], cache
        return found

    def difference(self, logits: Tensor) -> Tensor:
        """The answer's logit minus the foil's, from logits [rows d_vocab]; rows are prompts, or repeats of them."""
        repeats = len(logits) // len(self)
        answer, foil = (ids.repeat(repeats)[:, None] for ids in (self.answer, self.foil))
        return (logits.gather(1, answer) - logits.gather(1, foil))[:, 0]


def _kept(name: str) -> bool:
    """What the views read. The rest would cost GPT-2's size in copies."""
    parts = ("_embed", "resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "hook_z", "hook_pattern")
    return name.endswith(parts)


@dataclass
class Subject:
    """What is looked at."""

    name: str
    model: GPT2
    reader: Reader
    families: tuple[Family, ...]
    shows: str
    steps: tuple[int, ...] = ()
    asked: dict = field(default_factory=dict)  # the pairs of prompts that were looked at, with their runs
    _families: dict = field(default_factory=dict)

    @property
    def large(self) -> bool:
        """Whether a run takes so long that nothing is computed before it is asked for."""
        return self.model.cfg.d_vocab > LARGE

    def family(self, name: str | None) -> Family | None:
        return next((family for family in self.families if family.name == name), None)

    def like_it(self, family: Family) -> Batch:
        """As many prompts of a task as a mean is taken over."""
        return self._drawn(family)[0]

    def pair(self, family: Family, number: int) -> Pair:
        """One of them; those come first in which the model says both answers."""
        batch, pairs = self._drawn(family)
        said = {name: logits.argmax(-1) for name, (logits, _) in batch.runs.items()}
        right = (said["clean"] == batch.answer).long() + (said["changed"] == batch.foil).long()
        order = right.argsort(descending=True, stable=True).tolist()
        return pairs[order[number % len(order)]]

    def _drawn(self, family: Family) -> tuple[Batch, list[Pair]]:
        """The prompts that have the shape of the first one: its length, and its places of change."""
        if family.name not in self._families:
            rows = [(self._tokens(pair), pair) for pair in family.draw(2 * LIKE_IT, 0)]
            good = [(row, pair) for row, pair in rows if row and _shape(row)]
            if not good:
                raise HookpointError("This model's tokenizer cuts the task's answers into several tokens.")
            same = [each for each in good if _shape(each[0]) == _shape(good[0][0])][: FEW if self.large else LIKE_IT]
            columns = [torch.tensor(column) for column in zip(*(row for row, _ in same), strict=True)]
            at = same[0][1].at
            batch = Batch(self.model, *columns, columns[0].shape[1] - 1 if at is None else at)
            self._families[family.name] = batch, [pair for _, pair in same]
        return self._families[family.name]

    def _tokens(self, pair: Pair) -> tuple[list[int], list[int], int, int] | None:
        """A pair as tokens, or None where this model's tokenizer cuts an answer into several."""
        try:
            words = self.reader.token(pair.answer), self.reader.token(pair.foil)
            return (self.reader.encode(pair.clean), self.reader.encode(pair.changed), *words)
        except HookpointError:
            return None


def _shape(row: tuple) -> tuple | None:
    clean, changed = row[:2]
    if len(clean) != len(changed):
        return None
    return len(clean), tuple(at for at, (a, b) in enumerate(zip(clean, changed, strict=True)) if a != b)


def load(name: str, workspace: Path | None, step: int | None = None) -> Subject:
    """A model of the zoo, or the learner's own as a path in the workspace.

    Raises:
        HookpointError: There is no such model, its files are damaged, or its tokens cannot be shown.
    """
    if name.endswith(".safetensors"):
        return _mine(name, workspace)
    trained = zoo.open(name)
    model = trained.model if step is None else trained.at(step)
    shows = trained.recipe.shows
    model.requires_grad_(False)
    return Subject(name, model, _reader(name, model), families(name), shows, trained.steps)


def _mine(name: str, workspace: Path | None) -> Subject:
    source = load_source(name, workspace)
    model = GPT2(source.cfg, seed=None)
    model.load_state_dict(source.state)
    reader = Words(source.tokenizer, source.opening[1])
    return Subject(name, model.eval().requires_grad_(False), reader, of_text(), "The model that you trained.")


def _reader(name: str, model: GPT2) -> Reader:
    if model.tokenizer is not None:
        return Words(model.tokenizer, " " if name in TEXT else "")
    if name.startswith("circuit_"):
        from hookpoint.zoo.recipes.circuits import task

        return Symbols(task(name).vocab)
    if name in SYMBOLS:
        return Symbols(["<start>", *map(str, range(1, model.cfg.d_vocab))])
    raise HookpointError(f"{name} has no tokens that can be shown. If it was fetched, fetch it with its tokenizer.")
