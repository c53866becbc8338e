"""`causal_subspace`: the planted dimensions are used, the copy is only read, and only what is spanned counts."""

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.causal_subspace import generate
from hookpoint.challenges.causal_subspace.score import orthonormal
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.registry import challenge

CHALLENGE = challenge("causal_subspace")


def network(weights, x):
    """Site and the function behind it, from the contract."""
    h = weights["E"][torch.arange(4), x].sum(1)
    site = h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]

    def answer(site):
        return (site + torch.relu(site @ weights["B_in"] + weights["b"]) @ weights["B_out"]) @ weights["U"]

    return site, answer


def table(tables, name, x):
    return tables["s"][x[:, 0], x[:, 1]] if name == "s" else tables["u"][x[:, 2], x[:, 3]]


def exchanged(instance, basis, n=3000):
    """Answers after exchange, what they should be if s moves, and if nothing does; and which of these differ."""
    weights, tables = instance.under("weights"), instance.under("tables")
    x, y = torch.randint(7, (2, n, 4), generator=torch.Generator().manual_seed(9))
    (here, answer), (there, _) = network(weights, x), network(weights, y)
    projector = basis @ torch.linalg.pinv(basis)
    said = answer(here + (there - here) @ projector.T).argmax(1)
    moved = tables["answer"][table(tables, "s", y), table(tables, "u", x)]
    stayed = tables["answer"][table(tables, "s", x), table(tables, "u", x)]
    return said, moved, stayed, moved != stayed


both = pytest.mark.parametrize("number", [0, 1])


@both
def test_the_network_computes_what_the_tables_say_on_every_input(number):
    instance = public("causal_subspace", number)
    tables, x = instance.under("tables"), torch.cartesian_prod(*[torch.arange(7)] * 4)
    site, answer = network(instance.under("weights"), x)

    wanted = tables["answer"][table(tables, "s", x), table(tables, "u", x)]
    assert (answer(site).argmax(1) == wanted).float().mean() >= 0.999
    assert all(sorted(line.tolist()) == [*range(7)] for one in tables.values() for line in [*one, *one.T])


@both
def test_exchanging_the_planted_dimensions_exchanges_s_and_exchanging_the_copy_nothing(number):
    instance = public("causal_subspace", number)
    said, moved, _, differ = exchanged(instance, instance.tensors["planted"])
    assert (said == moved)[differ].float().mean() > 0.97

    said, moved, stayed, differ = exchanged(instance, instance.tensors["copy"])
    assert (said == moved)[differ].float().mean() < 0.2 and (said == stayed)[differ].float().mean() > 0.75


@both
def test_the_copy_can_be_read_perfectly(number):
    instance = public("causal_subspace", number)
    x = torch.cartesian_prod(*[torch.arange(7)] * 4)
    inside = network(instance.under("weights"), x)[0] @ instance.tensors["copy"]
    s = table(instance.under("tables"), "s", x)
    means = torch.stack([inside[s == value].mean(0) for value in range(7)])

    assert (torch.cdist(inside, means).argmin(1) == s).float().mean() > 0.97


def test_the_same_seed_begins_with_the_same_problem_and_another_with_another():
    def begun(seed):
        generator = torch.Generator().manual_seed(seed)
        tables = {name: generate.table(generator) for name in ("s", "u", "answer")}
        planted, copy = generate.subspaces(generator)
        weights = generate.build(tables, planted, copy, generate.codes(generator), generator, steps=3)
        return [*tables.values(), planted, copy, *weights.values()]

    first, again, other = begun(4), begun(4), begun(2**62 - 1)
    assert all(map(torch.equal, first, again)) and not any(map(torch.equal, first[:5], other[:5]))


def alike(rows):
    """The cosine of each two rows, 0 on the diagonal."""
    rows = rows / rows.norm(dim=1, keepdim=True)
    return (rows @ rows.T).fill_diagonal_(0).abs()


