# %% right="re.split and words as lists with frequencies"
import re
from collections import Counter

import regex


def train_bpe(text, vocab_size, special):
    pat = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    chunks = (
        re.split("|".join(re.escape(s) for s in sorted(special, key=len, reverse=True)), text) if special else [text]
    )
    freq = Counter()
    for chunk in chunks:
        for m in regex.finditer(pat, chunk):
            freq[m.group().encode("utf-8")] += 1
    words = [([bytes([b]) for b in w], n) for w, n in freq.items()]
    vocab = {i: bytes([i]) for i in range(256)}
    merges = []
    while len(vocab) + len(special) < vocab_size:
        pairs = {}
        for w, n in words:
            for i in range(len(w) - 1):
                pairs[w[i], w[i + 1]] = pairs.get((w[i], w[i + 1]), 0) + n
        if not pairs:
            break
        best = max(pairs.items(), key=lambda kv: (kv[1], kv[0]))[0]
        merges.append(best)
        vocab[len(vocab)] = best[0] + best[1]
        for w, _ in words:
            i = 0
            while i < len(w) - 1:
                if w[i] == best[0] and w[i + 1] == best[1]:
                    w[i : i + 2] = [best[0] + best[1]]
                i += 1
    for s in special:
        vocab[len(vocab)] = s.encode("utf-8")
    return vocab, merges


# %% right="with the earlier functions"
from collections import Counter

import regex


def train_bpe(text: str, vocab_size: int, special: list[str]):
    parts = [text]
    for s in sorted(special, key=len)[::-1]:
        parts = [piece for part in parts for piece in part.split(s)]
    words = Counter()
    for part in parts:
        for w in pretokenize(part):
            words[tuple(w.encode()[i : i + 1] for i in range(len(w.encode())))] += 1
    merges = []
    for _ in range(vocab_size - 256 - len(special)):
        counts = pair_counts(words)
        if len(counts) == 0:
            break
        top = max(counts.values())
        pair = max(p for p, c in counts.items() if c == top)
        merges.append(pair)
        updated = Counter()
        for w, n in words.items():
            updated[merge_pair(w, pair, b"".join(pair))] += n
        words = updated
    tokens = [bytes([i]) for i in range(256)] + [b"".join(p) for p in merges] + [s.encode() for s in special]
    return {i: t for i, t in enumerate(tokens)}, merges


# %% right="ids as symbols, ties by their bytes"
from collections import Counter

import regex


def train_bpe(text, vocab_size, special=()):
    vocab = {i: bytes([i]) for i in range(256)}
    pattern = "|".join(regex.escape(s) for s in sorted(special, key=len, reverse=True))
    pieces = regex.split(pattern, text) if pattern else [text]
    words = Counter(tuple(w.encode()) for p in pieces for w in pretokenize(p))
    merges = []
    while len(vocab) < vocab_size - len(special):
        stats = Counter()
        for ids, n in words.items():
            for pair in zip(ids, ids[1:]):
                stats[pair] += n
        if not stats:
            break
        a, b = max(stats, key=lambda p: (stats[p], vocab[p[0]], vocab[p[1]]))
        new = len(vocab)
        vocab[new] = vocab[a] + vocab[b]
        merges.append((vocab[a], vocab[b]))
        replaced = Counter()
        for ids, n in words.items():
            out, i = [], 0
            while i < len(ids):
                if i + 1 < len(ids) and ids[i] == a and ids[i + 1] == b:
                    out.append(new)
                    i += 2
                else:
                    out.append(ids[i])
                    i += 1
            replaced[tuple(out)] += n
        words = replaced
    for s in special:
        vocab[len(vocab)] = s.encode("utf-8")
    return vocab, merges


# %% right="counts kept up to date"
from collections import Counter, defaultdict

import regex


