"""Notebook 13: what the weights of `induction` say about its heads."""

import torch

from hookpoint import zoo
from hookpoint.interp import qk_ov
from hookpoint.model import GPT2
from hookpoint.zoo.data.repeats import random_repeats

PERIOD = 20
COPIES = (0, 1, 3)  # of layer 1
PREVIOUS = 3  # of layer 0


def rows() -> list[dict]:
    """The circuit's three signs, each with its control."""
    model = zoo.load("induction").requires_grad_(False)
    untrained = zoo.load("induction", step=0).requires_grad_(False)
    return [*copying(model, untrained), *positions(model, untrained), *parts(model, untrained), *composition(model)]


def row(what: str, figure: object, control: object) -> dict:
    return {"model": "induction", "what": what, "figure": figure, "control": control}


def copying(model: GPT2, untrained: GPT2) -> list[dict]:
    """Eigenvalues of the full OV circuit: the three copying heads against all others, trained or not."""
    trained, before = (
        {(layer, head): qk_ov.copying_score(qk_ov.full_ov(one, layer, head)) for layer in (0, 1) for head in range(4)}
        for one in (model, untrained)
    )
    copies = [trained[1, head] for head in COPIES]
    others = [score for place, score in trained.items() if place not in [(1, head) for head in COPIES]]
    return [
        row(
            "eigenvalue copying score: least of heads 1.0, 1.1, 1.3 (control: largest of all others, untrained too)",
            min(score["eigenvalue"] for score in copies),
            max(score["eigenvalue"] for score in (*others, *before.values())),
        ),
        row(
            "tokens whose own logit is the largest: least of these heads (control as above; chance is 1/64)",
            min(score["top1"] for score in copies),
            max(score["top1"] for score in (*others, *before.values())),
        ),
    ]


def positions(model: GPT2, untrained: GPT2) -> list[dict]:
    """Rows whose largest weight, from positions alone, is on the position before: in the first half of the context."""

    def shares(one: GPT2, layer: int, head: int) -> tuple[float, float]:
        largest = qk_ov.prev_token_pattern_from_pos(one, layer, head)[1:].argmax(dim=1)
        hit = (largest == torch.arange(len(largest))).double()
        return hit[:24].mean().item(), hit[24:].mean().item()

    first, later = shares(model, 0, PREVIOUS)
    before = max(shares(untrained, layer, head)[0] for layer in (0, 1) for head in range(4))
    what = "of rows 1 to 24, share that W_pos alone points at the position before, in head 0.3"
    return [row(f"{what} (control: rows 25 to 48)", first, later), row(f"{what} (control: untrained)", first, before)]


def parts(model: GPT2, untrained: GPT2) -> list[dict]:
    """The margin of the induction target's score from (query: embed, key: attn_out 0)."""
    tokens = random_repeats(64, PERIOD, torch.Generator().manual_seed(0))

    def margin(one: GPT2, head: int) -> float:
        values, labels = qk_ov.decompose_scores(one, one.run_with_cache(tokens)[1], 1, head)
        pair = values[labels.index("embed"), labels.index("attn_out 0")]
        queries = range(PERIOD + 1, 2 * PERIOD + 1)
        return (
            torch.stack([pair[:, q, q - PERIOD + 1] - pair[:, q, : q + 1].mean(dim=-1) for q in queries]).mean().item()
        )

    what = (
        "score of the induction target over its row's mean, from embed x attn_out 0 (least of the three; control: 1.2)"
    )
    return [
        row(what, min(margin(model, head) for head in COPIES), margin(model, 2)),
        row("the same for head 1.0 (control: untrained)", margin(model, 0), margin(untrained, 0)),
    ]


def composition(model: GPT2) -> list[dict]:
    """K-composition with head 0.3, against random rotations between the same two matrices."""
    dice = torch.Generator().manual_seed(0)
    written = qk_ov.ov_matrix(model, 0, PREVIOUS)
    keys = [qk_ov.qk_matrix(model, 1, head).T for head in range(4)]
    turns = [torch.linalg.qr(torch.randn(64, 64, generator=dice))[0] for _ in range(200)]
    chance = max(qk_ov.composition_score(written @ turn, keys[0]) for turn in turns)
    least = min(qk_ov.composition_score(written, keys[head]) for head in COPIES)
    what = "K-composition of 0.3 with 1.0, 1.1, 1.3, the least"
    return [
        row(f"{what} (control: largest of 200 random rotations between)", least, chance),
        row(f"{what} (control: with 1.2)", least, qk_ov.composition_score(written, keys[2])),
    ]
