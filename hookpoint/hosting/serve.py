"""Serving an event: the web server in this process, the grader in one of its own, until Ctrl-C."""

import contextlib
import gc
import io
import logging
import logging.handlers
import os
import platform
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import segno
import uvicorn

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.level import probe

from . import event, instances, machine, settings_kinds, setup
from .folder import EventFolder
from .keeper import Keeper
from .running import Running, only_one
from .store.database import Database

__all__ = ["Options", "qr", "serve"]

# Tokens, and what stands before the @ of a database's URL.
SECRETS = re.compile(r"hookpoint_[a-z2-7]{32}|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)", re.IGNORECASE)
UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
LARGEST_LOG, OLDER_LOGS = 5 << 20, 3
WHITE_ON_BLACK, PLAIN = "\x1b[38;5;231;48;5;16m", "\x1b[0m"  # what is light in the picture is drawn
COLLECTED_AFTER = 5_000  # new objects: a page makes thousands, and Python would look for garbage while it does
GRADER_AFTER = 2.0  # seconds: if everybody waits for a server that was away, they are answered first
STREAMS_END_IN = 1  # seconds; browsers see at once that the server is gone, and come back by themselves
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, `kill`, a terminal that is closed
NO_SANDBOX = "{level} Nothing is graded on this machine: serve with --no-grading, and grade on Linux 5.13 or newer."
NOT_MADE = "Nobody can hand in for {lacking} yet. `hookpoint host challenges` makes what is missing, also now."
log = logging.getLogger(__name__)
Say = Callable[[str], object]


@dataclass(frozen=True)
class Options:
    """What is to be otherwise than `event.toml` has it, and how to grade: 0 workers are one for each core."""

    port: int | None = None
    bind: str | None = None
    workers: int = 0
    grading: bool = True
    scheduler: str = ""  # of a Dask cluster that grades instead of this machine
    insecure_scheduler: bool = False


def serve(folder: EventFolder, options: Options, say: Say, picture: Say = lambda link: None) -> None:
    """Serves the event until Ctrl-C, SIGTERM, or until its terminal is closed. Nothing is lost however it ends.

    Args:
        say: gets what people should read.
        picture: gets the link to join by, to draw it.

    Raises:
        UsageError: there is no event in the folder, or it is served already.
        HookpointError: the port, the database or the sandbox does not let it.
    """
    with only_one(folder) as answers, contextlib.closing(setup.opened(folder)) as database, logging_to(folder):
        _take_over(database, folder, say)
        if options.grading and not options.scheduler and not (level := probe()).enough:
            raise HookpointError(NO_SANDBOX.format(level=level))
        with database.reading() as session:
            now = event.current(session, datetime.now(UTC))
            if lacking := instances.missing(session, now.settings):
                say(NOT_MADE.format(lacking=", ".join(lacking)))
        bind = _address(options.bind) if options.bind else now.settings.server.address
        machine.with_more_files()
        with machine.listening(bind, now.settings.server.port if options.port is None else options.port) as listener:
            addresses = machine.reachable_at(bind, listener.getsockname()[1])
            server, grader = _server(database), _grader(folder, options, say)
            with _ended_by_signals(server, getattr(grader, "kill", lambda: None)), grader:
                answers(Running(os.getpid(), tuple(addresses)))
                log.info("serving at %s as process %d", ", ".join(addresses), os.getpid())
                _welcome(now, addresses, say, picture)
                gc.freeze()  # what is loaded now stays: to look through it again and again takes a tenth of the time
                gc.set_threshold(COLLECTED_AFTER)
                server.run(sockets=[listener])
                say("Ending: what is being graded goes back into the queue." if options.grading else "Ending.")
    say("Ended. `hookpoint host serve` goes on from here.")


def _address(text: str) -> str:
    try:
        return settings_kinds.address(text)
    except ValueError as error:
        raise UsageError(f"--bind: {error}.") from None


def _take_over(database: Database, folder: EventFolder, say: Say) -> None:
    """The settings as they are in event.toml; with a mistake in them as they were, for the event has to go on."""
    try:
        with database.session() as session:
            if setup.in_step(session, folder, datetime.now(UTC)):
                say("event.toml has changed: its new settings hold from now on.")
    except UsageError as error:
        say(f"{error}\nThe settings as they were before hold until this is mended and the server started again.")


