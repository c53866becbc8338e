"""event.toml: what is written is read again, and every mistake of a file is named with its line, all at once."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting.schedule import now
from hookpoint.hosting.schedule_templates import CAN_BE_OPEN, TEMPLATES, Span
from hookpoint.hosting.settings import (
    Board,
    Criterion,
    EventSettings,
    Judging,
    Limits,
    PhaseSettings,
    Server,
    Teams,
    new_settings,
    read_settings,
    write_settings,
)

STARTS = datetime(2027, 3, 5, 18)
NOTEBOOKS = ("03_attention", "10_induction")
LEAST = """title = "Look inside"
place = "Hall 3"
timezone = "Europe/Berlin"
starts = "2027-03-05 18:00"
template = "weekend"
notebooks = ["03_attention"]
"""

lines_of_text = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40).filter(
    str.strip
)
spans = st.builds(Span, st.integers(0, 30), st.integers(1, 3000))
criteria = st.lists(
    st.builds(
        Criterion, lines_of_text, st.floats(0, 100, exclude_min=True),
        st.lists(lines_of_text, min_size=5, max_size=5).map(tuple),
    ),
    min_size=1, max_size=3, unique_by=lambda one: one.name,
).map(tuple)  # fmt: skip
phases = st.lists(
    st.builds(PhaseSettings, lines_of_text, spans, st.sets(st.sampled_from(CAN_BE_OPEN)).map(tuple)),
    max_size=3, unique_by=lambda one: one.name,
).map(lambda some: (*some, PhaseSettings("the end of it all, for everyone", Span(0, 10), ("submitting",))))  # fmt: skip
events = st.builds(
    EventSettings,
    title=lines_of_text,
    place=lines_of_text,
    timezone=st.sampled_from(["Asia/Kathmandu", "America/New_York", "UTC"]),
    starts=st.integers(0, 150 * 1440).map(lambda minutes: datetime(2027, 4, 5) + timedelta(minutes=minutes)),
    template=st.sampled_from(sorted(TEMPLATES)),
    notebooks=st.sampled_from([(), NOTEBOOKS]),
    phases=phases,
    teams=st.builds(Teams, st.integers(2, 5), st.integers(5, 50), st.booleans()),
    limits=st.builds(Limits, st.integers(1, 3600), st.integers(1, 10_000)),
    board=st.builds(Board, st.integers(0, 9).map(lambda some: Span(0, some)), st.sampled_from(["earlier", "shared"])),
    judging=st.builds(Judging, st.integers(1, 20), criteria),
    server=st.builds(Server, st.sampled_from(["0.0.0.0", "127.0.0.1", "::1"]), st.integers(1024, 65535)),
)  # fmt: skip


def mistakes_in(folder, text):
    """The mistakes of a file with this text, without the count at the end."""
    path = folder / "event.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_settings(path)
    return [line for line in str(caught.value).split("\n") if line.startswith("event.toml:")]


def read(folder, text):
    (folder / "event.toml").write_text(text, encoding="utf-8")
    return read_settings(folder / "event.toml")


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(events)
def test_what_is_written_is_read_again(tmp_path_factory, event):
    path = tmp_path_factory.mktemp("event") / "event.toml"

    write_settings(path, event)

    assert read_settings(path) == event


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_new_settings_of_every_template_can_be_written_and_read(tmp_path, template):
    settings = new_settings("Look inside", "Hall 3", "Europe/Berlin", STARTS, template, NOTEBOOKS)

    write_settings(tmp_path / "event.toml", settings)

    assert read_settings(tmp_path / "event.toml") == settings
    assert settings.board.freeze == TEMPLATES[template].freeze


def test_every_key_of_a_written_file_is_explained_once(tmp_path):
    write_settings(tmp_path / "event.toml", new_settings("a", "b", "UTC", STARTS, "weekend", NOTEBOOKS))
    text = (tmp_path / "event.toml").read_text()

    keys = set(re.findall(r"^(\w+) =", text, re.MULTILINE))
    explained = re.findall(r"^#.*\n(\w+) =", text, re.MULTILINE)

    assert keys == set(explained)
    assert sorted(explained) == sorted([*keys, "name"])  # of phases and of criteria


def test_an_existing_file_is_never_overwritten(tmp_path):
    path = tmp_path / "event.toml"
    path.write_text("mine")

    with pytest.raises(UsageError, match="is there already"):
        write_settings(path, new_settings("a", "b", "UTC", STARTS, "weekend", ()))

    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "change",
    [
        {"title": "two\nlines"}, {"title": "\ud800"}, {"starts": STARTS.replace(second=1)},
        {"starts": STARTS.replace(tzinfo=UTC)}, {"teams": Teams(3, 2)}, {"template": "week"},
        {"notebooks": ["03_attention"]},
    ],
)  # fmt: skip
def test_settings_that_could_not_be_read_again_are_not_written(tmp_path, change):
    settings = replace(new_settings("a", "b", "UTC", STARTS, "weekend", NOTEBOOKS), **change)

    with pytest.raises(UsageError):
        write_settings(tmp_path / "event.toml", settings)

    assert not list(tmp_path.iterdir())


def test_keys_that_are_left_out_have_their_defaults(tmp_path):
    settings = read(tmp_path, LEAST)

    assert settings.teams == Teams(smallest=1, largest=6, solo=True)
    assert [(phase.name, phase.open) for phase in settings.phases] == [
        (plan.name, plan.open) for plan in TEMPLATES["weekend"].phases
    ]


def test_a_file_of_another_editor_is_read_as_well(tmp_path):
    (tmp_path / "event.toml").write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())

    assert read_settings(tmp_path / "event.toml").place == "Hall 3"


def test_the_schedule_begins_when_the_file_says(tmp_path):
    schedule = read(tmp_path, LEAST + '[board]\nfreeze = "90 min"\n').schedule()

    assert schedule.phases[0].opens == datetime(2027, 3, 5, 17, tzinfo=UTC)
    assert schedule.freezes == datetime(2027, 3, 7, 13, 30, tzinfo=UTC)
    assert now(schedule, datetime(2027, 3, 5, 18, tzinfo=UTC)).phase.name == "hacking"


def test_all_mistakes_are_said_at_once_each_with_its_line(tmp_path):
    text = LEAST.replace("title", "titel").replace("/Berlin", "/Berln") + (
        "[teams]\nlargest = 0\nsolo = 'yes'\n\n[[judging.criteria]]\nname = 'x'\nweight = -1\nanchors = [\n'a',\n]\n"
    )

    said = [re.match(r"event.toml:(\d+): ([\w.\[\]]+): ", line).groups() for line in mistakes_in(tmp_path, text)]

    assert said == [
        ("1", "titel"), ("1", "title"), ("3", "timezone"), ("8", "teams.largest"), ("9", "teams.solo"),
        ("13", "judging.criteria[1].weight"), ("14", "judging.criteria[1].anchors"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "right"),
    [
        ('"Look inside"', "3", 1, "title", "in quotes"),
        ('"Look inside"', '" "', 1, "title", "1 to 120 characters"),
        ('"Look inside"', '"a\\nb"', 1, "title", "in one line"),
        ("Europe/Berlin", "Berlin", 3, "timezone", '"Europe/Berlin"'),
        ("Europe/Berlin", "../etc/passwd", 3, "timezone", "nearest is"),
        ('"2027-03-05 18:00"', '"5 March"', 4, "starts", '"2027-03-05 18:00"'),
        ('"2027-03-05 18:00"', '"2027-02-30 18:00"', 4, "starts", "not in the calendar"),
        ('"2027-03-05 18:00"', "2027-03-05T18:00:00Z", 4, "starts", '"2027-03-05 18:00"'),
        ('"2027-03-05 18:00"', '"2027-03-28 02:30"', 4, "starts", "left out"),
        ('"2027-03-05 18:00"', '"2027-10-31 02:30"', 4, "starts", "comes twice"),
        ('"weekend"', '"wekend"', 5, "template", 'nearest is "weekend"'),
        ('"03_attention"', '"attention"', 6, "notebooks", 'nearest is "03_attention"'),
        ('"03_attention"', '"03_attention", "03_attention"', 6, "notebooks", "each once"),
        ('"03_attention"', "[3]", 6, "notebooks", "nearest is"),
        ('["03_attention"]', '"03_attention"', 6, "notebooks", "square brackets"),
        ('place = "Hall 3"\n', "", 1, "place", "`place = ...`"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_line_its_key_and_what_is_right(tmp_path, old, new, line, key, right):
    (said,) = mistakes_in(tmp_path, LEAST.replace(old, new))

    assert said.startswith(f"event.toml:{line}: {key}: ")
    assert right in said


@pytest.mark.parametrize(
    ("tables", "line", "key", "right"),
    [
        ("[teams]\nlargst = 3", 8, "teams.largst", "`largest`"),
        ("[teams]\nport = 8080", 8, "teams.port", "below [server]"),
        ('[teams]\ntitle = "x"', 8, "teams.title", "above all [tables]"),
        ("[teem]\nlargest = 3", 7, "teem", "`teams`"),
        ("teams = 3", 7, "teams", "[teams]"),
        ("[phases]\nname = 'x'", 7, "phases", "[[phases]]"),
        ("[teams]\nsmallest = 4\nlargest = 3", 9, "teams.largest", "Write 4 or more"),
        ("[teams]\nsolo = false\nsmallest = 1", 9, "teams.smallest", "solo = true"),
        ("[teams]\nsolo = false", 7, "teams.smallest", "Write 2"),
        ("[teams]\nlargest = true", 8, "teams.largest", "from 1 to 50"),
        ("[limits]\nsubmissions_per_hour = 2.5", 8, "limits.submissions_per_hour", "whole number"),
        ("[board]\nfreeze = 120", 8, "board.freeze", '"90 min"'),
        ('[board]\nfreeze = "2 hrs"', 8, "board.freeze", '"2 h"'),
        ('[board]\nfreeze = "45 h"', 8, "board.freeze", "shorter"),
        ('[board]\nties = "latest"', 8, "board.ties", '"earlier", "fewer attempts" or "shared"'),
        ("[judging]\ncriteria = []", 8, "judging.criteria", "[[judging.criteria]]"),
        ("[server]\nport = 80", 8, "server.port", "from 1024 to 65535"),
        ('[server]\naddress = "my laptop"', 8, "server.address", "0.0.0.0"),
        ('[[phases]]\nname = "a"\nlasts = "1 h"\nopen = ["judge"]', 10, "phases[1].open", '"judging"'),
        ('[[phases]]\nname = "a"\nlasts = "0 h"\nopen = ["submitting"]', 9, "phases[1].lasts", "no time"),
        ('[[phases]]\nname = "a"\nlasts = "1 h"\nopen = []', 7, "phases", "submitting"),
        ('[[phases]]\nname = "a"\nlasts = "1 h"\nopen = ["submitting"]\n' * 2, 12, "phases[2].name", "another name"),
        ('[[phases]]\nlasts = "1 h"\nopen = ["submitting"]', 7, "phases[1].name", "`name = ...`"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_names_its_line_its_key_and_what_is_right(tmp_path, tables, line, key, right):
    (said,) = mistakes_in(tmp_path, LEAST + tables)

    assert said.startswith(f"event.toml:{line}: {key}: ")
    assert right in said


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "true", "'2'", "101"])
def test_a_weight_that_is_no_weight_is_refused(tmp_path, weight):
    anchors = "['a', 'b', 'c', 'd', 'e']"

    (said,) = mistakes_in(
        tmp_path, LEAST + f"[[judging.criteria]]\nname = 'a'\nweight = {weight}\nanchors = {anchors}\n"
    )

    assert said.startswith("event.toml:9: judging.criteria[1].weight: ")


def test_a_mistake_does_not_hide_one_between_keys(tmp_path):
    phase = '[[phases]]\nname = "a"\nlasts = "1 h"\nopen = ["submitting"]\n'

    said = mistakes_in(tmp_path, LEAST + phase + 'color = "red"\n' + phase)

    assert [line.split(": ")[:2] for line in said] == [
        ["event.toml:11", "phases[1].color"], ["event.toml:13", "phases[2].name"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title = Look inside\n" + LEAST, 1),
        (LEAST + 'place = "again"\n', 7),
        (LEAST + "\n# a comment\n[teams\n", 9),
        (LEAST.replace('["03_attention"]', '[\n  "03_attention"\n'), 6),
        (LEAST + f"[server]\nport = {'9' * 5000}\n", 8),
    ],
)
def test_text_that_is_not_toml_is_shown_with_its_line(tmp_path, text, line):
    (said,) = mistakes_in(tmp_path, text)

    assert said.startswith(f"event.toml:{line}: `") and "cannot be read" in said and len(said) < 300


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(UsageError, match="hookpoint host init"):
        read_settings(tmp_path / "event.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "event.toml").write_bytes(b'title = "caf\xe9"\n')

    with pytest.raises(UsageError, match="Save it as UTF-8"):
        read_settings(tmp_path / "event.toml")


def test_settings_start_without_torch():
    code = "import sys, hookpoint.hosting.settings; print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
