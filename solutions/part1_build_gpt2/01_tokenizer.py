# %% [markdown]
# # 01 · Tokenizer
# A language model never sees text. It sees a row of integers, and somebody decided which text each integer stands for.
# You are going to be that somebody: you build GPT-2's tokenizer from its bytes up.
#
# After this notebook you can
# - say why models read neither characters nor words, with the numbers that decide it;
# - train a byte-pair vocabulary and predict its next merge by hand;
# - turn any text into ids and back without losing a byte, even from a stream that never ends;
# - explain from its tokenizer why a model cannot spell, why it adds badly, and what a glitch token is.
#
# ```
# text  -> words -> bytes -> merges -> ids        built here
# ids   -> embed + pos_embed                      notebook 02
#       -> [ attn, mlp ] x n_layers               notebooks 02 to 04
#       -> unembed -> logits -> an id             notebooks 04 and 07
# an id -> bytes -> text                          built here
# ```

# %% [markdown]
# The libraries `tokenizers`, `tiktoken`, `transformers` and `sentencepiece` are not allowed in this notebook's answers:
# they are what you build. `regex` is; unlike Python's `re`, it knows Unicode's categories.
#
# Two texts go through the notebook. `STORIES` comes from the small world that the course's language models live in;
# `NEW_STORIES` is more of it, kept apart. `CONTROL` is text from elsewhere, for every question of the form "or does
# this only work on the text it was made for?"

# %%
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path

import regex

from hookpoint import checks, pictures
from hookpoint.model.tokenizer import Tokenizer as CourseTokenizer
from hookpoint.zoo import stories

Pair = tuple[bytes, bytes]
Word = tuple[bytes, ...]

END_OF_TEXT = stories.END_OF_TEXT  # "<|endoftext|>", which stands between documents
STORIES = "".join(stories.text_of(document) for document in islice(stories.documents(seed=1), 300))
NEW_STORIES = "".join(stories.text_of(document) for document in islice(stories.documents(seed=2), 60))
CONTROL = """The ferry to the islands leaves at 7:45, unless the wind comes from the north-east. Twenty-three passengers
were waiting on the quay when the harbour master read out the forecast: gusts of 38 knots, a swell of 2.5 metres,
and fog from midnight onwards. Nobody complained. They bought tickets for the following morning, which cost 14.90
each, and the café stayed open an hour longer than its licence allowed.

def tide(hours, mean=1.8, range_m=3.1):
    return mean + 0.5 * range_m * math.cos(2 * math.pi * hours / 12.42)
"""

# %% [markdown]
# ## Why not characters, why not words?
# A tokenizer is a trade between two prices. Each id of the vocabulary costs a row in the embedding and a column in the
# unembedding. Each token of the text costs a step of the model, and a place in its context. Few ids mean long texts;
# short texts need many ids.
#
# The cell below measures three simple schemes. Look at the last column too.

# %%
characters, whole_words = set(STORIES), set(STORIES.split())
print("scheme        vocabulary   tokens of NEW_STORIES   tokens of CONTROL   unknown in CONTROL")
for scheme, size, cut, unknown in (
    ("bytes", 256, str.encode, 0),
    ("characters", len(characters), list, sum(char not in characters for char in CONTROL)),
    ("words", len(whole_words), str.split, sum(word not in whole_words for word in CONTROL.split())),
):
    print(f"{scheme:12} {size:11} {len(cut(NEW_STORIES)):23} {len(cut(CONTROL)):19} {unknown:20}")

# %% [markdown]
# Words make the text five times shorter, and fail on the control: most of its words have no id at all, and a model
# could not even tell two of them apart. The same happens to every typo, every new name, every line of code. Bytes know
# no unknown, for every text is bytes, but a model would spend five steps on "table".
#
# **Subwords** take the middle: start from bytes, so that nothing is ever unknown, and give frequent sequences of bytes
# ids of their own. How many is your choice. GPT-2 chose 50,000.

# %% [markdown]
# ## Bytes that can be seen
# Text is stored as UTF-8: `e` is the byte 101, `é` is the two bytes 195 and 169, `東` is three, an emoji four. A token
# is a piece of these bytes, and a piece may be half a character. How do you print that, or write it to a file in which
# a space separates two tokens?
#
# GPT-2 gives each byte a character that can be seen. Visible ones stand for themselves. The others, among them the
# space and the newline, borrow characters from U+0100 on. That is where the `Ġ` in so many token lists comes from:
# `Ġthe` is `the` with a space before it.

# %% [markdown]
# ## Exercise: `bytes_to_unicode` ★
# `bytes_to_unicode()` gives a dict with the keys 0 to 255 and, for each, a `str` of one character.
#
# - These bytes are visible and stand for the character with their own number: `!` to `~` (33 to 126), `¡` to `¬` (161
#   to 172), `®` to `ÿ` (174 to 255), ends included.
# - The other 68, in ascending order, get the characters from number 256 on: byte 0 gets 256, byte 1 gets 257, and so
#   on without a gap. The space, byte 32, gets 288, which is `Ġ`.

# %% [markdown] hint="bytes_to_unicode" rung=1
# The number that a hidden byte gets depends on how many hidden bytes come before it, and on nothing else. Which three
# ranges would you write down first?

