"""Checks for `init_weights` (part 1, notebook 04)."""

import math
from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.model import Config

from ._functional import drawn, gpt2_shapes

# Every matrix has more than 1,000 entries, so that its standard deviation is known well. init_range is far from 0.02,
# so that a number typed in does not pass.
CFG = Config(d_vocab=61, n_ctx=47, d_model=23, n_layers=3, n_heads=3, d_head=17, d_mlp=53, init_range=0.3)
RESIDUAL = ("W_O", "W_out")
CHANCE = 6.0  # standard errors; a right answer is further off once in 500 million draws


def kind(name):
    return name.rpartition(".")[-1]


def is_matrix(name):
    return kind(name).startswith("W_")


def expected_std(name, cfg):
    return cfg.init_range / (math.sqrt(2 * cfg.n_layers) if kind(name) in RESIDUAL else 1.0)


def used(learner, draw, seed, cfg=CFG, dtype=torch.float32):
    """The weights of a model of ours after the learner's function; before it, they are anything but right."""
    model = learner.given.gpt2(cfg, None)
    before = drawn(draw, gpt2_shapes(cfg), dtype)
    learner.given.load(model, {name: weight + 0.7 for name, weight in before.items()})
    learner.init_weights(model, seed)
    return learner.given.weights(model)


def constants(learner, draw):
    """Every bias is 0 and every LayerNorm gain 1, whatever they were before."""
    for name, weight in used(learner, draw, draw.number(1, 1000), replace(CFG, n_layers=1)).items():
        want = 1.0 if kind(name) == "w" else 0.0
        if not is_matrix(name) and (weight != want).any():
            off = weight[weight != want][0].item()
            raise Mismatch(f"leaves {off:.4f} in {name}, expected {want:.0f} everywhere.")


def spread(learner, draw):
    """Every matrix has mean 0 and standard deviation init_range; W_O and W_out that divided by sqrt(2 n_layers)."""
    for layers in (CFG.n_layers, 2):
        cfg = replace(CFG, n_layers=layers)
        weights = used(learner, draw, draw.number(1, 1000), cfg)
        matrices = {
            name: weight.double() / expected_std(name, cfg) for name, weight in weights.items() if is_matrix(name)
        }
        for name, standard in matrices.items():
            standardised(name, standard, expected_std(name, cfg))
        for what, writes in (("W_O and W_out", True), ("the other matrices", False)):
            group = [matrices[name].flatten() for name in matrices if (kind(name) in RESIDUAL) == writes]
            standardised(
                f"{what} together", torch.cat(group), cfg.init_range / (math.sqrt(2 * layers) if writes else 1)
            )
        bell_shaped(torch.cat([standard.flatten() for standard in matrices.values()]))


def standardised(name, standard, std):
    """Raises `Mismatch` unless the numbers, divided by the expected `std`, have mean 0 and standard deviation 1."""
    found, mean, room = (
        standard.square().mean().sqrt().item(),
        standard.mean().item(),
        CHANCE / math.sqrt(standard.numel()),
    )
    if not abs(found - 1) < room / math.sqrt(2):
        line = f"  By chance it would be within {room / math.sqrt(2):.0%} of that."
        raise Mismatch(f"gives {name} a standard deviation of {found * std:.4f}, expected {std:.4f}.", line)
    if not abs(mean) < room:
        raise Mismatch(f"gives {name} a mean of {mean * std:.4f}, expected 0.")


def bell_shaped(standard):
    """Raises `Mismatch` unless the fourth moment is that of a normal distribution."""
    found = standard.pow(4).mean().item()
    if not abs(found - 3) < CHANCE * math.sqrt(96 / standard.numel()):  # 96 is the variance of the fourth power
        line = f"  The mean fourth power, in standard deviations, is {found:.2f}; normal numbers have 3.00."
        raise Mismatch("gives the matrices numbers that are not normally distributed.", line)
    largest = standard.abs().max().item()
    if not largest > 3.05:  # of 18,000 normal numbers about 40 are larger
        line = f"  The largest of all is {largest:.2f} standard deviations from 0: is there a limit?"
        raise Mismatch("gives the matrices numbers that are not normally distributed.", line)


