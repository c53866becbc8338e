"""Byte-pair encoding: what a word is, which pairs of bytes are merged, and how merges apply to one word.

Text is cut into words by GPT-2's pattern; each word is UTF-8 bytes; training joins the most frequent pair of
neighbours again and again (Sennrich et al. 2016), never across words. Encoding repeats those merges in the order in
which they were learned (Radford et al. 2019, section 2.2).
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

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


def merge_pair(word: Word, pair: Pair, new: bytes | None = None) -> Word:
    """The word with `new` in place of every occurrence of the pair, from the left: (a, a, a) becomes (aa, a).

    Symbols may be anything, such as ids, where `new` says what they become; without it the two are joined.
    """
    new = pair[0] + pair[1] if new is None else new
    merged: list[bytes] = []
    at = 0
    while at < len(word):
        if word[at : at + 2] == pair:
            merged.append(new)
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
    plain = [piece for piece, is_special in split_special(text, special_pattern(special)) if not is_special]
    return Counter(word for piece in plain for word in pretokenize(piece))


def merge_word(word: bytes, ranks: Mapping[Pair, int]) -> Word:
    """The tokens of one word: of the pairs present, the one that was learned first is merged, until none is left."""
    parts = tuple(bytes([byte]) for byte in word)
    while len(parts) > 1:
        first = min(zip(parts, parts[1:], strict=False), key=lambda pair: ranks.get(pair, len(ranks)))
        if first not in ranks:
            break
        parts = merge_pair(parts, first)
    return parts


def encode_word(word: bytes, ranks: Mapping[Pair, int], vocab: Mapping[int, bytes]) -> list[int]:
    """The ids of one word, given each merge's rank (0 was learned first) and what each id stands for."""
    # Turned round from the end, so that of two ids with the same bytes the first one counts.
    ids = {token: number for number, token in reversed(list(vocab.items()))}
    return [ids[part] for part in merge_word(word, ranks)]


def special_pattern(special: Sequence[str]) -> regex.Pattern | None:
    """Matches any of the strings; a pattern takes its first alternative that fits, so the longest stand first."""
    longest_first = sorted(special, key=len, reverse=True)
    return regex.compile("|".join(map(regex.escape, longest_first))) if special else None


def split_special(text: str, pattern: regex.Pattern | None) -> Iterator[tuple[str, bool]]:
    """The text in pieces, with whether each is a special string."""
    at = 0
    for match in pattern.finditer(text) if pattern else ():
        if match.start() > at:
            yield text[at : match.start()], False
        yield match.group(), True
        at = match.end()
    if at < len(text):
        yield text[at:], False