# %% [markdown] hint="bytes_to_unicode" rung=2
# Make the list of visible bytes from three ranges. Go through all bytes in order; keep a counter of the hidden ones
# that you have met, and use it as soon as a byte is not in the list.

# %% [markdown] hint="bytes_to_unicode" rung=3
# `range` leaves out its end, so each range needs one more. Start the table with every visible byte and `chr` of it.
# Then run through 0 to 255; a byte that the table lacks gets `chr` of 256 plus the number of hidden bytes so far.


# %% exercise="bytes_to_unicode" minutes=8
def bytes_to_unicode() -> dict[int, str]:
    """GPT-2's visible character for each byte."""
    ### BEGIN SOLUTION
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    ### END SOLUTION


# %% check="bytes_to_unicode" points=1
checks.run("bytes_to_unicode")

# %% [markdown]
# One line of text as its bytes, and as your table shows them.

# %%
table = bytes_to_unicode()
line = "the café,\n東京"
print(*line.encode())
print(" ".join(table[byte] for byte in line.encode()))

# %% [markdown] only="solutions"
# A loop with a counter of the hidden bytes is as good. The table is for people and files. Inside the tokenizer tokens
# stay `bytes`, and everything below works on these.

# %% [markdown]
# ## Where merges must stop
# If any bytes could become a token, then `dog.`, `dog,` and `dog?` would each become one: frequent sequences, but
# three ids spent on one word (Radford et al. 2019). So the text is first cut into words, and no token reaches over the
# border of a word. GPT-2 has five rules for it. Each place of the text takes the first rule that fits:
#
# 1. A contraction: the straight apostrophe `'` with `s`, `t`, `d`, `m`, `ll`, `ve` or `re`, in lower case. `I'm` is `I`
#    and `'m`.
# 2. As many letters as follow each other, with *one* space before them if it is there. `a word` is `a` and `␣word`.
# 3. Numbers, likewise. `in 2026` is `in` and `␣2026`.
# 4. Signs that are neither letter, number nor white space, likewise. `so !?` is `so` and `␣!?`.
# 5. White space. A run of it that ends the text is one word. A run of several characters before something else is a
#    word without its last character. That last one, like a single one, joins the next word by rules 2 to 4 if it is a
#    space, and is a word of its own if it is a newline, a tab or any other white space. `a␣␣␣b` is `a`, `␣␣` and `␣b`.
#
# Letters and numbers are those of Unicode, in any script. A space belongs to the word *after* it, so the same word has
# one id at the beginning of a text and another one inside a sentence. You will meet the consequences.

# %% [markdown]
# ## Exercise: `pretokenize` ★★
# `pretokenize(text)` gives the list of words, as `str`, by the five rules above. Joined, they are the text: nothing is
# lost, and nothing changed.
#
# - "Letter" is Unicode's category L and "number" its category N, so `³`, `½` and `Ⅷ` are numbers. A combining accent
#   (category M) is neither.
# - The contraction must begin right there: `␣'s` is `␣'` and `s`, because rule 4 takes the space with the apostrophe.

# %% [markdown] hint="pretokenize" rung=1
# A regular expression with alternatives tries them in order, at each place anew. Which of the five rules can be written
# as one alternative each?

# %% [markdown] hint="pretokenize" rung=2
# In `regex`, `\p{L}` is a letter and `\p{N}` a number; `[^...]` turns a class round. An optional space is a space with
# a question mark. For white space you need two alternatives: the careful one that stops before the last character, and
# behind it the plain one.

# %% [markdown] hint="pretokenize" rung=3
# Six alternatives, separated by bars: the apostrophe with a group of its endings; optional space and letters; optional
# space and numbers; optional space and characters of a negated class that names white space, letters and numbers; white
# space with a negative lookahead for a character that is not white space; white space. Use groups that do not capture
# (`(?:`), since `findall` returns the groups where there are any.


# %% exercise="pretokenize" minutes=12
def pretokenize(text: str) -> list[str]:
    """The words of the text, by GPT-2's rules."""
    ### BEGIN SOLUTION
    rules = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    return regex.findall(rules, text)
    ### END SOLUTION


# %% check="pretokenize" points=2
checks.run("pretokenize")

# %% [markdown]
# Your words, with bars between them and white space made visible.

# %%
for sample in ("I'm sure they'll come.", "WE'LL SEE", "x  = 3.14  # roughly", "one\n\n  two", "naïve 東京タワー m³"):
    shown = (word.replace(" ", "␣").replace("\n", "⏎") for word in pretokenize(sample))
    print(" | ".join(shown))

# %% [markdown] only="solutions"
# `\s+(?!\S)` does rule 5. The engine takes the whole run, looks ahead, and where a visible character follows it
# gives one character back: now what follows is white space, and the lookahead holds. A run of one cannot give anything
# back, so it falls to the last alternative.
#
# `re` has no `\p{L}`. `[^\W\d_]` comes close, but takes `³` for a letter; a scanner over `unicodedata.category` is
# right.

