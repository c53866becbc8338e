"""A model that knows which statements are true, and its states after them, with features louder than truth put in."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.dice import dice
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run
from hookpoint.zoo.training import single_thread

from ..instance import Instance

__all__ = ["WIDTH", "difference", "generate"]

PEOPLE, RELATIONS, VALUES = 48, 2, 12
TRUE, FALSE = 1, 2  # token 0 is BOS
FIRST_PERSON = 3
FIRST_RELATION = FIRST_PERSON + PEOPLE
FIRST_VALUE = FIRST_RELATION + RELATIONS
QUERY = FIRST_VALUE + VALUES
WIDTH = 64
GROUPS, PRIVATE = 400, 1000
MOST_DISTRACTORS = 6
NOISE = 0.6  # of the root mean square of the differences
STEPS, BATCH = 300, 128
LEAST_ACCURACY, LEAST_PROBE = 0.98, 0.468


def generate(seed: int) -> Instance:
    """Groups without labels, and labelled pairs about other people; drawn again until a supervised probe solves it."""
    generator = dice(seed)
    while True:
        facts = torch.randint(VALUES, (PEOPLE, RELATIONS), generator=generator)
        with single_thread():
            model, accuracy = trained(facts, generator)
        if accuracy >= LEAST_ACCURACY:
            break
    while True:
        tensors = drawn(model, facts, generator)
        if difference(tensors, probe(tensors)) >= LEAST_PROBE:
            return Instance("truth_without_labels", seed, tensors, {"distractors": tensors["distractors"].shape[1]})


def trained(facts: Int[Tensor, "person relation"], generator: torch.Generator) -> tuple[GPT2, float]:
    """A model that says of `BOS person relation value query` whether it is true, and how often it is right."""
    sizes = {"d_model": WIDTH, "n_layers": 2, "n_heads": 4, "d_head": 16, "d_mlp": 256}
    seed = int(torch.randint(2**62, (), generator=generator))
    model = GPT2(Config(d_vocab=QUERY + 1, n_ctx=5, init_range=0.15, **sizes), seed=seed)

    def loss(model: GPT2, generator: torch.Generator) -> Tensor:
        tokens, is_true = statements(facts, BATCH, generator)
        logits = fast_logits(model, tokens, last_only=True)[:, -1]
        return F.cross_entropy(logits, torch.where(is_true, TRUE, FALSE))

    run = Run("truth", seed)
    fit(run, model, loss, STEPS, lr=3e-3, weight_decay=0.01, warmup=30, cosine_to=0.05, every=STEPS)
    tokens, is_true = statements(facts, 2000, generator)
    with torch.no_grad():
        said = fast_logits(model, tokens, last_only=True)[:, -1].argmax(dim=-1)
    return model, (said == torch.where(is_true, TRUE, FALSE)).float().mean().item()


def statements(facts: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random statements, half of them true, and whether they are."""
    person = torch.randint(PEOPLE, (n,), generator=generator)
    relation = torch.randint(RELATIONS, (n,), generator=generator)
    is_true = torch.rand(n, generator=generator) < 0.5
    value = facts[person, relation]
    return said(person, relation, torch.where(is_true, value, another(value, generator))), is_true


def another(value: Int[Tensor, " n"], generator: torch.Generator) -> Int[Tensor, " n"]:
    """Another value in each place, all others equally likely."""
    return (value + torch.randint(1, VALUES, value.shape, generator=generator)) % VALUES


def said(person: Tensor, relation: Tensor, value: Tensor) -> Int[Tensor, "n 5"]:
    """The tokens of statements."""
    columns = [FIRST_PERSON + person, FIRST_RELATION + relation, FIRST_VALUE + value]
    return torch.stack([torch.zeros_like(person), *columns, torch.full_like(person, QUERY)], dim=1)


