"""What is missing is named, by line; what is there in an unusual form is left in peace; no text takes long."""

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting.writeup import template, validate

RIGHT = """\
# Head 5.1 repeats names

## Team
The Attentive: Ada, Bo

## Claim
Removing head 5.1 takes away most of this model's ability to repeat a name.

## Prediction
Written on 2026-11-20, before we looked: the loss rises by at least 0.5.

## Method
We set the output of one head to its mean over 200 prompts.

## Evidence
The loss rises by 0.83 (n = 200 prompts). Control: for a random head it rises by 0.02.

## What would change our mind
Another head that has the same effect.

## Limits
One model.

## Safety relevance
None yet.

## Commands to reproduce
```sh
python ablate.py
```

## AI assistance
None.
"""
HEADINGS = re.findall(r"^## (.*)", RIGHT, flags=re.MULTILINE)


def section(heading, text, of=RIGHT):
    """The write-up with this text under a heading."""
    return re.sub(rf"(## {heading}\n).*?(?=\n## |\Z)", lambda found: f"{found[1]}{text}\n", of, flags=re.DOTALL)


def said(text):
    return [str(finding) for finding in validate(text)]


def as_notebook(*cells):
    return json.dumps(
        {"cells": [{"cell_type": kind, "metadata": {}, "source": source} for kind, source in cells], "nbformat": 4}
    )


# Right texts, in many forms.


def pieces(form):
    """Heading and body of each section, put together by `form`."""
    parts = re.split(r"^## (.*)\n", RIGHT, flags=re.MULTILINE)
    return parts[0] + "\n".join(form(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True))


