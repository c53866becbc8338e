"""Circuits about which plain ablation, one node at a time, says something false.

    cancel    sort, with heads that write noise where the circuit reads and cancel in groups: each one looks needed,
              none is
    backup    induction, with a head that answers only where the answer is missing: the answering head looks idle
    negative  induction, with a head that writes against whatever is answered: it looks idle to accuracy, and hides
              half of the answering head's effect
    mixed     induction, with all three

Such heads were found in GPT-2: backup and negative name movers (Wang et al. 2023, arXiv 2211.00593) and copy
suppression (McDougall et al. 2023, arXiv 2310.04625). Here each works by a rule that can be read below.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from . import programs
from .decoys import cancelling, with_layer
from .gadgets import copy, one_hot, same, shift
from .program import SHARP, Head, Layer, Match, Program

# Cancelling heads write normal noise of this size, beside a circuit that writes ones.
NOISE = 1.5


def cancel(generator: torch.Generator) -> Program:
    """Sort with a group of three in layer 0, and in layer 1 a pair that attends as the answering head does.

    The pair's first head copies the right letter too, under its noise, so direct attribution takes it for a second
    answering head; its partner takes both back.
    """
    program = programs.sort()
    letters, places = program.widths["letter"], program.widths["position"]
    ranking, answering = program.layers
    before = (Match("position", "position", SHARP * shift(places)),)
    noise = [_noise(letters, program.widths["rank"], generator) for _ in range(2)]
    trio = cancelling(before, "letter", "rank", noise)
    program = with_layer(program, 0, replace(ranking, heads=(*ranking.heads, *trio)))
    return with_layer(program, 1, Layer((*answering.heads, *_false_copies(answering.heads[0], letters, generator))))


def backup(generator: torch.Generator) -> Program:
    """Induction with a backup in a third layer. It reads what has been answered so far, by whichever head."""
    program = _with_bos(programs.induction())
    return replace(program, layers=(*program.layers, Layer((_backup_head(program.widths["letter"]),))))


def negative(generator: torch.Generator) -> Program:
    """Induction with a negative head in a third layer."""
    program = programs.induction()
    return replace(program, layers=(*program.layers, Layer((_negative_head(program.widths["letter"]),))))


def mixed(generator: torch.Generator) -> Program:
    """Induction with cancelling groups in layers 0 and 1, and a backup and a negative head in layer 2."""
    program = _with_bos(programs.induction())
    letters, places = program.widths["letter"], program.widths["position"]
    first, second = program.layers
    two_before = (Match("position", "position", SHARP * shift(places, back=2)),)
    noise = [_noise(letters, letters, generator) for _ in range(2)]
    first = Layer((*first.heads, *cancelling(two_before, "letter", "previous letter", noise)))
    second = Layer((*second.heads, *_false_copies(second.heads[0], letters, generator)))
    return replace(program, layers=(first, second, Layer((_backup_head(letters), _negative_head(letters)))))


def _backup_head(letters: int) -> Head:
    """Looks for what followed the own letter, as the answering head does, but passes over a letter already answered.

    Then nothing scores as high as the BOS, where there is nothing to copy. It answers twice as loud as the answering
    head, so that it also overrules a wrong answer.
    """
    return Head(
        "answers as the answering head does, where that answer is missing or wrong",
        (
            same("letter", "previous letter", letters, SHARP),
            same("answer", "letter", letters, -SHARP),
            Match(None, "bos", SHARP / 2 * torch.ones(1, 1)),
        ),
        (copy("letter", "answer", letters, scale=2.0),),
        role="backup",
    )


def _negative_head(letters: int) -> Head:
    """Looks for the letter that has been answered and writes half of it with the opposite sign."""
    return Head(
        "attends to the letter that is about to be answered and takes half of the answer back",
        (same("answer", "letter", letters, SHARP),),
        (copy("letter", "answer", letters, scale=-0.5),),
        role="negative",
    )


def _false_copies(head: Head, letters: int, generator: torch.Generator) -> tuple[Head, ...]:
    """A cancelling pair that attends as `head` does and copies its letter, under noise."""
    return cancelling(head.matches, "letter", "answer", [torch.eye(letters) + _noise(letters, letters, generator)])


def _noise(rows: int, columns: int, generator: torch.Generator) -> Float[Tensor, "rows columns"]:
    return NOISE * torch.randn(rows, columns, generator=generator)


def _with_bos(program: Program) -> Program:
    """The induction program with a variable that marks the BOS, and heads wide enough to compare two letters and it."""
    vocab, letters = len(program.task.vocab), program.widths["letter"]
    return replace(
        program,
        widths={**program.widths, "bos": 1},
        token={**program.token, "bos": one_hot(vocab, 1, start=letters)},
        d_head=2 * letters + 1,
    )
