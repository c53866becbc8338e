"""Residents: people with two names, of whom only both together say who is meant, and what is known about them.

24 first names and 12 family names make 288 pairs, and 96 of these are residents: each first name is that of 4
residents, each family name that of 8. A resident has a city, a job, a pet and a colour, drawn without regard to either
name; so whoever reads only one of the two knows little. The text about them, with `|` between choices:

    document  -> passage{1..4}
    passage   -> told | both | met | people
    told      -> RESIDENT ASIDE? PREDICATE VALUE "."           Amy Ford, a friend of Bob Ford, lives in Oslo.
    both      -> RESIDENT PREDICATE VALUE "and" PREDICATE VALUE "."
    met       -> A "met" B "." FIRST PREDICATE VALUE "."       FIRST is the first name of A or of B
    people    -> "The people of" CITY "know" RESIDENT "."      the value first, the name last

Asides name another resident, who shares a name with the one spoken of half of the time. So at the end of a sentence, a
bag of the names that occurred does not say who is meant.

Some predicates and some asides are held out: no training text has them. All words are of the stories' vocabulary, one
token each; so questions of one wording are of one length.
"""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from .corpus import END_OF_TEXT, tokenizer
from .grammar import Passage, Template
from .words import CITIES, COLOURS, FAMILY_NAMES, JOBS, NAMES, PETS


class Resident(NamedTuple):
    first: str
    family: str

    def __str__(self) -> str:
        return f"{self.first} {self.family}"


# None of them is a citizen: what the stories say about John is never said of John Hill.
FIRST_NAMES = NAMES[48:72]
VALUES = {"city": CITIES, "job": JOBS, "pet": PETS, "colour": COLOURS}

PREDICATES = {
    "city": ("lives in", "has a house in", "is at home in", "stayed in"),
    "job": ("works as a", "is a", "is a good", "works every day as a"),
    "pet": ("has a pet", "played with a", "has found a", "sang to a"),
    "colour": ("likes the colour", "likes things that are", "has a hat that is", "wanted a bag that is"),
}
PREDICATES_HELD_OUT = {
    "city": ("has a home in", "lives at home in"),
    "job": ("works again as a", "works as a good"),
    "pet": ("played with a pet", "sang again to a"),
    "colour": ("has a bag that is", "wanted the colour"),
}
ASIDES = (
    "",
    ", who was asked again,",
    ", a friend of {other} {other_family},",
    ", who met {other} {other_family},",
    ", not {other} {other_family},",
    ", with the neighbour of {other} {other_family},",
)
ASIDES_HELD_OUT = (", a neighbour of {other} {other_family},", ", who is a friend of {other} {other_family},")
MEETINGS = ("met", "asked", "saw")


