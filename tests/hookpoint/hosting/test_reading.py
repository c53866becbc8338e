"""What a judge reads is the write-up, safe, and without what tells whose it is."""

import base64
import json
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.hosting.judging.blind import Authors
from hookpoint.hosting.judging.reading import LARGEST_PICTURE, readable
from hookpoint.hosting.writeup import template

AUTHORS = Authors("Night Owls", ("Ada Lovelace", "Will"), "Team Fjord")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
SAFE = (
    "h2 h3 h4 h5 h6 p em strong s code pre ul ol li blockquote hr br table thead tbody tr th td img details summary"
).split()


def blind(text: str) -> str:
    return str(readable(text.encode(), AUTHORS))


def shown(text: str) -> str:
    return str(readable(text.encode()))


def a_notebook(*cells) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}}


def text_cell(source, **other):
    return {"cell_type": "markdown", "source": source, "metadata": {}, **other}


class Found(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {(tag, name, value if name in ("src", "style") else "") for name, value in attrs}


# Blind


@pytest.mark.parametrize(
    "text",
    [
        "# A study\n\n## Team\n\nNight Owls: Ada Lovelace, Will\n\n## Claim\n\nHeads copy.",
        "# A study\n\n**Team:** Night Owls (Ada)\n\n## Claim\n\nHeads copy.",
        "---\nauthor: Ada Lovelace\nteam: Night Owls\n---\n# A study\n\n## Claim\n\nHeads copy.",
        "# A study\n\n## Authors\n\n### Ada\n\nShe wrote it.\n\n### Will\n\nHe did not.\n\n## Claim\n\nHeads copy.",
        "# A study by the Night Owls\n\nAda ran it, Lovelace wrote it. Will slept.\n\n## Claim\n\nHeads copy.",
        "# A study\n\nSee https://github.com/lovelace/owls and ada@owls.org.\n\n## Claim\n\nHeads copy.\n\n"
        "```\ncd /home/lovelace/x\ngit clone git@github.com:lovelace/x.git\n```",
        "# A study\n\n[the code](https://github.com/lovelace/owls)\n\n## Claim\n\nHeads copy.",
    ],
    ids=["section", "label", "header", "subheadings", "prose", "addresses", "link"],
)
def test_a_judge_reads_the_claim_and_never_whose_it_is(text):
    html = blind(text)

    assert "Heads copy." in html
    assert "A study" in html
    assert not re.search("night owls|ada|lovelace|Will\\b|/owls", html, re.IGNORECASE)


def test_a_name_that_the_text_uses_as_a_word_is_left_in_it():
    authors = Authors("Attention", ("Mark",), "Team Fjord")

    html = readable(b"## Claim\n\nAttention heads mark names. Where attention goes, the loss falls.", authors)

    assert "Attention heads mark names" in html


def test_the_team_in_the_text_bears_its_alias_and_people_none():
    assert "Team Fjord and [name] found" in blind("## Claim\n\nNight Owls and Ada Lovelace found a head.")


def test_what_a_cell_printed_is_blind_as_well():
    text = a_notebook(code("print(1)", {"output_type": "stream", "text": ["/home/lovelace/x by Ada\n"]}))

    assert "lovelace" not in blind(text) and "Ada" not in blind(text)


def test_without_authors_nothing_is_hidden():
    assert "Ada Lovelace" in shown("# A study\n\n## Team\n\nAda Lovelace\n")


# Safe


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](https://evil.example/x)",
        "![a](https://evil.example/x.png)",
        "![a](data:image/svg+xml;base64,PHN2Zz4=)",
        f'![" onerror="alert(1)](data:image/png;base64,{PNG})',
        "<https://evil.example>",
        "[a]: https://evil.example\n\n[a]",
        "```<script>\n<b>\n```",
        "&lt;script&gt;",
        "## <b>x</b>",
        "a | b\n--|--\n<i>x</i> | y",
    ],
)
def test_nothing_but_text_of_ours_reaches_the_page(text):
    html = Found(shown(text))

    assert html.tags <= set(SAFE)
    assert all(name in ("src", "alt", "class", "start", "style") for _, name, _ in html.attributes)
    assert all(value.startswith("data:image/png;base64,") for _, name, value in html.attributes if name == "src")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("<>[]()!`*_~|-#:&;\"'\n\\/ abhttps.=1"), max_size=120))
