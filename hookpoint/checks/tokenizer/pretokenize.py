"""Checks for `pretokenize` (part 1, notebook 01)."""

import re

import regex

from hookpoint.checks.author import Exercise, Mismatch, Slip, same

from ._oracle import words

# Worked out by hand from the five rules. The first text of each kind has something for every slip.
CONTRACTIONS = {
    "I'm sure it's 'sup,  WE'LL: they'll've ": [
        "I", "'m", " sure", " it", "'s", " '", "sup", ",", " ", " WE", "'", "LL", ":", " they", "'ll", "'ve", " ",
    ],
    "I'm here": ["I", "'m", " here"],
    "they'll've": ["they", "'ll", "'ve"],
    "we're, she'd, it's, don't": ["we", "'re", ",", " she", "'d", ",", " it", "'s", ",", " don", "'t"],
    "'sup 'tis": ["'s", "up", " '", "tis"],
    "WE'LL I'M": ["WE", "'", "LL", " I", "'", "M"],
    "it’s ''s": ["it", "’", "s", " ''", "s"],
}  # fmt: skip
SPACES = {
    "go on   now !?  it's 1 \n": ["go", " on", "  ", " now", " !?", " ", " it", "'s", " 1", " \n"],
    "a b": ["a", " b"],
    "a  b": ["a", " ", " b"],
    "a    b": ["a", "   ", " b"],
    " a": [" a"],
    "end  ": ["end", "  "],
    "end ": ["end", " "],
    "  ": ["  "],
    "a !?": ["a", " !?"],
    "x - y": ["x", " -", " y"],
}
LINES = {
    "a\nb  it's\t\tc\n\n d ": ["a", "\n", "b", " ", " it", "'s", "\t", "\t", "c", "\n\n", " d", " "],
    "a\nb": ["a", "\n", "b"],
    "a\n\nb": ["a", "\n", "\n", "b"],
    "a\n\n\n b": ["a", "\n\n\n", " b"],
    "a \n b": ["a", " \n", " b"],
    "a!\n\nb": ["a", "!", "\n", "\n", "b"],
    "a\tb\t\tc": ["a", "\t", "b", "\t", "\t", "c"],
    "a\r\nb\r\n": ["a", "\r", "\n", "b", "\r\n"],
    "a\u00a0b\u3000c": ["a", "\u00a0", "b", "\u3000", "c"],
    "a \u00a0b": ["a", " ", "\u00a0", "b"],
}
SCRIPTS = {
    "T\u00e9 ne\u0301 ab³x 42 ½% it's_so!": [
        "T\u00e9", " ne", "\u0301", " ab", "³", "x", " 42", " ½", "%", " it", "'s", "_", "so", "!",
    ],
    "in 2026.": ["in", " 2026", "."],
    "a1b22": ["a", "1", "b", "22"],
    "3.14": ["3", ".", "14"],
    "m³ ½ Ⅷ": ["m", "³", " ½", " Ⅷ"],
    "٣ ۴x": ["٣", " ۴", "x"],
    "naïve été": ["naïve", " été"],
    "東京 タワー": ["東京", " タワー"],
    "三つ x𝒳": ["三つ", " x𝒳"],
    "Straße привет": ["Straße", " привет"],
    "Ωx東é привет!": ["Ωx東é", " привет", "!"],
    "e\u0301a": ["e", "\u0301", "a"],
    "snake_case": ["snake", "_", "case"],
    "ok 🙂🙂!": ["ok", " 🙂🙂!"],
    "(a+b)": ["(", "a", "+", "b", ")"],
}  # fmt: skip
FRAGMENTS = (
    "a", "To", "é", "東", "ß", "7", "42", "³", "٣", "½", "_", "'", "’", "'s", "'ll", "'RE", "ve", " ", "  ", "   ",
    "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "!", "...", "🙂", "e\u0301", "-", "<|", "|>",
)  # fmt: skip


def reference(text):
    """The rules, one character after the other."""
    return words(text)


def tried(learner, cases):
    for text, expected in cases.items():
        same(learner.pretokenize(text), expected)


def contractions(learner, draw):
    """'s, 't, 'd, 'm, 'll, 've and 're in lower case are words of their own, whatever stands before and after."""
    tried(learner, CONTRACTIONS)


def spaces(learner, draw):
    """One space belongs to the word after it; of a longer run all but the last is a word, and all at the end."""
    tried(learner, SPACES)


def other_white_space(learner, draw):
    """Newlines, tabs and other white space never join a word, and a run of them leaves its last to stand alone."""
    tried(learner, LINES)


def scripts(learner, draw):
    """Letters are letters of any script, numbers are numbers of any kind, and all the rest is the third kind."""
    tried(learner, SCRIPTS)


def whole(learner, draw):
    """Joined, the words are the text, and the empty text has none."""
    same(learner.pretokenize(""), [])
    for text in texts(draw):
        got = learner.pretokenize(text)
        if not all(isinstance(word, str) for word in got):
            raise Mismatch("returned a list that holds something else than str.", got=got)
        if "".join(got) != text:
            raise Mismatch("returned words that do not join up to the text.", got=got)
        same(got, reference(text))


