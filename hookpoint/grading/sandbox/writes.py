"""Whether a dictionary has been written to, asked without touching what it holds.

Python counts the references to an object in the object. So even looking through a library's names writes to each of
them, and in a process that was forked a moment ago each page written to is copied: a thousand of them for torch.
CPython 3.11 and 3.12 number the states of a dictionary instead; others do not, and there the names are looked through.
"""

import ctypes
import sys

__all__ = ["NUMBERED", "state"]

USED = object.__basicsize__  # where a dictionary holds its length, by `PyDictObject` in cpython/dictobject.h
STATE = USED + ctypes.sizeof(ctypes.c_ssize_t)  # and then the number of its state, which no other has or will have


def state(place: dict) -> int:
    """The number of the state that a dictionary is in, where they are `NUMBERED`."""
    return ctypes.c_uint64.from_address(id(place) + STATE).value


def numbered() -> bool:
    """Whether this Python does as described; tried rather than believed."""
    if sys.implementation.name != "cpython":
        return False
    place = {"a": 1, "b": 2}
    if ctypes.c_ssize_t.from_address(id(place) + USED).value != len(place):
        return False
    found = [state(place)]
    for act in (lambda: place["a"], lambda: place.update(a=3), lambda: place.update(c=4), lambda: place.pop("b")):
        act()
        found.append(state(place))
    return found[0] == found[1] and len(set(found[1:])) == 4


NUMBERED = numbered()