@torch.no_grad()
def pairs(
    model: GPT2, facts: Tensor, first_is_true: Tensor, people: tuple[int, int], times: int, generator: torch.Generator
) -> Float[Tensor, "n time 2 d_model"]:
    """What the model holds of a true and a false statement about one fact; anew for each time, with another false one.

    Args:
        first_is_true: For each fact, the order of the two.
        people: The range of people that the facts are about.
    """
    n, site = len(first_is_true), "blocks.1.hook_resid_post"
    person = torch.randint(*people, (n,), generator=generator)
    relation = torch.randint(RELATIONS, (n,), generator=generator)
    value = facts[person, relation]

    def held(value: Tensor) -> Tensor:
        return model.run_with_cache(said(person, relation, value), site)[1][site][:, -1]

    order = first_is_true[:, None]
    rows = []
    for _ in range(times):
        true, false = held(value), held(another(value, generator))
        rows.append(torch.stack([torch.where(order, true, false), torch.where(order, false, true)], dim=1))
    return torch.stack(rows, dim=1)


def drawn(model: GPT2, facts: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Groups about the first half of the people, pairs about the second; with distractors and noise, and turned."""
    order, private_order = (torch.rand(n, generator=generator) < 0.5 for n in (GROUPS, PRIVATE))
    groups = pairs(model, facts, order, (0, PEOPLE // 2), 2, generator)
    private = pairs(model, facts, private_order, (PEOPLE // 2, PEOPLE), 1, generator)
    middle = groups.mean(dim=(0, 1, 2))
    gaps = groups[:, :, 0] - groups[:, :, 1]
    size = gaps.square().mean().sqrt()
    sign = torch.where(order, 1.0, -1.0)[:, None, None]
    truth = (gaps * sign).mean(dim=(0, 1)).norm()  # between the means of true and false statements
    loud = directions(truth, generator)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator))[0]

    def disturbed(states: Tensor) -> tuple[Tensor, Tensor]:
        signs = torch.randint(2, (*states.shape[:2], loud.shape[1]), generator=generator) * 2.0 - 1
        shift = signs @ loud.T / 2
        noise = NOISE * size * torch.randn(states.shape, generator=generator)
        return (states - middle + torch.stack([shift, -shift], dim=2) + noise) @ turn, signs

    groups, _ = disturbed(groups)
    private, signs = disturbed(private)
    gap = (private[:, 0, 0] - private[:, 0, 1]).clone()
    return {"groups": groups, "order": order, "gaps": gap, "is_true": private_order, "distractors": signs[:, 0] > 0}


def directions(truth: Tensor, generator: torch.Generator) -> Float[Tensor, "d_model distractor"]:
    """Three to six distractors at right angles, as long as they are loud: one far louder than truth, others maybe."""
    number = int(torch.randint(3, MOST_DISTRACTORS + 1, (), generator=generator))
    loudness = 0.6 * 6.0 ** torch.rand(number, generator=generator)  # 0.6 to 3.6 times as loud as truth
    loudness[0] = 2.5 + torch.rand((), generator=generator)
    return torch.linalg.qr(torch.randn(WIDTH, number, generator=generator))[0] * loudness * truth


def probe(tensors: dict[str, Tensor]) -> Float[Tensor, " d_model"]:
    """The direction that a ridge regression finds with the labels: what could be reached if one were told."""
    gaps = (tensors["groups"][:, :, 0] - tensors["groups"][:, :, 1]).flatten(0, 1)
    labels = torch.where(tensors["order"], 1.0, -1.0).repeat_interleave(2)
    second = gaps.T @ gaps
    return torch.linalg.solve(second + 1e-3 * second.diag().mean() * torch.eye(WIDTH), gaps.T @ labels)


def difference(tensors: dict[str, Tensor], direction: Tensor) -> float:
    """How much better the direction tells truth than the distractor that it tells best, on the private pairs."""
    side = tensors["gaps"].double() @ direction.double() > 0
    truth, *others = [tensors["is_true"], *tensors["distractors"].T]
    return told(side, truth) - max(told(side, each) for each in others)


def told(side: Tensor, feature: Tensor) -> float:
    """How often the side tells the feature; the better of the two signs."""
    share = (side == feature).double().mean().item()
    return max(share, 1 - share)
