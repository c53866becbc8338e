"""The median onset of the known runs, for every run"""

from statistics import median


def forecast(known, runs):
    return [median(run["onset"] for run in known)] * len(runs)
