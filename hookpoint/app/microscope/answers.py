"""What the page asks, each question a function from the engine and a model's name to plain values."""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hookpoint.app.yours.answers import note
from hookpoint.errors import HookpointError

from .ablation import ablated
from .catalogue import SHIPPED
from .circuits import circuits as circuits_of
from .lens import lens as lens_of
from .patching import difference_with, grid, shares
from .subject import Batch, Subject
from .training import course
from .writers import parts

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["ANSWERS"]

TOP = 5
REMEMBERED = 12  # pairs of prompts of one model whose runs are kept
NO_FAMILY = "Nothing here knows prompts like this one, so there is no mean. Take an example for one."


def models(engine: "Engine", model: str) -> dict:
    """The models that can be looked at."""
    from hookpoint.zoo import registry, store

    return {"names": [*SHIPPED, *store.fetched(registry.names())]}


def example(engine: "Engine", model: str, family: str | None, number: int) -> dict:
    """A task's prompt and its twin, and what tasks there are."""
    subject = engine.subject(model, None)
    known = {each.name: each.label for each in subject.families}
    chosen = subject.family(family) or (subject.families[0] if subject.families else None)
    cfg, found = subject.model.cfg, {"families": known, "family": chosen and chosen.name, "steps": subject.steps}
    found |= {"shows": subject.shows, "n_ctx": cfg.n_ctx, "attn_only": cfg.attn_only, "layers": cfg.n_layers}
    found |= {"heads": cfg.n_heads, "large": subject.large, "symbols": not hasattr(subject.reader, "tokenizer")}
    if chosen:
        pair = subject.pair(chosen, number)
        found["pair"] = {name: getattr(pair, name) for name in ("clean", "changed", "answer", "foil", "at")}
    return found


def look(engine: "Engine", model: str, **given: object) -> dict:
    """One run of each prompt: tokens, what comes next, attention, the lens, who writes the answer."""
    subject, batch, pairing = _asked(engine, model, **given)
    clean, _ = batch.runs["clean"]
    cache = batch.runs["clean"][1]
    cfg, shown = subject.model.cfg, subject.reader.shown
    weights = torch.stack([cache[f"blocks.{layer}.attn.hook_pattern"][0] for layer in range(cfg.n_layers)])
    labels, probabilities, ids = lens_of(subject.model, cache)
    both = {"clean": batch.clean[0].tolist(), "changed": batch.changed[0].tolist()}
    return {
        "tokens": {name: [shown(id) for id in ids] for name, ids in both.items()},
        "different": [] if pairing else [at for at, (a, b) in enumerate(zip(*both.values(), strict=True)) if a != b],
        "pairing": pairing,
        "at": batch.at,
        "answer": shown(int(batch.answer)),
        "foil": shown(int(batch.foil)),
        "difference": batch.difference(clean).item(),
        "next": {name: _next(subject, batch, logits[0]) for name, (logits, _) in batch.runs.items()},
        "attention": {
            "layers": cfg.n_layers,
            "heads": cfg.n_heads,
            "patterns": base64.b64encode((weights * 255).round().to(torch.uint8).numpy().tobytes()).decode(),
            "notes": [note(head) for layer in weights for head in layer],
            "head": _telling(weights, batch.at),
        },
        "lens": {
            "labels": labels,
            "shares": probabilities.tolist(),
            "words": [[[shown(id)["text"] for id in cell] for cell in row] for row in ids.tolist()],
        },
        "writers": _writers(batch),
    }


def writers(engine: "Engine", model: str, step: int | None, family: str | None) -> dict:
    """Who writes the answer, over prompts like it."""
    return _writers(_like_it(engine.subject(model, step), family))


def _writers(batch: Batch) -> dict:
    found = parts(batch)
    return {
        "columns": found.columns,
        **_mean(found.layers.permute(2, 0, 1)),
        "embed": found.embed.mean().item(),
        "constant": found.constant.mean().item(),
        "total": found.total.mean().item(),
    }


def patch(engine: "Engine", model: str, piece: str, restore: bool, **given: object) -> dict:
    """The whole grid for one pair of prompts."""
    _, batch, pairing = _asked(engine, model, **given)
    _refuse(pairing)
    return {**_mean(shares(batch, grid(batch, piece, restore), restore)), **_ends(batch)}


def patch_mean(engine: "Engine", model: str, piece: str, restore: bool, step: int | None, family: str | None) -> dict:
    """The grid over prompts like it, in logits first: a share of a small difference would outweigh all others."""
    batch = _like_it(engine.subject(model, step), family)
    found, ends = grid(batch, piece, restore).mean(0), _ends(batch)
    start, end = (ends["changed"], ends["clean"]) if restore else (ends["clean"], ends["changed"])
    return {"n": len(batch), "mean": ((found - start) / (end - start)).tolist(), **ends}


def patched(engine: "Engine", model: str, piece: str, restore: bool, cells: list[list[int]], **given: object) -> dict:
    """What comes next with these cells exchanged."""
    subject, batch, pairing = _asked(engine, model, **given)
    _refuse(pairing)
    logits = difference_with(batch, piece, restore, [tuple(cell) for cell in cells])
    difference = batch.difference(logits)
    share = shares(batch, difference, restore).item()
    return {"next": _next(subject, batch, logits[0]), "difference": difference.item(), "share": share, **_ends(batch)}


