"""Checks for `merge_pair` (part 1, notebook 01)."""

from hookpoint.checks.author import Exercise, Slip, same

from ._oracle import merged

A, B, C, X, AA, AB, BC = b"a", b"b", b"c", b"x", b"aa", b"ab", b"bc"


def reference(word, pair, new):
    """The word by recursion on its first two symbols."""
    return merged(word, pair, new)


def everywhere(learner, draw):
    """Every occurrence of the pair becomes the new symbol: at both ends, next to each other, and alone."""
    same(learner.merge_pair((A, B, X, B, A, B, A, B, C, A, B), (A, B), AB), (AB, X, B, AB, AB, C, AB))
    same(learner.merge_pair((X, A, B, C), (A, B), AB), (X, AB, C))
    same(learner.merge_pair((A, B, X, A, B), (A, B), AB), (AB, X, AB))
    same(learner.merge_pair((A, B, A, B), (A, B), AB), (AB, AB))
    same(learner.merge_pair((A, B), (A, B), AB), (AB,))
    same(learner.merge_pair((A, A, B), (A, B), AB), (A, AB))


def untouched(learner, draw):
    """A word without the pair stays as it is, also one with the pair's symbols in another order or apart."""
    same(learner.merge_pair((B, A), (A, B), AB), (B, A))
    same(learner.merge_pair((A, X, B), (A, B), AB), (A, X, B))
    same(learner.merge_pair((A,), (A, A), AA), (A,))
    same(learner.merge_pair((X, C, A), (A, B), AB), (X, C, A))


def overlap(learner, draw):
    """Overlapping occurrences are taken from the left: (a, a, a) becomes (aa, a)."""
    same(learner.merge_pair((A, A, A, B, A, A, A), (A, A), AA), (AA, A, B, AA, A))
    same(learner.merge_pair((A, A, A), (A, A), AA), (AA, A))
    same(learner.merge_pair((A,) * 4, (A, A), AA), (AA, AA))
    same(learner.merge_pair((X, A, A, A, A, A, B), (A, A), AA), (X, AA, AA, A, B))


def whole_symbols(learner, draw):
    """Symbols are compared whole: (x, ab) holds no a, and (a, bc) is not (ab, c) though it spells the same."""
    same(learner.merge_pair((X + A, B), (A, B), AB), (X + A, B))
    same(learner.merge_pair((A, B + X), (A, B), AB), (A, B + X))
    same(learner.merge_pair((A, BC, AB, C, X), (AB, C), AB + C), (A, BC, AB + C, X))
    same(learner.merge_pair((b" ", A, b" ", b" " + A), (b" ", A), b" " + A), (b" " + A, b" ", b" " + A))
    same(learner.merge_pair((b"\xc3", b"\xa9", b"\xc3"), (b"\xc3", b"\xa9"), b"\xc3\xa9"), (b"\xc3\xa9", b"\xc3"))
    same(learner.merge_pair((b"ba", C), (AB, C), AB + C), (b"ba", C))
    same(learner.merge_pair((A, BC), (A, B), AB), (A, BC))
    same(learner.merge_pair((A, B, C), (A, B), AB), (AB, C))
    for start in range(0, 256, 32):  # no byte can separate symbols: each may stand in one, also twice
        word = tuple(A + bytes([byte]) * times + B for byte in range(start, start + 32) for times in (1, 2))
        same(learner.merge_pair(word, (A, B), AB), word)


def given_symbol(learner, draw):
    """`new` is what takes the pair's place, whatever it is."""
    same(learner.merge_pair((A, B, C, A, B), (A, B), b"*"), (b"*", C, b"*"))


def many(learner, draw):
    """The result is right for any word, which stays as it is."""
    letters = (A, B, AB, AA, BC)
    for _ in range(6):
        word = tuple(letters[at] for at in draw.ids(3, draw.number(4, 12)).tolist())
        pair = (letters[draw.number(0, 2)], letters[draw.number(0, 3)])
        same(learner.merge_pair(word, pair, pair[0] + pair[1]), reference(word, pair, pair[0] + pair[1]))


def first_only(word, pair, new):
    for at in range(len(word) - 1):
        if word[at : at + 2] == pair:
            return (*word[:at], new, *word[at + 2 :])
    return word


