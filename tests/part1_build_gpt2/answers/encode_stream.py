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


# %% right="cut before white space that follows something visible"
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

    def encode_stream(self, iterable, allowed_special=()):
        longest = max([len(s) for s in allowed_special] + [1])
        pattern = "|".join(re.escape(s) for s in sorted(allowed_special, key=len, reverse=True)) or "(?!)"
        held = ""
        for chunk in iterable:
            held += chunk
            inside = set()
            for m in re.finditer(pattern, held):
                inside.update(range(m.start() + 1, m.end()))
            cuts = [
                i
                for i in range(1, len(held) - longest + 1)
                if held[i].isspace() and not held[i - 1].isspace() and i not in inside
            ]
            if cuts:
                yield from self.encode(held[: cuts[-1]], allowed_special)
                held = held[cuts[-1] :]
        yield from self.encode(held, allowed_special)


# %% right="line by line, where a line ends before its newline"
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

    def encode_stream(self, iterable, allowed_special=()):
        reach = max([len(s) for s in allowed_special], default=1)
        rest = ""
        for chunk in iterable:
            rest = rest + chunk
            found = None
            for m in re.finditer(r"(?<=[a-z,.!?])(?=\s)", rest):
                if m.start() <= len(rest) - reach and not any(
                    rest.find(s, max(m.start() - len(s) + 1, 0), m.start() + len(s) - 1) >= 0 for s in allowed_special
                ):
                    found = m.start()
            if found:
                yield from self.encode(rest[:found], allowed_special)
                rest = rest[found:]
        for number in self.encode(rest, allowed_special):
            yield number


# %% right="an iterator class that reads when its queue is empty"
import re
from collections import deque


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

    def encode_stream(self, iterable, allowed_special=()):
        return Stream(self, iter(iterable), tuple(allowed_special))


class Stream:
    def __init__(self, tokenizer, chunks, allowed):
        self.tokenizer, self.chunks, self.allowed = tokenizer, chunks, allowed
        self.ready, self.held, self.done = deque(), "", False

    def __iter__(self):
        return self

    def __next__(self):
        while not self.ready and not self.done:
            self.read()
        if not self.ready:
            raise StopIteration
        return self.ready.popleft()

    def read(self):
        try:
            self.held += next(self.chunks)
        except StopIteration:
            self.done = True
            self.ready.extend(self.tokenizer.encode(self.held, self.allowed))
            return
        longest = max(map(len, self.allowed), default=1)
        known = max(len(self.held) - longest + 1, 0)
        start = 0
        if self.allowed:
            pattern = "|".join(map(re.escape, sorted(self.allowed, key=len, reverse=True)))
            start = max((m.end() for m in re.finditer(pattern, self.held) if m.start() < known), default=0)
        words = pretokenize(self.held[start:known])
        words = words[: max(len(words) - 2, 0)]
        while words and words[-1].strip() == "":
            words.pop()
        end = start + len("".join(words))
        self.ready.extend(self.tokenizer.encode(self.held[:end], self.allowed))
        self.held = self.held[end:]


# %% right="a wrong encode, and a stream that does without it"
import re


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def encode(self, text, allowed_special=()):
        return []

    def encode_stream(self, iterable, allowed_special=()):
        special = sorted(allowed_special, key=len, reverse=True)
        longest = max(map(len, special), default=0)
        text = ""

        def ids(piece):
            return (
                [self.ids[piece.encode()]] if piece in special else encode_word(piece.encode(), self.ranks, self.vocab)
            )

        def cut(text):
            parts = re.split("(" + "|".join(map(re.escape, special)) + ")", text) if special else [text]
            return [w for p in parts for w in ([p] if p in special else pretokenize(p))]

        for chunk in iterable:
            text += chunk
            pieces, size = cut(text), 0
            ready = []
            for piece in pieces[:-2]:
                if size + len(piece) > len(text) - longest:
                    break
                ready.append(piece)
                size += len(piece)
            while ready and ready[-1].isspace():
                size -= len(ready.pop())
            for piece in ready:
                yield from ids(piece)
            text = text[size:]
        for piece in cut(text):
            yield from ids(piece)


# %% wrong="words of a chunk held back only if the chunk ends in a letter"
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

    def encode_stream(self, iterable, allowed_special=()):
        held = ""
        for chunk in iterable:
            held += chunk
            if held and held[-1].isalpha():
                continue
            yield from self.encode(held, allowed_special)
            held = ""
        yield from self.encode(held, allowed_special)


