"""Activation patching: what changes when one part of a run is exchanged for the same part of another run.

A *clean* and a *corrupt* input differ in one thing. A value of one run, put into the other, shows whether that thing
passes there. `metric(logits)` is any function to a scalar. Hook names and shapes are those of hookpoint.model.

Sources: Vig et al. 2020 and Meng et al. 2022 for patching; Nanda 2023 for attribution patching; Wang et al. 2022,
"Interpretability in the Wild", section 3 and appendix B, for path patching and the three criteria of a circuit;
Goldowsky-Dill et al. 2023, "Localizing model behavior with path patching".
"""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2

__all__ = [
    "attribution_patching",
    "claim_circuit",
    "completeness",
    "edge_matrix",
    "faithfulness",
    "minimality",
    "nodes",
    "normalised_metric",
    "patch_by_position",
    "patch_heads",
    "patch_one",
    "patch_resid",
    "path_patch",
]

Metric = Callable[[Tensor], Tensor]
Head = tuple[int, int]
Receiver = tuple[int, int, str] | str
Circuit = set[tuple]
Hooks = list[tuple[str, Callable]]


def normalised_metric(ld: Tensor, ld_clean: Tensor, ld_corrupt: Tensor) -> Tensor:
    """`ld` on a scale on which the corrupt run is 0 and the clean run is 1.

    Raises:
        ValueError: The two runs do not differ, so there is no such scale.
    """
    span = ld_clean - ld_corrupt
    if (torch.as_tensor(span) == 0).any():
        raise ValueError("normalised_metric: the clean and the corrupt run give the same number; choose other inputs.")
    return (ld - ld_corrupt) / span


@torch.no_grad()
def patch_one(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], name: str, where: tuple
) -> Float[Tensor, "batch pos d_vocab"]:
    """The logits of the corrupt run with one place taken from the clean run.

    Args:
        name: A hook point, such as `blocks.1.attn.hook_z`.
        where: Which part of its value, as an index: `(slice(None), 4)` is position 4, and in a z `(slice(None), 4, 2)`
            is head 2 there.
    """
    return model.run_with_hooks(corrupt, [(name, _from(clean_cache[name], where))])


@torch.no_grad()
def patch_resid(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], metric: Metric
) -> Float[Tensor, "layer pos"]:
    """The metric of the corrupt run with the clean stream put in before one layer at one position."""
    rows = []
    for layer in range(model.cfg.n_layers):
        name = f"blocks.{layer}.hook_resid_pre"
        hooks = [_from(clean_cache[name], (slice(None), at)) for at in range(corrupt.shape[1])]
        rows.append(torch.stack([metric(model.run_with_hooks(corrupt, [(name, hook)])) for hook in hooks]))
    return torch.stack(rows)


@torch.no_grad()
def patch_heads(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], metric: Metric
) -> Float[Tensor, "layer head"]:
    """The metric of the corrupt run with one head's clean z put in, at all positions."""
    rows = []
    for layer in range(model.cfg.n_layers):
        name = z_name(layer)
        hooks = [_from(clean_cache[name], (slice(None), slice(None), head)) for head in range(model.cfg.n_heads)]
        rows.append(torch.stack([metric(model.run_with_hooks(corrupt, [(name, hook)])) for hook in hooks]))
    return torch.stack(rows)


@torch.no_grad()
def patch_by_position(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], metric: Metric
) -> Float[Tensor, "layer head pos"]:
    """The metric of the corrupt run with one head's clean z put in at one position."""
    cfg, length = model.cfg, corrupt.shape[1]
    values = []
    for layer in range(cfg.n_layers):
        name = z_name(layer)
        for head in range(cfg.n_heads):
            for at in range(length):
                hook = _from(clean_cache[name], (slice(None), at, head))
                values.append(metric(model.run_with_hooks(corrupt, [(name, hook)])))
    return torch.stack(values).reshape(cfg.n_layers, cfg.n_heads, length)


def attribution_patching(
    model: GPT2, clean: Int[Tensor, "batch pos"], corrupt: Int[Tensor, "batch pos"], metric: Metric
) -> Float[Tensor, "layer head"]:
    """What patching each head's z would change, to first order: two runs and one backward for all heads."""
    names = [z_name(layer) for layer in range(model.cfg.n_layers)]
    _, target = model.run_with_cache(clean, names)
    logits, start = model.run_with_cache(corrupt, names, grad=True)
    gradients = torch.autograd.grad(metric(logits), [start[name] for name in names])
    moves = [(target[name] - start[name].detach()) * g for name, g in zip(names, gradients, strict=True)]
    return torch.stack([move.sum(dim=(0, 1, 3)) for move in moves])


