"""The sources of starter notebooks, in percent form: text to be copied into a notebook, and run there.

    2_13.py             the starter of problem 2.13 alone
    general/heads.py    the starter of every problem of the family "heads" that has none of its own

`hookpoint.problems.starter` makes notebooks of them; `hookpoint.problems.families` says which family a problem is of.
In a general source, `$id`, `$title` and `$summary` stand for the problem's own, and `$$` for a dollar.
"""

__all__: list[str] = []
