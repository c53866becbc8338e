"""Checks for `encode_word` (part 1, notebook 01)."""

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip, same
from hookpoint.checks.protocol.given.tokenizer import tables

from . import _oracle as oracle

A, B, C, D = b"a", b"b", b"c", b"d"
BC_FIRST = [(B, C), (A, B)]  # "abc" is a + bc, though ab is a token too and stands further left
LONG_FIRST = [(C, D), (B, C), (A, B), (A, b"bc"), (b"bc", D)]  # "abcd" is ab + cd, though longer tokens exist
# With these, b"bababaaaaa" has another outcome for each other order of merging that people use.
TELLING = [(A, A), (b"aa", A), (B, b"aa"), (A, B), (b"aa", b"aa"), (B, A)]
RUNS = [(A, A), (b"aa", b"aa"), (b"aa", A), (A, B)]
CHAIN = b"abcdefghijklmnopqrst"
ACCENT = [(b"\xc3", b"\xa9"), (b"t", b"\xc3\xa9"), (b"\xc3\xa9", b"\xc3\xa9")]


def reference(b, ranks, vocab):
    """Every merge in the order learned, wherever it applies."""
    number = {token: id for id, token in vocab.items()}
    return [number[token] for token in oracle.tokens(b, sorted(ranks, key=ranks.get))]


def tried(learner, words, merges, draw=None):
    """All words in one crossing; where they are not all right, one by one, for the message's sake.

    With `draw` the ids of the vocabulary are in no order at all.
    """
    seed = draw.number(0, 2**31) if draw else None
    ranks, vocab = tables(merges, seed=seed)
    try:
        got = learner.given.words_encoded(learner.encode_word, list(words), merges, seed)
    except Raised:
        got = [None] * len(words)
    wrong = [word for word, ids in zip(words, got, strict=True) if ids != reference(word, ranks, vocab)]
    for word in wrong:
        agrees(learner.encode_word(word, ranks, vocab), word, ranks, vocab)
    if wrong:
        raise Mismatch("gives another answer when it is asked a second time.")


def agrees(got, word, ranks, vocab):
    want = reference(word, ranks, vocab)
    if all(type(id) is int and id in vocab for id in got) and got != want:
        shown = [[vocab[id] for id in ids] for ids in (got, want)]
        raise Mismatch(f"gives the tokens {shown[0]}, expected {shown[1]}.", got=got)
    same(got, want)


def earliest_first(learner, draw):
    """Of the pairs in the word the one learned first is merged first, even where a longer token would fit."""
    ranks, vocab = tables(TELLING)
    agrees(learner.encode_word(b"bababaaaaa", ranks, vocab), b"bababaaaaa", ranks, vocab)
    tried(learner, (b"abcdabab", b"abcd", b"bcd"), LONG_FIRST)
    tried(learner, (b"abcdabc", b"abc", b"aabcb", b"abcbc"), BC_FIRST)
    backwards = dict(reversed(ranks.items()))  # the same ranks: a dict may list them in any order
    agrees(learner.encode_word(b"bababaaaaa", backwards, vocab), b"bababaaaaa", backwards, vocab)


def to_the_end(learner, draw):
    """Merging goes on, with merged symbols too, and at every place of the word, until no known pair is left."""
    tried(learner, (b"abxabab", b"abababab"), [(A, B), (b"ab", b"ab"), (b"abab", b"abab")])
    tried(learner, (CHAIN, CHAIN[1:]), [(CHAIN[:at], CHAIN[at : at + 1]) for at in range(1, len(CHAIN))])
    tried(learner, (b"aaaaaaab", b"aaa", b"aaaa", b"aaaaab", b"aaaaaaaaaaa"), RUNS)


def bytes_alone(learner, draw):
    """Bytes that no merge knows stay single: the word may be any bytes, none among them."""
    tried(learner, (b"", b"a", b"xyz", b"\xff\x00\xfe", b"\xff", b"\xfe", "été".encode(), b"\xc3"), ACCENT)
    tried(learner, (b"abc", b"\x80a"), [])


