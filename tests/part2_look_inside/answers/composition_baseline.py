# %% right="a batch at once"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    A = torch.randn(n, *shape_A, generator=generator)
    B = torch.randn(n, *shape_B, generator=generator)
    norm = torch.linalg.matrix_norm
    return norm(A @ B) / (norm(A) * norm(B))


# %% right="B first, filled in place"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    scores = torch.empty(n)
    for i in range(n):
        B = torch.empty(shape_B).normal_(generator=generator)
        A = torch.empty(shape_A).normal_(generator=generator)
        scores[i] = (A @ B).norm() / A.norm() / B.norm()
    return scores


# %% right="with composition_score in float64"
import torch


def composition_score(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


def composition_baseline(shape_A, shape_B, n, generator):
    def draw(shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return torch.tensor([composition_score(draw(shape_A), draw(shape_B)) for _ in range(n)], dtype=torch.float32)


# %% right="torch.normal"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    found = []
    for _ in range(n):
        A = torch.normal(0.0, 1.0, tuple(shape_A), generator=generator)
        B = torch.normal(0.0, 1.0, tuple(shape_B), generator=generator)
        found.append((A @ B).norm().div(A.norm() * B.norm()))
    return torch.stack(found)


# %% wrong="global dice"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    scores = []
    for _ in range(n):
        A, B = torch.randn(shape_A), torch.randn(shape_B)
        scores.append((A @ B).norm() / A.norm() / B.norm())
    return torch.stack(scores)


# %% wrong="seeded anew"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    generator.manual_seed(0)
    scores = []
    for _ in range(n):
        A, B = torch.randn(shape_A, generator=generator), torch.randn(shape_B, generator=generator)
        scores.append((A @ B).norm() / A.norm() / B.norm())
    return torch.stack(scores)


# %% wrong="one norm for the batch"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    A = torch.randn(n, *shape_A, generator=generator)
    B = torch.randn(n, *shape_B, generator=generator)
    return (A @ B).norm(dim=(1, 2)) / (A.norm() * B.norm())


# %% wrong="sorted and averaged"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    A = torch.randn(n, *shape_A, generator=generator)
    B = torch.randn(n, *shape_B, generator=generator)
    norm = torch.linalg.matrix_norm
    scores = norm(A @ B) / (norm(A) * norm(B))
    return scores.mean().expand(n).clone()


# %% wrong="double"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    A = torch.randn(n, *shape_A, generator=generator, dtype=torch.float64)
    B = torch.randn(n, *shape_B, generator=generator, dtype=torch.float64)
    norm = torch.linalg.matrix_norm
    return norm(A @ B) / (norm(A) * norm(B))


# %% wrong="signs alone"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    A = torch.randn(n, *shape_A, generator=generator).sign()
    B = torch.randn(n, *shape_B, generator=generator).sign()
    norm = torch.linalg.matrix_norm
    return norm(A @ B) / (norm(A) * norm(B))


# %% wrong="shapes swapped"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    A = torch.randn(n, *shape_A, generator=generator)
    B = torch.randn(n, *shape_B, generator=generator)
    norm = torch.linalg.matrix_norm
    return norm(B @ A) / (norm(A) * norm(B))


# %% right="one flat draw, split"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    (a, b), (b2, c) = shape_A, shape_B
    numbers = torch.randn(n * (a * b + b2 * c), generator=generator).view(n, -1)
    A = numbers[:, : a * b].reshape(n, a, b)
    B = numbers[:, a * b :].reshape(n, b2, c)
    AB = torch.einsum("nab,nbc->nac", A, B)
    return (AB.pow(2).sum((1, 2)) / A.pow(2).sum((1, 2)) / B.pow(2).sum((1, 2))).sqrt()


# %% right="uniform numbers through the inverse of the normal"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    def normal(shape):
        u = torch.rand(shape, generator=generator, dtype=torch.float64).clamp(1e-12, 1 - 1e-12)
        return torch.special.ndtri(u)

    return torch.stack([torch.as_tensor(composition_score(normal(shape_A), normal(shape_B))) for _ in range(n)]).float()


# %% wrong="orthogonal A"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    scores = []
    for _ in range(n):
        A = torch.randn(shape_A, generator=generator)
        B = torch.randn(shape_B, generator=generator)
        A = torch.linalg.qr(A)[0] if A.shape[0] == A.shape[1] else A
        scores.append(composition_score(A, B))
    return torch.tensor(scores)


# %% wrong="squeezes n = 1"
import torch


def composition_baseline(shape_A, shape_B, n, generator):
    scores = []
    for _ in range(n):
        A = torch.randn(shape_A, generator=generator)
        B = torch.randn(shape_B, generator=generator)
        scores.append(composition_score(A, B))
    return torch.tensor(scores).squeeze()
