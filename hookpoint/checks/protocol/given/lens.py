"""What earlier exercises of notebook 11 gave, for later ones; and a lens that is fitted where the model lives."""

from typing import Any

from torch import Tensor, nn

__all__ = ["TOOLS"]


def ours_apply_ln_final(resid: Tensor, model: nn.Module, scale_from: Tensor | None = None) -> Tensor:
    """Stands for `apply_ln_final`."""
    from hookpoint.interp.lens import apply_ln_final

    return apply_ln_final(resid, model, scale_from)


def ours_logit_lens(model: nn.Module, cache: dict[str, Tensor]) -> Tensor:
    """Stands for `logit_lens`."""
    from hookpoint.interp.lens import logit_lens

    return logit_lens(model, cache)


def ours_lens_kl(lens_logits: Tensor, final_logits: Tensor) -> Tensor:
    """Stands for `lens_kl`, where it is differentiated at every step."""
    from hookpoint.interp.lens import lens_kl

    return lens_kl(lens_logits, final_logits)


def ours_logit_diff(
    logits: Tensor, ans: Tensor, wrong: Tensor, last: Tensor | None = None, per_prompt: bool = False
) -> Tensor:
    """Stands for `logit_diff`."""
    from hookpoint.interp.attribution import logit_diff

    return logit_diff(logits, ans, wrong, last, per_prompt)


def ours_dla_components(
    model: nn.Module, cache: dict[str, Tensor], answer: Tensor, wrong: Tensor, pos: int = -1
) -> tuple[Tensor, list[str]]:
    """Stands for `dla_components`."""
    from hookpoint.interp.attribution import dla_components

    return dla_components(model, cache, answer, wrong, pos)


def ours_dla_heads(model: nn.Module, cache: dict[str, Tensor], answer: Tensor, wrong: Tensor, pos: int = -1) -> Tensor:
    """Stands for `dla_heads`."""
    from hookpoint.interp.attribution import dla_heads

    return dla_heads(model, cache, answer, wrong, pos)


def ours_resid_stack(cache: dict[str, Tensor]) -> Any:
    """Stands for `get_resid_stack` of notebook 09."""
    from hookpoint.interp.hooks import get_resid_stack

    return get_resid_stack(cache)


TOOLS = (
    ours_apply_ln_final, ours_logit_lens, ours_lens_kl, ours_logit_diff, ours_dla_components, ours_dla_heads,
    ours_resid_stack,
)  # fmt: skip
