"""Continuing a text, with everything that could have come instead at each step."""

import torch
from torch import Tensor

from .build import Machine
from .draw import Knobs, adjusted, kept

__all__ = ["beam", "generate"]

BARS = 10
OTHERS = 5


def generate(
    machine: Machine,
    text: str,
    n: int,
    seed: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    penalty: float,
) -> dict:
    """The text continued by `n` tokens, and for each step what was likely and what the knobs cut.

    Their `generate` writes the text, unless a penalty is asked for, which it does not take. The steps are gone over
    once more with their filters, to show what each of them left.
    """
    prompt, generator = machine.text.prompt(text), torch.Generator().manual_seed(seed)
    knobs, ids = Knobs(temperature, top_k, top_p, penalty), torch.tensor([prompt.ids])
    own = "generate" in machine.parts.theirs and not penalty
    write = machine.parts["generate"] if own else machine.parts.composed("generate")
    more = {} if own else {"penalty": penalty}
    with torch.no_grad():
        grown = write(machine.gpt2, ids, n, temperature, top_k, top_p, generator=generator, **more)
        steps = [_step(machine, grown[:, :end], grown[0, end], knobs) for end in range(ids.shape[1], grown.shape[1])]
    return {"prompt": machine.text.shown(prompt.ids), "steps": steps, "own": own, "n_ctx": machine.source.cfg.n_ctx}


def _step(machine: Machine, before: Tensor, token: Tensor, knobs: Knobs) -> dict:
    """One new token: what the model thought of it, of its five rivals, and of the likeliest tokens in all."""
    logits = machine.gpt2(before[:, -machine.source.cfg.n_ctx :])[:, -1]
    after = adjusted(machine.parts, logits, before, knobs)
    shares, stays = logits[0].softmax(-1), kept(after[0])
    drawn = after[0].softmax(-1) if knobs.temperature else torch.zeros_like(shares)
    order = shares.argsort(descending=True)[:BARS].tolist()
    id = int(token)
    rows = [_row(machine, each, shares, drawn, stays) for each in order]
    return {
        "token": _row(machine, id, shares, drawn, stays),
        "others": [row for row in rows if row["id"] != id][:OTHERS],
        "bars": rows,
        "kept": int(stays.sum()),
        "of": len(stays),
        "kept_share": float(shares[stays].sum()),
    }


def _row(machine: Machine, id: int, shares: Tensor, drawn: Tensor, stays: Tensor) -> dict:
    share, after = round(float(shares[id]), 5), round(float(drawn[id]), 5)
    return {
        "id": id,
        "text": machine.text.shown([id])[0]["text"],
        "share": share,
        "after": after,
        "kept": bool(stays[id]),
    }


def beam(machine: Machine, text: str, n: int, k: int, length_penalty: float) -> dict:
    """The best continuations that a search over `k` beams finds, best first, with each token's probability."""
    prompt = machine.text.prompt(text)
    search = machine.parts.get("beam_search")
    if search is None:
        return {"prompt": machine.text.shown(prompt.ids), "beams": None}
    with torch.no_grad():
        found = search(machine.gpt2, torch.tensor(prompt.ids), k, n, length_penalty=length_penalty)
        beams = [_beam(machine, float(score), [int(id) for id in ids], len(prompt.ids)) for score, ids in found]
    return {"prompt": machine.text.shown(prompt.ids), "beams": beams}


def _beam(machine: Machine, score: float, ids: list[int], start: int) -> dict:
    n_ctx, tokens = machine.source.cfg.n_ctx, machine.text.shown(ids[start:])
    for end, token in enumerate(tokens, start=start):
        window = ids[max(0, end - n_ctx) : end]
        token["share"] = float(machine.logits(window)[0, -1].softmax(-1)[ids[end]])
    return {"score": score, "tokens": tokens}
