"""Byte-level byte-pair encoding as GPT-2 does it: training, encoding, decoding, and encoding of a stream.

Text is cut into words by GPT-2's pattern (`pretokenize`); each word is UTF-8 bytes; training joins the most frequent
pair of neighbours again and again (Sennrich et al. 2016), never across words. Encoding repeats those merges in the
order in which they were learned (Radford et al. 2019, section 2.2).

Ids made here are: the 256 single bytes in byte order, the merges in the order learned, the special strings in the order
given. A `Tokenizer` takes any ids, so GPT-2's own vocabulary works too.
"""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import regex

Pair = tuple[bytes, bytes]
Word = tuple[bytes, ...]

# GPT-2's own pattern. A space belongs to the word that follows it, so " the" is one word; English contractions are
# split off in lower case only; \s+(?!\S) leaves the last space of a run to the next word.
_WORDS = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def pretokenize(text: str) -> list[str]:
    """The words that merges stay inside; joined, they are the text."""
    return _WORDS.findall(text)


def pair_counts(words: Mapping[Word, int]) -> Counter[Pair]:
    """How often each pair of neighbours occurs in words with these frequencies; (a, a, a) counts (a, a) twice."""
    counts: Counter[Pair] = Counter()
    for word, count in words.items():
        for pair in zip(word, word[1:], strict=False):
            counts[pair] += count
    return counts


def merge_pair(word: Word, pair: Pair) -> Word:
    """The word with every occurrence of the pair joined, from the left: (a, a, a) becomes (aa, a)."""
    merged: list[bytes] = []
    at = 0
    while at < len(word):
        if word[at : at + 2] == pair:
            merged.append(pair[0] + pair[1])
            at += 2
        else:
            merged.append(word[at])
            at += 1
    return tuple(merged)


def train_bpe(
    text: str | Mapping[str, int], vocab_size: int, special: Sequence[str] = ()
) -> tuple[dict[int, bytes], list[Pair]]:
    """The vocabulary and the merges that byte-pair encoding learns.

    The most frequent pair is merged first; of equally frequent ones the lexicographically greatest pair of bytes. It
    stops when the vocabulary is full or every word has become one token.

    Args:
        text: The training text, or how often each of its words occurs (words as `pretokenize` gives them).
        vocab_size: Number of ids, with the 256 bytes and the special strings.
        special: Strings that split the text before anything else (the longest match wins) and get the last ids.

    Raises:
        ValueError: `vocab_size` has no room for the bytes and the special strings.
    """
    room = vocab_size - 256 - len(special)
    if room < 0:
        raise ValueError(
            f"train_bpe: vocab_size is {vocab_size}, but 256 bytes and {len(special)} special strings "
            f"need {256 + len(special)}."
        )
    merges = _Merger(_word_counts(text, special)).run(room)
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [left + right for left, right in merges] + [each.encode() for each in special]
    return dict(enumerate(tokens)), merges


class _Merger:
    """Words as they are merged, with pair counts that follow each merge instead of being counted anew.

    A merge changes only the words that hold its pair, so only their pairs are recounted. The heap keeps outdated
    entries; one is current if its count is the pair's present count.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.words = [tuple(bytes([byte]) for byte in word.encode()) for word in counts]
        self.word_counts = list(counts.values())
        self.pairs: Counter[Pair] = Counter()
        self.holders: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(self.words)):
            self._count(index, +1)
        self.heap = [_heap_entry(pair, count) for pair, count in self.pairs.items()]
        heapq.heapify(self.heap)

    def run(self, at_most: int) -> list[Pair]:
        merges: list[Pair] = []
        while len(merges) < at_most and self.heap:
            negative_count, _, pair = heapq.heappop(self.heap)
            if self.pairs[pair] == -negative_count > 0:
                self._merge(pair)
                merges.append(pair)
        return merges

    def _merge(self, pair: Pair) -> None:
        changed: set[Pair] = set()
        for index in list(self.holders[pair]):
            changed |= self._count(index, -1)
            self.words[index] = merge_pair(self.words[index], pair)
            changed |= self._count(index, +1)
        for each in changed:
            heapq.heappush(self.heap, _heap_entry(each, self.pairs[each]))

    def _count(self, index: int, sign: int) -> set[Pair]:
        """Adds one word's pairs to the counts, or takes them away; gives back which pairs those were."""
        pairs = pair_counts({self.words[index]: self.word_counts[index]})
        for pair, count in pairs.items():
            self.pairs[pair] += sign * count
            (self.holders[pair].add if sign > 0 else self.holders[pair].discard)(index)
        return set(pairs)


