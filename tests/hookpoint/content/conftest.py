"""What the tests of the author's side share: a small course as its author writes it, text that a test can break."""

from pathlib import Path
from types import SimpleNamespace

import pytest

PART = "part1_build_gpt2"

SETUP = """
# %%
from hookpoint import checks
"""


def title(text: str = "01 · Doubling") -> str:
    return f"# %% [markdown]\n# # {text}\n# What it is about.\n"


def exercise(id: str = "double", solution: str = "return sum([x, x])") -> str:
    """One exercise with all that belongs to it; its answer is a function of one argument."""
    return f'''
# %% [markdown]
# ## Exercise: `{id}` ★★
# Why it matters.

# %% [markdown] hint="{id}" rung=1
# A question?

# %% [markdown] hint="{id}" rung=2
# The plan.

# %% [markdown] hint="{id}" rung=3
# The recipe.

# %% exercise="{id}" minutes=10
def {id}(x):
    """What it gives back."""
    ### BEGIN SOLUTION
    {solution}
    ### END SOLUTION

# %% check="{id}" points=2
checks.run("{id}")
'''


EXPLANATION = """
# %% [markdown] only="solutions"
# Why the answer is right.
"""

LESSON = title() + SETUP + exercise() + EXPLANATION


def write(root: Path, text: str = LESSON, name: str = "01_doubling", part: str = PART) -> Path:
    """The path of a source with this text, written where the builder looks for it."""
    path = root / "solutions" / part / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@pytest.fixture
def authored() -> SimpleNamespace:
    """The texts above and the functions that make more of them."""
    return SimpleNamespace(
        PART=PART, SETUP=SETUP, EXPLANATION=EXPLANATION, LESSON=LESSON, title=title, exercise=exercise, write=write
    )
