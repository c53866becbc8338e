"""Statements about citizens, true or false, and verdicts on them: for probes that look for truth.

    text       -> fact | judged
    fact       -> CITIZEN PREDICATE VALUE "."                                          Mary lives in Paris.
    judged     -> "They say" CITIZEN PREDICATE VALUE ". That is" ("true" | "false") "."

Half of all judged statements are true, for every citizen and relation, and the value of a false one is any other. So
nothing but the fact itself tells true from false.

A quarter of the citizens are never judged: of them training has plain facts only. What a model says about these shows
whether it compares a statement with the fact that it knows, or knows the verdicts by heart.
"""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .corpus import END_OF_TEXT, tokenizer
from .words import CITIES, CITIZENS, COLOURS, FACTS, JOBS, PETS

VALUES = {"city": CITIES, "job": JOBS, "pet": PETS, "colour": COLOURS}
PREDICATES = {
    "city": ("lives in", "has a house in"),
    "job": ("works as a", "is a good"),
    "pet": ("has a pet", "plays with a pet"),
    "colour": ("likes the colour", "likes things that are"),
}
# Citizens alternate between the genders; so do these.
NEVER_JUDGED = CITIZENS[::8] + CITIZENS[1::8]
JUDGED = tuple(name for name in CITIZENS if name not in NEVER_JUDGED)


def fact(rng: random.Random, person: str, relation: str) -> str:
    return f" {person} {rng.choice(PREDICATES[relation])} {FACTS[person][relation]}."


def statement(person: str, relation: str, value: str, predicate: int = 0) -> str:
    """ " They say Mary lives in Paris. That is": the next word is the verdict."""
    return f" They say {person} {PREDICATES[relation][predicate]} {value}. That is"


def other_value(rng: random.Random, person: str, relation: str) -> str:
    """A value that the person does not have."""
    return rng.choice([value for value in VALUES[relation] if value != FACTS[person][relation]])


def judged(rng: random.Random, person: str, relation: str) -> str:
    """A statement with its verdict, true half of the time."""
    true = rng.random() < 0.5
    value = FACTS[person][relation] if true else other_value(rng, person, relation)
    return f"{statement(person, relation, value, rng.randrange(2))} {'true' if true else 'false'}."


def texts(seed: int, share: float) -> Iterator[str]:
    """Texts for training without end, of which `share` are judged."""
    rng = random.Random(seed)
    while True:
        relation = rng.choice(tuple(VALUES))
        if rng.random() >= share:
            yield fact(rng, rng.choice(CITIZENS), relation)
        else:
            yield judged(rng, rng.choice(JUDGED), relation)


LENGTH = 15  # no text is longer, with the <|endoftext|> before and behind it


def rows(n: int, seed: int, share: float) -> Int[Tensor, "n pos"]:
    """One text to a row, from `<|endoftext|>` to `<|endoftext|>`, with which the rest of the row is filled up."""
    tok = tokenizer()
    end = tok.token_id(END_OF_TEXT)
    filled = torch.full((n, LENGTH), end)
    for row, text in zip(filled, texts(seed, share), strict=False):
        ids = tok.encode(text)
        row[1 : 1 + len(ids)] = torch.tensor(ids)
    return filled


# Questions


class Pairs(NamedTuple):
    """Two statements to a row about one thing, one of which is true.

    Attributes:
        one: The first statements, up to "That is".
        two: The second ones, of the same length.
        one_is_true: Which of the two it is, by the toss of a coin.
        person: The place of the person in the `people` that were asked about, for splits.
    """

    one: Int[Tensor, "n pos"]
    two: Int[Tensor, "n pos"]
    one_is_true: Bool[Tensor, " n"]
    person: Int[Tensor, " n"]


def pairs(people: Sequence[str], relation: str, *, predicate: int = 0, each: int = 2, seed: int = 0) -> Pairs:
    """`each` pairs for every person, with a false value drawn anew; rows are of one length."""
    tok, rng = tokenizer(), random.Random(seed)
    end = tok.token_id(END_OF_TEXT)
    right, wrong, persons = [], [], []
    for number, person in enumerate(people):
        for _ in range(each):
            for rows_of, value in (right, FACTS[person][relation]), (wrong, other_value(rng, person, relation)):
                rows_of.append([end, *tok.encode(statement(person, relation, value, predicate))])
            persons.append(number)
    first = torch.tensor([rng.random() < 0.5 for _ in persons])
    true, false = torch.tensor(right), torch.tensor(wrong)
    one, two = torch.where(first[:, None], true, false), torch.where(first[:, None], false, true)
    return Pairs(one, two, first, torch.tensor(persons))
