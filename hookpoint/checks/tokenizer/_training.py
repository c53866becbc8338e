"""Byte-pair training by its definition, and with single parts exchanged."""

from collections import Counter

from . import _oracle as oracle

__all__ = ["counted_words", "finished", "laid_out", "recounted", "reference", "rounds_of", "run"]


def reference(text, vocab_size, special):
    """Everything counted anew for every merge."""
    return laid_out(oracle.learned(text, rounds_of(vocab_size, special), special), special)


def laid_out(merges, special=()):
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [left + right for left, right in merges] + [each.encode() for each in special]
    return dict(enumerate(tokens)), merges


def recounted(text, rounds, special=()):
    """The plain way, which is fast enough: different words with their frequency, all pairs counted every round."""
    return run(counted_words(text, special), rounds)


def run(words, rounds, choose=None, merge=oracle.merged, fewest=1):
    """Training with parts exchanged: how a pair is chosen, how it is merged, when it is too rare."""
    choose = choose or (lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))
    merges = []
    while len(merges) < rounds:
        counts = oracle.counted(words)
        if not counts or max(counts.values()) < fewest:
            break
        merges.append(choose(counts))
        after = Counter()
        for word, count in words.items():
            after[merge(word, merges[-1])] += count
        words = after
    return merges


def counted_words(text, special, split=oracle.pieces, cut=oracle.words):
    plain = [piece for piece, is_special in split(text, special) if not is_special]
    return Counter(oracle.single_bytes(w.encode()) for piece in plain for w in cut(piece))


def finished(text, vocab_size, special, choose=None, **parts):
    words = counted_words(text, special)
    return laid_out(run(words, rounds_of(vocab_size, special), choose, **parts), special)


def rounds_of(vocab_size, special):
    return vocab_size - 256 - len(special)
