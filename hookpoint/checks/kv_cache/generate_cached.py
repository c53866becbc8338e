"""Checks for `generate_cached` (part 1, notebook 08)."""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same
from hookpoint.checks.model_and_loss._functional import drawn, gpt2, gpt2_shapes

from ._caches import CFG as WIDE
from ._caches import needed_cache
from ._generating import BESIDE, SLIPS

CFG = replace(WIDE, n_layers=2)
SHORT = replace(WIDE, n_ctx=6, n_layers=2)
TINY = replace(WIDE, d_vocab=7, n_ctx=5, n_layers=1, d_model=8, d_mlp=5)
ROWS = 2_000  # copies of one prompt: one call gives as many draws
NEEDED = {
    "attn_with_cache": "hookpoint.model.cache:attn_with_cache",
    "positions_with_cache": "hookpoint.model.cache:positions_with_cache",
    "causal_mask": "hookpoint.model.cache:causal_mask",
} | {
    name: f"hookpoint.model.sampling:{name}"
    for name in ("apply_temperature", "greedy", "top_k_filter", "top_p_filter", "sample", "generate")
}


def reference(model, ids, n, temperature=0, top_k=None, top_p=None, stop=None, generator=None):
    """Names the arguments in messages."""


def next_logits(ids, weights, cfg):
    """What a model without a cache says about the token after `ids`, from the last n_ctx of them."""
    return gpt2(ids[:, -cfg.n_ctx :], weights, cfg)[:, -1]


def continued(ids, n, weights, stop=None, cfg=CFG):
    """The greedy continuation without a cache, and the logits of every step."""
    done, steps = torch.zeros(len(ids), dtype=torch.bool), []
    for _ in range(n):
        steps.append(next_logits(ids, weights, cfg))
        chosen = steps[-1].argmax(-1)
        if stop is not None:
            chosen = torch.where(done, stop, chosen)
            done |= chosen == stop
        ids = torch.cat([ids, chosen[:, None]], dim=1)
    return ids, steps


def a_model(learner, draw, cfg=CFG, dtype=torch.float64):
    """A model over there and its weights; in float64, where no two logits are as good as equal."""
    needed_cache(learner, "generate_cached", None, None, 1)
    weights = drawn(draw, gpt2_shapes(cfg), dtype)
    model = learner.given.gpt2(cfg)
    learner.given.load(model, weights)
    return model, weights


def greedy_ids(learner, draw):
    """At temperature 0 the ids are those that the model gives without a cache, for each row of the batch."""
    model, weights = a_model(learner, draw)
    for batch, length, n in ((3, 4, 6), (1, 1, 4)):
        ids = draw.ids(CFG.d_vocab, batch, length)
        want, _ = continued(ids, n, weights)
        same(learner.generate_cached(model, ids, n, temperature=0), want, f"for {n} tokens after {length}")


def logits(learner, draw):
    """The logits of every step are those of the model without a cache."""
    model, weights = a_model(learner, draw, dtype=torch.float32)
    for length, n in ((3, 4), (8, 2)):  # the second prompt is longer than what the first call has read
        ids = draw.ids(CFG.d_vocab, 2, length)
        watch = learner.given.watch_parts(model)
        learner.generate_cached(model, ids, n, temperature=0)
        computed(learner.given.parts_seen(watch)["logits"], continued(ids, n, weights)[1])


def computed(seen, steps):
    """Raises `Mismatch` unless the logits of every step are among those that the model's unembedding gave."""
    given = [rows.reshape(-1, rows.shape[-1]) for rows in seen if rows.shape[-1] == steps[0].shape[-1]]
    if not given:
        return  # unembedded by hand: then the ids must do
    for step, want in enumerate(steps):
        for row in want:
            nearest = (torch.cat(given) - row).abs().amax(-1).min().item()
            if not nearest <= WHOLE.limit(want):
                line = f"  Closest to them are logits that are off by {nearest:.2g}."
                raise Mismatch(f"does not compute the logits of step {step + 1} that the model gives.", line)


def each_token_once(learner, draw):
    """Every token is fed once: the prompt's, and then one new one at each step."""
    last_too = False  # to feed the last new token is no error, but in a full context it is fed with all others
    for cfg, length, n in ((CFG, 3, 4), (CFG, 6, 2), (SHORT, 3, 4)):
        model, _ = a_model(learner, draw, cfg)
        watch = learner.given.watch_parts(model)
        learner.generate_cached(model, draw.ids(cfg.d_vocab, 3, length), n, temperature=0)
        fed = learner.given.parts_seen(watch)["rows"]
        rows = max(fed[part] for part in ("blocks.0.ln1", "blocks.0.mlp"))
        if rows > 3 * (length + n) and not (cfg is SHORT and last_too):
            line = f"  {length} + {n - 1} for each of 3 rows are enough: {3 * (length + n - 1)}."
            fact = f"feeds the model {rows} positions for {n} new tokens after a prompt of {length}."
            raise Mismatch(fact, line)
        for part in ("ln1", "mlp"):
            if not fed[f"blocks.0.{part}"]:
                raise Mismatch(
                    f"never calls block.{part}.", "  Call the model's parts rather than copying their formulas."
                )
        last_too = rows > 3 * (length + n - 1)


