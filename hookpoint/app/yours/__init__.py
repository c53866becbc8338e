"""The learner's own functions at work: which of them run, the process they run in, and the questions it answers.

`choice` and `client` belong to the app and know no torch; all else runs in the process that `serve` is, and no line of
the learner's is ever executed anywhere else.
"""

__all__: list[str] = []
