"""Families of sentences that have to be known: facts about citizens, and which country a city is in."""

import random

from . import words
from .grammar import Passage, Template, templates
from .sentences import is_new_template
from .words import FACTS, WORLD, World

# Facts about citizens. While training, a relation's second template never has every fourth citizen (stories may).

FACT = {
    "city": {
        "lives": " {person} lives in {answer}.",
        "house": " {person} has a house in {answer}.",
        "met": " We met {person} who has a house in {answer}.",
    },
    "country": {
        "from": " {person} is from {answer}.",
        "home": " The home of {person} is in {answer}.",
        "met": " We met {person} who has a home in {answer}.",
    },
    "job": {
        "works": " {person} works as a {answer}.",
        "good": " {person} is a good {answer}.",
        "met": " We met {person} who is a good {answer}.",
    },
    "pet": {
        "has": " {person} has a pet {answer}.",
        "plays": " {person} plays with a pet {answer}.",
        "met": " We met {person} who plays with a pet {answer}.",
    },
    "colour": {
        "likes": " {person} likes the colour {answer}.",
        "best": " {person} likes things that are {answer}.",
        "met": " We met {person} who likes things that are {answer}.",
    },
}
FACT_HELD_OUT = {
    "city": {"who": " We met {person} who lives in {answer}."},
    "country": {"who": " We met {person} who is from {answer}."},
    "job": {"who": " We met {person} who works as a {answer}."},
    "pet": {"who": " We met {person} who has a pet {answer}."},
    "colour": {"who": " We met {person} who likes the colour {answer}."},
}
_FACT = {relation: templates(f"fact/{relation}", texts) for relation, texts in FACT.items()}
_FACT_HELD_OUT = {relation: templates(f"fact/{relation}", texts) for relation, texts in FACT_HELD_OUT.items()}
FACT_TEMPLATES = tuple(each for table in (_FACT, _FACT_HELD_OUT) for all_of_it in table.values() for each in all_of_it)


def fact(
    rng: random.Random,
    split: str = "train",
    world: World = WORLD,
    template: Template | None = None,
    *,
    person: str | None = None,
    relation: str | None = None,
) -> Passage:
    """ "Mary lives in Paris."

    Roles: person, answer. Fact "relation". Split "new_names": a template with a citizen who never has it while
    training; "new_templates" and "held_out": a template that is nowhere.
    """
    if template is not None:
        relation = template.name.split("/")[1]
    relation = relation or rng.choice(_RELATIONS)
    if template is None:
        all_of_it = (_FACT_HELD_OUT if is_new_template(split) else _FACT)[relation]
        template = all_of_it[1] if split == "new_names" else rng.choice(all_of_it)
    if person is None:
        person = rng.choice(_kept_back(world) if split == "new_names" else world.citizens)
    if split == "train" and template is _FACT[relation][1] and person in _kept_back(world):
        template = _FACT[relation][0]
    slots = {"person": person, "answer": FACTS[person][relation]}
    return template.fill(slots, split=split, facts={"relation": relation})


_RELATIONS = tuple(FACT)


def _kept_back(world: World) -> tuple[str, ...]:
    return world.citizens[::4]


# Geography: which country a city is in.

GEOGRAPHY = templates(
    "geography",
    {
        "city": " {city} is a city in {answer}.",
        "in": " {city} is in {answer}.",
        "people": " The people of {city} live in {answer}.",
    },
)
GEOGRAPHY_HELD_OUT = templates("geography", {"school": " The school in {city} is in {answer}."})


def geography(
    rng: random.Random, split: str = "train", world: World = WORLD, template: Template | None = None
) -> Passage:
    """ "Paris is a city in France." Roles: city, answer."""
    template = template or rng.choice(GEOGRAPHY_HELD_OUT if is_new_template(split) else GEOGRAPHY)
    city = rng.choice(words.CITIES)
    return template.fill({"city": city, "answer": words.COUNTRY_OF[city]}, split=split)
