"""Checks for `encode` (part 1, notebook 01)."""

import re

from hookpoint.checks.author import Exercise, Mismatch, Raised, same

from . import _oracle as oracle
from ._class import END, NEEDS, SPECIAL, STOP, Base, Made, are_ids, slip, tokens_shown

PLAIN = (
    "the end, they'll tell  the tea",
    "",
    "  the\n\nend \n",
    "té the été\r\n\tand 1212",
    "🙂 東京 e\u0301’s",
    "x",
)
ALLOWED = (
    f"the {END} end  {END}the",
    f"{END}the",
    f"the{END}",
    END,
    f"{END}{END}",
    f" {END} ",
    f"the  {END}\n\n{END}end",
    f"x{END}12",
)
FRAGMENTS = (
    "the", " the", END, "<|end", "|>", "<|stop|>", "[MASK]", "AND", "<| pad |>", "A", " ", "  ", "\n", "é", "ll", "'",
    "and",
)  # fmt: skip


def tried(made, *cases):
    """Each case is what `encode` is called with: all in one crossing, then the first wrong one alone."""
    try:
        got = made.learner.given.texts_encoded(made.object, cases)
    except Raised:
        got = [None] * len(cases)
    wrong = [case for case, ids in zip(cases, got, strict=True) if not are_ids(ids, made.ids(*case))]
    for case in wrong:
        agrees(made, *case)
    if wrong:
        raise Mismatch("gives another answer when it is asked a second time.")


def agrees(made, text, *allowed):
    """Raises `Mismatch` unless the text has the ids that it should have."""
    got = made.object.encode(text, *allowed)
    want = made.ids(text, *allowed)
    if isinstance(got, list) and got != want and all(isinstance(id, int) and id in made.vocab for id in got):
        mine, theirs = tokens_shown(got, want, made.vocab)
        if mine != theirs:
            raise Mismatch(f"gives the tokens {mine},", f"  expected {theirs}.", got=got)
    same(got, want)


def plain_text(learner, draw):
    """Text is cut into words, and the ids of the words follow each other; no text has no ids."""
    made = Made("encode", learner, draw)
    tried(made, *((text,) for text in PLAIN), *((text, []) for text in PLAIN))


def allowed_special(learner, draw):
    """An allowed special string is one id wherever it stands, and the text around it keeps its white space."""
    made = Made("encode", learner, draw)
    tried(made, (f"AND\nAND{END}the {END} ANDx", [END, "AND"]), *((text, [END]) for text in ALLOWED))


def not_allowed(learner, draw):
    """A special string that is not allowed is text like any other; nothing is allowed unless you say so."""
    made = Made("encode", learner, draw)
    texts = (f"the{END} AND {END}", END, "wANDer")
    tried(made, *((text,) for text in texts), *((text, ["[MASK]"]) for text in texts))
    text = f"{END}AND[MASK]{END}"
    tried(made, (text, ["AND"]), (text, ["[MASK]", END]))


def longest(learner, draw):
    """Where several allowed special strings begin at one place the longest wins, in whatever order they are listed."""
    nested = ("<a><b>", "<a>", "<a><b><c>")
    for special in (nested, nested[::-1], sorted(nested)):
        made = Made("encode", learner, draw, special)
        tried(made, ("x<a><b><c><a><b>y<a><c>", list(special)), ("<a><a><b><a><b><b><c>", ["<a><b>", "<a>"]))
    made = Made("encode", learner, draw)
    tried(made, (f"the{STOP}{END} {STOP}", list(SPECIAL)), (f"the{STOP} {END}", [END]))


def letter_by_letter(learner, draw):
    """A special string stands for itself, also one with brackets or bars, and one that lies inside a word."""
    made = Made("encode", learner, draw)
    tried(
        made,
        ("the [MASK] M |end wANDer AND", ["[MASK]", "AND", END]),
        ("the<| pad |> <| pad <| pad |>", ["<| pad |>"]),
    )
    other = Made("encode", learner, draw, ("(.)", "a.c", "\\d"))
    tried(other, ("the (.) abc a.c . \\d 1", ["(.)", "a.c", "\\d"]))


