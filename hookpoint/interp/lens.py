"""Reading the residual stream as if it were the last: the logit lens, its scores, and the tuned lens.

The logit lens is nostalgebraist's (2020, "interpreting GPT: the logit lens"): every layer adds to one stream, so the
model's own last steps, `ln_final` and the unembedding, can be applied to what is there after fewer layers. The tuned
lens is that of Belrose et al. (2023, "Eliciting latent predictions from transformers with the tuned lens").

`cache` is what `GPT2.run_with_cache` gives. Models without LayerNorm or without MLPs are welcome here.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2

__all__ = ["apply_ln_final", "lens_kl", "lens_rank", "logit_lens", "tuned_lens_fit"]


def apply_ln_final(
    resid: Float[Tensor, "*stack d_model"], model: GPT2, scale_from: Float[Tensor, "*batch d_model"] | None = None
) -> Float[Tensor, "*stack d_model"]:
    """The final LayerNorm of `resid`, with its own scale or with that of another residual.

    Centring is linear, so it is done to `resid` itself. Dividing by the scale is not: with `scale_from` the scale is a
    given number, and the whole is an affine function of `resid`.
    """
    if model.cfg.normalization_type is None:
        return resid
    if scale_from is None:
        return model.ln_final(resid)
    scale = (scale_from.var(dim=-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    centred = resid - resid.mean(dim=-1, keepdim=True)
    return centred / scale * model.ln_final.w + model.ln_final.b


def logit_lens(model: GPT2, cache: dict[str, Tensor]) -> Float[Tensor, "layer+1 batch pos d_vocab"]:
    """The logits the model would give if it stopped before layer 0, 1, ..., and, last, those that it does give."""
    n_layers = model.cfg.n_layers
    stack = [cache[f"blocks.{layer}.hook_resid_pre"] for layer in range(n_layers)]
    stack.append(cache[f"blocks.{n_layers - 1}.hook_resid_post"])
    return torch.stack([model.unembed(apply_ln_final(resid, model)) for resid in stack])


def lens_rank(
    logits: Float[Tensor, "layer batch pos d_vocab"], target: Int[Tensor, "batch pos"]
) -> Int[Tensor, "layer batch pos"]:
    """How many tokens stand before the target: 0 where none has a larger logit."""
    index = target.expand(logits.shape[:-1])[..., None]
    return (logits > logits.gather(-1, index)).sum(dim=-1)


def lens_kl(
    lens_logits: Float[Tensor, "layer batch pos d_vocab"], final_logits: Float[Tensor, "batch pos d_vocab"]
) -> Float[Tensor, "layer batch pos"]:
    """KL(final || lens) at each position, in nats: what is lost by taking the lens for the model."""
    final, lens = final_logits.log_softmax(dim=-1), lens_logits.log_softmax(dim=-1)
    return (final.exp() * (final - lens)).sum(dim=-1)


def tuned_lens_fit(
    model: GPT2,
    acts: Float[Tensor, "n d_model"],
    logits: Float[Tensor, "n d_vocab"],
    steps: int = 200,
    lr: float = 0.01,
) -> tuple[Float[Tensor, "d_model d_model"], Float[Tensor, "d_model"]]:
    """(A, b) such that the lens on `acts @ A + b` comes close to `logits`, by `steps` steps of Adam on the mean KL.

    It starts from the plain lens (A the identity, b zero), so no step means no change. The model stays as it is.
    """
    A = torch.eye(acts.shape[-1], dtype=acts.dtype, device=acts.device).requires_grad_()
    b = torch.zeros_like(acts[0]).requires_grad_()
    want = logits.detach().log_softmax(dim=-1)
    optimizer = torch.optim.Adam([A, b], lr=lr)
    with torch.enable_grad():
        for _ in range(steps):
            normalised = apply_ln_final(acts.detach() @ A + b, model)
            got = (normalised @ model.unembed.W_U + model.unembed.b_U).log_softmax(dim=-1)
            loss = F.kl_div(got, want, log_target=True, reduction="batchmean")
            # Not `backward`, which would leave gradients in the model's parameters.
            A.grad, b.grad = torch.autograd.grad(loss, [A, b])
            optimizer.step()
    return A.detach(), b.detach()
