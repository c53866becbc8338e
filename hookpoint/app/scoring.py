"""One scoring of an answer to a challenge, on its public instances, in a process of its own."""

import json
import sys
from pathlib import Path
from typing import Any

from hookpoint.app.checking import Check

__all__ = ["Scoring"]

DEADLINE = 900.0  # seconds; an answer may take a minute for each instance


class Scoring(Check):
    """A running or finished scoring of the answer in a file to a challenge. `result` is what it found, once it has."""

    what, record = "scoring", "nothing was scored"

    def __init__(self, challenge: str, file: Path):
        self.challenge = challenge
        command = (sys.executable, "-m", "hookpoint", "challenge", "score", challenge)
        super().__init__(file.parent, str(file), DEADLINE, command)

    @property
    def result(self) -> dict[str, Any] | None:
        return None if self.running or self.trouble or not self._answered(self.out) else json.loads(self.out)

    def _answered(self, out: str) -> bool:
        try:
            return "value" in json.loads(out)
        except (ValueError, TypeError):
            return False