# %% [markdown]
# ## The idea of a merge
# Byte-pair encoding (Gage 1994, for compression; Sennrich et al. 2016, for language) repeats one step: find the pair
# of neighbours that occurs most often, and make it one symbol. Take the words `hug` 5 times, `hugs` 3 times and `bun`
# 11 times. The pair `(u, n)` occurs 11 times, `(b, u)` 11 times, `(h, u)` and `(u, g)` 8 times, `(g, s)` 3 times. The
# first two tie; one must win. Say it is `(u, n)`. From now on `bun` is two symbols, `b` and `un`. The pair `(b, un)`
# occurs 11 times, and `(b, u)` no longer occurs at all.
#
# A word is a tuple of symbols, a symbol is `bytes`, and a corpus is the dict of its words with their frequencies. The
# borders of words are kept by never looking across them.

# %% [markdown]
# ## Exercise: `pair_counts` ★
# `pair_counts(words)` takes such a dict, `{(b"h", b"u", b"g"): 5, ...}`, and gives a `Counter`: how often each pair of
# neighbours `(left, right)` occurs.
#
# A pair counts once for every place in a word, times the word's frequency. Places may overlap: `(a, a, a)` holds
# `(a, a)` twice. A word of one symbol holds no pair.

# %% [markdown] hint="pair_counts" rung=1
# How often does a pair occur that stands twice in a word, if that word occurs seven times?

# %% [markdown] hint="pair_counts" rung=2
# Two loops: over the words with their frequencies, and over the neighbours in the word. What is added inside is not 1.

# %% [markdown] hint="pair_counts" rung=3
# A `Counter` starts every count at 0, so you may add without asking. `itertools.pairwise` gives each symbol of a tuple
# with its right neighbour, and nothing for a tuple of one.


# %% exercise="pair_counts" minutes=5
def pair_counts(words: Mapping[Word, int]) -> Counter[Pair]:
    """How often each pair of neighbours occurs in words with these frequencies."""
    ### BEGIN SOLUTION
    counts: Counter[Pair] = Counter()
    for word, frequency in words.items():
        for pair in pairwise(word):
            counts[pair] += frequency
    return counts
    ### END SOLUTION


# %% check="pair_counts" points=1
checks.run("pair_counts")

# %% [markdown] only="solutions"
# `zip(word, word[1:])` gives the same pairs. Counting each *different* word once, with its frequency, is what makes
# training affordable: the 15,000 words of `STORIES` are only 435 different ones.

# %% [markdown]
# ## Exercise: `merge_pair` ★
# `merge_pair(word, pair, new)` gives the word, a tuple, in which `new` stands in the place of each occurrence of
# `pair`.
#
# Occurrences are taken from the left and do not share symbols: `(a, a, a)` with the pair `(a, a)` becomes `(aa, a)`.
# Symbols are compared whole: `(xa, b)` does not contain the pair `(a, b)`. In training `new` will be the two symbols
# joined, but it may be any symbol, and it does not take part in a further merge: `(a, b, b)` with the pair `(a, b)` and
# the new symbol `a` becomes `(a, b)`.

# %% [markdown] hint="merge_pair" rung=1
# After a merge, at which symbol does the search go on?

# %% [markdown] hint="merge_pair" rung=2
# Walk with an index of your own instead of a `for` loop, because the step is sometimes 1 and sometimes 2. Collect the
# result in a list.

# %% [markdown] hint="merge_pair" rung=3
# While the index is inside the word, look at the slice of two symbols from there. If it equals the pair, add `new` and
# step by two, else add the one symbol and step by one. A slice at the end is shorter than two and equals no pair, so
# the last symbol needs no case of its own. Return a tuple.


# %% exercise="merge_pair" minutes=8
def merge_pair(word: Word, pair: Pair, new: bytes) -> Word:
    """The word with `new` in place of every occurrence of the pair."""
    ### BEGIN SOLUTION
    merged: list[bytes] = []
    at = 0
    while at < len(word):
        if word[at : at + 2] == pair:
            merged.append(new)
            at += 2
        else:
            merged.append(word[at])
            at += 1
    return tuple(merged)
    ### END SOLUTION


# %% check="merge_pair" points=2
checks.run("merge_pair")

# %% [markdown] only="solutions"
# A detour over text, `" ".join(word).replace(...)`, looks shorter and is wrong: it finds `a b` inside `xa b`. The
# original code of Sennrich et al. needs a lookbehind and a lookahead to avoid just that.

# %% [markdown]
# ## Training
# Now the loop. Count, choose, merge, until the vocabulary is full. Three decisions must be made once and for all, or
# two people with one text get two tokenizers:
#
# - **Ties.** Of equally frequent pairs the *greater* one wins, compared as Python compares tuples of `bytes`: left
#   symbols first, then right ones. `(b"b", b"z")` beats `(b"a", b"zz")`, and `(b"ab", b"a")` beats `(b"a", b"z")`.
# - **Special strings.** `<|endoftext|>` separates documents. It must not be learned from, nor may anything be merged
#   across it. So the text is split at special strings first. Where one special string begins with another, the longest
#   that fits wins.
# - **Ids.** 0 to 255 are the single bytes in byte order, then come the merges in the order in which they were learned,
#   then the special strings in the order given.

