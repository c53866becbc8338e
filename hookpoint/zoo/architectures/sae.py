"""`SAE`: a sparse autoencoder, and how well the directions it found match the true ones.

    acts = ReLU((x - b_dec) W_enc + b_enc)      with k given, only the k largest of each row stay
    recon = acts W_dec + b_dec

The rows of `W_dec` are kept at length 1, so that the size of a latent's activation means something and the sparsity
penalty cannot be dodged by small activations on long rows.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hookpoint.model import HookedModule, HookPoint


class SAE(HookedModule):
    """A vector written as a sum of few directions, chosen from a learned list (Bricken et al. 2023).

    Args:
        d_in: Size of the vectors.
        n_latents: Number of directions.
        k: How many latents may be active at once (Gao et al. 2024). None: as many as a penalty leaves.
        seed: Seed of the random weights. None leaves them 0, for a caller that loads weights.
    """

    def __init__(self, d_in: int, n_latents: int, k: int | None = None, seed: int | None = 0) -> None:
        super().__init__()
        self.k = k
        self.W_enc = nn.Parameter(torch.zeros(d_in, n_latents))
        self.b_enc = nn.Parameter(torch.zeros(n_latents))
        self.W_dec = nn.Parameter(torch.zeros(n_latents, d_in))
        self.b_dec = nn.Parameter(torch.zeros(d_in))
        self.hook_acts_pre, self.hook_acts_post = HookPoint(), HookPoint()  # [batch latent]
        self.hook_points()
        if seed is not None:
            self.start_from(torch.randn(n_latents, d_in, generator=torch.Generator().manual_seed(seed)))

    def forward(
        self, x: Float[Tensor, "*batch d_in"]
    ) -> tuple[Float[Tensor, "*batch d_in"], Float[Tensor, "*batch latent"]]:
        """The reconstruction of each vector, and the activations of the latents it is made of."""
        pre = self.hook_acts_pre((x - self.b_dec) @ self.W_enc + self.b_enc)
        acts = torch.relu(pre)
        if self.k is not None:
            largest = acts.topk(self.k, dim=-1)
            acts = torch.zeros_like(acts).scatter(-1, largest.indices, largest.values)
        acts = self.hook_acts_post(acts)
        return acts @ self.W_dec + self.b_dec, acts

    @torch.no_grad()
    def start_from(self, directions: Float[Tensor, "latent d_in"]) -> None:
        """Sets the decoder to these directions and the encoder to their transpose, as is usual before training."""
        self.W_dec.copy_(directions)
        self.normalise_decoder_()
        self.W_enc.copy_(self.W_dec.T)

    @torch.no_grad()
    def normalise_decoder_(self) -> None:
        """Brings every row of the decoder back to length 1; a row of zeros stays."""
        self.W_dec.div_(self.W_dec.norm(dim=1, keepdim=True).clamp(min=1e-8))


def sae_loss(sae: SAE, x: Float[Tensor, "batch d_in"], l1: float = 0.0) -> Float[Tensor, ""]:
    """The squared error of the reconstruction plus `l1` times the sum of the activations, averaged over the batch."""
    recon, acts = sae(x)
    return ((recon - x).square().sum(dim=-1) + l1 * acts.sum(dim=-1)).mean()


def best_cosines(directions: Float[Tensor, "latent d"], truth: Float[Tensor, "feature d"]) -> Float[Tensor, " feature"]:
    """For each true direction, the cosine of the direction that comes nearest to it.

    Several features may have the same nearest direction. A direction of length 0 is near to nothing.
    """
    unit = directions / directions.norm(dim=1, keepdim=True).clamp(min=1e-8)
    return (truth / truth.norm(dim=1, keepdim=True) @ unit.T).max(dim=1).values


@torch.no_grad()
def unexplained(sae: SAE, x: Float[Tensor, "batch d_in"]) -> float:
    """The share of the variance of x that the reconstruction misses: 0 is perfect, 1 is no better than the mean."""
    recon, _ = sae(x)
    return ((recon - x).square().sum() / (x - x.mean(dim=0)).square().sum()).item()
