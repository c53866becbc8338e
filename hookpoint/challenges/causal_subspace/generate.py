"""A network that computes s = S[a, b], u = U[c, d] and answers T[s, u], with s kept in three known dimensions.

Where s is, is decided before training: the network is trained through swaps, so that exchanging a random subspace of
three dimensions between two inputs exchanges s, and exchanging all the rest exchanges u. Into the rest a second copy of
s is written, louder more often than not, which these swaps and its own keep without effect.

Both are codes of three dimensions, seven points each, and at right angles in the six dimensions that codes of seven
values have. That matters: if the copy's coordinates went up and down with the real ones, a subspace that is read off
both would move both, and reading would be as good as using. How large each dimension is, is drawn, for both from ranges
that overlap: neither the loudest nor the quietest dimensions are always the real ones. And lest the weights of the next
layer tell, some of its hidden units are drawn at random and never trained: they read the copy and they write. All else
is trained around them until nothing of that reaches the answer, so no unit is the mirror image of another.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.zoo.dice import dice

from ..instance import Instance
from .given import VALUES, all_inputs, rest, site, swapped

__all__ = ["COPY", "DIMENSIONS", "Tables", "build", "codes", "generate", "interchange", "pairs", "solvable"]

WIDTH, HIDDEN, READERS = 48, 128, 32  # trained units in each hidden layer; units that read the copy
DIMENSIONS, COPY = 3, 3  # of the variable, of its copy
SIZES = {"planted": (4.0, 12.0), "copy": (4.0, 16.0)}  # of each dimension
APART = 0.6  # least distance of two values in the variable's code, before its dimensions are made larger
READ = (1.5, 5.5)  # of each dimension of the copy, by all readers
WRITTEN, BIAS = 1.5, 0.2  # what a reader writes into the logits, about, and its bias
STEPS, BATCH, RATE, DECAY = 1700, 384, 3e-3, 0.02
TRIES = 5
Tables = dict[str, Int[Tensor, "value value"]]


def generate(seed: int) -> Instance:
    """A network in which the planted subspace carries s and its copy nothing, with the key."""
    generator = dice(seed)
    for _ in range(TRIES):
        tables = {name: table(generator) for name in ("s", "u", "answer")}
        planted, copy = subspaces(generator)
        written = codes(generator)
        weights = build(tables, planted, copy, written, generator)
        if solvable(weights, tables, planted, copy, generator):
            tensors = {"planted": planted, "copy": copy}
            tensors |= {f"weights/{name}": one for name, one in weights.items()}
            tensors |= {f"tables/{name}": one for name, one in tables.items()}
            sizes = [[round(float(one), 2) for one in code.norm(dim=0)] for code in written]
            facts = {"planted_sizes": sizes[0], "copy_sizes": sizes[1], "chance": chance(weights, tables, generator)}
            return Instance("causal_subspace", seed, tensors, facts)
    raise RuntimeError(f"causal_subspace: {TRIES} draws of seed {seed} gave no network with its variable in place.")


def table(generator: torch.Generator) -> Int[Tensor, "value value"]:
    """A random relabelling of addition: each row and each column holds every value once."""
    first, second, third = (torch.randperm(VALUES, generator=generator) for _ in range(3))
    return third[(first[:, None] + second) % VALUES]


def subspaces(generator: torch.Generator) -> tuple[Float[Tensor, "d k"], Float[Tensor, "d copy"]]:
    """Random orthonormal bases for the variable and, at right angles to it, for its copy."""
    basis = torch.linalg.qr(torch.randn(WIDTH, DIMENSIONS + COPY, generator=generator))[0]
    return basis[:, :DIMENSIONS].contiguous(), basis[:, DIMENSIONS:].contiguous()


def codes(generator: torch.Generator) -> tuple[Float[Tensor, "value dimension"], Float[Tensor, "value copy"]]:
    """A point for each value: where the variable has it, and where the copy does."""
    real_size, copy_size = (torch.empty(3).uniform_(*SIZES[name], generator=generator) for name in ("planted", "copy"))
    while True:
        mixed = torch.randn(VALUES, DIMENSIONS + COPY, generator=generator)
        axes = torch.linalg.qr(mixed - mixed.mean(dim=0))[0]
        real, copied = axes[:, :DIMENSIONS], axes[:, DIMENSIONS:]
        if torch.pdist(real).min() >= APART:
            return real_size * real, copy_size * copied


def build(
    tables: Tables,
    planted: Tensor,
    copy: Tensor,
    written: tuple[Tensor, Tensor],
    generator: torch.Generator,
    steps: int = STEPS,
) -> dict[str, Tensor]:
    """The weights after training; `written` are the two codes."""
    weights = initial(generator)
    fixed = readers(copy, weights["U"], generator)
    weights |= {
        name: torch.cat([weights[name], one], dim=one.ndim - 1 if name == "B_in" else 0) for name, one in fixed.items()
    }
    # Were U trained, it would turn away from what the readers write.
    trained = [one.requires_grad_(True) for name, one in weights.items() if name != "U"]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=DECAY, fused=True)
    inputs = all_inputs()
    real, copied = written
    weight = 16 * COPY / copied.square().sum()  # by its size, so that a loud copy does not drown all else
    for step in range(steps):
        cosine = (1 + math.cos(math.pi * step / steps)) / 2
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * cosine)
        x, y = inputs[torch.randint(len(inputs), (2, BATCH), generator=generator)]
        loss = taught(weights, tables, planted, copy, x, y)
        here, s = site(weights, x), variable(tables, "s", x)
        loss = loss + F.mse_loss(here @ planted, real[s]) + weight * F.mse_loss(here @ copy, copied[s])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hold(weights, fixed)
    return shuffled(weights, generator)


def initial(generator: torch.Generator) -> dict[str, Tensor]:
    """Random weights, each column of about length 1."""
    shapes = {"E": (4, VALUES, WIDTH), "A_in": (WIDTH, HIDDEN), "A_out": (HIDDEN, WIDTH)}
    shapes |= {"B_in": (WIDTH, HIDDEN), "B_out": (HIDDEN, WIDTH), "U": (WIDTH, VALUES)}
    fans = {"E": WIDTH / 4}
    weights = {
        name: torch.randn(shape, generator=generator) / math.sqrt(fans.get(name, shape[0]))
        for name, shape in shapes.items()
    }
    return weights | {"a": torch.zeros(HIDDEN), "b": torch.zeros(HIDDEN)}


def taught(weights: dict[str, Tensor], tables: Tables, planted: Tensor, copy: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The loss of answering, and of answering after three swaps: the variable's, all the rest's, the copy's alone."""
    here, there = site(weights, x), site(weights, y)
    (s_x, u_x), (s_y, u_y) = ((variable(tables, "s", one), variable(tables, "u", one)) for one in (x, y))
    answer = tables["answer"]
    plain = F.cross_entropy(rest(weights, here), answer[s_x, u_x])
    moved = F.cross_entropy(rest(weights, swapped(here, there, planted)), answer[s_y, u_x])
    others = F.cross_entropy(rest(weights, swapped(there, here, planted)), answer[s_x, u_y])
    idle = F.cross_entropy(rest(weights, swapped(here, there, copy)), answer[s_x, u_x])
    return plain + moved + 0.5 * others + 0.5 * idle


