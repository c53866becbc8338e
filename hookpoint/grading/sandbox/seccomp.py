"""seccomp: which system calls a process may make. A list of those that computing needs; every other one fails.

No process or thread can be started, no socket opened, no other process signalled, traced or limited. The program is
made once, before any fork, so that a child pays for one system call. Definitions: Linux, seccomp(2) and linux/filter.h.
"""

import ctypes
import errno
import os
import platform
import struct

from .landlock import forbid_new_privileges, libc

__all__ = ["load", "program", "supported"]

# name: (number on x86_64, number on aarch64); None where the processor has no such call.
ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # files that are open, or that Landlock lets be opened
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "lseek": (8, 62), "pread64": (17, 67), "pwrite64": (18, 68),
    "readv": (19, 65), "writev": (20, 66), "preadv": (295, 69), "pwritev": (296, 70), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "flock": (73, 32), "fsync": (74, 82),
    "fdatasync": (75, 83), "ftruncate": (77, 46), "fallocate": (285, 47), "fadvise64": (221, 223),
    "copy_file_range": (326, 285), "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79),
    "statx": (332, 291), "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50),
    "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "readlink": (89, None),
    "readlinkat": (267, 78), "umask": (95, 166), "pipe": (22, None), "pipe2": (293, 59),
    # memory
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "msync": (26, 227), "mincore": (27, 232), "madvise": (28, 233), "membarrier": (324, 283),
    # its locks, its clocks and its own signals
    "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99), "get_robust_list": (274, 100),
    "set_tid_address": (218, 96), "rseq": (334, 293), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "gettid": (186, 178), "arch_prctl": (158, None), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "sigaltstack": (131, 132), "getitimer": (36, 102), "setitimer": (38, 103),
    "alarm": (37, None), "nanosleep": (35, 101), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "gettimeofday": (96, 169), "times": (100, 153), "getrandom": (318, 278),
    "exit": (60, 93), "exit_group": (231, 94),
    # waiting, and the one socket that is there
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22), "eventfd2": (290, 19),
    "sendto": (44, 206), "recvfrom": (45, 207),
    # what the process is
    "getpid": (39, 172), "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getgroups": (115, 158), "uname": (63, 160), "sysinfo": (99, 179), "getrusage": (98, 165),
    "getrlimit": (97, 163),
}  # fmt: skip
OPENAT, FCNTL, CLONE3, PRLIMIT = (257, 56), (72, 25), (435, 435), (302, 261)
# Said to have been done, and not done: a file's mode and times. Copying a file asks for them; Landlock lets them pass.
PRETENDED = {"chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "utimensat": (280, 88)}
NEWEST = 450  # calls that are newer than this list: "not implemented", so that libraries take their older way

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32 = 0x40000000  # the second numbering of x86_64, by which a list of numbers could be passed

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
NUMBER, ARCHITECTURE, FIRST, SECOND, THIRD = 0, 4, 16, 24, 32  # offsets in struct seccomp_data
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
O_ACCMODE = 0o3
# Copies of a descriptor, its flags, locks. Not F_SETOWN with F_SETSIG, by which the kernel kills a process for one.
DESCRIPTOR_ACTS = (0, 1, 2, 3, 4, 5, 6, 7, 1030)


def supported() -> bool:
    """Whether this processor is one whose call numbers are known here, and the kernel filters."""
    get_seccomp = 21
    return platform.machine() in MACHINES and libc.prctl(get_seccomp, 0, 0, 0, 0) >= 0


def program() -> bytes:
    """The filter for this processor, as the kernel takes it."""
    column, architecture = MACHINES[platform.machine()]
    allowed = sorted(numbers[column] for numbers in ALLOWED.values() if numbers[column] is not None)
    pretended = sorted(numbers[column] for numbers in PRETENDED.values() if numbers[column] is not None)
    lines = [
        step(LOAD, ARCHITECTURE), step(JUMP_EQUAL, architecture, 1, 0), step(RETURN, KILL), step(LOAD, NUMBER),
        step(JUMP_AT_LEAST, X32, 0, 1), step(RETURN, ERRNO | errno.ENOSYS),
    ]  # fmt: skip
    # Of fcntl's commands, those that touch nobody else.
    lines += when(FCNTL[column], [
        step(LOAD, SECOND), *(line for act in DESCRIPTOR_ACTS for line in when(act, [step(RETURN, ALLOW)])),
        step(RETURN, ERRNO | errno.EPERM),
    ])  # fmt: skip
    # To open for reading and to truncate by it: Landlock before version 3 would not see that.
    lines += when(OPENAT[column], [
        step(LOAD, THIRD), step(AND, os.O_TRUNC | O_ACCMODE), step(JUMP_EQUAL, os.O_TRUNC, 0, 1),
        step(RETURN, ERRNO | errno.EPERM), step(RETURN, ALLOW),
    ])  # fmt: skip
    # Limits: one's own only.
    lines += when(PRLIMIT[column], [
        step(LOAD, FIRST), step(JUMP_EQUAL, 0, 1, 0), step(RETURN, ERRNO | errno.EPERM), step(RETURN, ALLOW),
    ])  # fmt: skip
    lines += when(CLONE3[column], [step(RETURN, ERRNO | errno.ENOSYS)])
    for number in pretended:
        lines += when(number, [step(RETURN, ERRNO | 0)])
    for number in allowed:
        lines += when(number, [step(RETURN, ALLOW)])
    lines += [step(JUMP_AT_LEAST, NEWEST, 0, 1), step(RETURN, ERRNO | errno.ENOSYS), step(RETURN, ERRNO | errno.EPERM)]
    return b"".join(lines)


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; the jumps count the instructions to leave out."""
    return struct.pack("<HBBI", code, if_true, if_false, value)


def when(number: int, then: list[bytes]) -> list[bytes]:
    return [step(JUMP_EQUAL, number, 0, len(then)), *then]


def load(filter: bytes) -> None:
    """Puts the filter on this process, for good. Raises OSError if the kernel refuses."""
    lines = ctypes.create_string_buffer(filter, len(filter))
    described = struct.pack("HxxxxxxP", len(filter) // 8, ctypes.addressof(lines))
    forbid_new_privileges()
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, mode_filter, described, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")
