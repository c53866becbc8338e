"""From a program to weights: every map put where its variables lie, split into a head's matrices, and disguised.

The disguise leaves the function as it is. Heads stand in a random order, the residual stream is turned by a random
rotation, and so is the inside of every head; neurons are shuffled. So no number lies where a name would put it.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from hookpoint.model import GPT2, Config

from .answers import Key, answer_key
from .program import Head, Layer, Program, Task

Slots = dict[str, slice]
# A number below this share of the largest is rounding.
NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Compiled:
    """A model, what it computes, its answer key, and the direction of every symbol in its residual stream."""

    model: GPT2
    task: Task
    key: Key
    directions: dict[str, Float[Tensor, "symbol d_model"]]


def config(program: Program) -> Config:
    """The sizes of the program's model; it has no LayerNorm, and ReLU where it has MLPs."""
    return Config(
        d_vocab=len(program.task.vocab),
        n_ctx=program.task.n_ctx,
        d_model=sum(program.widths.values()),
        n_layers=len(program.layers),
        n_heads=max(len(layer.heads) for layer in program.layers),
        d_head=program.d_head,
        d_mlp=max(sum(len(neurons.bias) for neurons in layer.mlp) for layer in program.layers) or 1,
        act_fn="relu",
        normalization_type=None,
        attn_only=not program.has_mlps,
        attention_dir="causal" if program.causal else "bidirectional",
    )


def shuffled(program: Program, orders: list[list[int]]) -> Program:
    """The program with the heads of each layer in another order: slot i gets head `orders[layer][i]`."""
    pairs = zip(program.layers, orders, strict=True)
    layers = (replace(layer, heads=tuple(layer.heads[i] for i in order)) for layer, order in pairs)
    return replace(program, layers=tuple(layers))


@torch.no_grad()
def assemble(program: Program, generator: torch.Generator) -> Compiled:
    """The program with weights, which are computed in float64 and stored in float32. Every layer must be full.

    Raises:
        ValueError: A head's maps need more than `d_head` dimensions.
    """
    slots = _slots(program.widths)
    model = GPT2(config(program), seed=None)
    rotation = _rotation(model.cfg.d_model, generator)
    model.embed.W_E.copy_(_side_by_side(program.token, slots, rotation))
    model.pos_embed.W_pos.copy_(_side_by_side(program.position, slots, rotation))
    for block, layer in zip(model.blocks, program.layers, strict=True):
        for number, head in enumerate(layer.heads):
            for name, value in _head_weights(head, slots, rotation, program.d_head, generator).items():
                getattr(block.attn, name)[number] = value
        if program.has_mlps:
            for name, value in _mlp_weights(layer, slots, rotation, generator).items():
                getattr(block.mlp, name).copy_(value)
    unembed = {name: table.T for name, table in program.logits.items()}
    model.unembed.W_U.copy_(_side_by_side(unembed, slots, rotation).T)
    model.unembed.b_U.copy_(program.logit_bias if program.logit_bias is not None else torch.zeros(1))
    directions = {name: rotation[slot].float() for name, slot in slots.items()}
    return Compiled(model.eval().requires_grad_(False), program.task, answer_key(program), directions)


def _slots(widths: dict[str, int]) -> Slots:
    """Where each variable would lie without the rotation."""
    ends = torch.tensor([0, *widths.values()]).cumsum(0).tolist()
    return {name: slice(start, end) for name, start, end in zip(widths, ends[:-1], ends[1:], strict=True)}


def _rotation(n: int, generator: torch.Generator) -> Float[Tensor, "n n"]:
    """A random orthogonal matrix."""
    return torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q


def _side_by_side(tables: dict[str, Tensor], slots: Slots, rotation: Tensor) -> Float[Tensor, "rows d_model"]:
    """Tables with one row each for the same things, each in its variable's place, in the turned basis."""
    rows = {len(table) for table in tables.values()} or {1}
    flat = torch.zeros(max(rows), len(rotation), dtype=torch.float64)
    for name, table in tables.items():
        flat[:, slots[name]] = table.double()
    return flat @ rotation


def _head_weights(
    head: Head, slots: Slots, rotation: Tensor, d_head: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """The head's matrices. The last row of the score matrix belongs to the query that is always there: `b_Q`."""
    d_model = len(rotation)
    scores = torch.zeros(d_model + 1, d_model, dtype=torch.float64)
    for match in head.matches:
        rows = slots[match.query] if match.query else slice(d_model, None)
        scores[rows, slots[match.key]] += match.scores.double() * math.sqrt(d_head)
    moved = torch.zeros(d_model, d_model, dtype=torch.float64)
    for move in head.moves:
        moved[slots[move.source], slots[move.target]] += move.map.double()
    query, key = _split(scores, d_head, _rotation(d_head, generator), head.does)
    value, out = _split(moved, d_head, _rotation(d_head, generator), head.does)
    return {
        "W_Q": rotation.T @ query[:d_model],
        "b_Q": query[d_model],
        "W_K": rotation.T @ key,
        "W_V": rotation.T @ value,
        "W_O": out.T @ rotation,
    }


def _split(product: Tensor, d_head: int, inside: Tensor, does: str) -> tuple[Tensor, Tensor]:
    """Two matrices of `d_head` columns with `left @ right.T` equal to `product`, their columns mixed by `inside`."""
    left, size, right = torch.linalg.svd(product, full_matrices=False)
    rank = int((size > NOTHING * size.max().clamp(min=1)).sum())
    if rank > d_head:
        raise ValueError(f"The head that {does} needs {rank} dimensions, but d_head is {d_head}. Make d_head larger.")
    root = size[:rank].sqrt()
    return (left[:, :rank] * root) @ inside[:rank], (right[:rank].T * root) @ inside[:rank]


def _mlp_weights(layer: Layer, slots: Slots, rotation: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """The layer's groups of neurons as one MLP, shuffled."""
    bias = torch.cat([neurons.bias for neurons in layer.mlp])
    order = torch.randperm(len(bias), generator=generator)
    turned = [{name: table.T for name, table in neurons.inputs.items()} for neurons in layer.mlp]
    read = torch.cat([_side_by_side(tables, slots, rotation) for tables in turned])
    write = torch.cat([_side_by_side(neurons.outputs, slots, rotation) for neurons in layer.mlp])
    return {"W_in": read[order].T, "b_in": bias[order], "W_out": write[order]}