def variable(tables: Tables, name: str, x: Int[Tensor, "n 4"]) -> Int[Tensor, " n"]:
    """The value of s or u for each input."""
    first, second = (x[:, 0], x[:, 1]) if name == "s" else (x[:, 2], x[:, 3])
    return tables[name][first, second]


def readers(copy: Tensor, U: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Hidden units behind the site that read the copy, and something of all else; what they write is random.

    How strongly they read each dimension of the copy is drawn, from less to more than what is read of the variable's.
    They are as long as trained units, and write as much.
    """
    gains = torch.empty(COPY, 1).uniform_(*READ, generator=generator)
    reads = copy @ (gains * torch.linalg.qr(torch.randn(READERS, COPY, generator=generator))[0].T)
    besides = 1.2 * torch.randn(WIDTH, READERS, generator=generator) / math.sqrt(WIDTH)
    rows = torch.randn(READERS, WIDTH, generator=generator)
    sizes = WRITTEN * torch.exp(0.6 * torch.randn(READERS, 1, generator=generator))
    return {
        "B_in": reads + besides - copy @ (copy.T @ besides),
        "b": BIAS + 0.3 * torch.randn(READERS, generator=generator),
        "B_out": sizes * rows / (rows @ U).norm(dim=1, keepdim=True),
    }


@torch.no_grad()
def hold(weights: dict[str, Tensor], fixed: dict[str, Tensor]) -> None:
    """The readers, which stand last, as they were before the update."""
    weights["B_in"][:, HIDDEN:] = fixed["B_in"]
    weights["b"][HIDDEN:] = fixed["b"]
    weights["B_out"][HIDDEN:] = fixed["B_out"]


def shuffled(weights: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """The same network, detached, with the hidden units behind the site in a random order."""
    order = torch.randperm(HIDDEN + READERS, generator=generator)
    weights = {name: one.detach() for name, one in weights.items()}
    mixed = {"B_in": weights["B_in"][:, order], "b": weights["b"][order], "B_out": weights["B_out"][order]}
    return weights | mixed


# Whether it can be solved


def pairs(tables: Tables, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """n bases, n sources, and the answers that the swap of s should give; all differ from the bases' own answers."""
    inputs = all_inputs()
    base, source = inputs[torch.randint(len(inputs), (2, 2 * n + 100), generator=generator)]
    wanted = tables["answer"][variable(tables, "s", source), variable(tables, "u", base)]
    differs = variable(tables, "s", source) != variable(tables, "s", base)
    return base[differs][:n], source[differs][:n], wanted[differs][:n]


@torch.no_grad()
def interchange(weights: dict[str, Tensor], basis: Tensor, base: Tensor, source: Tensor, wanted: Tensor) -> float:
    """Interchange accuracy: how often the swap of that subspace gives the wanted answer."""
    after = rest(weights, swapped(site(weights, base), site(weights, source), basis))
    return (after.argmax(dim=1) == wanted).float().mean().item()


def chance(weights: dict[str, Tensor], tables: Tables, generator: torch.Generator) -> float:
    """The best interchange accuracy among fifty random subspaces of four dimensions."""
    drawn = pairs(tables, 1000, generator)
    bases = torch.linalg.qr(torch.randn(50, WIDTH, 4, generator=generator))[0]
    return max(interchange(weights, basis, *drawn) for basis in bases)


@torch.no_grad()
def solvable(
    weights: dict[str, Tensor], tables: Tables, planted: Tensor, copy: Tensor, generator: torch.Generator
) -> bool:
    """Whether the network is right on every input, the planted swap works, and that of the copy does nothing."""
    inputs = all_inputs()
    wanted = tables["answer"][variable(tables, "s", inputs), variable(tables, "u", inputs)]
    right = (rest(weights, site(weights, inputs)).argmax(dim=1) == wanted).float().mean().item()
    drawn = pairs(tables, 2000, generator)
    return (
        right >= 0.999 and interchange(weights, planted, *drawn) >= 0.98 and interchange(weights, copy, *drawn) <= 0.2
    )
