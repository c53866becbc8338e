"""Promises of the tasks that compiled circuits compute: inputs, and answers found without a model."""

from itertools import product

import pytest
import torch

from hookpoint.zoo.compile import lookups, tasks
from hookpoint.zoo.recipes import circuits


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def words(task, text):
    return torch.tensor([[task.vocab.index(word) for word in text.split()]])


@pytest.mark.parametrize(
    ("task", "given", "asked"),
    [
        (tasks.reverse(), "a c b b e", "e b b c a"),
        (tasks.count(), "<bos> a c a a b c", ". 3 2 3 3 1 2"),
        (tasks.induction(), "<bos> d a c d a", ". . . . a c"),
        (tasks.sort(), "<bos> d a l c", ". a c d l"),
        (tasks.majority(), "a d e b c f", "yes no no no yes no"),
        (tasks.brackets(), "<bos> ( ( ) )", ". . . . yes"),
        (tasks.brackets(), "<bos> ) (", ". . no"),
        (tasks.brackets(), "<bos> ( ( )", ". . . no"),
        (tasks.maximum(), "c a d b d", "c c d d d"),
    ],
)
def test_a_task_asks_for_what_its_name_says(task, given, asked):
    (answers,) = task.answers(words(task, given))

    assert task.words(answers) == asked


def test_every_drawn_letter_that_came_before_is_followed_by_what_followed_it():
    task = tasks.induction()
    tokens = task.sequences(50, seeded())
    for row, answers in zip(tokens.tolist(), task.answers(tokens).tolist(), strict=True):
        for place, letter in enumerate(row):
            followers = {row[i + 1] for i in range(1, place) if row[i] == letter}
            assert {answers[place]} == (followers or {-1})
            assert place + 1 == len(row) or answers[place] in (-1, row[place + 1])


def test_brackets_are_balanced_when_erasing_pairs_leaves_nothing():
    task = tasks.brackets(length=6)
    rows = torch.tensor(list(product((0, 1), repeat=6)))
    answers = task.answers(torch.nn.functional.pad(rows, (1, 0), value=2))[:, -1]
    for row, answer in zip(rows.tolist(), answers.tolist(), strict=True):
        text = "".join("()"[bracket] for bracket in row)
        for _ in range(3):
            text = text.replace("()", "")
        assert task.vocab[answer] == ("no" if text else "yes")


def test_half_of_the_drawn_brackets_are_balanced_and_a_quarter_only_counts_right():
    task = tasks.brackets()
    tokens = task.sequences(2000, seeded())
    balanced = task.answers(tokens)[:, -1] == task.vocab.index("yes")
    counts = (tokens == 0).sum(1) == (tokens == 1).sum(1)

    assert abs(balanced.float().mean() - 0.5) < 0.05
    assert abs((counts & ~balanced).float().mean() - 0.25) < 0.05


@pytest.mark.parametrize("family", circuits.FAMILIES)
def test_inputs_follow_from_the_generator_and_fit_the_vocabulary(family):
    task = circuits.task(family)
    tokens = task.sequences(40, seeded(3))

    assert torch.equal(tokens, task.sequences(40, seeded(3)))
    assert not torch.equal(tokens, task.sequences(40, seeded(4)))
    assert tokens.shape == (40, task.n_ctx)
    assert tokens.min() >= 0 and tokens.max() < len(task.vocab)


@pytest.mark.parametrize(
    ("fetch", "expected"),
    [
        (lookups.Fetch("letter", "x", "back", 2), [0, 0, 0, 1, 2, 3, 4, 5]),
        (lookups.Fetch("letter", "x", "place", 3), [0, 1, 2, 3, 3, 3, 3, 3]),
        (lookups.Fetch("letter", "x", "at", address="letter"), [0, 1, 2, 1, 4, 0, 0, 3]),
    ],
    ids=["back", "place", "at"],
)
def test_a_fetch_takes_the_nearest_visible_place(fetch, expected):
    letters = torch.tensor([[4, 3, 2, 1, 4, 0, 0, 3]])

    assert fetch.places({"letter": letters}).tolist() == [expected]


def test_a_task_of_a_random_program_follows_from_its_seed():
    tokens = circuits.task("program", 1).sequences(20, seeded())

    one, same, other = (circuits.task("program", seed).answers(tokens) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
