"""What is to be found in a model of the stories: its skills on what it never saw, and how it finds the indirect object.

The circuit measurements are those of Wang et al. (2022), "Interpretability in the Wild": attention from the last word
("END") to the names, what each head writes towards the right one, what is left when heads are ablated, and activation
patching between a prompt and its twin in which the other person gives.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from hookpoint.model import GPT2

from .. import stories
from ..stories import Prompts, World

Head = tuple[int, int]

# For these the next word is one of two; for the others it is the right one of the whole vocabulary.
BINARY = ("arrival", "agreement", "pronoun")
# A mover spends at least this much attention on the two names, and this much on the receiver's; a reader looks back at
# the giver's second mention.
ON_NAMES, ON_RECEIVER, ON_GIVER = 0.5, 0.3, 0.4


@dataclass(frozen=True)
class Circuit:
    """The measurements of a model on indirect-object prompts, each [layer, head], means over prompts.

    Attributes:
        to_io: Attention from END to the receiver's name.
        to_s1: Attention from END to where the giver is named first.
        to_s2: Attention from END to where the giver is named again.
        lifts: Each head's part of `lift`, the scale of the final LayerNorm frozen.
        lift: The receiver's logit over the mean logit of all names.
    """

    to_io: Float[Tensor, "layer head"]
    to_s1: Float[Tensor, "layer head"]
    to_s2: Float[Tensor, "layer head"]
    lifts: Float[Tensor, "layer head"]
    lift: float

    @property
    def movers(self) -> list[Head]:
        """Name movers: heads that look at the names of the two people, and so can write them."""
        return _where((self.to_io + self.to_s1 > ON_NAMES) & (self.to_io > ON_RECEIVER))

    @property
    def readers(self) -> list[Head]:
        """Heads that look at who gives, and so can say which of the names it is not."""
        return [head for head in _where(self.to_s2 > ON_GIVER) if head not in self.movers]

    @property
    def rest(self) -> list[Head]:
        """All other heads."""
        return [head for head in _where(self.to_io > -1) if head not in self.movers + self.readers]

    def share(self, heads: list[Head]) -> float:
        """The part of the lift that these heads write."""
        return sum(float(self.lifts[head]) for head in heads) / self.lift


@torch.no_grad()
def right(model: GPT2, asked: Prompts, *, of_two: bool = False) -> float:
    """The share of prompts that the model answers rightly: among all tokens, or against the wrong answer only."""
    return _right(_at_end(model(asked.tokens), asked), asked, of_two)


def skills(model: GPT2, split: str, world: World, n: int = 300) -> dict[str, float]:
    """For each skill the share of right answers on prompts of a split."""
    shares = {}
    for number, skill in enumerate(stories.SKILLS):
        asked = stories.prompts(skill, n, torch.Generator().manual_seed(1_000 + number), split, world=world)
        shares[skill] = right(model, asked, of_two=skill in BINARY)
    return shares


@torch.no_grad()
def circuit(model: GPT2, asked: Prompts, world: World) -> Circuit:
    """Where each head looks from END, and what it writes there for the receiver's name against all names."""
    logits, cache = model.run_with_cache(asked.tokens)
    rows, end = torch.arange(len(asked)), asked.last
    patterns = torch.stack([cache[f"blocks.{layer}.attn.hook_pattern"] for layer in range(model.cfg.n_layers)])

    def looks_at(role: str) -> Tensor:
        return patterns[:, rows, :, end, asked.positions[role]].mean(0)

    names = torch.tensor([stories.tokenizer().token_id(f" {name}") for name in world.names])
    towards = model.unembed.W_U[:, asked.answer] - model.unembed.W_U[:, names].mean(1, keepdim=True)
    # With its scale frozen LayerNorm is linear, so each head's part of the lift is a product.
    towards = towards.T * model.ln_final.w / cache["ln_final.hook_scale"][rows, end]
    towards = towards - towards.mean(-1, keepdim=True)
    written = [
        block.attn.head_results(cache[f"blocks.{layer}.attn.hook_z"])[rows, end]
        for layer, block in enumerate(model.blocks)
    ]
    lifts = torch.stack([(result * towards[:, None]).sum(-1).mean(0) for result in written])
    chosen = _at_end(logits, asked)
    lift = (chosen[rows, asked.answer] - chosen[:, names].mean(1)).mean()
    return Circuit(looks_at("IO"), looks_at("S1"), looks_at("S2"), lifts, float(lift))