FORMS = {
    "as it is": RIGHT,
    "all headings of the first level": RIGHT.replace("## ", "# "),
    "deep headings": RIGHT.replace("## ", "##### "),
    "closed headings": re.sub(r"(?m)^(#+ .*)", r"\1 ##", RIGHT),
    "indented headings": RIGHT.replace("## ", "   ##\t"),
    "underlined headings": pieces(lambda heading, text: f"{heading}\n{'-' * len(heading)}\n{text}"),
    "headings underlined twice": pieces(lambda heading, text: f"{heading}\n===\n{text}"),
    "numbered and underlined": pieces(
        lambda heading, text: f"{HEADINGS.index(heading) + 1}. {heading}\n===\n{text}"
    ),
    "headings in HTML": pieces(lambda heading, text: f"<h2 id='x'>{heading}</h2>\n\n{text}"),
    "headings with anchors": pieces(lambda heading, text: f"## {heading} {{#here}}\n{text}"),
    "sections divided by lines": pieces(lambda heading, text: f"## {heading}\n{text.rstrip()}\n---\n"),
    "claim and evidence in one": RIGHT.replace("## Claim", "## Claim and prediction\nFirst. Second. Third.")
    .replace("## Prediction\n", ""),
    "headings in capitals": pieces(lambda heading, text: f"## {heading.upper()}\n{text}"),
    "numbered headings": pieces(lambda heading, text: f"## {HEADINGS.index(heading) + 1}. {heading}\n{text}"),
    "letters and Roman numbers": RIGHT.replace("## Claim", "## II. Claim").replace("## Limits", "## c) Limits"),
    "bold headings with signs": pieces(lambda heading, text: f"## 🔬 **{heading}:**\n{text}"),
    "labels": pieces(lambda heading, text: f"**{heading}.**{' ' if text[0] != '`' else chr(10)}{text}"),
    "labels in a list": pieces(lambda heading, text: f"- **{heading}**:\n  {text}"),
    "plain labels": RIGHT.replace("## Team\n", "Team: ").replace("## Limits\n", "Limits: "),
    "CRLF": RIGHT.replace("\n", "\r\n"),
    "CR": RIGHT.replace("\n", "\r"),
    "BOM": "\ufeff" + RIGHT,
    "no line end at the end": RIGHT.rstrip(),
    "fields of a header": RIGHT.replace("# Head 5.1 repeats names\n", "---\ntitle: Head 5.1\nteam: Ada\n---\n", 1),
    "a title of words of ours": RIGHT.replace("# Head 5.1 repeats names", "# Evidence for a claim. On limits of AI"),
    "a title section": RIGHT.replace("# Head 5.1 repeats names", "## Title\nHead 5.1"),
    "a title without marks": RIGHT.replace("# Head", "Head"),
    "the template's comments": RIGHT.replace("\n\n## ", "\n<!--\n## Claim\n[Replace: x] A. B.\n-->\n\n## "),
    "other words": RIGHT.replace("Limits", "Known limitations").replace("## Evidence", "## Results and controls")
    .replace("AI assistance", "Use of LLMs").replace("Commands to reproduce", "How to run it"),
    "two in one": section("Limits", "", RIGHT).replace("## Limits\n\n", "")
    .replace("Safety relevance", "Limits and safety relevance"),
    "another order": "# Title\n\n" + "\n\n".join(reversed(re.split(r"\n\n(?=## )", RIGHT)[1:])),
    "sections of one's own": RIGHT.replace("## Limits", "## Appendix\nMore.\n\n## Limits"),
    "hashes in code": section("Commands to reproduce", "````sh\n# Claim\n```\n## Evidence\n# Limits\nmake\n````"),
    "tildes": section("Commands to reproduce", "~~~\nmake\n```\n# Claim\n~~~"),
    "an indented block": section("Commands to reproduce", "Type\n\n    make all\n\n    # Claim"),
    "a fence in a list": section("Commands to reproduce", "1. First\n   ```sh\n   # Team\n   make\n   ```"),
    "commands in a line": section("Commands to reproduce", "Run `make all`; it takes 5 minutes."),
    "a notebook to walk through": section("Commands to reproduce", "Run all cells of the notebook."),
    "nothing to run": section("Commands to reproduce", "Not applicable: it is a proof."),
    "a fence that is left open": RIGHT.replace("## AI assistance\nNone.\n", "").replace(
        "## Team", "## AI assistance\nNone.\n\n## Team"
    ).replace("python ablate.py\n```", "python ablate.py"),
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_whole_write_up_lacks_nothing_in_any_form(text):
    assert said(text) == []


GERMAN = """\
---
title: "Trägt Kopf 3.2 die Wiederholung?"
team: Vier gewinnt
---

1. Claim
========
Path-patching L3H2 → L5H1 (vs. patching any other head. See below.) removes ≥ 60 % of the difference of Fig. 1.

2. Prediction (registered before looking)
========
Commit `a1b2c3`: Δ falls below 0,4 — for control heads it stays above 0,9.

3. Method & data
========
We use 1 000 prompts ("When Mary and John went …").

4. Evidence
========

| head | Δ | ± |
|:-----|--:|--:|
| L3H2 | 0,31 | 0,02 |
| L3H0 | 0,97 | 0,01 |

![](fig1.png)
*Figure 1. Difference; the bars are 95 % intervals.*

5. What would change our mind?
========
* A head in layer 3 with the same effect.

6. Limits & caveats
========
Only one model.

7. Why it matters for AI safety
========
Not yet clear.

8. Reproducing
========
> ```console
> $ uv run python patch.py   # 3 min
> # Results in out/
> ```

9. AI-assistance statement
========
We used no AI tools.
"""
FORMS["everything at once"] = GERMAN


CLAIMS = {
    "abbreviations": "Heads, e.g. Ablated ones (cf. Fig. 2. It shows), copy names, i.e. Ada, vs. Bo et al. They know.",
    "German": "Kopf 5.1 senkt den Verlust um 0,83 bzw. Null, d. h. Er wirkt, z. B. Bei Namen ab dem 3. Mai.",
    "decimals": "Head 5.1 raises the loss by 0.5 to 1.2 in GPT-2.",
    "initials and states": "The U.S. English of J. R. Smith is copied by head 5.1.",
    "quotes": 'After "Stop. Go. Now." and `a. B. C` the model says “No. Never.” and nothing else.',
    "over lines": "> Removing the head\n> of Layer 5\n> takes it away.",
    "a list": "Heads\n\n- copy names\n- and numbers",
    "an ellipsis": "The head that says … and ... Then goes on exists.",
    "in bold": "**Removing head 5.1 takes it away.**",
    "no full stop": "Removing head 5.1 takes it away",
    "a formula": "The loss $L = 3. X$ rises.",
}
PREDICTIONS = {
    "direction": "The loss rises.",
    "comparison": "Early heads matter more than late ones.",
    "a denial": "The head will not attend to itself.",
    "numbers in words": "Two heads carry it.",
    "a sign": "loss(ablated) > loss(whole)",
    "German": "Der Verlust steigt um 0,5.",
    "a table": "| quantity | we expect |\n|---|---|\n| loss | 0,5 |",
    "arrows": "loss ↑",
}
EVIDENCE = {
    "a table with n": "| condition | loss | n |\n|---|---|---|\n| head 5.1 | 0,83 | 200 |\n| baseline | 0,02 | 200 |",
    "a German table": "Vergleich:\n\n| Kopf | Verlust |\n|---|---|\n| 5.1 | 0,83 |\n| zufällig | 0,02 |\n\n1.200 Sätze",
    "a control of its own heading": "Loss rises by 0.8 for 200 prompts.\n\n### Control\nIt stays for another head.",
    "subheadings alone": "### What we saw\nn=40: 0.8\n\n### A shuffled prompt\n0.1",
    "a picture with n in its text": "![Loss, n = 40, beside a random head](loss.png)",
    "a picture with n below": "![Loss](loss.png)\n\nFigure 1: loss beside a random head.\n\n40 prompts.",
    "a picture in HTML": '<img src="a.png" alt="Loss">\n<p>40 prompts, and the untrained model</p>',
    "a diagram": "![Diagram of the circuit](circuit.png)\n\nFor 40 prompts unlike for shuffled ones.",
    "in a quote": "> The loss rises by 0.8 over 5 seeds, without it by 0.",
    "in code": "```\nablated 0.83 n=200\nrandom  0.02 n=200\n```",
    "a list of settings": "- seeds: 5\n- ablated: 0,83\n- random: 0,02",
    "exact": "The eigenvalue is 4.25, exactly; the null model has 1.5.",
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_one_sentence_is_one_sentence(claim):
    assert said(section("Claim", claim)) == []


@pytest.mark.parametrize("text", PREDICTIONS.values(), ids=PREDICTIONS)
def test_a_prediction_that_can_fail_is_taken(text):
    assert said(section("Prediction", text)) == []


@pytest.mark.parametrize("text", EVIDENCE.values(), ids=EVIDENCE)
def test_evidence_with_control_and_n_is_taken(text):
    assert said(section("Method", "We removed it.", section("Evidence", text))) == []


# What is missing.


def test_each_line_of_the_template_that_is_to_be_replaced_is_named_and_nothing_else():
    lines = [number for number, line in enumerate(template().split("\n"), start=1) if line.startswith(("[R", "# [R"))]

    assert [finding.line for finding in validate(template())] == lines and len(lines) == 11
    assert all("the template's text" in finding.what for finding in validate(template()))


def test_the_template_filled_in_lacks_nothing():
    parts = dict(re.findall(r"## (.*)\n((?:.*\n)*?)(?=\n## |\Z)", RIGHT))
    text = template().replace("[Replace: the title of your project]", "Head 5.1")
    for heading, body in parts.items():
        body = "make" if "Commands" in heading else body
        text = re.sub(rf"(## {heading}\n(?:.*\n)*?)\[Replace: .*\]", lambda found, body=body: found[1] + body, text)

    assert said(text) == []


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_heading_that_is_gone_is_named(heading):
    text = re.sub(rf"## {heading}\n.*?(?=## |\Z)", "", RIGHT, flags=re.DOTALL)

    (finding,) = validate(text)

    assert f'"{heading}"' in finding.what and finding.line == text.count("\n") + 1


EMPTY = ["", "<!-- what -->", "<br>", "- \n- ", "* * *", "—", "|  |  |\n|--|--|\n|  |  |", "```\n```", "### More"]


@pytest.mark.parametrize("nothing", EMPTY)
@pytest.mark.parametrize("heading", HEADINGS)
def test_an_empty_section_is_named_at_its_heading(heading, nothing):
    text = section(heading, nothing)

    (finding,) = validate(text)

    assert finding.what.startswith(f'The section "{heading}" is empty')
    assert text.split("\n")[finding.line - 1] == f"## {heading}"


@pytest.mark.parametrize("todo", ["TODO", "- tbd.", "*To do*"])
def test_a_section_put_off_is_named(todo):
    assert said(section("Limits", todo)) == ['line 22: The section "Limits" is still to be written.']


def test_a_write_up_without_title_is_named():
    assert "no title" in said(RIGHT.split("\n\n", 1)[1])[0]


WRONG = {
    "two sentences": ("Claim", "Head 5.1 copies names.\nIt also counts.", 8, "more than one sentence"),
    "a question and an answer": ("Claim", "Does it copy? It does.", 7, "more than one sentence"),
    "after a decimal": ("Claim", "The loss rises by 0.83. We saw it.", 7, "more than one sentence"),
    "two paragraphs": ("Claim", "It copies.\n\nIt counts.", 9, "more than one sentence"),
    "German sentences": ("Claim", "Der Verlust steigt um 0,83. Der Kopf zählt.", 7, "more than one sentence"),
    "nothing to fail": ("Prediction", "We expect to see something interesting.", 10, "could not come out otherwise"),
    "only a date": ("Prediction", "2026-11-20: GPT-2 has interesting heads.", 10, "could not come out otherwise"),
    "no control": ("Evidence", "The loss rises by 0.8 for 200 prompts.", 15, "no control"),
    "a picture without n": (
        "Evidence",
        "Beside a random head:\n\n![Loss](a.png)\n\nFigure 2 shows it.",
        18,
        "without n",
    ),
    "commands in prose": ("Commands to reproduce", "python train.py and then python eval.py", 28, "no code block"),
}


@pytest.mark.parametrize(("heading", "text", "line", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_a_section_is_named_by_line(heading, text, line, says):
    # The other sections as they are, but for the n in the method.
    (finding,) = validate(section("Method", "We removed it.", section(heading, text)))

    assert (finding.line, says in finding.what) == (line, True), str(finding)


def test_results_without_any_n_are_named():
    text = section("Method", "We removed it.", section("Evidence", "Loss rises by 0,83, by 2 % at random."))

    assert said(text) == ["line 16: The results are without n. Say of how many prompts, seeds or models they are made."]


def test_findings_come_in_the_order_of_lines_and_carry_no_score():
    text = section("Limits", "", section("Claim", "One. Two.", section("Team", "[Replace: x]")))

    assert [finding.line for finding in validate(text)] == [4, 7, 21]
    assert not re.search(r"score|point|/10", " ".join(said(text)))


# Notebooks.


def test_the_text_cells_of_a_notebook_are_read():
    cells = [("markdown", part) for part in re.split(r"\n(?=## )", RIGHT)]

    assert said(as_notebook(*cells)) == [] == said("\ufeff" + as_notebook(*cells))


def test_a_code_cell_is_a_code_block_and_its_comments_are_no_headings():
    text, _, rest = RIGHT.partition("```sh\npython ablate.py\n```")

    assert said(as_notebook(("markdown", text), ("code", "# Claim\n# Limits\nrun()"), ("markdown", rest))) == []


def test_an_open_fence_ends_with_its_cell():
    text, _, rest = RIGHT.partition("\n```\n\n## AI")

    assert said(as_notebook(("markdown", text), ("markdown", f"## AI{rest}"))) == []


def test_a_finding_in_a_notebook_names_the_cell():
    before, after = section("Limits", "").split("\n## Limits")

    assert said(as_notebook(("markdown", before), ("code", "1"), ("markdown", f"\n## Limits{after}"))) == [
        'cell 3, line 2: The section "Limits" is empty. Write it, if only one sentence.'
    ]


@pytest.mark.parametrize(
    "text",
    ['{"cells": [', '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"cell_type": "markdown", "source": 3}]}',
     '{"cells": ' + "[" * 100_000, '{"cells": [{}]}', '{"cells": ' + "9" * 10_000 + "}"],
)  # fmt: skip
def test_a_broken_notebook_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match="(?s)^[^\n]*(notebook|values)[^\n]*$"):
        validate(text)


# Hostile texts.


def test_a_text_beyond_the_bound_is_refused():
    with pytest.raises(UsageError, match="300,001 characters, more than 300,000"):
        validate(("x" * 3_999 + "\n") * 75 + "y" * 76)


def test_a_picture_written_out_in_a_line_is_no_long_text():
    picture = f"![n = 200, beside a random head](data:image/png;base64,{'A' * 2_000_000})"

    assert said(section("Evidence", picture)) == []


UNITS = [
    "#", "# a\n", "## Claim\n", "## Evidence\n![a](b)\n", "a. A", "1-1 ", "1 111", "(", "[", "![", "<", "<!--", "`",
    "```\n", "> ", "- ", "*", "**Claim**\n", "n ", "n_", "$", '"', "|", "\n", " ", "a\n=\n", "\t", "1. ", "...",
    "Team: ", "é\u0301",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_hostile_text_takes_time_in_proportion_to_its_length(unit):
    hostile = unit * (2_000 if "\n" in unit else 60_000 // len(unit))
    text = RIGHT.split("## Claim")[0] + "".join(f"## {heading}\n{hostile}\n" for heading in HEADINGS[1:5])

    began = time.process_time()
    validate(text)

    assert time.process_time() - began < 1.5  # seconds: at most 0.3 here; were it quadratic, minutes


def test_a_text_of_too_many_lines_is_refused():
    with pytest.raises(UsageError, match="lines, more than 20,000"):
        validate("\n" * 20_000)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([*UNITS, "## Evidence", "x", "\r\n", "---", "[Replace: "]), max_size=40).map("".join))
def test_any_text_is_read_and_findings_point_into_it(text):
    count = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))

    assert all(1 <= finding.line <= count for finding in validate(text))
