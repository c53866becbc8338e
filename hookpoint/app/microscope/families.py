"""Prompts like the one that is shown: for each model the tasks it was made for, as many pairs of prompts as wanted.

A pair is a prompt and its twin, alike but for one thing, with the answer of each. Pairs of one draw have the same words
in the same places, so a mean over them is a mean position by position.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["Family", "Pair", "families"]

IOI = "ioi/went"


@dataclass(frozen=True)
class Pair:
    """Two prompts. `foil` is the twin's answer, or the wrong answer that the task has to tell from the right one.

    Attributes:
        at: The position whose prediction is meant; None is the last.
    """

    clean: str
    changed: str
    answer: str
    foil: str
    at: int | None = None


@dataclass(frozen=True)
class Family:
    """A task as a person chooses it. `draw(n, seed)` gives up to n pairs; the first is what the page shows."""

    name: str
    label: str
    draw: Callable[[int, int], list[Pair]]


def families(model: str) -> tuple[Family, ...]:
    """The tasks of a model by its name; none for one that we know nothing about."""
    if model in ("stories", "stories_few_names", "trojan"):
        return _stories()
    if model == "facts":
        return _residents()
    if model == "factcheck":
        return (_by_role("fact", "Who lives where?", "fact", "fact/city/lives", "person"),)
    if model.startswith("induction"):
        return (Family("repeat", "What came next the last time?", _repeats),)
    if model.startswith("circuit_"):
        return (Family("task", "The task it was compiled for", lambda n, seed: _circuit(model, n, seed)),)
    if "gpt2" in model:
        return (Family("names", "Who gets it? (names)", _english_names),)
    return ()


def of_text() -> tuple[Family, ...]:
    """The tasks for a model that was trained on the course's own text."""
    return _stories()


def _stories() -> tuple[Family, ...]:
    return (
        Family("names", "Who gets it? (names)", _names),
        _by_role("fact", "Who lives where? (facts)", "fact", "fact/city/lives", "person"),
        _by_role("geography", "Which country?", "geography", "geography/people", "city"),
        _by_role("agreement", "One or many? (agreement)", "agreement", "agreement/with", "subject"),
        _by_role("pronoun", "He or she?", "pronoun", "pronoun/told", "hero"),
    )


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _names(n: int, seed: int) -> list[Pair]:
    """Indirect objects; in the twin the other person gives."""
    from hookpoint.zoo import stories
    from hookpoint.zoo.stories.sentences import swapped

    pairs = []
    for passage in stories.prompts("ioi", n, _generator(seed), "train", template=IOI).passages:
        twin = swapped(passage)
        pairs.append(Pair(*_texts(passage, twin), passage.span("answer").word, twin.span("answer").word))
    return pairs


def _by_role(name: str, label: str, skill: str, template: str, role: str) -> Family:
    """A task whose twin has another word in one role, taken from a prompt with another answer."""

    def draw(n: int, seed: int) -> list[Pair]:
        from hookpoint.zoo import stories

        passages = stories.prompts(skill, 4 * n, _generator(seed), "train", template=template).passages
        pairs = []
        for one, other in zip(passages, passages[1:], strict=False):
            answer, foil = one.span("answer").word, other.span("answer").word
            if skill == "agreement" and one.facts["number"] != other.facts["number"]:
                foil = one.facts["other"]
            elif answer == foil or skill == "agreement":
                continue
            text = one.before("answer").strip()
            changed = _replaced(text, one.span(role).word, other.span(role).word)
            pairs.append(Pair(text, changed, answer, foil))
        return pairs[:n]

    return Family(name, label, draw)


def _replaced(text: str, word: str, by: str) -> str:
    return " ".join(by if each == word else each for each in text.split(" "))


def _texts(*passages: object) -> list[str]:
    return [passage.before("answer").strip() for passage in passages]


def _residents() -> tuple[Family, ...]:
    from hookpoint.zoo.stories.residents import PREDICATES

    questions = {
        "city": "Who lives where?",
        "job": "Who works as what?",
        "pet": "Whose pet?",
        "colour": "Which colour?",
    }
    return tuple(
        Family(relation, questions[relation], _resident_draw(relation, PREDICATES[relation][0]))
        for relation in questions
    )