# %% [markdown]
# ## Exercise: `train_bpe` ★★★
# `train_bpe(text, vocab_size, special)` gives `(vocab, merges)`: a dict from id to `bytes`, and the list of merged
# pairs `(left, right)` in order.
#
# - Words are those of `pretokenize`, as UTF-8 bytes; a merge makes `left + right`.
# - `vocab_size` counts everything: bytes, merges, special strings. It leaves room for at least the bytes and the
#   special strings; what you do otherwise is up to you. Training also stops when no pair is left.
# - A pair that occurs once is still a pair. A special string stands for itself, not for a pattern: `.` means a dot.
# - Plain is fast enough: recount every pair after every merge, over the *different* words. An answer that takes more
#   than twenty times as long as that is refused.
#
# You may use your three functions; the check puts ours in their place.

# %% [markdown] hint="train_bpe" rung=1
# After a merge, which counts are still true? What would you have to do so that you need not ask?

# %% [markdown] hint="train_bpe" rung=2
# Three parts. First: from the text to a `Counter` of words, each a tuple of single bytes, with special strings split
# off. Second: a loop of count, choose, rewrite all words. Third: lay out the ids from what you have learned.
#
# Rewriting makes a new `Counter`, since a dict must not change while you loop over it. Two different words never
# become the same.

# %% [markdown] hint="train_bpe" rung=3
# Split with a pattern of the escaped special strings joined by bars, longest first, and only if there are any: an
# empty pattern matches everywhere. `bytes([65])` is a single byte. The best pair is a maximum over the counts with a
# key of two parts, the count and then the pair itself. The loop has two reasons to end: the number of ids reached, or
# a counter that is empty. Number the tokens with `enumerate` at the very end, in the three groups' order.


# %% exercise="train_bpe" minutes=25
def train_bpe(text: str, vocab_size: int, special: Sequence[str] = ()) -> tuple[dict[int, bytes], list[Pair]]:
    """The vocabulary and the merges that byte-pair encoding learns from the text."""
    ### BEGIN SOLUTION
    longest_first = sorted(special, key=len, reverse=True)
    plain = regex.split("|".join(map(regex.escape, longest_first)), text) if special else [text]
    words = Counter(tuple(bytes([byte]) for byte in word.encode()) for piece in plain for word in pretokenize(piece))
    merges: list[Pair] = []
    while 256 + len(merges) + len(special) < vocab_size and (counts := pair_counts(words)):
        left, right = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append((left, right))
        words = Counter({merge_pair(word, (left, right), left + right): words[word] for word in words})
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [left + right for left, right in merges] + [each.encode() for each in special]
    return dict(enumerate(tokens)), merges
    ### END SOLUTION


# %% check="train_bpe" points=4
checks.run("train_bpe")

# %% [markdown]
# Watch it learn. Eight merges on ten words; the last column shows the different words as they are after the merge.
# Before you read on past a line, say which pair comes next.

# %%
small = "low low low low lower lower newest newest newest widest"
_, merges = train_bpe(small, 256 + 8, [])
words = Counter(tuple(bytes([byte]) for byte in word.encode()) for word in pretokenize(small))
print("merge            count   rivals   words")
for left, right in merges:
    counts = pair_counts(words)
    rivals = sum(count == counts[left, right] for count in counts.values()) - 1
    words = Counter({merge_pair(word, (left, right), left + right): words[word] for word in words})
    pair = f"{left.decode()!r} {right.decode()!r}"
    shown = "  ".join("·".join(symbol.decode().replace(" ", "␣") for symbol in word) for word in words)
    print(f"{pair:16} {counts[left, right]:5} {rivals:8}   {shown}")

# %% [markdown]
# Frequent words become whole, rare ones share pieces: `est` would be found in every superlative. Nobody told the
# algorithm about endings. It also made `␣low` and `low` two different things, and paid with a merge for it.
#
# How large should the vocabulary be? Compression is measured in **bytes per token**: how much text one step of the
# model covers. The next cell trains once on `STORIES` and then uses only the first so many merges, for new stories and
# for the control.

# %%
_, merges = train_bpe(STORIES, 768, [END_OF_TEXT])
sizes = [256, 288, 320, 384, 448, 512, 640, 767]
measured = {"new stories": [], "control": []}
for size in sizes:
    cut = CourseTokenizer.from_merges(merges[: size - 256])
    for name, text in (("new stories", NEW_STORIES), ("control", CONTROL)):
        measured[name].append(len(text.encode()) / len(cut.encode(text)))
pictures.curve(measured, sizes, xlabel="ids in the vocabulary", ylabel="bytes per token", title="trained on stories")

# %% [markdown]
# Both curves bend, since the most frequent pairs come first. And a vocabulary is made *for* a text: on text from
# elsewhere the merges learned from stories soon stop helping. In the same way a tokenizer trained mostly on English
# gives other languages more tokens for the same content, which is then dearer, slower and sooner out of context (Petrov
# et al. 2023). No later training of the model repairs it.

# %% [markdown] only="solutions"
# Recounting everything after each merge costs as many passes over the different words as there are merges. Production
# code keeps for each pair the words that hold it, touches only these, and finds the maximum in a heap;
# `hookpoint.model.bpe` does so, and is worth reading once your plain one is right: its tests compare it with the plain
# one.
#
# Right as well: a list of `[symbols, frequency]` that is rewritten in place, or ids instead of `bytes` as symbols, as
# long as ties are broken by the bytes. Ids would put every merged symbol above every byte.

