"""The catalogue: whole, found by what people look for, and told line by line what is wrong with a file."""

import json
from collections import Counter

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.cli import main
from hookpoint.content.course import course
from hookpoint.errors import HookpointError, UsageError
from hookpoint.problems.catalogue import Filter, catalogue, read_catalogue
from hookpoint.problems.schema import CATEGORIES, DIFFICULTIES, KNOWN, ORIGINS

GOOD = """
[[problem]]
id = "1.1"
title = "A title"
summary = "What it asks."
difficulty = "B"
prerequisites = ["ablation"]
model = "a small one"
gpu = "no"
internet = "no"
starter = "Begin here."
origin = "later work"
source = "A paper"
"""


@pytest.fixture
def of(tmp_path):
    """The catalogue of one file with this text."""

    def read(text: str, name: str = "superposition"):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return read_catalogue(tmp_path)

    return read


def test_it_holds_the_community_list_and_what_came_later():
    by_origin = Counter(problem.origin for problem in catalogue())

    assert len(catalogue()) == 439 and by_origin["200 problems"] == 336 and set(by_origin) == set(ORIGINS)
    assert {problem.category for problem in catalogue()} == set(CATEGORIES)


def test_numbers_come_in_their_order():
    ids = [problem.id for problem in catalogue() if problem.category == "circuits_in_the_wild"]

    assert ids.index("2.9") < ids.index("2.10") and ids.index("2.25a") < ids.index("2.25b") < ids.index("2.26")


def test_what_is_known_beforehand_names_notebooks_that_are_there():
    names = {notebook.name for notebook in course().notebooks}

    assert {notebook for notebook in KNOWN.values() if notebook} <= names
    assert {one for problem in catalogue() for one in problem.prerequisites} == set(KNOWN)


def test_all_words_must_occur_whatever_their_case():
    found = catalogue().search(Filter("INDUCTION heads"))

    assert found and all("induction" in str(problem).lower() and "heads" in str(problem).lower() for problem in found)
    assert set(found) < set(catalogue().search(Filter("induction")))


@pytest.mark.parametrize(("letter", "fits"), [("A", False), ("B", True), ("C", True), ("D", False)])
def test_a_range_of_difficulty_holds_its_letters(of, letter, fits):
    one = of(GOOD.replace('"B"', '"B-C"'))

    assert bool(one.search(Filter(difficulty=letter))) == fits


def test_a_problem_without_a_difficulty_is_of_none(of):
    one = of(GOOD.replace('difficulty = "B"\n', ""))

    assert not any(one.search(Filter(difficulty=letter)) for letter in DIFFICULTIES)


@pytest.mark.parametrize(
    ("key", "value", "wanted", "fits"),
    [
        ("internet", "yes", Filter(offline=True), False),
        ("internet", "helps", Filter(offline=True), True),
        ("gpu", "yes", Filter(no_gpu=True), False),
        ("gpu", "helps", Filter(no_gpu=True), True),
        ("metric", "F1", Filter(metric=True), True),
        ("topic", "x", Filter(metric=True), False),
    ],
)
def test_filters_by_needs_and_metric(of, key, value, wanted, fits):
    text = (
        GOOD.replace(f'{key} = "no"', f'{key} = "{value}"') if f'{key} = "no"' in GOOD else GOOD + f'{key} = "{value}"'
    )

    assert bool(of(text).search(wanted)) == fits


def test_what_notebooks_prepare_for_needs_nothing_else(of):
    one = of(GOOD.replace('["ablation"]', '["ablation", "activation patching"]'))

    assert not one.search(Filter(knows=("10_induction",)))
    assert one.search(Filter(knows=("10_induction", "12_patching")))
    assert not of(GOOD.replace('["ablation"]', '["NMF"]')).search(Filter(knows=("10_induction",)))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["", *CATEGORIES]), st.sampled_from(["", *DIFFICULTIES]), st.booleans(), st.booleans())
def test_a_filter_more_never_finds_more(category, difficulty, offline, metric):
    some = catalogue().search(Filter(category=category, difficulty=difficulty))
    fewer = catalogue().search(Filter(category=category, difficulty=difficulty, offline=offline, metric=metric))

    assert set(fewer) <= set(some)


def test_all_mistakes_of_a_file_are_told_with_their_lines(of):
    text = GOOD.replace('"no"', '"never"', 1).replace('"later work"', '"hearsay"') + 'stars = 5\n' + GOOD.replace(
        'title = "A title"\n', "").replace('"1.1"', '"one"')  # fmt: skip
    lines = text.splitlines()

    with pytest.raises(HookpointError) as told:
        of(text)

    said = str(told.value).splitlines()
    places = {int(line.split(":")[1]): line for line in said}
    assert len(said) == 5 and "`title` is missing" in places[lines.index("[[problem]]", 3) + 1]
    for word in ("gpu", "origin", "stars", 'id = "one"'):
        assert next(number for number, line in enumerate(lines, 1) if line.startswith(word) and (
            word != "gpu" or "never" in line)) in places  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[problem]\n", "superposition.toml"),
        ("", "no [[problem]]"),
        (GOOD.replace('"A title"', '"' + "x" * 500 + '"'), "500 characters"),
        (GOOD.replace('["ablation"]', '["magic"]'), "'magic'. Known are"),
        (GOOD.replace('"B"', '"C-B"'), "C-B"),
        (GOOD + GOOD, "1.1 is also in"),
    ],
)
def test_a_mistake_is_named(of, text, said):
    with pytest.raises(HookpointError, match=".") as told:
        of(text)

    assert said in str(told.value)


def test_an_unknown_id_brings_the_nearest():
    with pytest.raises(UsageError, match=r"Did you mean 2\.\d+"):
        catalogue().problem("2.99")


def test_doubts_are_told(of):
    one = of(GOOD.replace('"later work"', '"200 problems"') + 'seen_in = ["digest"]\nsource_seen = false\n')

    said = " ".join(one.problem("1.1").doubts)
    assert "single listing" in said and "not looked up" in said and "No difficulty" not in said


def run(*arguments: str):
    return CliRunner().invoke(main, ["problem", *arguments])


def test_the_list_as_json_has_one_object_for_each_problem():
    objects = [json.loads(line) for line in run("list", "--json").output.splitlines()]

    assert len(objects) == 439 and all(one["id"] and one["title"] for one in objects)


def test_the_list_says_how_many_it_shows_of_all():
    said = run("list", "grokking", "--difficulty", "B").output.splitlines()

    listed = [line for line in said if line.startswith("  ")]
    assert listed and said[-1].startswith(f"{len(listed)} of 439 problems")


def test_show_tells_how_to_begin_what_to_know_and_what_is_doubtful():
    said = run("show", "T.8").output

    for part in ("begin with", "scored by", "know first", "internet", "our own estimate"):
        assert part in said


@pytest.mark.parametrize(
    "arguments", [("show", "0.0"), ("list", "--category", "superposed"), ("list", "--difficulty", "E")]
)
def test_a_mistake_is_one_line_and_no_traceback(arguments):
    done = run(*arguments)

    assert done.exit_code != 0 and "Traceback" not in done.output
