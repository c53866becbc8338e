"""Promises of the tree tasks and of the models that walk them."""

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo.data import trees
from hookpoint.zoo.data.trees import careful_walker, edge_positions, path_targets, tree_tasks
from hookpoint.zoo.recipes import pathfinder
from hookpoint.zoo.recipes.pathfinder_evidence import by_depth, climb_scores, decodable, frontier, solved


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def tasks():
    return tree_tasks(400, generator())


def read(row):
    """A sequence taken apart by hand: the parent of each child, the goal, and what is written behind it."""
    edges, (goal, *written) = row[:14], row[14:]
    return {edge % 15: edge // 15 for edge in edges}, goal - 225, [token - 240 for token in written if token != 255]


# The tasks


def test_every_sequence_is_a_binary_tree_of_fifteen_nodes(tasks):
    for row in tasks.tokens.tolist():
        parent, _, written = read(row)
        parents = list(parent.values())
        assert sorted(parent) == sorted(set(range(15)) - {written[0]})
        assert sorted(parents.count(node) for node in set(parents)) == [2] * 7


def test_the_path_is_the_only_way_from_the_root_to_the_goal(tasks):
    for row, depth in zip(tasks.tokens.tolist(), tasks.depth.tolist(), strict=True):
        parent, goal, written = read(row)
        climbed = [goal]
        while climbed[-1] in parent:
            climbed.append(parent[climbed[-1]])
        assert written == climbed[::-1]
        assert depth == len(written) - 1


def test_what_is_known_about_a_task_agrees_with_its_tokens(tasks):
    positions = edge_positions(tasks)
    for i, row in enumerate(tasks.tokens.tolist()):
        parent, _, written = read(row)
        assert tasks.parent[i].tolist() == [parent.get(node, -1) for node in range(15)]
        assert tasks.path[i].tolist() == written + [-1] * (7 - len(written))
        assert all(row[positions[i, child]] % 15 == child for child in parent)
        assert positions[i, written[0]] == -1


def test_depths_one_to_six_all_occur_and_none_else():
    counts = torch.bincount(tree_tasks(4000, generator()).depth, minlength=7)
    assert counts[0] == 0 and len(counts) == 7
    assert counts[1:].min() > 100


def test_the_order_of_the_edges_does_not_give_the_path_away():
    tasks = tree_tasks(3000, generator(), depth=4)
    places = edge_positions(tasks).gather(1, tasks.path[:, 1:5]).float()
    assert places.mean(dim=0).tolist() == pytest.approx([6.5] * 4, abs=0.3)


def test_labels_do_not_give_the_path_away():
    tasks = tree_tasks(6000, generator(), depth=3)
    shares = torch.bincount(tasks.path[:, 1], minlength=15) / 6000
    assert shares.tolist() == pytest.approx([1 / 15] * 15, abs=0.015)


def test_tasks_of_one_depth_have_it_and_a_depth_that_no_tree_has_is_an_error():
    assert tree_tasks(50, generator(), depth=6).depth.tolist() == [6] * 50
    with pytest.raises(ValueError, match="1 to 6, not 7"):
        tree_tasks(1, generator(), depth=7)


def test_the_same_seed_gives_the_same_tasks():
    assert torch.equal(tree_tasks(5, generator(3)).tokens, tree_tasks(5, generator(3)).tokens)
    assert not torch.equal(tree_tasks(5, generator(3)).tokens, tree_tasks(5, generator(4)).tokens)


def test_only_the_path_and_one_end_are_asked(tasks):
    targets = path_targets(tasks)
    for row, target, depth in zip(tasks.tokens.tolist(), targets.tolist(), tasks.depth.tolist(), strict=True):
        asked = [token for token in target if token != -100]
        assert asked == row[16 : 16 + depth] + [trees.END]
        assert target[15 : 16 + depth] == asked


def arrival(parent, node, goal):
    """The probability that a walker arrives who enters no leaf but the goal, by trying every way."""
    children = [child for child, above in parent.items() if above == node]
    if node == goal or goal in children:
        return 1.0
    inner = [child for child in children if child in parent.values()]
    return sum(arrival(parent, child, goal) for child in inner) / len(inner) if inner else 0.0


def test_the_careful_walker_arrives_as_often_as_all_its_ways_say(tasks):
    for row, chance in zip(tasks.tokens[:100].tolist(), careful_walker(tasks)[:100].tolist(), strict=True):
        parent, goal, written = read(row)
        assert chance == pytest.approx(arrival(parent, written[0], goal))


# Measurements where the answer is known


class Oracle(torch.nn.Module):
    """Writes what `path_targets` asks for, except in the given rows, where one token is wrong."""

    def __init__(self, tasks, wrong_rows=()):
        super().__init__()
        written = path_targets(tasks).clamp(min=0)
        for row in wrong_rows:
            written[row, 15] = trees.END
        self.logits = torch.nn.functional.one_hot(written, trees.D_VOCAB).float()

    def forward(self, tokens):
        return self.logits


def test_a_path_with_one_wrong_step_is_not_solved(tasks):
    flags = solved(Oracle(tasks, wrong_rows=(0, 7)), tasks)
    assert (~flags).nonzero().flatten().tolist() == [0, 7]


def test_means_by_depth_are_each_depths_own():
    tasks = tree_tasks(200, generator())
    assert by_depth(tasks.depth, tasks).tolist() == [1, 2, 3, 4, 5, 6]


def climbing_patterns(tasks, wrong=False):
    """Patterns of six layers and two heads; head 0 of layer l looks at the edge into the l-th ancestor of the goal."""
    patterns = torch.full((len(tasks), 6, 2, 23, 23), 1 / 14)
    for i, row in enumerate(tasks.tokens.tolist()):
        parent, node, _ = read(row)
        for layer in range(6):
            if node in parent:
                target = node if not wrong else next(child for child in parent if parent[child] != parent[node])
                patterns[i, layer, 0, 15] = 0
                patterns[i, layer, 0, 15, [edge % 15 for edge in row[:14]].index(target)] = 1
                node = parent[node]
    return patterns


def test_a_head_that_climbs_scores_high_in_its_own_step_and_an_even_head_scores_0(tasks):
    scores = climb_scores(climbing_patterns(tasks), tasks)
    assert scores.shape == (6, 2, 5)
    assert scores[:5, 0].diagonal().tolist() == pytest.approx([13 / 14] * 5)
    assert scores[0, 0, 1:].max() < 0
    assert scores[:, 1].abs().max() < 1e-6


def test_a_head_that_looks_at_other_edges_does_not_climb(tasks):
    assert climb_scores(climbing_patterns(tasks, wrong=True), tasks)[:, 0].diagonal().max() < 0.2


def test_labels_are_decodable_from_their_own_directions_and_not_from_noise():
    labels = torch.randint(15, (800,), generator=generator())
    x = torch.nn.functional.one_hot(labels, 15).float() @ torch.randn(15, 20, generator=generator(1))
    noise = torch.randn(800, 20, generator=generator(2))
    halves = slice(0, 600), slice(600, 800)
    assert decodable(*((x[half], labels[half]) for half in halves)) == 1
    assert decodable(*((noise[half], labels[half]) for half in halves)) < 0.2


def test_an_untrained_model_reads_no_ancestor():
    table = frontier(pathfinder.build(2, seed=0), tree_tasks(400, generator()), tree_tasks(400, generator(1)))
    assert table.shape == (3, 5)
    assert table[:, :3].max() < 0.35


# The shipped models


def test_a_model_with_shuffled_weights_does_not():
    trained = zoo.open("pathfinder")
    order = generator()
    state = trained.model.state_dict()
    mixed = {key: w.flatten()[torch.randperm(w.numel(), generator=order)].view_as(w) for key, w in state.items()}
    figures = zoo.recipe("pathfinder").evidence(zoo.Trained(trained.recipe, lambda step: mixed, [1_000], []))
    assert not any(figure.holds for figure in figures if figure.name.startswith("whole paths right"))
    assert sum(not figure.holds for figure in figures if not figure.control) >= 10


@torch.no_grad()
def test_the_model_walks_a_tree_written_down_by_hand():
    # 0 -> 1, 2;  2 -> 3, 4;  4 -> 5, 6;  6 -> 7, 8;  1 -> 9, 10;  9 -> 11, 12;  12 -> 13, 14
    pairs = [(4, 6), (1, 9), (0, 2), (12, 14), (6, 8), (2, 3), (9, 12), (0, 1), (4, 5), (1, 10), (6, 7), (2, 4)]
    pairs += [(12, 13), (9, 11)]
    tokens = [15 * parent + child for parent, child in pairs] + [225 + 8, 240 + 0]
    model = zoo.load("pathfinder")
    for _ in range(5):
        tokens.append(model(torch.tensor([tokens]))[0, -1].argmax().item())
    assert tokens[16:] == [240 + 2, 240 + 4, 240 + 6, 240 + 8, trees.END]


def test_the_four_middle_layers_are_one_layer_four_times():
    first, *middle, last = [dict(block.named_parameters()) for block in zoo.load("pathfinder").blocks]
    assert len(middle) == 4
    for name, weight in middle[0].items():
        assert all(torch.equal(weight, other[name]) for other in middle)
        assert not torch.equal(weight, first[name]) and not torch.equal(weight, last[name])
