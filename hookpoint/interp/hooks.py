"""Runs with edits, runs with a cache, and the edits that remove one attention head.

These are the functions of notebook 09, over our hookable GPT-2 (`hookpoint.model`). An edit is a pair of (where, hook)
as `run_with_hooks` takes it: several make a list.
"""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2, tl_hook_names
from hookpoint.model.hooks import Hook, HookPoint, Target

__all__ = [
    "get_resid_stack",
    "grad_cache",
    "mean_ablate",
    "resample_ablate",
    "run_with_cache",
    "run_with_hooks",
    "tl_adapter",
    "zero_ablate_head",
]

Cache = dict[str, Tensor]
Edit = tuple[str, Hook]


def run_with_hooks(
    model: GPT2, tokens: Int[Tensor, "batch pos"], hooks: Iterable[tuple[Target, Hook]]
) -> Float[Tensor, "batch pos d_vocab"]:
    """The logits with the hooks in force for this one run: pairs of (name or predicate on names, `fn(act, hook)`).

    Raises:
        ValueError: A name is not one of the model's hook points.
    """
    return model.run_with_hooks(tokens, hooks)


def run_with_cache(
    model: GPT2, tokens: Int[Tensor, "batch pos"], names: Target | Iterable[Target] | None = None, grad: bool = False
) -> tuple[Float[Tensor, "batch pos d_vocab"], Cache]:
    """The logits of a plain run, and the value at each hook point by name.

    Args:
        names: Which values to keep: a name, a predicate on names, or several of these. None keeps all.
        grad: True keeps the values in the graph; else they are detached.

    Raises:
        ValueError: A name is not one of the model's hook points.
    """
    return model.run_with_cache(tokens, names, grad)


def zero_ablate_head(layer: int, head: int) -> Edit:
    """The edit that sets one head's `hook_z` [batch pos head d_head] to 0, so that it writes nothing but its share of
    `b_O`, which belongs to no head."""

    def zero(z: Float[Tensor, "batch pos head d_head"], hook: HookPoint) -> Tensor:
        return with_head(z, head, torch.zeros_like(z[:, :, head]))

    return z_name(layer), zero


def mean_ablate(
    model: GPT2, layer: int, head: int, ref_tokens: Int[Tensor, "n pos"], per_position: bool = True
) -> Edit:
    """The edit that sets one head's `hook_z` to its mean over reference texts: it still writes, but not about this one
    (Wang et al. 2022, section 2).

    The mean is taken now, over the texts at each position, or with `per_position=False` over texts and positions.

    Raises:
        ValueError: From the edit, when a run is longer than the reference texts, of which it has a mean per position.
    """
    with torch.no_grad():
        _, cache = run_with_cache(model, ref_tokens, z_name(layer))
    z_ref = cache[z_name(layer)][:, :, head]
    mean = z_ref.mean(dim=0) if per_position else z_ref.mean(dim=(0, 1)).expand(model.cfg.n_ctx, -1)

    def fill(z: Float[Tensor, "batch pos head d_head"], hook: HookPoint) -> Tensor:
        pos = z.shape[1]
        if pos > len(mean):
            raise ValueError(f"The run has {pos} positions, the reference texts have {len(mean)}: there is no mean.")
        return with_head(z, head, mean[:pos])

    return z_name(layer), fill


def resample_ablate(layer: int, head: int, generator: torch.Generator) -> Edit:
    """The edit that gives each text one head's `hook_z` of another text of the batch, at all positions alike (Chan et
    al. 2022, "Causal scrubbing").

    The order is drawn anew at each run. It leaves no text its own: it is one cycle through the texts, in random order.

    Raises:
        ValueError: From the edit, when the batch has one text.
    """

    def resample(z: Float[Tensor, "batch pos head d_head"], hook: HookPoint) -> Tensor:
        batch = z.shape[0]
        if batch < 2:
            raise ValueError("Resampling takes a head's output from another text: the batch needs two or more.")
        cycle = torch.randperm(batch, generator=generator)
        source = torch.empty_like(cycle)
        source[cycle] = cycle.roll(1)
        return with_head(z, head, z[source.to(z.device), :, head])

    return z_name(layer), resample


def get_resid_stack(cache: Cache) -> tuple[Float[Tensor, "component batch pos d_model"], list[str]]:
    """All that was added to the residual stream, in order, and a label for each; the sum is the last `hook_resid_post`.

    First the two embeddings together, then `hook_attn_out` and `hook_mlp_out` of each layer (2 n_layers + 1 in all; a
    model without MLPs has n_layers + 1).
    """
    parts, labels = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"]
    layer = 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        for part in ("attn_out", "mlp_out"):
            if (name := f"blocks.{layer}.hook_{part}") in cache:
                parts.append(cache[name])
                labels.append(f"{layer}_{part}")
        layer += 1
    return torch.stack(parts), labels


def grad_cache(model: GPT2, tokens: Int[Tensor, "batch pos"], metric: Callable[[Tensor], Tensor]) -> Cache:
    """The gradient of `metric(logits)`, a scalar, with respect to the value at each hook point by name.

    Parameters get no `.grad`. Where the metric does not depend on a value the gradient is 0.
    """
    logits, cache = run_with_cache(model, tokens, grad=True)
    with torch.enable_grad():
        gradients = torch.autograd.grad(metric(logits), list(cache.values()), allow_unused=True, materialize_grads=True)
    return {name: gradient.detach() for name, gradient in zip(cache, gradients, strict=True)}


def tl_adapter(model: GPT2) -> dict[str, str]:
    """TransformerLens 4's name for each of the model's hook points that has a counterpart there."""
    return tl_hook_names(model)


def z_name(layer: int) -> str:
    """The hook point where the heads of a layer can still be told apart, just before `W_O`."""
    return f"blocks.{layer}.attn.hook_z"


def with_head(z: Float[Tensor, "batch pos head d_head"], head: int, value: Tensor) -> Tensor:
    """A copy of `z` with one head's part exchanged."""
    edited = z.clone()
    edited[:, :, head] = value
    return edited
