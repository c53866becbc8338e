"""Checks for `bench` (part 1, notebook 08b)."""

import statistics
import time

from hookpoint.checks.author import Exercise, Mismatch, Slip, same

# What the calls of each function take on the fake clock, the first of them to warm up. No two ways of summing them up
# give the same number.
SECONDS = {"first": [90.0, 1.0, 8.0, 2.0, 9.0, 4.0, 30.0], "second": [50.0, 7.0, 3.0, 16.0, 5.0, 1.5, 40.0]}
REPEATS = 5
WAIT = 0.03  # seconds


def reference(functions, repeats, clock=time.process_time):
    """Names the arguments in messages."""


class Stage:
    """Functions that take time on a clock of their own, and a log of who was called."""

    def __init__(self, seconds):
        self.now, self.log, self.readings = 100.0, [], 0
        self.functions = {name: self.acting(name, list(durations)) for name, durations in seconds.items()}

    def acting(self, name, durations):
        def act():
            self.log.append(name)
            self.now += durations[min(self.log.count(name), len(durations)) - 1]

        return act

    def clock(self):
        self.readings += 1
        return self.now


def run(learner, repeats=REPEATS, seconds=SECONDS):
    stage = Stage(seconds)
    got = learner.bench(stage.functions, repeats, clock=stage.clock)
    if not stage.readings:
        raise Mismatch("does not read the clock that it is given.", "  Call clock() before and after.", got=got)
    return stage, got


def medians(learner, draw):
    """Each function's number is the median of its timed calls; the first call of each, to warm up, is not timed."""
    _, got = run(learner)
    same(got, {name: statistics.median(durations[1 : REPEATS + 1]) for name, durations in SECONDS.items()})
    _, got = run(learner, 1)
    same(got, {name: durations[1] for name, durations in SECONDS.items()}, "for one repeat")


def rounds(learner, draw):
    """All functions take turns: every round times each of them once, after one call of each to warm up."""
    stage, _ = run(learner)
    count = len(SECONDS)
    if len(stage.log) != count * (REPEATS + 1):
        line = f"  Expected {count} functions times 1 + {REPEATS}: {count * (REPEATS + 1)} calls."
        raise Mismatch(f"calls functions {len(stage.log)} times.", line)
    if len(set(stage.log[:count])) < count:
        line = f"  The order was {', '.join(stage.log[:8])}, ..."
        raise Mismatch("calls one function a second time before every one has been called once, to warm up.", line)
    for start in range(0, len(stage.log), count):
        if len(set(stage.log[start : start + count])) < count:
            line = f"  The order was {', '.join(stage.log[:8])}, ..."
            raise Mismatch("calls one function several times before the other has its turn.", line)


def three(learner, draw):
    """Any number of functions will do, also one."""
    for count in (1, 3):
        seconds = {f"f{at}": [99.0, *(float(draw.number(1, 50)) for _ in range(3))] for at in range(count)}
        _, got = run(learner, 3, seconds)
        same(got, {name: statistics.median(durations[1:]) for name, durations in seconds.items()}, f"of {count}")


def middle(learner, draw):
    """Equal times count each, short times are not rounded; of an even number, one of the middle two or between them."""
    _, got = run(learner, 5, {"short": [9e-2, 4e-4, 7e-4, 4e-4, 4e-4, 9e-4]})
    same(got, {"short": 4e-4}, "of times of which three are equal")
    _, got = run(learner, 4, {"even": [90.0, 1.0, 8.0, 2.0, 9.0]})
    if not 2 - 1e-4 <= float(got["even"]) <= 8 + 1e-4:
        raise Mismatch(f"returned {got['even']} for times of 1, 8, 2 and 9 seconds, expected 2 to 8.", got=got)


def real_clock(learner, draw):
    """Without a clock it is CPU time that is measured, in seconds."""
    calls = []
    got = learner.bench({"nothing": lambda: calls.append(1)}, 3)
    same(sorted(got), ["nothing"], "as keys")
    if not 0 <= float(got["nothing"]) < 1:
        raise Mismatch(f"returned {got['nothing']} for a function that does next to nothing.", got=got)
    got = learner.bench({"waits": lambda: time.sleep(WAIT)}, 1)
    if float(got["waits"]) > 0.7 * WAIT:
        line = "  time.process_time does not count it; time.perf_counter and time.time do."
        raise Mismatch(f"counts the {WAIT} s for which a function only waits.", line, got=got)


def timed(functions, repeats, clock, warm=1, sum_up=statistics.median, by_rounds=True):
    for _ in range(warm):
        for function in functions.values():
            function()
    seconds = {name: [] for name in functions}
    turns = (
        [name for _ in range(repeats) for name in functions]
        if by_rounds
        else [name for name in functions for _ in range(repeats)]
    )
    for name in turns:
        started = clock()
        functions[name]()
        seconds[name].append(clock() - started)
    return {name: sum_up(taken) for name, taken in seconds.items()}


def mean(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=statistics.mean)


def best(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=min)


def total(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=sum)


def unsorted_middle(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=lambda taken: taken[len(taken) // 2])


def last_one(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=lambda taken: taken[-1])


def cold(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, warm=0)


def warm_up_counts(functions, repeats, clock=time.process_time):
    return timed(functions, repeats + 1, clock, warm=0)


def one_after_the_other(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, by_rounds=False)


def started_with_round(functions, repeats, clock=time.process_time):
    """The clock is read once per round, so that later functions carry the time of those before them."""
    seconds = {name: [] for name in functions}
    for _ in range(repeats + 1):
        started = clock()
        for name, function in functions.items():
            function()
            seconds[name].append(clock() - started)
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


def ratios(functions, repeats, clock=time.process_time):
    taken = timed(functions, repeats, clock)
    slowest = max(taken.values()) or 1.0
    return {name: value / slowest for name, value in taken.items()}


def milliseconds(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=lambda taken: 1e3 * statistics.median(taken))


def all_of_them(functions, repeats, clock=time.process_time):
    return timed(functions, repeats, clock, sum_up=list)


EXERCISE = Exercise(
    "bench",
    checks=(medians, rounds, three, middle, real_clock),
    reference=reference,
    gives=dict,
    slips=(
        Slip("the mean is taken instead of the median", mean),
        Slip("the shortest time is taken instead of the median", best),
        Slip("the times are added up", total),
        Slip("the middle call's time is taken, without sorting the times", unsorted_middle),
        Slip("the last call's time is taken", last_one),
        Slip("nothing is warmed up: the first call counts", cold),
        Slip("the call that warms up counts too", warm_up_counts),
        Slip("one function gets all its calls before the next one has its turn", one_after_the_other),
        Slip("the clock is read once per round, so a function carries the time of those before it", started_with_round),
        Slip("these are shares of the slowest, not seconds", ratios),
        Slip("these are milliseconds", milliseconds),
        Slip("all times come back instead of their median", all_of_them),
    ),
)
