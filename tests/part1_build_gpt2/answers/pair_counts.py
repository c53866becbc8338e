# %% right="zip and a defaultdict turned into a Counter"
from collections import Counter, defaultdict


def pair_counts(words):
    out = defaultdict(int)
    for w, n in words.items():
        for pair in zip(w, w[1:]):
            out[pair] += n
    return Counter(out)


# %% right="sum of counters"
from collections import Counter
from itertools import pairwise


def pair_counts(words):
    total = Counter()
    for word, freq in words.items():
        here = Counter(pairwise(word))
        for pair in here:
            here[pair] *= freq
        total.update(here)
    return total


# %% right="index loop, plain dict get"
from collections import Counter


def pair_counts(words):
    counts = Counter()
    for word in words:
        i = 0
        while i + 1 < len(word):
            counts[(word[i], word[i + 1])] = counts.get((word[i], word[i + 1]), 0) + words[word]
            i += 1
    return counts


# %% right="elements of a generator"
import collections
import itertools


def pair_counts(words):
    return collections.Counter(
        itertools.chain.from_iterable(
            itertools.repeat(pair, n) for w, n in words.items() for pair in zip(w[:-1], w[1:])
        )
    )


# %% wrong="counts kept between calls"
from collections import Counter

COUNTS = Counter()


def pair_counts(words):
    for word, n in words.items():
        for pair in zip(word, word[1:]):
            COUNTS[pair] += n
    return COUNTS


# %% wrong="default argument shared between calls"
from collections import Counter


def pair_counts(words, counts=Counter()):
    for word, n in words.items():
        for pair in zip(word, word[1:]):
            counts[pair] += n
    return counts


# %% wrong="pairs as lists in a list"
def pair_counts(words):
    out = []
    for word, n in words.items():
        for a, b in zip(word, word[1:]):
            out.append([a, b, n])
    return out


# %% wrong="update with the word, which counts symbols"
from collections import Counter


def pair_counts(words):
    counts = Counter()
    for word, n in words.items():
        counts.update({pair: n for pair in zip(word, word[1:])})
    return counts


# %% wrong="skips a pair that has just been counted"
from collections import Counter


def pair_counts(words):
    counts = Counter()
    for word, n in words.items():
        last = None
        for pair in zip(word, word[1:]):
            if pair == last:
                last = None
                continue
            counts[pair] += n
            last = pair
    return counts


# %% wrong="drops pairs that occur once"
from collections import Counter


def pair_counts(words):
    counts = Counter()
    for word, n in words.items():
        for pair in zip(word, word[1:]):
            counts[pair] += n
    return Counter({p: c for p, c in counts.items() if c > 1})


# %% wrong="empties the words it is given"
from collections import Counter


def pair_counts(words):
    counts = Counter()
    while words:
        word, n = words.popitem()
        for pair in zip(word, word[1:]):
            counts[pair] += n
    return counts


# %% wrong="only adjacent pairs of different symbols"
from collections import Counter


def pair_counts(words):
    counts = Counter()
    for word, n in words.items():
        for a, b in zip(word, word[1:]):
            if a != b:
                counts[a, b] += n
    return counts
