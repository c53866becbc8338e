"""A head as two low-rank matrices: where it looks (QK) and what it then writes (OV).

After Elhage et al. 2021, "A mathematical framework for transformer circuits". Vectors are rows, and the rows of every
matrix are its input (for QK the query's) side: `W_OV = W_V W_O`, `W_QK = W_Q W_K^T`. Both are [d_model, d_model] of
rank d_head at most; biases, LayerNorm and the scale 1 / sqrt(d_head) are not in them.
"""

import math
from copy import deepcopy

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2

Matrix = Float[Tensor, "*batch rows columns"]


class FactoredMatrix:
    """The product `A @ B` of a tall and a wide matrix, which is not multiplied out unless `.AB` asks for it.

    Attributes:
        A: [..., m, r].
        B: [..., r, n].
    """

    def __init__(self, A: Float[Tensor, "*batch m r"], B: Float[Tensor, "*batch r n"]) -> None:
        if A.shape[-1] != B.shape[-2]:
            raise ValueError(f"FactoredMatrix: {list(A.shape)} and {list(B.shape)} cannot be multiplied.")
        self.A, self.B = A, B

    @property
    def AB(self) -> Float[Tensor, "*batch m n"]:
        """The product itself, with all its m * n numbers."""
        return self.A @ self.B

    @property
    def T(self) -> "FactoredMatrix":
        """The transpose: the factors change places as well."""
        return FactoredMatrix(self.B.mT, self.A.mT)

    def __matmul__(self, other: "FactoredMatrix | Matrix") -> "FactoredMatrix":
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other: Matrix) -> "FactoredMatrix":
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self) -> Float[Tensor, "*batch"]:
        """The Frobenius norm, from the two [r, r] Gram matrices: ||AB||^2 = sum((A^T A) * (B B^T))."""
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum(dim=(-2, -1)).clamp(min=0).sqrt()

    def svd(self) -> tuple[Float[Tensor, "*batch m r"], Float[Tensor, "*batch r"], Float[Tensor, "*batch n r"]]:
        """U, S, V with AB = U diag(S) V^T and S descending: an SVD of the [r, r] core between two QR factors."""
        Q_A, R_A = torch.linalg.qr(self.A)
        Q_B, R_B = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(R_A @ R_B.mT, full_matrices=False)
        return Q_A @ U, S, Q_B @ Vh.mT

    def trace(self) -> Float[Tensor, "*batch"]:
        """The sum over the diagonal of AB, which must be square."""
        return (self.A * self.B.mT).sum(dim=(-2, -1))


def ov_matrix(model: GPT2, layer: int, head: int) -> Float[Tensor, "d_model d_model"]:
    """What the head writes for what it reads: `x @ ov_matrix` lands in the stream if `x` is attended to."""
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[head]


def full_ov(model: GPT2, layer: int, head: int) -> FactoredMatrix:
    """From the token attended to (row) to the logits it adds (columns): `W_E W_V W_O W_U`, LayerNorm left out."""
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ model.unembed.W_U)


def qk_matrix(model: GPT2, layer: int, head: int) -> Float[Tensor, "d_model d_model"]:
    """How well a query (rows) fits a key (columns): `x_query @ qk_matrix @ x_key` is the unscaled score."""
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].T


def full_qk(model: GPT2, layer: int, head: int) -> FactoredMatrix:
    """The unscaled score between every token as query (row) and as key (column): `W_E W_Q W_K^T W_E^T`."""
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_K[head]).T)


def copying_score(full_ov: FactoredMatrix) -> dict[str, float]:
    """How much a [V, V] circuit maps each token to itself.

    Returns:
        top1, top5: The share of input tokens whose own logit is the largest, or among the five largest, of their row.
        eigenvalue: sum(Re l) / sum(|l|) over the eigenvalues l, from -1 to 1 (Elhage et al. 2021, "Copying behavior").
    """
    rank = _ranks_of_own(full_ov)
    # AB and BA have the same eigenvalues other than 0, and BA is small.
    eigenvalues = torch.linalg.eigvals(full_ov.B @ full_ov.A)
    return {
        "top1": (rank < 1).double().mean().item(),
        "top5": (rank < 5).double().mean().item(),
        "eigenvalue": (eigenvalues.real.sum() / eigenvalues.abs().sum()).item(),
    }


def prev_token_pattern_from_pos(model: GPT2, layer: int, head: int) -> Float[Tensor, "n_ctx n_ctx"]:
    """The pattern that the head would have if the stream held `W_pos` and nothing else: no LayerNorm, no biases."""
    attn, W_pos = model.blocks[layer].attn, model.pos_embed.W_pos
    scores = (W_pos @ attn.W_Q[head]) @ (W_pos @ attn.W_K[head]).T / math.sqrt(model.cfg.d_head)
    future = torch.ones_like(scores, dtype=torch.bool).triu(diagonal=1)
    return scores.masked_fill(future, -torch.inf).softmax(dim=-1)


