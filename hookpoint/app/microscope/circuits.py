"""A head as its two circuits: which tokens it would match (QK), and what it writes for one that it reads (OV)."""

import torch
from torch import Tensor

from hookpoint.interp.qk_ov import FactoredMatrix, copying_score, full_ov, full_qk

from .subject import Subject

__all__ = ["circuits"]

PAIRS = 8


@torch.no_grad()
def circuits(subject: Subject, layer: int, head: int, ids: list[int]) -> dict:
    """Both circuits over the prompt's own tokens, the strongest pairs of all, and how much the head copies."""
    model, tokens = subject.model, torch.tensor(list(dict.fromkeys(ids)))
    ov, qk = full_ov(model, layer, head), full_qk(model, layer, head)
    rows = tokens if subject.large else torch.arange(model.cfg.d_vocab)
    written = ov.A[rows] @ ov.B
    written = written - written.mean(dim=-1, keepdim=True)  # what all logits share changes no prediction
    return {
        "tokens": [subject.reader.shown(id) for id in tokens.tolist()],
        "qk": _among(qk, tokens).tolist(),
        "ov": (_among(ov, tokens) - (ov.A[tokens] @ ov.B).mean(-1, keepdim=True)).tolist(),
        "pairs": {
            "QK": _strongest(subject, qk.A[rows] @ qk.B, rows),
            "OV": _strongest(subject, written, rows),
        },
        "all": len(rows) == model.cfg.d_vocab,
        "copying": None if subject.large else copying_score(ov),
    }


def _among(matrix: FactoredMatrix, tokens: Tensor) -> Tensor:
    return matrix.A[tokens] @ matrix.B[:, tokens]


def _strongest(subject: Subject, values: Tensor, rows: Tensor) -> list[dict]:
    """The largest entries of [rows d_vocab], each row's own largest first, so that one token does not fill the list."""
    best = values.max(dim=1)
    chosen = best.values.topk(min(PAIRS, len(rows))).indices.tolist()
    shown = subject.reader.shown
    return [
        {
            "from": shown(int(rows[row])),
            "to": shown(int(best.indices[row])),
            "value": best.values[row].item(),
            "same": int(rows[row]) == int(best.indices[row]),
        }
        for row in chosen
    ]
