"""The report on alike submissions, as values, as a page without scripts or outside resources, and as a table."""

import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

__all__ = ["FORMAT", "Match", "Pair", "Report", "as_html", "as_json", "show", "visible"]

FORMAT = 1  # of the JSON
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, bidi marks, lone surrogates, line breaks
CAPTION = (
    "score: standard deviations above what is usual between answers to the same exercises; alike: exercises of those "
    "compared. Alike is not copied: read the answers side by side."
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Alike answers</title>
<style>
body {{ font-family: sans-serif; margin: 2rem; color: #222; background: #fff; }}
table {{ border-collapse: collapse; }}
th, td {{ border-bottom: 1px solid #bbb; padding: 0.3rem 0.8rem; text-align: left; }}
tr.known td {{ font-style: italic; }}
div {{ display: flex; gap: 1rem; }}
pre {{ flex: 1; min-width: 0; overflow-x: auto; border: 1px solid #bbb; padding: 0.6rem; unicode-bidi: plaintext; }}
</style>
</head>
<body>
<h1>Alike answers</h1>
<p>{head}</p>
<p>{caption}</p>
<table>
<thead><tr><th>no.</th><th>submission</th><th>near</th><th>score</th><th>alike</th><th>most striking</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
{lists}
{details}
</body>
</html>
"""


@dataclass(frozen=True)
class Match:
    """Two alike answers to one exercise.

    `similarity` is 0 to 1; `usual` is the median of those between right answers written apart; `stands_out` says by how
    many standard deviations this one is above that; `as_alike` of all `pairs` pairs of answers are at least so near.
    """

    exercise: str
    similarity: float
    usual: float
    stands_out: float
    as_alike: int
    pairs: int
    left: str
    right: str


@dataclass(frozen=True)
class Pair:
    """Two submissions, or one and a known text, with the answers that are alike out of the `compared` ones."""

    left: str
    right: str
    known: bool
    score: float
    compared: int
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Report:
    """The pairs from the most striking on, and all that was not compared.

    `more` counts pairs above the mark that are left out for length; `left_out` maps an exercise to the reason,
    `troubles` and `imports_of_note` map a submission to lines.
    """

    submissions: tuple[str, ...]
    mark: float
    pairs: tuple[Pair, ...] = ()
    more: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)
    troubles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    imports_of_note: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def as_json(report: Report) -> dict[str, Any]:
    """All of it as plain values."""
    return {"format": FORMAT, **asdict(report)}


def show(report: Report, most: int = 30) -> None:
    """Print the most striking pairs as a table, then what was not compared."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, emoji=False, highlight=False)
    table = Table("submission", "near", "score", "alike", "most striking", title="Pairs to look at", caption=CAPTION)
    for pair in report.pairs[:most]:
        best = pair.matches[0]
        cells = (pair.left, pair.right, f"{pair.score:.1f}", f"{len(pair.matches)}/{pair.compared}", _in_short(best))
        table.add_row(*map(Text, cells))
    if report.pairs:
        console.print(table)
    for line in _summary(report, most):
        console.print(line)


def _in_short(match: Match) -> str:
    return f"{match.exercise} {match.similarity:.0%}, usual {match.usual:.0%}, {match.as_alike} of {match.pairs} pairs"


def _summary(report: Report, shown: int) -> Iterable[str]:
    yield _head(report)
    if len(report.pairs) > shown:
        yield f"The table has the first {shown} of {len(report.pairs)} pairs."
    for title, lines in _lists(report):
        yield from ("", f"{title}:", *(f"  {visible(line)}" for line in lines))


def _head(report: Report) -> str:
    more = f" The {report.more} with the lowest scores are left out." if report.more else ""
    total = len(report.pairs) + report.more
    return f"{len(report.submissions)} submissions, {total} pairs with a score of {report.mark:g} or more.{more}"


def _lists(report: Report) -> list[tuple[str, list[str]]]:
    """What is told beside the pairs: titles and lines, without the empty ones."""
    lists = [
        ("Exercises that were not compared", [f"`{name}`: {why}" for name, why in report.left_out.items()]),
        ("Files and answers that were not compared", _by_name(report.troubles)),
        ("Imports and calls of note, for information: they may be allowed", _by_name(report.imports_of_note)),
    ]
    return [(title, lines) for title, lines in lists if lines]


def _by_name(lines: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"{name}: {line}" for name, its_lines in lines.items() for line in its_lines]


def as_html(report: Report) -> str:
    """The whole report as one page that loads nothing: the pairs by score, and their answers side by side."""
    return PAGE.format(
        head=_shown(_head(report)),
        caption=_shown(CAPTION),
        rows="\n".join(_row(number, pair) for number, pair in enumerate(report.pairs, start=1)),
        lists="\n".join(_list(title, lines) for title, lines in _lists(report)),
        details="\n".join(_details(number, pair) for number, pair in enumerate(report.pairs, start=1)),
    )


def _row(number: int, pair: Pair) -> str:
    kind = ' class="known"' if pair.known else ""
    cells = (pair.left, pair.right, f"{pair.score:.1f}", f"{len(pair.matches)} of {pair.compared}")
    inner = "".join(f"<td>{_shown(cell)}</td>" for cell in (*cells, _in_short(pair.matches[0])))
    return f'<tr{kind}><td><a href="#pair{number}">{number}</a></td>{inner}</tr>'


def _details(number: int, pair: Pair) -> str:
    head = f'<h2 id="pair{number}">{number}. {_shown(pair.left)} and {_shown(pair.right)}</h2>'
    return "\n".join([head, *(_side_by_side(match) for match in pair.matches)])


def _side_by_side(match: Match) -> str:
    head = f"{_in_short(match)}, {match.stands_out:.1f} standard deviations above the usual"
    return f"<h3>{_shown(head)}</h3>\n<div><pre>{_code(match.left)}</pre><pre>{_code(match.right)}</pre></div>"


def _list(title: str, lines: Iterable[str]) -> str:
    return f"<h2>{_shown(title)}</h2>\n<ul>{''.join(f'<li>{_shown(line)}</li>' for line in lines)}</ul>"


def visible(text: str) -> str:
    """The text on one line, with a mark for each character that cannot be seen or that turns others round."""
    return "".join("\ufffd" if unicodedata.category(each) in HIDDEN else each for each in text)


def _shown(text: str) -> str:
    return escape(visible(text))


def _code(source: str) -> str:
    return "\n".join(_shown(line.replace("\t", "    ")) for line in source.split("\n"))