def beyond_the_context(learner, draw):
    """A text longer than n_ctx goes on from its last n_ctx tokens, whose positions start at 0 again at every step."""
    model, weights = a_model(learner, draw, SHORT)
    watch = learner.given.watch_parts(model)
    for length, n in ((4, 5), (SHORT.n_ctx + 2, 2)):
        ids = draw.ids(SHORT.d_vocab, 4, length)
        want, steps = continued(ids, n, weights, cfg=SHORT)
        got = learner.generate_cached(model, ids, n, temperature=0)
        seen = learner.given.parts_seen(watch)  # ids alone tell few slips apart
        same(got, want, f"for {n} tokens after {length}, with n_ctx {SHORT.n_ctx}")
        computed(seen["logits"], steps)


def stops(learner, draw):
    """A row that has generated `stop` is filled with it; the others go on, and n tokens are added in any case."""
    needed_cache(learner, "generate_cached", None, None, 1)
    while True:  # until the first row ends at its second token, and another one does not
        weights, ids = drawn(draw, gpt2_shapes(CFG), torch.float64), draw.ids(CFG.d_vocab, 3, 4)
        free, _ = continued(ids, 6, weights)
        stop = int(free[0, 5])
        ends = [row[4:].tolist().index(stop) if stop in row[4:] else 6 for row in free]
        if stop not in ids and stop != 0 and free[0, 6] != stop and ends[0] == 1 and any(end > 1 for end in ends[1:]):
            break
    model = learner.given.gpt2(CFG)
    learner.given.load(model, weights)
    want, _ = continued(ids, 6, weights, stop)
    same(learner.generate_cached(model, ids, 6, temperature=0), free, "without stop")
    same(learner.generate_cached(model, ids, 6, temperature=0, stop=stop), want, f"with stop={stop}")
    alone = learner.generate_cached(model, ids[:1], 6, temperature=0, stop=stop)
    same(alone, want[:1], f"with stop={stop} for one row, which ends at its second token")
    begun = ids.clone()
    begun[:, [1, -1]] = stop
    got = learner.generate_cached(model, begun, 6, temperature=0, stop=stop)
    same(got, continued(begun, 6, weights, stop)[0], f"with stop={stop}, which the prompts hold too")
    swap = torch.arange(CFG.d_vocab)
    swap[[0, stop]] = swap[[stop, 0]]
    renamed = {"embed.W_E": weights["embed.W_E"][swap], "unembed.b_U": weights["unembed.b_U"][swap]}
    learner.given.load(model, weights | renamed | {"unembed.W_U": weights["unembed.W_U"][:, swap]})
    got = learner.generate_cached(model, swap[ids], 6, temperature=0, stop=0)
    same(got, swap[want], "with stop=0")


def nothing_to_add(learner, draw):
    """With n = 0 the prompt comes back."""
    model, _ = a_model(learner, draw, TINY)
    ids = draw.ids(TINY.d_vocab, 2, 3)
    same(learner.generate_cached(model, ids, 0), ids, "for n = 0")


def shares(logits, temperature=1.0, top_k=None, top_p=None):
    """The exact probabilities that a token is drawn with: temperature, then top-k, then top-p."""
    p = (logits / temperature).softmax(-1)
    if top_k is not None:
        p = p * (p.argsort(-1, descending=True).argsort(-1) < top_k)
        p = p / p.sum(-1, keepdim=True)
    if top_p is not None:
        ranked, order = p.sort(-1, descending=True)
        kept = torch.zeros_like(p).scatter(-1, order, (ranked.cumsum(-1) - ranked < top_p).to(p))
        p = p * kept
    return p / p.sum(-1, keepdim=True)


def settings_for(logits):
    """Settings at which it matters in which order temperature, top-k and top-p come."""
    plain, warm = (
        row.sort(descending=True).values.cumsum(-1) for row in (logits.softmax(-1), (logits / 1.7).softmax(-1))
    )
    # The same tokens reach less when they are warm: at a top_p in between, one token more is kept.
    widest = (plain - warm).argmax()
    nucleus = {"temperature": 1.7, "top_p": ((plain + warm)[widest] / 2).item()}
    # Of the four likeliest tokens, two reach more than they do of all.
    together = {"temperature": 1.7, "top_k": 4, "top_p": (warm[1] * (1 + 1 / warm[3]) / 2).item()}
    return {}, {"temperature": 0.5}, {"top_k": 3}, nucleus, together


