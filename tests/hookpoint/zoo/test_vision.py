"""Promises of the drawn shapes, of the vision transformer, and of what is measured on both."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from hookpoint import zoo
from hookpoint.model import GPT2, Config
from hookpoint.zoo import Run, Trained, registry
from hookpoint.zoo.architectures.vit import ViT, fast_scores, patchify
from hookpoint.zoo.data import shapes
from hookpoint.zoo.recipes import vision
from hookpoint.zoo.recipes import vision_evidence as ev

SMALL = Config(
    d_vocab=5,
    n_ctx=7,
    d_model=12,
    n_layers=2,
    n_heads=3,
    d_head=4,
    d_mlp=20,
    init_range=0.5,
    attention_dir="bidirectional",
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n, height=8, width=12):
    return torch.rand(n, 3, height, width, generator=generator(1))


def labels(**words):
    """The labels of one image; what is not named is the first value."""
    return {
        name: torch.tensor([values.index(words.get(name, values[0]))]) for name, values in shapes.ATTRIBUTES.items()
    }


# What is drawn


@pytest.mark.parametrize("split", ["all", "train", "held_out"])
def test_every_pair_of_attributes_is_independent(split):
    drawn = shapes.random_labels(40_000, generator(), split)

    for a, b in itertools.combinations(shapes.ATTRIBUTES, 2):
        table = torch.zeros(len(shapes.ATTRIBUTES[a]), len(shapes.ATTRIBUTES[b]))
        table.index_put_((drawn[a], drawn[b]), torch.tensor(1 / 40_000), accumulate=True)
        assert (table - 1 / table.numel()).abs().max() < 0.01, (a, b)


def test_no_held_out_combination_is_in_training_and_a_quarter_of_all_are_held_out():
    def combinations(split):
        drawn = shapes.random_labels(5000, generator(), split)
        return set(zip(*(drawn[name].tolist() for name in ("shape", "colour", "texture")), strict=True))

    assert (0, 0, 0) in combinations("held_out")  # a plain red circle
    assert not combinations("train") & combinations("held_out")
    assert (len(combinations("train")), len(combinations("held_out"))) == (48, 16)


def test_a_cue_makes_the_colour_tell_the_shape_as_often_as_asked():
    def agreement(cue):
        drawn = shapes.random_labels(20_000, generator(), "all", cue)
        return (drawn["colour"] == drawn["shape"]).double().mean().item()

    assert agreement(0.0) == pytest.approx(0.25, abs=0.02)
    assert agreement(0.8) == pytest.approx(0.85, abs=0.02)
    assert agreement(1.0) == 1


@pytest.mark.parametrize(("split", "cue"), [("test", 0.0), ("train", 1.0)])
def test_a_split_that_cannot_be_is_refused(split, cue):
    with pytest.raises(ValueError, match=split):
        shapes.random_labels(1, generator(), split, cue)


def test_images_are_numbers_from_0_to_1_and_follow_from_the_generator():
    one, same, other = (shapes.sample(20, generator(seed)).images for seed in (0, 0, 1))

    assert one.shape == (20, 3, 24, 24) and one.dtype == torch.float32
    assert one.min() >= 0 and one.max() <= 1
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_some_of_the_images_come_with_their_own_labels_and_coverage():
    drawn = shapes.sample(20, generator())

    big = drawn[drawn.labels["size"] == 1]

    assert (big.labels["size"] == 1).all() and len(big.images) == len(big.coverage) == drawn.labels["size"].sum()
    assert torch.equal(big.images[0], drawn.images[drawn.labels["size"].tolist().index(1)])


def test_changing_one_label_changes_nothing_else():
    red, covered = shapes.draw(labels(colour="red", shape="star"), generator())
    blue, same = shapes.draw(labels(colour="blue", shape="star"), generator())

    assert torch.equal(covered, same)
    differs = (red != blue).any(dim=1)
    assert differs.any() and not differs[covered == 0].any()


def outline(shape, area):
    """The corners of an upright shape of that area around the origin, y upwards."""
    folds, notch = {"square": (4, None), "triangle": (3, None), "star": (5, 0.45)}[shape]
    steps = folds if notch is None else 2 * folds
    angles = math.pi / 2 + 2 * math.pi * np.arange(steps) / steps + (math.pi / 4 if shape == "square" else 0)
    radii = np.where(np.arange(steps) % 2 == 1, notch or 1, 1) if notch else np.ones(steps)
    x, y = radii * np.cos(angles), radii * np.sin(angles)
    unit_area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return np.stack([x, y], axis=1) * math.sqrt(area / unit_area)


@pytest.mark.parametrize("shape", ["square", "triangle", "star"])
def test_an_outline_is_the_polygon_of_its_name(shape):
    path = pytest.importorskip("matplotlib.path").Path(outline(shape, area=math.pi * 5**2))
    axis = torch.arange(24) - 11.5
    one = torch.ones(1, 1, 1)
    index = torch.tensor([shapes.ATTRIBUTES["shape"].index(shape)])

    drawn = shapes._coverage(index, 5 * one, 0 * one, axis[None, :, None], axis[None, None, :])[0]

    fine = (np.arange(24 * 8) + 0.5) / 8 - 12
    inside = path.contains_points([(x, -y) for y in fine for x in fine]).reshape(24, 8, 24, 8).mean(axis=(1, 3))
    # A corner is blunter than the polygon's; an edge is not.
    assert np.abs(drawn.numpy() - inside).mean() < 0.01
    assert np.abs(drawn.numpy() - inside).max() < 0.4


@pytest.mark.parametrize("size", ["small", "large"])
def test_all_shapes_of_a_size_have_one_area(size):
    drawn = shapes.sample(4000, generator())
    of_size = drawn.labels["size"] == shapes.ATTRIBUTES["size"].index(size)
    areas = [drawn.coverage[of_size & (drawn.labels["shape"] == i)].sum(dim=(1, 2)).mean().item() for i in range(4)]

    assert max(areas) / min(areas) < 1.04


def test_all_textures_and_shapes_have_one_brightness():
    drawn = shapes.sample(8000, generator())
    inside = (drawn.images * drawn.coverage[:, None]).sum(dim=(1, 2, 3)) / drawn.coverage.sum(dim=(1, 2))

    for name in ("texture", "shape"):
        means = [inside[drawn.labels[name] == i].mean().item() for i in range(4)]
        assert max(means) / min(means) < 1.05, name


def test_a_shape_lies_in_its_quadrant_and_inside_the_image():
    drawn = shapes.sample(500, generator())
    axis = torch.arange(24) - 11.5
    down = (drawn.coverage.sum(dim=2) * axis).sum(dim=1) > 0
    right = (drawn.coverage.sum(dim=1) * axis).sum(dim=1) > 0

    assert torch.equal(2 * down + right, drawn.labels["position"])
    border = torch.cat([drawn.coverage[:, [0, -1]], drawn.coverage[:, :, [0, -1]].mT], dim=1)
    assert border.max() < 0.6  # a tip may come near, and its soft edge reach over


def test_stripes_lie_across_and_bars_stand_upright():
    def variation(texture):
        picture = shapes.draw(labels(shape="square", size="large", texture=texture, colour="yellow"), generator())
        image, covered = picture[0][0, 0], picture[1][0] == 1
        rows, columns = covered[1:] & covered[:-1], covered[:, 1:] & covered[:, :-1]
        return image.diff(dim=0).abs()[rows].mean(), image.diff(dim=1).abs()[columns].mean()

    (plain, still), (striped, along), (beside, barred) = map(variation, ("plain", "striped", "barred"))
    assert striped > 3 * along and barred > 3 * beside
    assert max(plain, still) < min(striped, barred) / 3


def test_the_colour_is_the_strongest_channel():
    drawn = shapes.sample(300, generator())
    inside = (drawn.images * drawn.coverage[:, None]).sum(dim=(2, 3))

    for index, channel in ((0, 0), (1, 1), (2, 2)):
        assert (inside[drawn.labels["colour"] == index].argmax(dim=1) == channel).all()


def test_a_caption_names_all_but_the_position():
    one = labels(shape="star", colour="red", texture="striped", position="top right")

    assert shapes.captions(one) == ["a small striped red star"]
    assert [shapes.WORDS[i] for i in shapes.caption_tokens(one)[0]] == ["small", "striped", "red", "star"]


# The model


def test_patches_go_row_by_row_with_the_channels_of_a_pixel_together():
    image = torch.arange(3 * 4 * 6).reshape(1, 3, 4, 6)

    patches = patchify(image, 2)

    assert patches.shape == (1, 6, 12)
    assert patches[0, 0].tolist() == [0, 24, 48, 1, 25, 49, 6, 30, 54, 7, 31, 55]
    assert patches[0, 3, 0] == image[0, 0, 2, 0] and patches[0, 2, 0] == image[0, 0, 0, 4]


def test_an_image_that_cannot_be_cut_or_has_no_positions_is_refused():
    with pytest.raises(ValueError, match="9 x 12"):
        patchify(images(1, height=9), 4)
    with pytest.raises(ValueError, match="9 patches"):
        ViT(SMALL, 4)(images(1, height=12))


def test_a_config_with_a_causal_mask_is_refused():
    with pytest.raises(ValueError, match="bidirectional"):
        ViT(Config(d_vocab=5, n_ctx=7, d_model=12, n_layers=1, n_heads=3, d_head=4, d_mlp=20), 4)


def torch_block(block):
    """The same block by torch's own encoder layer."""
    d_model, attn, mlp = len(block.ln1.w), block.attn, block.mlp
    theirs = nn.TransformerEncoderLayer(d_model, 3, 20, 0.0, nn.GELU("tanh"), batch_first=True, norm_first=True)
    ours = {
        "self_attn.in_proj_weight": torch.cat(
            [W.permute(0, 2, 1).flatten(0, 1) for W in (attn.W_Q, attn.W_K, attn.W_V)]
        ),
        "self_attn.in_proj_bias": torch.cat([b.flatten() for b in (attn.b_Q, attn.b_K, attn.b_V)]),
        "self_attn.out_proj.weight": attn.W_O.flatten(0, 1).T,
        "self_attn.out_proj.bias": attn.b_O,
        **{
            "linear1.weight": mlp.W_in.T,
            "linear1.bias": mlp.b_in,
            "linear2.weight": mlp.W_out.T,
            "linear2.bias": mlp.b_out,
        },
        **{
            "norm1.weight": block.ln1.w,
            "norm1.bias": block.ln1.b,
            "norm2.weight": block.ln2.w,
            "norm2.bias": block.ln2.b,
        },
    }
    theirs.load_state_dict(ours)
    return theirs


