"""How a task was learned: for each checkpoint what the model makes of the same prompts."""

from pathlib import Path

import torch

from .subject import load

__all__ = ["course"]


@torch.no_grad()
def course(name: str, workspace: Path | None, family: str) -> dict:
    """For each checkpoint the answer's probability, how often it is the likeliest, and two scores of the best head.

    The scores are means over the prompts: attention to the token before, and, at the last position, to the token whose
    change tells the pair apart.
    """
    steps, columns = load(name, workspace).steps, {"probability": [], "right": [], "previous": [], "answer": []}
    for step in steps:
        subject = load(name, workspace, step)
        batch = subject.like_it(subject.family(family))
        logits, cache = batch.runs["clean"]
        shares = logits.softmax(-1).gather(1, batch.answer[:, None])
        columns["probability"].append(shares.mean().item())
        columns["right"].append((logits.argmax(-1) == batch.answer).float().mean().item())
        patterns = [value for key, value in cache.items() if key.endswith("hook_pattern")]
        told = (batch.clean[0] != batch.changed[0]).nonzero().flatten()
        before = [pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2)).max().item() for pattern in patterns]
        there = [pattern[:, :, batch.at][:, :, told].sum(-1).mean(0).max().item() for pattern in patterns]
        columns["previous"].append(max(before))
        columns["answer"].append(max(there))
    return {"steps": list(steps), "n": len(batch), **columns}