def _resident_draw(relation: str, predicate: str) -> Callable[[int, int], list[Pair]]:
    def draw(n: int, seed: int) -> list[Pair]:
        from hookpoint.zoo.stories.residents import KNOWN, RESIDENTS

        rng, pairs = random.Random(seed), []
        for one in rng.sample(RESIDENTS, len(RESIDENTS)):
            twins = [r for r in RESIDENTS if r.first == one.first and KNOWN[r][relation] != KNOWN[one][relation]]
            if twins:
                twin = rng.choice(twins)
                values = KNOWN[one][relation], KNOWN[twin][relation]
                pairs.append(Pair(f"{one} {predicate}", f"{twin} {predicate}", *values))
        return pairs[:n]

    return draw


def _repeats(n: int, seed: int) -> list[Pair]:
    """A block of 20 random tokens and its first 8 again; in the twin another token followed the eighth."""
    from hookpoint.zoo.data.repeats import D_VOCAB

    rng, pairs = random.Random(seed), []
    for _ in range(n):
        *block, other = rng.sample(range(1, D_VOCAB), 21)
        twin = [*block[:8], other, *block[9:]]
        texts = [" ".join(map(str, ["<start>", *each, *block[:8]])) for each in (block, twin)]
        pairs.append(Pair(*texts, str(block[8]), str(other)))
    return pairs


def _english_names(n: int, seed: int) -> list[Pair]:
    """Names and things that GPT-2 has a token each for."""
    names = "Mary John Tom James Dan Paul Anna Mark Peter Laura Kate David".split()
    places, things = "store park school office".split(), "drink book ring ball".split()
    rng, pairs = random.Random(seed), []
    for _ in range(n):
        one, two = rng.sample(names, 2)
        begin = f"When {one} and {two} went to the {rng.choice(places)},"
        end = f"gave a {rng.choice(things)} to"
        pairs.append(Pair(f"{begin} {two} {end}", f"{begin} {one} {end}", one, two))
    return pairs


def _circuit(model: str, n: int, seed: int) -> list[Pair]:
    """Inputs of a compiled circuit in which one letter becomes another, always in the same place."""
    from hookpoint.zoo.recipes.circuits import task

    made, rng = task(model), random.Random(seed)
    rows = made.sequences(max(100, 60 * n), _generator(seed))
    # Their inputs are different letters, or a block of such; so a letter is exchanged wherever it stands.
    everywhere = any(part in model for part in ("induction", "sort", "hard"))
    letters = [id for id in rows.unique().tolist() if not made.vocab[id].startswith("<")]
    place, pairs = None, []
    for row in rows.tolist():
        twins = _twins(row, letters, rng, everywhere)
        if place:  # all others are spared: right answers cost most of the time
            twins = [twin for twin in twins if _changed(row, twin) == place[1]]
        answers = made.answers(torch.tensor([row, *twins]))
        found = [
            (_last(answers[0], other), _changed(row, twin), at)
            for at, (twin, other) in enumerate(zip(twins, answers[1:], strict=True))
        ]
        place = place or max(((at, changed) for at, changed, _ in found if at >= 0), default=None)
        which = next((number for at, changed, number in found if (at, changed) == place), None)
        if which is not None:
            texts = [" ".join(made.vocab[id] for id in each) for each in (row, twins[which])]
            said = [made.vocab[id] for id in answers[[0, which + 1], place[0]].tolist()]
            pairs.append(Pair(*texts, *said, place[0]))
        if len(pairs) == n:
            break
    return pairs


def _twins(row: list[int], letters: list[int], rng: random.Random, everywhere: bool) -> list[list[int]]:
    """The row with the letter of one place exchanged, for each place; `everywhere` keeps letters that differ apart."""
    twins = []
    for place, letter in enumerate(row):
        choices = [id for id in letters if id != letter and not (everywhere and id in row)]
        if letter in letters and choices:
            new = rng.choice(choices)
            twins.append(
                [new if (each == letter if everywhere else at == place) else each for at, each in enumerate(row)]
            )
    return twins


def _last(answers: torch.Tensor, others: torch.Tensor) -> int:
    """The last position at which two rows of answers differ; -1 if there is none."""
    differ = (answers != others) & (answers >= 0) & (others >= 0)
    return max(differ.nonzero().flatten().tolist(), default=-1)


def _changed(row: list[int], twin: list[int]) -> tuple[int, ...]:
    return tuple(at for at, (a, b) in enumerate(zip(row, twin, strict=True)) if a != b)