def independent(learner, draw):
    """No matrix, and no head within one, repeats the numbers of another."""
    weights = used(learner, draw, draw.number(1, 1000), replace(CFG, n_layers=2))
    pieces = {name: weight.flatten() for name, weight in weights.items() if is_matrix(name)}
    pieces["the transpose of unembed.W_U"] = weights["unembed.W_U"].T.flatten()
    for name in ("W_Q", "W_K", "W_V", "W_O"):
        for head, matrix in enumerate(weights[f"blocks.1.attn.{name}"]):
            pieces[f"head {head} of blocks.1.attn.{name}"] = matrix.flatten()
    length = min(len(piece) for piece in pieces.values())
    table = torch.stack([piece[:length].double() for piece in pieces.values()])
    alike = torch.corrcoef(table).abs() > 0.6  # chance gives at most 0.3; a piece is compared with its whole, too
    names = list(pieces)
    for one, other in torch.triu(alike, 1).nonzero().tolist():
        if names[one] != names[other].partition(" of ")[2]:
            raise Mismatch(f"gives {names[one]} and {names[other]} the same random numbers.")


def seeded(learner, draw):
    """The same seed gives the same weights whatever the model held before, and another seed gives others."""
    seed = draw.number(1, 1000)
    small = replace(CFG, n_layers=1)
    once, again, other = (used(learner, draw, number, small) for number in (seed, seed, seed + 1))
    for name in filter(is_matrix, once):
        if not torch.equal(once[name], again[name]):
            line = "  Is every number drawn from a generator with this seed, and no old weight kept?"
            raise Mismatch(f"gives {name} other numbers when it is called again with the same seed.", line)
        if torch.equal(once[name], other[name]):
            raise Mismatch(f"gives {name} the same numbers for two different seeds.")


def in_place(learner, draw):
    """It keeps the parameters it is given: the objects, their dtype, and that they can be trained."""
    model = learner.given.gpt2(replace(CFG, n_layers=1), None)
    learner.given.to_dtype(model, torch.float64)
    held = learner.given.parameter(torch.zeros(CFG.d_vocab, CFG.d_model, dtype=torch.float64))
    model.embed.W_E = held
    learner.init_weights(model, 0)
    weights = learner.given.weights(model)
    for name, weight in weights.items():
        if weight.dtype != torch.float64:
            raise Mismatch(f"turns {name} from float64 into {str(weight.dtype).removeprefix('torch.')}.")
    for name, on in learner.given.traces(model)["requires_grad"].items():
        if not on:
            raise Mismatch(f"leaves {name} with requires_grad off, so it could not be trained.")
    if not torch.equal(learner.given.fetch(held, "data"), weights["embed.W_E"]):
        line = "  An optimiser made before would go on with the old ones: fill those that are there, in place."
        raise Mismatch("puts new parameters in the place of the model's own.", line)


