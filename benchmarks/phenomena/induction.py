"""Notebook 10: which heads are induction heads, when they appear, what they do and how they work; and their limit."""

import torch

from hookpoint import zoo
from hookpoint.interp.hooks import mean_ablate
from hookpoint.interp.induction import (
    ablate_and_rank,
    find_heads,
    induction_score,
    k_composition_check,
    per_token_gain,
    prev_token_score,
    repeated_tokens,
)

PERIOD, THRESHOLD = 20, 0.3
BEFORE, AFTER = 650, 750  # the checkpoints around the jump
PREVIOUS = (0, 3)


def rows() -> list[dict]:
    """What is true of `induction` and `circuit_induction`, each figure with its control."""
    model, tokens = zoo.load("induction"), repeated_tokens(64, PERIOD, 64, seed=1, bos=0)
    return [*_found(model, tokens), *_appearing(tokens), *_effects(model, tokens), *_composed(model, tokens),
            *_compiled(), _distance(model)]  # fmt: skip


def _row(model: str, what: str, figure: object, control: object) -> dict:
    return {"model": model, "what": what, "figure": figure, "control": control}


def _patterns(model, tokens):
    return list(model.run_with_cache(tokens, lambda name: name.endswith("hook_pattern"))[1].values())


def _best(model, tokens) -> float:
    return max(induction_score(pattern, PERIOD).max().item() for pattern in _patterns(model, tokens))


def _found(model, tokens) -> list[dict]:
    one_layer = zoo.load("induction_one_layer")
    heads, none = find_heads(model, THRESHOLD), find_heads(one_layer, THRESHOLD)
    return [
        _row("induction", f"heads with induction score > {THRESHOLD} (control: one layer)", str(heads), str(none)),
        _row("induction", "best induction score (control: one layer)", _best(model, tokens), _best(one_layer, tokens)),
    ]


def _appearing(tokens) -> list[dict]:
    early, late = (zoo.load("induction", step=step) for step in (BEFORE, AFTER))
    between = f"at step {AFTER} (control: at step {BEFORE})"
    looks = [prev_token_score(_patterns(model, tokens)[0])[PREVIOUS[1]].item() for model in (late, early)]
    (first, second), (first_before, second_before) = (per_token_gain(model, tokens, PERIOD) for model in (late, early))
    return [
        _row("induction", f"best induction score {between}", _best(late, tokens), _best(early, tokens)),
        _row("induction", f"previous-token score of {PREVIOUS} {between}", *looks),
        _row("induction", f"loss on the second half, nats, {between}", second, second_before),
        _row("induction", f"loss on the first half, nats, {between}", first, first_before),
    ]


def _effects(model, tokens) -> list[dict]:
    rise, heads = ablate_and_rank(model, tokens, PERIOD), find_heads(model, THRESHOLD)
    others = [(0, head) for head in range(4) if (0, head) != PREVIOUS]
    plain = per_token_gain(model, tokens, PERIOD)[1]

    def without(heads: list[tuple[int, int]]) -> float:
        with model.hooked([mean_ablate(model, *head, tokens) for head in heads]):
            return per_token_gain(model, tokens, PERIOD)[1] - plain

    alone = sum(rise[head].item() for head in heads)
    what = "rise of the second half's loss, nats, "
    return [
        _row("induction", f"{what}without {PREVIOUS} (control: the other three of layer 0)", rise[PREVIOUS].item(),
             without(others)),
        _row("induction", f"{what}without all induction heads (control: one by one, added up)", without(heads), alone),
    ]  # fmt: skip


def _composed(model, tokens) -> list[dict]:
    shares = []
    for layer, head in find_heads(model, THRESHOLD):
        found = k_composition_check(model, PREVIOUS, (layer, head), tokens, PERIOD)
        score = induction_score(_patterns(model, tokens)[layer], PERIOD)[head].item()
        shares.append((found["effect"] / score, max(map(abs, found["controls"].values())) / score))
    what = (
        f"least share of an induction head's score lost if its keys do not see {PREVIOUS} (control: largest of others)"
    )
    return [_row("induction", what, min(share for share, _ in shares), max(other for _, other in shares))]


def _compiled() -> list[dict]:
    model, tokens = zoo.load("circuit_induction"), repeated_tokens(64, 11, 13, seed=0, bos=12)
    rise = ablate_and_rank(model, tokens, 11)[1].tolist()
    scores = [round(value, 2) for value in induction_score(_patterns(model, tokens)[1], 11).tolist()]
    what = f"rise of the loss, nats, without (1, 2) (control: (1, 0) and (1, 1), whose scores are the same: {scores})"
    return [_row("circuit_induction", what, rise[2], max(rise[0], rise[1]))]


def _distance(model) -> dict:
    scores = {}
    for gap in (0, 12):
        generator = torch.Generator().manual_seed(gap)
        half, between = (torch.randint(1, 64, (64, size), generator=generator) for size in (12, gap))
        tokens = torch.cat([torch.zeros(64, 1, dtype=torch.int64), half, between, half], dim=1)
        queries = torch.arange(13 + gap, 25 + gap)
        pattern = _patterns(model, tokens)[1]
        scores[gap] = pattern[:, :, queries, queries - 11 - gap].mean(dim=(0, 2)).max().item()
    what = "best induction score, copies 24 apart (control: 12 apart, nearer than in training)"
    return _row("induction", what, scores[12], scores[0])