def ways_to_allow(learner, draw):
    """allowed_special may be a list, a tuple or a set, and can be named."""
    made = Made("encode", learner, draw)
    text = f"the{END}AND"
    tried(made, (text, [END, "AND"]))
    for allowed in ((END, "AND"), {END, "AND"}):
        same(made.object.encode(text, allowed), made.ids(text, allowed), f"with a {type(allowed).__name__}")
    same(made.object.encode(text, allowed_special=[END]), made.ids(text, [END]))


def one_by_itself(learner, draw):
    """Two tokenizers know nothing of each other, and the same text has the same ids again."""
    one, other = Made("encode", learner, draw), Made("encode", learner, draw, (END,), [])
    for made in (one, other, one):
        tried(made, (f"the end{END}the", [END]), (f"the end{END}the",))


def any_text(learner, draw):
    """Any mixture of text and special strings has the ids that it should have."""
    made = Made("encode", learner, draw)
    cases = []
    for _ in range(8):
        text = "".join(FRAGMENTS[at] for at in draw.ids(len(FRAGMENTS), draw.number(2, 12)).tolist())
        kept = draw.ids(3, len(SPECIAL)).tolist()
        cases.append((text, [each for each, keep in zip(SPECIAL, kept, strict=True) if keep]))
    tried(made, *cases)


def special_id(self, text):
    return self.number[text.encode()]


def mixed(self, pieces, words=None):
    words = words or self.words
    return [id for piece, special in pieces for id in ([special_id(self, piece)] if special else words(piece))]


def allowed_ignored(self, text, allowed_special=()):
    return mixed(self, oracle.pieces(text, ()))


def always_allowed(self, text, allowed_special=()):
    return mixed(self, oracle.pieces(text, self.special))


def all_or_none(self, text, allowed_special=()):
    return mixed(self, oracle.pieces(text, self.special if allowed_special else ()))


def as_listed(text, special):
    """Cut at the special string that is listed first, as a pattern in this order would."""
    found, plain, at = [], "", 0
    while at < len(text):
        begun = next((each for each in special if text.startswith(each, at)), "")
        found += [(plain, False)] if begun and plain else []
        found += [(begun, True)] if begun else []
        plain = "" if begun else plain + text[at]
        at += len(begun) or 1
    return found + ([(plain, False)] if plain else [])


def shortest_first(self, text, allowed_special=()):
    return mixed(self, as_listed(text, sorted(allowed_special, key=len)))


def order_of_the_list(self, text, allowed_special=()):
    return mixed(self, as_listed(text, list(allowed_special)))


def not_escaped(self, text, allowed_special=()):
    if not allowed_special:
        return self.words(text)
    pattern = "|".join(sorted(allowed_special, key=len, reverse=True))
    return mixed(self, [(part, part in allowed_special) for part in re.split(f"({pattern})", text) if part])


def stripped(self, text, allowed_special=()):
    return mixed(self, [(p if special else p.strip(), special) for p, special in oracle.pieces(text, allowed_special)])


def special_dropped(self, text, allowed_special=()):
    return mixed(self, [(piece, special) for piece, special in oracle.pieces(text, allowed_special) if not special])


def only_first(self, text, allowed_special=()):
    at = min((text.find(each) for each in allowed_special if each in text), default=-1)
    if at < 0:
        return self.words(text)
    each = max((each for each in allowed_special if text.startswith(each, at)), key=len)
    return self.words(text[:at]) + [special_id(self, each)] + self.words(text[at + len(each) :])


def whole_words_only(self, text, allowed_special=()):
    return [
        id
        for word in oracle.words(text)
        for id in ([special_id(self, word)] if word in allowed_special else self.plain(word.encode()))
    ]


def spaces_around_only(self, text, allowed_special=()):
    pieces = [(part, part in allowed_special) for part in re.split(r"(?<=\s)|(?=\s)", text)]
    joined = []
    for part, special in pieces:
        if joined and not special and not joined[-1][1]:
            joined[-1] = (joined[-1][0] + part, False)
        elif part:
            joined.append((part, special))
    return mixed(self, joined)


