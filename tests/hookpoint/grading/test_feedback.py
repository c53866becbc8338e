"""Feedback for a participant: all they may know, whatever the file they handed in is called and says."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookpoint.errors import HookpointError
from hookpoint.grading.feedback import facts, page, write
from hookpoint.grading.results import Graded, Result

SLIP = "causal_mask(3, 3) differs.\n  Checked: the future is hidden.\n  Next: hookpoint hint causal_mask"
RESULT = Result(
    "team/03_attention.ipynb",
    "3f2a",
    "03_attention",
    "0.1",
    "sesame",
    (
        Graded("causal_mask", "failed", 0, 2, "inverted", SLIP),
        Graded("apply_mask", "passed", 1, 1),
        Graded("attention", "missing", 0, 3, "", "attention is not written yet.\n  Next: hookpoint hint attention"),
    ),
    ("Two cells define `causal_mask`.",),
    seconds=0.4,
)
HOSTILE = {
    "script": "</pre><script>alert(1)</script>",
    "attribute": "\"'><img src=x onerror=alert(1)>",
    "comment": "<!-- <![CDATA[ ]]> --!> </style></title>",
    "entity": "&lt;script&gt; &amp;amp;",
    "long": "x" * 10_000,
}
# What ends a line in some viewer, moves the cursor, or turns the text round.
UNSEEN = [*map(chr, [0, 7, 8, 0x1B, 0x7F, 0x85, 0x9B, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF, 0xE0041])]
UNSEEN += [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\ud800"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Outline(HTMLParser):
    """A page as a browser reads it: its tags with their attributes, and the texts below each tag."""

    def __init__(self, source: str):
        super().__init__()
        self.tags, self.texts, self.inside = [], {}, []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, *attributes))
        if tag != "meta":
            self.inside.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag

    def handle_data(self, data):
        for tag in self.inside:
            self.texts[tag][-1] += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def with_text(text: str) -> Result:
    """A result that has this text in every place where somebody else's text may stand."""
    verdicts = (Graded("causal_mask", "failed", 0, 2, text, text), Graded(text, text, 0, 1, "", text))
    return Result(text, text, text, text, "sesame", verdicts, (text,))


def test_each_exercise_has_a_row_with_words_a_sign_and_points():
    outline = Outline(page(RESULT))

    rows = [" ".join(text.split()) for text in outline.texts["tr"]]
    assert rows[0] == "ExerciseResultPoints"
    assert rows[1] == "causal_mask✕ not right yet0 of 2"
    assert rows[3] == "apply_mask✓ passed1 of 1"
    assert rows[4] == "attention○ no answer yet0 of 3"
    assert outline.texts["h1"] == ["team/03_attention.ipynb"]
    assert "1 of 6 points" in outline.texts["p"]
    assert outline.texts["li"] == ["Two cells define `causal_mask`."]


def test_no_two_statuses_look_or_read_alike():
    statuses = ("passed", "failed", "error", "timeout", "missing")
    verdicts = tuple(Graded("x", status, 0, 1) for status in statuses)
    cells = Outline(page(replace(RESULT, verdicts=verdicts))).texts["td"]

    signs, words = zip(*(cell.split(" ", 1) for cell in cells if cell[0] in "✓✕!…○"), strict=True)
    assert len(set(signs)) == len(set(words)) == len(statuses)


def test_what_is_not_passed_has_its_message_and_its_next_step_once():
    outline = Outline(page(RESULT))

    assert outline.texts["pre"] == [
        "causal_mask(3, 3) differs.\n  Checked: the future is hidden.",
        "attention is not written yet.",
    ]
    steps = [text for text in outline.texts["p"] if text.startswith("Next")]
    assert steps == ["Next: hookpoint hint causal_mask", "Next: hookpoint hint attention"]


@pytest.mark.parametrize(("seed", "count"), [("sesame", 2), ("public", 0)])
def test_the_page_says_how_many_exercises_were_checked_on_hidden_inputs(seed, count):
    (said,) = (text for text in Outline(page(replace(RESULT, seed=seed))).texts["p"] if text.startswith("Checked"))

    assert said.startswith(f"Checked on hidden inputs: {count} of 3 exercises.")


def test_the_seed_whose_inputs_are_public_is_that_of_the_checks():
    from hookpoint.checks import PUBLIC_SEED

    assert "hidden inputs: 0 of" in page(replace(RESULT, seed=PUBLIC_SEED))


def test_a_file_that_could_not_be_graded_says_why():
    outline = Outline(page(Result("x.ipynb", "00", "", "0.1", "sesame", trouble="It has no list of cells.")))

    assert outline.texts["pre"] == ["It has no list of cells."]
    assert "Not graded" in outline.texts["p"]
    assert "table" not in outline.texts


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_text(hostile):
    outline, plain = Outline(page(with_text(hostile))), Outline(page(with_text("plain")))

    assert outline.tags == plain.tags
    assert outline.texts["pre"] == [hostile, hostile]
    assert outline.texts["h1"] == [hostile]