# %% wrong="encodes all but the last ids"
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

    def encode_stream(self, iterable, allowed_special=()):
        held, given = "", 0
        for chunk in iterable:
            held += chunk
            ids = self.encode(held, allowed_special)
            yield from ids[given:-3]
            given = max(given, len(ids) - 3)
        yield from self.encode(held, allowed_special)[given:]


# %% wrong="waits for a newline and cuts behind it"
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

    def encode_stream(self, iterable, allowed_special=()):
        held = ""
        for chunk in iterable:
            held += chunk
            if "\n" in held:
                at = held.rindex("\n") + 1
                yield from self.encode(held[:at], allowed_special)
                held = held[at:]
        yield from self.encode(held, allowed_special)


# %% wrong="sorts out special strings only when they are whole in one chunk"
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

    def encode_stream(self, iterable, allowed_special=()):
        held = ""
        for chunk in iterable:
            held += chunk
            words = pretokenize(held)
            ready = "".join(words[:-2]).rstrip()
            yield from self.encode(ready, allowed_special)
            held = held[len(ready) :]
        yield from self.encode(held, allowed_special)


# %% wrong="holds back as many characters as the longest special string"
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

    def encode_stream(self, iterable, allowed_special=()):
        longest = max(map(len, allowed_special), default=8)
        held = ""
        for chunk in iterable:
            held += chunk
            if len(held) > longest:
                yield from self.encode(held[:-longest], allowed_special)
                held = held[-longest:]
        yield from self.encode(held, allowed_special)


# %% wrong="reads all chunks into a list first"
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

    def encode_stream(self, iterable, allowed_special=()):
        chunks = list(iterable)
        held = ""
        for chunk in chunks:
            held += chunk
        for number in self.encode(held, allowed_special):
            yield number


# %% wrong="iter of a list"
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

    def encode_stream(self, iterable, allowed_special=()):
        return iter(self.encode("".join(iterable), allowed_special))


# %% wrong="the chunks are lines and get their newline back"
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

    def encode_stream(self, iterable, allowed_special=()):
        held = ""
        for chunk in iterable:
            held += chunk.rstrip("\n") + "\n"
        yield from self.encode(held, allowed_special)


# %% wrong="the beginning of a special string is looked for only at the very last character"
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

    def encode_stream(self, iterable, allowed_special=()):
        held = ""
        for chunk in iterable:
            held += chunk
            if any(s.startswith(held[-1:]) and held for s in allowed_special):
                continue
            words = pretokenize(held)[:-2]
            while words and words[-1].isspace():
                words.pop()
            ready = "".join(words)
            yield from self.encode(ready, allowed_special)
            held = held[len(ready) :]
        yield from self.encode(held, allowed_special)


# %% wrong="what is held back is an argument with a default, shared by all streams"
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

    def encode_stream(self, iterable, allowed_special=(), held=[]):
        for chunk in iterable:
            held.append(chunk)
            text = "".join(held)
            words = pretokenize(text)[:-2] if not allowed_special else []
            while words and words[-1].isspace():
                words.pop()
            ready = "".join(words)
            held[:] = [text[len(ready) :]]
            yield from self.encode(ready, allowed_special)
        rest = "".join(held)
        held.clear()
        yield from self.encode(rest, allowed_special)


# %% wrong="cut before white space, also inside a special string"
import regex


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        last = {token: id for id, token in self.vocab.items()}
        self.special_ids = {text: last[text.encode()] for text in self.special}

    def encode(self, text, allowed_special=()):
        pieces = [text]
        if allowed_special:
            longest_first = sorted(allowed_special, key=len, reverse=True)
            pieces = regex.split("(" + "|".join(map(regex.escape, longest_first)) + ")", text)
        ids = []
        for p in pieces:
            if p in allowed_special:
                ids.append(self.special_ids[p])
            else:
                for w in pretokenize(p):
                    ids.extend(encode_word(w.encode(), self.ranks, self.vocab))
        return ids


def encode_stream(self, iterable, allowed_special=()):
    held = ""
    for chunk in iterable:
        held += chunk
        cut = 0
        for m in regex.finditer(r"\S(?=\s)", held):
            cut = m.end()
        if cut:
            yield from self.encode(held[:cut], allowed_special)
            held = held[cut:]
    yield from self.encode(held, allowed_special)


Tokenizer.encode_stream = encode_stream


