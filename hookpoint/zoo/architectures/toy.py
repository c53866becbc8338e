"""`ToyModel`: many features through few dimensions and back, and the batches of sparse features it is trained on.

    y = ReLU(W^T W x + b)        (Elhage et al. 2022, "Toy Models of Superposition")

Several instances, each with weights of its own, are trained side by side in one tensor: that is how a sweep over
sparsities costs hardly more than one model.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hookpoint.model import HookedModule, HookPoint


class ToyModel(HookedModule):
    """Each feature's value, reconstructed from a hidden vector of fewer dimensions.

    Args:
        n_hid: Dimensions of the hidden vector.
        n_feat: Features of each instance.
        probability: One number per instance: how probable it is that a feature is not 0.
        importance: The weight of each feature in the loss; 1 for all of them if it is not given.
        seed: Seed of the random weights. None leaves them 0, for a caller that loads weights.
    """

    def __init__(
        self,
        n_hid: int,
        n_feat: int,
        probability: tuple[float, ...],
        importance: tuple[float, ...] | None = None,
        seed: int | None = 0,
    ) -> None:
        super().__init__()
        n_inst = len(probability)
        self.W = nn.Parameter(torch.zeros(n_inst, n_hid, n_feat))
        self.b_final = nn.Parameter(torch.zeros(n_inst, n_feat))
        # What the model was made for, not what it learned: they travel with it, and not into its file.
        self.register_buffer("probability", torch.tensor(probability), persistent=False)
        self.register_buffer("importance", torch.tensor(importance or (1.0,) * n_feat), persistent=False)
        self.hook_hidden = HookPoint()  # [batch inst hid]
        self.hook_points()
        if seed is not None:
            generator = torch.Generator().manual_seed(seed)
            # Xavier's scale: the hidden vector and its features start at about the same size.
            std = (2 / (n_hid + n_feat)) ** 0.5
            self.W.data.normal_(std=std, generator=generator)

    def forward(self, x: Float[Tensor, "batch inst feat"]) -> Float[Tensor, "batch inst feat"]:
        hidden = self.hook_hidden(torch.einsum("bif,ihf->bih", x, self.W))
        return torch.relu(torch.einsum("bih,ihf->bif", hidden, self.W) + self.b_final)

    def batch(self, n: int, generator: torch.Generator) -> Float[Tensor, "n inst feat"]:
        """n rows of the data that this model is about: `sparse_features` at its own probabilities."""
        return sparse_features(n, self.probability, self.W.shape[-1], generator)


def sparse_features(
    n: int, probability: Float[Tensor, " inst"], n_feat: int, generator: torch.Generator
) -> Float[Tensor, "n inst feat"]:
    """Independent features: uniform in [0, 1] with the instance's probability, otherwise 0."""
    # One draw does both: given that u < p, u / p is uniform.
    u = torch.rand(n, len(probability), n_feat, generator=generator)
    p = probability[:, None]
    return torch.where(u < p, u / p, torch.zeros(()))


def instance_losses(model: ToyModel, x: Float[Tensor, "batch inst feat"]) -> Float[Tensor, " inst"]:
    """Each instance's error: squared, weighted by importance, summed over features, averaged over the batch."""
    return (model.importance * (model(x) - x).square()).sum(dim=-1).mean(dim=0)
