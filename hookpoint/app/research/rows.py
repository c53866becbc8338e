"""Problems and challenges as rows of tables."""

from collections.abc import Iterable, Mapping, Sequence

from hookpoint.challenges.definition import Challenge
from hookpoint.challenges.proof import Proof
from hookpoint.problems.schema import CATEGORIES, Problem

__all__ = ["ROLES", "in_short", "problem_rows", "reference_rows"]

ROLES = {"attacker": "attacker", "baseline": "baseline", "expert": "our answer"}


def problem_rows(problems: Iterable[Problem], own: frozenset[str], taken: Mapping[str, Sequence[str]]) -> list[dict]:
    """A row for each problem; `own` are those with a starter of their own."""
    return [
        {
            "id": one.id,
            "problem": one.title,
            "difficulty": one.difficulty or "?",
            "own starter": one.id in own,
            "taken by": ", ".join(taken.get(one.id, ())),
            "offline": one.offline,
            "category": CATEGORIES[one.category],
        }
        for one in problems
    ]


def reference_rows(challenge: Challenge, proof: Proof) -> list[dict]:
    """A row for each reference answer, the best first."""
    rows = sorted(proof.entries, key=lambda row: -row.mean)
    return [
        {
            "score": round(row.mean, 3),
            "points": round(challenge.points(row.mean), 1) if challenge.counts else None,
            "kind": ROLES[row.role],
            "answer": row.label,
            "seconds": max(row.seconds),
        }
        for row in rows
    ]


def in_short(challenge: Challenge) -> str:
    """How it counts, how hard it is, how long an answer may take."""
    return f"{challenge.standing} · {challenge.difficulty} · {challenge.seconds:g} s for an instance"
