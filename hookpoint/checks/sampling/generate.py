"""Checks for `generate` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint import model as ours
from hookpoint.checks.author import Counted, Exercise, Mismatch, same, shaped

from ._generate_slips import SLIPS, reference
from ._logits import DTYPES, IMPROBABLE, chance, shuffled
from ._models import chained, config, successor, tabled

VOCAB, N_CTX = 11, 7
ROWS = 1_500
FOUR = torch.tensor([0.45, 0.30, 0.21, 0.04])  # the last is beyond the usual top-p of 0.95
# At temperature 2 these become .319 .202 .156 .135 .110 .078, of which the four largest have shares of .393 .248 .192
# .166: three of them reach 0.7. Where top-p comes before one of the others, it keeps four or two.
LEAVES_THREE = torch.tensor([0.50, 0.20, 0.12, 0.09, 0.06, 0.03])
NEEDS = ("apply_temperature", "greedy", "top_k_filter", "top_p_filter", "sample")
KNOBS = {"temperature": 2.0, "top_k": 4, "top_p": 0.7}


def continued(model, ids, n):
    """What greedy must give: the last n_ctx tokens are read again for every new one."""
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
    return ids


def table(learner, draw):
    """A model that depends on every token and its place, here and beside the learner's code."""
    model = tabled(draw.normal(N_CTX, VOCAB, VOCAB, std=2))
    return model, learner.given.tabled(model.table, model.cfg)


def chain(learner, draw, probabilities):
    """A chain in which the same probabilities, in an order of its own, follow each token.

    It lives beside the learner's code, because an answer that goes row by row calls it thousands of times.
    """
    rows = shuffled(draw, probabilities.expand(len(probabilities), -1))
    heights = torch.linspace(-6, 6, len(rows))[:, None]  # logits of one row say nothing about another's
    return learner.given.chain(rows.log() + heights, config(len(rows), 16)), rows


def continuation(learner, model, ids, n, **knobs):
    """What the learner's function adds to the prompts, after a look at its shape and at the prompts in it."""
    got = learner.generate(model, ids, n, **knobs)
    if isinstance(got, Tensor) and got.shape == (len(ids), n) and n != 0:
        raise Mismatch(
            f"returned {list(got.shape)}, expected {[len(ids), ids.shape[1] + n]}.",
            "  The prompts come first, then the new tokens.",
            got=got,
        )
    shaped(got, len(ids), ids.shape[1] + n, dtype=torch.int64)
    same(got[:, : ids.shape[1]], ids, "in the prompts")
    return got


def likeliest(learner, draw):
    """At temperature 0 each row goes on with its likeliest token, again and again; n = 0 gives the prompts back."""
    model, theirs = table(learner, draw)
    for batch, length, n in ((3, 4, 1), (3, 2, 4), (2, 4, 3), (1, 1, 6), (2, 3, 0)):
        ids = draw.ids(VOCAB, batch, length)
        got = continuation(learner, theirs, ids, n, temperature=0)
        same(got, continued(model, ids, n), f"at temperature 0 for {length} tokens and n = {n}")
    ids = draw.ids(VOCAB, 2, 3)
    got = continuation(learner, theirs, ids, 4, temperature=0.0, top_k=3, top_p=0.5)
    same(got, continued(model, ids, 4), "at temperature 0.0 with top_k and top_p")
    got = continuation(learner, learner.given.chain(torch.zeros(5, 5), config(5, N_CTX)), ids % 5, 2, temperature=0)
    same(got[:, 3:], torch.zeros(2, 2, dtype=torch.int64), "at temperature 0 where all logits are equal")


def long_text(learner, draw):
    """The model reads the last n_ctx tokens, no more and no fewer, also when the prompt is longer than that."""
    model, theirs = table(learner, draw)
    for batch, length, n in ((2, N_CTX + 4, 5), (2, N_CTX - 2, 6), (3, N_CTX, 2)):
        ids = draw.ids(VOCAB, batch, length)
        got = continuation(learner, theirs, ids, n, temperature=0)
        same(got, continued(model, ids, n), f"at temperature 0 for {length} tokens, n = {n} and n_ctx = {N_CTX}")


def stopping(learner, draw):
    """A row that has generated `stop` is filled with it to the end; the others go on; stop may be token 0.

    One in the prompt does not count.
    """
    starts = torch.tensor([[3, 1], [2, 4], [1, 2], [4, 3]])
    model = successor(7)
    theirs = learner.given.chain(model.table, model.cfg)
    for stop, n in ((5, 5), (6, 5), (5, 2), (0, 5), (None, 5), (6, 1), (5, 11)):
        rows = [[*start, *((start[-1] + step) % 7 for step in range(1, n + 1))] for start in starts.tolist()]
        for row in rows:
            if stop is not None and stop in row[2:]:
                at = row.index(stop, 2)
                row[at:] = [stop] * (len(row) - at)
        got = continuation(learner, theirs, starts, n, temperature=0, stop=stop)
        same(got, torch.tensor(rows), f"with stop = {stop} and n = {n}")
    for stop, want in ((2, [[3, 1, 2, 2, 2, 2], [2, 4, 5, 6, 0, 1]]), (1, [[3, 1, 2, 3, 4, 5], [2, 4, 5, 6, 0, 1]])):
        got = continuation(learner, theirs, starts[:2], 4, temperature=0, stop=stop)
        same(got, torch.tensor(want), f"with stop = {stop}, which a prompt holds")
    got = continuation(learner, theirs, starts[:3], 4, stop=5, generator=draw.generator())
    same(got[:, 2:], torch.tensor([[2, 3, 4, 5], [5, 5, 5, 5], [3, 4, 5, 5]]), "with stop = 5 and n = 4")


