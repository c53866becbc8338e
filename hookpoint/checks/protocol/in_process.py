"""Over the wall by a function call: the notebook, pytest and nbgrader."""

from collections.abc import Mapping
from typing import Any

from hookpoint.content.alarm import OutOfTime, alarm

from .bench import Bench
from .codec import Parcel
from .desk import Desk
from .peer import TimedOut

__all__ = ["InProcess"]


class InProcess:
    """A link to learner's names in this process.

    `limit` (seconds for one call) stops loops in Python code where it can: in the main thread, on systems with SIGALRM.
    Beyond that nothing is contained: code that ends the process ends it. Use `child.Nursery` for that.
    """

    def __init__(self, names: dict[str, Any], problems: Mapping[str, str] | None = None, limit: float | None = 10.0):
        self.names, self.problems, self.limit = names, problems or {}, limit
        self.benches: dict[int, Bench] = {}

    def open(self, limit: float = 0.0) -> Desk:
        """A desk whose calls reach the names. `limit` lengthens the link's own for one exercise."""
        desk, limit = Desk(), self.limit and max(self.limit, limit)
        bench = Bench(self.names, lambda parcel: copied(desk.serve(copied(parcel))), self.problems)

        def exchange(parcel: Parcel) -> Parcel:
            try:
                with alarm(limit):
                    return copied(bench.serve(copied(parcel)))
            except OutOfTime:
                raise TimedOut(limit) from None

        desk.exchange = exchange
        self.benches[id(desk)] = bench
        return desk

    def close(self, desk: Desk) -> None:
        """Lets go of what the check has put here, temporary files too."""
        self.benches.pop(id(desk)).end()


def copied(parcel: Parcel) -> Parcel:
    """What a socket would deliver: the tree and the tensors, without the sender's own bookkeeping."""
    return Parcel(parcel.tree, list(parcel.tensors))