# %% [markdown]
# ## Encoding a word
# Training has left a list of merges. To encode a new word you replay them: of the known pairs in the word, merge the
# one that was learned *first*, everywhere; look again; stop when no known pair is left.
#
# Is that the same as taking the longest token that fits? Suppose the merges are `(b, c)` and then `(a, b)`. The word
# `abc` holds both pairs. The longest token from the left is `ab`. But `(b, c)` was learned first, so `bc` is merged,
# the pair `(a, b)` is gone, and the word is `a` `bc`. Training would have left it so, and a model was trained on the
# ids that this rule gives. Any other cut is text that the model has never seen.

# %% [markdown]
# ## Exercise: `encode_word` ★★
# `encode_word(b, ranks, vocab)` gives the list of ids of one word `b`, which may be any `bytes`, empty ones too.
#
# - `ranks` maps each merged pair to its place in the list of merges: 0 was learned first. Pairs that were never learned
#   are not in it.
# - `vocab` maps ids to `bytes` and holds every byte and every merge, each once, *in any order*. GPT-2's own vocabulary
#   gives its 256 bytes ids in another order than yours, and your function must work for both. Look the ids up.
#
# You may use `merge_pair`.

# %% [markdown] hint="encode_word" rung=1
# The word changes with each merge, and with it the pairs that stand in it. So what must happen before each choice?

# %% [markdown] hint="encode_word" rung=2
# Start from single bytes. In a loop: collect the pairs of neighbours that have a rank, stop if there are none, merge
# the one with the smallest rank. Afterwards turn the tokens into ids with a dict that goes the other way round.

# %% [markdown] hint="encode_word" rung=3
# `min` with a key finds the pair of smallest rank among those collected; collect only pairs that are in `ranks`, so
# that no number has to stand for "never". `merge_pair` does the rest of the round. Turn `vocab` round once, before the
# last line, with a dict comprehension.


# %% exercise="encode_word" minutes=12
def encode_word(b: bytes, ranks: Mapping[Pair, int], vocab: Mapping[int, bytes]) -> list[int]:
    """The ids of one word."""
    ### BEGIN SOLUTION
    word = tuple(bytes([byte]) for byte in b)
    while known := [pair for pair in pairwise(word) if pair in ranks]:
        left, right = min(known, key=ranks.__getitem__)
        word = merge_pair(word, (left, right), left + right)
    number = {token: id for id, token in vocab.items()}
    return [number[token] for token in word]
    ### END SOLUTION


# %% check="encode_word" points=3
checks.run("encode_word")

# %% [markdown]
# How often does taking the longest token that fits, the *greedy* cut, differ on ordinary text? Here it is beside yours,
# over the different words of the new stories and of the control, with a vocabulary of 512 ids learned from the stories.

# %%
vocab, merges = train_bpe(STORIES, 512, [END_OF_TEXT])
ranks = {pair: rank for rank, pair in enumerate(merges)}
known_tokens = set(vocab.values())
for name, text in (("new stories", NEW_STORIES), ("control", CONTROL)):
    words, differing = sorted(set(pretokenize(text))), []
    for word in words:
        yours, greedy, rest = [vocab[id] for id in encode_word(word.encode(), ranks, vocab)], [], word.encode()
        while rest:
            greedy.append(max((token for token in known_tokens if rest.startswith(token)), key=len))
            rest = rest[len(greedy[-1]) :]
        if yours != greedy:
            differing.append(f"{'·'.join(map(bytes.decode, yours))}, greedy {'·'.join(map(bytes.decode, greedy))}")
    print(f"{name:12} {len(differing):3} of {len(words)} words differ; for example", *differing[-1:])

# %% [markdown] only="solutions"
# Going through all merges in order, `for pair in ranks` sorted by rank, gives the same result with more work: a merge
# can only create pairs that were learned later. A dict of words already encoded helps most, since text repeats its
# words; key it by the word's *bytes*, and remember that another vocabulary needs another dict.

# %% [markdown]
# ## A tokenizer is an object
# From here on the pieces live in a class. The constructor is given. In each of the last three exercises you write one
# method, as a function with `self`; the last line of the cell hangs it on the class.


# %%
class Tokenizer:
    """Text to ids and back. Its methods are the exercises `encode`, `decode` and `encode_stream`.

    Args:
        vocab: What each id stands for.
        merges: The merged pairs in the order in which they were learned.
        special: Strings that can be a single token; each has its id in `vocab`.
    """

    def __init__(self, vocab: Mapping[int, bytes], merges: Sequence[Pair], special: Sequence[str] = ()) -> None:
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.special = list(special)
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        id_of = {token: id for id, token in self.vocab.items()}  # of two equal tokens the later: special ids come last
        self.special_ids = {text: id_of[text.encode()] for text in self.special}


# %% [markdown]
# ## Exercise: `encode` ★★
# `tokenizer.encode(text, allowed_special=())` gives the ids of a text, in one flat list.
#
# - Strings in `allowed_special` (a list, a tuple or a set, each from `self.special`) become their one id wherever they
#   stand, also inside a word. They may hold any characters, spaces too. Where several begin at the same place the
#   longest wins. The text between them is encoded piece by piece, and nothing is stripped from it.
# - A special string that is **not** allowed is text like any other. Nothing is allowed unless the caller says so, for
#   the text may come from a stranger: if `<|endoftext|>` in a message became the special token, that stranger could end
#   the document in the model's eyes and start another, in another voice.
# - The empty text has no ids. Text is valid Unicode; lone surrogates, which have no UTF-8, do not occur.
#
# You may use `pretokenize` and `encode_word`; the check puts ours in their place. If you keep a cache, keep it on
# `self`.