def _heap_entry(pair: Pair, count: int) -> tuple:
    """An entry that sorts as training chooses: larger counts first, then greater pairs.

    The heap gives the smallest entry, so each byte is turned round; the 256 at the end puts a string after its own
    continuations, which are the greater ones.
    """
    return -count, tuple((*(255 - byte for byte in part), 256) for part in pair), pair


def _word_counts(text: str | Mapping[str, int], special: Sequence[str]) -> Mapping[str, int]:
    if not isinstance(text, str):
        return text
    plain = [piece for piece, is_special in _split(text, _special_pattern(special)) if not is_special]
    return Counter(word for piece in plain for word in pretokenize(piece))


def encode_word(word: bytes, ranks: Mapping[Pair, int], ids: Mapping[bytes, int]) -> list[int]:
    """The ids of one word: of the pairs present, the one that was learned first is merged, until none is left."""
    parts = tuple(bytes([byte]) for byte in word)
    while len(parts) > 1:
        first = min(zip(parts, parts[1:], strict=False), key=lambda pair: ranks.get(pair, len(ranks)))
        if first not in ranks:
            break
        parts = merge_pair(parts, first)
    return [ids[part] for part in parts]


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
        self._ids = {token: number for number, token in reversed(self.vocab.items()) if number not in taken}
        self._known: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.vocab)

    def encode(self, text: str, allowed_special: Sequence[str] = ()) -> list[int]:
        """The ids of the text. A special string that is not allowed is text like any other.

        Raises:
            ValueError: An allowed string is not one of `special`.
        """
        ids: list[int] = []
        for piece, is_special in _split(text, self._pattern(allowed_special)):
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
                known = self._known[word] = encode_word(word.encode(), self._ranks, self._ids)
            ids += known
        return ids

    def _pattern(self, allowed_special: Sequence[str]) -> "regex.Pattern | None":
        unknown = [each for each in allowed_special if each not in self.special_ids]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a special string of this tokenizer; it has {list(self.special)}.")
        return _special_pattern(allowed_special)


@cache
def bytes_to_unicode() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte: itself where it can be seen, else the next letter from U+0100 on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}


def _printable(token: bytes) -> str:
    return "".join(bytes_to_unicode()[byte] for byte in token)


def _special_pattern(special: Sequence[str]) -> "regex.Pattern | None":
    """Matches any of the strings; a pattern takes its first alternative that fits, so the longest stand first."""
    longest_first = sorted(special, key=len, reverse=True)
    return regex.compile("|".join(map(regex.escape, longest_first))) if special else None


def _split(text: str, pattern: "regex.Pattern | None") -> Iterator[tuple[str, bool]]:
    """The text in pieces, with whether each is a special string."""
    at = 0
    for match in pattern.finditer(text) if pattern else ():
        if match.start() > at:
            yield text[at : match.start()], False
        yield match.group(), True
        at = match.end()
    if at < len(text):
        yield text[at:], False


def _settled_length(text: str, pattern: "regex.Pattern | None", special: Sequence[str]) -> int:
    """How many characters at the start of the text keep their tokens, whatever follows.

    A special string may have begun at the end. Before that, the last word may go on, and so may the one before it:
    "'" and "l" become "'ll". Everything earlier is settled.
    """
    start = 0
    while True:
        open_from = next((at for at in range(start, len(text)) if _begins_special(text[at:], special)), len(text))
        match = pattern.search(text, start) if pattern else None
        if match is None or match.start() >= open_from:
            break
        start = match.end()
    words = pretokenize(text[start:open_from])
    return start + sum(map(len, words[:-2]))


def _begins_special(text: str, special: Sequence[str]) -> bool:
    return any(len(text) < len(each) and each.startswith(text) for each in special)
