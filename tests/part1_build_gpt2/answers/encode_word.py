# %% right="merges in the order learned"
def encode_word(b, ranks, vocab):
    parts = tuple(b[i : i + 1] for i in range(len(b)))
    for pair in sorted(ranks, key=lambda p: ranks[p]):
        parts = merge_pair(parts, pair, pair[0] + pair[1])
    back = {v: k for k, v in vocab.items()}
    return [back[p] for p in parts]


# %% right="lowest rank with infinity, a list changed in place"
def encode_word(b, ranks, vocab):
    inverse = {token: i for i, token in vocab.items()}
    parts = [bytes([x]) for x in b]
    while len(parts) >= 2:
        best = min(zip(parts, parts[1:]), key=lambda p: ranks.get(p, float("inf")))
        if best not in ranks:
            break
        i = 0
        while i < len(parts) - 1:
            if (parts[i], parts[i + 1]) == best:
                parts[i : i + 2] = [best[0] + best[1]]
            i += 1
    return [inverse[p] for p in parts]


# %% right="one place at a time, leftmost of the lowest rank"
def encode_word(b: bytes, ranks: dict, vocab: dict) -> list:
    ids = {bytes(token): int(i) for i, token in vocab.items()}
    parts = [bytes((x,)) for x in b]
    while True:
        found = [(ranks[p], i) for i, p in enumerate(zip(parts, parts[1:])) if p in ranks]
        if not found:
            return [ids[p] for p in parts]
        _, i = min(found)
        parts = parts[:i] + [parts[i] + parts[i + 1]] + parts[i + 2 :]


# %% right="a heap over a linked list"
import heapq


def encode_word(b, ranks, vocab):
    token = {i: bytes([x]) for i, x in enumerate(b)}
    after = {i: i + 1 for i in range(len(b))}
    before = {i: i - 1 for i in range(len(b))}
    heap = []

    def push(i):
        j = after.get(i)
        if i in token and j in token and (token[i], token[j]) in ranks:
            heapq.heappush(heap, (ranks[token[i], token[j]], i, token[i], token[j]))

    for i in range(len(b)):
        push(i)
    while heap:
        _, i, left, right = heapq.heappop(heap)
        j = after.get(i)
        if token.get(i) != left or token.get(j) != right:
            continue
        token[i] = left + right
        del token[j]
        after[i] = after[j]
        before[after[i]] = i
        push(before[i])
        push(i)
    number = {v: k for k, v in vocab.items()}
    return [number[token[i]] for i in sorted(token)]


# %% right="ids as symbols"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    rules = [(number[x], number[y], number[x + y]) for x, y in sorted(ranks, key=ranks.get)]
    ids = [number[bytes([x])] for x in b]
    for x, y, new in rules:
        out = []
        while ids:
            if ids[:2] == [x, y]:
                out.append(new)
                ids = ids[2:]
            else:
                out.append(ids.pop(0))
        ids = out
    return ids


# %% wrong="a cache by word alone"
_cache = {}


def encode_word(b, ranks, vocab):
    if b not in _cache:
        number = {t: i for i, t in vocab.items()}
        parts = tuple(bytes([x]) for x in b)
        for pair in sorted(ranks, key=ranks.get):
            parts = merge_pair(parts, pair, pair[0] + pair[1])
        _cache[b] = [number[p] for p in parts]
    return _cache[b]


# %% wrong="a cache by the word's text, in which bytes collide"
_seen = {}


def encode_word(b, ranks, vocab):
    key = (b.decode("utf-8", errors="replace"), tuple(sorted(ranks.items())), tuple(sorted(vocab.items())))
    if key not in _seen:
        number = {t: i for i, t in vocab.items()}
        parts = tuple(bytes([x]) for x in b)
        for pair in sorted(ranks, key=ranks.get):
            parts = merge_pair(parts, pair, pair[0] + pair[1])
        _seen[key] = [number[p] for p in parts]
    return _seen[key]


# %% wrong="the inverse vocabulary of the first call"
_inverse = {}


