# %% right="one whole class with its own constructor"
import regex

PAT = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


class Tokenizer:
    """Everything in one class, with a cache and private helpers."""

    def __init__(self, vocab, merges, special=()):
        self.id_to_token = vocab
        self.token_to_id = {token: i for i, token in vocab.items()}
        self.rank = {tuple(pair): i for i, pair in enumerate(merges)}
        self.special_tokens = sorted(special, key=len, reverse=True)
        self.cache = {}

    def _bpe(self, word):
        if word not in self.cache:
            parts = [bytes([b]) for b in word]
            while len(parts) > 1:
                pair = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
                if pair not in self.rank:
                    break
                merged, i = [], 0
                while i < len(parts):
                    if i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair:
                        merged.append(parts[i] + parts[i + 1])
                        i += 2
                    else:
                        merged.append(parts[i])
                        i += 1
                parts = merged
            self.cache[word] = [self.token_to_id[p] for p in parts]
        return self.cache[word]

    def _split(self, text, allowed):
        allowed = [s for s in self.special_tokens if s in allowed]
        start = i = 0
        while i < len(text):
            special = next((s for s in allowed if text.startswith(s, i)), None)
            if special is None:
                i += 1
                continue
            if i > start:
                yield text[start:i], False
            yield special, True
            i = start = i + len(special)
        if start < len(text):
            yield text[start:], False

    def encode(self, text, allowed_special=()):
        out = []
        for piece, is_special in self._split(text, allowed_special):
            if is_special:
                out.append(self.token_to_id[piece.encode("utf-8")])
            else:
                for match in PAT.finditer(piece):
                    out.extend(self._bpe(match.group().encode("utf-8")))
        return out

    def decode(self, ids):
        return b"".join([self.id_to_token[i] for i in ids]).decode("utf-8", "replace")

    def encode_stream(self, iterable, allowed_special=()):
        longest = max((len(s) for s in allowed_special), default=0)
        buffer = ""
        for chunk in iterable:
            buffer += chunk
            pieces = []
            for piece, is_special in self._split(buffer, allowed_special):
                pieces += [(piece, True)] if is_special else [(m.group(), False) for m in PAT.finditer(piece)]
            at, keep = 0, []
            limit = len(buffer) - longest
            for k, (piece, is_special) in enumerate(pieces):
                if at + len(piece) > limit or k >= len(pieces) - 2:
                    break
                at += len(piece)
                keep.append((piece, is_special))
            while keep and not keep[-1][1] and keep[-1][0].isspace():
                at -= len(keep.pop()[0])
            for piece, is_special in keep:
                yield from [self.token_to_id[piece.encode()]] if is_special else self._bpe(piece.encode())
            buffer = buffer[at:]
        yield from self.encode(buffer, allowed_special)


# %% right="split with a capturing group"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text)
        ids = []
        for part in parts:
            if part in allowed_special:
                ids.append(self.ids[part.encode()])
            else:
                for word in pretokenize(part):
                    ids.extend(encode_word(word.encode("utf-8"), self.ranks, self.vocab))
        return ids


# %% right="text consumed from the left with find"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        ids = []
        while text:
            hits = [(text.find(s), -len(s), s) for s in allowed_special if s in text]
            if not hits:
                plain, special, text = text, None, ""
            else:
                at, _, special = min(hits)
                plain, text = text[:at], text[at + len(special) :]
            for word in pretokenize(plain):
                ids += encode_word(word.encode(), self.ranks, self.vocab)
            if special is not None:
                ids.append(self.ids[special.encode()])
        return ids


# %% right="a function hung on a class with slots"
import re


class Tokenizer:
    __slots__ = ("vocab", "merges", "special", "ranks", "number")

    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = vocab, merges, special
        self.ranks = dict(zip(merges, range(len(merges))))
        self.number = {t: i for i, t in vocab.items()}


