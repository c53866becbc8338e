"""The host's laptop: how others in the room reach it, its port, its power, and how many connections it may hold."""

import contextlib
import errno
import ipaddress
import os
import re
import socket

from hookpoint.errors import HookpointError

__all__ = ["LOOPBACK", "addresses", "cores", "listening", "on_mains", "reachable_at", "with_more_files"]

LOOPBACK = "127.0.0.1"
# Networks that live on this machine alone: containers, virtual machines, tunnels.
VIRTUAL = re.compile(r"(docker|podman|br-|veth|virbr|vmnet|vboxnet|vethernet|utun|tun|tap|wg|zt|lxc|cni|bridge)", re.I)
FAR_AWAY = ("192.0.2.1", 9)  # an address of nobody; nothing is sent to it
WAITING = 2048  # connections that the system holds while the server is busy: a whole room opens the page at once
FILES = 65_536


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def addresses() -> list[str]:
    """The IPv4 addresses of this machine in the networks that it is in, the likeliest to be the room's first."""
    import psutil

    up = {name for name, about in psutil.net_if_stats().items() if about.isup}
    found, usual = [], _usual()
    for name, kinds in psutil.net_if_addrs().items():
        for one in kinds:
            if one.family != socket.AF_INET or name not in up:
                continue
            address = ipaddress.ip_address(one.address)
            if not address.is_loopback:
                rank = (bool(VIRTUAL.match(name)), address.is_link_local, one.address != usual, name)
                found.append((rank, one.address))
    return list(dict.fromkeys(address for _, address in sorted(found)))


def _usual() -> str:
    """The address that this machine would call far away from; none without a way out, as on a router of one's own."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(FAR_AWAY)
        return probe.getsockname()[0]
    return ""


def reachable_at(bind: str, port: int) -> list[str]:
    """The addresses to tell people, like `http://192.168.0.12:8000`; on a machine in no network its own alone."""
    where = ipaddress.ip_address(bind)
    named = addresses() or [LOOPBACK] if where.is_unspecified else [bind]
    return [f"http://{f'[{one}]' if ':' in one else one}:{port}" for one in named]


def listening(bind: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        HookpointError: somebody else does, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        listener = socket.create_server((bind, port), family=family, backlog=WAITING)
        # For all who connect. asyncio does so only with sockets made by naming TCP, and then the end of each answer
        # waits 40 ms for the browser to acknowledge its beginning.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "another program answers there: end it, or choose another port with --port"
        elif error.errno == errno.EADDRNOTAVAIL:
            why = "this machine has no such address: choose --bind 0.0.0.0 for the room"
        else:
            why = error.strerror or str(error)
        raise HookpointError(f"Port {port} of {bind} cannot be used: {why}.") from None


def on_mains() -> tuple[bool | None, float | None]:
    """Whether the power comes from the mains, and the battery's per cent; None where there is no battery to ask."""
    import psutil

    with contextlib.suppress(Exception):  # each system has its own way to say that it does not know
        battery = psutil.sensors_battery()
        if battery is not None:
            return battery.power_plugged, battery.percent
    return None, None


def with_more_files() -> int:
    """How many files and connections this process may have open, after asking for as many as it gets."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        for limit in (wanted, 10_240):  # macOS says that there is no limit, and takes no more than this
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                return limit
    return FILES if soft == resource.RLIM_INFINITY else soft