def ids_from_vocab(learner, draw):
    """Ids are those of the vocabulary, in whatever order it has them: GPT-2's own has its bytes in another order."""
    tried(learner, (b"abcd", b"a", b"cdab"), LONG_FIRST, draw)
    tried(learner, ("tété".encode(), b"t\xc3"), ACCENT, draw)


def fresh(learner, draw):
    """What the function was asked before makes no difference: other merges and ids give another answer."""
    for merges in (LONG_FIRST, LONG_FIRST[::-1][2:], [(A, B)], []):
        tried(learner, (b"abcd", b"abc"), merges, draw)


def any_word(learner, draw):
    """Any word with any merges gives the tokens that training would have left it in."""
    for _ in range(5):
        merges = consistent(draw)
        words = [bytes(97 + at for at in draw.ids(3, draw.number(2, 14)).tolist()) for _ in range(3)]
        tried(learner, words, merges, draw)


def consistent(draw):
    """Merges as training could have learned them: each joins symbols that are there, and no two spell the same."""
    symbols, merges = [A, B, C], []
    while len(merges) < 12:
        left, right = (symbols[draw.number(0, len(symbols))] for _ in range(2))
        if left + right not in symbols and len(left + right) < 6:
            merges.append((left, right))
            symbols.append(left + right)
    return merges


def numbered(tokens, vocab):
    number = {token: id for id, token in vocab.items()}
    return [number[token] for token in tokens]


def longest_match(b, ranks, vocab):
    tokens, known = [], set(vocab.values())
    while b:
        length = next(n for n in range(len(b), 0, -1) if b[:n] in known)
        tokens.append(b[:length])
        b = b[length:]
    return numbered(tokens, vocab)


def merging(b, ranks, choose, merge=oracle.merged, at_most=1000):
    symbols = oracle.single_bytes(b)
    for _ in range(at_most):
        known = [pair for pair in oracle.pairs_in(symbols) if pair in ranks]
        if not known:
            break
        symbols = merge(symbols, choose(known))
    return symbols


def leftmost_pair(b, ranks, vocab):
    return numbered(merging(b, ranks, lambda known: known[0]), vocab)


def one_merge(b, ranks, vocab):
    return numbered(merging(b, ranks, lambda known: min(known, key=ranks.get), at_most=1), vocab)


def first_place(word, pair):
    at = next(at for at in range(len(word) - 1) if word[at : at + 2] == pair)
    return (*word[:at], pair[0] + pair[1], *word[at + 2 :])


def each_merge_once(b, ranks, vocab):
    symbols = oracle.single_bytes(b)
    for pair in sorted(ranks, key=ranks.get):
        if pair in oracle.pairs_in(symbols):
            symbols = first_place(symbols, pair)
    return numbered(symbols, vocab)


def rightmost_of_equals(b, ranks, vocab):
    def merge(word, pair):
        return oracle.merged(word[::-1], pair[::-1], pair[0] + pair[1])[::-1]

    return numbered(merging(b, ranks, lambda known: min(known, key=ranks.get), merge), vocab)


def one_pass(b, ranks, vocab):
    """One walk from left to right that joins what it can."""
    tokens = []
    for symbol in oracle.single_bytes(b):
        tokens.append(symbol)
        while len(tokens) > 1 and tuple(tokens[-2:]) in ranks:
            tokens[-2:] = [tokens[-2] + tokens[-1]]
    return numbered(tokens, vocab)


def only_bytes_merged(b, ranks, vocab):
    symbols = oracle.single_bytes(b)
    for pair in sorted(ranks, key=ranks.get):
        if len(pair[0]) == len(pair[1]) == 1:
            symbols = oracle.merged(symbols, pair)
    return numbered(symbols, vocab)


def backward_order(b, ranks, vocab):
    symbols = oracle.single_bytes(b)
    for pair in sorted(ranks, key=ranks.get, reverse=True):
        symbols = oracle.merged(symbols, pair)
    return numbered(symbols, vocab)


