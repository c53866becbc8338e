"""Families of single sentences, each for one skill of language: who gets it, who is known, number, copying.

Every function draws one passage. In each, the word that the skill is about has the role "answer".
"""

import random
from collections.abc import Mapping

from . import words
from .grammar import Passage, Span, Template, templates
from .words import HELD_OUT_NOUNS, WORLD, World

# Indirect objects: two people are named, one of them is named again and gives; the other one receives.

IOI = templates(
    "ioi",
    {
        "went": " When {first} and {second} went to the {place}, {S2} {gave} a {object} to {answer}.",
        "were": " {first} and {second} were at the {place}. {S2} {gave} the {object} to {answer}.",
        "found": " After {first} and {second} found a {object} at the {place}, {S2} {gave} it to {answer}.",
        "talked": " Then {first} and {second} had a long talk. {S2} {gave} the {adjective} {object} to {answer}.",
        "played": " While {first} and {second} played in the {place}, {S2} {gave} a {adjective} {object} to {answer}.",
        "sat": " {first} sat with {second} in the {place}. {S2} {gave} a {colour} {object} to {answer}.",
        "wanted": " Both {first} and {second} wanted the {object}. At the {place} {S2} {gave} it to {answer}.",
        "gone": " One day {first} and {second} sat in the {place}. Then {S2} {gave} the {object} to {answer}.",
        "alone": " {third} was not at the {place}. When {first} and {second} came, {S2} {gave} a {object} to {answer}.",
        "later": " {first} and {second} met {third} at the {place}. Later {third} slept. {S2} {gave} it to {answer}.",
    },
)
IOI_HELD_OUT = templates(
    "ioi",
    {
        "walked": " After {first} and {second} came to the {place}, {S2} {gave} the {colour} {object} to {answer}.",
        "together": " One day {first} and {second} waited at the {place}. {S2} {gave} a {object} to {answer}.",
        "while": " While {first} sat with {second} at the {place}, {S2} {gave} the {adjective} {object} to {answer}.",
        "asleep": " {first} and {second} talked in the {place}. {third} slept. Then {S2} {gave} it to {answer}.",
    },
)


def ioi(rng: random.Random, split: str = "train", world: World = WORLD, template: Template | None = None) -> Passage:
    """ "When Mary and John went to the park, John gave a ball to Mary."

    Roles: IO and S1 in the order of the fact "order" (ABBA: IO first; BABA: S1 first), S2, answer (IO again); third is
    somebody else, where there is one.
    """
    template = template or rng.choice(IOI_HELD_OUT if is_new_template(split) else IOI)
    first, second, third = rng.sample(world.people("ioi", split), 3)
    order = "ABBA" if rng.random() < 0.5 else "BABA"
    receiver, giver = (first, second) if order == "ABBA" else (second, first)
    slots = _things(rng) | {"IO": receiver, "S1": giver, "S2": giver, "answer": receiver, "third": third}
    return _IN_ORDER[template.name, order].fill(slots, split=split, facts={"order": order})


def swapped(passage: Passage) -> Passage:
    """The twin of an "ioi" passage in which the other person gives: S2 is IO's name, and the answer is S1's."""
    slots = {span.role: span.word for span in passage.spans}
    slots |= {"S2": slots["IO"], "answer": slots["S1"]}
    twin = _IN_ORDER[passage.template, passage.facts["order"]]
    return twin.fill(slots, split=passage.split, facts=passage.facts)


_ROLES = {"ABBA": {"first": "IO", "second": "S1"}, "BABA": {"first": "S1", "second": "IO"}}
_IN_ORDER = {
    (template.name, order): template.renamed(roles)
    for template in IOI + IOI_HELD_OUT
    for order, roles in _ROLES.items()
}


# Arrivals: the word after a name says whether the person was there already ("stayed") or is new ("came").

ARRIVAL = templates(
    "arrival",
    {
        "were": " {first} and {second} were at the {place}. {next} {answer} there.",
        "went": " When {first} and {second} went to the {place}, {next} {answer} too.",
        "alone": " {first} was at the {place} with a {object}. {next} {answer} there.",
        "talked": " {first} and {second} talked in the {place}. Then {next} {answer} too.",
    },
)
ARRIVAL_HELD_OUT = templates(
    "arrival",
    {
        "waited": " After {first} and {second} found a {object} at the {place}, {next} {answer} too.",
        "day": " One day {first} and {second} sat in the {place}. Then {next} {answer} there.",
    },
)


def arrival(
    rng: random.Random, split: str = "train", world: World = WORLD, template: Template | None = None
) -> Passage:
    """ "Mary and John were at the park. John stayed there." or "... Paul came there."

    Roles: first, second, next, answer ("stayed" if next was named before, else "came"); fact "known": yes or no.
    """
    template = template or rng.choice(ARRIVAL_HELD_OUT if is_new_template(split) else ARRIVAL)
    first, second, new = rng.sample(world.people("arrival", split), 3)
    known = rng.random() < 0.5
    there = (first, second) if "second" in template.roles else (first,)
    slots = _things(rng) | {"first": first, "second": second}
    slots |= {"next": rng.choice(there) if known else new, "answer": "stayed" if known else "came"}
    return template.fill(slots, split=split, facts={"known": "yes" if known else "no"})


