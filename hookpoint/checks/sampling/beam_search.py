"""Checks for `beam_search` (part 1, notebook 07)."""

import itertools
from functools import cache

import torch
from torch import Tensor

from hookpoint.checks.author import Counted, Draw, Exercise, Mismatch, Tolerance, same

from ._beam_slips import SLIPS, reference
from ._models import tabled

VOCAB, N_CTX = 5, 9
CLEAR = 1e-3  # no choice between continuations that are closer than this: rounding may not decide
SCORES = Tolerance(1e-4, float64=1e-4)


def cut(text, stop):
    return text[: text.index(stop) + 1] if stop in text else text


def every(model, ids, n, length_penalty=0.0, stop=None):
    """All continuations there are, scored in one pass, best first: what a k that leaves nothing out must find."""
    texts = torch.cartesian_prod(*[torch.arange(VOCAB)] * n).reshape(-1, n)
    read = torch.cat([ids.expand(len(texts), -1), texts], 1)
    steps = model(read[:, :-1]).double().log_softmax(-1)[:, len(ids) - 1 :]
    sums = steps.gather(-1, texts[..., None])[..., 0].cumsum(-1)
    ends = texts == (-1 if stop is None else stop)
    ends[:, -1] = True
    length = ends.int().argmax(-1) + 1
    once = (texts * (torch.arange(n) >= length[:, None])).sum(-1) == 0  # of those that are equal up to their stop
    scores = sums.gather(-1, length[:, None] - 1)[:, 0] / length.double() ** length_penalty
    found = zip(scores[once].tolist(), texts[once].tolist(), length[once].tolist(), strict=True)
    return sorted(((score, tuple(text[:end])) for score, text, end in found), reverse=True)


def narrow(model, ids, k, n, length_penalty, stop, reading):
    """The search as a reading of the contract has it, and how clear its closest choice was.

    Readings differ in how finished continuations compete: by `score`, by the `sum` of log-probabilities, or not at all
    (`kept`). In none of them is there a `pool` that holds them beside the k.
    """
    beams, pool, clear = [(0.0, ())], [], 9.0

    def score(beam):
        return beam[0] / max(len(beam[1]), 1) ** length_penalty

    rank = score if reading in ("score", "pool") else lambda beam: beam[0]
    for _ in range(n):
        done = [beam for beam in beams if beam[1][-1:] == (stop,)]
        alive = [beam for beam in beams if beam not in done]
        if not alive:
            break
        logits = model(torch.stack([torch.cat([ids, torch.tensor(text, dtype=torch.int64)]) for _, text in alive]))
        options = [
            (total + added, (*text, token))
            for (total, text), row in zip(alive, logits[:, -1].double().log_softmax(-1).tolist(), strict=True)
            for token, added in enumerate(row)
        ]
        if reading == "pool":
            pool += [beam for beam in options if beam[1][-1] == stop]
            options = [beam for beam in options if beam[1][-1] != stop]
        places = k - len(done) if reading == "kept" else k
        options = sorted(options if reading == "kept" else done + options, key=rank, reverse=True)
        if 0 < places < len(options):
            clear = min(clear, rank(options[places - 1]) - rank(options[places]))
        beams = (done if reading == "kept" else []) + options[:places]
    found = sorted(((score(beam), beam[1]) for beam in pool + beams), reverse=True)[:k]
    return found, clear


def drawn(draw, std=1.0, dtype=torch.float32):
    return tabled(draw.normal(N_CTX, VOCAB, VOCAB, std=std, dtype=dtype))


@cache
def telling(seed, k, n, length_penalty, stop):
    """A model and a prompt for which all readings agree, clearly, on what neither a pool nor another k finds."""
    draw = Draw(str(seed), "telling")
    while True:
        model, ids = drawn(draw, 0.6), draw.ids(VOCAB, 3)
        if stop is not None:  # what a stop in the prompt means is open
            ids = (stop + 1 + ids % (VOCAB - 1)) % VOCAB
        want, clear = narrow(model, ids, k, n, length_penalty, stop, "score")
        if clear < CLEAR or stop is not None and all(len(text) == n for _, text in want):
            continue
        greedy, clear = narrow(model, ids, 1, n, length_penalty, stop, "score")
        if clear < CLEAR or want[:1] == greedy:
            continue
        if stop is not None and narrow(model, ids, k, n, length_penalty, stop, "pool")[0] == want:
            continue
        others = (narrow(model, ids, k, n, length_penalty, stop, reading) for reading in ("sum", "kept"))
        if stop is not None and any(found != want or clear < CLEAR for found, clear in others):
            continue
        wider = [narrow(model, ids, more, n, length_penalty, stop, "score")[0][:k] for more in (k + 1, 2 * k)]
        if want not in (*wider, every(model, ids, n, length_penalty, stop)[:k]):
            return model, ids, want, greedy