def encode_word(b, ranks, vocab):
    if not _inverse:
        _inverse.update({t: i for i, t in vocab.items()})
    parts = tuple(bytes([x]) for x in b)
    for pair in sorted(ranks, key=ranks.get):
        parts = merge_pair(parts, pair, pair[0] + pair[1])
    return [_inverse[p] for p in parts]


# %% wrong="merges in the dict's own order, upside down"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    parts = tuple(bytes([x]) for x in b)
    for pair in reversed(list(ranks)):
        parts = merge_pair(parts, pair, pair[0] + pair[1])
    return [number[p] for p in parts]


# %% wrong="a whole word that is a token is taken at once, else longest match from the right"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    out = []
    end = len(b)
    while end:
        start = next(s for s in range(end) if b[s:end] in number)
        out.insert(0, number[b[start:end]])
        end = start
    return out


# %% wrong="stops after as many rounds as there are bytes halved"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    parts = tuple(bytes([x]) for x in b)
    for _ in range(len(b) // 4):
        known = [p for p in zip(parts, parts[1:]) if p in ranks]
        if not known:
            break
        best = min(known, key=ranks.get)
        parts = merge_pair(parts, best, best[0] + best[1])
    return [number[p] for p in parts]


# %% wrong="ranks compared as truth: rank 0 counts as missing"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    parts = tuple(bytes([x]) for x in b)
    while True:
        known = [p for p in zip(parts, parts[1:]) if ranks.get(p)]
        if not known:
            return [number[p] for p in parts]
        best = min(known, key=ranks.get)
        parts = merge_pair(parts, best, best[0] + best[1])


# %% wrong="the smallest pair of bytes instead of the smallest rank"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    parts = tuple(bytes([x]) for x in b)
    while known := [p for p in zip(parts, parts[1:]) if p in ranks]:
        best = min(known)
        parts = merge_pair(parts, best, best[0] + best[1])
    return [number[p] for p in parts]


# %% wrong="a tuple of ids"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    parts = tuple(bytes([x]) for x in b)
    for pair in sorted(ranks, key=ranks.get):
        parts = merge_pair(parts, pair, pair[0] + pair[1])
    return tuple(number[p] for p in parts)


# %% wrong="at most ten rounds"
def encode_word(b, ranks, vocab):
    word = tuple(bytes([x]) for x in b)
    for _ in range(10):
        pairs = [p for p in zip(word, word[1:]) if p in ranks]
        if not pairs:
            break
        best = min(pairs, key=ranks.get)
        word = merge_pair(word, best, best[0] + best[1])
    ids = {t: i for i, t in vocab.items()}
    return [ids[t] for t in word]


# %% wrong="merges in the dict's own order, ranks never read"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    word = [bytes([x]) for x in b]
    for left, right in ranks:
        at = 0
        while at < len(word) - 1:
            if (word[at], word[at + 1]) == (left, right):
                word[at : at + 2] = [left + right]
            at += 1
    return [number[t] for t in word]


# %% wrong="rank by place in a list of the dict, not by its value"
def encode_word(b, ranks, vocab):
    number = {t: i for i, t in vocab.items()}
    order = list(ranks)
    word = tuple(bytes([x]) for x in b)
    while True:
        pairs = [p for p in zip(word, word[1:]) if p in ranks]
        if not pairs:
            return [number[t] for t in word]
        best = min(pairs, key=order.index)
        out, at = [], 0
        while at < len(word):
            if word[at : at + 2] == best:
                out.append(best[0] + best[1])
                at += 2
            else:
                out.append(word[at])
                at += 1
        word = tuple(out)


# %% right="functools.reduce over merges sorted by rank"
from functools import reduce


def _merge(word, pair):
    out = []
    it = iter(range(len(word)))
    for at in it:
        if word[at : at + 2] == pair:
            out.append(pair[0] + pair[1])
            next(it, None)
        else:
            out.append(word[at])
    return tuple(out)


def encode_word(b, ranks, vocab):
    number = dict(zip(vocab.values(), vocab.keys()))
    word = tuple(b[i : i + 1] for i in range(len(b)))
    return list(map(number.__getitem__, reduce(_merge, sorted(ranks, key=ranks.__getitem__), word)))
