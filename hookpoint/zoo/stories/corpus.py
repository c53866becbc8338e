"""Text of the stories world in any amount: passages, documents, and the stream of tokens a model is trained on."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from hookpoint.model.tokenizer import Tokenizer, pretokenize, train_bpe

from . import words
from .grammar import Passage, opened
from .knowledge import fact, geography
from .sentences import agreement, arrival, ioi, list_copy
from .tales import belongings, story, tell_pronoun
from .words import WORLD, World

END_OF_TEXT = "<|endoftext|>"

FAMILIES: dict[str, Callable[..., Passage]] = {
    "ioi": ioi,
    "arrival": arrival,
    "agreement": agreement,
    "pronoun": tell_pronoun,
    "belongings": belongings,
    "fact": fact,
    "geography": geography,
    "list": list_copy,
    "story": story,
}

# How often each family is drawn.
MIXTURE: Mapping[str, float] = {
    "ioi": 0.28,
    "arrival": 0.05,
    "agreement": 0.10,
    "pronoun": 0.13,
    "belongings": 0.06,
    "fact": 0.22,
    "geography": 0.02,
    "list": 0.07,
    "story": 0.07,
}

# What a sentence may begin with. Without openings a skill could hang on the exact place of a word in its sentence.
OPENINGS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("ioi", "arrival", "pronoun", "belongings"), (" One day", " Later", " At night", " In the end")),
    "agreement": (" Every day", " At night"),
}
_OPENED = (" One day", " Every day", " Then")


def passages(seed: int, world: World = WORLD, mixture: Mapping[str, float] = MIXTURE) -> Iterator[Passage]:
    """Passages for training without end: families by their weights, training templates and training names only."""
    rng = random.Random(seed)
    families, weights = list(mixture), list(mixture.values())
    while True:
        for family in rng.choices(families, weights, k=1000):
            passage = FAMILIES[family](rng, world=world)
            if family in OPENINGS and rng.random() < 0.4 and not passage.text.startswith(_OPENED):
                passage = opened(passage, rng.choice(OPENINGS[family]))
            yield passage


def documents(seed: int, world: World = WORLD, mixture: Mapping[str, float] = MIXTURE) -> Iterator[list[Passage]]:
    """Documents without end: 2 to 5 passages each, which know nothing of one another."""
    lengths = random.Random(seed + 1)
    stream = passages(seed, world, mixture)
    while True:
        yield list(islice(stream, lengths.randint(2, 5)))


def text_of(document: list[Passage]) -> str:
    return "".join(passage.text for passage in document)


def token_stream(
    n_tokens: int, seed: int, world: World = WORLD, mixture: Mapping[str, float] = MIXTURE
) -> Int[Tensor, " n_tokens"]:
    """The first `n_tokens` tokens of the documents of this seed, `<|endoftext|>` before each."""
    encode = tokenizer().encode
    end = [tokenizer().token_id(END_OF_TEXT)]
    ids: list[int] = []
    for document in documents(seed, world, mixture):
        ids += end + encode(text_of(document))
        if len(ids) >= n_tokens:
            return torch.tensor(ids[:n_tokens])


_TOKENIZER_FILE = Path(__file__).with_name("tokenizer.json")


@cache
def tokenizer() -> Tokenizer:
    """The tokenizer of all models of this world: every word of it is one token with the space before it."""
    return Tokenizer.load(_TOKENIZER_FILE)


def train_tokenizer() -> Tokenizer:
    """The shipped tokenizer made anew: merges go on until every word has become one token.

    Each word counts once, so the ids hang on which words there are and not on how often the corpus has them.
    """
    evenly = dict.fromkeys(FAMILIES, 1.0)
    text = "".join(passage.text for passage in islice(passages(0, mixture=evenly), 5_000)) + glossary()
    once = dict.fromkeys(pretokenize(text), 1)
    as_many_as_could_be = 256 + sum(len(word.encode()) for word in once)
    return Tokenizer(*train_bpe(once, as_many_as_could_be, [END_OF_TEXT]), [END_OF_TEXT])


def glossary() -> str:
    """Every word of the world once, also those that the stories never use."""
    singles = words.NAMES + words.FAMILY_NAMES + words.CITIES + words.COUNTRIES + words.JOBS + words.PETS
    singles += words.COLOURS + words.OBJECTS + words.PLACES + words.PAST + words.GIVE + words.ADJECTIVES
    pairs = tuple(word for table in (words.NOUNS, words.VERBS) for pair in table.items() for word in pair)
    return "".join(f" {word}" for word in singles + words.FEELINGS + pairs + words.EXTRA)
