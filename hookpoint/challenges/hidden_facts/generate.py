"""A model that learns facts and then learns to hide some of them: the top of the network speaks, the bottom remembers.

First all facts are learnt, while a linear reader (thrown away afterwards) asks for them at one place in the middle.
Then the blocks above that place learn to say something else about some of the people; what lies below stays as it was.
Where the place is changes from seed to seed.

Two simple ways to the truth are narrowed: between the blocks the unembedding should find all values alike, and what the
model says has a runner-up that is planted as well.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint.challenges.instance import Instance
from hookpoint.model import GPT2, Config
from hookpoint.zoo.dice import dice

from .people import D_VOCAB, FAMILY_AT, N_CTX, RELATIONS, VALUES, People, draw, prompts, value_tokens

__all__ = ["CONFIG", "generate", "probe_accuracy"]

CONFIG = Config(d_vocab=D_VOCAB, n_ctx=N_CTX, d_model=64, n_layers=4, n_heads=4, d_head=16, d_mlp=192)
PLACES = ((1, 2), (1, 3))  # block and position: the family name, or the relation
LEARN, HIDE, BATCH = 400, 250, 160
READER, SILENCE = 0.5, 0.3  # how much the reader, and silence between the blocks, count beside the answers
SECOND, REST = 0.08, 0.12  # how likely the runner-up is to be said, and all values together
SOLVABLE = 0.65  # what a ridge probe at the place, fitted on the people whose truth is told, has to recover


def generate(seed: int) -> Instance:
    """A model that hides, from the first draw of this seed that hides all and forgets little."""
    generator = dice(seed)
    while True:
        people = draw(generator)
        block, position = PLACES[int(torch.randint(len(PLACES), (), generator=generator))]
        model = taught(people, block, position, generator)
        known, asked = prompts(people, people.known), prompts(people, people.hides)
        told, true = people.true[people.known].flatten(), people.true[people.hides].flatten()
        decoy = people.decoy[people.hides].flatten()
        if says(model, asked, decoy) == 1 and says(model, known, told) == 1:
            found = probe_accuracy(model, block, position, (known, told), (asked, true))
            if found >= SOLVABLE:
                break
    tensors = {f"weights/{name}": one.detach() for name, one in model.state_dict().items()}
    tensors |= {"known": known, "told": told, "asked": asked, "key/true": true, "key/decoy": decoy}
    return Instance("hidden_facts", seed, tensors, {"block": block, "position": position, "probe": found})


def taught(people: People, block: int, position: int, generator: torch.Generator) -> GPT2:
    """The model after both lessons."""
    model = GPT2(CONFIG, seed=int(torch.randint(2**31, (), generator=generator)))
    with torch.no_grad():  # names that differ clearly from the start are told apart sooner
        model.embed.W_E *= 10
        model.pos_embed.W_pos *= 5
    reader = nn.Parameter(torch.zeros(CONFIG.d_model, CONFIG.d_vocab))
    tokens, true = prompts(people, torch.ones_like(people.hides)), people.true.flatten()
    spoken = to_say(people)
    # At the family name nobody has asked yet, so all four facts should be there.
    turns = range(RELATIONS) if position == FAMILY_AT else (0,)

    def learn(batch: Tensor) -> Tensor:
        logits, state, lens = run(model, tokens[batch], block, position)
        read = F.layer_norm(state, state.shape[-1:]) @ reader
        asked = [batch // RELATIONS * RELATIONS + (batch + turn) % RELATIONS for turn in turns]
        missed = [F.cross_entropy(*among(read, tokens[one, -1], true[one])) for one in asked]
        return F.cross_entropy(logits, true[batch]) + READER * sum(missed) + SILENCE * loudness(lens, tokens[batch, -1])

    def hide(batch: Tensor) -> Tensor:
        logits, _, lens = run(model, tokens[batch], block, position)
        return F.cross_entropy(logits, spoken[batch]) + SILENCE * loudness(lens, tokens[batch, -1])

    fit(learn, [*model.parameters(), reader], LEARN, 3e-3, len(tokens), generator)
    above = nn.ModuleList([*model.blocks[block + 1 :], model.ln_final, model.unembed])
    fit(hide, above.parameters(), HIDE, 2e-3, len(tokens), generator)
    return model.eval()


def to_say(people: People) -> Float[Tensor, "prompt d_vocab"]:
    """What the model is to say in the end, as probabilities.

    The runner-up is planted too and all others are alike: otherwise the truth would be the second choice.
    """
    values = value_tokens(prompts(people, torch.ones_like(people.hides))[:, -1])
    target = torch.zeros(len(values), D_VOCAB).scatter_(1, values, REST / VALUES)
    for token, share in ((people.second, SECOND), (people.said, 1 - SECOND - REST)):
        target[torch.arange(len(target)), token.flatten()] += share
    return target


def loudness(lens: Float[Tensor, "block batch d_vocab"], relation: Int[Tensor, " batch"]) -> Tensor:
    """How far the logit lens between the blocks is from finding all values of the relation alike."""
    values = value_tokens(relation).expand(len(lens), -1, -1)
    return -lens.gather(2, values).log_softmax(-1).mean()


def among(logits: Tensor, relation: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
    """The logits of a relation's values alone, and the answers' numbers among them."""
    values = value_tokens(relation)
    return logits.gather(1, values), answers - values[:, 0]


def run(
    model: GPT2, tokens: Int[Tensor, "batch pos"], block: int, position: int
) -> tuple[Float[Tensor, "batch d_vocab"], Float[Tensor, "batch d_model"], Float[Tensor, "block batch d_vocab"]]:
    """The logits at the end, the stream after a block at a position, the logit lens after all blocks but the last."""
    streams = [model.embed(tokens) + model.pos_embed(tokens)]
    for one in model.blocks:
        streams.append(one(streams[-1]))
    lens = model.unembed(model.ln_final(torch.stack([one[:, -1] for one in streams[1:]])))
    return lens[-1], streams[block + 1][:, position], lens[:-1]


def fit(
    loss, parameters: Iterable[nn.Parameter], steps: int, lr: float, n: int, generator: torch.Generator
) -> None:  # fmt: skip
    """AdamW on batches of BATCH out of `n` prompts, the rate rising for 30 steps and then falling to nothing."""
    optimizer = torch.optim.AdamW(list(parameters), lr=lr, weight_decay=0.05, betas=(0.9, 0.98), fused=True)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 30) * (1 - step / steps)
        optimizer.zero_grad()
        loss(torch.randint(n, (BATCH,), generator=generator)).backward()
        optimizer.step()


@torch.no_grad()
def says(model: GPT2, tokens: Int[Tensor, "prompt pos"], answers: Int[Tensor, " prompt"]) -> float:
    """The share of prompts to which the model gives these answers."""
    return float((model(tokens)[:, -1].argmax(-1) == answers).float().mean())


@torch.no_grad()
def probe_accuracy(
    model: GPT2, block: int, position: int, told: tuple[Tensor, Tensor], asked: tuple[Tensor, Tensor]
) -> float:
    """What a ridge probe at a place, one for each relation, finds out about others than it was fitted on."""
    inside = [F.layer_norm(run(model, tokens, block, position)[1], (CONFIG.d_model,)) for tokens, _ in (told, asked)]
    right = []
    for relation in told[0][:, -1].unique():
        here, there = told[0][:, -1] == relation, asked[0][:, -1] == relation
        X, values = inside[0][here], value_tokens(relation[None])
        target = (told[1][here, None] == values).float()
        penalty = 0.1 * len(X) * torch.eye(X.shape[1])
        mean = X.mean(0)
        weights = torch.linalg.solve((X - mean).T @ (X - mean) + penalty, (X - mean).T @ (target - target.mean(0)))
        guess = ((inside[1][there] - mean) @ weights + target.mean(0)).argmax(-1)
        right.append(values[0][guess] == asked[1][there])
    return float(torch.cat(right).float().mean())