# %% [markdown] hint="encode" rung=1
# If you cut the text at the special strings, which pieces do you get between two that touch, or before one at the very
# beginning?

# %% [markdown] hint="encode" rung=2
# First cut, then encode. `regex.split` with a capturing group around the pattern keeps what it cut at, so the pieces
# come in the right order. A piece is a special string, or text that goes through words and bytes.

# %% [markdown] hint="encode" rung=3
# Sort the allowed strings by length, longest first, escape each, join them with bars and put a group around. Without
# any allowed string the only piece is the text. For each piece: if it is allowed, append its id from
# `self.special_ids`; if not, extend the ids with those of each of its words. An empty piece has no words and needs no
# case of its own.


# %% exercise="encode" minutes=15
def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
    """The ids of the text."""
    ### BEGIN SOLUTION
    longest_first = sorted(allowed_special, key=len, reverse=True)
    pattern = "|".join(map(regex.escape, longest_first))
    pieces = regex.split(f"({pattern})", text) if longest_first else [text]
    ids: list[int] = []
    for piece in pieces:
        if piece in allowed_special:
            ids.append(self.special_ids[piece])
        else:
            for word in pretokenize(piece):
                ids += encode_word(word.encode(), self.ranks, self.vocab)
    return ids
    ### END SOLUTION


Tokenizer.encode = encode

# %% check="encode" points=3
checks.run("encode")

# %% [markdown]
# The same text, with the special string allowed and not.

# %%
tokenizer = Tokenizer(vocab, merges, [END_OF_TEXT])
message = f"Thank you.{END_OF_TEXT} Bob"
for allowed in ([END_OF_TEXT], []):
    print(f"allowed {allowed!s:20}", " | ".join(vocab[id].decode() for id in tokenizer.encode(message, allowed)))

# %% [markdown] only="solutions"
# A pattern takes its first alternative that fits, hence the sorting. Escaping matters for the bars in `<|endoftext|>`,
# which would otherwise mean "or". Right as well: a loop that looks at each place for a special string that begins
# there.

# %% [markdown]
# ## Exercise: `decode` ★
# `tokenizer.decode(ids)` gives the text of a list of ids. Special tokens become their strings, and no ids the empty
# text.
#
# A model may emit any ids, including some whose bytes are not UTF-8. They must not stop you: every unreadable sequence
# becomes U+FFFD, the replacement character, as Python's `errors="replace"` has it.

# %% [markdown] hint="decode" rung=1
# `東` is three bytes, and may be three tokens. What text is the first of them?

# %% [markdown] hint="decode" rung=2
# Two steps, in this order: put the bytes of all tokens together, then read them as text.

# %% [markdown] hint="decode" rung=3
# Look each id up in `self.vocab` and join the results as `bytes`. `bytes` have a method that makes text of them; it
# takes the name of the encoding and what to do about errors.


# %% exercise="decode" minutes=5
def decode(self, ids: Iterable[int]) -> str:
    """The text of the ids."""
    ### BEGIN SOLUTION
    return b"".join(self.vocab[id] for id in ids).decode("utf-8", errors="replace")
    ### END SOLUTION


Tokenizer.decode = decode

# %% check="decode" points=1
checks.run("decode")

# %% [markdown]
# To ids and back, for a story and for text that the vocabulary was not made for. The last column counts the tokens that
# can be read on their own.

# %%
for sample in ("After Mary came home", "Straße, naïve", "東京タワー", "🙂"):
    ids = tokenizer.encode(sample)
    alone = sum("\ufffd" not in tokenizer.decode([id]) for id in ids)
    assert tokenizer.decode(ids) == sample
    print(f"{sample:22} {len(sample):3} characters {len(ids):3} tokens, {alone:3} readable alone")

# %% [markdown] only="solutions"
# Text first and joining afterwards destroys every character that lies across two tokens. That is also why a program
# that prints a model's tokens one by one as they come must hold bytes back until a character is complete.

# %% [markdown]
# ## Strange places
# Some of what a model gets wrong is decided here, before any model exists. Three places to look.
#
# **A word is several things.** With its space, without it, in capitals: the ids differ, and a model must learn for each
# row that it is the same word. It cannot see letters at all. To count the letters in a token it must have learned by
# heart how that id is spelt.

# %%
for sample in ("garden", " garden", "Garden", " GARDEN", "garden\n"):
    ids = tokenizer.encode(sample)
    print(f"{sample!r:12} {'·'.join(tokenizer.decode([id]) for id in ids)!r:22} {ids}")

# %% [markdown]
# **Numbers are cut by frequency, not by place value.** The tokenizer below has seen every number up to 999 once. Look
# where the digit of the hundreds ends up: together with the tens, or with everything, or, behind a fourth digit, with
# the thousands. Adding needs digits lined up by place, and these pieces do not line up. Newer tokenizers cut digits in
# groups of up to three, or one by one.