@both
@pytest.mark.parametrize("name", ["B_in", "B_out", "read and written"])
def test_no_hidden_units_are_copies_of_each_other_and_those_most_alike_do_not_read_the_copy(number, name):
    instance = public("causal_subspace", number)
    weights = instance.under("weights")
    one, other = weights["B_in"].T, weights["B_out"] @ weights["U"]
    likeness = {"B_in": alike(one), "B_out": alike(weights["B_out"]), "read and written": alike(one) * alike(other)}
    copied, used = (
        (one @ instance.tensors[which]).square().sum(1) / one.square().sum(1) for which in ("copy", "planted")
    )
    closest = likeness[name].amax(1).topk(16).indices

    assert likeness[name].max() < 0.97
    assert copied[closest].mean() < used[closest].mean() + 0.15


@both
def test_neither_ties_nor_a_lack_of_rank_single_out_the_readers(number):
    instance = public("causal_subspace", number)
    weights = instance.under("weights")
    inside = (instance.tensors["copy"].T @ weights["B_in"]).square().sum(0) / weights["B_in"].square().sum(0)
    readers = inside.topk(generate.READERS).indices

    assert len(weights["b"].unique()) == len(weights["b"]) and weights["B_in"].abs().min() > 0
    assert all(torch.linalg.matrix_rank(weights[name]) == 48 for name in ("B_in", "B_out"))
    assert torch.linalg.matrix_rank(weights["B_in"][:, readers], rtol=0.02) > 16 and inside.max() < 0.99


def test_the_layer_reads_the_copy_about_as_much_as_the_variable():
    ratios = []
    for number in range(2):
        instance = public("causal_subspace", number)
        weights = instance.under("weights")
        passed_on = weights["B_in"] * (weights["B_out"] @ weights["U"]).norm(dim=1)
        ratios.append(
            (instance.tensors["copy"].T @ passed_on).norm() / (instance.tensors["planted"].T @ passed_on).norm()
        )

    assert all(0.4 < ratio < 2.5 for ratio in ratios)


def test_the_key_gets_the_ceiling_and_a_constant_the_floor():
    instance = public("causal_subspace", 0)
    best = CHALLENGE.score(instance, lambda weights, tables: instance.tensors["planted"])

    assert best.value == pytest.approx(CHALLENGE.ceiling, abs=0.02) and best.parts["dimensions"] == 3
    assert CHALLENGE.score(instance, lambda weights, tables: torch.eye(48)[:, :4]).value <= CHALLENGE.floor


def test_only_what_the_columns_span_counts():
    instance = public("causal_subspace", 0)
    planted = instance.tensors["planted"].double()
    mixed = planted @ torch.tensor([[1e3, 0, 0], [1, 1e-3, 0], [5, 2, 1]]).double() * 1e200

    values = {CHALLENGE.score(instance, lambda *_, one=one: one).value for one in (planted, mixed, -planted)}
    assert max(values) - min(values) < 0.01


def test_a_dimension_that_carries_nothing_costs_two_points_of_a_hundred():
    instance = public("causal_subspace", 0)
    planted = instance.tensors["planted"]
    idle = torch.linalg.qr(torch.cat([planted, instance.tensors["copy"][:, :1]], dim=1))[0]
    three, four = (CHALLENGE.score(instance, lambda *_, one=one: one) for one in (planted, idle))

    assert three.parts["interchange accuracy"] > 0.97 and four.parts["interchange accuracy"] > 0.9
    assert four.value < three.value and four.value / 0.94 == pytest.approx(three.value / 0.96, abs=0.1)


ONE = torch.eye(48)[:, :3]


@pytest.mark.parametrize(
    "said",
    [
        None, 1.0, "basis", [[0.0] * 3] * 48, torch.eye(48), torch.eye(48)[:, :0], ONE.T, ONE[:, 0], ONE.long(),
        ONE.bool(), ONE * float("nan"), ONE * float("inf"), ONE * 0, ONE[:, [0, 0]], ONE.to_sparse(),
        ONE.to(torch.complex64), torch.ones(48, 2), torch.nn.Parameter(ONE), torch.empty(48, 3, device="meta"),
    ],
    ids=lambda said: repr(said)[:30],
)  # fmt: skip
def test_what_is_no_basis_is_refused(said):
    with pytest.raises(BadAnswer):
        orthonormal(said)


def test_a_basis_comes_back_orthonormal_whatever_its_lengths_and_graph():
    said = (ONE * torch.tensor([1e-30, 1.0, 1e30])).requires_grad_(True)

    found = orthonormal(said)
    assert torch.allclose(found.T @ found, torch.eye(3), atol=1e-6) and not found.requires_grad
