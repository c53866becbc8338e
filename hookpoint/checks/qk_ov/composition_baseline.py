"""Checks for `composition_baseline` (part 2, notebook 13)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, shaped

from .composition_score import right as score

PAIRS = 1200


def reference(shape_A, shape_B, n, generator):
    """Names the arguments in messages."""


def scores(learner, draw, shape_A, shape_B, n):
    got = learner.composition_baseline(shape_A, shape_B, n, draw.generator())
    shaped(got, n)
    if not ((got > 0) & (got <= 1 + 1e-5)).all():
        raise Mismatch("has scores outside of (0, 1], where every composition score lies.", got=got)
    return got.double()


def each_pair(learner, draw):
    """There is one score for each of n pairs, all different; a matrix of one row and one column composes fully."""
    got = scores(learner, draw, (5, 7), (7, 3), 6)
    if len(got.unique()) < 6:
        raise Mismatch("has equal scores for different pairs.", "  Draw two new matrices for every pair.")
    got = scores(learner, draw, (5, 1), (1, 3), 4)  # a column times a row: ||A B|| = ||A|| ||B|| whatever they are
    if (got - 1).abs().max() > 1e-5:
        raise Mismatch("is not 1 for shapes (5, 1) and (1, 3), where every score is.", got=got)
    scores(learner, draw, (5, 7), (7, 3), 1)


def distribution(learner, draw):
    """The scores are spread as those of random normal matrices, both drawn anew for every pair."""
    for shapes in (((6, 2), (2, 1)), ((1, 2), (2, 6))):
        # One vector b in the plane and six in the other matrix: s^2 is the share of their squares along b, six squares
        # of twelve, which is Beta(3, 3) exactly. If the six are drawn once, s^2 keeps between two values of theirs.
        x = scores(learner, draw, *shapes, PAIRS).square().sort().values
        share = x**3 * (10 - 15 * x + 6 * x**2)
        steps = torch.arange(1, PAIRS + 1).double() / PAIRS
        distance = torch.maximum((steps - share).abs(), (share - (steps - 1 / PAIRS)).abs()).max().item()
        # Kolmogorov and Smirnov: P(distance > 2.7 / sqrt(n)) < 1e-6, and so is that of no x above 0.88 or below 0.12.
        if distance > 2.7 / PAIRS**0.5 or x[-1] < 0.88 or x[0] > 0.12:
            low, high = x[0] ** 0.5, x[-1] ** 0.5
            line = f"  From {low:.3f} to {high:.3f} with mean {x.sqrt().mean():.3f}; expected about 0.2, 0.98, 0.69."
            raise Mismatch(f"has scores that random normal matrices of {shapes[0]} and {shapes[1]} do not have.", line)
    # Square matrices are drawn like all others. s^2 = (1 + r_A r_B cos t) / 2, where t is the angle between the two
    # matrices' axes and r^2 = 4 u (1 - u) for a uniform u: the variance is 1/4 * (2/3)^2 * 1/2 = 1/18. That of 600
    # scores spreads by 4.4% around it.
    got = scores(learner, draw, (2, 2), (2, 2), 600).square()
    spread = (got - 0.5).square().mean().item() * 18
    if abs(spread - 1) > 0.25:
        raise Mismatch(
            "has scores that random normal matrices of (2, 2) and (2, 2) do not have.",
            f"  The variance of their squares is {spread:.2f} times what it has to be.",
        )


def chance(learner, draw):
    """The mean square of the scores is 1 over the size that the matrices share."""
    for shape_A, shape_B in (((16, 9), (9, 16)), ((9, 16), (16, 25))):
        got = scores(learner, draw, shape_A, shape_B, 60)
        want = 1 / shape_A[1]
        # E s^2 = tr(E[A^T A / ||A||^2] E[B B^T / ||B||^2]) = tr((I / k) (I / k)) = 1 / k. One s^2 spreads by about a
        # seventh of its mean here; a tenth is more than five deviations of the mean of 60.
        if abs(got.square().mean().item() / want - 1) > 0.1:
            line = f"  Expected about {want:.4f}, yours {got.square().mean():.4f}."
            raise Mismatch(f"has scores whose mean square is wrong for {shape_A} and {shape_B}.", line)


def seeded(learner, draw):
    """The generator decides the numbers: the same state gives the same scores, and it moves on with every draw."""
    one = draw.generator()
    again = torch.Generator()
    again.set_state(one.get_state())
    first, second = (learner.composition_baseline((4, 5), (5, 4), 3, one) for _ in range(2))
    repeated = learner.composition_baseline((4, 5), (5, 4), 3, again)
    for got in (first, second, repeated):
        shaped(got, 3)
    if not torch.equal(first, repeated):
        raise Mismatch("gives other scores for a generator in the same state.")
    if torch.equal(first, second):
        raise Mismatch("gives the same scores when called twice with one generator.", "  Was it seeded anew?")


def drawn(shape_A, shape_B, n, generator, draw=torch.randn, measure=score):
    return torch.tensor(
        [measure(draw(shape_A, generator=generator), draw(shape_B, generator=generator)) for _ in range(n)]
    )


def right(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, generator)


def mean_alone(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, generator).mean()


def as_number(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, generator).mean().item()


def positive(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, generator, draw=torch.rand)


def one_matrix(shape_A, shape_B, n, generator):
    A = torch.randn(shape_A, generator=generator)
    return torch.tensor([score(A, torch.randn(shape_B, generator=generator)) for _ in range(n)])


def one_second_matrix(shape_A, shape_B, n, generator):
    B = torch.randn(shape_B, generator=generator)
    return torch.tensor([score(torch.randn(shape_A, generator=generator), B) for _ in range(n)])


def one_pair(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, 1, generator).expand(n).clone()


def seeded_anew(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, torch.Generator().manual_seed(0))


def closed_form(shape_A, shape_B, n, generator):
    return torch.full((n,), shape_A[1] ** -0.5)


def squared(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, generator).square()


def spectral(shape_A, shape_B, n, generator):
    def measure(A, B):
        return (
            torch.linalg.matrix_norm(A @ B, 2) / torch.linalg.matrix_norm(A, 2) / torch.linalg.matrix_norm(B, 2)
        ).item()

    return drawn(shape_A, shape_B, n, generator, measure=measure)


def one_too_few(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n - 1, generator)


def with_itself(shape_A, shape_B, n, generator):
    def measure(A, B):
        return score(A, A.T)

    return drawn(shape_A, shape_B, n, generator, measure=measure)


def as_list(shape_A, shape_B, n, generator):
    return drawn(shape_A, shape_B, n, generator).tolist()


EXERCISE = Exercise(
    "composition_baseline",
    checks=(each_pair, distribution, chance, seeded),
    reference=reference,
    gives=Tensor,
    needs={"composition_score": "score_of", "FactoredMatrix": "factored"},
    slips=(
        Slip("the mean comes back instead of the n scores", mean_alone),
        Slip("the mean comes back as a number instead of the n scores", as_number),
        Slip("the entries are uniform on [0, 1): all positive, they point the same way", positive),
        Slip("A is drawn once for all pairs", one_matrix),
        Slip("B is drawn once for all pairs", one_second_matrix),
        Slip("one pair is drawn and its score repeated", one_pair),
        Slip("the numbers do not come from the generator as it is: it is ignored, or seeded anew", seeded_anew),
        Slip("nothing is drawn: every score is 1 / sqrt(k)", closed_form),
        Slip("the scores are squared", squared),
        Slip("the spectral norm is used", spectral),
        Slip("there are n - 1 scores", one_too_few),
        Slip("A is composed with its own transpose", with_itself),
        Slip("a list comes back instead of a tensor", as_list),
    ),
)