def test_no_text_makes_a_tag_that_is_not_ours(text):
    html = Found(shown(text))

    assert html.tags <= set(SAFE)
    assert all(name in ("class", "start", "style") for _, name, _ in html.attributes)


def test_a_link_is_its_text_and_where_it_would_lead():
    assert "<p>our code (github.com) runs</p>" in shown("[our code](https://github.com/x/y) runs")


def test_hidden_comments_of_the_template_are_not_shown():
    assert "Fill in every section" not in shown(template())


def test_headings_stand_below_that_of_the_page():
    assert "<h2>Title</h2>" in shown("# Title")


# Pictures


def test_pictures_that_the_file_carries_are_shown():
    drawn = {"output_type": "display_data", "data": {"image/png": PNG + "\n"}}
    attached = text_cell("![x](attachment:a.png)", attachments={"a.png": {"image/png": PNG}})

    html = shown(a_notebook(code("plot()", drawn), attached, text_cell(f"![y](data:image/png;base64,{PNG})")))

    assert html.count(f'<img alt="" src="data:image/png;base64,{PNG}">') == 3


@pytest.mark.parametrize("bad", ["", "!!!", base64.b64encode(b"<svg>").decode(), PNG + '"><script>', 7, {"a": 1}])
def test_what_is_no_picture_is_not_shown_as_one(bad):
    html = shown(a_notebook(code("plot()", {"output_type": "display_data", "data": {"image/png": bad}})))

    assert "<img" not in html and "<script" not in html


def test_pictures_have_bounds():
    large = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(LARGEST_PICTURE)).decode()

    html = shown(a_notebook(code("plot()", {"output_type": "display_data", "data": {"image/png": large}})))

    assert len(html) < 1000


# Whatever comes


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'{"cells": 3}', b'{"cells": [1]}', b"a\n" * 30_000])
def test_a_file_that_is_no_write_up_is_shown_as_it_is(content):
    assert isinstance(str(readable(content, AUTHORS)), str)


def test_what_is_no_write_up_is_blind_as_well():
    text = '{"cells": [{"cell_type": "markdown", "source": "by Ada Lovelace <b>"}, 7]}'

    assert "[name] &lt;b&gt;" in blind(text) and "Ada" not in blind("Ada\n" + "a\n" * 30_000)


@pytest.mark.parametrize("outputs", [None, 3, [3, None, {"data": 4}, {"text": 5}, {"data": {"text/plain": [1]}}]])
def test_odd_outputs_do_no_harm(outputs):
    notebook = a_notebook({"cell_type": "code", "source": "print(1)", "outputs": outputs, "metadata": {}})

    assert "print(1)" in blind(notebook)


@pytest.mark.parametrize(
    "text",
    [
        "[a](" * 25_000,
        ("[a][b" * 700 + "\n") * 25,
        "![a](\n" * 16_000,
        "> " * 40_000,
        "![](data:image/png;base64,A" + " " * 2_000_000,
        "![](data:image/png;base64," * 100_000,
        a_notebook(*(text_cell(f"# {n}") for n in range(10_000))),
        a_notebook(*(code(f"{n}", {"output_type": "stream", "text": "x" * 3000}) for n in range(3_000))),
    ],
    ids=range(8),
)
def test_hostile_text_takes_no_long_time_and_makes_no_long_page(text):
    begun = time.perf_counter()

    html = blind(text)

    assert time.perf_counter() - begun < 20
    assert len(html) < 2_000_000