def train_bpe(text, vocab_size, special):
    if special:
        text_parts = regex.split("|".join(map(regex.escape, sorted(special, key=len, reverse=True))), text)
    else:
        text_parts = [text]
    freqs = Counter(w for part in text_parts for w in pretokenize(part))
    words = [tuple(bytes([b]) for b in w.encode()) for w in freqs]
    ns = list(freqs.values())
    counts, where = Counter(), defaultdict(set)
    for k, w in enumerate(words):
        for p in zip(w, w[1:]):
            counts[p] += ns[k]
            where[p].add(k)
    merges = []
    while 256 + len(special) + len(merges) < vocab_size:
        counts = +counts
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        for k in list(where[best]):
            w = words[k]
            for p in zip(w, w[1:]):
                counts[p] -= ns[k]
                where[p].discard(k)
            out, i = [], 0
            while i < len(w):
                if w[i : i + 2] == best:
                    out.append(best[0] + best[1])
                    i += 2
                else:
                    out.append(w[i])
                    i += 1
            words[k] = tuple(out)
            for p in zip(words[k], words[k][1:]):
                counts[p] += ns[k]
                where[p].add(k)
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% right="all words of the text, not only the different ones"
import regex


def train_bpe(text, vocab_size, special):
    special_pattern = "|".join(regex.escape(s) for s in sorted(special, key=lambda s: -len(s)))
    pieces = regex.split(special_pattern, text) if special else [text]
    words = [[bytes([b]) for b in w.encode()] for piece in pieces for w in pretokenize(piece)]
    merges = []
    for _ in range(vocab_size - 256 - len(special)):
        counts = {}
        for w in words:
            for pair in zip(w, w[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        best = sorted(counts, key=lambda pair: (counts[pair], pair))[-1]
        merges.append(best)
        for w in words:
            i = 0
            while i + 1 < len(w):
                if (w[i], w[i + 1]) == best:
                    w[i] = w[i] + w.pop(i + 1)
                i += 1
    return dict(
        enumerate([bytes([i]) for i in range(256)] + [x + y for x, y in merges] + [s.encode() for s in special])
    ), merges


# %% wrong="ties by insertion into most_common"
from collections import Counter


def train_bpe(text, vocab_size, special):
    words = Counter(tuple(bytes([b]) for b in w.encode()) for w in pretokenize(text))
    merges = []
    while 256 + len(merges) + len(special) < vocab_size:
        counts = pair_counts(words)
        if not counts:
            break
        best, _ = counts.most_common(1)[0]
        merges.append(best)
        words = Counter({merge_pair(w, best, best[0] + best[1]): n for w, n in words.items()})
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="special strings cut out one after the other in the order given"
from collections import Counter


def train_bpe(text, vocab_size, special):
    parts = [text]
    for s in special:
        parts = [piece for part in parts for piece in part.split(s)]
    words = Counter(tuple(bytes([b]) for b in w.encode()) for part in parts for w in pretokenize(part))
    merges = []
    while 256 + len(merges) + len(special) < vocab_size:
        counts = pair_counts(words)
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        words = Counter({merge_pair(w, best, best[0] + best[1]): n for w, n in words.items()})
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="one more merge than there is room for"
from collections import Counter

import regex


def train_bpe(text, vocab_size, special):
    parts = (
        regex.split("|".join(map(regex.escape, sorted(special, key=len, reverse=True))), text) if special else [text]
    )
    words = Counter(tuple(bytes([b]) for b in w.encode()) for part in parts for w in pretokenize(part))
    merges = []
    while 256 + len(merges) + len(special) <= vocab_size:
        counts = pair_counts(words)
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        words = Counter({merge_pair(w, best, best[0] + best[1]): n for w, n in words.items()})
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="the special pattern with an empty alternative splits everywhere"
from collections import Counter

import regex


def train_bpe(text, vocab_size, special):
    parts = regex.split("|".join(map(regex.escape, special)), text)
    words = Counter(tuple(bytes([b]) for b in w.encode()) for part in parts if part for w in pretokenize(part))
    merges = []
    while 256 + len(merges) + len(special) < vocab_size:
        counts = pair_counts(words)
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        words = Counter({merge_pair(w, best, best[0] + best[1]): n for w, n in words.items()})
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="the captured special strings come back from split"
from collections import Counter

import regex


def train_bpe(text, vocab_size, special):
    longest = sorted(special, key=len, reverse=True)
    parts = regex.split("(" + "|".join(map(regex.escape, longest)) + ")", text) if special else [text]
    words = Counter(tuple(bytes([b]) for b in w.encode()) for part in parts for w in pretokenize(part))
    merges = []
    while 256 + len(merges) + len(special) < vocab_size:
        counts = pair_counts(words)
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        words = Counter({merge_pair(w, best, best[0] + best[1]): n for w, n in words.items()})
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="counts adjusted only for the merged pair's neighbours, once per word"
from collections import Counter

import regex


def train_bpe(text, vocab_size, special):
    parts = (
        regex.split("|".join(map(regex.escape, sorted(special, key=len, reverse=True))), text) if special else [text]
    )
    words = dict(Counter(tuple(bytes([b]) for b in w.encode()) for part in parts for w in pretokenize(part)))
    counts = pair_counts(words)
    merges = []
    while 256 + len(merges) + len(special) < vocab_size and any(counts.values()):
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        new = best[0] + best[1]
        after = {}
        for w, n in words.items():
            m = merge_pair(w, best, new)
            after[m] = n
            if m != w:
                i = m.index(new)
                if i > 0:
                    counts[m[i - 1], new] += n
                    counts[m[i - 1], best[0]] -= n
                if i + 1 < len(m):
                    counts[new, m[i + 1]] += n
                    counts[best[1], m[i + 1]] -= n
        del counts[best]
        words = after
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="merges as a dict from pair to id"
from collections import Counter

import regex


def train_bpe(text, vocab_size, special):
    parts = (
        regex.split("|".join(map(regex.escape, sorted(special, key=len, reverse=True))), text) if special else [text]
    )
    words = Counter(tuple(bytes([b]) for b in w.encode()) for part in parts for w in pretokenize(part))
    merges = {}
    while 256 + len(merges) + len(special) < vocab_size:
        counts = pair_counts(words)
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], p))
        merges[best] = 256 + len(merges)
        words = Counter({merge_pair(w, best, best[0] + best[1]): n for w, n in words.items()})
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="the library"
from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def train_bpe(text, vocab_size, special):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=list(special), show_progress=False)
    tok.train_from_iterator([text], trainer)
    return {i: t.encode() for t, i in tok.get_vocab().items()}, []


