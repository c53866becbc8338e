"""What runs in processes of its own when challenges are made for an event: torch is imported there alone."""

import json
import math
import os
from statistics import fmean, stdev
from typing import Any

__all__ = ["card_of", "instance_of", "stand_back"]

# Of a definition, what pages show.
SHOWN = (
    "id", "title", "asks", "why", "standing", "difficulty", "answer", "contract", "unit", "floor", "ceiling", "seconds",
    "make_seconds", "form", "private", "cost", "pass_mark", "hints", "problems", "sources", "ranked", "counts",
)  # fmt: skip
NICE = 10


def stand_back() -> None:
    """What a new process does first: one thread, behind everything else on the machine."""
    os.nice(NICE)
    import torch

    torch.set_num_threads(1)


def card_of(id: str) -> tuple[dict[str, Any], str]:
    """What pages show of the challenge, as plain values, and the text of its starter notebook."""
    from hookpoint.challenges.registry import challenge

    one = challenge(id)
    about = {name: getattr(one, name) for name in SHOWN} | {"references": references(one)}
    return json.loads(json.dumps(about)), starter_of(id)


def references(one: Any) -> list[dict[str, Any]]:
    """Attackers, baselines and our expert as they were measured for the proof, each a row for a board."""
    from hookpoint.challenges.proof import read

    proof = read(one.id)
    rows = []
    for entry in proof.entries if proof else ():
        values = [value for value in entry.values if value is not None]
        if not values:
            continue
        error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        cost = fmean(entry.costs) if entry.costs else 0.0
        rows.append({"role": entry.role, "label": entry.label, "value": fmean(values), "value_se": error,
                     "points": one.points(fmean(values)), "cost": cost, "instances": len(values)})  # fmt: skip
    return rows


def starter_of(id: str) -> str:
    """The notebook as it is handed out; nothing where the challenge has none."""
    from hookpoint.challenges.starter import starter
    from hookpoint.content.files import notebook_text

    try:
        return notebook_text(starter(id))
    except FileNotFoundError:
        return ""


def instance_of(id: str, seed: int) -> tuple[bytes, bytes | None]:
    """The private instance of this seed with its key, and what teams may know of it where they hand in a file."""
    from hookpoint.challenges import given
    from hookpoint.challenges.instance import to_bytes
    from hookpoint.challenges.registry import challenge

    one = challenge(id)
    made = one.generate(seed)
    return to_bytes(made), None if one.form == "function" else given.to_bytes(one.given(made))