def last_only(word, pair, new):
    for at in range(len(word) - 2, -1, -1):
        if word[at : at + 2] == pair:
            return (*word[:at], new, *word[at + 2 :])
    return word


def from_the_right(word, pair, new):
    return merged(word[::-1], pair[::-1], new)[::-1]


def second_kept(word, pair, new):
    out = []
    for at, symbol in enumerate(word):
        out.append(new if word[at : at + 2] == pair else symbol)
    return tuple(out)


def overlapping_twice(word, pair, new):
    out, at = [], 0
    while at < len(word):
        if word[at : at + 2] == pair:
            out.append(new)
            at += 1 if word[at + 1 : at + 3] == pair else 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def last_dropped(word, pair, new):
    out, at = [], 0
    while at < len(word) - 1:
        if word[at : at + 2] == pair:
            out.append(new)
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def end_missed(word, pair, new):
    out, at = [], 0
    while at < len(word):
        if at < len(word) - 2 and word[at : at + 2] == pair:
            out.append(new)
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def skips_after_merge(word, pair, new):
    out, at = [], 0
    while at < len(word):
        if word[at : at + 2] == pair:
            out += [new, *word[at + 2 : at + 3]]
            at += 3
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def either_order(word, pair, new):
    out, at = [], 0
    while at < len(word):
        if word[at : at + 2] in (pair, pair[::-1]):
            out.append(new)
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def joined_with_spaces(word, pair, new):
    if not isinstance(new, bytes):
        return merged(word, pair, new)
    return tuple(b"\0".join(word).replace(b"\0".join(pair), new).split(b"\0"))


def joined_and_cut(word, pair, new):
    if not isinstance(new, bytes):
        return merged(word, pair, new)
    parts = b"".join(word).split(new)
    out = [bytes([byte]) for byte in parts[0]]
    for part in parts[1:]:
        out += [new, *(bytes([byte]) for byte in part)]
    return tuple(out)


def by_spelling(word, pair, new):
    out, at = [], 0
    while at < len(word):
        if at + 1 < len(word) and word[at] + word[at + 1] == new:
            out.append(new)
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def pair_kept_as_tuple(word, pair, new):
    return merged(word, pair, pair)


def joined_instead_of_new(word, pair, new):
    return merged(word, pair)


def list_returned(word, pair, new):
    return list(merged(word, pair, new))


def bytes_returned(word, pair, new):
    return b" ".join(merged(word, pair, new)) if isinstance(new, bytes) else word


def removed(word, pair, new):
    out, at = [], 0
    while at < len(word):
        if word[at : at + 2] == pair:
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


EXERCISE = Exercise(
    "merge_pair",
    checks=(everywhere, untouched, overlap, whole_symbols, given_symbol, many),
    reference=reference,
    gives=tuple,
    forbids=("tokenizers",),
    slips=(
        Slip("only the first occurrence is merged", first_only),
        Slip("only the last occurrence is merged", last_only),
        Slip("occurrences are taken from the right", from_the_right),
        Slip("the pair's second symbol stays behind the new one: the loop goes on by one after a merge", second_kept),
        Slip("overlapping occurrences are both merged, so a symbol is used twice", overlapping_twice),
        Slip("the last symbol is lost when it is not part of a pair", last_dropped),
        Slip("a pair at the very end is not seen: the loop stops one too early", end_missed),
        Slip("the place after a merge is skipped, so of two neighbouring pairs the second stays", skips_after_merge),
        Slip("the pair is merged in either order", either_order),
        Slip(
            "the symbols are joined by a separator and replaced as text, which matches parts of symbols",
            joined_with_spaces,
        ),
        Slip("the word is joined, searched as text, and cut into single bytes again", joined_and_cut),
        Slip("neighbours are merged when they spell `new`, even if they are not the pair", by_spelling),
        Slip("the pair itself, a tuple, is put in its place", pair_kept_as_tuple),
        Slip("the two symbols are added, and `new` is not used", joined_instead_of_new),
        Slip("the result is a list", list_returned),
        Slip("the result is one string with spaces between the symbols", bytes_returned),
        Slip("the pair is taken out and nothing put in its place", removed),
    ),
)
