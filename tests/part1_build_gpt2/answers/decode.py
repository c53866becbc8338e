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


# %% right="bytearray"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        out = bytearray()
        for i in ids:
            out += self.vocab[i]
        return out.decode("utf-8", errors="replace")


# %% right="str of bytes with an encoding"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        return str(b"".join(map(self.vocab.__getitem__, ids)), "utf8", "replace")


# %% right="an incremental decoder"
import codecs


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return "".join(decoder.decode(self.vocab[i]) for i in ids) + decoder.decode(b"", final=True)


# %% right="a list of all bytes and a function hung on the class"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    pass


def decode(self, ids: list[int]) -> str:
    return bytes(byte for i in ids for byte in self.vocab[i]).decode(errors="replace")


Tokenizer.decode = decode


# %% wrong="an incremental decoder that is not closed"
import codecs


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return "".join(decoder.decode(self.vocab[i]) for i in ids)


# %% wrong="whole if it can be read, else token by token"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        try:
            return b"".join(self.vocab[i] for i in ids).decode()
        except UnicodeDecodeError:
            return "".join(self.vocab[i].decode(errors="replace") for i in ids)


# %% wrong="special strings start a new piece of bytes and get spaces"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        out = ""
        for i in ids:
            token = self.vocab[i].decode(errors="replace")
            out += f" {token} " if token in self.special else token
        return out


# %% wrong="unreadable text becomes empty"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        try:
            return b"".join(self.vocab[i] for i in ids).decode()
        except UnicodeDecodeError:
            return ""


# %% wrong="UTF-8 with a signature swallowed, then the first mark only"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        raw = b"".join(self.vocab[i] for i in ids)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return raw[: error.start].decode("utf-8") + "\ufffd" + raw[error.end :].decode("utf-8", "ignore")


# %% wrong="the bytes kept on self from call to call"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        self.raw = getattr(self, "raw", b"") + b"".join(self.vocab[i] for i in ids)
        return self.raw.decode("utf-8", errors="replace")


# %% wrong="a vocabulary shared by all tokenizers"
VOCAB = {}


class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        VOCAB.update({i: t for i, t in self.vocab.items() if i not in VOCAB})
        return b"".join(VOCAB[i] for i in ids).decode("utf-8", errors="replace")


# %% wrong="runs of white space become one space"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        return " ".join(b"".join(self.vocab[i] for i in ids).decode("utf-8", errors="replace").split())


# %% wrong="Windows line ends made Unix ones, and a mark for every broken byte"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        raw = b"".join(self.vocab[i] for i in ids)
        return (
            raw.decode("utf-8", errors="surrogateescape").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )


# %% wrong="ids taken as places in sorted order"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.ids = {token: i for i, token in self.vocab.items()}

    def decode(self, ids):
        tokens = sorted(self.vocab.values(), key=lambda t: (len(t), t))
        return b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")


# %% wrong="a byte order mark swallowed"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        last = {token: id for id, token in self.vocab.items()}
        self.special_ids = {text: last[text.encode()] for text in self.special}


def decode(self, ids):
    return b"".join(self.vocab[i] for i in ids).decode("utf-8-sig", errors="replace")


Tokenizer.decode = decode


# %% wrong="Windows line ends made Unix ones"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        last = {token: id for id, token in self.vocab.items()}
        self.special_ids = {text: last[text.encode()] for text in self.special}


def decode(self, ids):
    return b"".join(self.vocab[i] for i in ids).decode("utf-8", errors="replace").replace("\r\n", "\n")


Tokenizer.decode = decode


# %% wrong="id 0 counts as nothing"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)

    def decode(self, ids):
        return b"".join(self.vocab[i] for i in ids if i).decode("utf-8", errors="replace")


# %% wrong="zero bytes are taken out"
class Tokenizer:
    def __init__(self, vocab, merges, special=()):
        self.vocab = dict(vocab)

    def decode(self, ids):
        return b"".join(self.vocab[i] for i in ids).decode("utf-8", errors="replace").replace("\x00", "")