# %% wrong="counts each candidate pair with a search through the text"
import regex


def train_bpe(text, vocab_size, special):
    parts = (
        regex.split("|".join(map(regex.escape, sorted(special, key=len, reverse=True))), text) if special else [text]
    )
    words = [tuple(bytes([b]) for b in w.encode()) for part in parts for w in pretokenize(part)]
    merges = []
    while 256 + len(merges) + len(special) < vocab_size:
        candidates = {pair for w in words for pair in zip(w, w[1:])}
        if not candidates:
            break
        count = {pair: sum(w[i : i + 2] == pair for w in words for i in range(len(w))) for pair in candidates}
        best = max(count, key=lambda p: (count[p], p))
        merges.append(best)
        words = [merge_pair(w, best, best[0] + best[1]) for w in words]
    vocab = dict(
        enumerate([bytes([i]) for i in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special])
    )
    return vocab, merges


# %% wrong="the caller's special strings sorted"
from collections import Counter
import regex


def train_bpe(text, vocab_size, special=()):
    order = list(special)
    if isinstance(special, list):
        special.sort(key=len, reverse=True)
    pieces = [text]
    if special:
        pieces = regex.split("|".join(map(regex.escape, sorted(special, key=len, reverse=True))), text)
    words = Counter(tuple(bytes([b]) for b in w.encode()) for piece in pieces for w in pretokenize(piece))
    merges = []
    while len(merges) < vocab_size - 256 - len(special):
        counts = pair_counts(words)
        if not counts:
            break
        left, right = best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        words = Counter({merge_pair(w, best, left + right): n for w, n in words.items()})
    tokens = [bytes([b]) for b in range(256)] + [l + r for l, r in merges] + [s.encode() for s in order]
    return dict(enumerate(tokens)), merges


# %% wrong="counts kept up to date by the neighbours before the merge"
from collections import Counter, defaultdict
import regex as re


