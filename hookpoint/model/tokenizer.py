"""Byte-level tokenizers as GPT-2 has them: text to ids, ids to text, and a stream of text to a stream of ids.

The ids that training gives (`train_bpe`) are: the 256 single bytes in byte order, the merges in the order learned, the
special strings in the order given. A `Tokenizer` takes any ids, so GPT-2's own vocabulary works too.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import regex

from .bpe import Pair, merge_word, pretokenize, special_pattern, split_special, train_bpe

__all__ = ["Tokenizer", "bytes_to_unicode", "pretokenize", "train_bpe"]

# Words repeat, so their ids are remembered; a limit, so that a stream without end needs no memory without end.
_REMEMBERED_WORDS = 100_000


class Tokenizer:
    """Text to ids and back.

    Args:
        vocab: What each id stands for.
        merges: The merges in the order in which they were learned.
        special: Strings that are one token where the caller allows it; each has its id in `vocab`.

    Raises:
        ValueError: A special string has no id.
    """

    def __init__(self, vocab: Mapping[int, bytes], merges: Sequence[Pair], special: Sequence[str] = ()) -> None:
        self.vocab = dict(vocab)
        self.merges = [tuple(pair) for pair in merges]
        self.special = tuple(special)
        self._ranks = {pair: rank for rank, pair in reversed(list(enumerate(self.merges)))}
        # A special string may spell the same bytes as an ordinary token; the last id is the special one's.
        last = {token: number for number, token in self.vocab.items()}
        missing = [each for each in self.special if each.encode() not in last]
        if missing:
            raise ValueError(f"Tokenizer: the special string {missing[0]!r} has no id in the vocabulary.")
        self.special_ids = {each: last[each.encode()] for each in self.special}
        taken = set(self.special_ids.values())
        self._ids = {token: number for number, token in reversed(list(self.vocab.items())) if number not in taken}
        self._known: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.vocab)

    def encode(self, text: str, allowed_special: Sequence[str] = ()) -> list[int]:
        """The ids of the text. A special string that is not allowed is text like any other.

        Raises:
            ValueError: An allowed string is not one of `special`.
        """
        ids: list[int] = []
        for piece, is_special in split_special(text, self._pattern(allowed_special)):
            ids += [self.special_ids[piece]] if is_special else self._encode_plain(piece)
        return ids

    def encode_stream(self, chunks: Iterable[str], allowed_special: Sequence[str] = ()) -> Iterator[int]:
        """The ids of the chunks' text, each as soon as no later chunk can change it.

        Chunks may end anywhere, also inside a word or a special string; the ids are those of the whole text.
        """
        pattern = self._pattern(allowed_special)
        rest = ""
        for chunk in chunks:
            rest += chunk
            settled = _settled_length(rest, pattern, allowed_special)
            yield from self.encode(rest[:settled], allowed_special)
            rest = rest[settled:]
        yield from self.encode(rest, allowed_special)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids; bytes that are no UTF-8 become U+FFFD.

        Raises:
            ValueError: An id is not in the vocabulary.
        """
        ids = [int(number) for number in ids]
        unknown = [number for number in ids if number not in self.vocab]
        if unknown:
            raise ValueError(f"decode: there is no token {unknown[0]}; the vocabulary has {len(self)} tokens.")
        return b"".join(self.vocab[number] for number in ids).decode("utf-8", errors="replace")

    def token_id(self, text: str) -> int:
        """The id of a text that is one token, such as " Mary".

        Raises:
            ValueError: The text is none or several tokens.
        """
        if text in self.special_ids:
            return self.special_ids[text]
        ids = self.encode(text)
        if len(ids) != 1:
            parts = [self.decode([number]) for number in ids]
            raise ValueError(f"token_id: {text!r} is not one token but {len(ids)}: {parts}.")
        return ids[0]

    def save(self, path: Path) -> None:
        """Writes special strings and merges as JSON, bytes in GPT-2's printable alphabet.

        Raises:
            ValueError: The ids are not in the order of `train_bpe`, so that the merges alone would not give them back.
        """
        if Tokenizer.from_merges(self.merges, self.special).vocab != self.vocab:
            raise ValueError("save: only a vocabulary of bytes, merges and special strings, in this order, is stored.")
        rows = [" ".join(_printable(part) for part in pair) for pair in self.merges]
        text = json.dumps({"special": self.special, "merges": rows}, ensure_ascii=False, indent=0)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """The tokenizer that `save` wrote."""
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
        byte = {letter: number for number, letter in bytes_to_unicode().items()}
        merges = [tuple(bytes(byte[letter] for letter in part) for part in row.split(" ")) for row in stored["merges"]]
        return cls.from_merges(merges, stored["special"])

    @classmethod
    def from_merges(cls, merges: Sequence[Pair], special: Sequence[str] = ()) -> "Tokenizer":
        """A tokenizer with the ids of `train_bpe`: bytes, merges, special strings."""
        tokens = [bytes([byte]) for byte in range(256)]
        tokens += [left + right for left, right in merges] + [each.encode() for each in special]
        return cls(dict(enumerate(tokens)), merges, special)

    def _encode_plain(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in pretokenize(text):
            known = self._known.get(word)
            if known is None:
                if len(self._known) >= _REMEMBERED_WORDS:
                    self._known.clear()
                known = [self._ids[part] for part in merge_word(word.encode(), self._ranks)]
                self._known[word] = known
            ids += known
        return ids

    def _pattern(self, allowed_special: Sequence[str]) -> regex.Pattern | None:
        unknown = [each for each in allowed_special if each not in self.special_ids]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a special string of this tokenizer; it has {list(self.special)}.")
        return special_pattern(allowed_special)


@cache
def bytes_to_unicode() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte: itself where it can be seen, else the next letter from U+0100 on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}


def _printable(token: bytes) -> str:
    return "".join(bytes_to_unicode()[byte] for byte in token)


def _settled_length(text: str, pattern: regex.Pattern | None, special: Sequence[str]) -> int:
    """How many characters at the start of the text keep their tokens, whatever follows.

    A special string may have begun at the end. Before that, the last word may go on, and so may the one before it:
    "'" and "l" become "'ll". Everything earlier is settled.
    """
    start = 0
    longest = max(map(len, special), default=0)
    while True:
        ends = range(max(start, len(text) - longest), len(text))
        open_from = next((at for at in ends if _begins_special(text[at:], special)), len(text))
        match = pattern.search(text, start) if pattern else None
        if match is None or match.start() >= open_from:
            break
        start = match.end()
    words = pretokenize(text[start:open_from])[:-2]
    # White space is cut in view of what follows it, so the settled text must not end in it.
    while words and words[-1].isspace():
        words.pop()
    return start + sum(map(len, words))


def _begins_special(text: str, special: Sequence[str]) -> bool:
    return any(len(text) < len(each) and each.startswith(text) for each in special)
