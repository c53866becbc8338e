"""What a participant is told about one submission: a page to read and the same facts as JSON.

Names, messages and warnings come from people nobody vouches for, and the page may be opened next to other people's. So
it is text alone: no script, no link, nothing from elsewhere, and no character that reorders or hides others.
"""

import hashlib
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hookpoint.content.files import write_text

from .results import Graded, Result

__all__ = ["facts", "page", "write"]

TOLD = ("format", "submission", "sha256", "notebook", "version", "score", "max_score", "seconds")
TOLD += ("verdicts", "warnings", "trouble")
PUBLIC_SEED = "public"  # that of hookpoint.checks, which would bring torch

# A sign and words for each status, so that nothing hangs on a colour.
STATUS = {
    "passed": ("✓", "passed"),
    "failed": ("✕", "not right yet"),
    "error": ("!", "stopped with an error"),
    "timeout": ("…", "took too long"),
    "missing": ("○", "no answer yet"),
}
LONGEST = 20_000  # characters of one message; a check's own have a few hundred
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's categories of characters that are not seen but do something
HARMLESS = set("\n\t\u200c\u200d")  # the last two join letters and emoji
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def facts(result: Result) -> dict[str, Any]:
    """What the participant may know of a result, as plain values: not the seed, which gives the hidden inputs away."""
    plain = result.as_json()
    return {name: plain[name] for name in TOLD}


def write(results: Iterable[Result], folder: Path) -> list[Path]:
    """Writes a page and a JSON file for each submission into the folder, and gives their paths.

    The file's name comes from the submission's and is the same the next time, so that a regrade replaces it.

    Raises:
        HookpointError: the folder cannot be written to.
    """
    folder, times, paths = Path(folder), Counter(), []
    for result in results:
        stem = file_stem(result.submission)
        times[stem] += 1
        stem += f"-{times[stem]}" if times[stem] > 1 else ""  # two people may hand in under one name
        texts = {".html": page(result), ".json": json.dumps(facts(result), indent=1) + "\n"}
        for suffix, text in texts.items():
            write_text(folder / f"{stem}{suffix}", text)
            paths.append(folder / f"{stem}{suffix}")
    return paths


def file_stem(submission: str) -> str:
    """A file name without its suffix, good on every system: what is readable of the name, and a hash of all of it.

    The hash tells apart what reads alike (a/x.ipynb and a-x.ipynb, X and x) and makes names such as CON ordinary.
    """
    plain = unicodedata.normalize("NFKD", submission.removesuffix(".ipynb")).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9_]+", "-", plain)[:60].strip("-") or "submission"
    return f"{words}-{hashlib.sha256(submission.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def page(result: Result) -> str:
    """One HTML page that needs nothing else, for a screen of any width and for paper."""
    title = "Not graded" if result.trouble else f"{result.score} of {_count(result.max_score, 'point')}"
    name = _line(result.submission)
    body = _trouble(result) if result.trouble else f"{_summary(result)}{_table(result)}"
    return (
        '<!doctype html>\n<html lang="en" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}: {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1><bdi>{name}</bdi></h1>\n<p class="score">{title}</p>\n'
        f"{body}{_warnings(result)}{_footer(result)}</main>\n</body>\n</html>\n"
    )


def _trouble(result: Result) -> str:
    return (
        f"<p>This file could not be graded:</p>\n<pre>{_text(result.trouble)}</pre>\n"
        "<p>Open the notebook where you wrote it, save it, and hand it in again. If this comes back, show it to the "
        "people who run the course.</p>\n"
    )


def _summary(result: Result) -> str:
    """How many passed, and on which inputs they were judged: those of `hookpoint check` prove less than hidden ones."""
    of = _count(len(result.verdicts), "exercise")
    passed = sum(graded.status == "passed" for graded in result.verdicts)
    hidden = 0 if result.seed == PUBLIC_SEED else sum(graded.status != "missing" for graded in result.verdicts)
    about = (
        "They differ from the inputs of <code>hookpoint check</code> and are not shown."
        if hidden
        else "The inputs were those of <code>hookpoint check</code>."
    )
    return (
        f"<p>{passed} of {of} passed.</p>\n"
        f"<p>Checked on hidden inputs: {hidden} of {of}. {about if result.verdicts else ''}</p>\n"
    )


def _table(result: Result) -> str:
    rows = "".join(_rows(graded) for graded in result.verdicts)
    heads = '<th scope="col">Exercise</th><th scope="col">Result</th><th scope="col">Points</th>'
    return f"<table>\n<thead><tr>{heads}</tr></thead>\n{rows}</table>\n"


