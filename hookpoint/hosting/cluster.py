"""Grading on several machines: the event server keeps one supervisor on each worker of a Dask cluster.

Dask says which workers there are and carries the request; submissions and verdicts go through the event's PostgreSQL
database, by leases. So a scheduler, a worker or this server may die at any moment and nothing is lost or doubled. A
Dask worker runs what its scheduler sends: workers are machines of the host's own, and what people hand in stays in the
sandbox below the supervisor.
"""

import asyncio
import contextlib
import ipaddress
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.results import version

from . import cluster_worker

__all__ = ["Cluster"]

ASK_SECONDS = 10.0  # well below cluster_worker.KEPT_SECONDS
LOOK_SECONDS = 1.0
ANSWER_SECONDS = 10.0
NO_SQLITE = (
    "Grading on several machines needs PostgreSQL, and this event is in the file {place}. "
    "`hookpoint host init --database postgresql://...` makes one there."
)
ODD = "{text} is no address of a Dask scheduler. Write it like tls://10.0.0.5:8786, or tcp://127.0.0.1:8786."
NO_DASK = 'Dask is not installed: pip install "hookpoint[cluster]"'
OPEN = (
    "{scheduler} is on the network without TLS: whoever reaches it could run programs on your machines. Use tls://, "
    "as the guide to several machines shows; or say --insecure-scheduler if nobody else is in that network."
)
NO_TLS = "Dask's configuration has no {lacking}: tls:// needs them. The guide to several machines shows the file."
AWAY = "The Dask scheduler {scheduler} does not answer ({why}). Nothing is lost; trying again."
HERE = "Grading on {many} of {scheduler}."
HANGS = "The worker {worker} does not answer. If it is dead, others take over what it had."
NOBODY = "{scheduler} has no worker, so nothing is graded. Submissions wait."
QUIET = ("distributed.client", "distributed.comm", "distributed.core", "distributed.batched", "distributed.utils_comm")


class Cluster:
    """The workers of one Dask scheduler, each with a supervisor while `run` runs.

    Args:
        scheduler: its address.
        url: the event's database, with its password. It is handed on where nobody else can read it: by TLS, or within
            this machine. Elsewhere workers have their own in the environment, as they may everywhere.
        place: the database's, without its password.
        insecure: a scheduler on the network may do without TLS.
        told: gets a line whenever something changes that a host wants to know.

    Raises:
        UsageError: it must not be used so.
        HookpointError: Dask is not installed.
    """

    def __init__(
        self,
        scheduler: str,
        url: str,
        place: str,
        *,
        insecure: bool = False,
        told: Callable[[str], object] = print,
    ):
        scheme, local = parsed(scheduler)
        if not url.startswith("postgres"):
            raise UsageError(NO_SQLITE.format(place=place))
        if scheme != "tls" and not local and not insecure:
            raise UsageError(OPEN.format(scheduler=scheduler))
        self.scheduler, self.scheme = scheduler, scheme
        self.security()  # what it lacks is said now, and not while people wait
        self.url = url if scheme == "tls" or local else ""
        self.told, self.said = told, ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Within the block the workers grade."""
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=[stop], daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(2 * ANSWER_SECONDS)  # workers that are not told end their supervisors by themselves

    def run(self, stop: threading.Event) -> None:
        """Keeps a supervisor on every worker that there is, until told to stop; then ends them all."""
        while not stop.is_set():
            try:
                asyncio.run(self.tend(stop))
            except Exception as error:  # Dask raises what its parts raise: OSError, TimeoutError, and its own
                if not stop.is_set():
                    self.say(AWAY.format(scheduler=self.scheduler, why=type(error).__name__))
                stop.wait(LOOK_SECONDS)

    async def tend(self, stop: threading.Event) -> None:
        """The same, as long as the scheduler answers."""
        from distributed import Client

        for name in QUIET:  # what is worth saying we say
            logging.getLogger(name).setLevel(logging.CRITICAL)
        order, known, next_time = cluster_worker.Order(version(), self.url), set(), 0.0
        options = {"timeout": ANSWER_SECONDS, "set_as_default": False, "asynchronous": True}
        async with Client(self.scheduler, security=self.security(), **options) as client:
            while not stop.is_set():
                workers = set(await asyncio.wait_for(client.nthreads(), ANSWER_SECONDS))
                if workers != known or time.monotonic() > next_time:
                    known, next_time = workers, time.monotonic() + ASK_SECONDS
                    self.say(self.state(await each(client, workers, cluster_worker.keep, order)))
                await asyncio.sleep(LOOK_SECONDS)
            await each(client, known, cluster_worker.release)

    def state(self, answers: list[Any]) -> str:
        """What a host should know of the workers' answers, in a line for each that does not grade."""
        lines = [one for one in answers if one]
        many = f"{len(answers)} worker{'s' * (len(answers) > 1)}"
        return "\n".join(lines) or (HERE if answers else NOBODY).format(scheduler=self.scheduler, many=many)

    def say(self, text: str) -> None:
        if text != self.said:
            self.said = text
            self.told(text)

    def security(self) -> Any:
        """The certificates that Dask's configuration names, for TLS."""
        try:
            from distributed.security import Security
        except ModuleNotFoundError:
            raise HookpointError(NO_DASK) from None
        if self.scheme != "tls":
            return None
        security = Security(require_encryption=True)
        lacking = [name for name in ("tls_ca_file", "tls_client_cert") if not getattr(security, name)]
        if lacking:
            raise UsageError(NO_TLS.format(lacking=" and no ".join(lacking)))
        return security


async def each(client: Any, workers: Iterable[str], what: Callable, *arguments: Any) -> list[Any]:
    """What every worker answers. They are asked apart, so that one that hangs keeps no other waiting."""

    async def one(worker: str) -> Any:
        try:
            answer = client.run(what, *arguments, workers=[worker], on_error="return")
            said = (await asyncio.wait_for(answer, ANSWER_SECONDS)).get(worker)
        except TimeoutError:
            return HANGS.format(worker=worker)
        if isinstance(said, Exception):  # hookpoint is not installed there, or the worker has just gone
            return f"{worker}: {type(said).__name__}: {said}".splitlines()[0]
        return said

    return await asyncio.gather(*map(one, sorted(workers)))


def parsed(scheduler: str) -> tuple[str, bool]:
    """The protocol of a scheduler's address, and whether it is on this machine.

    Raises:
        UsageError: it is no address of a scheduler.
    """
    try:
        parts = urlsplit(scheduler)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in ("tcp", "tls"):
        raise UsageError(ODD.format(text=scheduler))
    with contextlib.suppress(ValueError):
        return parts.scheme, ipaddress.ip_address(host).is_loopback
    return parts.scheme, host == "localhost"
