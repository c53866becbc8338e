"""Promises of the tokenizer: GPT-2's words, the order of merges and ids, and text that survives the way back."""

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.model.bpe import encode_word, merge_pair, pair_counts
from hookpoint.model.tokenizer import Tokenizer, bytes_to_unicode, pretokenize, train_bpe

END = "<|endoftext|>"
PAGE = Path(__file__).read_text(encoding="utf-8")


def naive_merges(words, at_most):
    """Byte-pair encoding by its definition: count everything anew, take the best pair, rewrite every word."""
    words = [([bytes([byte]) for byte in word.encode()], count) for word, count in words.items()]
    merges = []
    while len(merges) < at_most:
        counts = {}
        for parts, count in words:
            for i in range(len(parts) - 1):
                counts[parts[i], parts[i + 1]] = counts.get((parts[i], parts[i + 1]), 0) + count
        if not counts:
            break
        best = sorted(counts, key=lambda pair: (counts[pair], pair))[-1]
        merges.append(best)
        for parts, _ in words:
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == best:
                    parts[i : i + 2] = [best[0] + best[1]]
                i += 1
    return merges


# Words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello world", ["Hello", " world"]),
        ("I'm, we'LL", ["I", "'m", ",", " we", "'", "LL"]),
        ("they'll've", ["they", "'ll", "'ve"]),
        ("a  b", ["a", " ", " b"]),
        ("end   ", ["end", "   "]),
        ("x\n\n y", ["x", "\n\n", " y"]),
        ("in 2026?!", ["in", " 2026", "?!"]),
        ("été 東京", ["été", " 東京"]),
        ("", []),
    ],
)
def test_words_are_cut_as_gpt2_cuts_them(text, words):
    assert pretokenize(text) == words


@given(st.text())
def test_no_character_is_lost_between_words(text):
    assert "".join(pretokenize(text)) == text


# Training


def test_pairs_are_counted_by_frequency_and_overlapping():
    a, b = b"a", b"b"
    assert pair_counts({(a, a, a): 2, (a, b): 3, (b,): 5}) == {(a, a): 4, (a, b): 3}


@pytest.mark.parametrize(("word", "merged"), [("aaa", ["aa", "a"]), ("abab", ["ab", "ab"]), ("ba", ["b", "a"])])
def test_a_pair_is_merged_everywhere_from_the_left(word, merged):
    pair = (b"a", b"a") if "aa" in word else (b"a", b"b")
    letters = tuple(letter.encode() for letter in word)
    assert merge_pair(letters, pair) == tuple(part.encode() for part in merged)


def test_what_takes_the_place_of_a_pair_may_be_named():
    assert merge_pair((1, 2, 3, 1, 2), (1, 2), 256) == (256, 3, 256)


def test_merges_of_a_word_worked_out_by_hand():
    # aa occurs 4 times; then (aa, a) and (a, b) twice each, and b"aa" > b"a"; then (aaa, b); then all occur once.
    _, merges = train_bpe("aaabdaaabac", 256 + 4)
    assert merges == [(b"a", b"a"), (b"aa", b"a"), (b"aaa", b"b"), (b"d", b"aaab")]


def test_of_equally_frequent_pairs_the_greater_one_is_merged_first():
    _, merges = train_bpe({"ab": 1, "abc": 1, "zq": 2, "z": 9}, 256 + 2)
    assert merges == [(b"z", b"q"), (b"a", b"b")]


def test_a_longer_part_is_greater_than_its_own_beginning():
    _, merges = train_bpe({"xy": 3, "xyz": 2, "xz": 2}, 256 + 2)
    assert merges == [(b"x", b"y"), (b"xy", b"z")]


def test_ids_are_bytes_then_merges_then_special_strings():
    vocab, merges = train_bpe("ab ab" + END, 260, [END, "<pad>"])
    assert [vocab[number] for number in (0, 97, 255)] == [b"\x00", b"a", b"\xff"]
    assert merges == [(b"a", b"b"), (b" ", b"ab")]
    assert [vocab[number] for number in range(256, 260)] == [b"ab", b" ab", END.encode(), b"<pad>"]


def test_nothing_is_merged_across_words_or_special_strings():
    _, merges = train_bpe("ab<s>ab<s><stop>", 400, ["<s>", "<s><stop>"])
    assert merges == [(b"a", b"b")]


def test_training_stops_when_every_word_is_one_token():
    vocab, merges = train_bpe("on and on", 5_000)
    assert len(vocab) == 256 + len(merges)
    assert Tokenizer(vocab, merges).encode("on and on") == [256 + merges.index(pair) for pair in _last(merges)]


def _last(merges):
    whole = {left + right: (left, right) for left, right in merges}
    return [whole[word] for word in (b"on", b" and", b" on")]


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text("abc ", min_size=1, max_size=9), st.integers(1, 4), max_size=12))
def test_merges_are_those_of_the_definition(words):
    assert train_bpe(words, 256 + 40)[1] == naive_merges(words, 40)


def test_merges_of_a_real_page_are_those_of_the_definition():
    words = Counter(pretokenize(PAGE))
    assert train_bpe(words, 256 + 150)[1] == naive_merges(words, 150)


def test_a_vocabulary_without_room_for_the_bytes_is_refused():
    with pytest.raises(ValueError, match="256 bytes and 1 special strings need 257"):
        train_bpe("text", 256, [END])


# Encoding and decoding