# %% wrong="cut before white space where no special string can begin, but inside one"
import regex


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        last = {token: id for id, token in self.vocab.items()}
        self.special_ids = {text: last[text.encode()] for text in self.special}

    def encode(self, text, allowed_special=()):
        pieces = [text]
        if allowed_special:
            longest_first = sorted(allowed_special, key=len, reverse=True)
            pieces = regex.split("(" + "|".join(map(regex.escape, longest_first)) + ")", text)
        ids = []
        for p in pieces:
            if p in allowed_special:
                ids.append(self.special_ids[p])
            else:
                for w in pretokenize(p):
                    ids.extend(encode_word(w.encode(), self.ranks, self.vocab))
        return ids


def encode_stream(self, iterable, allowed_special=()):
    keep = max(map(len, allowed_special), default=1)
    held = ""
    for chunk in iterable:
        held += chunk
        cut = 0
        for m in regex.finditer(r"\S(?=\s)", held):
            if m.end() <= len(held) - keep:
                cut = m.end()
        if cut:
            yield from self.encode(held[:cut], allowed_special)
            held = held[cut:]
    yield from self.encode(held, allowed_special)


Tokenizer.encode_stream = encode_stream


# %% wrong="cut behind the last newline of several"
import regex


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        last = {token: id for id, token in self.vocab.items()}
        self.special_ids = {text: last[text.encode()] for text in self.special}

    def encode(self, text, allowed_special=()):
        pieces = [text]
        if allowed_special:
            longest_first = sorted(allowed_special, key=len, reverse=True)
            pieces = regex.split("(" + "|".join(map(regex.escape, longest_first)) + ")", text)
        ids = []
        for p in pieces:
            if p in allowed_special:
                ids.append(self.special_ids[p])
            else:
                for w in pretokenize(p):
                    ids.extend(encode_word(w.encode(), self.ranks, self.vocab))
        return ids


def encode_stream(self, iterable, allowed_special=()):
    import io

    longest = max((len(s) for s in allowed_special), default=1)
    rest = ""
    for chunk in iterable:
        rest += chunk
        # the end of a line whose next character is visible, with enough known behind it
        while True:
            cut = None
            for m in regex.finditer(r"\n(?=\S)", rest):
                if m.end() + longest <= len(rest) and all(
                    s not in rest[max(0, m.end() - len(s) + 1) : m.end() + len(s) - 1] for s in allowed_special
                ):
                    cut = m.end()
                    break
            if cut is None:
                break
            yield from self.encode(rest[:cut], allowed_special)
            rest = rest[cut:]
    if rest:
        yield from self.encode(rest, allowed_special)


Tokenizer.encode_stream = encode_stream


# %% right="one class that waits for 4000 characters"
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


# %% right="one class with slots, a character at a time"
class Tokenizer:
    __slots__ = ("vocab", "merges", "special", "_ranks")

    def __init__(self, vocab, merges, special):
        self.vocab, self.merges, self.special = vocab, merges, special
        self._ranks = dict(zip(merges, range(len(merges))))

    def encode(self, text, allowed_special=()):
        ids, start, i = [], 0, 0
        table = {v: k for k, v in self.vocab.items()}

        def flush(end):
            for word in pretokenize(text[start:end]):
                ids.extend(encode_word(word.encode(), self._ranks, self.vocab))

        while i < len(text):
            hits = [s for s in allowed_special if text.startswith(s, i)]
            if hits:
                flush(i)
                best = max(hits, key=len)
                ids.append(table[best.encode()])
                i += len(best)
                start = i
            else:
                i += 1
        flush(len(text))
        return ids

    def decode(self, ids):
        result = b""
        for i in ids:
            result = result + self.vocab[i]
        return str(result, "utf-8", "replace")

    def encode_stream(self, iterable, allowed_special=()):
        buffer = ""
        longest = max([len(s) for s in allowed_special] + [1])
        for chunk in iterable:
            for char in chunk:
                buffer += char
                if len(buffer) < longest + 2:
                    continue
                # buffer[:cut] ends in a visible character, buffer[cut] is white, and longest - 1 more are known
                cut = len(buffer) - longest
                if cut < 1 or buffer[cut - 1].isspace() or not buffer[cut].isspace():
                    continue
                i = 0
                crossing = False
                while i < cut:
                    hits = [s for s in allowed_special if buffer.startswith(s, i)]
                    i += max(map(len, hits)) if hits else 1
                crossing = i > cut
                if not crossing:
                    yield from self.encode(buffer[:cut], allowed_special)
                    buffer = buffer[cut:]
        yield from self.encode(buffer, allowed_special)
