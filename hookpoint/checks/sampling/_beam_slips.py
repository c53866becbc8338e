"""Wrong beam searches, each a right one that differs in one place."""

import torch

from hookpoint.checks.author import Slip


def log_probabilities(logits):
    return logits[:, -1].double().log_softmax(-1)


def each_longer(total, added, length):
    return total + added


def all_options(alive, rows, add):
    return [
        (add(total, float(row[token]), len(ids)), torch.cat([ids, torch.tensor([token])]), False)
        for (total, ids, _), row in zip(alive, rows, strict=True)
        for token in range(len(row))
    ]


def reference(model, ids, k, n, length_penalty=0.0, stop=None):
    """The right one. It is no oracle: the checks compare with all continuations, and with a search of their own."""
    return searched(model, ids, k, n, length_penalty, stop)


def searched(
    model, ids, k, n, length_penalty=0.0, stop=None,
    look=log_probabilities, add=each_longer, options=all_options, start=1, length=len, final=None, keep=None,
    penalty=None,
):  # fmt: skip
    """`reference` with a joint at each place where it can go wrong. A beam is (sum, ids, finished)."""
    penalty = penalty or (lambda total, new: total / max(new, 1) ** length_penalty)

    def score(beam):
        return penalty(beam[0], length(beam[1]) - len(ids))

    beams = [(0.0, ids, False)] * start
    for _ in range(n):
        alive = [beam for beam in beams if not beam[2]]
        if not alive:
            break
        with torch.no_grad():
            rows = look(model(torch.stack([beam[1] for beam in alive])))
        new = [(total, text, stop is not None and text[-1] == stop) for total, text, _ in options(alive, rows, add)]
        done = [beam for beam in beams if beam[2]]
        beams = (keep or best)(done, new, score, k)
    return (final or ordered)(beams, score, ids, k)


def best(done, new, score, k):
    return sorted(done + new, key=score, reverse=True)[:k]


def ordered(beams, score, ids, k):
    return [(score(beam), beam[1]) for beam in sorted(beams, key=score, reverse=True)]


def slip(says, name, change=None, **joints):
    """A slip that differs in its joints, or in the arguments it goes by."""

    def wrong(model, ids, k, n, length_penalty=0.0, stop=None):
        arguments = {"k": k, "n": n, "length_penalty": length_penalty, "stop": stop}
        own = {joint: value(ids, length_penalty, stop) if joint in BOUND else value for joint, value in joints.items()}
        return searched(model, ids, **(arguments | (change(**arguments) if change else {})), **own)

    wrong.__name__ = name
    return Slip(says, wrong)


BOUND = ("length", "penalty", "final")  # joints that are made from the prompt, the penalty and stop


def likeliest_only(alive, rows, add):
    return [
        (add(total, float(row.max()), len(ids)), torch.cat([ids, row.argmax()[None]]), False)
        for (total, ids, _), row in zip(alive, rows, strict=True)
    ]


def without_finished(done, new, score, k):
    return sorted(new, key=score, reverse=True)[:k]


def never_fewer(done, new, score, k):
    return done + new


def worst(done, new, score, k):
    return sorted(done + new, key=score)[:k]


def finished_beside(model, ids, k, n, length_penalty=0.0, stop=None):
    pool = []

    def keep(done, new, score, k):
        pool.extend(beam for beam in new if beam[2])
        return sorted((beam for beam in new if not beam[2]), key=score, reverse=True)[:k]

    def final(beams, score, ids, k):
        return ordered(pool + beams, score, ids, k)[:k]

    return searched(model, ids, k, n, length_penalty, stop, keep=keep, final=final)


def always(final):
    """A way to put the result together that needs to know neither prompt nor penalty nor stop."""
    return lambda ids, length_penalty, stop: final


def reversed_order(beams, score, ids, k):
    return ordered(beams, score, ids, k)[::-1]


def by_sum(beams, score, ids, k):
    return [(score(beam), beam[1]) for beam in sorted(beams, key=lambda beam: beam[0], reverse=True)]


def by_tokens(beams, score, ids, k):
    return [(score(beam), beam[1]) for beam in sorted(beams, key=lambda beam: beam[1].tolist())]


def only_the_best(beams, score, ids, k):
    return ordered(beams, score, ids, k)[:1]


def only_new_tokens(beams, score, ids, k):
    return [(value, text[len(ids) :]) for value, text in ordered(beams, score, ids, k)]


def ids_first(beams, score, ids, k):
    return [(text, value) for value, text in ordered(beams, score, ids, k)]


def as_probabilities(beams, score, ids, k):
    return [(float(torch.tensor(value).exp()), text) for value, text in ordered(beams, score, ids, k)]