def decompose_scores(
    model: GPT2, cache: dict[str, Tensor], layer: int, head: int
) -> tuple[Float[Tensor, "q_part k_part batch query key"], list[str]]:
    """The head's scores as a sum over pairs of what the query reads and what the key reads.

    Parts of the stream before the layer: embed, pos_embed, then attn_out (and mlp_out) of each earlier layer; last
    "bias", which is LayerNorm's shift and the head's own bias. LayerNorm's division is frozen at what it was.

    Returns:
        values: Scaled, not masked; summed over the first two axes they are `hook_attn_scores` where the mask allows.
        labels: The parts' names, in order.
    """
    block = model.blocks[layer]
    labels, parts = _stream_parts(cache, layer)
    centred = parts - parts.mean(dim=-1, keepdim=True)
    read = centred / cache[f"blocks.{layer}.ln1.hook_scale"] * block.ln1.w
    shift = block.ln1.b
    sides = []
    for W, b in ((block.attn.W_Q[head], block.attn.b_Q[head]), (block.attn.W_K[head], block.attn.b_K[head])):
        constant = (shift @ W + b).expand(1, *read.shape[1:-1], -1)
        sides.append(torch.cat([read @ W, constant]))
    values = torch.einsum("xbqh,ybkh->xybqk", *sides) / math.sqrt(model.cfg.d_head)
    return values, [*labels, "bias"]


def composition_score(W_A: Float[Tensor, "a b"], W_B: Float[Tensor, "b c"]) -> float:
    """||W_A W_B|| / (||W_A|| ||W_B||), Frobenius: how much of what A writes B reads (Elhage et al. 2021)."""
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


def composition_baseline(
    shape_A: tuple[int, int], shape_B: tuple[int, int], n: int, generator: torch.Generator
) -> Float[Tensor, " n"]:
    """The composition scores of `n` pairs of random matrices, with independent standard normal entries."""
    pairs = ((torch.randn(shape_A, generator=generator), torch.randn(shape_B, generator=generator)) for _ in range(n))
    return torch.tensor([composition_score(A, B) for A, B in pairs])


def svd_read_write(
    model: GPT2, layer: int, head: int, k: int
) -> tuple[Float[Tensor, "k d_model"], Float[Tensor, "k d_model"], Float[Tensor, " k"]]:
    """The `k` strongest directions that the head's OV circuit reads, what it writes for each, and how strongly."""
    attn = model.blocks[layer].attn
    U, S, V = FactoredMatrix(attn.W_V[head], attn.W_O[head]).svd()
    return U.T[:k], V.T[:k], S[:k]


@torch.no_grad()
def rotate_head(model: GPT2, layer: int, head: int, R: Float[Tensor, "d_head d_head"]) -> GPT2:
    """A new model, equal as a function, in which the head's queries and values are `q @ R` and `v @ R`."""
    rotated = deepcopy(model)
    attn = rotated.blocks[layer].attn
    inverse = torch.linalg.inv(R)
    for changed in (attn.W_Q, attn.b_Q, attn.W_V, attn.b_V):
        changed[head] = changed[head] @ R
    for changed in (attn.W_K, attn.b_K):
        changed[head] = changed[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    return rotated


def _ranks_of_own(matrix: FactoredMatrix, size: int = 1024) -> Int[Tensor, " rows"]:
    """For each row, how many entries are larger than the one on the diagonal.

    A few rows at a time: all of a [V, V] matrix at once is 10 GB for GPT-2's vocabulary. The diagonal is taken from the
    same product, since another sum of the same terms may be rounded to a number that is smaller than itself.
    """
    ranks = []
    for start in range(0, len(matrix.A), size):
        rows = matrix.A[start : start + size] @ matrix.B
        own = rows.diagonal(offset=start)
        ranks.append((rows > own[:, None]).sum(dim=-1))
    return torch.cat(ranks)


def _stream_parts(cache: dict[str, Tensor], layer: int) -> tuple[list[str], Float[Tensor, "part batch pos d_model"]]:
    """Everything that has been written into the stream before the layer, in order."""
    names = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for earlier in range(layer):
        for part in ("attn_out", "mlp_out"):
            if (name := f"blocks.{earlier}.hook_{part}") in cache:
                names[f"{part} {earlier}"] = name
    return list(names), torch.stack([cache[name] for name in names.values()])