def _encode(self, text, allowed_special=()):
    special = sorted(set(allowed_special), key=lambda s: (-len(s), s))
    out, last = [], 0
    for m in re.finditer("|".join(map(re.escape, special)), text) if special else ():
        out += [i for w in pretokenize(text[last : m.start()]) for i in encode_word(w.encode(), self.ranks, self.vocab)]
        out += [self.number[m.group().encode()]]
        last = m.end()
    return out + [i for w in pretokenize(text[last:]) for i in encode_word(w.encode(), self.ranks, self.vocab)]


Tokenizer.encode = _encode


# %% wrong="a cache shared by all tokenizers"
import re

CACHE = {}


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text)
        ids = []
        for part in parts:
            if part in allowed_special:
                ids.append(self.ids[part.encode()])
            else:
                for word in pretokenize(part):
                    if word not in CACHE:
                        CACHE[word] = encode_word(word.encode("utf-8"), self.ranks, self.vocab)
                    ids.extend(CACHE[word])
        return ids


# %% wrong="a cache by the allowed special strings, which must have a hash"
import functools
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    @functools.lru_cache
    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text)
        ids = []
        for part in parts:
            if part in allowed_special:
                ids.append(self.ids[part.encode()])
            else:
                for word in pretokenize(part):
                    ids.extend(encode_word(word.encode("utf-8"), self.ranks, self.vocab))
        return ids


# %% wrong="the words of the whole text first, special strings put together afterwards"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        ids = []
        words = pretokenize(text)
        while words:
            for n in range(len(words), 0, -1):
                if "".join(words[:n]) in allowed_special:
                    ids.append(self.ids["".join(words[:n]).encode()])
                    words = words[n:]
                    break
            else:
                ids += encode_word(words.pop(0).encode(), self.ranks, self.vocab)
        return ids


# %% wrong="split without a group, and a special string between all pieces"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        if not allowed_special:
            return [i for w in pretokenize(text) for i in encode_word(w.encode(), self.ranks, self.vocab)]
        special = sorted(allowed_special, key=len)[-1]
        ids = []
        for n, part in enumerate(text.split(special)):
            if n:
                ids.append(self.ids[special.encode()])
            ids += [i for w in pretokenize(part) for i in encode_word(w.encode(), self.ranks, self.vocab)]
        return ids


# %% wrong="special strings get the first id with their bytes among the merges: by place in the list"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text)
        ids = []
        for part in parts:
            if part in allowed_special:
                ids.append(256 + self.special.index(part))
            else:
                for word in pretokenize(part):
                    ids.extend(encode_word(word.encode("utf-8"), self.ranks, self.vocab))
        return ids


# %% wrong="case does not matter"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text, flags=re.IGNORECASE)
        ids = []
        for part in parts:
            if part.lower() in [s.lower() for s in allowed_special]:
                ids.append(next(self.ids[s.encode()] for s in allowed_special if s.lower() == part.lower()))
            else:
                for word in pretokenize(part):
                    ids.extend(encode_word(word.encode("utf-8"), self.ranks, self.vocab))
        return ids


# %% wrong="only special strings with a word border before them"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(rf"(?<!\w)({pattern})", text)
        ids = []
        for part in parts:
            if part in allowed_special:
                ids.append(self.ids[part.encode()])
            else:
                for word in pretokenize(part):
                    ids.extend(encode_word(word.encode("utf-8"), self.ranks, self.vocab))
        return ids


# %% wrong="a generator"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text)
        for part in parts:
            if part in allowed_special:
                yield self.ids[part.encode()]
            else:
                for word in pretokenize(part):
                    yield from (encode_word(word.encode("utf-8"), self.ranks, self.vocab))


# %% wrong="the library"
from tokenizers import Tokenizer as Theirs, models, pre_tokenizers


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        theirs = Theirs(models.BPE())
        theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return theirs.encode(text).ids


# %% wrong="white space of the pieces kept, but empty allowed means all"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        parts = [text]
        allowed_special = allowed_special or self.special
        if allowed_special:
            pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True))
            parts = re.split(f"({pattern})", text)
        ids = []
        for part in parts:
            if part in allowed_special:
                ids.append(self.ids[part.encode()])
            else:
                for word in pretokenize(part):
                    ids.extend(encode_word(word.encode("utf-8"), self.ranks, self.vocab))
        return ids


