"""One running model for each workspace: started when first asked, started anew when a file of the learner's changes."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookpoint.errors import HookpointError

from .runner import Runner, Stopped

REMEMBERED = 64


@dataclass(frozen=True)
class Answer:
    """What came back, and which exercises failed or stood still on the way, each with what happened."""

    value: dict
    broken: dict[str, str]


class Client:
    """Asks, remembers answers, and goes on with ours where something of the learner's had to be stopped."""

    def __init__(self, workspace: Path | None, run: Callable[[Path | None], Runner] | None = None) -> None:
        self.workspace, self._run = workspace, run or Runner
        self._runner: Runner | None = None
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Answer] = OrderedDict()
        self._closed = False
        self.stopped: dict[str, str] = {}

    def ask(self, what: str, yours: Sequence[str], model: str = "stories", **given: object) -> Answer:
        """The answer to one question.

        Args:
            what: its name in `answers`.
            yours: exercises to run as the learner wrote them.
            given: its arguments; the same question is answered from memory.

        Raises:
            HookpointError: there is no answer; the message says why.
        """
        with self._lock:
            question = {"ask": what, "yours": list(yours), "model": model, "with": given}
            key = json.dumps(question, sort_keys=True)
            if key not in self._known:
                self._known[key] = self._answer(question)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return self._known[key]

    def retry(self, exercises: Sequence[str]) -> None:
        """Run these again as the learner wrote them, although they were stopped: the machine may have been busy."""
        with self._lock:
            for id in exercises:
                self.stopped.pop(id, None)
            self._known.clear()

    def close(self) -> None:
        """End the process. A question that is under way ends with an error; known answers are still given."""
        self._closed = True
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _answer(self, question: dict) -> Answer:
        asked = set(question["yours"])
        while True:
            if self._closed:
                raise HookpointError("Your files have changed meanwhile; the page starts again with them.")
            allowed = [id for id in question["yours"] if id not in self.stopped]
            if self._runner is None or not self._runner.alive:
                self._runner = self._run(self.workspace)
            try:
                found = self._runner.ask({**question, "yours": allowed})
            except Stopped as stop:
                self._runner = None
                if stop.exercise in self.stopped:
                    raise HookpointError(str(stop)) from None
                self.stopped[stop.exercise] = stop.why
                continue
            except HookpointError as lost:
                self._runner = None
                if not allowed:
                    raise
                self.stopped.update(dict.fromkeys(allowed, str(lost)))
                continue
            if "trouble" in found:
                raise HookpointError(found["trouble"])
            stopped = {id: why for id, why in self.stopped.items() if id in asked}
            return Answer(found["answer"], {**stopped, **found["broken"]})


_clients: dict[Path | None, tuple[tuple, Client]] = {}
_guard = threading.Lock()


def client(workspace: Path | None, stamp: tuple) -> Client:
    """The workspace's client for its files as they are at `stamp`; one for older files is closed."""
    with _guard:
        known = _clients.get(workspace)
        if known and known[0] == stamp:
            return known[1]
        if known:
            known[1].close()
        _clients[workspace] = stamp, Client(workspace)
        return _clients[workspace][1]
