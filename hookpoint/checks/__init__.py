"""Checks: one text that runs in the notebook cell, under pytest, under nbgrader and in the event grader.

A check holds the inputs, the reference and the comparison. It reaches the learner's code only through a `Learner`
handle: call this name with these values, give me values back. This module has what notebooks and graders use; check
modules are written in the words of `hookpoint.checks.author`.
"""

from .exercise import Verdict
from .judge import PUBLIC_SEED, judge
from .protocol.in_process import InProcess
from .run import run

__all__ = ["PUBLIC_SEED", "InProcess", "Verdict", "judge", "run"]
