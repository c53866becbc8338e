# %% right="GPT-2's own pattern, compiled"
import regex as re

PAT = re.compile(r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")


def pretokenize(text):
    return re.findall(PAT, text)


# %% right="finditer and possessive runs"
import regex


def pretokenize(text: str) -> list[str]:
    pattern = regex.compile(
        r"'(?:s|t|re|ve|m|ll|d)| ?\p{Letter}++| ?\p{Number}++| ?[^\s\p{Letter}\p{Number}]++|\s+(?!\S)|\s++"
    )
    return [m[0] for m in pattern.finditer(text)]


# %% right="a scanner without a pattern"
import unicodedata


def kind(c):
    if c.isspace():
        return "space"
    major = unicodedata.category(c)[0]
    return major if major in "LN" else "other"


def pretokenize(text):
    words, i = [], 0
    while i < len(text):
        for ending in ("ll", "ve", "re", "s", "t", "d", "m"):
            if text[i] == "'" and text[i + 1 :].startswith(ending):
                j = i + 1 + len(ending)
                break
        else:
            first = i + 1 if text[i] == " " and i + 1 < len(text) and kind(text[i + 1]) != "space" else i
            j = first + 1
            while j < len(text) and kind(text[j]) == kind(text[first]):
                j += 1
            if kind(text[first]) == "space" and j < len(text) and j - i > 1:
                j -= 1
        words.append(text[i:j])
        i = j
    return words


# %% right="Python's re with classes made from unicodedata"
import re
import sys
import unicodedata


def charset(major):
    ranges, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] == major
        if inside and start is None:
            start = code
        if not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(ranges)


L, N = charset("L"), charset("N")
GPT2 = re.compile(rf"'(?:[sdmt]|ll|ve|re)| ?[{L}]+| ?[{N}]+| ?[^\s{L}{N}]+|\s+(?!\S)|\s+")


def pretokenize(text):
    return GPT2.findall(text)


# %% right="matches one after the other from a position"
import regex

RULES = [
    regex.compile(p)
    for p in (r"'(?:[sdmt]|ll|ve|re)", r" ?\p{L}+", r" ?\p{N}+", r" ?[^\s\p{L}\p{N}]+", r"\s+(?!\S)", r"\s+")
]


def pretokenize(text):
    at, words = 0, []
    while at < len(text):
        match = next(m for m in (rule.match(text, at) for rule in RULES) if m)
        words.append(match.group())
        at = match.end()
    return words


# %% wrong="groups that capture"
import regex


def pretokenize(text):
    return regex.findall(r"'(s|d|m|t|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


# %% wrong="the pattern of GPT-4"
import regex


def pretokenize(text):
    pattern = (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    )
    return regex.findall(pattern, text)


# %% wrong="line by line, which loses the newlines"
import regex


def pretokenize(text):
    words = []
    for line in text.splitlines():
        words += regex.findall(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", line)
    return words


# %% wrong="ASCII flag"
import re


def pretokenize(text):
    return re.findall(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+", text, re.ASCII)


# %% wrong="re with [^\\W\\d_] for letters"
import re


def pretokenize(text):
    return re.findall(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+", text)


# %% wrong="a generator"
import regex


def pretokenize(text):
    for m in regex.finditer(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text):
        yield m.group()


# %% wrong="encoded words"
import regex


def pretokenize(text):
    pattern = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    return [w.encode() for w in regex.findall(pattern, text)]


# %% wrong="a group of letters may hold numbers after the first letter"
import regex


def pretokenize(text):
    return regex.findall(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}[\p{L}\p{N}]*| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


# %% wrong="lookahead for white space turned round"
import regex


def pretokenize(text):
    return regex.findall(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?=\S)|\s+", text)


# %% wrong="accents taken for signs: NFD first"
import unicodedata

import regex


def pretokenize(text):
    text = unicodedata.normalize("NFD", text)
    return regex.findall(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


# %% wrong="a run of white space leaves its last at the end of the text too"
import regex


def pretokenize(text: str) -> list[str]:
    pattern = regex.compile(
        r"'(?:s|t|re|ve|m|ll|d)| ?\p{Letter}++| ?\p{Number}++| ?[^\s\p{Letter}\p{Number}]++|\s+(?=\s)|\s+"
    )
    return [m[0] for m in pattern.finditer(text)]


# %% wrong="only Latin letters"
import regex


def pretokenize(text):
    return regex.findall(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-zÀ-ɏ]+| ?\p{N}+| ?[^\sA-Za-zÀ-ɏ\p{N}]+|\s+(?!\S)|\s+", text)


# %% wrong="scanner that asks isnumeric before isalpha"
def _kind(c):
    if c.isspace():
        return "white"
    if c.isnumeric():
        return "number"
    if c.isalpha():
        return "letter"
    return "other"


def pretokenize(text):
    out, at = [], 0
    while at < len(text):
        for e in ("'s", "'t", "'d", "'m", "'ll", "'ve", "'re"):
            if text.startswith(e, at):
                out.append(e)
                at += len(e)
                break
        else:
            start = at + (text[at] == " " and at + 1 < len(text) and not text[at + 1].isspace())
            end = start
            while end < len(text) and _kind(text[end]) == _kind(text[start]):
                end += 1
            if _kind(text[start]) == "white" and end < len(text) and end - start > 1:
                end -= 1
            out.append(text[at:end])
            at = end
    return out


# %% wrong="letters of the basic plane only"
import regex


def pretokenize(text):
    return regex.findall(
        r"'(?:[sdmt]|ll|ve|re)| ?[\p{L}&&[\x00-\uffff]]+| ?\p{N}+| ?[^\s[\p{L}&&[\x00-\uffff]]\p{N}]+|\s+(?!\S)|\s+",
        text,
        flags=regex.V1,
    )


# %% wrong="signs take newlines after them"
import regex


def pretokenize(text):
    return regex.findall(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+", text)


# %% right="scanner with isalpha before numbers by category"
import unicodedata


def _kind(c):
    if c.isspace():
        return 0
    if c.isalpha():
        return 1
    return 2 if unicodedata.category(c).startswith("N") else 3


def _words(text):
    at = 0
    while at < len(text):
        rest = text[at + 1 : at + 3]
        if text[at] == "'" and (rest[:1] in tuple("stdm") or rest in ("ll", "ve", "re")):
            size = 3 if rest in ("ll", "ve", "re") else 2
            yield text[at : at + size]
            at += size
            continue
        first = at + (text[at] == " " and at + 1 < len(text) and _kind(text[at + 1]) != 0)
        end = first + 1
        while end < len(text) and _kind(text[end]) == _kind(text[first]):
            end += 1
        if _kind(text[first]) == 0 and end < len(text) and end - first > 1:
            end -= 1
        yield text[at:end]
        at = end


def pretokenize(text: str, *, as_type=list):
    return as_type(_words(text))