# %%
number_vocab, number_merges = train_bpe(" ".join(map(str, range(1000))), 512, [])
numbers = Tokenizer(number_vocab, number_merges)
for sample in (" 7", " 77", " 777", " 7777", " 998", " 480", " 1480"):
    print(f"{sample:6} {'·'.join(numbers.decode([id]) for id in numbers.encode(sample))}")

# %% [markdown]
# **Glitch tokens.** In 2023 Rumbelow and Watkins asked GPT models to repeat ` SolidGoldMagikarp`, a token of their
# vocabulary. The models evaded, insulted, or said "distribute". The likely story: the *tokenizer's* training text held
# that user name of a web forum very often, the *model's* hardly at all. The id was there; its embedding was never
# trained.
#
# You can make one. Train a tokenizer on the stories plus the log of a counting game, and list the tokens that never
# occur when it encodes the stories, the text that the model would be trained on. The control is your tokenizer without
# the log.

# %%
log = "".join(f" SolidGoldMagikarp +{n}\n" for n in range(300))
glitch_vocab, glitch_merges = train_bpe(STORIES + log, 511, [])
for name, subject in (("with the log", Tokenizer(glitch_vocab, glitch_merges)), ("without it", tokenizer)):
    never = set(range(256, 511)) - set(subject.encode(STORIES))
    inside = {part for pair in subject.merges for part in pair}
    steps = {id for id in never if subject.vocab[id] in inside}
    met = sorted(steps & set(subject.encode(CONTROL)))
    print(f"{name}: {len(never)} of 255 merged tokens never occur in the stories")
    print(f"  {len(steps)} are steps to longer tokens; CONTROL has {[subject.vocab[id].decode() for id in met]}")
    print(f"  the rest: {[subject.vocab[id].decode() for id in sorted(never - steps)]}")

# %% [markdown]
# Most tokens that never occur are scaffolding: `village` was needed once, to make `␣village`, and is swallowed by it
# ever since. No training on the stories reaches their ids either, and other text may hold them: `CONTROL` does, and so
# does `g·arden` above. The glitch token is of another kind: a whole string, learned from a text that the model never
# sees.
#
# You can run this test on any model: encode its training text, list the ids that never come, and see what it does with
# them (Land and Bartolo 2024).

# %% [markdown]
# ## Text without an end
# A large corpus does not fit in memory, and a chat message arrives in pieces. You want ids while the text is still
# coming in. Encoding each chunk by itself is wrong, as your `pretokenize` shows: `they'` and `ll` are `they` `'` `ll`,
# but together they are `they` `'ll`. A chunk may end in the middle of a word, of a run of spaces, or of
# `<|endoftext|>`.
#
# So you hold text back, and let go of what no later chunk can change. How much is that? Think about each rule of
# `pretokenize`: the last word may grow; the one before it may be an apostrophe that the last one belongs to; white
# space is cut in view of what follows it. And a special string may have begun in the last few characters.

# %% [markdown]
# ## Exercise: `encode_stream` ★★★
# `tokenizer.encode_stream(iterable, allowed_special=())` takes chunks of text from any iterable and gives an
# *iterator* of ids: exactly those that `encode` gives for the whole text.
#
# - Chunks may end anywhere, in a word, in white space or in a special string, and may be empty.
# - It is lazy. Ids come as soon as no later chunk can change them, as far as you can tell: of ordinary text, with
#   spaces and newlines in it, never more than 10,000 characters may wait for their ids. The iterable may have no end.
# - What has been given is forgotten: do not keep the whole text, nor encode it again and again.
# - Two streams of one tokenizer may be read in turn, so what you hold back belongs to the stream and not to `self`.
#
# You may use `encode` (where yours does not pass, ours is tried) and `pretokenize`.

# %% [markdown] hint="encode_stream" rung=1
# Take the text `they'l` in a chunk. Which words may still change when the next chunk comes? Now take `end <|endof`.
# From which character on do you not know what it will be?

# %% [markdown] hint="encode_stream" rung=2
# Keep one string with what is held back. For each chunk: append it, find a place up to which all is settled, encode the
# part before and keep the part after. When the iterable ends, encode the rest. `yield from` passes a list's items on.
#
# A place is settled if no special string can begin before it and go on behind it, and if at least two words of the text
# that follows are held back. To be safe with white space, let the settled part end in a visible character.

# %% [markdown] hint="encode_stream" rung=3
# Let `longest` be the length of the longest allowed string. Whether one begins at a place is known once `longest`
# characters from there have come, so it is known for all but the last `longest - 1` places. Find the end of the last
# special string that begins in this known part; the text up to there is settled.
#
# From there to the end of the known part take the words, drop the last two, and then drop from the end those that are
# white space. What their lengths add up to is settled as well. Mind that the known part may have no length yet, and
# that a negative number in a slice counts from the end.


# %% exercise="encode_stream" minutes=25
def encode_stream(self, iterable: Iterable[str], allowed_special: Collection[str] = ()) -> Iterator[int]:
    """The ids of the chunks' text, each as soon as no later chunk can change it."""
    ### BEGIN SOLUTION
    longest_first = sorted(allowed_special, key=len, reverse=True)
    pattern = regex.compile("|".join(map(regex.escape, longest_first)) or r"(?!)")  # (?!) matches nowhere
    longest = max(map(len, allowed_special), default=1)
    held = ""
    for chunk in iterable:
        held += chunk
        known = max(len(held) - longest + 1, 0)  # a special string that begins before this place is here in full
        start = max((match.end() for match in pattern.finditer(held) if match.start() < known), default=0)
        words = pretokenize(held[start:known])[:-2]
        while words and words[-1].isspace():
            words.pop()
        settled = start + sum(map(len, words))
        yield from self.encode(held[:settled], allowed_special)
        held = held[settled:]
    yield from self.encode(held, allowed_special)
    ### END SOLUTION