def stops_at_unknown(b, ranks, vocab):
    """Unknown pairs rank 0 by mistake, so the loop ends as soon as one is there."""
    symbols = oracle.single_bytes(b)
    while len(symbols) > 1:
        best = min(oracle.pairs_in(symbols), key=lambda pair: ranks.get(pair, -1))
        if best not in ranks:
            break
        symbols = oracle.merged(symbols, best)
    return numbered(symbols, vocab)


def no_merges(b, ranks, vocab):
    return numbered(oracle.single_bytes(b), vocab)


def ids_assumed(b, ranks, vocab):
    place = {left + right: 256 + rank for (left, right), rank in ranks.items()}
    return [place[t] if len(t) > 1 else t[0] for t in oracle.tokens(b, sorted(ranks, key=ranks.get))]


def bytes_as_ids(b, ranks, vocab):
    number = {token: id for id, token in vocab.items()}
    tokens = oracle.tokens(b, sorted(ranks, key=ranks.get))
    return [number[token] if len(token) > 1 else token[0] for token in tokens]


def through_text(b, ranks, vocab):
    return reference(b.decode("utf-8", errors="ignore").encode(), ranks, vocab)


def through_marks(b, ranks, vocab):
    return reference(b.decode("utf-8", errors="replace").encode(), ranks, vocab)


def characters(b, ranks, vocab):
    number = {token: id for id, token in vocab.items()}
    symbols = tuple(char.encode() for char in b.decode("utf-8", errors="surrogateescape"))
    for pair in sorted(ranks, key=ranks.get):
        symbols = oracle.merged(symbols, pair)
    return [number[symbol] for symbol in symbols]


def latin_ids(b, ranks, vocab):
    return reference(b.decode("latin-1").encode(), ranks, vocab)


def tokens_not_ids(b, ranks, vocab):
    return oracle.tokens(b, sorted(ranks, key=ranks.get))


def empty_crashes(b, ranks, vocab):
    if len(b) < 2 and not b:
        raise ValueError
    return reference(b, ranks, vocab)


EXERCISE = Exercise(
    "encode_word",
    checks=(earliest_first, to_the_end, bytes_alone, ids_from_vocab, fresh, any_word),
    reference=reference,
    gives=list,
    needs={"merge_pair": "hookpoint.model.bpe:merge_pair", "pair_counts": "hookpoint.model.bpe:pair_counts"},
    forbids=("tokenizers",),
    slips=(
        Slip("the longest token that fits is taken, from left to right, whatever was learned first", longest_match),
        Slip("the leftmost known pair is merged, and not the one learned first", leftmost_pair),
        Slip("one merge is made and no more", one_merge),
        Slip("each merge is made at one place only", each_merge_once),
        Slip("a pair is merged from the right, which matters in a run like aaa", rightmost_of_equals),
        Slip("one walk from left to right joins neighbours as it meets them", one_pass),
        Slip("only pairs of single bytes are merged, and merged symbols never again", only_bytes_merged),
        Slip("the merges are gone through from the last learned to the first", backward_order),
        Slip("a pair that was never learned ranks before all others, which ends the loop", stops_at_unknown),
        Slip("nothing is merged", no_merges),
        Slip("ids are computed (the byte, or 256 + rank), and not looked up in the vocabulary", ids_assumed),
        Slip("a single byte stands for itself as id, and is not looked up in the vocabulary", bytes_as_ids),
        Slip("the bytes are decoded as text first, which drops those that are no UTF-8", through_text),
        Slip("the bytes are decoded as text first, so different bytes become the same mark U+FFFD", through_marks),
        Slip("the word is cut into characters, and not into bytes", characters),
        Slip("the bytes are read as Latin-1 and encoded again, so one byte above 127 becomes two", latin_ids),
        Slip("the tokens are returned, and not their ids", tokens_not_ids),
        Slip("the smallest of no pairs is asked for", empty_crashes),
    ),
)