@torch.no_grad()
def right_without(model: GPT2, asked: Prompts, heads: list[Head], reference: Prompts) -> float:
    """The share of right answers with each of these heads' outputs at its mean over the reference, per position.

    The reference has the same template, so a position means the same in both.
    """
    _, cache = model.run_with_cache(reference.tokens, lambda name: name.endswith("hook_z"))

    def at_its_mean(head: int):
        def hook(act, point):
            act[:, :, head] = cache[point.name][:, :, head].mean(0)

        return hook

    hooks = [(f"blocks.{layer}.attn.hook_z", at_its_mean(head)) for layer, head in heads]
    return _right(_at_end(model.run_with_hooks(asked.tokens, hooks), asked), asked, of_two=False)


@torch.no_grad()
def prefers_receiver_of_stranger(model: GPT2, asked: Prompts) -> float:
    """The control: how often the receiver beats the giver when the second clause begins with somebody else.

    Nobody of the two gives then, so a model that goes by who gives has no reason to prefer either.
    """
    tokens = asked.tokens.clone()
    rows = torch.arange(len(asked))
    # The next row's giver, unless that is one of this row's two people.
    stranger = asked.wrong.roll(1)
    other = (stranger != asked.answer) & (stranger != asked.wrong)
    tokens[rows, asked.positions["S2"]] = stranger
    logits = _at_end(model(tokens), asked)[other]
    rows = torch.arange(len(logits))
    return float((logits[rows, asked.answer[other]] > logits[rows, asked.wrong[other]]).float().mean())


@torch.no_grad()
def patched(model: GPT2, pairs: dict[str, Tensor], layer: int, role: str) -> float:
    """How much of the clean run's logit difference one activation brings back into the corrupt run: 0 none, 1 all.

    Args:
        model: The model.
        pairs: As `stories.make_pairs` gives them.
        layer: The residual stream is patched where this layer reads it.
        role: At which word: "S2", "END" ...
    """
    name = f"blocks.{layer}.hook_resid_pre"
    rows = torch.arange(len(pairs["clean"]))

    def difference(logits: Tensor) -> float:
        chosen = logits[rows, pairs["END"]]
        return float((chosen[rows, pairs["answer"]] - chosen[rows, pairs["wrong"]]).mean())

    def from_clean(act, point):
        act[rows, pairs[role]] = cache[name][rows, pairs[role]]

    clean, cache = model.run_with_cache(pairs["clean"], name)
    corrupt = difference(model(pairs["corrupt"]))
    restored = difference(model.run_with_hooks(pairs["corrupt"], [(name, from_clean)]))
    return (restored - corrupt) / (difference(clean) - corrupt)


@torch.no_grad()
def induction(model: GPT2, n: int = 64, period: int = 20) -> tuple[float, float]:
    """On random words said twice: the best head's attention to the token after the last occurrence; top-1 accuracy.

    The words are drawn from all tokens that are words of the world, so no sentence of the corpus looks like this.
    """
    tok = stories.tokenizer()
    every_word = torch.tensor(
        sorted({number for word in stories.glossary().split() for number in tok.encode(f" {word}")})
    )
    drawn = torch.rand(n, len(every_word), generator=torch.Generator().manual_seed(17)).argsort(-1)[:, :period]
    half = every_word[drawn]
    tokens = torch.cat([torch.full((n, 1), tok.token_id(stories.END_OF_TEXT)), half, half], dim=1)
    logits, cache = model.run_with_cache(tokens, lambda name: name.endswith("hook_pattern"))
    query = torch.arange(period + 1, 2 * period + 1)
    scores = [pattern[:, :, query, query - period + 1].mean((0, 2)).max() for pattern in cache.values()]
    # The first word of the second half cannot be known.
    guessed = logits[:, period + 1 : 2 * period].argmax(-1) == tokens[:, period + 2 :]
    return float(max(scores)), float(guessed.float().mean())


def _at_end(logits: Tensor, asked: Prompts) -> Float[Tensor, "n d_vocab"]:
    return logits[torch.arange(len(asked)), asked.last]


def _right(logits: Float[Tensor, "n d_vocab"], asked: Prompts, of_two: bool) -> float:
    rows = torch.arange(len(asked))
    beats_wrong = logits[rows, asked.answer] > logits[rows, asked.wrong]
    hits = beats_wrong if of_two else logits.argmax(-1) == asked.answer
    return float(hits.float().mean())


def _where(mask: Tensor) -> list[Head]:
    return [tuple(head) for head in mask.nonzero().tolist()]
