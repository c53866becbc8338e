"""Which submissions are alike beyond what answers to the same exercise have in common: a report for judges.

Compared are the fingerprints of `similarity_trees`, less those of the released stub. The similarity of two answers is
what they share over what the smaller one has, so that a part of somebody's answer tells as much as the whole. Each
fingerprint is weighted with log(1 + answers / answers that have it): what most people write counts little.

Alike is not copied, so a similarity is judged by what is usual between right answers to this exercise that were written
apart: those of the course's tests in a checkout, else all submissions. It stands out by so many standard deviations,
fewer for a short answer (the spread grows with the root of 1 + SHORTEST / its fingerprints) and fewer the more others
write the same (times the square of the share of answers that are less near to either). The score of a pair takes its
exercises together as Stouffer (1949) does, the sum over the root of the count, of as many of the most striking ones as
make it highest. It gives the order in which to look, no probability and no verdict.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hookpoint.content.course import course
from hookpoint.content.files import write_text

from .similarity_report import Match, Pair, Report, as_html, as_json, show
from .similarity_texts import Reader, Text, display_names
from .similarity_trees import Gram

__all__ = ["MARK", "Match", "Pair", "Report", "as_html", "as_json", "compare", "imports_of_note", "main"]

MARK = 3.3  # the score from which a pair is reported: right answers of the course written apart reach 3.1
SHORTEST = 15  # fingerprints of an answer beside the stub's: right answers with fewer are alike by nature
ALIKE = 0.5  # of an answer, weighted: with less in common, nothing stands out
MOST_PAIRS = 200  # in the report
SHOWN = 8_000  # characters of an answer
USUAL, SPREAD = 0.15, 0.15  # between right answers of the course, on the average; never less
ENOUGH_TO_JUDGE = 3  # right answers of the course; else the submissions themselves say what is usual
BLOCK = 2_048  # fingerprints that are multiplied at a time


def main(paths: Sequence[Path], out: Path | None = None) -> Report:
    """Prints the most striking pairs and what could not be compared; writes the whole report to `out` as HTML.

    Raises:
        HookpointError: the course cannot be read, or `out` cannot be written.
    """
    report = compare(paths)
    show(report)
    if out is not None:
        write_text(out, as_html(report))
        print(f"All of it, with the answers side by side: {out}")
    return report


def compare(paths: Sequence[Path], against: Mapping[str, str] | None = None) -> Report:
    """The submissions that are alike or near a known text, the most striking first.

    `against` has known texts by name; by default they are hookpoint.model and, in a checkout, the course's solutions.
    What is wrong with a submission is a line of the report.

    Raises:
        HookpointError: the course or a known text cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the parser has to say about a participant's text
        reader = Reader(course())
        texts = _read(reader, paths)
        asked = [exercise for exercise in reader.course.exercises if any(exercise.id in text.grams for text in texts)]
        known = reader.known(asked) if against is None else reader.read(against, asked)
        tables = [_table(exercise.id, texts, known, reader.written_apart(exercise)) for exercise in asked]
    scored = _scored(tables, len(texts))
    return Report(
        submissions=tuple(text.name for text in texts),
        mark=MARK,
        pairs=tuple(_pair(*each, texts, known, tables) for each in scored[:MOST_PAIRS]),
        more=max(len(scored) - MOST_PAIRS, 0),
        left_out={table.exercise: table.too_short for table in tables if table.too_short},
        troubles={text.name: tuple(text.troubles) for text in texts if text.troubles},
        imports_of_note={text.name: tuple(text.notes) for text in texts if text.notes},
    )


