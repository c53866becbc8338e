"""Checks for `encode_stream` (part 1, notebook 01)."""

from functools import wraps

from hookpoint.checks.author import Exercise, Mismatch, Raised, Ref, same

from ._class import END, NEEDS, SPECIAL, STOP, Made, are_ids, tokens_shown
from ._stream_slips import SLIPS

MOST_HELD = 10_000  # characters of ordinary text that may be read before the ids of the first of them come
MOST_IDS = 400  # more than any text of a case has
MOST_ASKED = 12  # times the length of the text: what is held back is encoded again, the whole past is not
SENTENCE = "the end and then they'll tell 12 more, and the rest in the den. "

# Chunk ends where ids depend on what comes next.
CUTS = (
    ["the  ", "end", "'l", "l"],
    ["the", " en", "d, th", "en"],
    ["the\n\nend and", "x"],
    ["they", "'", "l", "l t", "he", "'", "r", "e"],
    ["they'l", "l the' ", "the'", "\n", "s'"],
    ["the ", " ", "  end", " ", " "],
    ["the  ", "\n", "\n ", " end\n", "\n", "\n"],
    ["a\t", " b \t", "\tc\r", "\n\r\nd"],
    ["1", "2 1", "21", "2", "!", "!", "? ", "?"],
    ["e", "\u0301", "t", "é", "🙂", "東", "京 "],
    [" ", "the"],
    ["the", " "],
)
SPECIAL_CUTS = (
    ["the  ", "<|en", "d|>", " AND"],
    ["the<", "|", "end", "|", "> the<|e", "nd|>"],
    ["the  <|en", "d|>  en", "d <|", "end|>"],
    ["the<|end", "|end", "|", "><|end|", "end|>"],
    [END, END, "the", END, END[:-1]],
    ["<", "<|end|>", "<|", "<|end|>", ">"],
    ["wA", "N", "Den[MAS", "K]AN", "DAN", "A"],
    ["the \n", "\n[MA", "SK]\n\n", "AND\n"],
    ["the <| pad", " |> end the ", "<| pad en", "d"],
    ["the <| pad |> ended", " 12"],
)
LONGER_CUTS = (
    ["the<|end|", ">", "<|stop|>end"],
    ["the<|end|>", "<|stop|>", "end"],
    ["<|end|", "><", "|stop", "|", ">", "<|end|>", "<|sto"],
    [END, "<|stop", "|>", END, "<|stop|", END, STOP],
    ["  <|end|>", "<", "|  end"],
)


def fair(check):
    """The check with the learner's own `encode`; where that fails, with ours: a slip there must not count twice."""

    @wraps(check)
    def tried(learner, draw):
        try:
            check(Made("encode_stream", learner), draw)
        except (Mismatch, Raised):
            made = Made("encode_stream", learner)
            made.lend_encode()
            check(made, draw)

    return tried


def tried(made, *cases):
    """Each case is what `encode_stream` is called with: all in one crossing, then the first wrong one alone."""
    try:
        got = made.learner.given.chunks_encoded(made.object, cases, MOST_IDS)
    except Raised:
        got = [None] * len(cases)
    want = [made.ids("".join(chunks), *allowed) for chunks, *allowed in cases]
    wrong = [case for case, ids, right in zip(cases, got, want, strict=True) if not are_ids(ids, right)]
    for case in wrong:
        agrees(made, *case)
    if wrong:
        raise Mismatch("gives another answer when it is asked a second time.")


def agrees(made, chunks, *allowed):
    """Raises `Mismatch` unless the chunks give the ids of the whole text."""
    stream = iterating(made.object.encode_stream(chunks, *allowed))
    got = made.learner.given.first_items(stream, MOST_IDS)
    want = made.ids("".join(chunks), *allowed)
    if got == want:
        return
    if all(type(id) is int and id in made.vocab for id in got):
        mine, theirs = tokens_shown(got, want, made.vocab)
        raise Mismatch(f"gives the tokens {mine},", f"  expected {theirs}.")
    wrong = next((id for id in got if type(id) is not int or id not in made.vocab), None)
    raise Mismatch(f"gives {wrong!r}, which is no id.")


def iterating(got):
    if not (isinstance(got, Ref) and got._about["kind"] == "iterator"):
        raise Mismatch("does not return an iterator.", "  A function with `yield` in it returns one.", got=got)
    return got


@fair
def words(made, draw):
    """Chunks may end inside a word, after an apostrophe or within white space: the ids are those of the whole text."""
    tried(made, *((chunks,) for chunks in CUTS), (list("they'll the  end\n\n12"),))


@fair
def special_strings(made, draw):
    """A special string may be cut anywhere, and what only begins like one is text in the end."""
    tried(
        made,
        *((chunks, [END, "[MASK]", "AND", "<| pad |>"]) for chunks in SPECIAL_CUTS),
        (list(f"the {END}AN wAND"), [END, "AND"]),
        (SPECIAL_CUTS[0],),
        (SPECIAL_CUTS[0], ["AND"]),
    )