def _rows(graded: Graded) -> str:
    """An exercise's row, and one below it with the check's message and what to do next."""
    sign, words = STATUS.get(graded.status, ("?", graded.status))
    id = _line(graded.exercise)
    row = (
        f'<tr><th scope="row"><code>{id}</code></th>'
        f'<td><span class="sign" aria-hidden="true">{_line(sign)}</span> {_line(words)}</td>'
        f'<td class="points">{graded.points} of {graded.max_points}</td></tr>\n'
    )
    message = _without_next(graded)
    more = f"<pre>{_text(message)}</pre>" if message.strip() else ""
    more += "" if graded.status == "passed" else f"<p>Next: <code>hookpoint hint {id}</code></p>"
    more = f'<tr><td class="more" colspan="3">{more}</td></tr>\n' if more else ""
    known = graded.status if graded.status in STATUS else "other"
    return f'<tbody class="{known}">\n{row}{more}</tbody>\n'


def _without_next(graded: Graded) -> str:
    """The check's message without its last line, where that is the next step: the page says it in its own place."""
    return graded.message.rstrip().removesuffix(f"Next: hookpoint hint {graded.exercise}").rstrip()


def _warnings(result: Result) -> str:
    items = "".join(f"<li><bdi>{_line(warning)}</bdi></li>\n" for warning in result.warnings)
    return f"<h2>About the file</h2>\n<ul>\n{items}</ul>\n" if items else ""


def _footer(result: Result) -> str:
    """What tells this grading from another: a participant can compare the file's fingerprint with their own."""
    parts = {"Notebook": result.notebook, "Course version": result.version, "SHA-256 of the file": result.sha256}
    terms = "".join(f"<dt>{term}</dt><dd>{_line(value)}</dd>\n" for term, value in parts.items() if value)
    return f"<dl>\n{terms}</dl>\n"


def _text(text: str) -> str:
    """Text of several lines as it may stand in HTML, and no longer than anybody reads."""
    cut = f"{text[:LONGEST]}\n(cut here: {len(text):,} characters)" if len(text) > LONGEST else text
    return html.escape(_visible(cut.replace("\r\n", "\n")))


def _line(text: str) -> str:
    return " ".join(_text(text).split())


def _visible(text: str) -> str:
    """The text with a sign in place of every character that is not seen but changes what is: controls, bidi marks."""
    return "".join(
        c if c in HARMLESS or unicodedata.category(c) not in HIDDEN else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# For a phone, a wide screen, the dark and paper. Colours only repeat what signs and words say.
STYLE = """
:root { color-scheme: light dark; --ink: #262730; --quiet: #5b5f6a; --line: #d5d7dd; --paper: #fff; --face: #f4f5f7;
  --good: #1f5fa8; --bad: #a34f04; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #fafafa; --quiet: #a3a8b4; --line: #3a3e49; --paper: #0e1117; --face: #1b1f28; --good: #7fb2e8;
    --bad: #f2b36b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1, p, li, dd, th, td, pre, code { overflow-wrap: anywhere; unicode-bidi: isolate; }
/* Stacked accents must not run over their neighbours. */
h1, li bdi, dd { display: block; overflow: hidden; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
.score { font-size: 2rem; font-weight: 700; margin: 0.25rem 0 1rem; }
p { margin: 0.5rem 0; }
ul { margin: 0; padding-left: 1.25rem; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin-top: 1.5rem; }
thead th { color: var(--quiet); font-weight: 400; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.5rem 0.5rem 0; }
thead th:first-child { width: 38%; }
thead th:last-child { width: 20%; }
thead th:last-child, .points { text-align: right; white-space: nowrap; padding-right: 0; }
tbody { border-top: 1px solid var(--line); }
td.more { padding: 0 0 0.75rem; }
.sign { display: inline-block; min-width: 1.2em; font-weight: 700; color: var(--bad); }
.passed .sign { color: var(--good); }
code, pre { font-family: ui-monospace, monospace; font-size: 0.875rem; }
pre { margin: 0 0 0.5rem; padding: 0.75rem; max-height: 24rem; overflow: auto; white-space: pre-wrap;
  background: var(--face); border-left: 3px solid var(--line); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 1rem; margin-top: 2rem; color: var(--quiet);
  font-size: 0.875rem; }
dd { margin: 0; }
@media print {
  main { max-width: none; padding: 0; }
  pre { max-height: none; overflow: visible; }
  tr { break-inside: avoid; }
}
"""