def texts(draw):
    for _ in range(12):
        yield "".join(FRAGMENTS[at] for at in draw.ids(len(FRAGMENTS), draw.number(1, 14)).tolist())


def found(pattern, text, flags=0):
    return [match.group() for match in regex.finditer(pattern, text, flags)]


TAIL = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SHORT = r"'(?:[sdmt]|ll|ve|re)|"


def no_contractions(text):
    return found(TAIL, text)


def any_case(text):
    return found(r"(?i:'(?:[sdmt]|ll|ve|re))|" + TAIL, text)


def curly_too(text):
    return found(r"['’](?:[sdmt]|ll|ve|re)|" + TAIL, text)


def space_before_contraction(text):
    return found(r" ?'(?:[sdmt]|ll|ve|re)|" + TAIL, text)


def apostrophe_in_word(text):
    return found(r" ?[\p{L}']+| ?\p{N}+| ?[^\s\p{L}\p{N}']+|\s+(?!\S)|\s+", text)


def few_contractions(text):
    return found(r"'(?:[st])|" + TAIL, text)


def split_at_spaces(text):
    return text.split()


def space_after(text):
    return found(SHORT + r"\p{L}+ ?|\p{N}+ ?|[^\s\p{L}\p{N}]+ ?|\s+", text)


def space_alone(text):
    return found(SHORT + r"\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


def run_whole(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+", text)


def white_dropped(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+", text)


def single_white_dropped(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)", text)


def end_dropped(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?=\S)", text)


def spaces_one_by_one(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s", text)


def all_leading_spaces(text):
    return found(SHORT + r" *\p{L}+| *\p{N}+| *[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


def any_white_leads(text):
    return found(SHORT + r"\s?\p{L}+|\s?\p{N}+|\s?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


def stripped(text):
    return found(SHORT + TAIL, text.strip())


def newline_is_other(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^ \p{L}\p{N}]+| +(?![^ ])| +", text)


def ascii_letters(text):
    return found(SHORT + r" ?[a-zA-Z]+| ?[0-9]+| ?[^\sa-zA-Z0-9]+|\s+(?!\S)|\s+", text)


def word_class(text):
    return re.findall(SHORT + r" ?\w+| ?[^\s\w]+|\s+(?!\S)|\s+", text)


def digits_only(text):
    return re.findall(SHORT + r" ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+", text)


def decimal_digits(text):
    return found(SHORT + r" ?\p{L}+| ?\d+| ?[^\s\p{L}\d]+|\s+(?!\S)|\s+", text)


def digit_by_digit(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text)


def sign_by_sign(text):
    return found(SHORT + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]|\s+(?!\S)|\s+", text)


def marks_are_letters(text):
    return found(SHORT + r" ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+", text)


def lower_cased(text):
    return found(SHORT + TAIL, text.lower())


def composed(text):
    import unicodedata

    return found(SHORT + TAIL, unicodedata.normalize("NFC", text))


EXERCISE = Exercise(
    "pretokenize",
    checks=(contractions, spaces, other_white_space, scripts, whole),
    reference=reference,
    gives=list,
    forbids=("tokenizers",),
    slips=(
        Slip(
            "the rule of the contractions is missing, or comes after another that takes the apostrophe", no_contractions
        ),
        Slip("contractions are split off in upper case too", any_case),
        Slip("the typographic apostrophe ’ makes contractions too", curly_too),
        Slip("a space may stand before a contraction and joins it", space_before_contraction),
        Slip("the apostrophe counts as a letter", apostrophe_in_word),
        Slip("only 's and 't are contractions", few_contractions),
        Slip("the text is split at white space, which is lost", split_at_spaces),
        Slip("a space goes with the word before it", space_after),
        Slip("the space between two words is a word of its own", space_alone),
        Slip("a run of white space is taken whole, so its last space is not left to the next word", run_whole),
        Slip("runs of white space match no rule and are lost", white_dropped),
        Slip(
            "white space right before a word matches no rule and is lost: the last rule is missing",
            single_white_dropped,
        ),
        Slip("white space at the end matches no rule and is lost", end_dropped),
        Slip("white space is cut into single characters", spaces_one_by_one),
        Slip("a word takes all the spaces before it, not one", all_leading_spaces),
        Slip("a newline or tab joins the word after it, as only a space should", any_white_leads),
        Slip("the text is stripped first", stripped),
        Slip("only the space counts as white space", newline_is_other),
        Slip("only a-z and A-Z are letters, and only 0-9 numbers", ascii_letters),
        Slip("letters, digits and the underscore are one kind (\\w)", word_class),
        Slip("letters are [^\\W\\d_], which takes in ³ and ½", digits_only),
        Slip("numbers are \\d, which leaves out ³, ½ and Ⅷ", decimal_digits),
        Slip("each digit is a word", digit_by_digit),
        Slip("each sign that is no letter and no number is a word", sign_by_sign),
        Slip("combining marks count as letters", marks_are_letters),
        Slip("the text is put in lower case", lower_cased),
        Slip("the text is normalised: accents are joined with their letters", composed),
    ),
)
