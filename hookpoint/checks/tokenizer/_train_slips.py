"""Wrong ways to train a byte-pair vocabulary."""

from collections import Counter

from hookpoint.checks.author import Slip

from . import _oracle as oracle
from ._training import counted_words, finished, laid_out, reference, rounds_of, run

__all__ = ["SLIPS"]


def first_seen(text, vocab_size, special):
    return finished(text, vocab_size, special, lambda counts: max(counts, key=counts.get))


def smaller_pair(text, vocab_size, special):
    return finished(text, vocab_size, special, lambda counts: min(counts, key=lambda pair: (-counts[pair], pair)))


def joined_ties(text, vocab_size, special):
    return finished(
        text, vocab_size, special, lambda counts: max(counts, key=lambda pair: (counts[pair], pair[0] + pair[1]))
    )


def printable_ties(text, vocab_size, special):
    from .bytes_to_unicode import reference as table

    letters = table()

    def shown(pair):
        return tuple("".join(letters[byte] for byte in part) for part in pair)

    return finished(text, vocab_size, special, lambda counts: max(counts, key=lambda pair: (counts[pair], shown(pair))))


def longer_first(text, vocab_size, special):
    def choose(counts):
        return max(counts, key=lambda pair: (counts[pair], len(b"".join(pair)), pair))

    return finished(text, vocab_size, special, choose)


def ids_compared(text, vocab_size, special):
    """Ties by ids: a merged symbol has a larger id than any byte."""
    number = {bytes([byte]): byte for byte in range(256)}

    def choose(counts):
        best = max(counts, key=lambda pair: (counts[pair], number[pair[0]], number[pair[1]]))
        number.setdefault(b"".join(best), len(number))
        return best

    return finished(text, vocab_size, special, choose)


def second_part_first(text, vocab_size, special):
    return finished(text, vocab_size, special, lambda counts: max(counts, key=lambda pair: (counts[pair], pair[::-1])))


def rarest_first(text, vocab_size, special):
    return finished(text, vocab_size, special, lambda counts: min(counts, key=lambda pair: (counts[pair], pair)))


def never_updated(text, vocab_size, special):
    counts = oracle.counted(counted_words(text, special))
    order = sorted(counts, key=lambda pair: (counts[pair], pair), reverse=True)
    return laid_out(order[: rounds_of(vocab_size, special)], special)


def only_added(text, vocab_size, special):
    """Counts of new pairs are added, those of pairs that a merge has broken up are not taken away."""
    words = counted_words(text, special)
    counts, merges = oracle.counted(words), []
    while counts and len(merges) < rounds_of(vocab_size, special):
        merges.append(max(counts, key=lambda pair: (counts[pair], pair)))
        del counts[merges[-1]]
        words = oracle.rewritten(words, merges[-1])
        for pair, count in oracle.counted(words).items():
            counts.setdefault(pair, count)
    return laid_out(merges, special)


def once_per_word(text, vocab_size, special):
    words = dict.fromkeys(counted_words(text, special), 1)
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def rewritten_lose_counts(text, vocab_size, special):
    """Words that have become equal overwrite each other: here, after a merge each word counts once."""
    words, merges = counted_words(text, special), []
    while (counts := oracle.counted(words)) and len(merges) < rounds_of(vocab_size, special):
        merges.append(max(counts, key=lambda pair: (counts[pair], pair)))
        words = dict.fromkeys((oracle.merged(word, merges[-1]) for word in words), 1)
    return laid_out(merges, special)


def first_in_word(text, vocab_size, special):
    def merge(word, pair):
        at = next((at for at in range(len(word) - 1) if word[at : at + 2] == pair), None)
        return word if at is None else (*word[:at], pair[0] + pair[1], *word[at + 2 :])

    return finished(text, vocab_size, special, merge=merge)


def special_ignored(text, vocab_size, special):
    return laid_out(run(counted_words(text, ()), rounds_of(vocab_size, special)), special)


def special_deleted(text, vocab_size, special):
    for each in sorted(special, key=len, reverse=True):
        text = text.replace(each, "")
    return laid_out(run(counted_words(text, ()), rounds_of(vocab_size, special)), special)


def special_to_space(text, vocab_size, special):
    for each in sorted(special, key=len, reverse=True):
        text = text.replace(each, " ")
    return laid_out(run(counted_words(text, ()), rounds_of(vocab_size, special)), special)


def special_counted(text, vocab_size, special):
    found = oracle.pieces(text, special)
    words = Counter(oracle.single_bytes(w.encode()) for piece, _ in found for w in oracle.words(piece))
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def first_fit(text, special):
    """Split at whichever special string is listed first, as a pattern in the order given would."""
    found, plain, at = [], "", 0
    while at < len(text):
        begun = next((each for each in special if text.startswith(each, at)), "")
        found += [(plain, False), (begun, True)] if begun else []
        plain = "" if begun else plain + text[at]
        at += len(begun) or 1
    return [*found, (plain, False)]


def shortest_wins(text, vocab_size, special):
    words = counted_words(text, special, lambda text, special: first_fit(text, sorted(special, key=len)))
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def not_escaped(text, vocab_size, special):
    import re

    pattern = "|".join(sorted(special, key=len, reverse=True))
    plain = re.split(f"(?:{pattern})", text) if special else [text]
    words = Counter(oracle.single_bytes(w.encode()) for piece in plain for w in oracle.words(piece))
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def special_first(text, vocab_size, special):
    merges = oracle.learned(text, rounds_of(vocab_size, special), special)
    tokens = [each.encode() for each in special] + [bytes([b]) for b in range(256)] + [a + b for a, b in merges]
    return dict(enumerate(tokens)), merges


