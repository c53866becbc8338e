"""Where a fact about a resident is looked up, and what becomes of it when it is changed there.

`restored` is causal tracing (Meng et al. 2022, section 2): noise on both names, one state put back. `exchanged` puts in
another resident's state instead and asks whose value is said. `outcome` asks a model that was edited (facts_editing.py)
about everything that should and should not have changed.

A question's subject is at `FIRST` and `LAST` (stories/residents.py), the same in every row.
"""

import random
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2
from hookpoint.zoo.definition import Figure, Trained
from hookpoint.zoo.stories import residents, tokenizer
from hookpoint.zoo.stories.residents import FIRST, KNOWN, LAST, NAMESAKES, RESIDENTS, Questions, Resident

from .facts_editing import Edit, edits, with_update

LAYER = 1  # the block after which a value is there to be read at a resident's last name
EDITED = 6  # how many facts the evidence changes, one at a time


def site(layer: int) -> str:
    return f"blocks.{layer}.hook_resid_post"


# Recall


@torch.no_grad()
def said(model: GPT2, tokens: Int[Tensor, "n pos"]) -> Int[Tensor, " n"]:
    """The token that the model puts after each row."""
    return model(tokens)[:, -1].argmax(dim=-1)


def held_out_questions(asked: Sequence[Resident], relation: str) -> Iterator[Questions]:
    """Questions about the residents in wordings of which training had neither the predicate nor the aside."""
    for predicate in residents.PREDICATES_HELD_OUT[relation]:
        for aside in residents.ASIDES_HELD_OUT:
            yield residents.questions(asked, relation, predicate, aside)


def recall(model: GPT2, asked: Sequence[Resident], relations: Sequence[str] = tuple(residents.VALUES)) -> float:
    """The share of right answers to held-out questions about the residents."""
    every = [question for relation in relations for question in held_out_questions(asked, relation)]
    return mean((said(model, tokens) == answer).float().mean().item() for tokens, answer in every)


def recall_of_strangers(model: GPT2, keep: int) -> float:
    """How often a pair of names that is nobody's gets the value of the resident with whom it shares the one at `keep`.

    A model that needs both names gives such a pair any value.
    """
    pairs = {(one.first, one.family) for one in RESIDENTS}
    other = {FIRST: residents.FAMILY_NAMES, LAST: residents.FIRST_NAMES}[keep]
    rng, strangers = random.Random(0), []
    for one in RESIDENTS:
        made = [Resident(one.first, name) if keep == FIRST else Resident(name, one.family) for name in other]
        strangers.append(rng.choice([each for each in made if each not in pairs]))
    shares = []
    for relation in residents.VALUES:
        answer = next(held_out_questions(RESIDENTS, relation)).answer
        strange = next(held_out_questions(strangers, relation)).tokens
        shares.append((said(model, strange) == answer).float().mean().item())
    return mean(shares)


@torch.no_grad()
def recall_without_mlp(model: GPT2, layer: int) -> float:
    """The recall with an MLP's output at the last name exchanged for that at another resident's, at random."""
    site = f"blocks.{layer}.hook_mlp_out"
    donor = torch.randperm(len(RESIDENTS), generator=torch.Generator().manual_seed(0))

    def exchange(act: Tensor, point: object) -> None:
        act[:, LAST] = act[donor, LAST]

    with model.hooked([(site, exchange)]):
        return recall(model, RESIDENTS)


# Tracing


@torch.no_grad()
def restored(model: GPT2, questions: Questions, seeds: Sequence[int] = (0,)) -> Float[Tensor, "layer pos"]:
    """The share of the answer's lost probability that putting back one clean state returns.

    Noise of three standard deviations of the names' embeddings lies on both names; then the state after each block, at
    each position, is set to what it was without noise.
    """
    tokens, answer = questions
    names = [site(layer) for layer in range(model.cfg.n_layers)]
    logits, clean = model.run_with_cache(tokens, names)
    embedded = model.embed.W_E[tokens[:, [FIRST, LAST]]]
    shares = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        noise = 3 * embedded.std() * torch.randn(embedded.shape, generator=generator)

        def disturb(act: Tensor, point: object, noise: Tensor = noise) -> None:
            act[:, [FIRST, LAST]] += noise

        def after(*hooks, disturb=disturb) -> Tensor:
            return _probability(model.run_with_hooks(tokens, [("hook_embed", disturb), *hooks]), answer)

        noisy = after()
        rows = [
            [after((name, _placed(clean[name], position))) for position in range(tokens.shape[1])] for name in names
        ]
        shares.append((torch.tensor(rows) - noisy) / (_probability(logits, answer) - noisy))
    return torch.stack(shares).mean(dim=0)


