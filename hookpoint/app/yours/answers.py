"""What the page asks of the running model, each question a function from a `Machine` to plain values."""

import base64
from collections.abc import Callable

import torch
from torch import Tensor

from .build import Machine, ours_of
from .watch import patterns

__all__ = ["ANSWERS"]

TOP = 8


def logits(machine: Machine, text: str) -> dict:
    """The prompt's tokens, what the model expects next, and how far its logits are from ours."""
    prompt = machine.text.prompt(text)
    found = machine.logits(prompt.ids)
    ours = ours_of(machine.source)(torch.tensor([prompt.ids]))
    return {
        "tokens": machine.text.shown(prompt.ids),
        "dropped": prompt.dropped,
        "n_ctx": machine.source.cfg.n_ctx,
        "next": _likeliest(machine, found[0, -1].softmax(-1), TOP),
        "difference": (found - ours).abs().max().item(),
        "size": ours.abs().max().item(),
    }


def tokens(machine: Machine, text: str) -> dict:
    """How the text came to be these tokens."""
    opened = machine.text.opened(text)
    ids = machine.text.encode(opened)
    return {
        "tokens": machine.text.shown(ids),
        "steps": machine.text.merging(opened),
        "words": len(machine.text.words(opened)),
        "back": machine.text.decode(ids),
        "learned": machine.text.learned(opened),
    }


def attention(machine: Machine, text: str) -> dict:
    """Every head's pattern on the prompt, one byte for each weight."""
    prompt = machine.text.prompt(text)
    weights, whose = patterns(machine, prompt.ids)
    as_bytes = (weights * 255).round().to(torch.uint8).numpy().tobytes()
    cfg = machine.source.cfg
    return {
        "tokens": [token["text"] for token in machine.text.shown(prompt.ids)],
        "layers": cfg.n_layers,
        "heads": cfg.n_heads,
        "patterns": base64.b64encode(as_bytes).decode(),
        "notes": [note(head) for layer in weights for head in layer],
        "head": _telling(weights),
        "whose": whose,
    }


def _telling(weights: Tensor) -> int:
    """The head, counted through all layers, in which the last token looks hardest at one that is not at an end."""
    last = weights[:, :, -1, 1:-1].flatten(0, 1)
    return int(last.amax(dim=-1).argmax()) if last.shape[-1] else 0


def note(pattern: Tensor) -> str:
    """What a head does on this prompt, in words, if one thing explains most of it."""
    if len(pattern) < 2:
        return "there is only one token"
    rows = torch.arange(1, len(pattern))
    simple = {
        "looks one token back": pattern[rows, rows - 1].mean().item(),
        "rests on the first token": pattern[rows, 0].mean().item(),
        "looks at the token itself": pattern[rows, rows].mean().item(),
    }
    words, share = max(simple.items(), key=lambda pair: pair[1])
    return f"{words} ({share:.0%})" if share > 0.45 else "no simple rule"


def loss(machine: Machine, text: str) -> dict:
    """What each token of the text cost the model, by their `per_token_loss` and `lm_loss`."""
    prompt = machine.text.prompt(text)
    found, ids = machine.logits(prompt.ids), torch.tensor([prompt.ids])
    if len(prompt.ids) < 2:
        return {"tokens": machine.text.shown(prompt.ids), "losses": [], "mean": None, "dropped": prompt.dropped}
    losses = machine.parts["per_token_loss"](found, ids)[0]
    expected = [_likeliest(machine, row.softmax(-1), 1)[0] for row in found[0, :-1]]
    return {
        "tokens": machine.text.shown(prompt.ids),
        "losses": losses.tolist(),
        "expected": expected,
        "mean": float(machine.parts["lm_loss"](found, ids)),
        "guessing": torch.tensor(float(machine.source.cfg.d_vocab)).log().item(),
        "dropped": prompt.dropped,
    }


def _likeliest(machine: Machine, probabilities: Tensor, count: int) -> list[dict]:
    shares, ids = probabilities.topk(min(count, len(probabilities)))
    shown = machine.text.shown(ids.tolist())
    return [{**token, "share": share} for token, share in zip(shown, shares.tolist(), strict=True)]


def _all() -> dict[str, Callable[..., dict]]:
    from .speed import speed
    from .story import beam, generate

    return {each.__name__: each for each in (logits, tokens, attention, loss, generate, beam, speed)}


ANSWERS = _all()
