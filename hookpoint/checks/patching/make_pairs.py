"""Checks for `make_pairs` (part 2, notebook 12)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, same
from hookpoint.checks.protocol.given.patching import SENTENCE, SLOTS, sentence
from hookpoint.zoo import stories
from hookpoint.zoo.stories.words import WORLD

NAMES = [stories.tokenizer().token_id(f" {name}") for name in WORLD.names[:24]]
KEYS = ("clean", "corrupt", "answer", "wrong")
FIRST, SECOND, GIVER = SLOTS


def reference(n, seed):
    """The stand-in: pairs of names from a list of all, in turn; only its parameters' names are used."""
    raise NotImplementedError


def pairs_of(learner, n, seed):
    """What came back, if it has the four tensors in their shapes."""
    got = learner.make_pairs(n, seed)
    for key in KEYS:
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
        shape = (n, len(SENTENCE)) if key in KEYS[:2] else (n,)
        value = got[key]
        if not isinstance(value, Tensor) or value.shape != shape or value.dtype != torch.int64:
            about = (
                f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
                if isinstance(value, Tensor)
                else "no tensor"
            )
            raise Mismatch(f"has {about} at key {key!r}, expected int64{list(shape)}.", got=got)
    if extra := [key for key in got if key not in KEYS]:
        raise Mismatch(f"has a key {extra[0]!r} that the contract does not name.", got=got)
    return got


def sentences(learner, draw):
    """Every row of clean and corrupt is the sentence, with two different people of NAMES, one of whom gives."""
    for n in (7, 1):
        got = pairs_of(learner, n, draw.number(0, 10_000))
        for key in ("clean", "corrupt"):
            for row, ids in enumerate(got[key].tolist()):
                first, second, giver = (ids[at] for at in SLOTS)
                if ids != sentence(first, second, giver):
                    raise Mismatch(f"has other words than the sentence's in {key}, row {row}.", got=got)
                if not {first, second, giver} <= set(NAMES):
                    raise Mismatch(f"has a name that is not in NAMES in {key}, row {row}.", got=got)
                if first == second:
                    raise Mismatch(f"names one person twice in {key}, row {row}: nobody else could receive.", got=got)
                if giver not in (first, second):
                    raise Mismatch(f"lets somebody give who is neither of the two, in {key}, row {row}.", got=got)


def twins(learner, draw):
    """A row's clean and corrupt sentence differ in who gives, and in nothing else."""
    got = pairs_of(learner, 7, draw.number(0, 10_000))
    differ = got["clean"] != got["corrupt"]
    want = torch.zeros_like(differ)
    want[:, GIVER] = True
    if not torch.equal(differ, want):
        row = int((differ != want).any(dim=1).nonzero()[0])
        places = differ[row].nonzero().flatten().tolist()
        raise Mismatch(
            f"differs between clean and corrupt at positions {places} of row {row}, expected [{GIVER}].", got=got
        )


def labels(learner, draw):
    """The answer is who receives in clean, and wrong is who receives in corrupt."""
    got = pairs_of(learner, 7, draw.number(0, 10_000))
    for key, name in (("clean", "answer"), ("corrupt", "wrong")):
        tokens = got[key]
        receiver = torch.where(tokens[:, GIVER] == tokens[:, FIRST], tokens[:, SECOND], tokens[:, FIRST])
        try:
            same(got[name], receiver, f"in {name}")
        except Mismatch as mismatch:
            mismatch.got = got
            raise