@given(st.text())
def test_no_text_changes_what_a_page_is_made_of(text):
    assert Outline(page(with_text(f"a{text}"))).tags == Outline(page(with_text("plain"))).tags


def test_characters_that_act_without_being_seen_are_replaced():
    source = page(with_text(f"a{'b'.join(UNSEEN)}c"))

    assert not set(UNSEEN) & set(source)
    assert Outline(source).texts["pre"][0] == f"a{'b'.join('�' * len(UNSEEN))}c"
    source.encode("utf-8")


def test_line_ends_tabs_and_joined_emoji_stay():
    text = "two\nlines\tand 👩\u200d💻 é שלום"

    assert Outline(page(with_text(text.replace("\n", "\r\n")))).texts["pre"][0] == text


def test_an_endless_message_is_cut_and_says_so():
    (pre, _) = Outline(page(with_text("x" * 1_000_000))).texts["pre"]

    assert len(pre) < 30_000 and pre.endswith("(cut here: 1,000,000 characters)")


def test_the_page_brings_no_script_and_fetches_nothing():
    source = page(RESULT)

    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert ("meta", ("http-equiv", "Content-Security-Policy"), ("content", policy)) in Outline(source).tags
    assert not re.search(r"(?i)<script|<link|<a\b|<img|\bsrc=|\bhref=|\bon\w+=|url\(|@import|://", source)


def test_the_facts_are_the_results_without_the_seed():
    everything = RESULT.as_json()

    assert facts(RESULT) == {name: value for name, value in everything.items() if name != "seed"}


def test_neither_file_holds_the_seed(tmp_path):
    for path in write([RESULT], tmp_path):
        assert "sesame" not in path.read_text(encoding="utf-8")


def test_write_gives_a_page_and_its_facts_for_each_submission(tmp_path):
    written = write([RESULT, replace(RESULT, submission="b.ipynb")], tmp_path / "new")

    assert sorted(written) == sorted((tmp_path / "new").iterdir())
    assert [path.suffix for path in written] == [".html", ".json"] * 2
    assert written[0].read_text(encoding="utf-8") == page(RESULT)
    assert json.loads(written[1].read_text(encoding="ascii")) == facts(RESULT)


NAMES = ["a/x.ipynb", "b/x.ipynb", "a-x.ipynb", "a\\x.ipynb", "x.ipynb", "X.ipynb", "x.py", "x", "../../etc/passwd"]
NAMES += [
    "/etc/passwd",
    "CON",
    "nul.ipynb",
    "💥.ipynb",
    "👩\u200d💻",
    "",
    ".",
    "..",
    " ",
    "-rf",
    "~",
    "%2e%2e",
    "a:b",
    "a?",
]
NAMES += ["n" * 300, "n" * 300 + ".ipynb", "é" * 300, "\ud800", "a\0b", "a\nb", "\u202egnp.ipynb", "x.ipynb"]


def test_file_names_are_safe_on_every_system_and_no_two_are_one(tmp_path):
    written = write([replace(RESULT, submission=name) for name in NAMES], tmp_path)

    assert len({path.name.casefold() for path in written}) == len(written) == 2 * len(NAMES)
    assert all(path.parent == tmp_path and path.is_file() for path in written)
    assert all(re.fullmatch(r"\w[\w-]{0,90}\.(html|json)", path.name, re.ASCII) for path in written)
    reserved = r"(?i)(con|prn|aux|nul|com\d|lpt\d)\."
    assert not any(re.match(reserved, path.name) for path in written)


def test_what_is_readable_of_a_name_stays(tmp_path):
    (path, _) = write([replace(RESULT, submission="Équipe 7/03_attention.ipynb")], tmp_path)

    assert path.name.startswith("Equipe-7-03_attention-")


def test_a_regrade_replaces_the_files(tmp_path):
    first = write([replace(RESULT, submission="b.ipynb"), RESULT], tmp_path)
    second = write([replace(RESULT, verdicts=())], tmp_path)

    assert second == first[2:]
    assert "0 of 0 points" in second[0].read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_cannot_be_is_an_error_for_people(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(HookpointError, match="Could not write"):
        write([RESULT], tmp_path / "taken")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
@pytest.mark.parametrize("text", [*HOSTILE.values(), "w" * 300], ids=[*HOSTILE, "wide"])
def test_on_a_phone_nothing_runs_and_nothing_sticks_out(text, tmp_path):
    from playwright.sync_api import sync_playwright

    (path, _) = write([with_text(text)], tmp_path)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 390, "height": 800})
        happened = []
        for event in ("dialog", "console", "pageerror"):
            view.on(event, lambda what: happened.append(str(what)))
        view.on("request", lambda request: happened.append(request.url))
        view.goto(path.as_uri())
        wide = "[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > 390.5).length"
        assert (view.evaluate("document.documentElement.scrollWidth"), view.evaluate(wide)) == (390, 0)
        assert happened == [path.as_uri()]
        browser.close()