@fair
def longest(made, draw):
    """A special string that a longer one begins with waits for the next chunk: the longest wins here too."""
    tried(made, *((chunks, list(SPECIAL)) for chunks in LONGER_CUTS), (list(f"{STOP}the{END}"), [STOP, END]))


@fair
def any_chunks(made, draw):
    """Any text cut anywhere, into empty chunks too, gives the ids of the whole; no chunks give none."""
    cases = [(["the end the end", "", "12"],), ([],), (["x"],), (["", "the", "", "", " end", ""],), (["", ""], [END])]
    fragments = (END, "<|stop|>", "AND", "<|", "A", "'", "l", "ll", " ", "  ", "\n", "the", " end", "é", "1")
    for _ in range(8):
        text = "".join(fragments[at] for at in draw.ids(len(fragments), draw.number(2, 12)).tolist())
        ends = sorted({*draw.ids(len(text) + 1, draw.number(1, 9)).tolist(), 0, len(text)})
        cases.append(([text[start:end] for start, end in zip(ends, ends[1:], strict=False)], list(SPECIAL)))
    tried(made, *cases)


@fair
def any_iterable(made, draw):
    """Chunks come from anything that a for loop takes: a list, a tuple, a generator that can be read only once."""
    chunks = ["the e", "nd'l", "l<|e", "nd|> the"]
    want = made.ids("".join(chunks), [END])
    for given in (tuple(chunks), iter(chunks), (chunk for chunk in chunks)):
        stream = iterating(made.object.encode_stream(given, [END]))
        same(made.learner.given.first_items(stream, 100), want)
    stream = iterating(made.object.encode_stream(chunks, allowed_special=(END,)))
    same(made.learner.given.first_items(stream, 100), want)


@fair
def side_by_side(made, draw):
    """Two streams of one tokenizer do not mix, and one that is left unread leaves nothing to the next."""
    texts = (["the e", "nd, the", "y'll tel", "l"] * 4, ["12 12", "\n\nand ", "the ", "té"] * 4)
    streams = [iterating(made.object.encode_stream(chunks)) for chunks in texts]
    got = [[], []]
    for _ in range(5):
        for at, stream in enumerate(streams):
            got[at] += made.learner.given.first_items(stream, 20)
    for ids, chunks in zip(got, texts, strict=True):
        same(ids, made.ids("".join(chunks)), "from one of two streams that are read in turn")
    made.learner.given.first_items(iterating(made.object.encode_stream(["the end", " and"])), 1)
    tried(made, (texts[1],))


class EndlessText:
    """Ordinary text in chunks without an end. Reading far ahead of what has come out is stopped."""

    def __init__(self):
        self.read, self.out = 0, 0
        self.text = SENTENCE * 4
        self.text = (self.text[:150] + "\n" + self.text[150:])[:250]

    def __iter__(self):
        return self

    def __next__(self):
        if self.read - self.out > MOST_HELD:
            fact = "its first id" if not self.out else "the ids of the first of them"
            raise Mismatch(
                f"reads {self.read - self.out:,} characters before it gives {fact}.",
                "  The input may have no end: give each id as soon as no later chunk can change it.",
            )
        self.read += 2 * len(self.text)
        return self.text * 2


@fair
def lazy(made, draw):
    """Ids come while the text is still being read: at most 10,000 characters of ordinary text wait."""
    source, got = EndlessText(), []
    stream = iterating(made.object.encode_stream(source))
    for count in (1, 150, 200):
        got += made.learner.given.first_items(stream, count)
        source.out = len(b"".join(made.vocab.get(id, b"") for id in got if type(id) is int))
    same(got, made.ids(source.text * 4)[: len(got)], "from a text without an end")
    if len(got) < 351:
        raise Mismatch("ends before its input does.")


def forgetful(learner, draw):
    """What has been given is forgotten: the whole text so far is not encoded again for every chunk."""
    made = Made("encode_stream", learner)
    lent = made.lend_encode()
    chunks = [SENTENCE[at : at + 16] for at in range(0, 64, 16)] * 20
    try:
        stream = made.object.encode_stream(chunks)
        complete = isinstance(stream, Ref) and len(learner.given.first_items(stream, 10_000))
    except (Mismatch, Raised):
        return  # the other checks say what is wrong
    length = sum(map(len, chunks))
    asked = learner.given.characters_asked(lent)
    if complete and asked > MOST_ASKED * length:
        raise Mismatch(
            f"asks encode for {asked:,} characters in all, where the text has {length:,}.",
            "  Keep only what later chunks may still change.",
        )


EXERCISE = Exercise(
    "encode_stream",
    writes="Tokenizer",
    checks=(words, special_strings, longest, any_chunks, any_iterable, side_by_side, lazy, forgetful),
    needs=NEEDS,
    forbids=("tokenizers",),
    slips=SLIPS,
)
