"""The process that the learner's code runs in: a question a line on stdin, an answer a line on stdout, as JSON.

Prints, input and Ctrl-C never reach the protocol: it is moved to descriptors of its own before anything else is run.
Usage: python -m hookpoint.app.yours.serve MARKER [WORKSPACE]
"""

import gc
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

ORPHANED = 2.0  # seconds between two looks at whether the app is still there


def main() -> None:
    marker, workspace = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None

    def start() -> Callable[[dict], dict]:
        from hookpoint.app.yours.engine import Engine

        engine = Engine(workspace, marker)
        # What torch and einops do only once must not count as the time that the learner's first function takes.
        engine.answer({"ask": "logits", "yours": [], "model": "stories", "with": {"text": "a"}})
        return engine.answer

    serve(start)


def serve(start: Callable[[], Callable[[dict], dict]]) -> None:
    """Answer questions until there are no more. `start` does what takes long, and gives the function that answers."""
    questions, answers = _own_channels()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    gc.disable()  # what is imported now stays: to look through it again and again takes a tenth of the time
    answer = start()
    gc.freeze()
    gc.enable()
    _say(answers, {"ready": True})
    for line in questions:
        _say(answers, answer(json.loads(line)))


def _own_channels() -> tuple[Iterable[str], IO[str]]:
    """The two pipes under new numbers; whoever reads or writes the old ones gets nothing and disturbs nothing."""
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    return questions, answers


def _say(answers: IO[str], value: dict) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _end_with(parent: int) -> None:
    """End when the app has: an endless loop would not notice that nobody asks any more."""
    while os.getppid() == parent:
        time.sleep(ORPHANED)
    os._exit(0)


if __name__ == "__main__":
    main()
