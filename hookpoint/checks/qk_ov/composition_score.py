"""Checks for `composition_score` (part 2, notebook 13)."""

import math

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip


def reference(W_A, W_B):
    """Sums of squares, entry by entry."""
    product = torch.stack([(row[:, None] * W_B).sum(dim=0) for row in W_A])
    square = [float(each.double().square().sum()) for each in (product, W_A, W_B)]
    return math.sqrt(square[0] / (square[1] * square[2]))


def number(got, want, when):
    if isinstance(got, torch.Tensor) and got.ndim:
        raise Mismatch(f"returned a tensor of shape {list(got.shape)} {when}, expected a float.", got=got)
    value = got.item() if isinstance(got, torch.Tensor) else got
    if not abs(value - want) <= 1e-5:
        raise Mismatch(f"is wrong {when}.", f"  Expected {want:.6f}, yours {value:.6f}.", got=got)


def values(learner, draw):
    """The score is the norm of the product over the product of the norms, all of Frobenius."""
    for shapes in (((5, 7), (7, 3)), ((11, 11), (11, 11))):
        for dtype in (torch.float32, torch.float64):
            A, B = (draw.normal(*shape, dtype=dtype) for shape in shapes)
            number(
                learner.composition_score(A, B),
                reference(A, B),
                f"for random matrices {list(A.shape)} and {list(B.shape)}",
            )
    A, B = draw.normal(13, 3) @ draw.normal(3, 13), draw.normal(13, 2) @ draw.normal(2, 13)
    number(learner.composition_score(A, B), reference(A, B), "for two matrices of low rank")


def exact(learner, draw):
    """1 where B reads the one direction that A writes, 0 where it reads another, 1 / sqrt(n) for identities."""
    q, _ = torch.linalg.qr(draw.normal(7, 7, dtype=torch.float64))
    a, b, c, d = q[:, :4].T
    one = torch.outer
    number(learner.composition_score(3 * one(a, b), one(b, c)), 1.0, "where B reads exactly what A writes")
    number(learner.composition_score(one(a, b), -2 * one(b, c)), 1.0, "where B reads what A writes, with a minus sign")
    number(learner.composition_score(one(a, b), one(c, d)), 0.0, "where B reads at right angles to what A writes")
    number(learner.composition_score(one(a, b), one(c, a)), 0.0, "where A reads what B writes: the other order")
    # ||A B||^2 = (1 * 4)^2 + (3 * 2)^2 = 52, ||A||^2 = 10, ||B||^2 = 20.
    both = learner.composition_score(one(a, b) + 3 * one(c, d), 4 * one(b, a) + 2 * one(d, c))
    number(both, math.sqrt(52 / 200), "where B reads two directions unequally")
    for size in (4, 9):
        number(
            learner.composition_score(torch.eye(size), torch.eye(size)),
            size**-0.5,
            f"for two identities of size {size}",
        )


def scale_free(learner, draw):
    """Scaling either matrix, or turning its sign, changes nothing."""
    A, B = draw.normal(7, 5), draw.normal(5, 11)
    want = reference(A, B)
    for left, right in ((1000.0, 1.0), (1.0, 0.001), (-3.0, 0.5), (1e-4, 1e-4)):
        number(learner.composition_score(left * A, right * B), want, f"for {left:g} A and {right:g} B")


def right(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


def by_sum(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() + W_B.norm())).item()


def spectral(W_A, W_B):
    return (
        torch.linalg.matrix_norm(W_A @ W_B, 2) / (torch.linalg.matrix_norm(W_A, 2) * torch.linalg.matrix_norm(W_B, 2))
    ).item()


def nuclear(W_A, W_B):
    return (
        torch.linalg.matrix_norm(W_A @ W_B, "nuc")
        / (torch.linalg.matrix_norm(W_A, "nuc") * torch.linalg.matrix_norm(W_B, "nuc"))
    ).item()


def absolute_sums(W_A, W_B):
    return ((W_A @ W_B).abs().sum() / (W_A.abs().sum() * W_B.abs().sum())).item()


def squared(W_A, W_B):
    return right(W_A, W_B) ** 2


def undivided(W_A, W_B):
    return (W_A @ W_B).norm().item()


def divided_by_first(W_A, W_B):
    return ((W_A @ W_B).norm() / W_A.norm()).item()


def other_order(W_A, W_B):
    return right(W_B, W_A)


def second_transposed(W_A, W_B):
    return right(W_A, W_B.T)


def elementwise(W_A, W_B):
    return ((W_A * W_B).norm() / (W_A.norm() * W_B.norm())).item()


def cosine(W_A, W_B):
    return ((W_A * W_B.T).sum() / (W_A.norm() * W_B.norm())).item()


def above_chance(W_A, W_B):
    return right(W_A, W_B) - W_A.shape[1] ** -0.5


def against_chance(W_A, W_B):
    return right(W_A, W_B) * W_A.shape[1] ** 0.5


def traces(W_A, W_B):
    return ((W_A @ W_B).diagonal().sum() / (W_A.norm() * W_B.norm())).item()


def guarded(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm() + 1e-2)).item()


def mean_of_squares(W_A, W_B):
    product = W_A @ W_B
    return (product.square().mean() / (W_A.square().mean() * W_B.square().mean())).sqrt().item()


EXERCISE = Exercise(
    "composition_score",
    checks=(values, exact, scale_free),
    reference=reference,
    gives=float,
    needs={"FactoredMatrix": "factored"},
    slips=(
        Slip("the norms stand below the line as a sum instead of a product", by_sum),
        Slip("the spectral norm is used, the largest singular value alone", spectral),
        Slip("the nuclear norm is used, the sum of the singular values", nuclear),
        Slip("absolute values are added up, where Frobenius takes the root of the sum of squares", absolute_sums),
        Slip("the score is squared", squared),
        Slip("the norm of the product is not divided by anything", undivided),
        Slip("only the norm of A stands below the line", divided_by_first),
        Slip("B stands before A", other_order),
        Slip("B is transposed", second_transposed),
        Slip("the matrices are multiplied entry by entry", elementwise),
        Slip("it is the cosine between A and B.T, which has a sign and compares another thing", cosine),
        Slip("what chance gives is subtracted; the baseline is its own exercise", above_chance),
        Slip("the score is divided by what chance gives; the baseline is its own exercise", against_chance),
        Slip("the trace of the product is used, whose parts cancel", traces),
        Slip("a number is added below the line, so the score depends on the scale", guarded),
        Slip("means of squares are used, so that the sizes of the matrices remain in the score", mean_of_squares),
    ),
)