def not_cut(self, text, allowed_special=()):
    """No words: the merges run over a whole piece of text."""
    return mixed(self, oracle.pieces(text, allowed_special), lambda piece: self.plain(piece.encode()))


def cut_at_spaces(self, text, allowed_special=()):
    pieces = oracle.pieces(text, allowed_special)
    return mixed(self, pieces, lambda piece: [id for word in piece.split() for id in self.plain(word.encode())])


def bytes_only(self, text, allowed_special=()):
    pieces = oracle.pieces(text, allowed_special)
    return mixed(self, pieces, lambda piece: [self.number[bytes([byte])] for byte in piece.encode()])


def byte_values(self, text, allowed_special=()):
    """Ids as training gives them, whatever the vocabulary says."""
    place = {left + right: 256 + rank for rank, (left, right) in enumerate(self.merges)}

    def words(piece):
        tokens = [token for word in oracle.words(piece) for token in oracle.tokens(word.encode(), self.merges)]
        return [place[token] if len(token) > 1 else token[0] for token in tokens]

    return mixed(self, oracle.pieces(text, allowed_special), words)


def list_per_word(self, text, allowed_special=()):
    return [
        [special_id(self, piece)] if special else [self.plain(word.encode()) for word in oracle.words(piece)]
        for piece, special in oracle.pieces(text, allowed_special)
    ]


def tokens_not_ids(self, text, allowed_special=()):
    return [self.vocab[id] for id in Base.encode(self, text, allowed_special)]


def empty_crashes(self, text, allowed_special=()):
    if not text:
        raise ValueError
    return Base.encode(self, text, allowed_special)


def empty_pieces_crash(self, text, allowed_special=()):
    """Splitting leaves empty pieces between neighbours and at the ends, and an empty piece is too much for it."""
    if allowed_special and "" in re.split("|".join(map(re.escape, allowed_special)), text):
        raise ValueError
    return Base.encode(self, text, allowed_special)


EXERCISE = Exercise(
    "encode",
    writes="Tokenizer",
    checks=(
        plain_text, allowed_special, not_allowed, longest, letter_by_letter, ways_to_allow, one_by_itself, any_text,
    ),
    needs=NEEDS,
    forbids=("tokenizers",),
    slips=(
        slip("allowed_special is ignored, and everything is text", allowed_ignored, "encode"),
        slip("special strings are always cut out, allowed or not", always_allowed, "encode"),
        slip("one allowed special string allows all of them", all_or_none, "encode"),
        slip("of overlapping special strings the shortest wins", shortest_first, "encode"),
        slip("of overlapping special strings the one that is listed first wins", order_of_the_list, "encode"),
        slip("the special strings are used as patterns: re.escape is missing", not_escaped, "encode"),
        slip("the text is stripped, as a whole or on both sides of each special string", stripped, "encode"),
        slip("special strings are cut out but their ids are not put in", special_dropped, "encode"),
        slip("only the first special string of the text is found", only_first, "encode"),
        slip("special strings are looked for among the words, which have cut them up", whole_words_only, "encode"),
        slip("special strings are found only with white space around them", spaces_around_only, "encode"),
        slip("the text is not cut into words, so merges cross their borders", not_cut, "encode"),
        slip("words come from split(), which loses the white space", cut_at_spaces, "encode"),
        slip("every byte has its own id, and nothing is merged", bytes_only, "encode"),
        slip("ids are computed (the byte, or 256 + rank), and not looked up in the vocabulary", byte_values, "encode"),
        slip("the ids of each word are a list of their own: append instead of extend", list_per_word, "encode"),
        slip("the tokens are returned, and not their ids", tokens_not_ids, "encode"),
        slip("the empty text is refused", empty_crashes, "encode"),
        slip("an empty piece, before, after or between special strings, is refused", empty_pieces_crash, "encode"),
    ),
)  # fmt: skip
