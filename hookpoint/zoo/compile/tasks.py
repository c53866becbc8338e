"""What the compiled circuits compute: tokens, fresh inputs, and the right answers by plain arithmetic.

An answer stands at the position where the model gives it. Letters come first in every vocabulary, in their order.
"""

from string import ascii_lowercase

import torch
from jaxtyping import Int
from torch import Tensor

from .program import Task

BOS = "<bos>"
NOTHING_ASKED = -1


def reverse(letters: int = 12, length: int = 10) -> Task:
    """Position i gets the letter of position length - 1 - i."""
    return Task(
        tuple(ascii_lowercase[:letters]),
        length,
        lambda n, generator: torch.randint(letters, (n, length), generator=generator),
        lambda tokens: tokens.flip(1),
    )


def count(letters: int = 8, length: int = 9) -> Task:
    """After a BOS, every letter gets the number of times that it occurs. The number n is token letters + n."""
    vocab = (*ascii_lowercase[:letters], BOS, *map(str, range(1, length + 1)))

    def answers(tokens: Int[Tensor, "n pos"]) -> Int[Tensor, "n pos"]:
        occurrences = (tokens[:, :, None] == tokens[:, None, :]).sum(-1)
        return torch.where(tokens < letters, letters + occurrences, NOTHING_ASKED)

    return Task(
        vocab,
        length + 1,
        lambda n, generator: _after_bos(torch.randint(letters, (n, length), generator=generator), letters),
        answers,
    )


def induction(letters: int = 12, length: int = 23) -> Task:
    """After a BOS, 6 to 11 different letters over and over; a letter that came before gets what followed it then."""

    def sequences(n: int, generator: torch.Generator) -> Int[Tensor, "n pos"]:
        block = torch.rand(n, letters, generator=generator).argsort(dim=1)
        period = torch.randint(6, 12, (n, 1), generator=generator)
        return _after_bos(block.gather(1, torch.arange(length) % period), letters)

    def answers(tokens: Int[Tensor, "n pos"]) -> Int[Tensor, "n pos"]:
        followers = torch.full_like(tokens, NOTHING_ASKED)
        for key in range(1, tokens.shape[1] - 1):
            # The block repeats, so a later occurrence is followed by the same letter as an earlier one.
            again = tokens[:, key + 1 :] == tokens[:, key, None]
            followers[:, key + 1 :][again] = tokens[:, key + 1, None].expand_as(again)[again]
        return followers

    return Task((*ascii_lowercase[:letters], BOS), length + 1, sequences, answers)


def sort(letters: int = 12, length: int = 8) -> Task:
    """After a BOS, different letters; position i gets the i-th of them in the order of the alphabet."""

    def answers(tokens: Int[Tensor, "n pos"]) -> Int[Tensor, "n pos"]:
        return torch.cat([torch.full_like(tokens[:, :1], NOTHING_ASKED), tokens[:, 1:].sort(dim=1).values], dim=1)

    return Task(
        (*ascii_lowercase[:letters], BOS),
        length + 1,
        lambda n, generator: _after_bos(
            torch.rand(n, letters, generator=generator).argsort(dim=1)[:, :length], letters
        ),
        answers,
    )


def majority(letters: int = 6, length: int = 12) -> Task:
    """Every position gets "yes" if more than half of the letters so far are from the first half of the alphabet."""

    def answers(tokens: Int[Tensor, "n pos"]) -> Int[Tensor, "n pos"]:
        first_half = (tokens < letters // 2).cumsum(dim=1)
        return letters + (2 * first_half <= torch.arange(1, tokens.shape[1] + 1)).long()

    return Task(
        (*ascii_lowercase[:letters], "yes", "no"),
        length,
        lambda n, generator: torch.randint(letters, (n, length), generator=generator),
        answers,
    )


def brackets(length: int = 16) -> Task:
    """After a BOS, brackets; the last position gets "yes" if they are balanced.

    Half of the inputs are balanced. A quarter has one bracket turned round, and a quarter has as many opening as
    closing ones, but its first bracket moved to the end: counting is not enough.
    """
    opening, closing, bos, yes, no = range(5)

    def sequences(n: int, generator: torch.Generator) -> Int[Tensor, "n pos"]:
        halves = torch.arange(length).ge(length // 2).long().expand(n, -1)
        walk = halves.gather(1, torch.rand(n, length, generator=generator).argsort(dim=1))
        # Begun after its lowest point, a walk that ends where it began never falls below its start.
        start = (1 - 2 * walk).cumsum(dim=1).argmin(dim=1, keepdim=True) + 1
        balanced = walk.gather(1, (torch.arange(length) + start) % length)
        turned = balanced.clone()
        turned[torch.arange(n), torch.randint(length, (n,), generator=generator)] ^= 1
        kind = torch.randint(4, (n, 1), generator=generator)
        near_miss = torch.where(kind == 2, turned, balanced.roll(-1, dims=1))
        return _after_bos(torch.where(kind < 2, balanced, near_miss), bos)

    def answers(tokens: Int[Tensor, "n pos"]) -> Int[Tensor, "n pos"]:
        depth = ((tokens == opening).long() - (tokens == closing).long()).cumsum(dim=1)
        balanced = (depth[:, -1] == 0) & (depth >= 0).all(dim=1)
        verdicts = torch.full_like(tokens, NOTHING_ASKED)
        verdicts[:, -1] = torch.where(balanced, yes, no)
        return verdicts

    return Task(("(", ")", BOS, "yes", "no"), length + 1, sequences, answers)


def maximum(letters: int = 20, length: int = 8) -> Task:
    """Every position gets the last letter of the alphabet among those so far."""
    return Task(
        tuple(ascii_lowercase[:letters]),
        length,
        lambda n, generator: torch.randint(letters, (n, length), generator=generator),
        lambda tokens: tokens.cummax(dim=1).values,
    )


def _after_bos(tokens: Int[Tensor, "n pos"], bos: int) -> Int[Tensor, "n pos_plus_1"]:
    return torch.nn.functional.pad(tokens, (1, 0), value=bos)
