"""The wall between a check and the learner's code, and the two objects that talk over it.

`Desk` stands with the check, `Bench` with the learner's code. Plain values are copied over the wall; functions,
iterators, modules and objects stay where they are and are reached by calling back. Only the function that carries a
`Parcel` differs between a notebook (a call, `in_process`) and a grader (a framed socket, `wire`), so both give the
same verdicts.
"""

__all__: list[str] = []
