"""Families about one person over several clauses: pronouns, belongings, and small stories that mix the others."""

import random

from . import words
from .grammar import Passage, Template, joined, templates
from .knowledge import fact
from .words import FACTS, WORLD, World, pronoun

# Pronouns: "told ... that" goes on about the first person, "asked ... if" about the second.

PRONOUN = templates(
    "pronoun",
    {
        "saw": " {hero} went to the {place}. {answer} saw a {colour} {object} there.",
        "because": " {hero} {past} because {answer} was {feeling}.",
        "told": " {hero} told {other} that {answer} was {feeling}.",
        "asked": " {hero} asked {other} if {answer} liked the {object}.",
        "met": " {hero} met {other} at the {place}. Then {answer} {past}.",
        "who": " We met {hero} who was {feeling}. {answer} {past} in the {place}.",
        "with": " {hero} was in the {place} with {other}. {answer} had a {colour} {object}.",
    },
)
PRONOUN_HELD_OUT = templates(
    "pronoun",
    {
        "sat": " {hero} sat with {other} in the {place}. {answer} was {feeling}.",
        "found": " {hero} found a {object} at the {place} and {answer} was {feeling}.",
        "day": " One day {hero} asked {other} if {answer} was {feeling}.",
        "came": " When {hero} came to the {place}, {answer} saw a {object} there.",
    },
)


def tell_pronoun(
    rng: random.Random, split: str = "train", world: World = WORLD, template: Template | None = None
) -> Passage:
    """ "John told Mary that he was happy."

    Roles: hero, other (where there is one, of either gender), answer (the pronoun). Facts: "referent", the
    role that the pronoun stands for; "other": the wrong pronoun.
    """
    held_out = split in ("new_templates", "held_out")
    template = template or rng.choice(PRONOUN_HELD_OUT if held_out else PRONOUN)
    hero, other = rng.sample(world.people("pronoun", split), 2)
    referent = "other" if " asked " in template.text else "hero"
    form = "He" if ". {answer}" in template.text else "he"
    right = pronoun(other if referent == "other" else hero, form)
    slots = _scene(rng) | {"hero": hero, "other": other, "answer": right}
    return template.fill(slots, split=split, facts={"referent": referent, "other": _OTHER[right]})


_OTHER = {"he": "she", "she": "he", "He": "She", "She": "He", "his": "her", "her": "his"}

# Belongings: here every name shows its gender, also those that never have a "he" or "she" while training.

BELONGINGS = templates(
    "belongings",
    {
        "pet": " {hero} and {answer} {pet} {past} in the {place}.",
        "bag": " {hero} put the {object} in {answer} bag.",
        "lost": " {hero} lost {answer} {object} at the {place}.",
        "house": " {hero} {past} in {answer} house.",
    },
)


def belongings(
    rng: random.Random, split: str = "train", world: World = WORLD, template: Template | None = None
) -> Passage:
    """ "Mary put the ball in her bag." Roles: hero, answer (his or her); fact "other": the wrong one."""
    template = template or rng.choice(BELONGINGS)
    hero = rng.choice(world.names)
    right = pronoun(hero, "his")
    slots = _scene(rng) | {"hero": hero, "answer": right, "pet": _pet(rng, hero)}
    return template.fill(slots, split=split, facts={"other": _OTHER[right]})


# Stories.

_OPENING = Template("story", " One day {hero} went to the {place}. {He} saw a {colour} {object} there.")
_MIDDLE = tuple(
    Template("story", text)
    for text in (
        " {He} {past} because {he} was {feeling}.",
        " {hero} put the {object} in {his} bag.",
        " The {object} was {colour} and {adjective}.",
        " {other} came to the {place} too.",
        " {hero} and {his} {pet} {past} together.",
    )
)
_ENDING = tuple(
    Template("story", text)
    for text in (
        " {hero} {gave} {other} the {object} and {other} thanked {him}.",
        " At night {hero} went home with the {object}.",
    )
)


def story(rng: random.Random, split: str = "train", world: World = WORLD) -> Passage:
    """ "One day Mary went to the park. She saw a red ball there. ..."

    Roles: hero, other, place, object, He, he, his, him (forms of the hero's pronoun) and the things they meet; in the
    sentence about a citizen's life, person and answer.
    """
    hero = rng.choice(world.people("pronoun"))
    other = rng.choice(world.names)
    while other == hero:
        other = rng.choice(world.names)
    slots = _scene(rng) | {"hero": hero, "other": other, "pet": _pet(rng, hero)}
    slots |= {form: pronoun(hero, form) for form in ("he", "He", "him", "his")}
    told = [each.fill(slots) for each in rng.sample(_MIDDLE, rng.randint(1, 3))]
    if hero in FACTS and rng.random() < 0.5:
        told.append(fact(rng, world=world, person=hero))
    parts = [_OPENING.fill(slots), *told, rng.choice(_ENDING).fill(slots)]
    return joined(parts, "story", {"hero": hero})


def _scene(rng: random.Random) -> dict[str, str]:
    return {
        "place": rng.choice(words.PLACES),
        "object": rng.choice(words.OBJECTS),
        "colour": rng.choice(words.COLOURS),
        "adjective": rng.choice(words.ADJECTIVES),
        "feeling": rng.choice(words.FEELINGS),
        "past": rng.choice(words.PAST),
        "gave": rng.choice(words.GIVE),
    }


def _pet(rng: random.Random, hero: str) -> str:
    """A citizen's own pet; anybody else has any."""
    return FACTS[hero]["pet"] if hero in FACTS else rng.choice(words.PETS)
