"""What the checks of the three methods of `Tokenizer` share: its vocabulary, and how one is made with the learner's."""

from hookpoint.checks.author import Mismatch, Ref, Slip
from hookpoint.checks.protocol.given.tokenizer import tables

from . import _oracle as oracle

__all__ = ["MERGES", "SPECIAL", "Base", "Made", "NEEDS", "are_ids", "slip", "tokens_shown"]

END, STOP = "<|end|>", "<|end|><|stop|>"
SPECIAL = (END, STOP, "[MASK]", "AND", "<| pad |>")

# Consistent, as training could have learned them, and no two spell the same. With some of them ids depend on where a
# word ends: "'" and "ll", runs of white space, a space and what follows.
MERGES = [
    (b" ", b"t"), (b"h", b"e"), (b" t", b"he"), (b"l", b"l"), (b"'", b"ll"), (b" ", b" "), (b"\n", b"\n"), (b"e", b"n"),
    (b"en", b"d"), (b"<", b"|"), (b"|", b">"), (b"\xc3", b"\xa9"), (b"t", b"\xc3\xa9"), (b"a", b"n"), (b"an", b"d"),
    (b" ", b"and"), (b"A", b"N"), (b"\xf0", b"\x9f"), (b"\xf0\x9f", b"\x99"), (b"1", b"2"), (b"  ", b" "),
]  # fmt: skip

NEEDS = {
    "pretokenize": "hookpoint.model.bpe:pretokenize",
    "encode_word": "hookpoint.model.bpe:encode_word",
    "merge_pair": "hookpoint.model.bpe:merge_pair",
}


class Made:
    """A tokenizer of the learner's class, and what it should answer."""

    def __init__(self, method, learner, draw=None, special=SPECIAL, merges=MERGES):
        self.learner, self.special, self.merges = learner, list(special), merges
        self.seed = draw.number(0, 2**31) if draw else None
        self.vocab = tables(merges, special, self.seed)[1]
        self.object = learner.given.made_tokenizer(learner.Tokenizer, merges, self.special, self.seed)
        if not isinstance(self.object, Ref):
            raise Mismatch("is no class whose objects have methods.")
        if not learner.given.has_method(self.object, method):
            _ = learner[method].value  # says so if it has not been defined at all, and why
            raise Mismatch(
                f"has no method {method}.", f"  `Tokenizer.{method} = {method}`, below the function, adds it."
            )

    def ids(self, text, allowed=()):
        return oracle.encoded(text, self.vocab, self.merges, allowed)

    def lend_encode(self):
        """Gives this one object an `encode` of ours, if it takes one."""
        return self.learner.given.lend_encode(self.object, self.merges, self.special, self.seed)


class Base:
    """The constructor that the notebook gives, and right methods: a slip exchanges one of them."""

    def __init__(self, vocab, merges, special=()):
        self.vocab, self.merges, self.special = dict(vocab), list(merges), list(special)
        self.number = {token: id for id, token in self.vocab.items()}

    def words(self, text):
        return [id for word in oracle.words(text) for id in self.plain(word.encode())]

    def plain(self, word):
        return [self.number[token] for token in oracle.tokens(word, self.merges)]

    def encode(self, text, allowed_special=()):
        return oracle.encoded(text, self.vocab, self.merges, allowed_special)


def slip(says, wrong, method):
    """A slip that is one wrong method, named after it."""
    return Slip(says, type(wrong.__name__, (Base,), {method: wrong}))


def are_ids(got, want):
    """Whether these are a list of whole numbers, and the right ones."""
    return isinstance(got, list) and got == want and all(type(id) is int for id in got)


def tokens_shown(got, want, vocab):
    """The tokens of both around the first place where they differ, as text where they are text."""
    at = next((at for at in range(min(len(got), len(want))) if got[at] != want[at]), min(len(got), len(want)))
    return tuple(around(ids, at, vocab) for ids in (got, want))


def around(ids, at, vocab, before=2, after=4):
    start = max(at - before, 0)
    tokens = [vocab[id] for id in ids[start : at + after]]
    shown = [repr(token.decode() if is_text(token) else token) for token in tokens]
    return f"[{', '.join([*['...'] * (start > 0), *shown, *['...'] * (at + after < len(ids))])}]"


def is_text(token):
    try:
        return token.decode() is not None
    except UnicodeDecodeError:
        return False
