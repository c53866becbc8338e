"""The rehearsal: a whole event with simulated teams, whose verdicts are known beforehand.

`answers` says what the teams write, `parts` puts notebooks together, `contest` is the challenge that some of them try,
`crowd` is the teams at their laptops, `stage` the event server that they use, `play` the acts in order, `findings` what
must be true at the end.
"""

__all__: list[str] = []
