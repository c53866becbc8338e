"""What a process may use up: its time, its memory, its files. And that it ends when the one who started it ends."""

import contextlib
import os
import resource
import signal
from collections.abc import Iterator

from .landlock import libc

__all__ = ["address_space", "bounded", "end_with_parent", "limit"]

MEMORY = 2 << 30  # bytes beyond what the process had when it began
TRUSTED_MEMORY = 1 << 30  # the same for the side that judges, which may be asked for something enormous
FILE = 64 << 20
OPEN_FILES = 256


def address_space() -> int:
    """Bytes of memory that this process has in its view, used or not."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def limit(cpu_seconds: int, has: int) -> None:
    """Bounds this process, for good; `has` is the address space that it begins with."""
    for what, most in (
        (resource.RLIMIT_AS, has + MEMORY),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Within the block, this process gets no more than some memory beyond what it has; then `MemoryError` is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = address_space() + TRUSTED_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def end_with_parent(parent: int) -> None:
    """This process is killed when the thread that started it ends; at once if it has ended already."""
    set_parent_death_signal = 1
    libc.prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