def compared(learner, model, ids, want, k, n, counted=None, **knobs):
    """Raises `Mismatch` unless the learner's beams are those that are wanted, in their order and with their scores."""
    theirs = learner.given.tabled(model.table, model.cfg) if counted is None else counted
    got = learner.beam_search(theirs, ids, k, n, **knobs)
    when = "for " + ", ".join(f"{name} = {value}" for name, value in {"k": k, "n": n, **knobs}.items())
    beams = [unpacked(beam, ids, got, knobs.get("stop")) for beam in got]
    if len({text for _, text in beams}) < len(beams):
        raise Mismatch(f"returned the same continuation twice {when}.", got=got)
    if len(beams) != len(want):
        raise Mismatch(f"returned {len(beams)} beams, expected {len(want)} {when}.", got=got)
    scores = dict((text, score) for score, text in want)
    for place, (_, text) in enumerate(beams):
        if text not in scores:
            fact = f"returned a continuation in place {place} that is not among the best {len(want)} {when}."
            raise Mismatch(fact, f"  Its new tokens are {list(text)}.", got=got)
    for place, (score, text) in enumerate(beams):
        try:
            same(score, scores[text], tolerance=SCORES)
        except Mismatch as wrong:
            lines = [f"  {wrong.fact.replace('returned', 'It is', 1)}"]
            raise Mismatch(f"gives a wrong score in place {place} {when}.", *lines, got=got) from None
    if any(a < b - 1e-5 for (a, _), (b, _) in itertools.pairwise(beams)):
        raise Mismatch(f"returned beams that are not in the order of their scores {when}.", got=got)


def unpacked(beam, ids, got, stop):
    """A beam as its score and the tuple of its new tokens; ids may be a tensor or a list."""
    if not isinstance(beam, (tuple, list)) or len(beam) != 2:
        raise Mismatch("returned a list of something else than pairs (score, ids).", got=got)
    score, tokens = beam
    score = score.item() if isinstance(score, Tensor) and score.numel() == 1 else score
    tokens = tokens.tolist() if isinstance(tokens, Tensor) else tokens
    if not isinstance(score, (int, float)) or isinstance(score, bool):
        raise Mismatch("returned a pair whose first part is not a score.", got=got)
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, int) for token in tokens):
        raise Mismatch("returned a pair whose second part is not one row of token ids.", got=got)
    if list(tokens[: len(ids)]) != ids.tolist():
        raise Mismatch("returned ids that do not begin with the prompt.", got=got)
    # Whether a finished continuation is filled up with `stop`, so that all have one length, is open.
    text = tuple(tokens[len(ids) :])
    padded = stop in text and set(text[text.index(stop) :]) == {stop}
    return score, cut(text, stop) if padded else text


def one_step(learner, draw):
    """After one step the k likeliest tokens come back with their log-probabilities, the likeliest first."""
    clear = 0.0
    while clear < CLEAR:
        model, ids = drawn(draw), draw.ids(VOCAB, 3)
        clear = narrow(model, ids, 2, 1, 0.0, None, "score")[1]
    learner.beam_search(Counted(model), ids, 3, 2, length_penalty=1.0)  # is judged later; here it tells slips apart
    for k in (VOCAB, 2, VOCAB + 3):
        compared(learner, model, ids, every(model, ids, 1)[:k], k, 1)


def exhaustive(learner, draw):
    """With a k that leaves nothing out, every continuation comes back with its log-probability, the likeliest first."""
    ids = draw.ids(VOCAB, 1)  # the same for two models
    for n, dtype in ((2, torch.float64), (3, torch.float32)):
        model = drawn(draw, dtype=dtype)
        compared(learner, model, ids, every(model, ids, n), VOCAB**n, n)


def few(learner, draw):
    """With a small k, the k best continuations of each step go on, and no others are read; k = 1 is greedy."""
    n = 4
    for k in (3, 2):
        model, ids, want, greedy = telling(draw.number(0, 2**40), k, n, 0.0, None)
        compared(learner, model, ids, greedy, 1, n)
        counted = Counted(model)
        compared(learner, model, ids, want, k, n, counted)
        fed = sum(len(tokens) for tokens in counted.fed)
        if fed > 2 * n * k * (VOCAB + 1):
            raise Mismatch(
                f"has the model read {fed} texts for k = {k}, n = {n} and a vocabulary of {VOCAB}.",
                f"  In each of n steps, k beams have {k * VOCAB} continuations: {n * k * VOCAB} in all.",
            )


def finished(learner, draw):
    """A continuation that ends in `stop` is not continued, keeps competing for its place, and shows its `stop`."""
    for stop in (3, 0):
        model, ids, want, greedy = telling(draw.number(0, 2**40), 3, 4, 0.0, stop)
        compared(learner, model, ids, every(model, ids, 3, stop=stop), VOCAB**3, 3, stop=stop)
        compared(learner, model, ids, greedy, 1, 4, Counted(model), stop=stop)
        compared(learner, model, ids, want, 3, 4, stop=stop)


def penalised(learner, draw):
    """The score is the log-probability over length ** length_penalty; new tokens count, `stop` too, the prompt not."""
    model, ids, want, _ = telling(draw.number(0, 2**40), 3, 4, 1.0, 4)
    for length_penalty, stop in ((1.0, None), (1.0, 4), (0.5, 4), (2.0, 4)):
        every_one = every(model, ids, 3, length_penalty, stop)
        compared(learner, model, ids, every_one, VOCAB**3, 3, length_penalty=length_penalty, stop=stop)
    compared(learner, model, ids, want, 3, 4, length_penalty=1.0, stop=4)


EXERCISE = Exercise(
    "beam_search",
    limit=20.0,
    checks=(one_step, few, exhaustive, finished, penalised),
    reference=reference,
    gives=list,
    slips=SLIPS,
)
