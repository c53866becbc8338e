"""How well this machine can confine a submission: found out by trying, not by asking what is installed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Level", "confined", "probe"]

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Level:
    """Which layers hold."""

    landlock: int  # the version of Landlock; 0 if there is none
    seccomp: bool
    bubblewrap: bool

    @property
    def enough(self) -> bool:
        """Whether work of people whom nobody vouches for may be graded here."""
        return bool(self.landlock and self.seccomp)


def probe() -> Level:
    from .sandbox import landlock, seccomp

    return Level(landlock.abi(), seccomp.supported(), shutil.which("bwrap") is not None)


def confined(command: list[str], level: Level, folder: Path) -> list[str]:
    return command
