"""Checks for `sample` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, shaped

from ._logits import DTYPES, IMPROBABLE, chance

MANY, FEWER = 24_000, 12_000  # enough to tell a temperature of 1 from one of 0.9
# The removed tokens stand in the middle: there, no rounding of a running sum can hit them. One token is rare.
USUAL = torch.tensor([0.50, 0.10, 0.0, 0.296, 0.0, 0.10, 0.004])
OTHERS = torch.tensor([[0.10, 0.45, 0.0, 0.05, 0.15, 0.0, 0.25], [0.20, 0.0, 0.30, 0.10, 0.0, 0.35, 0.05]])


def reference(logits, generator):
    """The race of exponential clocks: each token rings at a rate of its probability, and the first one wins."""
    clocks = torch.empty(logits.shape, dtype=torch.float64).exponential_(generator=generator)
    return (clocks / logits.double().softmax(-1)).argmin(-1)


def drawn(learner, logits, generator):
    """The learner's draws, with shape, dtype and range as promised."""
    got = learner.sample(logits, generator)
    shaped(got, len(logits), dtype=torch.int64)
    if ((got < 0) | (got >= logits.shape[-1])).any():
        raise Mismatch(f"returned a number that is no token of {logits.shape[-1]}.", got=got)
    return got


def frequencies(learner, draw):
    """Tokens come as often as the softmax of their row says, removed ones never, and each row is drawn on its own."""
    kinds = draw.ids(len(OTHERS), FEWER)
    rows = torch.cat([USUAL.expand(MANY, -1), OTHERS[kinds]])
    logits = rows.log() + 3 * draw.normal(len(rows), 1)
    drawn(learner, logits[:5], draw.generator())  # a wrong shape is easier to read off a small batch
    got = drawn(learner, logits, draw.generator())
    alike(got, got[:MANY], USUAL, "")
    for kind, row in enumerate(OTHERS):
        alike(got, got[MANY:][kinds == kind], row, " in rows of another distribution")
    first, second = got[:MANY:2], got[1:MANY:2]
    pairs = torch.outer(USUAL, USUAL).flatten()
    alike(got, first * len(USUAL) + second, pairs, " as pairs of neighbouring rows")
    half = len(rows) // 2
    alike(got, got[: MANY - half] * len(USUAL) + got[half:MANY], pairs, " as pairs of rows half a batch apart")
    from_many(learner, draw)


def from_many(learner, draw):
    """Raises `Mismatch` unless, of a large vocabulary, all tokens can come but those that have been removed."""
    # The likeliest 100 tokens share 0.6, another 200 share 0.4, and 709 have been removed.
    row = torch.cat([torch.full((100,), 0.006), torch.full((200,), 0.002), torch.zeros(709)])[draw.order(1009)]
    got = drawn(learner, row.log().expand(1_500, -1).contiguous(), draw.generator())
    share = row[got]
    if (share == 0).any():
        raise Mismatch("drew a token that has been removed.", "  709 of 1,009 have been.", got=got)
    if chance(torch.bincount((share < 0.004).long(), minlength=2), torch.tensor([0.6, 0.4])) < IMPROBABLE:
        found = (share < 0.004).double().mean()
        line = f"  200 tokens of 0.2% each come in {found:.0%} of 1,500 draws; expected 40%."
        raise Mismatch("does not draw with the right probabilities from a large vocabulary.", line, got=got)


def alike(got, tokens, probabilities, where):
    counts = torch.bincount(tokens, minlength=len(probabilities))
    if (counts[probabilities == 0] > 0).any():
        raise Mismatch(f"drew a token that has been removed{where}.", got=got)
    if chance(counts, probabilities) < IMPROBABLE:
        worst = int((counts / len(tokens) - probabilities).abs().argmax())
        share, want = counts[worst] / len(tokens), probabilities[worst]
        what = f"token {worst} comes" if not where.startswith(" as") else "one pair comes"
        raise Mismatch(
            f"does not draw with the right probabilities{where}.",
            f"  Of {len(tokens):,} draws, {what} in {share:.1%}; expected {want:.1%}.",
            got=got,
        )


def seeded(learner, draw):
    """The generator decides: the same state gives the same tokens, it moves on, and another seed gives others."""
    logits = draw.normal(64, 7)
    generator = draw.generator()
    state = generator.get_state()
    first = drawn(learner, logits, generator)
    if torch.equal(generator.get_state(), state):
        raise Mismatch("does not draw from the generator it is given.", got=first)
    second = drawn(learner, logits, generator)
    if torch.equal(first, second):
        raise Mismatch("draws the same tokens again when it is called twice with one generator.", got=second)
    again = drawn(learner, logits, torch.Generator().set_state(state))
    if not torch.equal(first, again):
        raise Mismatch("draws other tokens from the same state of the generator.", got=again)
    if torch.equal(first, drawn(learner, logits, draw.generator())):
        raise Mismatch("draws the same tokens whatever the generator's seed.", got=first)