def ablate(engine: "Engine", model: str, way: str, over: str, family: str | None, **given: object) -> dict:
    """What each part's absence changes, for this prompt or for prompts like it."""
    subject, batch, _ = _asked(engine, model, **given)
    known = subject.family(family)
    reference = subject.like_it(known) if known else None
    if over == "mean" or (way != "zero" and reference is None):
        reference = _like_it(subject, family)
    if reference is not None and over != "mean" and reference.clean.shape[1] != batch.clean.shape[1]:
        reference = None
    if way != "zero" and reference is None:
        raise HookpointError("The prompts like it have another length, so there is no mean for each position.")
    batch = reference if over == "mean" else batch
    found = ablated(batch, way, reference)
    return {
        **_mean(found),
        "heads": subject.model.cfg.n_heads,
        "total": batch.difference(batch.runs["clean"][0]).mean().item(),
    }


def circuits(engine: "Engine", model: str, head: int, **given: object) -> dict:
    """One head's two circuits."""
    subject, batch, _ = _asked(engine, model, **given)
    return circuits_of(subject, *divmod(head, subject.model.cfg.n_heads), batch.clean[0].tolist())


def training(engine: "Engine", model: str, family: str) -> dict:
    """How the task was learned."""
    return course(model, engine.workspace, family)


def _asked(
    engine: "Engine", model: str, step: int | None, clean: str, changed: str, answer: str, foil: str, at: int | None
) -> tuple[Subject, Batch, str]:
    """The subject, the pair as a batch of one, and what keeps the two prompts from being compared, "" if nothing."""
    subject = engine.subject(model, step)
    key = (clean, changed, answer, foil, at)
    if key not in subject.asked:
        while len(subject.asked) >= REMEMBERED:
            subject.asked.pop(next(iter(subject.asked)))
        subject.asked[key] = _pair(subject, *key)
    return subject, *subject.asked[key]


def _pair(subject: Subject, clean: str, changed: str, answer: str, foil: str, at: int | None) -> tuple[Batch, str]:
    ids, n_ctx = [subject.reader.encode(text) for text in (clean, changed or clean)], subject.model.cfg.n_ctx
    for tokens in ids:
        if not tokens or len(tokens) > n_ctx:
            raise HookpointError(
                f"A prompt has {len(tokens)} tokens; this model takes 1 to {n_ctx}. Change its length."
            )
    pairing = _pairing(subject, clean, changed, *ids)
    if pairing:
        ids[1] = ids[0]
    at = len(ids[0]) - 1 if at is None or at >= len(ids[0]) else at
    tokens = torch.tensor(ids)
    with torch.no_grad():
        ends = subject.model(tokens)[:, at]
    right = subject.reader.token(answer) if answer else int(ends[0].argmax())
    wrong = subject.reader.token(foil) if foil else _other(ends, right)
    if not pairing and right == wrong:
        pairing = "The answer and what it is compared with are the same word. Type another one."
    elif not pairing and not (answer or foil) and ends[0].argmax() == ends[1].argmax():
        word = subject.reader.shown(right)["text"]
        pairing = f"Both prompts go on with {word}, so there is nothing to restore. Change a word that matters more."
    batch = Batch(subject.model, tokens[:1], tokens[1:], torch.tensor([right]), torch.tensor([wrong]), at)
    return batch, pairing


def _pairing(subject: Subject, clean: str, changed: str, one: list[int], other: list[int]) -> str:
    if not changed.strip():
        return "Type a changed prompt: the same words but for one. Patching carries pieces from one run to the other."
    if one == other:
        return "The two prompts are the same. Change a word in the second one."
    if len(one) != len(other):
        return (
            f"The prompt has {len(one)} tokens and the changed one {len(other)}. Patching copies position by position: "
            "make them equally long."
        )
    return ""


def _other(ends: Tensor, right: int) -> int:
    """What the changed prompt says; the second likeliest word where that is the same."""
    said = int(ends[1].argmax())
    return said if said != right else int(ends[0].topk(2).indices[1])


def _refuse(pairing: str) -> None:
    if pairing:
        raise HookpointError(pairing)


def _like_it(subject: Subject, family: str | None) -> Batch:
    known = subject.family(family)
    if known is None:
        raise HookpointError(NO_FAMILY)
    return subject.like_it(known)


def _ends(batch: Batch) -> dict[str, float]:
    """The mean logit difference of both runs."""
    return {name: batch.difference(logits).mean().item() for name, (logits, _) in batch.runs.items()}


def _mean(values: Tensor) -> dict:
    """Mean and spread over the first axis, which is that of the prompts."""
    spread = values.std(0) if len(values) > 1 else torch.zeros_like(values[0])
    return {"n": len(values), "mean": values.mean(0).tolist(), "spread": spread.tolist()}


def _next(subject: Subject, batch: Batch, logits: Tensor) -> list[dict]:
    shares, ids = logits.softmax(-1).topk(min(TOP, len(logits)))
    return [
        {**subject.reader.shown(id), "share": share, "chosen": id == int(batch.answer), "foil": id == int(batch.foil)}
        for id, share in zip(ids.tolist(), shares.tolist(), strict=True)
    ]


def _telling(weights: Tensor, at: int) -> int:
    """The head, counted through all layers, that looks hardest from the position at one that is not at an end."""
    rows = weights[:, :, at, 1 : max(2, at)].flatten(0, 1)
    return int(rows.amax(dim=-1).argmax()) if rows.shape[-1] else 0


ANSWERS: dict[str, Callable[..., dict]] = {
    each.__name__: each
    for each in (models, example, look, writers, patch, patch_mean, patched, ablate, circuits, training)
}