def probabilities(learner, draw):
    """At temperature 1, pairs of new tokens come as often as the model says, and each row is drawn on its own."""
    model, rows = chain(learner, draw, FOUR)
    continuation(learner, model, torch.arange(4)[:, None], 1, temperature=0)  # tells slips apart
    ids = torch.tensor([[1, 2]]).expand(ROWS, -1).contiguous()
    got = continuation(learner, model, ids, 2, generator=draw.generator())
    as_likely_as(got, rows[2][:, None] * rows, "")
    cold = continuation(learner, model, ids[:200], 1, temperature=0.25, generator=draw.generator())
    if len(cold[:, -1].unique()) == 1:
        raise Mismatch("draws one and the same token 200 times at a temperature of 0.25.", got=cold)
    for temperature in (8.0, 0.25):
        got = continuation(learner, model, ids[:900], 1, temperature=temperature, generator=draw.generator())
        want = rows[2] ** (1 / temperature)
        if chance(torch.bincount(got[:, -1], minlength=4), want / want.sum()) < IMPROBABLE:
            raise Mismatch(f"does not draw with the right probabilities at a temperature of {temperature}.", got=got)
    wide = learner.given.chain(torch.zeros(101, 101), config(101, 16))
    got = continuation(learner, wide, ids.repeat(2, 1), 1, generator=draw.generator())
    if len(missing := set(range(101)) - set(got[:, -1].tolist())):
        raise Mismatch(f"never draws {len(missing)} of 101 tokens that are equally likely.", got=got)


def as_likely_as(got, joint, where):
    """Raises `Mismatch` unless pairs of last tokens occur with the probabilities of `joint`."""
    vocab = len(joint)
    counts = torch.bincount(got[:, -2] * vocab + got[:, -1], minlength=vocab * vocab).reshape(vocab, vocab)
    for step, axis in ((1, 1), (2, 0)):
        found, want = counts.sum(axis), joint.sum(axis)
        if (found[want == 0] > 0).any():
            raise Mismatch(f"drew a token in step {step} that the filters remove{where}.", got=got)
        if chance(found, want) < IMPROBABLE:
            worst = int((found / len(got) - want).abs().argmax())
            raise Mismatch(
                f"does not draw with the right probabilities in step {step}{where}.",
                f"  Of {len(got):,} draws, token {worst} comes in {found[worst] / len(got):.1%}; "
                f"expected {want[worst]:.1%}.",
                got=got,
            )
    if chance(counts.flatten(), joint.flatten()) < IMPROBABLE:
        raise Mismatch(f"draws two tokens in a row that do not belong together as the model says{where}.", got=got)