def removed(learner, draw):
    """A removed token is never drawn, in any precision, wherever it stands and however it was removed."""
    legal = torch.tensor([[0, 1, 1, 1, 0], [1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [1, 1, 0, 0, 1]]).bool().repeat(50, 1)
    for when, dtype in (DTYPES | {"in bfloat16": torch.bfloat16}).items():
        for name, low in (("-inf", -torch.inf), ("finfo.min", torch.finfo(dtype).min)):
            logits = draw.normal(*legal.shape).to(dtype).masked_fill(~legal, low)
            got = drawn(learner, logits, draw.generator())
            if not legal.gather(1, got[:, None]).all():
                raise Mismatch(f"drew a token that was removed by {name}{' ' + when if when else ''}.", got=got)


def extremes(learner, draw):
    """Logits of ten thousand, of either sign, are no trouble, and a single row is a batch of one."""
    heights, winners = torch.tensor([1e4, -1e4, 3.0, 1e4]).repeat(10), draw.ids(7, 40)
    logits = heights[:, None].repeat(1, 7)
    logits[torch.arange(40), winners] += 60
    for rows in (slice(None), slice(1)):
        got = drawn(learner, logits[rows], draw.generator())
        if not torch.equal(got, winners[rows]):
            raise Mismatch("misses a token whose logit is 60 above all others.", got=got)


def from_weights(weights, generator):
    return torch.multinomial(weights, 1, generator=generator).squeeze(-1)


def likeliest(logits, generator):
    return logits.argmax(-1)


def global_chance(logits, generator):
    return torch.multinomial(logits.softmax(-1), 1).squeeze(-1)


def own_generator(logits, generator):
    return from_weights(logits.softmax(-1), torch.Generator().manual_seed(0))


def rewound(logits, generator):
    return from_weights(logits.softmax(-1), torch.Generator().manual_seed(generator.initial_seed()))


def seeded_anew(logits, generator):
    seed = int(torch.randint(2**30, (), generator=torch.Generator().manual_seed(generator.initial_seed())))
    torch.rand(1, generator=generator)
    return from_weights(logits.softmax(-1), torch.Generator().manual_seed(seed))


def sorted_place(logits, generator):
    return from_weights(logits.sort(-1, descending=True).values.softmax(-1), generator)


def one_number_for_all(logits, generator):
    sums = logits.softmax(-1).cumsum(-1)
    return (torch.rand(1, generator=generator) > sums).sum(-1).clamp(max=logits.shape[-1] - 1)


def first_row_for_all(logits, generator):
    return torch.multinomial(logits.softmax(-1)[0], len(logits), replacement=True, generator=generator)


def uniform(logits, generator):
    return from_weights((logits > torch.finfo(logits.dtype).min / 2).float(), generator)


def kept_axis(logits, generator):
    return from_weights(logits.softmax(-1), generator)[:, None]


def squeezed(logits, generator):
    return from_weights(logits.softmax(-1), generator).squeeze()


def over_the_batch(logits, generator):
    return from_weights(torch.nan_to_num(logits.softmax(0)) + 1e-9, generator)


def no_exponential(logits, generator):
    return from_weights(
        torch.nan_to_num(logits - logits.clamp(min=-99).amin(-1, keepdim=True), neginf=0).clamp(min=0) + 1e-9, generator
    )


def bare_exponential(logits, generator):
    return from_weights(logits.exp(), generator)


def normal_noise(logits, generator):
    noise = torch.randn(logits.shape, generator=generator, dtype=torch.float64)
    return (logits + noise).argmax(-1)


def gumbel_upside_down(logits, generator):
    noise = torch.empty(logits.shape, dtype=torch.float64).exponential_(generator=generator).log()
    return (logits + noise).argmax(-1)


def uniform_times_probability(logits, generator):
    return (logits.softmax(-1) * torch.rand(logits.shape, generator=generator)).argmax(-1)


def removed_gets_zero(logits, generator):
    return from_weights(torch.nan_to_num(logits, neginf=0.0).softmax(-1), generator)


def next_token(logits, generator):
    sums = logits.softmax(-1).cumsum(-1)
    chosen = (torch.rand(len(logits), 1, generator=generator) > sums).sum(-1) + 1
    return chosen.clamp(max=logits.shape[-1] - 1)


def as_int32(logits, generator):
    return from_weights(logits.softmax(-1), generator).int()


def squared(logits, generator):
    return from_weights(logits.softmax(-1).square(), generator)


EXERCISE = Exercise(
    "sample",
    limit=20.0,
    checks=(frequencies, seeded, removed, extremes),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the likeliest token is taken each time", likeliest),
        Slip("the numbers come from torch's global generator, not from the one given", global_chance),
        Slip("the numbers come from a generator that is made and seeded in the function", own_generator),
        Slip("a new generator is made from the seed of the one given, which starts over at each call", rewound),
        Slip("the seed of the generator is used, not its state", seeded_anew),
        Slip("the rows are sorted, and the place in the sorted row comes back", sorted_place),
        Slip("one random number serves all rows", one_number_for_all),
        Slip("all rows are drawn from the first row's probabilities", first_row_for_all),
        Slip("all tokens that have not been removed are equally likely", uniform),
        Slip("the axis of the draws is kept: the shape is [batch, 1]", kept_axis),
        Slip("squeeze() without an axis also removes the batch axis when there is one row", squeezed),
        Slip("the softmax runs down the batch", over_the_batch),
        Slip("the logits themselves are used as weights, without an exponential", no_exponential),
        Slip("the exponentials overflow: no maximum is subtracted", bare_exponential),
        Slip("normal noise is added to the logits before the argmax", normal_noise),
        Slip("the Gumbel noise has the wrong sign", gumbel_upside_down),
        Slip("the probabilities are multiplied by uniform numbers before the argmax", uniform_times_probability),
        Slip("the -inf of a removed token becomes 0 before the softmax", removed_gets_zero),
        Slip("the token after the one that the running sum points at is returned", next_token),
        Slip("the ids are int32", as_int32),
        Slip("the probabilities are squared", squared),
    ),
)