@torch.no_grad()
def initialise(model, seed, rule, fresh=False):
    """Draws for each parameter what the rule says: (name, cfg) -> (mean, standard deviation)."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if fresh:
            generator.manual_seed(seed)
        mean, std = rule(name, model.cfg)
        if std:
            parameter.normal_(mean, std, generator=generator)
        else:
            parameter.fill_(mean)


def right(name, cfg):
    return (0.0, expected_std(name, cfg)) if is_matrix(name) else (float(kind(name) == "w"), 0.0)


def unscaled(model, seed):
    initialise(model, seed, lambda name, cfg: (0.0, cfg.init_range) if is_matrix(name) else right(name, cfg))


def without_the_two(model, seed):
    initialise(model, seed, lambda name, cfg: scaled_by(name, cfg, cfg.n_layers**-0.5))


def without_the_root(model, seed):
    initialise(model, seed, lambda name, cfg: scaled_by(name, cfg, 0.5 / cfg.n_layers))


def scaled_by(name, cfg, factor):
    mean, std = right(name, cfg)
    return mean, cfg.init_range * factor if kind(name) in RESIDUAL else std


def attention_alone_scaled(model, seed):
    initialise(model, seed, lambda name, cfg: (0.0, cfg.init_range) if kind(name) == "W_out" else right(name, cfg))


def mlp_alone_scaled(model, seed):
    initialise(model, seed, lambda name, cfg: (0.0, cfg.init_range) if kind(name) == "W_O" else right(name, cfg))


def all_scaled(model, seed):
    def rule(name, cfg):
        return (0.0, cfg.init_range / math.sqrt(2 * cfg.n_layers)) if is_matrix(name) else right(name, cfg)

    initialise(model, seed, rule)


def typed_in(model, seed):
    initialise(model, seed, lambda name, cfg: right(name, replace(cfg, init_range=0.02)))


def as_variance(model, seed):
    initialise(model, seed, lambda name, cfg: tuple(value if value == 1 else value**0.5 for value in right(name, cfg)))


def positions_halved(model, seed):
    initialise(model, seed, lambda name, cfg: (0.0, cfg.init_range / 2) if kind(name) == "W_pos" else right(name, cfg))


def random_biases(model, seed):
    def rule(name, cfg):
        return (0.0, cfg.init_range) if kind(name).startswith("b") else right(name, cfg)

    initialise(model, seed, rule)


def random_gains(model, seed):
    initialise(model, seed, lambda name, cfg: (0.0, cfg.init_range) if kind(name) == "w" else right(name, cfg))


def gains_zero(model, seed):
    initialise(model, seed, lambda name, cfg: (0.0, 0.0) if kind(name) == "w" else right(name, cfg))


@torch.no_grad()
def matrices_only(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if is_matrix(name):
            parameter.normal_(0, expected_std(name, model.cfg), generator=generator)


def same_draw(model, seed):
    initialise(model, seed, right, fresh=True)


def fixed_seed(model, seed):
    initialise(model, 0, right)


@torch.no_grad()
def uniform(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        mean, std = right(name, model.cfg)
        parameter.fill_(mean) if not std else parameter.uniform_(-(3**0.5) * std, 3**0.5 * std, generator=generator)


@torch.no_grad()
def added(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        mean, std = right(name, model.cfg)
        parameter.fill_(mean) if not std else parameter.add_(torch.randn(parameter.shape, generator=generator) * std)


def new_parameters(model, seed):
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(parameter.detach().clone()))
    initialise(model, seed, right)


def replaced(model, seed):
    initialise(model.float(), seed, right)


def frozen(model, seed):
    model.requires_grad_(False)
    initialise(model, seed, right)


def new_model(model, seed):
    return type(model)(model.cfg)


EXERCISE = Exercise(
    "init_weights",
    checks=(constants, spread, independent, seeded, in_place),
    slips=(
        Slip("W_O and W_out are not scaled down", unscaled),
        Slip("W_O and W_out are divided by sqrt(n_layers), though each layer writes twice", without_the_two),
        Slip("W_O and W_out are divided by 2 n_layers, without the root", without_the_root),
        Slip("W_O is scaled down but W_out is not", attention_alone_scaled),
        Slip("W_out is scaled down but W_O is not", mlp_alone_scaled),
        Slip("every matrix is scaled down, not only W_O and W_out", all_scaled),
        Slip("0.02 is typed in, where the model's own cfg.init_range belongs", typed_in),
        Slip("the numbers are multiplied by the root of the standard deviation", as_variance),
        Slip("W_pos gets half the standard deviation of the others", positions_halved),
        Slip("the biases are drawn at random", random_biases),
        Slip("the LayerNorm gains are drawn at random", random_gains),
        Slip("the LayerNorm gains are set to 0, which silences every layer", gains_zero),
        Slip("only the matrices are set, and gains and biases stay as they were", matrices_only),
        Slip("the generator is seeded anew for every matrix, so all begin with the same numbers", same_draw),
        Slip("the seed is ignored", fixed_seed),
        Slip("the numbers are uniform instead of normal", uniform),
        Slip("the random numbers are added to the old weights instead of replacing them", added),
        Slip("every parameter is replaced by a new nn.Parameter", new_parameters),
        Slip("the model is turned into float32", replaced),
        Slip("the parameters are left with requires_grad off", frozen),
        Slip("a new model is made and the one that was given is left as it was", new_model),
    ),
)
