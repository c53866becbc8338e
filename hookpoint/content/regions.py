"""Takes the solution out of an answer cell, the way nbgrader does.

### BEGIN SOLUTION
...                       becomes nbgrader's two lines, at the indent of the first marker
### END SOLUTION
"""

import re
from collections.abc import Iterator

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")

# nbgrader takes the two words for a marker wherever they stand; a comment that nearly says them is a slip of the pen.
_LIKE_A_REGION_MARKER = re.compile(r".*(BEGIN|END) SOLUTION|\s*#[\s#]*(?i:begin|end)[\s_-]*(?i:sol[ut])")


def released(source: str) -> str:
    """The source as a learner receives it: every solution region is nbgrader's stub.

    >>> print(released("def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION"))
    def f(x):
        # YOUR CODE HERE
        raise NotImplementedError()
    """
    kept = []
    for line, inside in _marked(source):
        if line.strip() == BEGIN:
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + stub for stub in STUB]
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def solution_lines(source: str) -> list[tuple[int, str]]:
    """The lines between the markers of all regions with their place (from 0) in the source, blank ones left out."""
    lines = enumerate(_marked(source))
    return [(n, line) for n, (line, inside) in lines if inside and line.strip() not in ("", BEGIN, END)]


def has_marker(source: str) -> bool:
    """Whether any line marks the begin or end of a solution, spelt right or not."""
    return any(_LIKE_A_REGION_MARKER.match(line) for line in source.split("\n"))


def faults(source: str) -> Iterator[tuple[int, str, str]]:
    """What is wrong with the regions of an answer cell: line within the source (from 0), what, how to mend it."""
    opened, regions = None, 0
    for number, line in enumerate(source.split("\n")):
        text = line.strip()
        if text == BEGIN:
            regions += 1
            if opened is not None:
                yield number, f"`{BEGIN}` stands inside a region.", f"Close the first region with `{END}` above it."
            opened = number
        elif text == END:
            if opened is None:
                yield number, f"`{END}` closes nothing.", f"Put `{BEGIN}` above the solution."
            opened = None
        elif _LIKE_A_REGION_MARKER.match(line):
            meant = BEGIN if "begin" in text.lower() else END
            yield number, f"This is not quite the marker of a region: `{text}`.", f"Did you mean `{meant}`?"
            regions += 1
    if opened is not None:
        yield opened, "This solution region is not closed.", f"Put `{END}` under the solution."
    if not regions:
        yield 0, "This answer cell has no solution region.", f"Put `{BEGIN}` and `{END}` around the solution."


def _marked(source: str) -> Iterator[tuple[str, bool]]:
    """Each line with whether it belongs to a region; the markers belong to theirs."""
    inside = False
    for line in source.split("\n"):
        inside = inside or line.strip() == BEGIN
        yield line, inside
        inside = inside and line.strip() != END
