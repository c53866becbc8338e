"""Byte-pair encoding by its definition, slowly: what the checks of this notebook compare with.

Nothing here shares code with `hookpoint.model.bpe`, and nothing uses a regular expression.
"""

import unicodedata

__all__ = ["encoded", "learned", "merged", "pairs_in", "pieces", "tokens", "words"]

ENDINGS = ("s", "t", "d", "m", "ll", "ve", "re")
WHITE = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(code) for code in range(0x2000, 0x200B)}


def words(text):
    """GPT-2's words, read off one character at a time."""
    found, at = [], 0
    while at < len(text):
        end = word_end(text, at)
        found.append(text[at:end])
        at = end
    return found


def word_end(text, at):
    for ending in ENDINGS:
        if text.startswith("'" + ending, at):
            return at + 1 + len(ending)
    start = at + (text[at] == " ")
    if start < len(text) and kind(text[start]) != "white":
        return run_end(text, start)
    end = run_end(text, at)
    return end if end in (at + 1, len(text)) else end - 1  # the last of several is left to what follows


def run_end(text, at):
    end = at
    while end < len(text) and kind(text[end]) == kind(text[at]):
        end += 1
    return end


def kind(char):
    if char in WHITE:
        return "white"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(char)[0], "other")


def pieces(text, special):
    """The text as (piece, is it special): at each place the longest special string that begins there wins."""
    found, plain, at = [], "", 0
    while at < len(text):
        begun = max((each for each in special if text.startswith(each, at)), key=len, default="")
        if begun:
            found += [(plain, False)] if plain else []
            found.append((begun, True))
            plain = ""
        else:
            plain += text[at]
        at += len(begun) or 1
    return found + ([(plain, False)] if plain else [])


def single_bytes(word):
    return tuple(bytes([byte]) for byte in word)


def pairs_in(word):
    return [(word[at], word[at + 1]) for at in range(len(word) - 1)]


def merged(word, pair, new=None):
    """The word with `new`, by default the two joined, in place of each occurrence of the pair, from the left."""
    if len(word) < 2:
        return tuple(word)
    if (word[0], word[1]) == pair:
        return (pair[0] + pair[1] if new is None else new, *merged(word[2:], pair, new))
    return (word[0], *merged(word[1:], pair, new))


def counted(counts):
    found = {}
    for word, count in counts.items():
        for pair in pairs_in(word):
            found[pair] = found.get(pair, 0) + count
    return found


def learned(text, rounds, special=()):
    """The first merges: count everything anew, take the best pair, rewrite every word."""
    counts = {}
    for piece, is_special in pieces(text, special):
        for word in [] if is_special else words(piece):
            symbols = single_bytes(word.encode())
            counts[symbols] = counts.get(symbols, 0) + 1
    merges = []
    while len(merges) < rounds and (found := counted(counts)):
        merges.append(max(found, key=lambda pair: (found[pair], pair)))
        counts = rewritten(counts, merges[-1])
    return merges


def rewritten(counts, pair):
    after = {}
    for word, count in counts.items():
        word = merged(word, pair)
        after[word] = after.get(word, 0) + count
    return after


def tokens(word, merges):
    """The tokens of one word: each merge in the order learned, wherever it applies."""
    symbols = single_bytes(word)
    for pair in merges:
        symbols = merged(symbols, pair)
    return list(symbols)


def encoded(text, vocab, merges, allowed=()):
    """The ids of a text in which these special strings are allowed."""
    number = {token: id for id, token in vocab.items()}
    known = {}
    ids = []
    for piece, is_special in pieces(text, allowed):
        for word in [] if is_special else words(piece):
            if word not in known:
                known[word] = [number[part] for part in tokens(word.encode(), merges)]
            ids += known[word]
        ids += [number[piece.encode()]] if is_special else []
    return ids
