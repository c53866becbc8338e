"""Is there a direction of truth, and does it need labels to be found? Verdicts, a linear probe, and CCS.

All three are asked at "That is", before the verdict: the state there is read after a block, for pairs of statements of
which one is true (stories/verdicts.py). A probe is fitted on the statements about some people and tested on those about
others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.zoo.definition import Figure, Trained
from hookpoint.zoo.stories import tokenizer, verdicts

SEEDS = 10


class States(NamedTuple):
    """States of pairs of statements; of each pair one statement is true.

    Attributes:
        one: The first statements' states.
        two: The second ones'.
        label: Whether the first one is true.
        person: Whom the pair is about.
    """

    one: Float[Tensor, "n d_model"]
    two: Float[Tensor, "n d_model"]
    label: Bool[Tensor, " n"]
    person: Int[Tensor, " n"]

    def of(self, rows: Tensor) -> "States":
        return States(*(each[rows] for each in self))


# Verdicts


@torch.no_grad()
def verdict_accuracy(model: GPT2, people: Sequence[str]) -> float:
    """The share of right verdicts on statements about the people, as many true ones as false ones."""
    true, false = (tokenizer().token_id(each) for each in (" true", " false"))
    right = []
    for relation in verdicts.VALUES:
        for predicate in range(2):
            pairs = verdicts.pairs(people, relation, predicate=predicate)
            for tokens, label in (pairs.one, pairs.one_is_true), (pairs.two, ~pairs.one_is_true):
                logits = model(tokens)[:, -1]
                right.append((logits[:, true] > logits[:, false]) == label)
    return torch.cat(right).float().mean().item()


# States


@torch.no_grad()
def states(model: GPT2, people: Sequence[str], layer: int, *, after_verdict: bool = False) -> States:
    """The states of pairs of statements about the people's relations.

    Before the verdict the pair is a true and a false statement. After it, as the control, the pair is one statement
    with the verdict "true" and with "false", and the state is that at the verdict.
    """
    site = f"blocks.{layer}.hook_resid_post"
    true, false = (tokenizer().token_id(each) for each in (" true", " false"))
    parts = []
    for relation in verdicts.VALUES:
        pairs = verdicts.pairs(people, relation, seed=1)
        one, two = pairs.one, pairs.two
        if after_verdict:
            one, two = (F.pad(pairs.one, (0, 1), value=verdict) for verdict in (true, false))
        read = [model.run_with_cache(tokens, site)[1][site][:, -1] for tokens in (one, two)]
        parts.append(States(*read, pairs.one_is_true, pairs.person))
    return States(*(torch.cat(each) for each in zip(*parts, strict=True)))


def normalised(pairs: States, by: States) -> States:
    """Each side of the pairs with the mean and the scale of that side of `by` removed.

    Side by side, so that a difference between the sides as such, the words "true" and "false", cannot be learned.
    """
    sides = [(own - of.mean(dim=0)) / (of.std(dim=0) + 1e-4) for own, of in zip(pairs[:2], by[:2], strict=True)]
    return States(*sides, *pairs[2:])


def split_by_person(pairs: States, share: float = 0.6) -> tuple[States, States]:
    """The pairs about some of the people, and those about the others."""
    order = torch.randperm(int(pairs.person.max()) + 1, generator=torch.Generator().manual_seed(0))
    chosen = torch.isin(pairs.person, order[: int(share * len(order))])
    return pairs.of(chosen), pairs.of(~chosen)


# Probes


def probe_accuracy(fit: States, test: States, labels: Bool[Tensor, " n"] | None = None) -> float:
    """How often a linear probe, fitted on one part, tells true from false statements of the other.

    Args:
        fit: Statements the probe learns from.
        test: Statements it is asked about.
        labels: Other labels to learn from, for a control.
    """
    labels = fit.label if labels is None else labels
    # The probe sees single statements: the pairs' own order must not help.
    seen, asked = (torch.cat(normalised(each, fit)[:2]) for each in (fit, test))
    seen, asked = (torch.cat([each, torch.ones(len(each), 1)], dim=1) for each in (seen, asked))
    wanted = torch.cat([labels, ~labels]).float() * 2 - 1
    direction = torch.linalg.solve(seen.T @ seen + 10 * torch.eye(seen.shape[1]), seen.T @ wanted)
    return ((asked @ direction > 0) == torch.cat([test.label, ~test.label])).float().mean().item()


def ccs_accuracies(fit: States, test: States, steps: int = 300) -> list[float]:
    """How often each of `SEEDS` CCS probes tells which of two statements is true; no label is used to fit them.

    Contrast-consistent search (Burns et al. 2022): a probability that is the opposite for the two of a pair, and sure.
    It cannot know which end means true, so the better of both readings of a probe counts, one reading for all pairs.
    """
    one, two, *_ = normalised(fit, fit)
    generator = torch.Generator().manual_seed(0)
    direction = (torch.randn(SEEDS, one.shape[1], generator=generator) / 8).requires_grad_()
    shift = torch.zeros(SEEDS, requires_grad=True)
    optimizer = torch.optim.AdamW([direction, shift], lr=1e-2, weight_decay=0.01)
    for _ in range(steps):
        p, q = ((each @ direction.T + shift).sigmoid() for each in (one, two))
        loss = ((p + q - 1).square() + torch.minimum(p, q).square()).mean(dim=0).sum()
        direction.grad, shift.grad = torch.autograd.grad(loss, [direction, shift])
        optimizer.step()
    one, two, label, _ = normalised(test, fit)
    # The shift cancels in the difference of the two.
    right = ((((one - two) @ direction.detach().T) > 0) == label[:, None]).float().mean(dim=0)
    return torch.maximum(right, 1 - right).tolist()


# Evidence


def evidence(trained: Trained) -> list[Figure]:
    """Truth has a direction, found with and without labels, and only where the model was taught to judge."""
    model = trained.model
    last = model.cfg.n_layers - 1
    fit, test = split_by_person(states(model, verdicts.JUDGED, last))
    strangers = states(model, verdicts.NEVER_JUDGED, last)
    after = split_by_person(states(model, verdicts.JUDGED, last, after_verdict=True))
    shuffled = fit.label[torch.randperm(len(fit.label), generator=torch.Generator().manual_seed(0))]
    found = ccs_accuracies(fit, test)
    return [
        Figure("verdicts, judged people", verdict_accuracy(model, verdicts.JUDGED), low=0.95),
        Figure("verdicts, people never judged", verdict_accuracy(model, verdicts.NEVER_JUDGED), high=0.7, control=True),
        Figure("linear probe before the verdict, other judged people", probe_accuracy(fit, test), low=0.95),
        Figure("linear probe, shuffled labels", probe_accuracy(fit, test, shuffled), low=0.2, high=0.8, control=True),
        Figure("linear probe, people never judged", probe_accuracy(fit, strangers), high=0.7, control=True),
        Figure("CCS before the verdict, other judged people, worst seed", min(found), low=0.9),
        Figure("CCS, people never judged, best seed", max(ccs_accuracies(fit, strangers)), high=0.7, control=True),
        Figure("CCS after the verdict, best seed", max(ccs_accuracies(*after)), high=0.7, control=True),
    ]
