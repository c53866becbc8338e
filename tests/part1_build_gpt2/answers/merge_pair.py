# %% right="a while loop with two lookups"
def merge_pair(word, pair, new):
    first, second = pair
    out, i = [], 0
    while i < len(word):
        if i < len(word) - 1 and word[i] == first and word[i + 1] == second:
            out.append(new)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


# %% right="recursion"
def merge_pair(word, pair, new):
    if len(word) < 2:
        return tuple(word)
    if tuple(word[:2]) == tuple(pair):
        return (new,) + merge_pair(word[2:], pair, new)
    return word[:1] + merge_pair(word[1:], pair, new)


# %% right="index with a jump to the next left symbol"
def merge_pair(word, pair, new):
    left, right = pair
    new_word = []
    i = 0
    while i < len(word):
        try:
            j = word.index(left, i)
        except ValueError:
            new_word.extend(word[i:])
            break
        new_word.extend(word[i:j])
        if j + 1 < len(word) and word[j + 1] == right:
            new_word.append(new)
            i = j + 2
        else:
            new_word.append(word[j])
            i = j + 1
    return tuple(new_word)


# %% right="an iterator with one symbol in the hand"
def merge_pair(word, pair, new):
    def symbols():
        hand = []
        for symbol in word:
            if hand and (hand[0], symbol) == pair:
                hand.clear()
                yield new
            else:
                yield from hand
                hand[:] = [symbol]
        yield from hand

    return tuple(symbols())


# %% wrong="the hand is not emptied after a merge"
def merge_pair(word, pair, new):
    out = []
    for symbol in word:
        if out and (out[-1], symbol) == pair:
            out[-1] = new
        else:
            out.append(symbol)
        if len(out) > 1 and (out[-2], out[-1]) == pair:
            out[-2:] = [new]
    return tuple(out[:-1]) if len(out) > 3 else tuple(out)


# %% wrong="removes from a list while walking over it"
def merge_pair(word, pair, new):
    out = list(word)
    for i in range(len(out) - 1):
        if i + 1 < len(out) and (out[i], out[i + 1]) == pair and i % 2 == 0:
            out[i : i + 2] = [new]
    return tuple(out)


# %% wrong="all pairs at once from a mask, so a run overlaps"
def merge_pair(word, pair, new):
    hits = {i for i in range(len(word) - 1) if word[i : i + 2] == pair}
    return tuple(new if i in hits else s for i, s in enumerate(word) if i - 1 not in hits)


# %% wrong="str of the tuple replaced"
import ast


def merge_pair(word, pair, new):
    return ast.literal_eval(str(word).replace(str(pair)[1:-1], repr(new)))


# %% wrong="changes a pair that touches a merge into two"
def merge_pair(word, pair, new):
    out, i = [], 0
    while i < len(word):
        if word[i : i + 2] == pair:
            out += [new, new] if i + 2 == len(word) and len(word) > 4 else [new]
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


# %% wrong="membership instead of equality"
def merge_pair(word, pair, new):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] in pair and word[i + 1] in pair:
            out.append(new)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


# %% wrong="compares joined bytes"
def merge_pair(word, pair, new):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and b"".join(word[i : i + 2]) == b"".join(pair):
            out.append(new)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


# %% wrong="only when the pair is the whole word or at its start"
def merge_pair(word, pair, new):
    if word[:2] == pair:
        return (new, *word[2:])
    return word


# %% right="a stack whose top takes part in the next merge: a new symbol is never half of the pair"
def merge_pair(word, pair, new):
    out = []
    for s in word:
        if out and (out[-1], s) == pair:
            out[-1] = new
        else:
            out.append(s)
    return tuple(out)


# %% right="starts again after each merge"
def merge_pair(word, pair, new):
    i = 0
    word = tuple(word)
    while i < len(word) - 1:
        if word[i : i + 2] == pair:
            word = word[:i] + (new,) + word[i + 2 :]
            i = 0
        else:
            i += 1
    return word


# %% right="places first, and the same tuple if there are none"
def merge_pair(word, pair, new):
    if pair[0] not in word or pair[1] not in word:
        return word
    places, last = [], -2
    for i in range(len(word) - 1):
        if i > last + 1 and word[i] == pair[0] and word[i + 1] == pair[1]:
            places.append(i)
            last = i
    drop = {p + 1 for p in places}
    return tuple(new if i in places else s for i, s in enumerate(word) if i not in drop)


# %% wrong="joined with zero bytes, two between symbols"
def merge_pair(word, pair, new):
    joined = b"\x00\x00".join(word)
    joined = b"\x00" + joined + b"\x00"
    joined = joined.replace(b"\x00" + pair[0] + b"\x00\x00" + pair[1] + b"\x00", b"\x00" + new + b"\x00")
    return tuple(joined[1:-1].split(b"\x00\x00"))


# %% wrong="joined with 0xFF, two between symbols"
def merge_pair(word, pair, new):
    joined = b"\xff" + b"\xff\xff".join(word) + b"\xff"
    joined = joined.replace(b"\xff" + pair[0] + b"\xff\xff" + pair[1] + b"\xff", b"\xff" + new + b"\xff")
    return tuple(joined[1:-1].split(b"\xff\xff"))


# %% wrong="one character for each symbol, by the sum of its bytes"
def merge_pair(word, pair, new):
    text = "".join(chr(s[0]) if len(s) == 1 else chr(0x100 + sum(s)) for s in word)
    code = lambda s: chr(s[0]) if len(s) == 1 else chr(0x100 + sum(s))
    back = {code(s): s for s in word} | {"\U0010ffff": new}
    return tuple(back[c] for c in text.replace(code(pair[0]) + code(pair[1]), "\U0010ffff"))


# %% wrong="cache by joined word"
_cache = {}


def merge_pair(word, pair, new):
    key = (b"".join(word), pair, new)
    if key not in _cache:
        out, i = [], 0
        while i < len(word):
            if word[i : i + 2] == pair:
                out.append(new)
                i += 2
            else:
                out.append(word[i])
                i += 1
        _cache[key] = tuple(out)
    return _cache[key]


# %% right="a generator with zip_longest"
from itertools import zip_longest


def _walk(word, pair, new):
    taken = False
    for this, after in zip_longest(word, word[1:]):
        if taken:
            taken = False
        elif (this, after) == pair:
            taken = True
            yield new
        else:
            yield this


def merge_pair(word, pair, new):
    return tuple(_walk(word, pair, new))