@pytest.fixture(scope="module")
def tokenizer():
    vocab, merges = train_bpe(PAGE, 600, [END, "<s>", "<s><s>"])
    return Tokenizer(vocab, merges, [END, "<s>", "<s><s>"])


def test_the_merge_learned_first_goes_first_even_where_a_longer_token_would_fit():
    # (b, c) was learned before (a, b), so "abc" is a + bc although "ab" is a token as well.
    merges = [(b"b", b"c"), (b"a", b"b")]
    tokenizer = Tokenizer.from_merges(merges)
    assert tokenizer.encode("abc") == [ord("a"), 256]
    assert encode_word(b"abc", {pair: n for n, pair in enumerate(merges)}, tokenizer.vocab) == [ord("a"), 256]


@given(text=st.text())
def test_decoding_gives_back_what_was_encoded(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_character_spread_over_tokens_is_decoded_whole_and_half_of_it_is_marked(tokenizer):
    assert tokenizer.decode(list("é".encode())) == "é"
    assert tokenizer.decode([0xC3, ord("!")]) == "\ufffd!"


def test_a_special_string_is_text_until_it_is_allowed(tokenizer):
    assert tokenizer.encode("a" + END, [END]) == [ord("a"), tokenizer.special_ids[END]]
    as_text = tokenizer.encode("a" + END)
    assert tokenizer.special_ids[END] not in as_text and tokenizer.decode(as_text) == "a" + END


def test_the_longest_special_string_wins(tokenizer):
    one, two = tokenizer.special_ids["<s>"], tokenizer.special_ids["<s><s>"]
    assert tokenizer.encode("<s><s><s>", ["<s>", "<s><s>"]) == [two, one]
    assert tokenizer.encode("<s><s><s>", ["<s>"]) == [one, one, one]


def test_a_special_string_keeps_its_own_id_where_a_merge_spells_it():
    tokenizer = Tokenizer.from_merges([(b"a", b"b")], ["ab"])
    assert (tokenizer.encode("ab"), tokenizer.encode("ab", ["ab"])) == ([256], [257])


def test_what_cannot_be_meant_is_refused(tokenizer):
    with pytest.raises(ValueError, match="'<end>' is not a special string"):
        tokenizer.encode("a", ["<end>"])
    with pytest.raises(ValueError, match="no token 600; the vocabulary has 600"):
        tokenizer.decode([1, 600])
    with pytest.raises(ValueError, match="not one token but 2"):
        tokenizer.token_id("qz")


# Streams


@settings(deadline=None, max_examples=150)
@given(
    text=st.lists(st.sampled_from([END, "<s>", "<", "<|end", "'l", "l", "'", "ve", " ", "\n", "word", "1", "é"])),
    cuts=st.randoms(use_true_random=False),
)
def test_a_stream_gives_the_ids_of_the_whole_wherever_it_is_cut(tokenizer, text, cuts):
    whole, special = "".join(text), [END, "<s>", "<s><s>"]
    chunks, rest = [], whole
    while rest:
        length = cuts.randint(1, 5)
        chunks, rest = [*chunks, rest[:length]], rest[length:]
    assert list(tokenizer.encode_stream(chunks, special)) == tokenizer.encode(whole, special)


def test_a_stream_without_end_can_be_read_from(tokenizer):
    def endless():
        while True:
            yield "for ev"
            yield "er and "

    first = list(islice(tokenizer.encode_stream(endless()), 100))
    assert first == tokenizer.encode("for ever and " * 100)[:100]


# Files, and another library


def test_a_saved_tokenizer_is_the_same_one(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert (loaded.vocab, loaded.merges, loaded.special) == (tokenizer.vocab, tokenizer.merges, tokenizer.special)


def test_the_printable_alphabet_is_gpt2s():
    table = bytes_to_unicode()
    assert sorted(table) == list(range(256)) and len(set(table.values())) == 256
    assert "".join(table.values()).isprintable() and not any(letter.isspace() for letter in table.values())
    assert (table[ord("A")], table[ord(" ")], table[ord("\n")], table[0], table[0xAD]) == ("A", "Ġ", "Ċ", "Ā", "Ń")


def test_another_librarys_byte_level_bpe_gives_the_same_ids(tokenizer):
    tokenizers = pytest.importorskip("tokenizers")
    letters = bytes_to_unicode()

    def shown(token):
        return "".join(letters[byte] for byte in token)

    vocab = {shown(token): number for number, token in tokenizer.vocab.items()}
    merges = [(shown(left), shown(right)) for left, right in tokenizer.merges]
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE(vocab, merges))
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    rng = random.Random(0)
    for text in ["We're here: naïve 東京!", PAGE, "".join(rng.choices("ab 'l\n1!é", k=500))]:
        assert tokenizer.encode(text) == theirs.encode(text).ids


def test_another_library_learns_the_same_merges_where_no_counts_tie():
    tokenizers = pytest.importorskip("tokenizers")
    words = {"ab": 100, "abc": 30, "abcd": 9, "cd": 3, "ee": 1}  # ab 139; then (ab, c) 39; (abc, d) 9; cd 3; ee 1
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=256 + 5, initial_alphabet=alphabet, show_progress=False)
    theirs.train_from_iterator((word for word, count in words.items() for _ in range(count)), trainer)
    byte = {letter: number for number, letter in bytes_to_unicode().items()}
    learned = sorted((number, token) for token, number in theirs.get_vocab().items() if number >= 256)
    ours = train_bpe(words, 256 + 5)[0]
    assert [bytes(byte[letter] for letter in token) for _, token in learned] == [ours[n] for n in range(256, 261)]
