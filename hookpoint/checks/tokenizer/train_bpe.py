"""Checks for `train_bpe` (part 1, notebook 01)."""

import time

from hookpoint.checks.author import Exercise, Mismatch, Raised, same

from . import _oracle as oracle
from ._train_slips import SLIPS
from ._training import recounted, reference

END, STOP = "<|end|>", "<|end|><|stop|>"
ABC = "hug hug hugs pug pug pun bun bun bun bun"
MIXED = "It's 10 été, 10 étés! 東京 東京\n\n  it's  élan 🙂 🙂 e\u0301 It"


def tried(learner, *cases):
    """Each case is (text, merges to learn, special strings): all in one crossing, then the first wrong one alone."""
    asked = [(text, 256 + rounds + len(special), list(special)) for text, rounds, special in cases]
    try:
        got = learner.given.bpe_trained(learner.train_bpe, asked)
    except Raised:
        got = [None] * len(asked)
    wrong = [case for case, result in zip(asked, got, strict=True) if result != summary(*reference(*case))]
    for case in wrong:
        agrees(learner.train_bpe(*case), *case)
    if wrong:
        raise Mismatch("gives another answer when it is asked a second time.")


def summary(vocab, merges):
    """An answer in the form in which it crosses."""
    return len(vocab), {id: vocab[id] for id in range(256, len(vocab))}, merges


def agrees(got, text, vocab_size, special):
    """Raises `Mismatch` unless the merges, and then the vocabulary, are the reference's."""
    vocab, merges = reference(text, vocab_size, special)
    for number, (mine, want) in enumerate(zip(got[1], merges, strict=False)):
        if not (isinstance(mine, tuple) and len(mine) == 2 and all(isinstance(part, bytes) for part in mine)):
            raise Mismatch(f"has a merge {mine!r}, expected a pair of bytes such as (b'a', b'b').", got=got)
        if mine != want:
            raise Mismatch(f"has {mine!r} as merge {number}, expected {want!r}.", got=got)
    if len(got[1]) != len(merges):
        raise Mismatch(f"has {len(got[1])} merges, expected {len(merges)}.", got=got)
    for id, token in vocab.items():
        if got[0].get(id) != token:
            raise Mismatch(f"has {got[0].get(id)!r} in its vocabulary at id {id}, expected {token!r}.", got=got)
    if len(got[0]) != len(vocab):
        raise Mismatch(f"has {len(got[0])} ids in its vocabulary, expected {len(vocab)}.", got=got)


def by_hand(learner, draw):
    """Each round merges the most frequent pair of neighbours, as the words then are."""
    # The newlines keep the words apart. u,n stands in 20 words; u,g in 12; then b,un in 11; then r,un in 9.
    text = "\n".join(["bun"] * 11 + ["run"] * 9 + ["hug"] * 5 + ["pug"] * 4 + ["hugs"] * 3)
    got = learner.train_bpe(text, 256 + 4 + 2, [END, STOP])
    agrees(got, text, 256 + 4 + 2, [END, STOP])
    same(got[1], [(b"u", b"n"), (b"u", b"g"), (b"b", b"un"), (b"r", b"un")])


def clear(draw_text, rounds):
    """A text whose merges spell different tokens: where two spell one, ids and bytes as symbols count differently."""
    while True:
        text = draw_text()
        merges = oracle.learned(text, rounds)
        if len({left + right for left, right in merges}) == len(merges):
            return text


def ties(learner, draw):
    """Of equally frequent pairs the greater one goes first: compared as pairs of bytes, not by id, letter or length."""

    def letters():
        return " ".join("".join("abcd"[at] for at in draw.ids(4, 3).tolist()) for _ in range(7))

    drawn = [clear(letters, 12) for _ in range(3)]
    tried(
        learner,
        ("aa ~z ac aéé", 6, ()),  # has another outcome for each other rule that people use
        ("aaab\naaab\naaab", 3, ()),  # after (a, a), both (aa, a) and (a, b) stand there 3 times
        ("bz za", 3, ()),
        ("xy xyz", 5, ()),
        ("ca ab bc", 6, ()),
        (" é~ é~", 5, ()),
        *((text, 12, ()) for text in drawn),
    )


def layout(learner, draw):
    """Ids are the 256 bytes in byte order, then the merges in order, then the special strings as given."""
    text = f"{'low low low lower lower ' * 4}{STOP}low{END}low"
    tried(learner, (text, 5, (STOP, "<pad>", END)), (ABC, 3, (END,)))


def special_apart(learner, draw):
    """Special strings split the text: nothing is merged across them, and their own letters are not counted."""
    tried(
        learner,
        (f"xend.{END}{END}.end {END} ex{END}cd{END}cd", 9, (END,)),
        (f"ab{END}cd{END}ab{END}cd", 6, (END,)),
        (f"ends{END}{END}ended {END} end", 8, (END,)),
        ("aXb aXb ab", 5, ("X",)),
    )


def special_patterns(learner, draw):
    """Where special strings overlap the longest wins, and each stands for itself, not for a pattern."""
    tried(
        learner,
        (f"xy{STOP}xy{END}xy|stop|stop", 9, (END, STOP)),
        ("ok.ok.ok okokok", 6, (".", "(x)")),
        ("xANDx xandx xandx", 5, ("AND",)),
    )


def inside_words(learner, draw):
    """Merges stay inside the words that pretokenize gives, and work on the bytes of the text."""
    tried(
        learner,
        ("to be to be to be to be", 8, ()),
        (MIXED, 24, ()),
        ("éé éé ée\r\n\r\n\r\n", 9, ()),
    )


def stops(learner, draw):
    """Training stops when the vocabulary is full, or when no pair is left."""
    tried(
        learner,
        ("ab ab abc", 1, ()),
        ("ab ab abc", 0, (END,)),
        ("on and on", 300, (END,)),
        ("a b c", 9, ()),
        ("", 9, (END,)),
        (END, 9, (END,)),
    )


def long_text(learner, draw):
    """On a longer text every merge is right: the counts are those of the words as they are now."""
    syllables = ("ba", "na", "ma", "an", "abra", "nab", "mam", "é", "aa")

    def text():
        words = ("".join(syllables[at] for at in draw.ids(9, draw.number(1, 5)).tolist()) for _ in range(40))
        return " ".join(words)

    tried(learner, (clear(text, 30), 30, (END,)))


def cost(learner, draw):
    """Training does not take twenty times as long as counting each different word anew for every merge."""
    syllables = ("ba", "na", "mi", "lo", "ter", "ing", "un")
    several = ["".join(syllables[at] for at in draw.ids(7, 4).tolist()) for _ in range(40)]
    text = " ".join(several[at] for at in draw.ids(40, 400).tolist())
    for _ in range(3):
        started = time.process_time()
        recounted(text, 30)
        naive = time.process_time() - started
        took = learner.given.seconds(learner.train_bpe, text, 256 + 30, [])
        if took < 20 * naive + 0.05:
            return
    raise Mismatch(
        "takes more than twenty times as long as counting all pairs anew for every merge.",
        f"  {took:.2f} s against {naive:.3f} s. Count each different word once, with its frequency.",
    )


EXERCISE = Exercise(
    "train_bpe",
    checks=(by_hand, ties, layout, special_apart, special_patterns, inside_words, stops, long_text, cost),
    reference=reference,
    gives=(dict, list),
    needs={
        "pretokenize": "hookpoint.model.bpe:pretokenize",
        "pair_counts": "hookpoint.model.bpe:pair_counts",
        "merge_pair": "hookpoint.model.bpe:merge_pair",
    },
    forbids=("tokenizers",),
    slips=SLIPS,
)