@torch.no_grad()
def path_patch(
    model: GPT2,
    sender: Head,
    receivers: Iterable[Receiver],
    clean: Int[Tensor, "batch pos"],
    corrupt: Int[Tensor, "batch pos"],
    freeze_mlps: bool = True,
) -> Float[Tensor, "batch pos d_vocab"]:
    """The logits of the clean run in which the receivers alone hear the sender as it is in the corrupt run.

    Args:
        receivers: `(layer, head, "q" | "k" | "v")`, several if wanted; or `"logits"`, alone.
        freeze_mlps: Whether MLPs between the two keep their clean values as well, or pass on what they hear.
    """
    layer, head = sender
    clean_run = model.run_with_cache(clean)[1]
    corrupt_z = model.run_with_cache(corrupt, z_name(layer))[1][z_name(layer)]
    hooks: Hooks = [(z_name(at), _from(clean_run[z_name(at)])) for at in range(model.cfg.n_layers)]
    hooks.append((z_name(layer), _from(corrupt_z, (slice(None), slice(None), head))))
    if freeze_mlps and not model.cfg.attn_only:
        names = [f"blocks.{at}.hook_mlp_out" for at in range(model.cfg.n_layers)]
        hooks += [(name, _from(clean_run[name])) for name in names]
    with model.hooked(hooks):
        direct, heard = model.run_with_cache(clean)
    if "logits" in receivers:
        return direct
    edits = [(f"blocks.{at}.attn.hook_{part}", to) for at, to, part in receivers]
    return model.run_with_hooks(
        clean, [(name, _from(heard[name], (slice(None), slice(None), to))) for name, to in edits]
    )


def edge_matrix(
    model: GPT2, clean: Int[Tensor, "batch pos"], corrupt: Int[Tensor, "batch pos"], metric: Metric
) -> Float[Tensor, "sender receiver"]:
    """What each path from a head to a later head, or to the logits, changes in the metric when it is noised.

    Rows are heads, layer by layer; columns are the same heads, then the logits. A head's q, k and v are taken together.
    """
    cfg = model.cfg
    heads = [(layer, head) for layer in range(cfg.n_layers) for head in range(cfg.n_heads)]
    with torch.no_grad():
        start = metric(model(clean))
    edges = start.new_zeros(len(heads), len(heads) + 1)
    for row, sender in enumerate(heads):
        for column, to in enumerate([*heads, "logits"]):
            if to == "logits" or to[0] > sender[0]:
                receivers = ["logits"] if to == "logits" else [(*to, part) for part in "qkv"]
                edges[row, column] = metric(path_patch(model, sender, receivers, clean, corrupt)) - start
    return edges


def faithfulness(model: GPT2, circuit: Circuit, clean: Tensor, ref_tokens: Tensor, metric: Metric) -> Tensor:
    """How much of the metric the circuit alone keeps: 1 for the whole model, 0 for no node at all."""
    kept = _kept(model, clean, ref_tokens, metric)
    return (kept(circuit) - kept(set())) / (kept(nodes(model)) - kept(set()))


def completeness(model: GPT2, circuit: Circuit, clean: Tensor, ref_tokens: Tensor, metric: Metric) -> Tensor:
    """The faithfulness of what the circuit leaves out: near 0 if nothing that does the same stands beside it."""
    return faithfulness(model, nodes(model) - set(circuit), clean, ref_tokens, metric)


def minimality(model: GPT2, circuit: Circuit, clean: Tensor, ref_tokens: Tensor, metric: Metric) -> dict[tuple, Tensor]:
    """For each node of the circuit the faithfulness that is lost without it."""
    kept = _kept(model, clean, ref_tokens, metric)
    span = kept(nodes(model)) - kept(set())
    return {node: (kept(circuit) - kept(set(circuit) - {node})) / span for node in circuit}


def claim_circuit(model: GPT2, clean: Tensor, corrupt: Tensor, metric: Metric, threshold: float = 0.02) -> Circuit:
    """The nodes that the metric of the clean run needs: it moves when the node's output is that of the corrupt run."""
    run = _kept(model, clean, corrupt, metric, average=False)
    every = nodes(model)
    span = run(every) - run(set())
    return {node for node in every if abs((run(every) - run(every - {node})) / span) > threshold}


def nodes(model: GPT2) -> Circuit:
    """Every head `(layer, head)` and every MLP `("mlp", layer)` of a model."""
    layers = range(model.cfg.n_layers)
    heads = {(layer, head) for layer in layers for head in range(model.cfg.n_heads)}
    return heads if model.cfg.attn_only else heads | {("mlp", layer) for layer in layers}


def z_name(layer: int) -> str:
    """The hook point of a layer's z."""
    return f"blocks.{layer}.attn.hook_z"


def _from(source: Tensor, where: tuple = (...,)) -> Callable:
    """A hook that takes `source`'s values at one place and leaves the others."""

    def hook(act: Tensor, point: object) -> Tensor:
        act = act.clone()
        act[where] = source[where]
        return act

    return hook


def _kept(model: GPT2, tokens: Tensor, other: Tensor, metric: Metric, average: bool = True) -> Callable:
    """A function: the metric with only these nodes left, every other one as it is on `other`, or its mean there."""
    _, cache = model.run_with_cache(other)
    if average:
        cache = {name: value.mean(dim=0, keepdim=True) for name, value in cache.items()}

    @torch.no_grad()
    def kept(circuit: Circuit) -> Tensor:
        return metric(model.run_with_hooks(tokens, [_without(node, cache) for node in nodes(model) - set(circuit)]))

    return kept


def _without(node: tuple, cache: dict[str, Tensor]) -> tuple[str, Callable]:
    """Where a node writes, and a hook that puts in what the cache has there, for every row."""
    name = f"blocks.{node[1]}.hook_mlp_out" if node[0] == "mlp" else z_name(node[0])

    def hook(act: Tensor, point: object) -> Tensor:
        source = cache[name].expand_as(act)
        if node[0] == "mlp":
            return source.clone()
        act = act.clone()
        act[:, :, node[1]] = source[:, :, node[1]]
        return act

    return name, hook