# Agreement: the verb has the number of the subject, not of the noun in between.

AGREEMENT = templates(
    "agreement",
    {
        "plain": " The {subject} {answer} in the {place}.",
        "adjective": " The {adjective} {subject} {answer} every day.",
        "near": " The {subject} near the {attractor} {answer} in the {place}.",
        "with": " The {subject} with the {attractor} {answer} {feeling}.",
        "behind": " The {adjective} {subject} behind the {attractor} {answer} every day.",
        "always": " Every day the {subject} with the {attractor} {answer} in the {place}.",
        "inside": " The {subject} in the {place} {answer} {feeling}.",
        "middle": " The {subject} near the {attractor} in the {place} {answer} every day.",
        "behind two": " The {subject} behind the {attractor} with the {attractor2} {answer} {feeling}.",
        "near two": " The {adjective} {subject} near the {attractor} behind the {attractor2} {answer} in the {place}.",
    },
)
AGREEMENT_HELD_OUT = templates(
    "agreement",
    {
        "both": " The {adjective} {subject} with the {attractor} in the {place} {answer} {feeling}.",
        "often": " Every day the {adjective} {subject} behind the {attractor} {answer}.",
        "two": " The {subject} with the {attractor} near the {attractor2} {answer} in the {place}.",
    },
)


def agreement(
    rng: random.Random, split: str = "train", world: World = WORLD, template: Template | None = None
) -> Passage:
    """ "The boys near the king laugh in the park."

    Roles: subject, attractor (where there is one), answer (the verb). Facts: "number" of the subject, "attractor"
    number, "other": the verb in the wrong number.
    """
    template = template or rng.choice(AGREEMENT_HELD_OUT if is_new_template(split) else AGREEMENT)
    kept_back = "attractor" in template.roles and split in ("new_names", "held_out")
    subject = rng.choice(HELD_OUT_NOUNS if kept_back else _SUBJECTS if "attractor" in template.roles else _NOUNS)
    plural, attractor_plural = rng.random() < 0.5, rng.random() < 0.5
    singular_verb, plural_verb = ("is", "are") if "feeling" in template.roles else rng.choice(_VERBS)
    slots = _things(rng) | {
        "subject": words.NOUNS[subject] if plural else subject,
        "attractor": _noun(rng, attractor_plural),
        "attractor2": _noun(rng, attractor_plural),
        "answer": plural_verb if plural else singular_verb,
    }
    facts = {"number": _NUMBER[plural], "other": singular_verb if plural else plural_verb}
    if "attractor" in template.roles:
        facts["attractor"] = _NUMBER[attractor_plural]
    return template.fill(slots, split=split, facts=facts)


_NUMBER = {False: "singular", True: "plural"}
_NOUNS = tuple(words.NOUNS)
_SUBJECTS = tuple(noun for noun in words.NOUNS if noun not in HELD_OUT_NOUNS)
_VERBS = tuple(words.VERBS.items())


def _noun(rng: random.Random, plural: bool) -> str:
    noun = rng.choice(_NOUNS)
    return words.NOUNS[noun] if plural else noun


# Lists said twice: any words in any order, so only what stood after a word the first time says what comes next.

LIST = {"again": (" Say after me:", ". Once more:"), "song": (" The song was:", ". And again:")}
LIST_HELD_OUT = {"heard": (" We sang after me:", ". Then again:")}


def list_copy(
    rng: random.Random,
    split: str = "train",
    world: World = WORLD,
    template: str | None = None,
    length: int | None = None,
) -> Passage:
    """ "Say after me: park Mary cake red. Once more: park Mary cake red."

    Roles: item, as often as there are words; copy, likewise, but one of the copies after the first is the answer.
    """
    template = template or rng.choice(tuple(LIST_HELD_OUT if is_new_template(split) else LIST))
    openings = (LIST | LIST_HELD_OUT)[template]
    length = length or rng.randint(4, 8)
    items = rng.sample(world.people("list", split) + _LISTED, length)
    asked = rng.randrange(1, length)
    spans: list[Span] = []
    text = ""
    for opening, role in zip(openings, ("item", "copy"), strict=True):
        text += opening
        for number, item in enumerate(items):
            start = len(text) + 1
            text += f" {item}"
            spans.append(Span("answer" if role == "copy" and number == asked else role, item, start, len(text)))
    return Passage(text + ".", "list", f"list/{template}", split, tuple(spans), {"length": str(length)})


_LISTED = words.OBJECTS + words.PLACES + words.COLOURS + words.PETS + words.JOBS + words.CITIES + words.ADJECTIVES


def is_new_template(split: str) -> bool:
    return split in ("new_templates", "held_out")


def _things(rng: random.Random) -> Mapping[str, str]:
    """A word for each of the slots that no skill asks about."""
    return {
        "place": rng.choice(words.PLACES),
        "object": rng.choice(words.OBJECTS),
        "adjective": rng.choice(words.ADJECTIVES),
        "colour": rng.choice(words.COLOURS),
        "feeling": rng.choice(words.FEELINGS),
        "gave": rng.choice(words.GIVE),
    }
