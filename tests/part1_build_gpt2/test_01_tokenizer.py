"""What is graded in notebook 01, Tokenizer: one function for each promise."""

import random

import pytest

from hookpoint.model.tokenizer import bytes_to_unicode

PAGE = "We're here: naïve 東京!\n\n  x = 3.14  # it's ½ of π\r\n" * 2


@pytest.fixture(scope="module")
def library():
    """Another library's byte-level tokenizer: the module, how it cuts words, and its alphabet."""
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers, tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False), bytes_to_unicode()


def test_words_are_those_of_another_library(submission, library):
    """Your words are those of another library's byte-level tokenizer, on a page and on noise."""
    _, cut, letters = library
    byte, rng = {letter: number for number, letter in letters.items()}, random.Random(0)
    for text in (PAGE, *("".join(rng.choices("ab 'lsR\n\t1½é東_!", k=40)) for _ in range(50))):
        theirs = [bytes(byte[letter] for letter in word).decode() for word, _ in cut.pre_tokenize_str(text)]
        assert submission.names["pretokenize"](text) == theirs


def test_ids_are_those_of_another_library(submission, library):
    """With the vocabulary that you learn, your ids are those of another library's tokenizer."""
    tokenizers, cut, letters = library
    vocab, merges = submission.names["train_bpe"](PAGE, 300, [])
    shown = {id: "".join(letters[byte] for byte in token) for id, token in vocab.items()}
    pairs = [tuple("".join(letters[byte] for byte in part) for part in pair) for pair in merges]
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE({token: id for id, token in shown.items()}, pairs))
    theirs.pre_tokenizer = cut
    assert submission.names["Tokenizer"](vocab, merges, []).encode(PAGE) == theirs.encode(PAGE).ids


def test_bytes_to_unicode_every_byte(submission):
    """Every byte from 0 to 255, as an integer, has a str of one character."""
    submission.passes("bytes_to_unicode", "every_byte")


def test_bytes_to_unicode_told_apart(submission):
    """No two bytes share a character, and every character can be printed and seen."""
    submission.passes("bytes_to_unicode", "told_apart")


def test_bytes_to_unicode_table(submission):
    """It is GPT-2's table: visible bytes stand for themselves, the others, in order, for U+0100 and up."""
    submission.passes("bytes_to_unicode", "table")


def test_pretokenize_contractions(submission):
    """'s, 't, 'd, 'm, 'll, 've and 're in lower case are words of their own, whatever stands before and after."""
    submission.passes("pretokenize", "contractions")


def test_pretokenize_spaces(submission):
    """One space belongs to the word after it; of a longer run all but the last is a word, and all at the end."""
    submission.passes("pretokenize", "spaces")


def test_pretokenize_other_white_space(submission):
    """Newlines, tabs and other white space never join a word, and a run of them leaves its last to stand alone."""
    submission.passes("pretokenize", "other_white_space")


def test_pretokenize_scripts(submission):
    """Letters are letters of any script, numbers are numbers of any kind, and all the rest is the third kind."""
    submission.passes("pretokenize", "scripts")


def test_pretokenize_whole(submission):
    """Joined, the words are the text, and the empty text has none."""
    submission.passes("pretokenize", "whole")


def test_pair_counts_by_hand(submission):
    """A pair counts once for each place in a word, times the word's frequency."""
    submission.passes("pair_counts", "by_hand")


def test_pair_counts_overlapping(submission):
    """(a, a, a) holds the pair (a, a) twice."""
    submission.passes("pair_counts", "overlapping")


def test_pair_counts_inside_words(submission):
    """A pair lies within one word: a word of one symbol has none, and no words have none."""
    submission.passes("pair_counts", "inside_words")


def test_pair_counts_symbols(submission):
    """Symbols of several bytes stay whole: (ab, c) and (a, bc) are two pairs."""
    submission.passes("pair_counts", "symbols")


def test_pair_counts_many(submission):
    """The counts are right for any words, which stay as they are."""
    submission.passes("pair_counts", "many")


def test_merge_pair_everywhere(submission):
    """Every occurrence of the pair becomes the new symbol: at both ends, next to each other, and alone."""
    submission.passes("merge_pair", "everywhere")


def test_merge_pair_untouched(submission):
    """A word without the pair stays as it is, also one with the pair's symbols in another order or apart."""
    submission.passes("merge_pair", "untouched")


def test_merge_pair_overlap(submission):
    """Overlapping occurrences are taken from the left: (a, a, a) becomes (aa, a)."""
    submission.passes("merge_pair", "overlap")


def test_merge_pair_whole_symbols(submission):
    """Symbols are compared whole: (x, ab) holds no a, and (a, bc) is not (ab, c) though it spells the same."""
    submission.passes("merge_pair", "whole_symbols")


def test_merge_pair_given_symbol(submission):
    """`new` is what takes the pair's place, whatever it is."""
    submission.passes("merge_pair", "given_symbol")


def test_merge_pair_many(submission):
    """The result is right for any word, which stays as it is."""
    submission.passes("merge_pair", "many")


def test_train_bpe_by_hand(submission):
    """Each round merges the most frequent pair of neighbours, as the words then are."""
    submission.passes("train_bpe", "by_hand")


def test_train_bpe_ties(submission):
    """Of equally frequent pairs the greater one goes first: compared as pairs of bytes, not by id, letter or length."""
    submission.passes("train_bpe", "ties")


def test_train_bpe_layout(submission):
    """Ids are the 256 bytes in byte order, then the merges in order, then the special strings as given."""
    submission.passes("train_bpe", "layout")


