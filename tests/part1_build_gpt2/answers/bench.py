# %% right="sorted middle"
import time


def bench(functions, repeats, clock=time.process_time):
    for f in functions.values():
        f()
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name in functions:
            before = clock()
            functions[name]()
            after = clock()
            times[name].append(after - before)
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


# %% right="torch's median, rounds in turning order"
import time
import torch


def bench(functions, repeats, clock=time.process_time):
    names = list(functions)
    [functions[name]() for name in names]
    rows = []
    for number in range(repeats):
        row = {}
        for name in names if number % 2 == 0 else reversed(names):
            start = clock()
            functions[name]()
            row[name] = clock() - start
        rows.append([row[name] for name in names])
    middle = torch.tensor(rows, dtype=torch.float64).median(dim=0).values
    return dict(zip(names, middle.tolist()))


# %% right="warm-up as round zero"
import statistics
import time
from collections import defaultdict


def bench(functions, repeats, clock=time.process_time):
    taken = defaultdict(list)
    for number in range(repeats + 1):
        for name, function in functions.items():
            started = clock()
            function()
            ended = clock()
            if number > 0:
                taken[name].append(ended - started)
    return {name: statistics.median(values) for name, values in taken.items()}


# %% right="numpy's median"
import time
import numpy as np


def bench(functions, repeats, clock=time.process_time):
    for function in functions.values():
        function()
    table = np.zeros((repeats, len(functions)))
    for row in range(repeats):
        for column, function in enumerate(functions.values()):
            t0 = clock()
            function()
            table[row, column] = clock() - t0
    return {name: float(value) for name, value in zip(functions, np.median(table, axis=0))}


# %% wrong="wall clock"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    for function in functions.values():
        function()
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


# %% wrong="all repeats in one measurement"
import time


def bench(functions, repeats, clock=time.process_time):
    result = {}
    for name, function in functions.items():
        function()
        started = clock()
        for _ in range(repeats):
            function()
        result[name] = (clock() - started) / repeats
    return result


# %% wrong="one round too few"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    for function in functions.values():
        function()
    taken = {name: [] for name in functions}
    for _ in range(1, max(repeats, 2)):
        for name, function in functions.items():
            started = clock()
            function()
            taken[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


# %% wrong="only the first function is warmed up"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    next(iter(functions.values()))()
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            started = clock()
            function()
            taken[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


# %% wrong="seconds since the start"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    for function in functions.values():
        function()
    started = clock()
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            function()
            taken[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


# %% wrong="a list of medians"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    for function in functions.values():
        function()
    taken = [[] for _ in functions]
    for _ in range(repeats):
        for place, function in zip(taken, functions.values()):
            started = clock()
            function()
            place.append(clock() - started)
    return [statistics.median(values) for values in taken]


# %% wrong="warm-up before every round"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            function()
            started = clock()
            function()
            taken[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


# %% right="upper middle of an even number"
import time


def bench(functions, repeats, clock=time.process_time):
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            times[name].append(clock() - start)
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


# %% wrong="equal times counted once"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    times = {name: set() for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            times[name].add(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


# %% wrong="rounded to milliseconds"
import statistics
import time


def bench(functions, repeats, clock=time.process_time):
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            times[name].append(clock() - start)
    return {name: round(statistics.median(values), 3) for name, values in times.items()}


# %% wrong="wall clock by default"
import statistics
import time


def bench(functions, repeats, clock=time.perf_counter):
    for f in functions.values():
        f()
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, f in functions.items():
            start = clock()
            f()
            taken[name].append(clock() - start)
    return {name: statistics.median(t) for name, t in taken.items()}


# %% right="class with call"
import statistics
import time


class Watch:
    def __init__(self, clock):
        self.clock = clock

    def __enter__(self):
        self.start = self.clock()
        return self

    def __exit__(self, *error):
        self.seconds = self.clock() - self.start


def bench(functions, repeats, clock=time.process_time, *, warm=1):
    for f in functions.values():
        for _ in range(warm):
            f()
    rounds = []
    for _ in range(repeats):
        row = []
        for f in functions.values():
            with Watch(clock) as watch:
                f()
            row.append(watch.seconds)
        rounds.append(row)
    return {name: statistics.median(column) for name, column in zip(functions, zip(*rounds))}
