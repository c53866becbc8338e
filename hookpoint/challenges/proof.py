"""The proof that a challenge is sound: attackers, baselines and the expert on instances that nobody has seen before.

How that is measured is `measuring`, which needs torch; reading it does not. What was measured is kept beside the
challenge (`hookpoint/challenges/<id>/proof.json`): boards show it from the start.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev

from .definition import Challenge

__all__ = ["Measured", "Proof", "kept", "read", "write"]

CLEARLY = 2.0  # standard errors of a mean difference over the same instances
LEAST = 0.05  # of the scale: what the expert must be better by
PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """One entry: its value, cost and seconds on each instance. A value of None: it gave back what cannot be scored."""

    role: str
    name: str
    label: str
    values: tuple[float | None, ...]
    costs: tuple[float, ...]
    seconds: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Without what could not be scored; -inf if nothing could."""
        good = [value for value in self.values if value is not None]
        return fmean(good) if good else -math.inf


@dataclass(frozen=True)
class Proof:
    """What was measured of one challenge on instances of these seeds."""

    challenge: str
    seeds: tuple[int, ...]
    make_seconds: tuple[float, ...]
    entries: tuple[Measured, ...]

    def of(self, role: str) -> list[Measured]:
        return [one for one in self.entries if one.role == role]

    def faults(self, challenge: Challenge) -> list[str]:
        """Why the challenge may not count as it does; none if it is sound."""
        if challenge.standing in ("live table", "demo"):
            return []
        experts, attackers = self.of("expert"), self.of("attacker")
        if not experts or len(attackers) < 2 or (challenge.ranked and len(self.of("baseline")) < 2):
            return ["It lacks an expert, two baselines or its attackers."]
        expert = experts[0]
        said = [f"The answer of {one.name} cannot be scored." for one in self.entries if None in one.values]
        said += [f"{expert.name} takes {max(expert.seconds):.1f} s."] if max(expert.seconds) > challenge.seconds else []
        if said:
            return said
        if challenge.standing == "pass mark":
            said = ["The expert misses the mark."] if min(expert.values) < challenge.pass_mark else []
            naive = [one for one in self.entries if one.name in ("constant", "task_rule")]
            return said + [f"{one.name} reaches the mark." for one in naive if one.mean >= challenge.pass_mark]
        wide = challenge.ceiling - challenge.floor
        best = max(self.of("baseline"), key=lambda one: one.mean)
        said += [] if clearly(expert, best, LEAST * wide) else [f"The expert does not clearly beat {best.name}."]
        for one in attackers:
            if not clearly(expert, one, 2 * LEAST * wide):
                said.append(f"The attacker {one.name} comes near the expert.")
        return said


def clearly(better: Measured, worse: Measured, least: float) -> bool:
    """Whether one is better by `least` and by more than chance, instance by instance."""
    differences = [one - other for one, other in zip(better.values, worse.values, strict=True)]
    error = stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return fmean(differences) > max(least, CLEARLY * error)


def kept(id: str) -> Path:
    """Where what was measured of a challenge is kept."""
    return PACKAGE / id / "proof.json"


def write(proof: Proof) -> None:
    kept(proof.challenge).write_text(json.dumps(asdict(proof), indent=1) + "\n", encoding="utf-8")


def read(id: str) -> Proof | None:
    """What was measured last, if anything."""
    if not kept(id).is_file():
        return None
    said = json.loads(kept(id).read_text(encoding="utf-8"))
    rows = [
        Measured(**{key: tuple(one) if isinstance(one, list) else one for key, one in row.items()})
        for row in said["entries"]
    ]
    return Proof(said["challenge"], tuple(said["seeds"]), tuple(said["make_seconds"]), tuple(rows))
