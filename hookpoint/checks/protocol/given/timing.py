"""How long a call of the learner's takes. Times differ between runs, so they stay out of the transcript."""

import time
from collections.abc import Callable
from typing import Any

__all__ = ["TOOLS", "VARYING"]


def seconds(function: Callable, *args: Any, **kwargs: Any) -> float:
    """CPU seconds of one call; what it returns is dropped."""
    started = time.process_time()
    function(*args, **kwargs)
    return time.process_time() - started


TOOLS = VARYING = (seconds,)
