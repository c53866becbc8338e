"""Checks for `no_repeat_ngram` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip

from ._logits import same_filtered, with_removed

VOCAB = 9
# Texts over letters that stand for tokens, and what each n forbids next. Written out by hand.
CASES = (
    ("abcab", {1: "abc", 2: "c", 3: "c", 4: ""}),
    ("abacadab", {1: "abcd", 2: "a", 3: "a", 4: ""}),  # the second ab is the end of the text
    ("abcdbce", {1: "abcde", 2: "", 3: ""}),  # e has not occurred before
    ("aabaa", {1: "ab", 2: "ab", 3: "b", 4: ""}),  # aa occurs at the end as well
    ("aaaa", {1: "a", 2: "a", 3: "a", 4: "a", 5: ""}),  # runs overlap
    ("xaybxa", {1: "xayb", 2: "y", 3: "y"}),
    ("abxabyab", {1: "abxy", 2: "xy", 3: "xy", 4: ""}),  # two continuations
    ("bacab", {1: "abc", 2: "a", 3: ""}),  # ba is not ab
    ("abcabdxab", {1: "abcdx", 2: "cd", 3: "cd", 4: ""}),
    ("axbcayb", {2: "c", 3: "", 4: ""}),  # axb is not ayb
    ("aa", {1: "a", 2: "a", 3: ""}),
    ("ab", {1: "ab", 2: "", 3: "", 4: ""}),
    ("a", {1: "a", 2: "", 3: "", 5: ""}),
)
# Tokens of several digits whose first two are never the last two, though they look alike when they are written down,
# or, in the last text, when they are taken for tens and ones.
LOOK_ALIKE = ([1, 12, 5, 7, 11, 2], [1, 23, 6, 8, 1, 2], [12, 3, 6, 8, 2, 3], [3, 9, 4, 0, 11, 9], [1, 12, 5, 7, 2, 2])
TELLING = ("abcabdxab", "abacadab")


def reference(ids, logits, n):
    """Asks of every token: would the text with it hold its last n tokens twice?"""
    text, filtered = ids.tolist(), logits.clone()
    runs = {tuple(text[at : at + n]) for at in range(len(text) - n + 1)}
    for token in range(len(logits)):
        if len(text) >= n - 1 and tuple([*text, token][-n:]) in runs:
            filtered[token] = -torch.inf
    return filtered


def spelled(draw):
    """A token for each letter."""
    return dict(zip("abcdexy", draw.order(VOCAB), strict=False))


def try_cases(learner, draw, *judged):
    """Asks for every text and n, so that slips can be told apart, and compares those n that are to be judged here."""
    answers = []
    for text, forbidden in CASES:
        for n in forbidden:
            if n in judged or text in TELLING:
                token_of = spelled(draw)
                ids, logits = torch.tensor([token_of[letter] for letter in text]), draw.normal(VOCAB, mean=0.5, std=3)
                want = logits.clone()
                want[[token_of[letter] for letter in forbidden[n]]] = -torch.inf
                answers.append((n, len(text), learner.no_repeat_ngram(ids, logits, n), want))
    for n, length, got, want in answers:
        if n in judged:
            same_filtered(got, want, f"for n = {n} and {length} ids")


def pairs(learner, draw):
    """With n = 2, every token is removed that has followed the last token before."""
    try_cases(learner, draw, 2)


def single(learner, draw):
    """With n = 1, every token that occurs is removed."""
    try_cases(learner, draw, 1)


def longer(learner, draw):
    """With n = 3 and more, every token is removed that has followed the last n - 1 tokens, in their order."""
    try_cases(learner, draw, 3, 4, 5)
    for text in LOOK_ALIKE:
        logits = draw.normal(29, std=3)
        same_filtered(learner.no_repeat_ngram(torch.tensor(text), logits, 3), logits, f"for n = 3 and ids = {text}")


def random_texts(learner, draw):
    """In a long text over few tokens, exactly the runs that have occurred are prevented."""
    for n, few, length in ((2, 4, 17), (3, 7, 97), (4, 2, 19)):
        ids, logits = draw.ids(few, length), draw.normal(VOCAB, std=3)
        for kind in (torch.float32, torch.float64):
            want = reference(ids, logits.to(kind), n)
            same_filtered(learner.no_repeat_ngram(ids, logits.to(kind), n), want, f"for n = {n} and {length} ids")
    ends = torch.tensor([VOCAB - 1, VOCAB - 2])  # occur nowhere else
    few, logits = draw.ids(VOCAB - 2, 301), draw.normal(VOCAB, std=3)
    ids = torch.cat([few[:1], ends, few[1:], ends])
    when = "for n = 3 and 305 ids, of which the last two have occurred near the beginning"
    same_filtered(learner.no_repeat_ngram(ids, logits, 3), reference(ids, logits, 3), when)


def removed(learner, draw):
    """A token that has been removed before stays removed."""
    token_of = spelled(draw)
    ids = torch.tensor([token_of[letter] for letter in "abcab"])
    logits = with_removed(draw.normal(1, VOCAB, std=3), (0, token_of["a"]), (0, token_of["x"]), (0, token_of["c"]))[0]
    for n in (2, 3, 7):
        got = learner.no_repeat_ngram(ids, logits, n)
        same_filtered(got, reference(ids, logits, n), f"for n = {n} where tokens have been removed")


def without(logits, tokens):
    filtered = logits.clone()
    filtered[list(tokens)] = -torch.inf
    return filtered


def followers(text, n, windows=None, equal=None, ending=None):
    """A right answer with a joint at each place where it can go wrong."""
    if len(text) < n:
        return set()
    ending = text[len(text) - n + 1 :] if ending is None else ending
    windows = range(len(text) - n + 1) if windows is None else windows
    equal = equal or (lambda a, b: a == b)
    return {text[at + n - 1] for at in windows if equal(text[at : at + n - 1], ending)}


def last_run_only(ids, logits, n):
    text = ids.tolist()
    return without(logits, text[-1:] if len(text) >= n else [])


def latest_occurrence_only(ids, logits, n):
    text = ids.tolist()
    places = [at for at in range(len(text) - n + 1) if text[at : at + n - 1] == text[len(text) - n + 1 :]]
    return without(logits, followers(text, n, windows=places[-1:])) if n > 1 else without(logits, text)


def first_occurrence_only(ids, logits, n):
    text = ids.tolist()
    places = [at for at in range(len(text) - n + 1) if text[at : at + n - 1] == text[len(text) - n + 1 :]]
    return without(logits, followers(text, n, windows=places[:1])) if n > 1 else without(logits, text)


def minus_zero(ids, logits, n):
    text = ids.tolist()
    return without(logits, followers(text, n, ending=text[-(n - 1) :] if n > 1 else text))


def last_window_missed(ids, logits, n):
    text = ids.tolist()
    return without(logits, followers(text, n, windows=range(len(text) - n)))


def first_window_missed(ids, logits, n):
    text = ids.tolist()
    return without(logits, followers(text, n, windows=range(1, len(text) - n + 1)))


def one_longer(ids, logits, n):
    return without(logits, followers(ids.tolist(), n + 1))


def one_shorter(ids, logits, n):
    return without(logits, followers(ids.tolist(), max(n - 1, 1)))


def everything_seen(ids, logits, n):
    return without(logits, ids.tolist() if len(ids) >= n else [])


def everything_seen_always(ids, logits, n):
    return without(logits, ids.tolist())


def always_pairs(ids, logits, n):
    return without(logits, ids.tolist() if n == 1 else followers(ids.tolist(), 2))


def in_any_order(ids, logits, n):
    return without(logits, followers(ids.tolist(), n, equal=lambda a, b: sorted(a) == sorted(b)))


def any_in_common(ids, logits, n):
    return without(logits, followers(ids.tolist(), n, equal=lambda a, b: n == 1 or set(a) & set(b)))


def only_last_of_prefix(ids, logits, n):
    return without(logits, followers(ids.tolist(), n, equal=lambda a, b: a[-1:] == b[-1:]))


def only_first_of_prefix(ids, logits, n):
    return without(logits, followers(ids.tolist(), n, equal=lambda a, b: a[:1] == b[:1]))


def prefix_removed(ids, logits, n):
    text = ids.tolist()
    return without(logits, text[len(text) - n + 1 :] if n > 1 and followers(text, n) else [])


def short_text_as_prefix(ids, logits, n):
    text = ids.tolist()
    return without(logits, text if len(text) < n else followers(text, n))


def allowed_instead(ids, logits, n):
    banned = followers(ids.tolist(), n)
    return without(logits, set(range(len(logits))) - banned) if banned else logits


def zero_for_removed(ids, logits, n):
    filtered = logits.clone()
    filtered[list(followers(ids.tolist(), n))] = 0
    return filtered


def a_billion_for_removed(ids, logits, n):
    filtered = logits.clone()
    filtered[list(followers(ids.tolist(), n))] = -1e9
    return filtered


def nothing_removed(ids, logits, n):
    return logits.clone()


EXERCISE = Exercise(
    "no_repeat_ngram",
    checks=(pairs, single, longer, random_texts, removed),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the token at the end of the text is removed, as if its last n tokens were the only run", last_run_only),
        Slip("only what followed at the latest occurrence is removed", latest_occurrence_only),
        Slip("only what followed at the first occurrence is removed", first_occurrence_only),
        Slip("for n = 1 the slice ids[-0:] is the whole text, so nothing matches", minus_zero),
        Slip(
            "the search ends one run too early: the last n tokens of the text are never looked at", last_window_missed
        ),
        Slip("the search starts one place too late: the first run is never looked at", first_window_missed),
        Slip("n tokens must match before the token that is removed: that prevents runs of n + 1", one_longer),
        Slip("only n - 2 tokens must match before the token that is removed", one_shorter),
        Slip("every token that occurs is removed, whatever came before it", everything_seen),
        Slip("every token that occurs is removed, even if the text is shorter than n", everything_seen_always),
        Slip("n above 2 is treated as 2", always_pairs),
        Slip("the n - 1 tokens may match in any order", in_any_order),
        Slip("one matching token among the n - 1 is enough", any_in_common),
        Slip("only the last of the n - 1 tokens has to match", only_last_of_prefix),
        Slip("only the first of the n - 1 tokens has to match", only_first_of_prefix),
        Slip("the n - 1 tokens that matched are removed, not the token that followed them", prefix_removed),
        Slip("a text shorter than n has its tokens removed", short_text_as_prefix),
        Slip("the tokens that would repeat are the only ones that stay", allowed_instead),
        Slip("a removed logit becomes 0, which is a logit like any other", zero_for_removed),
        Slip("a removed logit becomes -1e9 instead of -inf", a_billion_for_removed),
        Slip("nothing is ever removed", nothing_removed),
    ),
)
