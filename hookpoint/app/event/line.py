"""The line to the event's server. It may be dead at any time: what was heard last stays, with its age."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookpoint.content.progress import read
from hookpoint.errors import HookpointError
from hookpoint.hosting.client import EventClient
from hookpoint.hosting.joined import Joined

__all__ = ["Line"]

SECONDS = 2.0  # for an answer: the page waits no longer, and nothing else waits at all
LONGEST = 60.0  # seconds after which one's own affairs are asked for in any case


@dataclass
class Line:
    """What is known of the event, of oneself and of one's questions. `trouble` is why nothing new was heard."""

    joined: Joined
    workspace: Path | None = None
    clock: Callable[[], float] = time.time
    client: EventClient | None = None
    event: dict[str, Any] = field(default_factory=dict)
    me: dict[str, Any] = field(default_factory=dict)
    news: list[dict] = field(default_factory=list)
    questions: dict[str, list] = field(default_factory=dict)
    heard: float | None = None
    trouble: str = ""

    def __post_init__(self):
        if self.client is None:
            self.client = EventClient(self.joined.address, self.joined.token, patience=0, seconds=SECONDS)
        self._asked, self._mark, self._told = 0.0, None, frozenset()

    def refresh(self, all: bool = False) -> None:
        """Asks for what is new: one request of a few bytes while nothing changes. Never raises."""
        try:
            self.event = self.client.event()
            mark = self.mark()
            if all or mark != self._mark or self.clock() - self._asked > LONGEST:
                self.me = self.client.me()
                self.news = list(self.client.news().get("news", ()))
                self.questions = self.client.questions()
                self._asked, self._mark = self.clock(), self.mark()
            self.tell_progress()
            self.heard, self.trouble = self.clock(), ""
        except HookpointError as error:
            self.trouble = str(error)

    def mark(self) -> tuple:
        """Changes when something happens to one's team, or is announced."""
        news = tuple(one.get("id") for one in self.event.get("announcements", ()))
        return self.event.get("changes", {}).get(str(self.me.get("team_id"))), news

    def tell_progress(self) -> None:
        """Tells which exercises pass in the workspace, if one has allowed it and there are new ones."""
        if not (self.workspace and self.me.get("tells_progress")):
            return
        passed = frozenset(
            id for id, record in read(self.workspace, lambda _: None).items() if record.status == "passed"
        )
        if passed - self._told:
            self.client.tell_progress(sorted(passed))
            self._told = passed
