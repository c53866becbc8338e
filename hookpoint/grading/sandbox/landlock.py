"""Landlock: what a process may open, told to the kernel by the process itself, for good and for all its children.

It needs no privilege. Definitions: Linux, Documentation/userspace-api/landlock.rst.
"""

import ctypes
import errno
import os
from collections.abc import Iterable

__all__ = ["abi", "apart", "restrict"]

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every processor
ASK_VERSION, PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL_DEV = (1 << bit for bit in (0, 1, 2, 3, 14, 15))
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR  # to load a shared library counts as reading it; exec is refused by seccomp
NET_BOTH, SCOPED_BOTH = 0b11, 0b11

libc = ctypes.CDLL(None, use_errno=True)


class Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("fd", ctypes.c_int32)]


def abi() -> int:
    """The version of Landlock that this kernel has; 0 if none."""
    return max(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION), 0)


def restrict(readable: Iterable[str], listable: Iterable[str], writable: Iterable[str]) -> None:
    """From now on only these paths, and what lies below them, can be opened. Paths that do not exist are left out.

    Args:
        readable: files and folders to read.
        listable: folders whose names may be listed, without the right to read what lies in them.
        writable: folders in which anything may be done.

    Raises:
        OSError: the kernel has no Landlock, or refuses.
    """
    version = abi()
    if not version:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    every = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    attributes = Ruleset(every, NET_BOTH if version >= 4 else 0, SCOPED_BOTH if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = call(CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0)
    try:
        for paths, rights in ((readable, READ), (listable, READ_DIR), (writable, every)):
            for path in paths:
                allow(ruleset, path, rights & every)
        forbid_new_privileges()
        call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def apart(paths: Iterable[str], hidden: str) -> tuple[list[str], list[str]]:
    """The paths without the folder `hidden`, and the folders on the way to it: Landlock can allow, and not forbid."""
    hidden, waiting, whole, opened = os.path.realpath(hidden), list(paths), set(), set()
    while waiting:
        path = os.path.realpath(waiting.pop())
        if hidden.startswith(path + os.sep):
            if path not in opened:
                opened.add(path)
                waiting += [os.path.join(path, name) for name in os.listdir(path)]
        elif path != hidden:
            whole.add(path)
    return sorted(whole), sorted(opened)


def allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= ON_FILES
        rule = PathBeneath(rights, fd)
        call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(fd)


def forbid_new_privileges() -> None:
    """No program that is started from here on gains rights; the kernel asks for this first."""
    set_no_new_privs = 38
    if libc.prctl(set_no_new_privs, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def call(number: int, *arguments: object) -> int:
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