def balanced(learner, draw):
    """In half of the rows the first person gives (of an odd number, one more or less), and people change."""
    for n in (40, 41, 2):
        got = pairs_of(learner, n, draw.number(0, 10_000))
        share = int((got["clean"][:, GIVER] == got["clean"][:, FIRST]).sum())
        if share not in (n // 2, n - n // 2):
            raise Mismatch(
                f"lets the first person give in {share} of {n} rows: where a name stands gives it away.", got=got
            )
        if n < 40:
            continue
        for key, at in (("answer", got["answer"]), ("first person", got["clean"][:, FIRST])):
            if len(at.unique()) < 10:
                raise Mismatch(f"has only {len(at.unique())} different names as {key} in {n} rows.", got=got)
        couples = {tuple(sorted(row)) for row in got["clean"][:, [FIRST, SECOND]].tolist()}
        if len(couples) < 10:
            raise Mismatch(f"has only {len(couples)} different couples in {n} rows.", got=got)


def seeded(learner, draw):
    """One seed gives the same rows every time, and another seed gives others."""
    seed = draw.number(0, 10_000)
    far = [seed + step for step in (1, 2, 100, 256, 1000, 10_000)]
    once, again, *others = (pairs_of(learner, 12, each) for each in (seed, seed, *far))
    for key in KEYS:
        if not torch.equal(once[key], again[key]):
            raise Mismatch(f"gives other rows at the second call with the same seed, in {key}.", got=again)
    for other in others:
        if torch.equal(once["clean"], other["clean"]):
            raise Mismatch("gives the same rows for two seeds.", got=other)
    pairs_of(learner, 5, seed)


def right(n, seed, couple=None, giver_first=lambda row, generator: row % 2 == 0):
    generator = torch.Generator().manual_seed(seed)
    rows = {key: [] for key in KEYS}
    for row in range(n):
        first, second = (couple or different)(generator)
        giver, receiver = (first, second) if giver_first(row, generator) else (second, first)
        for key, value in zip(
            KEYS, (sentence(first, second, giver), sentence(first, second, receiver), receiver, giver), strict=True
        ):
            rows[key].append(value)
    return {key: torch.tensor(value) for key, value in rows.items()}


def different(generator):
    return [NAMES[at] for at in torch.randperm(len(NAMES), generator=generator)[:2].tolist()]


def maybe_one(generator):
    return [NAMES[at] for at in torch.randint(3, (2,), generator=generator).tolist()]


def one_couple(generator):
    return NAMES[:2]


def same_person_twice(n, seed):
    return right(n, seed, couple=maybe_one)


def first_always(n, seed):
    return right(n, seed, giver_first=lambda row, generator: True)


def second_always(n, seed):
    return right(n, seed, giver_first=lambda row, generator: False)


def by_a_coin(n, seed):
    return right(n, seed, giver_first=lambda row, generator: bool(torch.randint(2, (), generator=generator)))


def same_couple(n, seed):
    return right(n, seed, couple=one_couple)


def labels_swapped(n, seed):
    got = right(n, seed)
    return got | {"answer": got["wrong"], "wrong": got["answer"]}


def giver_twice(n, seed):
    got = right(n, seed)
    return got | {"answer": got["wrong"]}


def names_swapped(n, seed):
    got = right(n, seed)
    corrupt = got["clean"].clone()
    corrupt[:, [FIRST, SECOND]] = corrupt[:, [SECOND, FIRST]]
    return got | {"corrupt": corrupt}


def stranger_gives(n, seed):
    got = right(n, seed)
    corrupt = got["clean"].clone()
    for row in range(n):
        corrupt[row, GIVER] = next(name for name in NAMES if name not in corrupt[row, [FIRST, SECOND]].tolist())
    return got | {"corrupt": corrupt}


def other_couple(n, seed):
    return right(n, seed) | {"corrupt": right(n, seed + 1)["clean"]}


def answer_written(n, seed):
    got = right(n, seed)
    return got | {
        key: torch.cat([got[key], got[name][:, None]], 1) for key, name in (("clean", "answer"), ("corrupt", "wrong"))
    }


def seed_ignored(n, seed):
    return right(n, 0)


EXERCISE = Exercise(
    "make_pairs",
    checks=(sentences, twins, labels, balanced, seeded),
    reference=reference,
    gives=dict,
    needs={"NAMES": NAMES, "sentence": "sentence"},
    slips=(
        Slip("the two names are drawn one by one, so that one person may stand there twice", same_person_twice),
        Slip("the first person gives in every row", first_always),
        Slip("the second person gives in every row", second_always),
        Slip("a coin decides in each row who gives, so that it is only about half", by_a_coin),
        Slip("all rows are about the same two people", same_couple),
        Slip("answer and wrong are exchanged: who gives in the clean sentence does not receive", labels_swapped),
        Slip("answer is the giver of the clean sentence, as wrong is", giver_twice),
        Slip("the corrupt sentence exchanges the two names at its start instead of the giver", names_swapped),
        Slip("in the corrupt sentence somebody gives who was not named before", stranger_gives),
        Slip("the corrupt sentence is about two other people", other_couple),
        Slip("the answer stands at the end of the sentence, where the model is to predict it", answer_written),
        Slip("the seed is ignored", seed_ignored),
    ),
)
