"""One question of the page after another."""

import functools
from pathlib import Path

from hookpoint.errors import HookpointError

from .answers import ANSWERS
from .subject import load

__all__ = ["Engine"]


class Engine:
    """Answers questions about models, of the zoo and of one workspace.

    Args:
        workspace: Where the learner's own models are; None if there is no workspace.
    """

    def __init__(self, workspace: Path | None) -> None:
        self.workspace = workspace
        self.subject = functools.lru_cache(maxsize=4)(lambda name, step: load(name, workspace, step))

    def answer(self, question: dict) -> dict:
        """`{"answer": ..., "broken": {}}`, or `{"trouble": sentence}` where nothing can be done.

        Args:
            question: `ask` is a name in `ANSWERS`, `model` a model's name, `with` the answer's arguments.
        """
        try:
            found = ANSWERS[question["ask"]](self, question["model"], **question["with"])
        except HookpointError as error:
            return {"trouble": str(error)}
        except Exception as error:
            return {"trouble": f"The Microscope stumbled over this ({type(error).__name__}: {error})."}
        return {"answer": found, "broken": {}}