# %% right="one class with ids as symbols"
import regex


class Tokenizer(object):
    def __init__(self, vocab: dict[int, bytes], merges: list[tuple[bytes, bytes]], special: list[str] | None = None):
        self.id_to_bytes = dict(vocab)
        self.bytes_to_id = {b: i for i, b in self.id_to_bytes.items()}
        self.pair_rank = {}
        for rank, (a, b) in enumerate(merges):
            self.pair_rank[self.bytes_to_id[a], self.bytes_to_id[b]] = (rank, self.bytes_to_id[a + b])
        self.byte_ids = [self.bytes_to_id[bytes([b])] for b in range(256)]
        self.special_tokens = {s: self.bytes_to_id[s.encode("utf-8")] for s in (special or [])}
        self.pattern = regex.compile(r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")

    def _encode_chunk(self, data: bytes):
        ids = [self.byte_ids[b] for b in data]
        while len(ids) >= 2:
            rank, pair = min(((self.pair_rank.get(p, (float("inf"), None))[0], p) for p in zip(ids, ids[1:])))
            if rank == float("inf"):
                break
            new = self.pair_rank[pair][1]
            out, i = [], 0
            while i < len(ids):
                if i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair:
                    out.append(new)
                    i += 2
                else:
                    out.append(ids[i])
                    i += 1
            ids = out
        return ids

    def encode_ordinary(self, text):
        return [i for m in self.pattern.finditer(text) for i in self._encode_chunk(m.group(0).encode("utf-8"))]

    def encode(self, text: str, allowed_special=frozenset()):
        allowed = {s: i for s, i in self.special_tokens.items() if s in set(allowed_special)}
        if not allowed:
            return self.encode_ordinary(text)
        rx = "(" + "|".join(regex.escape(k) for k in sorted(allowed, key=lambda s: (-len(s), s))) + ")"
        ids = []
        for part in regex.split(rx, text):
            if part in allowed:
                ids.append(allowed[part])
            elif part:
                ids.extend(self.encode_ordinary(part))
        return ids

    def decode(self, ids):
        return b"".join([self.id_to_bytes[int(i)] for i in ids]).decode("utf-8", "replace")

    def encode_stream(self, iterable, allowed_special=frozenset()):
        allowed = sorted((s for s in self.special_tokens if s in set(allowed_special)), key=len, reverse=True)
        reach = len(allowed[0]) if allowed else 0
        parts, size = [], 0
        for chunk in iterable:
            parts.append(chunk)
            size += len(chunk)
            if size < 4000:
                continue
            buf = "".join(parts)
            spans = [m.span() for m in regex.finditer("|".join(map(regex.escape, allowed)), buf)] if allowed else []
            cut = len(buf) - reach - 1
            while cut > 0:
                inside = next(((a, b) for a, b in spans if a < cut < b), None)
                if inside:
                    cut = inside[0]
                    continue
                if not buf[cut - 1].isspace() and buf[cut].isspace():
                    break
                cut -= 1
            if cut > 0:
                yield from self.encode(buf[:cut], allowed_special)
                buf = buf[cut:]
            parts, size = [buf], len(buf)
        yield from self.encode("".join(parts), allowed_special)


# %% right="one special string after the other, longest first"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        last = {token: id for id, token in self.vocab.items()}
        self.special_ids = {text: last[text.encode()] for text in self.special}


def encode(self, text, allowed_special=()):
    if not allowed_special:
        return [i for w in pretokenize(text) for i in encode_word(w.encode(), self.ranks, self.vocab)]
    first, *rest = sorted(allowed_special, key=len, reverse=True)
    ids = []
    for n, part in enumerate(text.split(first)):
        if n:
            ids.append(self.special_ids[first])
        ids += self.encode(part, rest)
    return ids


Tokenizer.encode = encode