def only_finished(beams, score, ids, k):
    return ordered([beam for beam in beams if beam[2]] or beams, score, ids, k)


def without_stop(ids, length_penalty, stop):
    def final(beams, score, prompt, k):
        return [
            (value, text[:-1] if stop is not None and text[-1] == stop else text)
            for value, text in ordered(beams, score, prompt, k)
        ]

    return final


def stop_not_counted(ids, length_penalty, stop):
    return lambda text: len(text) - int(stop is not None and bool(text[-1] == stop) and len(text) > len(ids))


def brute_force(model, ids, k, n, length_penalty=0.0, stop=None):
    return searched(model, ids, 10**6, n, length_penalty, stop)[:k]


def longest_text(model, ids, k, n, length_penalty=0.0, stop=None):
    return searched(
        model, ids, k, n, length_penalty, stop, penalty=lambda total, new: total / max(n, 1) ** length_penalty
    )


SLIPS = (
    slip(
        "probabilities are added up instead of their logarithms",
        "sums_probabilities",
        look=lambda x: x[:, -1].softmax(-1),
    ),
    slip("the logits are added up as they are, without log_softmax", "sums_logits", look=lambda x: x[:, -1]),
    slip("the scores are probabilities, not log-probabilities", "as_probabilities", final=always(as_probabilities)),
    slip("the logarithms are to base 2", "in_bits", look=lambda x: log_probabilities(x) / 0.6931471805599453),
    slip(
        "the predictions are read at the first position", "first_position", look=lambda x: log_probabilities(x[:, :1])
    ),
    slip("the score is that of the last token alone", "last_token_only", add=lambda total, added, length: added),
    slip(
        "the sum is divided by the length at every step, again and again",
        "mean_of_means",
        add=lambda total, added, length: (total + added) / 2 if total else added,
    ),
    slip("each beam is continued by its likeliest token only", "likeliest_only", options=likeliest_only),
    slip("k copies of the prompt start the search, which then finds everything k times", "copies", start=2),
    slip("nothing is dropped: all continuations are kept", "never_fewer", keep=never_fewer),
    slip("the worst continuations are kept", "worst", keep=worst),
    slip("one beam more is kept than asked for", "one_more", change=lambda k, **_: {"k": k + 1}),
    slip("one token too few is added", "one_short", change=lambda n, **_: {"n": n - 1}),
    slip("one token too many is added", "one_long", change=lambda n, **_: {"n": n + 1}),
    slip("beams come back in the order worst first", "reversed_order", final=always(reversed_order)),
    slip("beams come back sorted by the sum of log-probabilities, not by score", "by_sum", final=always(by_sum)),
    slip("beams come back sorted by their tokens, not by score", "by_tokens", final=always(by_tokens)),
    slip("only the best beam comes back", "only_the_best", final=always(only_the_best)),
    slip("the prompt is missing from the ids", "only_new_tokens", final=always(only_new_tokens)),
    slip("the pairs are (ids, score)", "ids_first", final=always(ids_first)),
    slip("stop is ignored", "stop_ignored", change=lambda **_: {"stop": None}),
    slip("stop = 0 is taken for no stop at all", "zero_is_no_stop", change=lambda stop, **_: {"stop": stop or None}),
    slip("a beam is dropped when it is finished", "finished_dropped", keep=without_finished),
    Slip("finished beams are collected beside the k, so they take no place", finished_beside),
    slip("only finished beams come back, as far as there are any", "only_finished", final=always(only_finished)),
    slip("the stop token is cut off the ids", "stop_cut_off", final=without_stop),
    slip("the length penalty is ignored", "not_penalised", change=lambda **_: {"length_penalty": 0.0}),
    slip(
        "the sum is multiplied by the length to the power of the penalty",
        "multiplied",
        penalty=lambda ids, lp, stop: lambda total, new: total * max(new, 1) ** lp,
    ),
    slip(
        "the penalty times the length is subtracted from the sum",
        "subtracted",
        penalty=lambda ids, lp, stop: lambda total, new: total - lp * new,
    ),
    slip(
        "the sum is divided by the length times the penalty",
        "factor",
        penalty=lambda ids, lp, stop: lambda total, new: total / (max(new, 1) * lp) if lp else total,
    ),
    slip(
        "the prompt counts in the length",
        "prompt_counted",
        length=lambda ids, lp, stop: lambda text: len(text) + len(ids),
    ),
    slip("stop does not count in the length", "stop_not_counted", length=stop_not_counted),
    Slip("every beam is divided by the length n, finished or not", longest_text),
    Slip("all continuations are scored, and the best k of all come back: that is no beam search", brute_force),
)