@torch.no_grad()
def test_the_model_is_a_class_token_before_the_patches_in_torchs_own_encoder():
    model, x = ViT(SMALL, 4), images(5)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator(2)))

    cut = nn.functional.unfold(x, 4, stride=4).mT.unflatten(2, (3, 16)).transpose(2, 3).flatten(2)
    stream = torch.cat([model.W_class.expand(5, 1, 12), cut @ model.embed.W_E + model.embed.b_E], dim=1)
    stream = stream + model.pos_embed.W_pos
    for block in model.blocks:
        stream = torch_block(block)(stream)
    token = nn.functional.layer_norm(stream[:, 0], (12,), model.ln_final.w, model.ln_final.b)
    expected = token @ model.unembed.W_U + model.unembed.b_U

    torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)


def test_the_fast_scores_have_the_same_values_and_gradients():
    model, x = ViT(SMALL, 4, seed=3), images(5)

    slow, fast = model(x), fast_scores(model, x)

    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-4)
    parameters = list(model.parameters())
    for ours, theirs in zip(*(torch.autograd.grad(y.sin().sum(), parameters) for y in (fast, slow)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_the_blocks_hook_points_have_the_names_that_they_have_in_gpt2():
    causal = Config(d_vocab=5, n_ctx=7, d_model=12, n_layers=2, n_heads=3, d_head=4, d_mlp=20)

    assert list(ViT(SMALL, 4).hook_points()) == list(GPT2(causal).hook_points())


# What is measured


def test_the_caption_loss_is_a_softmax_over_all_captions():
    scores = torch.randn(6, len(shapes.WORDS), generator=generator())
    drawn = shapes.random_labels(6, generator(1))
    every = torch.tensor(list(itertools.product(range(2), range(2, 6), range(6, 10), range(10, 14))))
    right = (every == shapes.caption_tokens(drawn)[:, None]).all(dim=2).int().argmax(dim=1)

    expected = nn.functional.cross_entropy(scores[:, every].sum(dim=2), right)

    torch.testing.assert_close(vision.caption_loss(scores, drawn, shapes.NAMED), expected)


def test_a_probe_reads_what_is_linear_and_neither_chance_nor_an_exclusive_or():
    x = torch.randn(3000, 8, generator=generator())
    linear, parity = (x[:, 0] > 0).long(), ((x[:, 0] > 0) ^ (x[:, 1] > 0)).long()
    chance = torch.randint(2, (3000,), generator=generator(1))

    def read(y):
        return ev.probe_accuracy(x[:2000] * 1e-3, y[:2000], x[2000:] * 1e-3, y[2000:])

    assert read(linear) > 0.95
    assert 0.42 < read(parity) < 0.58 and 0.42 < read(chance) < 0.58


def test_a_patch_is_touched_if_any_of_its_pixels_is():
    coverage = torch.zeros(2, 8, 12)
    coverage[0, 3, 4] = 0.01
    coverage[1, 4, 11] = 1

    assert ev.touched(coverage, 4).int().tolist() == [[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]


def test_as_many_others_are_others_and_as_many():
    chosen = torch.rand(200, 12, generator=generator()).argsort(dim=1) < torch.randint(
        1, 7, (200, 1), generator=generator()
    )

    others = ev.as_many_others(chosen, generator(1))

    assert not (chosen & others).any()
    assert torch.equal(others.sum(dim=1), chosen.sum(dim=1))
    assert (others.float().mean(dim=0) > 0.1).all()


def test_a_model_blind_to_all_patches_gives_every_image_one_answer_and_to_none_is_itself():
    model, drawn = vision.build(seed=4), shapes.sample(100, generator())
    none = torch.zeros(100, 16, dtype=torch.bool)
    rates = [(drawn.labels["shape"] == i).double().mean().item() for i in range(4)]

    assert ev.accuracy_blind_to(model, drawn, none) == ev.accuracy(model, drawn)
    assert any(ev.accuracy_blind_to(model, drawn, ~none) == pytest.approx(rate) for rate in rates)
    assert not any(point.hooks for point in model.hook_points().values())


def knowing(attribute):
    """A stand-in for a model: it looks the attribute up and says that number as the shape."""
    drawn = ev.unseen(1300, "all", stream=4)
    key = {tuple(image.flatten()[:40].tolist()): i for i, image in enumerate(drawn.images)}

    def model(pictures):
        rows = [key[tuple(image.flatten()[:40].tolist())] for image in pictures]
        scores = torch.zeros(len(pictures), len(shapes.WORDS))
        return scores.index_put_((torch.arange(len(rows)), 10 + drawn.labels[attribute][rows]), torch.tensor(1.0))

    return model


def test_a_model_that_knows_the_colour_follows_the_colour_and_one_that_knows_the_shape_the_shape():
    assert ev.followed(knowing("colour")) == (1, 0)
    assert ev.followed(knowing("shape")) == (0, 1)


def test_twins_start_from_the_same_weights_and_see_the_same_images(monkeypatch):
    def history(named):
        seen = []
        sample = shapes.sample
        monkeypatch.setattr(shapes, "sample", lambda *args: seen.append(sample(*args)) or seen[-1])
        run = Run("twin", seed=5)
        vision.train(run, named, updates=2)
        monkeypatch.setattr(shapes, "sample", sample)
        return [*run.checkpoints[0].values(), *(each.images for each in seen)]

    one, other = history(("shape",)), history(shapes.NAMED)

    assert len(one) == len(other) and all(map(torch.equal, one, other))


# What is shipped


@torch.no_grad()
def test_the_caption_model_finds_the_caption_of_an_image_among_all():
    model, drawn = zoo.load("shapes_captions"), shapes.sample(200, generator(77), "train")
    every = torch.tensor(list(itertools.product(range(2), range(2, 6), range(6, 10), range(10, 14))))

    found = every[model(drawn.images)[:, every].sum(dim=2).argmax(dim=1)]

    assert (found == shapes.caption_tokens(drawn.labels)).all(dim=1).double().mean() > 0.75


@pytest.mark.parametrize("name", ["shapes_labels", "shapes_shortcut"])
def test_a_model_with_shuffled_weights_fails_its_evidence(name):
    state = zoo.load(name).state_dict()
    mixed = {key: value.flatten()[torch.randperm(value.numel(), generator=generator())] for key, value in state.items()}
    mixed = {key: value.view_as(state[key]) for key, value in mixed.items()}
    trained = Trained(registry.recipe(name), lambda step: state if step == 0 else mixed, [0], [])

    figures = registry.recipe(name).evidence(trained)

    assert not all(figure.holds for figure in figures)