def imports_of_note(paths: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """The imports and calls in each submission that would do an exercise for one. For people: no verdict."""
    reader = Reader(course())
    return {text.name: tuple(text.notes) for text in _read(reader, paths)}


def _read(reader: Reader, paths: Sequence[Path]) -> list[Text]:
    paths = list(dict.fromkeys(map(Path, paths)))
    return [reader.submission(path, name) for path, name in zip(paths, display_names(paths), strict=True)]


@dataclass(frozen=True)
class Table:
    """One exercise: how near each submission (a row) is to each submission and known text (the columns).

    `stands_out` is 0 where nothing is `judged`; `among_peers` has the similarities of all pairs of answers, sorted.
    """

    exercise: str
    similarity: np.ndarray
    usual: float
    stands_out: np.ndarray
    judged: np.ndarray
    among_peers: np.ndarray
    too_short: str


def _table(exercise: str, texts: Sequence[Text], known: Sequence[Text], apart: Sequence[Counter[Gram]]) -> Table:
    answers = [text.grams.get(exercise, Counter()) for text in (*texts, *known)] + list(apart)
    here, columns = slice(0, len(texts)), slice(0, len(texts) + len(known))
    enough = np.array([grams.total() >= SHORTEST for grams in answers])
    right = enough & (np.arange(len(answers)) >= columns.stop)
    peer = enough & (right | (np.arange(len(answers)) < here.stop))

    near = similarities(answers, peer)
    near[~enough], near[:, ~enough] = 0.0, 0.0
    usual, spread = _usual(near, right if right.sum() >= ENOUGH_TO_JUDGE else peer)
    sizes = np.array([max(grams.total(), 1) for grams in answers])
    spread = spread * np.sqrt(1 + SHORTEST / np.minimum.outer(sizes, sizes))
    stands_out = (near - usual) / spread * (1 - _share_as_near(near, peer)) ** 2
    stands_out = np.where(near >= ALIKE, stands_out, np.minimum(stands_out, 0.0))[here, columns]
    judged = np.outer(enough[here], enough[columns]) & ~np.eye(len(texts), columns.stop, dtype=bool)
    among = near[np.ix_(peer, peer)]
    given = sum(exercise in text.grams for text in texts)
    short = given - int(enough[here].sum())
    return Table(
        exercise,
        near[here, columns],
        usual,
        np.where(judged, stands_out, 0.0),
        judged,
        np.sort(among[np.triu_indices(len(among), k=1)]),
        f"{short} of {given} answers are too short to tell (under {SHORTEST} fingerprints)." if short else "",
    )


def similarities(answers: Sequence[Counter[Gram]], peer: np.ndarray) -> np.ndarray:
    """What each two answers share, over what the smaller one has, weighted by how few of the peers have it."""
    having = defaultdict(list)  # the answers that have a gram at least so many times
    for row, grams in enumerate(answers):
        for gram, times in grams.items():
            for nth in range(times):
                having[gram, nth].append(row)
    size, shared = np.zeros(len(answers)), np.zeros((len(answers), len(answers)), dtype=np.float32)
    columns = [(rows, np.log1p(peer.sum() / max(peer[rows].sum(), 1))) for rows in having.values()]
    for rows, weight in columns:
        size[rows] += weight
    common = [(rows, weight) for rows, weight in columns if len(rows) > 1]
    for start in range(0, len(common), BLOCK):
        block = np.zeros((len(answers), BLOCK), dtype=np.float32)
        for column, (rows, weight) in enumerate(common[start : start + BLOCK]):
            block[rows, column] = np.sqrt(weight)
        shared += block @ block.T
    np.fill_diagonal(shared, 0.0)
    return shared / np.maximum(np.minimum.outer(size, size), 1e-9)


def _usual(near: np.ndarray, apart: np.ndarray) -> tuple[float, float]:
    """Median and standard deviation, by the quartiles, of the similarities among these answers: some may be copies."""
    among = near[np.ix_(apart, apart)]
    pairs = among[np.triu_indices(len(among), k=1)]
    if len(pairs) < 3:
        return USUAL, SPREAD
    low, middle, high = np.quantile(pairs, [0.25, 0.5, 0.75])
    return max(USUAL, float(middle)), max(SPREAD, float(high - low) / 1.35)


def _share_as_near(near: np.ndarray, peer: np.ndarray) -> np.ndarray:
    """For each pair: which part of the other peers is as near to one of the two, the one where it is more."""
    as_near = np.zeros_like(near)
    for row, to_all in enumerate(near):
        others = np.sort(to_all[peer & (np.arange(len(near)) != row)])
        # The other of the two is not counted, if it is a peer.
        as_near[row] = len(others) - np.searchsorted(others, to_all - 1e-6) - peer
    share = as_near.clip(0) / max(peer.sum() - 2, 1)
    return np.minimum(np.maximum(share, share.T), 1.0)


def _scored(tables: Sequence[Table], submissions: int) -> list[tuple[int, int, float]]:
    """Row, column and score of the pairs above the mark, the highest first."""
    if not tables:
        return []
    by_exercise = -np.sort(-np.stack([table.stands_out for table in tables]), axis=0)
    roots = np.sqrt(np.arange(1, len(tables) + 1))[:, None, None]
    score = (np.cumsum(by_exercise, axis=0) / roots).max(axis=0)
    rows, columns = np.nonzero(score >= MARK)
    pairs = [(int(row), int(column), float(score[row, column])) for row, column in zip(rows, columns, strict=True)]
    once = [pair for pair in pairs if pair[0] < pair[1] or pair[1] >= submissions]
    return sorted(once, key=lambda pair: -pair[2])


def _pair(
    row: int, column: int, score: float, texts: Sequence[Text], known: Sequence[Text], tables: Sequence[Table]
) -> Pair:
    left, right = texts[row], [*texts, *known][column]
    matches = [_match(table, row, column, left, right) for table in tables if table.stands_out[row, column] > 0]
    return Pair(
        left=left.name,
        right=right.name,
        known=column >= len(texts),
        score=score,
        compared=sum(int(table.judged[row, column]) for table in tables),
        matches=tuple(sorted(matches, key=lambda match: -match.stands_out)),
    )


def _match(table: Table, row: int, column: int, left: Text, right: Text) -> Match:
    similarity = float(table.similarity[row, column])
    rarer = np.searchsorted(table.among_peers, similarity - 1e-6)
    return Match(
        exercise=table.exercise,
        similarity=similarity,
        usual=table.usual,
        stands_out=float(table.stands_out[row, column]),
        as_alike=len(table.among_peers) - int(rarer),
        pairs=len(table.among_peers),
        left=left.sources[table.exercise][:SHOWN],
        right=right.sources[table.exercise][:SHOWN],
    )
