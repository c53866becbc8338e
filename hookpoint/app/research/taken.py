"""Who works on which problem at the event that one has joined. Without an event, or without its server, nobody does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hookpoint.errors import HookpointError
from hookpoint.hosting.client import EventClient
from hookpoint.hosting.joined import Joined, joined

__all__ = ["Taken"]

SECONDS = 2.0  # for an answer
FRESH = 15.0  # seconds for which what was heard is shown without asking again


@dataclass
class Taken:
    """The claims as they were heard last. `trouble` is why nothing newer was heard, or why a change was refused."""

    workspace: Path | None
    clock: Callable[[], float] = time.monotonic
    client: EventClient | None = None
    teams: dict[str, list[str]] = field(default_factory=dict)
    mine: list[str] = field(default_factory=list)
    trouble: str = ""
    asked: float | None = None
    one: Joined | None = None

    def refresh(self, again: bool = False) -> None:
        """Asks if it has been a while. Never raises."""
        if not again and self.asked is not None and self.clock() - self.asked < FRESH:
            return
        self.asked = self.clock()
        try:
            self.find_client()
            if self.client is not None:
                said = self.client.claims()
                self.teams, self.mine = dict(said.get("claims", {})), list(said.get("mine", ()))
            self.trouble = ""
        except HookpointError as error:
            self.trouble = str(error)

    def find_client(self) -> None:
        """The line to the event that one has joined, a new one when one has joined elsewhere."""
        found = joined(self.workspace)
        one = found[0] if found else None
        if one == self.one:
            return
        self.one, self.teams, self.mine = one, {}, []
        self.client = EventClient(one.address, one.token, patience=0, seconds=SECONDS) if one else None

    def change(self, problem: str, release: bool) -> None:
        """Claims a problem for one's team, or gives it up."""
        try:
            self.client.claim(problem, release=release)
        except HookpointError as error:
            self.trouble = str(error)
            return
        self.refresh(again=True)
