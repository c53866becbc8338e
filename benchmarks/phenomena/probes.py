"""Notebook 14: what probes and CCS find in trained models, and what in networks that were never trained."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint import zoo
from hookpoint.interp.probes import (
    causal_check,
    ccs_normalise,
    control_labels,
    fit_ccs,
    map_activations,
    mass_mean_probe,
    probe_accuracy_by_layer,
    selectivity,
    split_by_group,
    standardise,
)
from hookpoint.model import GPT2
from hookpoint.zoo import stories
from hookpoint.zoo.data import dyck
from hookpoint.zoo.recipes.factcheck_evidence import States, states
from hookpoint.zoo.stories import verdicts


def rows() -> list[dict]:
    """Each finding beside its control."""
    return [*truth(), *without_labels(), *use(), balance(), number()]


def row(model: str, what: str, figure: float | str, control: float | str) -> dict:
    return {"model": model, "what": what, "figure": figure, "control": control}


@cache
def loaded(name: str, trained: bool) -> GPT2:
    model = zoo.load(name)
    return model if trained else GPT2(model.cfg, seed=0)


def read(pairs: States) -> float:
    """The held-out accuracy of a probe for truth on single statements; people are held out."""
    X, y = torch.cat(pairs[:2]), torch.cat([pairs.label, ~pairs.label])
    return probe_accuracy_by_layer(X[None], y, pairs.person.repeat(2), 0)["accuracy"].item()


def truth() -> list[dict]:
    model, untrained = loaded("factcheck", True), loaded("factcheck", False)
    judged, strangers = (states(model, people, 1) for people in (verdicts.JUDGED, verdicts.NEVER_JUDGED))
    mapped = map_activations(torch.cat(judged[:2]), 1)
    side = mapped["coords"][:, 0] > 0
    agreement = (side == torch.cat([judged.label, ~judged.label])).float().mean().item()
    return [
        row(
            "factcheck", "truth of statements, new judged people (control: never judged)", read(judged), read(strangers)
        ),
        row(
            "factcheck", "the same (control: random network)", read(judged), read(states(untrained, verdicts.JUDGED, 1))
        ),
        row("factcheck", "first component, share of variance", mapped["explained"].item(), mapped["control"].item()),
        row("factcheck", "first component tells truth (control: guessing)", max(agreement, 1 - agreement), 0.5),
    ]


def found_by_ccs(pairs: States, normalise: bool) -> tuple[float, float]:
    """How often CCS tells the true one of a pair, by the better reading, and how often it names the same side."""
    split = split_by_group(pairs.one, pairs.label, pairs.person, 0)
    train, test = split["train"], torch.cat([split["val"], split["test"]])
    fits, tests = (tuple(side[part] for side in pairs[:2]) for part in (train, test))
    if normalise:
        fits, tests = ccs_normalise(*fits), tuple(map(standardise, fits, tests))
    w, _, _ = fit_ccs(*fits)
    says = (tests[0] - tests[1]) @ w > 0
    right, side = ((says == pairs.label[test]).float().mean().item(), says.float().mean().item())
    return max(right, 1 - right), max(side, 1 - side)


def without_labels() -> list[dict]:
    model = loaded("factcheck", True)
    before = states(model, verdicts.JUDGED, 1)
    after = states(model, verdicts.JUDGED, 1, after_verdict=True)
    return [
        row("factcheck", "CCS, truth, before the verdict (control: after it)", *truths(before, after)),
        row("factcheck", "CCS after the verdict, same side (control: normalised)", *sides(after)),
    ]


def truths(before: States, after: States) -> tuple[float, float]:
    return found_by_ccs(before, True)[0], found_by_ccs(after, True)[0]


def sides(after: States) -> tuple[float, float]:
    return found_by_ccs(after, False)[1], found_by_ccs(after, True)[1]


def use() -> list[dict]:
    model = loaded("factcheck", True)
    true, false = (model.tokenizer.token_id(word) for word in (" true", " false"))
    judged = states(model, verdicts.JUDGED, 1)
    w, _ = mass_mean_probe(torch.cat(judged[:2]), torch.cat([judged.label, ~judged.label]))
    pairs = verdicts.pairs(verdicts.JUDGED, "city")
    tokens = torch.where(pairs.one_is_true[:, None], pairs.two, pairs.one)

    def log_odds(logits: Tensor) -> Tensor:
        return (logits[:, -1, true] - logits[:, -1, false]).mean()

    found = causal_check(model, 1, w, w.norm().item(), tokens, log_odds, n_random=50)
    reads = (model.unembed.W_U[:, true] - model.unembed.W_U[:, false]).detach()
    across = torch.randn(200, len(w), generator=torch.Generator().manual_seed(0))
    return [
        row("factcheck", "push along truth, log odds of the verdict (control: p)", found["effect"], found["p_value"]),
        row(
            "factcheck",
            "cosine of truth with what the unembedding reads (control: random, mean size)",
            F.cosine_similarity(w, reads, dim=0).item(),
            F.cosine_similarity(across, reads[None]).abs().mean().item(),
        ),
    ]


@torch.no_grad()
def balance() -> dict:
    """Balanced or not, among words with as many opening as closing brackets, read after the first block."""
    sequences, verdict = dyck.bracket_sequences(600, torch.Generator().manual_seed(0), "held_out")
    even = (sequences == dyck.OPEN).sum(dim=1) == (sequences == dyck.CLOSE).sum(dim=1)
    sequences, label = sequences[even], verdict[even] == dyck.BALANCED
    found = []
    for trained in (True, False):
        site = "blocks.1.hook_resid_post"
        X = loaded("brackets", trained).run_with_cache(sequences, site)[1][site][:, -1]
        found.append(probe_accuracy_by_layer(X[None], label, torch.arange(len(label)), 0)["accuracy"].item())
    return row("brackets", "balanced, read after block 1 (control: random network; guessing 0.6)", *found)


@torch.no_grad()
def number() -> dict:
    """The subject's number before the verb: selectivity against a class for each noun."""
    asked = stories.prompts("agreement", 600, torch.Generator().manual_seed(0), split="train")
    at = torch.arange(len(asked.tokens))
    plural = torch.tensor([passage.facts["number"] == "plural" for passage in asked.passages])
    classes = control_labels(asked.tokens[at, asked.positions["subject"]], 2, seed=1)
    found = []
    for trained in (True, False):
        model = loaded("stories", trained)
        site = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
        X = model.run_with_cache(asked.tokens, site)[1][site][at, asked.last]
        task, control = (
            probe_accuracy_by_layer(X[None], labels, at, 0)["accuracy"].item() for labels in (plural, classes)
        )
        found.append(selectivity(task, control))
    return row("stories", "subject's number, selectivity of a probe (control: random network)", *found)
