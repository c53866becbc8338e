"""Checks for `find_heads` (part 2, notebook 10)."""

import math

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.interp import induction as ours
from hookpoint.model import Config

from ._leaving import earlier, untouched
from ._models import Built, drawn, placed

RANDOM = Config(d_vocab=19, n_ctx=15, d_model=12, n_layers=3, n_heads=5, d_head=5, d_mlp=7)


def reference(model, threshold, P=20, seed=0):
    """Names the arguments in messages."""


def found(got, want, when):
    """Raises `Mismatch` unless the heads are those that were built in, in any order."""
    try:
        mine = [(int(layer), int(head)) for layer, head in got]
    except (TypeError, ValueError):
        raise Mismatch(f"returned a list that does not hold pairs (layer, head) {when}.", got=got) from None
    if sorted(mine) != sorted(want):
        missing, extra = sorted(set(want) - set(mine)), sorted(set(mine) - set(want))
        what = [f"misses {head}" for head in missing[:1]] + [f"has {head}, which is none" for head in extra[:1]]
        line = f"  It {' and '.join(what) or 'has one of them twice'}."
        raise Mismatch(f"returned {len(mine)} heads, expected {len(want)}, {when}.", line, got=got)


def permuted(draw, d_vocab, n_ctx, n_heads=4, weak=2.0):
    """A model with heads of each kind in a random order: (model, the sharp induction heads, the weak one, the partial).

    The weak one attends to the right place with a share of about 0.4; the partial one does so for a third of the
    vocabulary, and attends evenly for the rest, which makes a mean of about 0.3.
    """
    built = Built(d_vocab, n_ctx, n_layers=2, n_heads=n_heads)
    low, high = draw.order(n_heads), draw.order(n_heads)
    built.previous((0, low[0]))
    built.duplicate((0, low[1]))
    built.current((0, low[2]))
    built.induction((1, high[0]))
    built.induction((1, high[1]), weak)
    built.induction((1, high[2]), only=d_vocab // 3)
    built.duplicate((1, high[3]))
    return built, (1, high[0]), (1, high[1]), (1, high[2])


def just_above_and_below(learner, draw):
    """A head is found if its score is above the threshold, however little."""
    built, P = Built(7, 11, n_layers=12, n_heads=2), 5  # sorted as text, layer 10 would come before layer 2
    head = (draw.number(10, 12), draw.number(0, 2))
    built.head(head, "place", "place", strength=1.5, shift=P - 1)  # it attends by position: no text changes its score
    model = placed(learner, built.cfg, built.weights)
    score = sum(math.exp(1.5) / (math.exp(1.5) + query) for query in range(P + 1, 2 * P + 1)) / P
    for threshold, want in ((round(score - 0.002, 4), [head]), (round(score + 0.002, 4), [])):
        got = learner.find_heads(model, threshold, P=P)
        found(got, want, f"in a hand-built model in which {head} has the score {score:.4f}")


def built_in(learner, draw):
    """In models with shuffled heads of known kinds, the induction heads above the threshold are found, no others."""
    for _ in range(3):
        built, sharp, weak, partial = permuted(draw, 23, 11)
        model, seed = placed(learner, built.cfg, built.weights), draw.number(0, 100)
        everything = [(layer, head) for layer in range(2) for head in range(4)]
        asked = ((0.6, [sharp]), (0.15, [sharp, weak, partial]), (-1.0, everything))
        # All are asked before any is compared: together they tell apart what went wrong.
        answers = [learner.find_heads(model, threshold, P=5, seed=seed) for threshold, _ in asked]
        for got, (threshold, want) in zip(answers, asked, strict=True):
            found(got, want, f"in a hand-built model with threshold {threshold:g}")
    just_above_and_below(learner, draw)


def no_such_head(learner, draw):
    """A model with random weights has none; and at a threshold below 0, every head of every layer is found."""
    weights = drawn(draw, RANDOM, std=0.2)
    model = placed(learner, RANDOM, weights)
    everything = [(layer, head) for layer in range(RANDOM.n_layers) for head in range(RANDOM.n_heads)]
    none, every = learner.find_heads(model, 0.5, P=7), learner.find_heads(model, -1.0, P=5)
    found(none, [], "in a model with random weights")
    found(every, everything, "with threshold -1, which every head passes")


def trained(learner, draw):
    """With P = 20, as in the default, three heads of the zoo's induction model are found, and none of its control."""
    model = learner.given.zoo_model("induction")
    found(learner.find_heads(model, 0.3), [(1, 0), (1, 1), (1, 3)], "in zoo.load('induction')")
    found(learner.find_heads(learner.given.zoo_model("induction_one_layer"), 0.3), [], "in 'induction_one_layer'")


def repeating(tokens, P, got):
    """Raises `Mismatch` unless these are 32 rows or more, [bos, half, half] with the same bos in all."""
    if tokens.shape[1] != 2 * P + 1 or not torch.equal(tokens[:, 1 : P + 1], tokens[:, P + 1 :]):
        raise Mismatch("feeds the model other texts than [bos, half, half] with halves of P tokens.", got=got)
    bos = tokens[0, 0]
    if (tokens[:, 0] != bos).any() or (tokens[:, 1:] == bos).any():
        raise Mismatch("feeds the model texts that do not all begin with one BOS, or hold it again later.", got=got)
    if len(tokens) < 32:
        raise Mismatch(f"feeds the model {len(tokens)} texts in all, expected at least 32.", got=got)


def texts(learner, draw):
    """The model is fed rows [bos, half, half] of 2P + 1 tokens; the seed alone decides which."""
    model, fed = placed(learner, RANDOM, drawn(draw, RANDOM)), []
    for seed in (3, 4, 3):
        watch = learner.given.watch_tokens(model)
        got = learner.find_heads(model, 0.5, P=6, seed=seed)
        runs = [tokens.reshape(-1, tokens.shape[-1]) for tokens in learner.given.tokens_fed(watch)]
        if not runs:
            raise Mismatch("does not run the model when it is called again.", got=got)
        fed.append(torch.cat(runs))
        repeating(fed[-1], 6, got)
    if not torch.equal(fed[0], fed[2]):
        raise Mismatch("feeds the model other texts for the same seed.", got=got)
    if fed[0].shape == fed[1].shape and torch.equal(fed[0], fed[1]):
        raise Mismatch("feeds the model the same texts whatever the seed is.", got=got)


def leaves_no_trace(learner, draw):
    """The model is left as it was."""
    weights = drawn(draw, RANDOM)
    model = placed(learner, RANDOM, weights)
    untouched(learner, model, weights, lambda: learner.find_heads(model, 0.5, P=3))


@torch.no_grad()
def patterns(model, P, seed):
    tokens = ours.repeated_tokens(50, P, model.cfg.d_vocab, seed, bos=0)
    return list(model.run_with_cache(tokens, lambda name: name.endswith("hook_pattern"))[1].values())


def listed(scores, threshold):
    return [(layer, head) for layer, head in (scores > threshold).nonzero().tolist()]


def scored(model, P, seed, score=ours.induction_score):
    return torch.stack([score(pattern, P) for pattern in patterns(model, P, seed)])


def keys_of(pattern, P, offset=1):
    queries = torch.arange(P + 1, 2 * P + 1)
    return pattern[:, :, queries, queries - P + offset]


def any_text(model, threshold, P=20, seed=0):
    return listed(scored(model, P, seed, lambda p, P: keys_of(p, P).mean(-1).amax(0)), threshold)


def any_query(model, threshold, P=20, seed=0):
    return listed(scored(model, P, seed, lambda p, P: keys_of(p, P).amax(dim=(0, 2))), threshold)


def exchanged(model, threshold, P=20, seed=0):
    return [(head, layer) for layer, head in listed(scored(model, P, seed), threshold)]


def from_one(model, threshold, P=20, seed=0):
    return [(layer + 1, head + 1) for layer, head in listed(scored(model, P, seed), threshold)]


def duplicates(model, threshold, P=20, seed=0):
    return listed(scored(model, P, seed, lambda p, P: keys_of(p, P, 0).mean(dim=(0, 2))), threshold)


def best_of_layer(model, threshold, P=20, seed=0):
    best = scored(model, P, seed).max(1)
    return [(at, int(best.indices[at])) for at in range(model.cfg.n_layers) if best.values[at] > threshold]


def below(model, threshold, P=20, seed=0):
    return [(layer, head) for layer, head in (scored(model, P, seed) < threshold).nonzero().tolist()]


def previous(model, threshold, P=20, seed=0):
    return listed(scored(model, P, seed, lambda p, P: ours.prev_token_score(p)), threshold)


def last_layer(model, threshold, P=20, seed=0):
    last = model.cfg.n_layers - 1
    return [(last, head) for layer, head in listed(scored(model, P, seed), threshold) if layer == last]


def without_first_layer(model, threshold, P=20, seed=0):
    return [(layer, head) for layer, head in listed(scored(model, P, seed), threshold) if layer]


def numbered_through(model, threshold, P=20, seed=0):
    return [layer * model.cfg.n_heads + head for layer, head in listed(scored(model, P, seed), threshold)]


def all_queries(model, threshold, P=20, seed=0):
    return listed(
        scored(model, P, seed, lambda p, P: p.diagonal(offset=1 - P, dim1=2, dim2=3).sum(-1).mean(0) / p.shape[2]),
        threshold,
    )


def seed_ignored(model, threshold, P=20, seed=0):
    return listed(scored(model, P, 0), threshold)


def always_twenty(model, threshold, P=20, seed=0):
    return listed(scored(model, 20, seed), threshold)


def layer_mean(model, threshold, P=20, seed=0):
    means = scored(model, P, seed).mean(1)
    return [(at, h) for at in range(model.cfg.n_layers) for h in range(model.cfg.n_heads) if means[at] > threshold]


def fixed_half(model, threshold, P=20, seed=0):
    return [pair for pair in listed(scored(model, P, seed), 0.5)]


EXERCISE = Exercise(
    "find_heads",
    checks=(no_such_head, built_in, trained, texts, leaves_no_trace),
    reference=reference,
    gives=list,
    needs=earlier("repeated_tokens", "induction_score"),
    slips=(
        Slip("a head is taken as soon as its score is above the threshold in any one text", any_text),
        Slip("a head is taken as soon as one query gives the right key more than the threshold", any_query),
        Slip("the pairs are (head, layer)", exchanged),
        Slip("layers and heads are counted from 1", from_one),
        Slip(
            "heads are scored by attention to the token's own last occurrence, as for duplicate-token heads",
            duplicates,
        ),
        Slip("only the best head of each layer can be found", best_of_layer),
        Slip("the heads below the threshold are given", below),
        Slip("heads are scored by attention to the token before", previous),
        Slip("only the last layer is searched", last_layer),
        Slip("layer 0 is not searched", without_first_layer),
        Slip("the heads are numbered through all layers instead of given as pairs", numbered_through),
        Slip("the score is averaged over all queries of the text", all_queries),
        Slip("the seed is not used", seed_ignored),
        Slip("P is not used: the halves always have 20 tokens", always_twenty),
        Slip("the scores of a layer's heads are averaged, and its heads taken or left together", layer_mean),
        Slip("the threshold is not used", fixed_half),
    ),
)