def order_of_filters(learner, draw):
    """The temperature comes first, then top-k, then top-p on what top-k has left."""
    model, rows = chain(learner, draw, LEAVES_THREE)
    ids = torch.tensor([[2, 4]]).expand(ROWS // 2, -1).contiguous()
    for knobs in ({"top_k": 2}, {"top_p": 0.6}):  # are judged in `each_filter`; here they only tell slips apart
        continuation(learner, model, ids[:20], 1, generator=draw.generator(), **knobs)
    # At 1, .50 .20 .12 of all and .515 .206 of the five largest: top-p keeps two, and three if it comes first.
    got = continuation(learner, model, ids[:200], 1, generator=draw.generator(), top_k=5, top_p=0.71)
    if (rows[4][got[:, -1]] < 0.2).any():
        raise Mismatch("drew a token that top_p removes after top_k.", got=got)
    got = continuation(learner, model, ids, 2, generator=draw.generator(), **KNOBS)
    left = torch.where(rows >= 0.12, rows.sqrt(), 0)
    left = left / left.sum(-1, keepdim=True)
    as_likely_as(got, left[4][:, None] * left, " with temperature = 2.0, top_k = 4, top_p = 0.7")


def each_filter(learner, draw):
    """top_k and top_p work each without the other, and top_k = 1 is greedy."""
    model, rows = chain(learner, draw, LEAVES_THREE)
    ids = draw.ids(6, 200, 1)
    # The filter, the probability of the least likely token that it leaves, and whether 200 draws must show that token.
    for knobs, least, shows in (
        ({"top_k": 2}, 0.2, True), ({"top_p": 0.6}, 0.2, True), ({"top_p": 0.75}, 0.12, True),
        ({"top_k": 1}, 0.5, True), ({"top_k": 50}, 0.03, False), ({"top_p": 1.0}, 0.03, False),
    ):  # fmt: skip
        got = continuation(learner, model, ids, 1, generator=draw.generator(), **knobs)
        found = rows[got[:, 0], got[:, 1]]
        told = ", ".join(f"{name} = {value}" for name, value in knobs.items())
        if (found < least).any():
            raise Mismatch(f"draws a token that the filter removes, with {told}.", got=got)
        if shows and (found > least).all():
            raise Mismatch(f"never draws a token that the filter keeps, with {told}.", got=got)
    sure = shuffled(draw, torch.tensor([0.62, 0.15, 0.12, 0.06, 0.03, 0.02]).expand(3, -1))
    mixed = torch.cat([sure, rows[3:]])
    got = continuation(
        learner, learner.given.chain(mixed.log(), config(6, 16)), ids, 1, generator=draw.generator(), top_p=0.6
    )
    if (mixed[got[:, 0], got[:, 1]] < torch.where(got[:, 0] < 3, 0.6, 0.2)).any():
        fact = "draws a token that the filter removes, with top_p = 0.6 and rows that keep one token or two."
        raise Mismatch(fact, got=got)


def seeded(learner, draw):
    """The generator decides: the same state gives the same text, it moves on, and another seed gives others."""
    model, _ = chain(learner, draw, FOUR)
    ids = draw.ids(4, 23, 3)
    continuation(learner, model, ids[:1], 2, generator=draw.generator())
    generator = draw.generator()
    state = generator.get_state()
    first = continuation(learner, model, ids, 3, generator=generator)
    if torch.equal(generator.get_state(), state):
        raise Mismatch("does not draw from the generator it is given.", got=first)
    if torch.equal(first, second := continuation(learner, model, ids, 3, generator=generator)):
        raise Mismatch("draws the same text again when it is called twice with one generator.", got=second)
    again = continuation(learner, model, ids, 3, generator=torch.Generator().set_state(state))
    if not torch.equal(first, again):
        raise Mismatch("draws another text from the same state of the generator.", got=again)
    if torch.equal(first, continuation(learner, model, ids, 3, generator=draw.generator())):
        raise Mismatch("draws the same text whatever the generator's seed.", got=first)


def modes(learner, draw):
    """The model runs in evaluation mode and without gradients, and is then in the mode it was in."""
    for knobs in ({"temperature": 0}, {"generator": draw.generator()}):
        model = Counted(tabled(draw.normal(N_CTX, VOCAB, VOCAB)))
        got = continuation(learner, model, draw.ids(VOCAB, 2, 3), 2, **knobs)
        if any(state.get("training") for state in model.states):
            raise Mismatch("runs the model in training mode.", "  Dropout would change what it predicts.", got=got)
        if any(state.get("grad") for state in model.states):
            raise Mismatch("runs the model with gradients switched on.", "  Nobody will ask for them.", got=got)
    cfg = config(VOCAB, N_CTX)
    near = ours.GPT2(cfg, seed=None)
    weights = {name: draw.normal(*p.shape) for name, p in near.named_parameters()}
    near.load_state_dict(weights)
    theirs = learner.given.gpt2_with(cfg, weights)
    ids = draw.ids(VOCAB, 3, 4)
    with torch.no_grad():
        want = continued(near, ids, 5)
    before = learner.given.traces(theirs)
    for training in (True, False):
        theirs.train(training)
        for n in (5, 0):
            got = continuation(learner, theirs, ids, n, temperature=0)
            same(got, want[:, : 4 + n], "at temperature 0 on a GPT-2")
            if theirs.training.value != training or theirs.blocks[0].training.value != training:
                was, now = ("training", "evaluation") if training else ("evaluation", "training")
                raise Mismatch(f"leaves the model in {now} mode; it was in {was} mode.", got=got)
    if learner.given.traces(theirs)["requires_grad"] != before["requires_grad"]:
        raise Mismatch("leaves the model with other requires_grad flags than it had.", got=got)


def precisions(learner, draw):
    """A model may give logits of any precision."""
    for when, dtype in DTYPES.items():
        rows = torch.stack([torch.tensor([0.5, 0.25, 0.15, 0.07, 0.03])[draw.order(5)] for _ in range(5)])
        model, ids = chained(rows.log().to(dtype)), draw.ids(5, 40, 2)
        theirs = learner.given.chain(model.table, model.cfg)
        got = continuation(learner, theirs, ids, 3, temperature=0)
        same(got, continued(model, ids, 3), f"at temperature 0 {when}".strip())
        got = continuation(learner, theirs, ids, 1, generator=draw.generator(), top_k=3, top_p=0.6)
        if (rows[got[:, 1], got[:, 2]] < 0.25).any():
            raise Mismatch(f"draws a token that the filters remove {when}".strip() + ".", got=got)


EXERCISE = Exercise(
    "generate",
    limit=20.0,
    checks=(likeliest, long_text, stopping, probabilities, each_filter, order_of_filters, seeded, modes, precisions),
    reference=reference,
    gives=Tensor,
    needs={name: f"hookpoint.model.sampling:{name}" for name in NEEDS},
    slips=SLIPS,
)
