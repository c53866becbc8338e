"""Checks for `copying_score` (part 2, notebook 13)."""

import math

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, same

V, RANK = 23, 5
MANY = 211  # more tokens than the 200 to which people cut a circuit short
KEYS = ("top1", "top5", "eigenvalue")


def reference(full_ov):
    """Token by token on the dense matrix, in float64."""
    dense = full_ov.double()
    ranks = [int((row > row[token]).sum()) for token, row in enumerate(dense)]
    values = torch.linalg.eigvals(dense)
    return {
        "top1": sum(rank == 0 for rank in ranks) / len(ranks),
        "top5": sum(rank < 5 for rank in ranks) / len(ranks),
        "eigenvalue": float(values.real.sum() / values.abs().sum()),
    }


def agrees(learner, A, B, want, what):
    """The learner's scores of `A @ B` are those that are wanted, as far as they are given."""
    circuit, before = learner.given.factored(A, B), A @ B
    got = learner.copying_score(circuit)
    same(circuit.AB.value, before, "in AB of the circuit that it was given")
    for key in KEYS:
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
    if extra := set(got) - set(KEYS):
        raise Mismatch(f"has a key {sorted(map(str, extra))[0]!r} that the contract does not name.", got=got)
    for key, expected in want.items():
        value = got[key].item() if isinstance(got[key], torch.Tensor) and got[key].numel() == 1 else got[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Mismatch(f"has no number at key {key!r}.", got=got)
        if not abs(value - expected) <= 2e-3:
            raise Mismatch(
                f"is wrong at key {key!r} for {what}.", f"  Expected {expected:.4f}, yours {value:.4f}.", got=got
            )


def orthonormal(draw, rows=V, columns=RANK):
    """Columns at right angles, of length 1."""
    return torch.linalg.qr(draw.normal(rows, columns, dtype=torch.float64))[0]


def exact(learner, draw):
    """Copying scores 1, its opposite -1, a turn of the plane by an angle its cosine."""
    E = orthonormal(draw, V, 4)
    agrees(
        learner, torch.eye(7), 3 * torch.eye(7), {"top1": 1.0, "top5": 1.0, "eigenvalue": 1.0}, "3 times the identity"
    )
    agrees(learner, E, E.T, {"eigenvalue": 1.0}, "a projection")
    shear = torch.tensor([[4.0, 9.0, 0, 0], [0, -2.0, 5.0, 0], [0, 0, 1.0, 0], [0, 0, 0, 0]]).double()
    agrees(learner, E @ shear, E.T, {"eigenvalue": 3 / 7}, "a shear with the eigenvalues 4, -2 and 1")
    agrees(learner, E, -2 * E.T, {"eigenvalue": -1.0}, "a projection times -2")
    for degrees in (60, 90, 120):
        angle = math.radians(degrees)
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
        turns = torch.block_diag(turn, turn)
        agrees(learner, E @ turns, E.T, {"eigenvalue": math.cos(angle)}, f"a turn by {degrees} degrees")
    signs = torch.diag(torch.tensor([5.0, 1.0, -1.0, -1.0]).double())
    agrees(learner, E @ signs, E.T, {"eigenvalue": 0.5}, "the eigenvalues 5, 1, -1 and -1")


def shares(learner, draw):
    """top1 and top5 say how many tokens' own logit is the largest of its row, or among the five largest."""
    # A bias towards some outputs, so that a column's largest is another one than a row's.
    for strength in (0.3, 1.0):
        A = draw.normal(V, RANK, dtype=torch.float64)
        B = A.T + strength * draw.normal(RANK, V, dtype=torch.float64)
        A, B = (
            torch.cat([A, torch.ones(V, 1).double()], dim=1),
            torch.cat([B, 3 * draw.normal(1, V, dtype=torch.float64)]),
        )
        agrees(learner, A, B, reference(A @ B), "a noisy copy that prefers some tokens")
    # Ranks 0, 1, ... by construction: token t has t larger logits in its row.
    ladder = torch.tensor([[float(v < t) * 2 + float(v == t) for v in range(9)] for t in range(9)])
    agrees(learner, ladder, torch.eye(9), {"top1": 1 / 9, "top5": 5 / 9}, "a matrix where token t has t larger logits")


def control(learner, draw):
    """A circuit that has nothing to do with the token scores no better than chance."""
    A, B = draw.normal(V, RANK, dtype=torch.float64), draw.normal(RANK, V, dtype=torch.float64)
    agrees(learner, A, B, reference(A @ B), "a random circuit")
    shifted = torch.eye(V).double().roll(1, 0)
    want = {"top1": 0.0, "eigenvalue": 0.0}
    agrees(learner, shifted, torch.eye(V).double(), want, "a circuit that maps each token to its neighbour")


def all_tokens(learner, draw):
    """Every token of the vocabulary counts, the last ones too."""
    A = 0.3 * draw.normal(MANY, 6, dtype=torch.float64)
    A[200:, 5] = 5 + torch.arange(MANY - 200, dtype=torch.float64)
    B = A.T.clone()
    B[:5] = draw.normal(5, MANY, dtype=torch.float64)
    agrees(learner, A, B, reference(A @ B), f"{MANY} tokens of which the last are different")


def ranks_of_own(dense):
    return (dense > dense.diagonal()[:, None]).sum(dim=1)


def measured(dense):
    values, ranks = torch.linalg.eigvals(dense), ranks_of_own(dense)
    return {
        "top1": (ranks < 1).double().mean().item(),
        "top5": (ranks < 5).double().mean().item(),
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


def right(full_ov):
    return measured(full_ov.AB)


def columns(full_ov):
    return {**right(full_ov), **{key: measured(full_ov.AB.T)[key] for key in ("top1", "top5")}}


def singular_values(full_ov):
    AB = full_ov.AB
    return {**right(full_ov), "eigenvalue": (AB.trace() / torch.linalg.svdvals(AB).sum()).item()}


def first_200(full_ov):
    return measured(full_ov.AB[:200, :200])


def symmetrised(full_ov):
    AB = full_ov.AB
    return {**right(full_ov), "eigenvalue": measured((AB + AB.T) / 2)["eigenvalue"]}


def one_triangle(full_ov):
    values = torch.linalg.eigvalsh(full_ov.AB)
    return {**right(full_ov), "eigenvalue": (values.sum() / values.abs().sum()).item()}


def real_parts_below(full_ov):
    values = torch.linalg.eigvals(full_ov.AB).real
    return {**right(full_ov), "eigenvalue": (values.sum() / values.abs().sum()).item()}


def positive_share(full_ov):
    values = torch.linalg.eigvals(full_ov.AB)
    values = values[values.abs() > 1e-4 * values.abs().max()]
    return {**right(full_ov), "eigenvalue": (values.real > 0).double().mean().item()}


def mean_direction(full_ov):
    values = torch.linalg.eigvals(full_ov.AB)
    values = values[values.abs() > 1e-4 * values.abs().max()]
    return {**right(full_ov), "eigenvalue": (values.real / values.abs()).mean().item()}


def sizes_above(full_ov):
    values = torch.linalg.eigvals(full_ov.AB)
    return {**right(full_ov), "eigenvalue": (values.real.abs().sum() / values.abs().sum()).item()}


def by_norm(full_ov):
    return {**right(full_ov), "eigenvalue": (full_ov.AB.trace() / full_ov.AB.norm()).item()}


def by_size(full_ov):
    AB = full_ov.AB.abs()
    return {**right(full_ov), **{key: measured(AB)[key] for key in ("top1", "top5")}}


def five_as_four(full_ov):
    ranks = ranks_of_own(full_ov.AB)
    return {**right(full_ov), "top5": (ranks < 4).double().mean().item()}


def five_as_six(full_ov):
    ranks = ranks_of_own(full_ov.AB)
    return {**right(full_ov), "top5": (ranks < 6).double().mean().item()}


def positive_diagonal(full_ov):
    return {**right(full_ov), "top1": (full_ov.AB.diagonal() > 0).double().mean().item()}


def largest_share(full_ov):
    own = full_ov.AB.softmax(dim=1).diagonal()
    return {**right(full_ov), "top1": own.mean().item()}


def percent(full_ov):
    return {key: 100 * value if key != "eigenvalue" else value for key, value in right(full_ov).items()}


def counts(full_ov):
    return {key: value * len(full_ov.A) if key != "eigenvalue" else value for key, value in right(full_ov).items()}


def score_alone(full_ov):
    return right(full_ov)["eigenvalue"]


EXERCISE = Exercise(
    "copying_score",
    checks=(exact, shares, control, all_tokens),
    reference=reference,
    gives=dict,
    needs={"FactoredMatrix": "factored"},
    slips=(
        Slip("a token's logit is compared within its column, over inputs, instead of within its row", columns),
        Slip("singular values stand below the line; they are not the sizes of the eigenvalues", singular_values),
        Slip("only the first 200 tokens are looked at", first_200),
        Slip("the matrix is made symmetric first, which makes other eigenvalues", symmetrised),
        Slip("eigvalsh is used: it reads one triangle and takes the matrix for symmetric", one_triangle),
        Slip(
            "the real parts' sizes stand below the line, where the sizes of the complex numbers belong",
            real_parts_below,
        ),
        Slip("the eigenvalues with a positive real part are counted, whatever their size", positive_share),
        Slip("every eigenvalue counts alike, whatever its size", mean_direction),
        Slip("the signs of the real parts are dropped", sizes_above),
        Slip("the trace is divided by the Frobenius norm", by_norm),
        Slip("the largest logit is taken by size, without its sign", by_size),
        Slip("top5 is a top 4", five_as_four),
        Slip("top5 is a top 6", five_as_six),
        Slip("top1 counts the positive entries of the diagonal, largest or not", positive_diagonal),
        Slip("top1 is the mean probability of the own token", largest_share),
        Slip("the shares are in percent", percent),
        Slip("tokens are counted; the text asks for shares", counts),
        Slip("one number comes back instead of the three", score_alone),
    ),
)
