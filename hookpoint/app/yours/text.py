"""Text to tokens and back by the learner's tokenizer where it runs, and tokens as they are shown."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from .guard import Broke
from .parts import Parts
from .sources import Source

__all__ = ["Prompt", "Text", "spelled"]

SHOWN = 60  # words whose merges are shown
LEARNED = 10
NAMED = {" ": "·", "\n": "↵", "\t": "⇥", "\r": "␍"}


@dataclass(frozen=True)
class Prompt:
    """A text as the model gets it: the last `n_ctx` of its tokens, and how many came before those."""

    ids: list[int]
    dropped: int


class Text:
    """The tokenizer of a source, with the parts that are the learner's."""

    def __init__(self, parts: Parts, source: Source):
        self.parts, self.source, self.ours = parts, source, source.tokenizer
        self.special = set(self.ours.special_ids.values())
        self.ranks = {pair: rank for rank, pair in enumerate(self.ours.merges)}

    def prompt(self, text: str) -> Prompt:
        """The tokens of the text behind the opening mark."""
        mark, _ = self.source.opening
        ids = [*mark, *(self.encode(self.opened(text)) if text else [])]
        n_ctx = self.source.cfg.n_ctx
        return Prompt(ids[-n_ctx:], max(0, len(ids) - n_ctx))

    def opened(self, text: str) -> str:
        """The text with the space that stands before every text in training."""
        return self.source.opening[1] + text

    def encode(self, text: str) -> list[int]:
        """By their `encode` where it runs, else by their way with each word."""
        if theirs := self._method("encode"):
            return [int(id) for id in theirs(text)]
        ids: list[int] = []
        for word in self.parts["pretokenize"](text):
            ids += self.parts["encode_word"](word.encode(), self.ranks, self.ours.vocab)
        return [int(id) for id in ids]

    def decode(self, ids: list[int]) -> str:
        return (self._method("decode") or self.ours.decode)(ids)

    def _method(self, name: str) -> Callable | None:
        """A method of the learner's `Tokenizer`, bound to one with this vocabulary."""
        space = self.parts.space(name)
        if space is None:
            return None
        try:
            theirs = space["Tokenizer"](self.ours.vocab, self.ours.merges, list(self.ours.special))
        except Exception as error:
            raise Broke(name, f"its Tokenizer could not be made: {type(error).__name__}: {error}") from None
        function = self.parts.theirs.get(name)
        return functools.partial(function, theirs) if function else getattr(theirs, name)

    def shown(self, ids: list[int]) -> list[dict]:
        """Each token as a picture needs it: its id, how it is spelled, its bytes, whether it is a special string."""
        return [
            {
                "id": id,
                "text": spelled(self.ours.vocab.get(id, b"?")),
                "bytes": self.ours.vocab.get(id, b"").hex(" "),
                "special": id in self.special,
            }
            for id in ids
        ]

    def merging(self, text: str) -> list[dict]:
        """The first words of the text as single bytes, and again after each merge that touches one of them.

        The pair that was learned first is merged first, everywhere at once: so does each word for itself.
        """
        words = [tuple(bytes([byte]) for byte in word.encode()) for word in self.words(text)[:SHOWN]]
        steps = [_step(words, None, None)]
        while True:
            present = {pair for word in words for pair in zip(word, word[1:], strict=False) if pair in self.ranks}
            if not present:
                return steps
            pair = min(present, key=self.ranks.__getitem__)
            words = [tuple(self.parts["merge_pair"](word, pair, pair[0] + pair[1])) for word in words]
            steps.append(_step(words, pair, self.ranks[pair]))
            if len(steps) > len(self.ranks) + 1:
                raise Broke("merge_pair", "it does not merge the pair it is given")

    def words(self, text: str) -> list[str]:
        return list(self.parts["pretokenize"](text))

    def learned(self, text: str) -> list[list[str]]:
        """The first merges that training on this text alone would learn."""
        _, merges = self.parts["train_bpe"](text, 256 + LEARNED, [])
        return [[spelled(left), spelled(right)] for left, right in merges]


def _step(words: list[tuple[bytes, ...]], pair: tuple[bytes, bytes] | None, rank: int | None) -> dict:
    new = pair and pair[0] + pair[1]
    return {
        "words": [[{"text": spelled(part), "new": part == new} for part in word] for word in words],
        "pair": [spelled(part) for part in pair] if pair else None,
        "rank": rank,
    }


def spelled(token: bytes) -> str:
    r"""A token's bytes so that nothing is invisible.

    >>> spelled(b" the"), spelled(b"\n"), spelled(b"\xc3")
    ('·the', '↵', '\\xc3')
    """
    try:
        text = token.decode()
    except UnicodeDecodeError:
        text = token.decode("ascii", errors="backslashreplace")
    return "".join(NAMED.get(c, c if c.isprintable() else c.encode("unicode_escape").decode()) for c in text)
