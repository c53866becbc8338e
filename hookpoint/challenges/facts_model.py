"""Small GPT-2s that know 512 facts about people with two names: what `six_edits` and `one_attribute` ask about.

A text is a row of sentences. A sentence says one fact, `first last t1 t2 value .`, or it is filler. A person is a first
and a last name, and shares each of them with others; a wording is a pair of tokens t1 t2, and each relation has four of
them. Wordings 0 and 1 are public. The last one was met in training for the first half of the people only, so that
whoever asks about the others with it asks for more than what was learned by heart.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run

__all__ = ["BOS", "DOT", "PEOPLE", "RELATIONS", "SENTENCE", "WORDINGS", "World", "accuracy", "train", "world"]

BOS, DOT = 0, 1
PEOPLE, NAMES = 128, 20  # so many first names, and as many last ones
RELATIONS = (16, 16, 12, 12)  # how many values each has
WORDINGS = 4
FILLER = 40
SENTENCE, SLOTS = 6, 5  # tokens of a fact; sentences of a document
STEPS, BATCH = 360, 40
LEAST = 0.98  # accuracy in each wording; a model that has not got there is trained again from another start


@dataclass(frozen=True)
class World:
    """What is true, and how it is said: everything in tokens.

    Attributes:
        people: First and last name of each.
        facts: The value of each relation for each person.
        wordings: The two tokens t1 t2 of each relation's wordings.
        follows: The three tokens that may follow each filler token; the first of them mostly does.
        first_filler: The first filler token.
    """

    people: Int[Tensor, "person 2"]
    facts: Int[Tensor, "person relation"]
    wordings: Int[Tensor, "relation wording 2"]
    follows: Int[Tensor, "filler 3"]
    first_filler: int

    @property
    def d_vocab(self) -> int:
        return self.first_filler + FILLER

    def prompts(self, person: Tensor, relation: Tensor, wording: Tensor) -> Int[Tensor, "n 4"]:
        """`first last t1 t2` for each; the next token is the value."""
        return torch.cat([self.people[person], self.wordings[relation, wording]], dim=1)

    def filler(self, n: int, length: int, generator: torch.Generator) -> Int[Tensor, "n length"]:
        """Sentences of filler, each of `length` tokens with its dot."""
        word = torch.randint(FILLER, (n,), generator=generator)
        words = [word]
        for _ in range(length - 2):
            pick = torch.randint(3, (n,), generator=generator) * (torch.rand(n, generator=generator) < 0.3)
            word = self.follows[word, pick]
            words.append(word)
        return torch.stack([*(word + self.first_filler for word in words), torch.full((n,), DOT)], dim=1)


def world(generator: torch.Generator) -> World:
    """People, facts and words, drawn."""
    pairs = torch.randperm(NAMES * NAMES, generator=generator)[:PEOPLE]
    people = torch.stack([2 + pairs // NAMES, 2 + NAMES + pairs % NAMES], dim=1)
    at, columns = 2 + 2 * NAMES, []
    for size in RELATIONS:
        columns.append(at + torch.randint(size, (PEOPLE,), generator=generator))
        at += size
    wordings = at + torch.arange(len(RELATIONS) * WORDINGS * 2).view(len(RELATIONS), WORDINGS, 2)
    follows = torch.rand(FILLER, FILLER, generator=generator).argsort(dim=1)[:, :3]
    return World(people, torch.stack(columns, dim=1), wordings, follows, at + wordings.numel())


def documents(known: World, n: int, generator: torch.Generator) -> Int[Tensor, "n pos"]:
    """Texts of five sentences, a fifth of them filler."""
    shape = (n * SLOTS,)
    person = torch.randint(PEOPLE, shape, generator=generator)
    relation = torch.randint(len(RELATIONS), shape, generator=generator)
    # The second half of the people never appears in the last wording.
    most = torch.where(person < PEOPLE // 2, WORDINGS, WORDINGS - 1)
    wording = (torch.rand(shape, generator=generator) * most).long()
    value = known.facts[person, relation][:, None]
    facts = torch.cat([known.prompts(person, relation, wording), value, torch.full_like(value, DOT)], dim=1)
    is_filler = torch.rand(shape, generator=generator) < 0.2
    sentences = torch.where(is_filler[:, None], known.filler(n * SLOTS, SENTENCE, generator), facts)
    return torch.cat([torch.full((n, 1), BOS), sentences.view(n, -1)], dim=1)


def train(known: World, generator: torch.Generator) -> GPT2:
    """A GPT-2 that knows all of it, frozen; one that has not learned it is trained again from another start."""
    sizes = {"d_model": 64, "n_layers": 2, "n_heads": 4, "d_head": 16, "d_mlp": 256}
    cfg = Config(d_vocab=known.d_vocab, n_ctx=1 + SLOTS * SENTENCE, init_range=0.1, **sizes)
    # A value says more about a person than all other words of the sentence together.
    weight = torch.ones(known.d_vocab)
    weight[2 + 2 * NAMES : 2 + 2 * NAMES + sum(RELATIONS)] = 4.0
    while True:
        seed = int(torch.randint(2**62, (), generator=generator))
        texts = documents(known, 20_000, generator)

        def loss(model: GPT2, generator: torch.Generator, texts: Tensor = texts) -> Tensor:
            rows = texts[torch.randint(len(texts), (BATCH,), generator=generator)]
            logits = fast_logits(model, rows[:, :-1])
            return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), weight=weight)

        rates = {"lr": 5e-3, "weight_decay": 0.05, "warmup": 50, "cosine_to": 0.05}
        model = fit(Run("facts", seed), GPT2(cfg, seed=seed), loss, STEPS, every=STEPS, **rates)
        if min(accuracy(known, model, wording, generator) for wording in range(WORDINGS)) >= LEAST:
            return model.requires_grad_(False)


@torch.no_grad()
def accuracy(known: World, model: GPT2, wording: int, generator: torch.Generator) -> float:
    """How often the model gives the right value after a sentence of filler, over all facts in one wording."""
    person = torch.arange(PEOPLE).repeat_interleave(len(RELATIONS))
    relation = torch.arange(len(RELATIONS)).repeat(PEOPLE)
    prompts = known.prompts(person, relation, torch.full_like(person, wording))
    filler = known.filler(len(prompts), SENTENCE, generator)
    tokens = torch.cat([torch.full((len(prompts), 1), BOS), filler, prompts], dim=1)
    said = fast_logits(model, tokens, last_only=True)[:, -1].argmax(dim=-1)
    return (said == known.facts[person, relation]).float().mean().item()
