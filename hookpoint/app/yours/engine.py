"""One question after another: parts put together as asked, the answer computed, what fails replaced by ours."""

import functools
from pathlib import Path

from hookpoint.errors import HookpointError

from .answers import ANSWERS
from .assemble import assemble
from .build import Machine
from .guard import Broke, Guard
from .marker import Marker
from .sources import load_source

__all__ = ["Engine"]


class Engine:
    """Answers questions about the model of one workspace, as its notebooks were when first read.

    Args:
        workspace: None runs ours alone.
        marker: The file that tells the other process what is at work.
    """

    def __init__(self, workspace: Path | None, marker: Path):
        self.workspace, self.marker = workspace, Marker(marker)
        self._machine = functools.lru_cache(maxsize=6)(self._build)

    def answer(self, question: dict) -> dict:
        """`{"answer": ..., "broken": {exercise: why}}`, or `{"trouble": sentence}` where nothing can be done.

        Args:
            question: `ask` is a name in `ANSWERS`, `yours` the exercises to run as the learner wrote them, `model` the
                weights; all else are the answer's arguments.
        """
        broken: dict[str, str] = {}
        while True:
            self.marker.reset()
            wanted = tuple(id for id in question["yours"] if id not in broken)
            try:
                machine = self._machine(wanted, question["model"])
                answer = ANSWERS[question["ask"]](machine, **question["with"])
                return {"answer": answer, "broken": {**machine.parts.broken, **broken}}
            except Broke as failure:
                exercise = failure.exercise if failure.exercise in wanted else wanted[-1]
                broken[exercise] = failure.why
            except HookpointError as error:
                return {"trouble": str(error)}
            except Exception as error:
                # Ours stumbled, mostly over something of the learner's that no shape shows. Whose it is is found by
                # leaving theirs out, the latest first.
                why = f"{type(error).__name__}: {error}"
                if not wanted or self._stumbles(question):
                    return {"trouble": why}
                broken[wanted[-1]] = f"what it gave could not be used ({why[:120]})"

    def _stumbles(self, question: dict) -> bool:
        """Whether ours alone cannot answer it either."""
        try:
            ANSWERS[question["ask"]](self._machine((), question["model"]), **question["with"])
        except Exception:
            return True
        return False

    def _build(self, wanted: tuple[str, ...], model: str) -> Machine:
        parts = assemble(self.workspace, wanted, Guard(self.marker))
        return Machine.of(parts, self._source(model))

    @functools.lru_cache(maxsize=2)  # noqa: B019 - there is one engine in its process
    def _source(self, model: str) -> object:
        return load_source(model, self.workspace)
