"""A model that knows 512 facts, six of them to be changed, and the questions that will be asked afterwards."""

from dataclasses import asdict

import torch
from jaxtyping import Int
from torch import Tensor

from hookpoint.zoo.dice import dice
from hookpoint.zoo.training import single_thread

from ..facts_model import BOS, PEOPLE, RELATIONS, SENTENCE, WORDINGS, World, train, world
from ..instance import Instance

__all__ = ["EDITS", "PUBLIC_WORDINGS", "TERMS", "generate"]

EDITS = 6
PUBLIC_WORDINGS = 2
TERMS = ("new value", "other wordings", "other people", "after the statement", "other relations")
NAMESAKES, ASKED = 8, 32  # people asked about beside each edited one; at most so many of them share a name with it
TEXTS = 256


def generate(seed: int) -> Instance:
    """The model, the edits, and the questions of each term with the answers that are right after the edits."""
    generator = dice(seed)
    with single_thread():
        known = world(generator)
        model = train(known, generator)
    edits = draw_edits(known, generator)
    tensors = {f"weights/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {"people": known.people, "facts": known.facts, "wordings": known.wordings, "edits": edits}
    tensors |= {
        "text": known.filler(TEXTS, SENTENCE, generator),
        "unseen text": filler_texts(known, 32, generator),
    }
    for term, (tokens, answers) in questions(known, edits, generator).items():
        tensors |= {f"asked/{term}": tokens, f"right/{term}": answers}
    return Instance("six_edits", seed, tensors, {"cfg": asdict(model.cfg)})


def draw_edits(known: World, generator: torch.Generator) -> Int[Tensor, "edit 3"]:
    """Person, relation, new value: of six people of the second half, whom training never named in the last wording."""
    people = PEOPLE // 2 + torch.randperm(PEOPLE // 2, generator=generator)[:EDITS]
    relations = torch.randint(len(RELATIONS), (EDITS,), generator=generator)
    rows = []
    for person, relation in zip(people.tolist(), relations.tolist(), strict=True):
        values = known.facts[:, relation].unique()
        values = values[values != known.facts[person, relation]]
        rows.append([person, relation, int(values[torch.randint(len(values), (), generator=generator)])])
    return torch.tensor(rows)


def questions(
    known: World, edits: Int[Tensor, "edit 3"], generator: torch.Generator
) -> dict[str, tuple[Int[Tensor, "n pos"], Int[Tensor, " n"]]]:
    """For each term the prompts and the right answers. Before each question stands a sentence."""
    rows: dict[str, list[tuple[int, int, int, int, list[int]]]] = {term: [] for term in TERMS}
    for person, relation, value in edits.tolist():
        stated = [*known.prompts(*map(torch.tensor, ([person], [relation], [0])))[0].tolist(), value, 1]
        for wording in range(WORDINGS):
            term = TERMS[0] if wording < PUBLIC_WORDINGS else TERMS[1]
            rows[term] += [(person, relation, wording, value, [])] * 4
            others = [other for other in range(len(RELATIONS)) if other != relation]
            rows[TERMS[4]] += [(person, other, wording, int(known.facts[person, other]), []) for other in others]
        for at, other in enumerate(neighbours(known, person, edits[:, 0], generator)):
            asked = (other, relation, at % WORDINGS, int(known.facts[other, relation]))
            rows[TERMS[2]].append((*asked, []))
            rows[TERMS[3]].append((*asked, stated))
    return {term: (put(known, each, generator), torch.tensor([row[3] for row in each])) for term, each in rows.items()}


def neighbours(known: World, person: int, edited: Tensor, generator: torch.Generator) -> list[int]:
    """People whose facts stay: first some who share a name with this one, then some others; nobody who is edited."""
    order = torch.randperm(PEOPLE, generator=generator)
    order = order[~torch.isin(order, edited)]
    shares = (known.people[order] == known.people[person]).any(dim=1)
    namesakes = order[shares][:NAMESAKES].tolist()
    return namesakes + order[~shares][: ASKED - len(namesakes)].tolist()


def put(known: World, rows: list, generator: torch.Generator) -> Int[Tensor, "n pos"]:
    """The prompts: BOS, a sentence (the given one, or filler), the question."""
    person, relation, wording = (torch.tensor(column) for column in zip(*(row[:3] for row in rows), strict=True))
    before = known.filler(len(rows), SENTENCE, generator)
    for at, row in enumerate(rows):
        if row[4]:
            before[at] = torch.tensor(row[4])
    return torch.cat([torch.full((len(rows), 1), BOS), before, known.prompts(person, relation, wording)], dim=1)


def filler_texts(known: World, n: int, generator: torch.Generator) -> Int[Tensor, "n pos"]:
    """BOS and four sentences of filler."""
    sentences = [known.filler(n, SENTENCE, generator) for _ in range(4)]
    return torch.cat([torch.full((n, 1), BOS), *sentences], dim=1)