def _welcome(now: event.EventNow, addresses: list[str], say: Say, picture: Say) -> None:
    first, *others = addresses
    join = f"{first}/j/{now.row.join_code}"
    say(f"{now.settings.title}{' (rehearsal)' if now.row.rehearsal else ''}")
    say(f"  Join     {join}   or {first} with the code {now.row.join_code}")
    say(f"  Board    {first}/board   for the projector")
    say(f"  Console  {first}/host")
    if others:
        say(f"  If they cannot reach it: {', '.join(others)}")
    picture(join)
    say("Ctrl-C ends it.")


def qr(link: str) -> str:
    """The link as a picture for a terminal, dark on light whatever the terminal's colours are."""
    drawn = io.StringIO()
    segno.make(link, error="m", micro=False).terminal(drawn, border=2, compact=True)
    return "\n".join(f"{WHITE_ON_BLACK}{line}{PLAIN}" for line in drawn.getvalue().splitlines())


# The web server


class Server(uvicorn.Server):
    """uvicorn, without its own handlers of signals: ours end the grader as well."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(database: Database) -> Server:
    from .server.app import create_app
    from .server.connections import Patient

    config = uvicorn.Config(
        create_app(database),
        http=Patient,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,  # a web server with TLS in front of us says that people came by https
        forwarded_allow_ips=machine.LOOPBACK,  # if it runs on this machine; anybody else could say anything
        timeout_graceful_shutdown=STREAMS_END_IN,
        lifespan="on",
    )
    return Server(config)


@contextlib.contextmanager
def _ended_by_signals(server: Server, hurry: Callable[[], object]) -> Iterator[None]:
    """The first signal lets the server end, and then the grader; after a second one neither is waited for."""

    def handle(number: int, frame: Any) -> None:
        if server.should_exit:
            hurry()
        server.handle_exit(number, frame)

    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# The grader


def _grader(folder: EventFolder, options: Options, say: Say) -> contextlib.AbstractContextManager:
    if not options.grading:
        say("Nothing is graded here: submissions wait in the queue for another machine.")
        return contextlib.nullcontext()
    if options.scheduler:
        return _cluster(folder, options, say)
    # By the same name each time: what it was at when it died it takes up again at once, and waits for no lease to end.
    name = f"{platform.node() or 'host'} {folder.path.name}"
    command = [sys.executable, "-m", "hookpoint.hosting.supervisor"]
    command += ["--workers", str(options.workers or machine.cores()), "--name", name]

    def told(line: str) -> None:
        log.error(line)
        say(line)

    # Anybody on this machine may read a command line, and a password may stand in the address.
    environment = {"HOOKPOINT_DATABASE": folder.database}
    return Keeper("The grader", command, folder.logs / "grader.log", environment, told, GRADER_AFTER)


def _cluster(folder: EventFolder, options: Options, say: Say) -> contextlib.AbstractContextManager:
    from .cluster import Cluster

    def told(line: str) -> None:
        log.warning(line)
        say(line)

    place = SECRETS.sub("(secret)", folder.database)
    return Cluster(options.scheduler, folder.database, place, insecure=options.insecure_scheduler, told=told).running()


# The log


class WithoutSecrets(logging.Formatter):
    """Writes lines in which no token and no password stands, wherever it came from, and nothing a terminal obeys."""

    def format(self, record: logging.LogRecord) -> str:
        return UNPRINTED.sub(lambda found: ascii(found[0])[1:-1], SECRETS.sub("(secret)", super().format(record)))


@contextlib.contextmanager
def logging_to(folder: EventFolder) -> Iterator[None]:
    """Within the block everything that is logged goes to `logs/server.log`, which stays small.

    Raises:
        HookpointError: it cannot be written.
    """
    path = folder.logs / "server.log"
    try:
        path.parent.mkdir(exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=LARGEST_LOG, backupCount=OLDER_LOGS, encoding="utf-8"
        )
    except OSError as error:
        raise HookpointError(f"{path} cannot be written: {error.strerror or error}. Mend that first.") from None
    handler.setFormatter(WithoutSecrets("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
