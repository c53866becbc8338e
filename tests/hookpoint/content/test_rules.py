"""Each mistake that an author can make in a source is refused at its line, with a way to mend it."""

import pytest

from hookpoint.content.lesson import read_lesson
from hookpoint.errors import AuthoringError

REGION = "    ### BEGIN SOLUTION\n    return sum([x, x])\n    ### END SOLUTION\n"
SIGNATURE = 'def double(x):\n    """What it gives back."""\n'
CHECK = '# %% check="double" points=2\nchecks.run("double")\n'
ALL = "### BEGIN SOLUTION\ndef double(x):\n    return x\n### END SOLUTION\n"
THIRD_HINT = '# %% [markdown] hint="double" rung=3\n'
HALF = "    try:\n        pass\n    ### BEGIN SOLUTION\n    finally:\n        return x\n    ### END SOLUTION\n"

# In a sound lesson the first text is replaced by the second. The problem must be reported at the line of the third,
# with the fourth in what it says and the fifth in how to mend it.
MARKERS = {
    "misspelt exercise": ("exercise=", "exercize=", "# %% exercize", "no marker `exercize`", "mean `exercise`"),
    "misspelt minutes": ("minutes=", "minute=", "# %% exercise", "no marker `minute`", "mean `minutes`"),
    "misspelt points": ("points=", "point=", "# %% check", "no marker `point`", "mean `points`"),
    "unknown marker": ("points=2", "points=2 colour=3", "# %% check", "no marker `colour`", "five markers"),
    "minutes missing": (" minutes=10", "", "# %% exercise", "`exercise` needs `minutes`", "five markers"),
    "points missing": (" points=2", "", "# %% check", "`check` needs `points`", "five markers"),
    "minutes and points": ("minutes=10", "minutes=10 points=2", "# %% ex", "`points` does not go", "five markers"),
    "no minutes": ("minutes=10", "minutes=0", "# %% exercise", "above 0; here it is 0", "`minutes=2`"),
    "negative points": ("points=2", "points=-2", "# %% check", "above 0; here it is -2", "`points=2`"),
    "points in quotes": ("points=2", 'points="2"', "# %% check", "above 0; here it is '2'", "without quotes"),
    "an id in capitals": ('exercise="double"', 'exercise="Double"', "# %% ex", "'Double' is not an", "snake_case"),
    "only for learners": ('only="solutions"', 'only="exercises"', "# %% [markdown] only", "`only` cannot", "solutions"),
    "a hint in code": ("# %% [markdown] hint", "# %% hint", "# %% hint", "cannot be marked `hint`", "five markers"),
}
EXERCISES = {
    "no title": ("# # 01 · Doubling", "# Doubling", "# Doubling", "does not begin with a title", "# # Title"),
    "a syntax error": ("import checks", "import", "from hookpoint import\n", "cannot read this code", "Mend"),
    "no check": (CHECK, "", "# %% exercise", "has no check", "points=2"),
    "no heading": ("## Exercise: `double` ★★", "Now `double`.", "# %% exercise", "no heading", "## Exercise: `ID`"),
    "no stars": (" ★★", "", "# ## Exercise", "heading of an exercise is not in our form", "stars"),
    "four stars": (" ★★", " ★★★★", "# ## Exercise", "heading of an exercise is not in our form", "one to three"),
    "a heading below": ("# ## Ex", "# First.\n# ## Ex", "# ## Ex", "heading of an exercise is not in", "first line"),
    "no hints": ('hint="double"', 'hint="treble"', "# %% [markdown] hint", "belongs to no exercise", "Add its answer"),
    "two rungs": (THIRD_HINT + "# The recipe.\n", "", "# %% [markdown] hint", "1, 2, 3; it has 1, 2.", "the plan"),
    "rungs out of order": ("rung=2", "rung=3", "# %% [markdown] hint", "it has 1, 3, 3", "question"),
    "a hint with an answer": ("# The recipe.", "# `return  sum([x, x])`", THIRD_HINT, "gives away", "in words"),
    "a check of two lines": ('run("double")', 'run("double")\nprint()', "checks.run", "one line", "exactly"),
    "a check of another": ('run("double")', 'run("treble")', "checks.run", "one line", 'run("double")`'),
    "a check of nothing": ('check="double"', 'check="doubel"', "# %% check", "belongs to no exercise", "mean `double`"),
}
REGIONS = {
    "no begin": ("    ### BEGIN SOLUTION\n", "", "    ### END", "closes nothing", "Put `### BEGIN SOLUTION`"),
    "no end": ("    ### END SOLUTION\n", "", "    ### BEGIN", "is not closed", "Put `### END SOLUTION`"),
    "no region": (REGION, "    return x\n", "def double", "no solution region", "around the solution"),
    "a region in a region": (REGION, REGION[:23] + REGION, REGION, "stands inside a region", "Close the first"),
    "a misspelt begin": ("### BEGIN SOLUTION", "## Begin solution", "    ## Begin", "not quite", "### BEGIN SOLUTION"),
    "a misspelt end": ("### END SOLUTION", "### END SOLUTON", "    ### END", "not quite", "### END SOLUTION"),
    "in setup": ("import checks", "import checks\n### END SOLUTION", "### END", "outside an answer cell", "exercise="),
    "in prose": ("# Why it matters.", "# ### END SOLUTION", "# ### END", "outside an answer cell", "exercise="),
    "nothing defined": ("def double(x):", "if True:", "if True:", "defines nothing", "signature of `double`"),
    "another name": ("def double(x):", "def twice(x):", "def twice", "defines `twice`; none", "the exercise `twice`"),
    "all in the region": (SIGNATURE + REGION, ALL, "### BEGIN", "defines nothing", "signature of `double`"),
    "half a statement": (REGION, HALF, "def double", "is no Python", "whole statements"),
}
BROKEN = MARKERS | EXERCISES | REGIONS


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(("old", "new", "place", "what", "mend"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_refused_at_its_line_with_a_way_to_mend_it(authored, tmp_path, old, new, place, what, mend):
    text = authored.LESSON.replace(old, new, 1)
    assert text != authored.LESSON

    with pytest.raises(AuthoringError) as refusal:
        read_lesson(authored.write(tmp_path, text))

    problems = refusal.value.problems
    found = [problem.line for problem in problems if what in problem.what and mend in problem.mend]
    assert found == [line_of(text, place)], problems
