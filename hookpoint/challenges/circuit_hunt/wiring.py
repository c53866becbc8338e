"""A compiled transformer as a graph: what its nodes write, and a run in which edges carry something else.

There is no LayerNorm, so the input of every reader is a sum of what the earlier nodes wrote, and an edge is one term of
it: a sender, a receiver and the input of the receiver (q, k or v of a head, "mlp", "logits"). Every edge has a dial.
At 0 the edge carries what its sender writes in this run, at 1 what the sender writes on a donor input, in between the
mixture. All that a receiver changes flows on.
"""

from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import Config
from hookpoint.zoo.compile import Node

__all__ = ["Edge", "Wiring"]

Edge = tuple[Node, Node, str]
INPUTS = "qkv"


class Wiring:
    """A GPT2 without LayerNorm and with ReLU neurons, from its sizes and its state dict."""

    def __init__(self, cfg: Config, weights: Mapping[str, Tensor]) -> None:
        self.cfg, self.weights = cfg, weights
        self.nodes: list[Node] = ["embed"]
        self.edges: list[Edge] = []
        for layer in range(cfg.n_layers):
            heads = [(layer, head) for head in range(cfg.n_heads)]
            self.edges += [(sender, head, at) for head in heads for at in INPUTS for sender in self.nodes]
            self.nodes += heads
            self.edges += [(sender, ("mlp", layer), "mlp") for sender in self.nodes]
            self.nodes.append(("mlp", layer))
        self.edges += [(sender, "logits", "logits") for sender in self.nodes]

    def written(self, tokens: Int[Tensor, "n pos"]) -> Float[Tensor, "n pos node d_model"]:
        """What every node writes into the residual stream; "embed" is token and position together."""
        return self._run(tokens, None, None)[0]

    def logits(
        self,
        tokens: Int[Tensor, "n pos"],
        donor: Float[Tensor, "n pos node d_model"] | None = None,
        dials: Float[Tensor, "rows edge"] | None = None,
    ) -> Float[Tensor, "n pos d_vocab"]:
        """The logits of a run with these dials.

        Args:
            donor: What `written` gives for the donor inputs.
            dials: One row for all inputs, or one row for each.
        """
        return self._run(tokens, donor, dials)[1]

    def _run(self, tokens, donor, dials):
        cfg, w = self.cfg, self.weights
        stream = w["embed.W_E"][tokens] + w["pos_embed.W_pos"][: tokens.shape[1]]
        written = stream[:, :, None]
        turned = self._by_reader(dials)
        for layer in range(cfg.n_layers):
            of = {name.rpartition(".")[2]: one for name, one in w.items() if name.startswith(f"blocks.{layer}.")}
            reads = _mixed(stream, written, donor, next(turned)).unflatten(2, (-1, len(INPUTS)))
            heads = _heads(reads, of)
            written, stream = torch.cat([written, heads], dim=2), stream + heads.sum(dim=2)
            read = _mixed(stream, written, donor, next(turned))[:, :, 0]
            wrote = torch.relu(read @ of["W_in"] + of["b_in"]) @ of["W_out"] + of["b_out"]
            written, stream = torch.cat([written, wrote[:, :, None]], dim=2), stream + wrote
        read = _mixed(stream, written, donor, next(turned))[:, :, 0]
        return written, read @ w["unembed.W_U"] + w["unembed.b_U"]

    def _by_reader(self, dials: Tensor | None) -> Iterator[Float[Tensor, "rows reader sender"]]:
        """The dials of the heads' inputs, of the MLP, of the next layer's heads, ..., of the logits: as in `edges`."""
        n_nodes, start = 1, 0
        for layer in range(self.cfg.n_layers + 1):
            last = layer == self.cfg.n_layers
            for readers in (1,) if last else (self.cfg.n_heads * len(INPUTS), 1):
                n_nodes += 0 if last or readers > 1 else self.cfg.n_heads
                size = readers * n_nodes
                block = torch.zeros(1, size) if dials is None else dials[:, start : start + size]
                yield block.unflatten(1, (readers, n_nodes))
                start += size
            n_nodes += 1


def _mixed(
    stream: Float[Tensor, "n pos d_model"],
    written: Float[Tensor, "n pos node d_model"],
    donor: Float[Tensor, "n pos node d_model"] | None,
    dials: Float[Tensor, "rows reader node"],
) -> Float[Tensor, "n pos reader d_model"]:
    """What each reader gets: the stream, moved towards the donor along the edges whose dials are turned."""
    own = stream[:, :, None].expand(-1, -1, dials.shape[1], -1)
    if donor is None or not (dials.requires_grad or dials.any()):
        return own
    return own + dials[:, None] @ (donor[:, :, : written.shape[2]] - written)


def _heads(
    reads: Float[Tensor, "n pos head qkv d_model"], of: Mapping[str, Tensor]
) -> Float[Tensor, "n pos head d_model"]:
    """What each head of a layer writes; each of its inputs reads for itself."""
    q, k, v = (
        torch.einsum("nphd,hde->nhpe", reads[..., at, :], of[f"W_{name}"]) + of[f"b_{name}"][:, None]
        for at, name in enumerate(INPUTS.upper())
    )
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    pattern = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
    return torch.einsum("nhpe,hed->nphd", pattern @ v, of["W_O"])