def special_before_merges(text, vocab_size, special):
    merges = oracle.learned(text, rounds_of(vocab_size, special), special)
    tokens = [bytes([b]) for b in range(256)] + [each.encode() for each in special] + [a + b for a, b in merges]
    return dict(enumerate(tokens)), merges


def special_sorted(text, vocab_size, special):
    return laid_out(oracle.learned(text, rounds_of(vocab_size, special), special), sorted(special))


def special_missing(text, vocab_size, special):
    return laid_out(oracle.learned(text, rounds_of(vocab_size, special), special))


def special_on_top(text, vocab_size, special):
    return laid_out(oracle.learned(text, vocab_size - 256, special), special)


def bytes_on_top(text, vocab_size, special):
    return laid_out(oracle.learned(text, vocab_size, special), special)


def one_too_few(text, vocab_size, special):
    return laid_out(oracle.learned(text, max(rounds_of(vocab_size, special) - 1, 0), special), special)


def ids_from_one(text, vocab_size, special):
    vocab, merges = reference(text, vocab_size, special)
    return {id + 1: token for id, token in vocab.items()}, merges


def only_seen_bytes(text, vocab_size, special):
    merges = oracle.learned(text, rounds_of(vocab_size, special), special)
    seen = sorted({bytes([byte]) for byte in text.encode()})
    return dict(enumerate(seen + [a + b for a, b in merges] + [s.encode() for s in special])), merges


def gap_before_special(text, vocab_size, special):
    vocab, merges = laid_out(oracle.learned(text, rounds_of(vocab_size, special), special))
    return vocab | {vocab_size - len(special) + at: each.encode() for at, each in enumerate(special)}, merges


def turned_round(text, vocab_size, special):
    vocab, merges = reference(text, vocab_size, special)
    return {token: id for id, token in vocab.items()}, merges


def no_single_pairs(text, vocab_size, special):
    return finished(text, vocab_size, special, fewest=2)


def one_long_word(text, vocab_size, special):
    words = counted_words(text, special, cut=lambda piece: [piece])
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def split_at_spaces(text, vocab_size, special):
    words = counted_words(text, special, cut=str.split)
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def characters(text, vocab_size, special):
    plain = [piece for piece, is_special in oracle.pieces(text, special) if not is_special]
    words = Counter(tuple(char.encode() for char in w) for piece in plain for w in oracle.words(piece))
    return laid_out(run(words, rounds_of(vocab_size, special)), special)


def joined_merges(text, vocab_size, special):
    vocab, merges = reference(text, vocab_size, special)
    return vocab, [left + right for left, right in merges]


def no_pairs_no_maximum(text, vocab_size, special):
    words, merges = counted_words(text, special), []
    for _ in range(rounds_of(vocab_size, special)):
        counts = oracle.counted(words)
        if not counts:
            raise ValueError
        merges.append(max(counts, key=lambda pair: (counts[pair], pair)))
        words = oracle.rewritten(words, merges[-1])
    return laid_out(merges, special)


SLIPS = (
    Slip("of equally frequent pairs the one that was seen first is merged", first_seen),
    Slip("of equally frequent pairs the smaller one is merged", smaller_pair),
    Slip("ties are broken by the bytes that the pair joins to, not by the pair", joined_ties),
    Slip("ties are broken in GPT-2's printable alphabet, where the space is a large letter", printable_ties),
    Slip("ties go to the longer token", longer_first),
    Slip("ties are broken by ids, where every merged symbol is larger than any byte", ids_compared),
    Slip("ties look at the second symbol of the pair first", second_part_first),
    Slip("the rarest pair is merged first", rarest_first),
    Slip("pairs are counted once at the start and never again: counts go stale after a merge", never_updated),
    Slip("counts of new pairs are added, but those of the pairs that a merge broke up stay", only_added),
    Slip("each different word counts once, whatever its frequency", once_per_word),
    Slip("the frequencies get lost when words are rewritten after a merge", rewritten_lose_counts),
    Slip("a merge changes only the first occurrence in each word", first_in_word),
    Slip("special strings are counted and merged like any text", special_ignored),
    Slip("special strings are deleted, so that their neighbours touch", special_deleted),
    Slip("special strings are replaced by a space, which then belongs to a word", special_to_space),
    Slip("special strings split the text, but then count as words themselves", special_counted),
    Slip("of overlapping special strings the shortest wins", shortest_wins),
    Slip("the special strings are used as patterns: re.escape is missing", not_escaped),
    Slip("the special strings get the first ids", special_first),
    Slip("the special strings get the ids right after the bytes, before the merges", special_before_merges),
    Slip("the special strings are sorted", special_sorted),
    Slip("the special strings are not in the vocabulary", special_missing),
    Slip("vocab_size does not count the special strings", special_on_top),
    Slip("vocab_size is taken for the number of merges", bytes_on_top),
    Slip("training stops one merge too early", one_too_few),
    Slip("ids start at 1", ids_from_one),
    Slip("only bytes that the text holds are in the vocabulary", only_seen_bytes),
    Slip(
        "the special strings stand at the end of a full vocabulary, with a gap if training stopped early",
        gap_before_special,
    ),
    Slip("the vocabulary goes from bytes to ids", turned_round),
    Slip("training stops when every pair occurs only once", no_single_pairs),
    Slip("the text is not cut into words, so merges cross their borders", one_long_word),
    Slip("words come from split(), which loses the space before them", split_at_spaces),
    Slip("training starts from characters and not from bytes", characters),
    Slip("the merges are the joined tokens, and not the pairs", joined_merges),
    Slip("the largest of no counts is asked for when no pair is left", no_pairs_no_maximum),
)