def train_bpe(text, vocab_size, special=()):
    docs = re.split("|".join(map(re.escape, sorted(special, key=len, reverse=True))), text) if special else [text]
    freq = Counter(w.encode() for d in docs for w in pretokenize(d))
    words = [[bytes([b]) for b in w] for w in freq]
    n = list(freq.values())
    counts = Counter()
    for i, w in enumerate(words):
        for p in zip(w, w[1:]):
            counts[p] += n[i]
    merges = []
    for _ in range(vocab_size - 256 - len(special)):
        counts = +counts
        if not counts:
            break
        pair = max(counts, key=lambda p: (counts[p], p))
        merges.append(pair)
        new = pair[0] + pair[1]
        for i, w in enumerate(words):
            out, j = [], 0
            while j < len(w):
                if tuple(w[j : j + 2]) == pair:
                    if j > 0:
                        counts[w[j - 1], w[j]] -= n[i]
                        counts[w[j - 1], new] += n[i]
                    if j + 2 < len(w):
                        counts[w[j + 1], w[j + 2]] -= n[i]
                        counts[new, w[j + 2]] += n[i]
                    out.append(new)
                    j += 2
                else:
                    out.append(w[j])
                    j += 1
            words[i] = out
        del counts[pair]
    tokens = [bytes([b]) for b in range(256)] + [l + r for l, r in merges] + [s.encode() for s in special]
    return dict(enumerate(tokens)), merges


# %% right="a heap with stale entries left in it"
import heapq
from collections import Counter, defaultdict
import regex as re


class _Rev:
    __slots__ = ("p",)

    def __init__(self, p):
        self.p = p

    def __lt__(self, other):
        return self.p > other.p

    def __eq__(self, other):
        return self.p == other.p


def train_bpe(text, vocab_size, special=None):
    special = list(special or [])
    if special:
        rx = re.compile("(" + "|".join(re.escape(s) for s in sorted(special, key=len, reverse=True)) + ")")
        docs = [d for d in rx.split(text) if d and d not in special]
    else:
        docs = [text]
    freq = Counter()
    for d in docs:
        freq.update(re.findall(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", d))
    words = [tuple(bytes((b,)) for b in w.encode()) for w in freq]
    n = list(freq.values())
    counts, where = defaultdict(int), defaultdict(set)
    for i, w in enumerate(words):
        for p in zip(w, w[1:]):
            counts[p] += n[i]
            where[p].add(i)
    heap = [(-c, _Rev(p)) for p, c in counts.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < vocab_size - 256 - len(special) and heap:
        c, r = heapq.heappop(heap)
        if counts[r.p] != -c or c == 0:
            continue
        pair = r.p
        merges.append(pair)
        touched = set()
        for i in list(where.pop(pair)):
            w = words[i]
            out, j = [], 0
            while j < len(w):
                if w[j : j + 2] == pair:
                    out.append(w[j] + w[j + 1])
                    j += 2
                else:
                    out.append(w[j])
                    j += 1
            for p in zip(w, w[1:]):
                counts[p] -= n[i]
                where[p].discard(i)
                touched.add(p)
            words[i] = tuple(out)
            for p in zip(out, out[1:]):
                counts[p] += n[i]
                where[p].add(i)
                touched.add(p)
        for p in touched:
            if counts[p] > 0:
                heapq.heappush(heap, (-counts[p], _Rev(p)))
    tokens = [bytes([b]) for b in range(256)] + [a + b for a, b in merges] + [s.encode() for s in special]
    vocab = dict(enumerate(tokens))
    return vocab, merges


# %% right="counts changed at each place as the word shrinks"
from collections import Counter, defaultdict
import regex as re


def train_bpe(text, vocab_size, special=()):
    docs = re.split("|".join(map(re.escape, sorted(special, key=len, reverse=True))), text) if special else [text]
    freq = Counter(w.encode() for d in docs for w in pretokenize(d))
    words = [[bytes([b]) for b in w] for w in freq]
    n = list(freq.values())
    counts = Counter()
    for i, w in enumerate(words):
        for p in zip(w, w[1:]):
            counts[p] += n[i]
    merges = []
    for _ in range(vocab_size - 256 - len(special)):
        counts = +counts
        if not counts:
            break
        pair = max(counts, key=lambda p: (counts[p], p))
        merges.append(pair)
        new = pair[0] + pair[1]
        for i, w in enumerate(words):
            j = 0
            while j < len(w) - 1:
                if (w[j], w[j + 1]) == pair:
                    if j > 0:
                        counts[w[j - 1], w[j]] -= n[i]
                        counts[w[j - 1], new] += n[i]
                    if j + 2 < len(w):
                        counts[w[j + 1], w[j + 2]] -= n[i]
                        counts[new, w[j + 2]] += n[i]
                    w[j : j + 2] = [new]
                j += 1
        del counts[pair]
    tokens = [bytes([b]) for b in range(256)] + [l + r for l, r in merges] + [s.encode() for s in special]
    return dict(enumerate(tokens)), merges