Tokenizer.encode_stream = encode_stream

# %% check="encode_stream" points=4
checks.run("encode_stream")

# %% [markdown]
# Your stream reads the stories three characters at a time: the first ten tokens, and how much it has read by then. Then
# the ids of a whole text, with each chunk encoded by itself as the control.

# %%
chunks = (STORIES[at : at + 3] for at in range(0, len(STORIES), 3))
first = list(islice(tokenizer.encode_stream(chunks), 10))
print([tokenizer.decode([id]) for id in first])
print(f"{len(STORIES) - sum(map(len, chunks))} characters read, {len(tokenizer.decode(first))} of them given out")
chunks = [NEW_STORIES[at : at + 3] for at in range(0, len(NEW_STORIES), 3)]
apart = [id for chunk in chunks for id in tokenizer.encode(chunk)]
for name, ids in (("your stream", list(tokenizer.encode_stream(chunks))), ("each chunk by itself", apart)):
    print(f"{name:21} {len(ids):5} tokens, the ids of the whole text: {ids == tokenizer.encode(NEW_STORIES)}")

# %% [markdown] only="solutions"
# Why this is safe: a special string needs at most `longest` characters, so before `known` nothing is
# undecided; and GPT-2's rules look at most one character beyond a word, except that an apostrophe may take up to two
# letters from the words after it, which by then are one word. Hence two words are held back.
#
# White space is held back for another reason: the settled part is encoded as a text of its own, and there a run of
# white space at its end would be cut as at the end of a text.
#
# Right as well: cutting only where white space begins after a visible character, which is always the border of a word.
# It is simpler, and never lets go of a text without spaces.

# %% [markdown]
# ## Your tokenizer
# Now make the one you keep: 512 ids, trained on the stories, with `<|endoftext|>`. It is written to
# `mine/tokenizer.json` beside this notebook, where the later notebooks and the companion app look for it. The file
# holds the merges and the special strings, in the printable alphabet of your first exercise; the ids follow from their
# order.

# %%
mine = Tokenizer(*train_bpe(STORIES, 512, [END_OF_TEXT]), [END_OF_TEXT])
Path("mine").mkdir(exist_ok=True)
CourseTokenizer(mine.vocab, mine.merges, mine.special).save(Path("mine/tokenizer.json"))
again = CourseTokenizer.load(Path("mine/tokenizer.json"))
print("read back, it gives the same ids:", again.encode(NEW_STORIES) == mine.encode(NEW_STORIES))

# %% [markdown]
# Compare it with the tokenizer of the course's models. That one was trained on every word of the stories' world *once*,
# until each had become a single token: convenient for looking into models, since one word is one position.

# %%
shipped = stories.tokenizer()
rows = {}
for name, subject, size in (("yours", mine, len(mine.vocab)), ("shipped", shipped, len(shipped))):
    for text_name, text in (("new stories", NEW_STORIES), ("control", CONTROL)):
        rows[f"{name}, {size} ids: {text_name}"] = len(text.encode()) / len(subject.encode(text))
pictures.bars(list(rows.values()), list(rows), title="bytes per token")

# %% [markdown]
# The larger vocabulary gains much on stories and little on the control. What would you pay for it? At 64 numbers per
# id, once in the embedding and once in the unembedding, 700 more ids are 90,000 parameters, and each is trained only
# when its token comes up. Notebook 06 trains a model on your ids.
#
# ## What you built
# GPT-2's tokenizer: its alphabet, its words, its training, its encoder and decoder, and an encoder for text that is
# still coming in. Given GPT-2's own `vocab.json` and `merges.txt` it would give GPT-2's ids.
#
# ## Questions
# 1. **Who speaks with a special token?** Chat models tell "user" from "assistant" by special tokens. You have seen
#    what keeps a user from writing one: an argument with an empty default. Where else in a system would you want to
#    check it?
# 2. **What is the unit of a thought?** Interpretability work often picks prompts in which every name is one token. What
#    might a finding about single-token names miss about a model that reads `·Mag·ik·arp`? How would you test it?
# 3. **Can a model be audited by its vocabulary?** Tokens that never occur in the training text are found without
#    running the model, as you have done. What does such a list tell about where the *tokenizer's* text came from, and
#    would you publish it?
#
# ## References
# - Gage 1994, *A New Algorithm for Data Compression*: byte pairs, without any language.
# - Sennrich, Haddow and Birch 2016, *Neural Machine Translation of Rare Words with Subword Units*, section 3.2.
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, section 2.2: bytes, and cutting into
#   words.
# - Petrov et al. 2023, *Language Model Tokenizers Introduce Unfairness Between Languages*.
# - Rumbelow and Watkins 2023, *SolidGoldMagikarp (plus, prompt generation)*; Land and Bartolo 2024, *Fishing for
#   Magikarp*.
