"""Whether a laptop is fit to host an event: one finding after another, each with what to do about it."""

import contextlib
import importlib.util
import ipaddress
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from hookpoint.errors import HookpointError

from . import intact, machine
from .folder import EventFolder
from .running import running
from .settings import EventSettings, Server, read_settings

__all__ = ["Finding", "Site", "examine"]

PACKAGE = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 13))
NEEDED = (
    "alembic", "fastapi", "httpx", "jinja2", "numpy", "psutil", "python_multipart", "safetensors", "segno",
    "sqlalchemy", "torch", "uvicorn",
)  # fmt: skip
GB = 1 << 30
MEMORY = (3 * GB, 6 * GB)  # one worker and the server need the first; less than the second is tight with a browser
DISK = (1 * GB, 5 * GB)
FILES = 2_000  # connections: four for each of five hundred browsers
SLACK = timedelta(minutes=2)  # by which a clock may be behind the files that it wrote
BATTERY = "A laptop that sleeps takes the event with it"
AWAKE = {
    "linux": "`systemd-inhibit --what=sleep:idle:handle-lid-switch hookpoint host serve` keeps it awake",
    "darwin": "`caffeinate -dims hookpoint host serve` keeps it awake",
    "win32": "Set sleep to never in the power settings",
}


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands (`ok`, `warn`, or `mend`: not fit as it is), what was seen, what to do."""

    what: str
    state: str
    said: str
    do: str = ""


@dataclass(frozen=True)
class Site:
    """What the doctor looks at: this machine, at a moment, and the folder of an event if there is one."""

    at: datetime
    folder: EventFolder | None = None

    @cached_property
    def settings(self) -> EventSettings | None:
        """The settings, if there are any and they can be read."""
        try:
            return read_settings(self.folder.settings_path) if self.folder else None
        except HookpointError:
            return None

    @property
    def server(self) -> Server:
        return self.settings.server if self.settings else Server()


def examine(site: Site) -> Iterator[Finding]:
    """Looks at everything, one thing after another. What cannot be looked at is a finding too."""
    for look in CHECKS:
        try:
            yield look(site)
        except Exception as error:  # a doctor who faints helps nobody
            yield Finding(look.__name__, "warn", f"could not be looked at: {type(error).__name__}: {error}")


def python(site: Site) -> Finding:
    least, most = (".".join(map(str, one)) for one in PYTHONS)
    fits = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    do = "" if fits else f"Make a new environment with Python {least} to {most}."
    return Finding("python", "ok" if fits else "mend", ".".join(map(str, sys.version_info[:3])), do)


def packages(site: Site) -> Finding:
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        return Finding("packages", "mend", f"missing: {', '.join(absent)}", 'Run `pip install "hookpoint[host]"`.')
    return Finding("packages", "ok", f"all {len(NEEDED)} are there")


def sandbox(site: Site) -> Finding:
    from hookpoint.grading.level import probe

    level = probe()
    if not level.enough:
        do = (
            "Grade on Linux 5.13 or newer (on Windows: WSL 2): serve here with --no-grading, and let another machine"
            " grade. Self-checks in notebooks work everywhere."
        )
        return Finding("sandbox", "mend", str(level), do)
    do = "" if level.bubblewrap else "bubblewrap adds a layer: install it if you may. Grading is safe without it."
    return Finding("sandbox", "ok" if level.bubblewrap else "warn", str(level), do)


def cores(site: Site) -> Finding:
    count = machine.cores()
    do = "" if count > 1 else "One core both serves and grades: verdicts come late when many hand in at once."
    return Finding("cores", "ok" if count > 1 else "warn", str(count), do)


def memory(site: Site) -> Finding:
    import psutil

    found = psutil.virtual_memory()
    do = "Close other programs, or serve with --workers 1."
    return _enough("memory", found.available, MEMORY, f"free of {found.total / GB:.0f} GB", do)


def disk(site: Site) -> Finding:
    folder = site.folder.path if site.folder else Path.cwd()
    do = f"Make room on the disk of {folder}: submissions and their log are kept there."
    return _enough("disk", shutil.disk_usage(folder).free, DISK, "free", do)


def _enough(what: str, have: int, marks: tuple[int, int], said: str, do: str) -> Finding:
    state = "mend" if have < marks[0] else "warn" if have < marks[1] else "ok"
    return Finding(what, state, f"{have / GB:.1f} GB {said}", "" if state == "ok" else do)


def clock(site: Site) -> Finding:
    """A clock that is behind opens and closes everything late; no network is needed to see it: files know better."""
    newest = max(path.stat().st_mtime for path in _dated(site))
    behind = newest - site.at.timestamp()
    local = site.at.astimezone(site.settings.schedule().zone) if site.settings else site.at.astimezone()
    said = f"{local:%Y-%m-%d %H:%M} ({local.tzname()})"
    if behind > SLACK.total_seconds():
        do = "Set date and time: phases open and close by this clock."
        return Finding("clock", "mend", f"{said}; files here are {_span(behind)} younger than that", do)
    return Finding("clock", "ok", f"{said}; compare it with a telephone")


def _dated(site: Site) -> Iterator[Path]:
    yield from PACKAGE.glob("*.py")
    if site.folder:
        yield from (path for path in site.folder.path.iterdir() if path.is_file())


def _span(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds > 172_800 else f"{seconds / 60:.0f} min"


def network(site: Site) -> Finding:
    if ipaddress.ip_address(site.server.address).is_loopback:
        do = 'In event.toml, write `address = "0.0.0.0"` below [server] to let the room in.'
        return Finding("network", "warn", f"the server listens at {site.server.address}: this laptop alone", do)
    found = machine.addresses()
    if not found:
        do = "Join the room's Wi-Fi, or better: a router of your own, with a cable."
        return Finding("network", "mend", "this laptop is in no network: nobody could reach it", do)
    do = "Open the address on a second laptop: only that shows that no firewall and no Wi-Fi rule stands between."
    return Finding("network", "ok", ", ".join(machine.reachable_at(site.server.address, site.server.port)), do)


def port(site: Site) -> Finding:
    said = str(site.server.port)
    if site.folder and running(site.folder):
        return Finding("port", "ok", f"{said}: the event is being served")
    try:
        machine.listening(site.server.address, site.server.port).close()
    except HookpointError as error:
        return Finding("port", "mend", said, str(error))
    return Finding("port", "ok", f"{said} is free")


def connections(site: Site) -> Finding:
    most = machine.with_more_files()
    do = "" if most >= FILES else "Raise it for this shell: `ulimit -n 4096`; `ulimit -Hn` says how far."
    return Finding("connections", "ok" if most >= FILES else "warn", f"up to {most:,} at a time", do)


def settings(site: Site) -> Finding:
    if site.folder is None:
        return Finding("event.toml", "warn", "there is no event here yet", "`hookpoint host init` makes one.")
    try:
        found = read_settings(site.folder.settings_path)
    except HookpointError as error:
        first, *more = str(error).splitlines()
        return Finding("event.toml", "mend", first, f"Mend it in an editor; {more[-1]}" if more else "Mend it.")
    phases = found.schedule().phases
    if site.at >= phases[-1].closes:
        return Finding("event.toml", "warn", f"{found.title} is over", "Set `starts` if it is still to come.")
    return Finding("event.toml", "ok", f"{found.title}: {found.starts:%A, %Y-%m-%d %H:%M}, {len(phases)} phases")


def database(site: Site) -> Finding:
    from . import event
    from .store.database import open_database

    if site.folder is None:
        return Finding("database", "warn", "there is no event here yet", "`hookpoint host init` makes one.")
    try:
        found = open_database(site.folder.database)
        if found.version() is None:
            return Finding("database", "mend", f"{found.place} is empty", "`hookpoint host init` fills a new one.")
        with contextlib.closing(found), found.reading() as session:
            current = event.current(session, site.at)
            applied = current.row.settings == site.folder.settings_path.read_text(encoding="utf-8-sig")
    except HookpointError as error:
        return Finding("database", "mend", str(error), "Nothing was changed.")
    if not applied:
        do = "`hookpoint host serve` takes it over when it starts."
        return Finding("database", "warn", f"{found.place}; event.toml has changed since", do)
    return Finding("database", "ok", found.place)


def challenges(site: Site) -> Finding:
    from . import event, instances
    from .store.database import open_database

    offered = site.settings.challenges if site.settings else ()
    if not offered:
        return Finding("challenges", "ok", "the event offers none" if site.settings else "there is no event here yet")
    with contextlib.closing(open_database(site.folder.database)) as found, found.reading() as session:
        event.current(session, site.at)
        lacking = instances.missing(session, site.settings)
    if lacking:
        do = "`hookpoint host challenges` makes them; until then nobody can hand in for them."
        return Finding("challenges", "mend", f"without their private instances: {', '.join(lacking)}", do)
    return Finding("challenges", "ok", f"all {len(offered)} are ready")


def course(site: Site) -> Finding:
    return _whole("course", intact.damaged_notebooks(), "all notebooks are as released", "Install hookpoint anew.")


def zoo(site: Site) -> Finding:
    do = "Install hookpoint anew, or make a model again: `hookpoint zoo train NAME`."
    return _whole("zoo", intact.damaged_weights(), "all weights are as released", do)


def _whole(what: str, damage: list[str], well: str, do: str) -> Finding:
    if not damage:
        return Finding(what, "ok", well)
    more = f", and {len(damage) - 1} more" if len(damage) > 1 else ""
    return Finding(what, "mend", f"{damage[0]}{more}", do)


def power(site: Site) -> Finding:
    awake = AWAKE.get(sys.platform, "See that it does not sleep")
    plugged, percent = machine.on_mains()
    if plugged is False:
        return Finding("power", "warn", f"on battery, {percent:.0f} %", f"Plug it in. {BATTERY}: {awake}.")
    return Finding("power", "ok", "on mains" if plugged else "no battery", f"{BATTERY}: {awake}.")


CHECKS: tuple[Callable[[Site], Finding], ...] = (
    python, packages, sandbox, cores, memory, disk, clock, network, port, connections, settings, database, challenges,
    course, zoo, power,
)  # fmt: skip