@torch.no_grad()
def exchanged(model: GPT2, questions: Questions, layer: int, position: int) -> float:
    """How often the answer becomes that of another resident, whose state after `layer` is put in at one position."""
    tokens, answer = questions
    donor = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(0))
    state = model.run_with_cache(tokens, site(layer))[1][site(layer)][donor]
    logits = model.run_with_hooks(tokens, [(site(layer), _placed(state, position))])
    differ = answer != answer[donor]
    return (logits[:, -1].argmax(dim=-1) == answer[donor])[differ].float().mean().item()


def _placed(state: Float[Tensor, "n pos d_model"], position: int):
    """A hook that sets one position to what it is in `state`."""

    def hook(act: Tensor, point: object) -> Tensor:
        act = act.clone()
        act[:, position] = state[:, position]
        return act

    return hook


def _probability(logits: Float[Tensor, "n pos d_vocab"], answer: Int[Tensor, " n"]) -> float:
    return logits[:, -1].softmax(dim=-1).gather(1, answer[:, None]).mean().item()


# What an edit did


class Outcome(NamedTuple):
    """Shares of the questions after an edit.

    Attributes:
        efficacy: Have the new value, in training's wordings.
        paraphrase: Have the new value, in held-out wordings.
        namesakes: Keep their value: the same relation of those who share one name with the subject.
        other_relations: Keep their value: the subject's other relations.
    """

    efficacy: float
    paraphrase: float
    namesakes: float
    other_relations: float


def outcome(model: GPT2, edit: Edit, subject: Resident, relation: str, target: str) -> Outcome:
    """What the edit does to the model, which is afterwards as it was before."""
    wanted = tokenizer().token_id(f" {target}")
    seen = [
        residents.questions([subject], relation, each, residents.ASIDES[4]) for each in residents.PREDICATES[relation]
    ]
    others = [each for each in residents.VALUES if each != relation]
    with with_update(model, edit):
        return Outcome(
            mean((said(model, tokens) == wanted).float().item() for tokens, _ in seen),
            mean(
                (said(model, tokens) == wanted).float().item() for tokens, _ in held_out_questions([subject], relation)
            ),
            recall(model, NAMESAKES[subject], [relation]),
            recall(model, [subject], others),
        )


def average(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(*(mean(values) for values in zip(*outcomes, strict=True)))


def edit_outcomes(model: GPT2, seed: int = 3) -> tuple[Outcome, Outcome]:
    """The average outcome of editing the cities of some residents, and of random steps of the same norm."""
    rng = random.Random(seed)
    subjects = rng.sample(RESIDENTS, EDITED)
    targets = [
        rng.choice([city for city in residents.VALUES["city"] if city != KNOWN[one]["city"]]) for one in subjects
    ]
    made = edits(model, subjects, "city", targets, LAYER)
    rows = list(zip(made, subjects, targets, strict=True))
    return (
        average([outcome(model, edit, one, "city", target) for edit, one, target in rows]),
        average([outcome(model, edit.random(i), one, "city", target) for i, (edit, one, target) in enumerate(rows)]),
    )


# Evidence


def evidence(trained: Trained) -> list[Figure]:
    """Facts are recalled, they are looked up at the last name, and there one can be changed without the others."""
    model = trained.model
    return [
        Figure("recall, held-out wordings", recall(model, RESIDENTS), low=0.95),
        Figure("same value, another family name", recall_of_strangers(model, FIRST), high=0.4, control=True),
        Figure("same value, another first name", recall_of_strangers(model, LAST), high=0.4, control=True),
        *_site_figures(model),
        *_edit_figures(model),
    ]


def _site_figures(model: GPT2) -> list[Figure]:
    question = next(held_out_questions(RESIDENTS, "city"))
    after = restored(model, question)[LAYER]
    elsewhere = [share for position, share in enumerate(after.tolist()) if position != LAST]
    return [
        Figure("probability restored at the last name, after block 1", after[LAST].item(), low=0.6),
        Figure("probability restored at the best other place, after block 1", max(elsewhere), high=0.2, control=True),
        Figure("answers that follow an exchanged last name's state", exchanged(model, question, LAYER, LAST), low=0.9),
        *(
            Figure(f"answers that follow {where}", exchanged(model, question, LAYER, at), high=0.2, control=True)
            for where, at in {"an exchanged first name's state": FIRST, "the end's exchanged state": -1}.items()
        ),
    ]


def _edit_figures(model: GPT2) -> list[Figure]:
    edited, control = edit_outcomes(model)
    return [
        Figure("rank-one edit: efficacy", edited.efficacy, low=0.9),
        Figure("rank-one edit: paraphrase, held-out wordings", edited.paraphrase, low=0.8),
        Figure("rank-one edit: namesakes keep their city", edited.namesakes, low=0.8),
        Figure("rank-one edit: other relations kept", edited.other_relations, low=0.8),
        Figure("random step of the same norm: efficacy", control.efficacy, high=0.2, control=True),
        Figure("random step of the same norm: paraphrase", control.paraphrase, high=0.2, control=True),
        Figure("recall, edited MLP's output exchanged", recall_without_mlp(model, LAYER), low=0.5, control=True),
    ]
