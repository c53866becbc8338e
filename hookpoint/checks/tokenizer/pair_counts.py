"""Checks for `pair_counts` (part 1, notebook 01)."""

from collections import Counter
from itertools import chain

from hookpoint.checks.author import Exercise, Slip, same

A, B, C, AB, BC = b"a", b"b", b"c", b"ab", b"bc"
LETTERS = (A, B, C, AB, BC, b"\xff", b"aa")


def reference(words):
    """Every place of every copy of every word, one after the other."""
    return Counter(
        (word[at], word[at + 1]) for word, count in words.items() for _ in range(count) for at in range(len(word) - 1)
    )


def example(draw, size=9):
    """Words in which pairs repeat, with frequencies that are no two alike."""
    rows = [tuple(LETTERS[at] for at in draw.ids(len(LETTERS), draw.number(1, 8)).tolist()) for _ in range(size)]
    return {word: 2 + 3 * number for number, word in enumerate(rows)}


def by_hand(learner, draw):
    """A pair counts once for each place in a word, times the word's frequency."""
    same(learner.pair_counts({(A, B, C): 2, (A, B): 3, (C, A): 5}), {(A, B): 5, (B, C): 2, (C, A): 5})
    same(learner.pair_counts({(A, B, A, B): 7}), {(A, B): 14, (B, A): 7})
    same(learner.pair_counts({(B, A): 1, (A, B): 4}), {(B, A): 1, (A, B): 4})


def overlapping(learner, draw):
    """(a, a, a) holds the pair (a, a) twice."""
    same(learner.pair_counts({(A, A, A, B, A, B): 3, (A,): 1}), {(A, A): 6, (A, B): 6, (B, A): 3})
    same(learner.pair_counts({(A, A, A, A, B): 1, (A, A): 2}), {(A, A): 5, (A, B): 1})


def inside_words(learner, draw):
    """A pair lies within one word: a word of one symbol has none, and no words have none."""
    same(learner.pair_counts({(A,): 4, (B,): 2}), {})
    same(learner.pair_counts({(A, B): 3, (C,): 9, (B, C): 1}), {(A, B): 3, (B, C): 1})
    same(learner.pair_counts({}), {})


def symbols(learner, draw):
    """Symbols of several bytes stay whole: (ab, c) and (a, bc) are two pairs."""
    same(learner.pair_counts({(AB, C): 3, (A, B, C): 1, (A, BC): 4}), {(AB, C): 3, (A, BC): 4, (A, B): 1, (B, C): 1})


def many(learner, draw):
    """The counts are right for any words, which stay as they are."""
    for _ in range(3):
        words = example(draw)
        same(learner.pair_counts(words), reference(words))


def pairs(word):
    return list(zip(word, word[1:], strict=False))


def types_only(words):
    return Counter(pair for word in words for pair in pairs(word))


def across_words(words):
    return Counter(pairs(list(chain.from_iterable(word * count for word, count in words.items()))))


def words_in_a_row(words):
    counts = types_only({}) + reference(words)
    rows = list(words.items())
    for (one, count), (other, _) in zip(rows, rows[1:], strict=False):
        counts[one[-1], other[0]] += count
    return counts


def once_a_word(words):
    return Counter({pair: 0 for word in words for pair in pairs(word)}) + sum(
        (Counter(dict.fromkeys(pairs(word), count)) for word, count in words.items()), Counter()
    )


def overwritten(words):
    counts = Counter()
    for word, count in words.items():
        for pair in pairs(word):
            counts[pair] = count
    return counts


def no_overlap(words):
    counts = Counter()
    for word, count in words.items():
        at = 0
        while at < len(word) - 1:
            counts[word[at], word[at + 1]] += count
            at += 2 if word[at : at + 3] == (word[at],) * 3 else 1
    return counts


def every_second(words):
    return Counter(
        (word[at], word[at + 1])
        for word, count in words.items()
        for _ in range(count)
        for at in range(0, len(word) - 1, 2)
    )


def last_pair_missing(words):
    return reference({word[:-1]: count for word, count in words.items()} if len(words) == 1 else shortened(words))


def shortened(words):
    counts = Counter()
    for word, count in words.items():
        counts[word[:-1]] += count
    return counts


def without_order(words):
    counts = Counter()
    for pair, count in reference(words).items():
        counts[tuple(sorted(pair))] += count
    return counts


def joined_keys(words):
    counts = Counter()
    for pair, count in reference(words).items():
        counts[b"".join(pair)] += count
    return counts


def cut_to_bytes(words):
    counts = Counter()
    for word, count in words.items():
        whole = b"".join(word)
        for at in range(len(whole) - 1):
            counts[whole[at : at + 1], whole[at + 1 : at + 2]] += count
    return counts


def single_symbols(words):
    counts = Counter()
    for word, count in words.items():
        for symbol in word:
            counts[symbol] += count
    return counts


def with_itself(words):
    counts = reference(words)
    for word, count in words.items():
        if len(word) == 1:
            counts[word[0], word[0]] += count
    return counts


def wrapped_round(words):
    counts = reference(words)
    for word, count in words.items():
        if len(word) > 1:
            counts[word[-1], word[0]] += count
    return counts


def all_pairs(words):
    counts = Counter()
    for word, count in words.items():
        for at in range(len(word)):
            for later in range(at + 1, len(word)):
                counts[word[at], word[later]] += count
    return counts


def sorted_list(words):
    return reference(words).most_common()


EXERCISE = Exercise(
    "pair_counts",
    checks=(by_hand, overlapping, inside_words, symbols, many),
    reference=reference,
    gives=dict,
    forbids=("tokenizers",),
    slips=(
        Slip("each different word counts once, whatever its frequency", types_only),
        Slip("all words are laid end to end, so pairs form across their borders", across_words),
        Slip("the last symbol of a word makes a pair with the first of the next", words_in_a_row),
        Slip("a pair counts once in a word, even if it stands there twice", once_a_word),
        Slip("a count is overwritten by the next word with this pair, and not added to", overwritten),
        Slip("of overlapping pairs only every second one counts, as if they were merged already", no_overlap),
        Slip("the loop goes on by two, so every second pair is left out", every_second),
        Slip("the last pair of each word is left out", last_pair_missing),
        Slip("(a, b) and (b, a) count as one pair", without_order),
        Slip("the keys are the two symbols joined, and not a tuple", joined_keys),
        Slip("the symbols are joined and cut into single bytes again", cut_to_bytes),
        Slip("symbols are counted, not pairs", single_symbols),
        Slip("a word of one symbol counts as a pair of that symbol with itself", with_itself),
        Slip("the last symbol makes a pair with the first of the same word", wrapped_round),
        Slip("any two symbols of a word count, not only neighbours", all_pairs),
        Slip("the result is a sorted list (most_common), and not the counter", sorted_list),
    ),
)
