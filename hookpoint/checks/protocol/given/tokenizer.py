"""Vocabularies and tokenizers: made where they are used, for a vocabulary is too large to send with every call."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch

__all__ = ["TOOLS", "tables"]

Pair = tuple[bytes, bytes]


def tables(merges: Sequence[Pair], special: Sequence[str] = (), seed: int | None = None) -> tuple[dict, dict]:
    """The merges' ranks, and a vocabulary: bytes, merges, special strings.

    With a seed the ids of bytes and merges are shuffled, and so is the order in which the vocabulary lists them.
    """
    tokens = [bytes([byte]) for byte in range(256)] + [left + right for left, right in merges]
    order = range(len(tokens))
    if seed is not None:
        order = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(seed)).tolist()
    vocab = {id: tokens[at] for at, id in zip(reversed(range(len(tokens))), reversed(order), strict=True)}
    vocab |= {len(tokens) + at: text.encode() for at, text in enumerate(special)}
    return {pair: rank for rank, pair in enumerate(merges)}, vocab


def bpe_trained(train: Callable, cases: Sequence[tuple]) -> list[tuple]:
    """What training gives for each case, without the ids below 256 that stand for their own byte."""
    results = []
    for case in cases:
        vocab, merges = train(*case)
        rest = {id: token for id, token in vocab.items() if not (id in range(256) and token == bytes([id]))}
        results.append((len(vocab), rest, merges))
    return results


def words_encoded(encode: Callable, words: Sequence[bytes], merges: Sequence[Pair], seed: int | None) -> list:
    """What `encode(word, ranks, vocab)` gives for each word."""
    ranks, vocab = tables(merges, (), seed)
    return [encode(word, ranks, vocab) for word in words]


def made_tokenizer(cls: type, merges: Sequence[Pair], special: Sequence[str], seed: int | None) -> Any:
    """A tokenizer of this class."""
    return cls(tables(merges, special, seed)[1], list(merges), list(special))


def has_method(target: Any, name: str) -> bool:
    """Whether an object has a method of this name."""
    return callable(getattr(target, name, None))


class Lent:
    """An `encode` of ours in the place of an object's own; `asked` counts the characters it was given."""

    def __init__(self, merges: Sequence[Pair], special: Sequence[str], seed: int | None):
        from hookpoint.model.tokenizer import Tokenizer

        self.tokenizer = Tokenizer(tables(merges, special, seed)[1], merges, special)
        self.asked = 0

    def encode(self, text: str, allowed_special: Iterable[str] = ()) -> list[int]:
        self.asked += len(text)
        return self.tokenizer.encode(text, list(allowed_special))


def lend_encode(target: Any, merges: Sequence[Pair], special: Sequence[str], seed: int | None) -> Lent:
    """Puts an `encode` of ours on this one object, where it can be put."""
    lent = Lent(merges, special, seed)
    try:
        target.encode = lent.encode
    except AttributeError:  # its class has slots: it keeps its own
        lent.asked = 0
    return lent


def characters_asked(lent: Lent) -> int:
    """How many characters a lent `encode` was given."""
    return lent.asked


def texts_encoded(target: Any, cases: Sequence[tuple]) -> list:
    """What `encode` gives for each case of arguments."""
    return [target.encode(*case) for case in cases]


def chunks_encoded(target: Any, cases: Sequence[tuple], most: int) -> list:
    """The ids, at most so many, that `encode_stream` gives for each case of arguments; None if it gives no iterator."""
    streams = (target.encode_stream(*case) for case in cases)
    return [list(islice(stream, most)) if isinstance(stream, Iterator) else None for stream in streams]


def first_items(iterator: Iterator, count: int) -> list:
    """The next items of an iterator, at most this many."""
    return list(islice(iterator, count))


TOOLS = (
    bpe_trained, words_encoded, made_tokenizer, has_method, lend_encode, characters_asked, texts_encoded,
    chunks_encoded, first_items,
)  # fmt: skip