def test_train_bpe_special_apart(submission):
    """Special strings split the text: nothing is merged across them, and their own letters are not counted."""
    submission.passes("train_bpe", "special_apart")


def test_train_bpe_special_patterns(submission):
    """Where special strings overlap the longest wins, and each stands for itself, not for a pattern."""
    submission.passes("train_bpe", "special_patterns")


def test_train_bpe_inside_words(submission):
    """Merges stay inside the words that pretokenize gives, and work on the bytes of the text."""
    submission.passes("train_bpe", "inside_words")


def test_train_bpe_stops(submission):
    """Training stops when the vocabulary is full, or when no pair is left."""
    submission.passes("train_bpe", "stops")


def test_train_bpe_long_text(submission):
    """On a longer text every merge is right: the counts are those of the words as they are now."""
    submission.passes("train_bpe", "long_text")


def test_train_bpe_cost(submission):
    """Training does not take twenty times as long as counting each different word anew for every merge."""
    submission.passes("train_bpe", "cost")


def test_encode_word_earliest_first(submission):
    """Of the pairs in the word the one learned first is merged first, even where a longer token would fit."""
    submission.passes("encode_word", "earliest_first")


def test_encode_word_to_the_end(submission):
    """Merging goes on, with merged symbols too, and at every place of the word, until no known pair is left."""
    submission.passes("encode_word", "to_the_end")


def test_encode_word_bytes_alone(submission):
    """Bytes that no merge knows stay single: the word may be any bytes, none among them."""
    submission.passes("encode_word", "bytes_alone")


def test_encode_word_ids_from_vocab(submission):
    """Ids are those of the vocabulary, in whatever order it has them: GPT-2's own has its bytes in another order."""
    submission.passes("encode_word", "ids_from_vocab")


def test_encode_word_fresh(submission):
    """What the function was asked before makes no difference: other merges and ids give another answer."""
    submission.passes("encode_word", "fresh")


def test_encode_word_any_word(submission):
    """Any word with any merges gives the tokens that training would have left it in."""
    submission.passes("encode_word", "any_word")


def test_encode_plain_text(submission):
    """Text is cut into words, and the ids of the words follow each other; no text has no ids."""
    submission.passes("encode", "plain_text")


def test_encode_allowed_special(submission):
    """An allowed special string is one id wherever it stands, and the text around it keeps its white space."""
    submission.passes("encode", "allowed_special")


def test_encode_not_allowed(submission):
    """A special string that is not allowed is text like any other; nothing is allowed unless you say so."""
    submission.passes("encode", "not_allowed")


def test_encode_longest(submission):
    """Where several allowed special strings begin at one place the longest wins, in whatever order they are listed."""
    submission.passes("encode", "longest")


def test_encode_letter_by_letter(submission):
    """A special string stands for itself, also one with brackets or bars, and one that lies inside a word."""
    submission.passes("encode", "letter_by_letter")


def test_encode_ways_to_allow(submission):
    """allowed_special may be a list, a tuple or a set, and can be named."""
    submission.passes("encode", "ways_to_allow")


def test_encode_one_by_itself(submission):
    """Two tokenizers know nothing of each other, and the same text has the same ids again."""
    submission.passes("encode", "one_by_itself")


def test_encode_any_text(submission):
    """Any mixture of text and special strings has the ids that it should have."""
    submission.passes("encode", "any_text")


def test_decode_plain_text(submission):
    """Ids become the text that their tokens spell, special strings too, with nothing between; no ids, no text."""
    submission.passes("decode", "plain_text")


def test_decode_spread_characters(submission):
    """A character whose bytes are spread over several tokens comes out whole."""
    submission.passes("decode", "spread_characters")


def test_decode_broken_bytes(submission):
    """Bytes that are no UTF-8 become U+FFFD, the mark of something unreadable, and the rest is read as usual."""
    submission.passes("decode", "broken_bytes")


def test_decode_any_ids(submission):
    """Any ids decode to the text of all their bytes together, and any text comes back from its own ids."""
    submission.passes("decode", "any_ids")


def test_decode_one_by_itself(submission):
    """Two tokenizers know nothing of each other."""
    submission.passes("decode", "one_by_itself")


def test_encode_stream_words(submission):
    """Chunks may end inside a word, after an apostrophe or within white space: the ids are those of the whole text."""
    submission.passes("encode_stream", "words")


def test_encode_stream_special_strings(submission):
    """A special string may be cut anywhere, and what only begins like one is text in the end."""
    submission.passes("encode_stream", "special_strings")


def test_encode_stream_longest(submission):
    """A special string that a longer one begins with waits for the next chunk: the longest wins here too."""
    submission.passes("encode_stream", "longest")


def test_encode_stream_any_chunks(submission):
    """Any text cut anywhere, into empty chunks too, gives the ids of the whole; no chunks give none."""
    submission.passes("encode_stream", "any_chunks")


def test_encode_stream_any_iterable(submission):
    """Chunks come from anything that a for loop takes: a list, a tuple, a generator that can be read only once."""
    submission.passes("encode_stream", "any_iterable")


def test_encode_stream_side_by_side(submission):
    """Two streams of one tokenizer do not mix, and one that is left unread leaves nothing to the next."""
    submission.passes("encode_stream", "side_by_side")


def test_encode_stream_lazy(submission):
    """Ids come while the text is still being read: at most 10,000 characters of ordinary text wait."""
    submission.passes("encode_stream", "lazy")


def test_encode_stream_forgetful(submission):
    """What has been given is forgotten: the whole text so far is not encoded again for every chunk."""
    submission.passes("encode_stream", "forgetful")
