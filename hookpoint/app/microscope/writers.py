"""Who writes the answer: the logit difference as a sum over heads, MLPs, biases, the embedding and what is constant."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hookpoint.interp.attribution import dla_components, dla_heads

from .subject import Batch

__all__ = ["Parts", "parts"]


@dataclass(frozen=True)
class Parts:
    """What each part adds to the answer's logit minus the foil's, for each prompt of a batch.

    Attributes:
        columns: The heads, "b_O" for the bias that belongs to no head, and "MLP" where there are any.
        layers: [layer column n].
        embed: [n], the embeddings of token and position.
        constant: [n], LayerNorm's bias and that of the unembedding.
        total: [n], the difference as the model gives it.
    """

    columns: list[str]
    layers: Tensor
    embed: Tensor
    constant: Tensor
    total: Tensor


@torch.no_grad()
def parts(batch: Batch) -> Parts:
    """The sum of all parts of a prompt is its total."""
    model, (logits, cache) = batch.model, batch.runs["clean"]
    given = batch.answer, batch.foil, batch.at
    values, _ = dla_components(model, cache, *given)  # the embedding, each layer's parts in order, what is constant
    heads = dla_heads(model, cache, *given)
    of_layers = values[1:-1].unflatten(0, (model.cfg.n_layers, -1))
    rows = []
    for layer in range(model.cfg.n_layers):
        attention, *mlp = of_layers[layer]
        rows.append(torch.stack([*heads[layer], attention - heads[layer].sum(0), *mlp]))
    columns = [*(f"head {head}" for head in range(model.cfg.n_heads)), "b_O", *([] if model.cfg.attn_only else ["MLP"])]
    return Parts(columns, torch.stack(rows), values[0], values[-1], batch.difference(logits))