def _world() -> tuple[tuple[Resident, ...], dict[Resident, dict[str, str]]]:
    """Drawn from a fixed seed, because the facts belong to the world and not to a run.

    Each value of a relation belongs to equally many residents, give or take one.
    """
    count = len(FAMILY_NAMES)
    # The shift after half of the first names spreads every family name over both halves.
    residents = tuple(
        Resident(first, FAMILY_NAMES[(number + step + number // count) % count])
        for number, first in enumerate(FIRST_NAMES)
        for step in (0, 1, 3, 7)
    )
    rng = random.Random(11)
    facts: dict[Resident, dict[str, str]] = {resident: {} for resident in residents}
    for relation, values in VALUES.items():
        dealt = [values[number % len(values)] for number in range(len(residents))]
        rng.shuffle(dealt)
        for resident, value in zip(residents, dealt, strict=True):
            facts[resident][relation] = value
    return residents, facts


RESIDENTS, KNOWN = _world()
NAMESAKES = {
    one: tuple(each for each in RESIDENTS if (each.first == one.first) != (each.family == one.family))
    for one in RESIDENTS
}


# Text


def told(rng: random.Random, resident: Resident, relation: str, split: str = "train") -> Passage:
    """ "Amy Ford, a friend of Bob Ford, lives in Oslo." Roles: first, family, other, other_family, answer."""
    held_out = split == "held_out"
    aside = rng.choice(ASIDES_HELD_OUT if held_out else ASIDES)
    predicate = rng.choice((PREDICATES_HELD_OUT if held_out else PREDICATES)[relation])
    template = Template("resident/told", f" {{first}} {{family}}{aside} {predicate} {{answer}}.")
    slots = _named(resident) | _named(_somebody(rng, resident), "other", "other_family")
    facts = {"relation": relation, "aside": aside, "predicate": predicate}
    return template.fill(slots | {"answer": KNOWN[resident][relation]}, split=split, facts=facts)


def both(rng: random.Random, resident: Resident) -> Passage:
    """ "Amy Ford lives in Oslo and has a pet cat." Roles: first, family, value, answer."""
    one, two = rng.sample(tuple(VALUES), 2)
    clauses = f"{rng.choice(PREDICATES[one])} {{value}} and {rng.choice(PREDICATES[two])} {{answer}}"
    slots = _named(resident) | {"value": KNOWN[resident][one], "answer": KNOWN[resident][two]}
    return Template("resident/both", f" {{first}} {{family}} {clauses}.").fill(slots, facts={"relation": two})


def met(rng: random.Random, resident: Resident, relation: str) -> Passage:
    """ "Amy Ford met Bob Ford. Amy lives in Oslo." Roles: first, family, other, other_family, again, answer."""
    other = _somebody(rng, resident)
    while other.first == resident.first:
        other = _somebody(rng, resident)
    names = ["{first} {family}", "{other} {other_family}"]
    rng.shuffle(names)
    text = f" {names[0]} {rng.choice(MEETINGS)} {names[1]}. {{again}} {rng.choice(PREDICATES[relation])} {{answer}}."
    slots = _named(resident) | _named(other, "other", "other_family")
    slots |= {"again": resident.first, "answer": KNOWN[resident][relation]}
    return Template("resident/met", text).fill(slots, facts={"relation": relation})


def people(resident: Resident) -> Passage:
    """ "The people of Oslo know Amy Ford." Roles: city, first, family."""
    slots = _named(resident) | {"city": KNOWN[resident]["city"]}
    return Template("resident/people", " The people of {city} know {first} {family}.").fill(slots)


def passages(seed: int) -> Iterator[Passage]:
    """Passages for training without end."""
    rng = random.Random(seed)
    while True:
        resident, relation = rng.choice(RESIDENTS), rng.choice(tuple(VALUES))
        kind = rng.random()
        if kind < 0.45:
            yield told(rng, resident, relation)
        elif kind < 0.65:
            yield both(rng, resident)
        elif kind < 0.90:
            yield met(rng, resident, relation)
        else:
            yield people(resident)


def token_stream(n_tokens: int, seed: int) -> Int[Tensor, " n_tokens"]:
    """The first `n_tokens` tokens of the documents of this seed, `<|endoftext|>` before each."""
    encode, end = tokenizer().encode, tokenizer().token_id(END_OF_TEXT)
    lengths, source = random.Random(seed + 1), passages(seed)
    ids: list[int] = []
    while len(ids) < n_tokens:
        ids.append(end)
        for _ in range(lengths.randint(1, 4)):
            ids += encode(next(source).text)
    return torch.tensor(ids[:n_tokens])


# Questions

# Where every question has the subject: <|endoftext|>, first name, family name.
FIRST, LAST = 1, 2


class Questions(NamedTuple):
    """Texts that stop before a value. The subject's names stand at `FIRST` and `LAST`, the question ends at -1."""

    tokens: Int[Tensor, "n pos"]
    answer: Int[Tensor, " n"]


def questions(
    residents: Sequence[Resident], relation: str, predicate: str, aside: str = "", seed: int = 0
) -> Questions:
    """The same question about each of the residents; `seed` says who occurs in the aside.

    Pairs of names that are no resident may be asked about too, and have the answer -1.
    """
    tok, rng = tokenizer(), random.Random(seed)
    template = Template("question", f" {{first}} {{family}}{aside} {predicate}")
    rows, answers = [], []
    for resident in residents:
        slots = _named(resident) | _named(_somebody(rng, resident), "other", "other_family")
        rows.append([tok.token_id(END_OF_TEXT), *tok.encode(template.fill(slots).text)])
        value = KNOWN.get(resident, {}).get(relation)
        answers.append(-1 if value is None else tok.token_id(f" {value}"))
    return Questions(torch.tensor(rows), torch.tensor(answers))


def _somebody(rng: random.Random, resident: Resident) -> Resident:
    """Another resident, with one of the two names in common half of the time."""
    if rng.random() < 0.5 and resident in NAMESAKES:
        return rng.choice(NAMESAKES[resident])
    while True:
        other = rng.choice(RESIDENTS)
        if other != resident:
            return other


def _named(resident: Resident, first: str = "first", family: str = "family") -> dict[str, str]:
    return {first: resident.first, family: resident.family}
