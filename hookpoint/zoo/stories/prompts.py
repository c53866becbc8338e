"""Questions to a model of the stories: for each skill, texts that stop before the word that shows the skill."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from . import knowledge, sentences, tales, words
from .corpus import END_OF_TEXT, tokenizer
from .grammar import Passage, Template
from .words import WORLD, World

_TEMPLATES: dict[str, tuple[Template, ...]] = {
    "ioi": sentences.IOI + sentences.IOI_HELD_OUT,
    "arrival": sentences.ARRIVAL + sentences.ARRIVAL_HELD_OUT,
    "agreement": sentences.AGREEMENT + sentences.AGREEMENT_HELD_OUT,
    "pronoun": tales.PRONOUN + tales.PRONOUN_HELD_OUT,
    "fact": knowledge.FACT_TEMPLATES,
    "geography": knowledge.GEOGRAPHY + knowledge.GEOGRAPHY_HELD_OUT,
}
_DRAW: dict[str, Callable[..., Passage]] = {
    "ioi": sentences.ioi,
    "arrival": sentences.arrival,
    "agreement": sentences.agreement,
    "pronoun": tales.tell_pronoun,
    "fact": knowledge.fact,
    "geography": knowledge.geography,
    "list": sentences.list_copy,
}
SKILLS = tuple(_DRAW)


@dataclass(frozen=True)
class Prompts:
    """Texts that stop before the answer, one row each.

    Attributes:
        tokens: `<|endoftext|>`, then the text; shorter rows are filled up with `<|endoftext|>` on the right.
        last: Where each row's text ends: the position whose logits predict the answer.
        answer: The right next token.
        wrong: The next token that the skill has to tell from it: the other person, the other number ...
        positions: Where each role stands, for the roles that every row has before its answer; "END" is `last`.
        passages: What the texts were cut from, with all labels.
    """

    tokens: Int[Tensor, "n pos"]
    last: Int[Tensor, " n"]
    answer: Int[Tensor, " n"]
    wrong: Int[Tensor, " n"]
    positions: dict[str, Int[Tensor, " n"]]
    passages: list[Passage]

    def __len__(self) -> int:
        return len(self.passages)


def prompts(
    skill: str,
    n: int,
    generator: torch.Generator,
    split: str = "held_out",
    *,
    template: str | None = None,
    world: World = WORLD,
) -> Prompts:
    """Prompts for one of the `SKILLS`.

    Args:
        skill: "ioi", "arrival", "agreement", "pronoun", "fact", "geography" or "list".
        n: How many.
        generator: Where chance comes from.
        split: "train" (new combinations of what training had), "new_names", "new_templates" or "held_out" (both new).
        template: One template's name, such as "ioi/went": all rows then have the same words in the same places.
        world: Who may occur.

    Raises:
        ValueError: There is no such skill, split or template.
    """
    _refuse("skill", skill, SKILLS)
    _refuse("split", split, ("train", "new_names", "new_templates", "held_out"))
    rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
    fixed = {} if template is None else {"template": _template(skill, template)}
    drawn = [_DRAW[skill](rng, split, world, **fixed) for _ in range(n)]
    return of_passages(drawn, [_wrong(passage, rng) for passage in drawn])


def make_pairs(
    n: int, seed: int, *, template: str = "ioi/walked", split: str = "held_out", world: World = WORLD
) -> dict[str, Tensor]:
    """Indirect-object prompts and their twins, alike but for one word: in `corrupt` the other person gives.

    Returns:
        `clean` and `corrupt` [n, pos]; `answer` and `wrong` [n]: right for `clean` and for `corrupt`; and the position
        of each role, the same in every row, under its name: "IO" and "S1" [n] (they change places between rows), "S2"
        and "END".
    """
    generator = torch.Generator().manual_seed(seed)
    clean = prompts("ioi", n, generator, split, template=template, world=world)
    twins = [sentences.swapped(passage) for passage in clean.passages]
    corrupt = of_passages(twins, [passage.span("answer").word for passage in clean.passages])
    roles = {role: clean.positions[role] for role in ("IO", "S1", "S2", "END")}
    return {"clean": clean.tokens, "corrupt": corrupt.tokens, "answer": clean.answer, "wrong": corrupt.answer, **roles}


def of_passages(passages: list[Passage], wrong: list[str]) -> Prompts:
    """The passages cut before their "answer", with the given wrong answers."""
    tok = tokenizer()
    rows = [[tok.token_id(END_OF_TEXT), *tok.encode(passage.before("answer"))] for passage in passages]
    last = torch.tensor([len(row) - 1 for row in rows])
    tokens = torch.full((len(rows), int(last.max()) + 1), tok.token_id(END_OF_TEXT))
    for row, ids in zip(tokens, rows, strict=True):
        row[: len(ids)] = torch.tensor(ids)
    answer = torch.tensor([tok.token_id(f" {passage.span('answer').word}") for passage in passages])
    wrong_ids = torch.tensor([tok.token_id(f" {word}") for word in wrong])
    return Prompts(tokens, last, answer, wrong_ids, {**_positions(passages), "END": last}, passages)


def _positions(passages: list[Passage]) -> dict[str, Tensor]:
    """For every role that all passages have before the answer, where its first word stands in the rows."""
    found = [
        {span.role: span for span in reversed(passage.spans) if span.start < passage.span("answer").start}
        for passage in passages
    ]
    common = [role for role in found[0] if all(role in spans for spans in found)]
    encode = tokenizer().encode
    return {
        # One for the <|endoftext|> at the start; a word's space is part of its token.
        role: torch.tensor([1 + len(encode(p.text[: s[role].start - 1])) for p, s in zip(passages, found, strict=True)])
        for role in common
    }


def _wrong(passage: Passage, rng: random.Random) -> str:
    """A word that a model without the skill might say."""
    answer = passage.span("answer").word
    match passage.family:
        case "ioi":
            return passage.span("S1").word
        case "arrival":
            return "came" if answer == "stayed" else "stayed"
        case "agreement" | "pronoun":
            return passage.facts["other"]
        case "fact":
            choices = words.RELATIONS[passage.facts["relation"]]
        case "geography":
            choices = words.COUNTRIES
        case "list":
            choices = tuple(span.word for span in passage.spans if span.role == "item")
    return rng.choice([word for word in choices if word != answer])


def _template(skill: str, name: str) -> Template | str:
    if skill == "list":
        _refuse("template", name, [f"list/{each}" for each in sentences.LIST | sentences.LIST_HELD_OUT])
        return name.removeprefix("list/")
    by_name = {template.name: template for template in _TEMPLATES[skill]}
    _refuse("template", name, by_name)
    return by_name[name]


def _refuse(what: str, value: str, known) -> None:
    if value not in known:
        raise ValueError(f"prompts: there is no {what} {value!r}; there are {', '.join(known)}.")
