"""Checks for `decode` (part 1, notebook 01)."""

from hookpoint.checks.author import Exercise, same

from ._class import END, MERGES, NEEDS, SPECIAL, STOP, Made, slip
from .bytes_to_unicode import reference as printable

TEXTS = ("the end, they'll  tell\n", "x", "té été", f"the{END}{STOP} [MASK]AND", "  \n\n\t 1212", "\ufeffthe\r\nend")
SPLIT = ("東京", "🙂🙃", "e\u0301 ’", "ß🙂é東")
BROKEN = (b"\xc3\xa9\x80", b"\xff", b"the\xff\xfeend", b"\x80t", b"t\xc3", b"\xc3t", b"\xe6\x9dend", b"\xf0\x9f\x99")


def number_of(made):
    return {token: id for id, token in made.vocab.items()}


def plain_text(learner, draw):
    """Ids become the text that their tokens spell, special strings too, with nothing between; no ids, no text."""
    made = Made("decode", learner, draw)
    for text in TEXTS:
        same(made.object.decode(made.ids(text, SPECIAL)), text)
    same(made.object.decode([]), "")


def spread_characters(learner, draw):
    """A character whose bytes are spread over several tokens comes out whole."""
    made = Made("decode", learner, draw)
    number = number_of(made)
    for text in SPLIT:
        same(made.object.decode([number[bytes([byte])] for byte in text.encode()]), text)
    same(made.object.decode([number[part] for part in (b"\xf0\x9f\x99", b"\x82", b"t\xc3\xa9")]), "🙂té")


def broken_bytes(learner, draw):
    """Bytes that are no UTF-8 become U+FFFD, the mark of something unreadable, and the rest is read as usual."""
    made = Made("decode", learner, draw)
    number = number_of(made)
    for raw in BROKEN:
        same(made.object.decode([number[bytes([byte])] for byte in raw]), raw.decode("utf-8", errors="replace"))
    same(made.object.decode([number[b"\xc3"], number[END.encode()], number[b"\xa9"]]), f"\ufffd{END}\ufffd")


def any_ids(learner, draw):
    """Any ids decode to the text of all their bytes together, and any text comes back from its own ids."""
    made = Made("decode", learner, draw)
    for _ in range(4):
        ids = draw.ids(len(made.vocab), draw.number(3, 20)).tolist()
        same(made.object.decode(ids), b"".join(made.vocab[id] for id in ids).decode("utf-8", errors="replace"))
    letters = "the é東🙂\n'll12"
    for _ in range(4):
        text = "".join(letters[at] for at in draw.ids(len(letters), draw.number(3, 20)).tolist())
        same(made.object.decode(made.ids(text)), text)
    ids = sorted(made.vocab)
    for order in (ids, ids[::-1]):  # each id there is, 0 too, and so each byte
        same(made.object.decode(order), b"".join(map(made.vocab.get, order)).decode("utf-8", errors="replace"))


def one_by_itself(learner, draw):
    """Two tokenizers know nothing of each other."""
    one, other = Made("decode", learner, draw), Made("decode", learner, draw, (END,), MERGES[:4])
    for made in (one, other, one):
        same(made.object.decode(made.ids(f"the end{END}", [END])), f"the end{END}")


def raw(self, ids):
    return b"".join(self.vocab[id] for id in ids)


def token_by_token(self, ids):
    return "".join(self.vocab[id].decode("utf-8", errors="replace") for id in ids)


def token_by_token_strict(self, ids):
    return "".join(self.vocab[id].decode("utf-8") for id in ids)


def strict(self, ids):
    return raw(self, ids).decode("utf-8")


def ignored(self, ids):
    return raw(self, ids).decode("utf-8", errors="ignore")


def backslashes(self, ids):
    return raw(self, ids).decode("utf-8", errors="backslashreplace")


def question_marks(self, ids):
    return raw(self, ids).decode("utf-8", errors="replace").replace("\ufffd", "?")


def latin(self, ids):
    return raw(self, ids).decode("latin-1")


def spaced(self, ids):
    return " ".join(self.vocab[id].decode("utf-8", errors="replace") for id in ids)


def in_printable(self, ids):
    table = printable()
    return "".join(table[byte] for byte in raw(self, ids))


def special_left_out(self, ids):
    special = {each.encode() for each in self.special}
    return b"".join(self.vocab[id] for id in ids if self.vocab[id] not in special).decode("utf-8", errors="replace")


def ids_as_bytes(self, ids):
    parts = [bytes([id]) if id < 256 else self.vocab[id] for id in ids]
    return b"".join(parts).decode("utf-8", errors="replace")


def listed_order(self, ids):
    tokens = list(self.vocab.values())
    return b"".join(tokens[id] for id in ids).decode("utf-8", errors="replace")


def stripped(self, ids):
    return raw(self, ids).decode("utf-8", errors="replace").strip()


def bytes_returned(self, ids):
    return raw(self, ids)


def text_of_bytes(self, ids):
    return str(raw(self, ids))


def list_returned(self, ids):
    return [self.vocab[id].decode("utf-8", errors="replace") for id in ids]


EXERCISE = Exercise(
    "decode",
    writes="Tokenizer",
    checks=(plain_text, spread_characters, broken_bytes, any_ids, one_by_itself),
    needs=NEEDS,
    forbids=("tokenizers",),
    slips=(
        slip(
            "each token is decoded by itself, so a character spread over two tokens is lost", token_by_token, "decode"
        ),
        slip("each token is decoded by itself, which fails on half a character", token_by_token_strict, "decode"),
        slip('bytes that are no UTF-8 raise an error: errors="replace" is missing', strict, "decode"),
        slip("bytes that are no UTF-8 are dropped", ignored, "decode"),
        slip("bytes that are no UTF-8 become escapes such as \\xff", backslashes, "decode"),
        slip("bytes that are no UTF-8 become a question mark, and not U+FFFD", question_marks, "decode"),
        slip("the bytes are read as Latin-1 and not as UTF-8", latin, "decode"),
        slip("the tokens are joined by spaces", spaced, "decode"),
        slip("the bytes come out in GPT-2's printable alphabet: Ġ for the space", in_printable, "decode"),
        slip("special strings are left out", special_left_out, "decode"),
        slip("an id below 256 is taken for that byte, and not looked up in the vocabulary", ids_as_bytes, "decode"),
        slip(
            "the vocabulary is read as a list: by the place where an id is listed, and not by the id",
            listed_order,
            "decode",
        ),
        slip("the text is stripped", stripped, "decode"),
        slip("the bytes are returned, and not decoded", bytes_returned, "decode"),
        slip("the bytes are turned into text by str(), which gives b'...'", text_of_bytes, "decode"),
        slip("a list of texts is returned, one for each token", list_returned, "decode"),
    ),
)