def sampling(learner, draw):
    """Temperature, then top-k, then top-p shape the draw of every token; each row is drawn for itself."""
    while True:  # until not all rows have the same likeliest token
        (model, weights), ids = a_model(learner, draw, TINY), draw.ids(TINY.d_vocab, 12, 2)
        likeliest, _ = continued(ids, 2, weights, cfg=TINY)
        if len(likeliest[:, 2].unique()) > 1:
            break
    learner.generate_cached(model, ids, 2, temperature=0)  # tells some slips apart
    for name, limit in (("top_k", 1), ("top_p", 1e-9)):
        got = learner.generate_cached(model, ids, 2, **{name: limit}, generator=draw.generator())
        same(got, likeliest, f"with {name}={limit}, which leaves one token to each row")
    prompt = draw.ids(TINY.d_vocab, 1, 2)
    vocabulary = torch.arange(TINY.d_vocab)[:, None]
    for settings in settings_for(next_logits(prompt, weights, TINY)[0]):
        got = learner.generate_cached(model, prompt.repeat(ROWS, 1), 2, **settings, generator=draw.generator())
        if got.shape != (ROWS, 4) or got.dtype != torch.int64 or not (got[:, :2] == prompt).all():
            raise Mismatch("did not return the prompts with two more tokens each, as int64.", got=got)
        first = shares(next_logits(prompt, weights, TINY), **settings)[0]
        both = torch.cat([prompt.repeat(TINY.d_vocab, 1), vocabulary], dim=1)
        second = first @ shares(next_logits(both, weights, TINY), **settings)
        for place, want in ((2, first), (3, second)):
            as_often(got, got[:, place], want, f"the {'first' if place == 2 else 'second'} new token")


def as_often(whole, drawn_ids, want, what):
    """Raises `Mismatch` where a token comes far more or less often than it should: at seven standard deviations."""
    counts = torch.bincount(drawn_ids.clamp(min=0), minlength=len(want)).double()
    spread = (ROWS * want * (1 - want)).clamp(min=0).sqrt()
    for token, (count, share, off) in enumerate(zip(counts, want, spread, strict=False)):
        if share < 1e-12 and count:
            raise Mismatch(f"draws token {token} as {what}, which the filters rule out.", got=whole)
        if (count - ROWS * share).abs() > 7 * off + 2:
            line = f"  In {ROWS:,} rows: {int(count):,} times, expected about {int(ROWS * share):,}."
            raise Mismatch(
                f"draws token {token} as {what} too {'often' if count > ROWS * share else 'seldom'}.", line, got=whole
            )


def seeded(learner, draw):
    """Chance comes from the generator alone: the same seed gives the same ids, and the draw goes on from there."""
    model, _ = a_model(learner, draw, TINY)
    ids = draw.ids(TINY.d_vocab, 40, 2)
    source, twin = (torch.Generator().manual_seed(5) for _ in range(2))
    one, other = (learner.generate_cached(model, ids, 2, generator=start) for start in (source, twin))
    same(other, one, "with a generator of the same seed")
    if torch.equal(learner.generate_cached(model, ids, 2, generator=source), one):
        line = "  A generator that is used has moved on; is another one made inside, or its seed set?"
        raise Mismatch("draws the same ids again when it is given the same generator once more.", line)


def leaves_no_trace(learner, draw):
    """The model is left as it was: in training or evaluation, its weights and their gradients, its hooks."""
    model, weights = a_model(learner, draw, TINY)
    before = learner.given.traces(model)
    ids = draw.ids(TINY.d_vocab, 2, 3)
    for training in (True, False):
        learner.given.put_in_mode(model, training)
        learner.generate_cached(model, ids, 2, temperature=0)
        if learner.given.in_training(model) is not training:
            line = "  Remember model.training before, and hand it to model.train(...) after."
            raise Mismatch(
                f"leaves a model that was in {'training' if training else 'evaluation'} in the other mode.", line
            )
    after, now = learner.given.traces(model), learner.given.weights(model)
    if any(not torch.equal(now[name], weight) for name, weight in weights.items()):
        raise Mismatch("changes the model's weights.")
    if any(grad is not None for grad in after["grad"].values()) or after["requires_grad"] != before["requires_grad"]:
        raise Mismatch("leaves the parameters with gradients, or with another requires_grad.")
    if after["hooks"] != before["hooks"]:
        raise Mismatch("leaves a hook on the model.")


EXERCISE = Exercise(
    "generate_cached",
    checks=(
        greedy_ids, logits, each_token_once, beyond_the_context, stops, nothing_to_add, sampling, seeded,
        leaves_no_trace,
    ),
    reference=reference,
    gives=Tensor,
    limit=20.0,
    needs=NEEDED,
    tolerance=WHOLE,
    beside=BESIDE,
    slips=tuple(Slip(says, wrong) for says, wrong in SLIPS),
)  # fmt: skip
