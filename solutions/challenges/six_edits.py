"""rank 2 in the first W_in, all kept

Two directions where the names meet, trained to change six facts and to keep the other 506.

Which matrix? The last `W_out` can only write where six different keys already differ, and two writers for six keys are
few. The first block's `W_in` decides which neurons answer to a person at all: two directions that are read there reach
all that comes after, through GELU, attention and the second MLP.

What to keep? Everything that the model can be asked: all facts of everybody, after filler and after one of the new
facts has been stated, and filler. The model's own answers before the edit are the target, so nothing has to be
labelled. The edited people and their namesakes are nearest to what changes, and are drawn four times as often.
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits

STEPS, RATE, KEEP, BATCH = 300, 0.02, 2.0, 128


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    person, relation, value = (torch.tensor(column) for column in zip(*edits, strict=True))

    def filler(n):
        return text[torch.randint(len(text), (n,), generator=generator)]

    def asked(person, relation, wording, before):
        start = torch.zeros(len(person), 1, dtype=torch.long)
        return torch.cat([start, before, people[person], wordings[relation, wording]], dim=1)

    def said(tokens):
        return fast_logits(model, tokens, last_only=True)[:, -1]

    # What changes: each new fact in both wordings, after six sentences of filler.
    edit = torch.arange(len(edits)).repeat(12)
    changing = asked(person[edit], relation[edit], torch.arange(len(edit)) % 2, filler(len(edit)))

    # What stays: all other facts, after filler and after a statement of a new one; and filler itself.
    every = torch.cartesian_prod(torch.arange(len(people)), torch.arange(facts.shape[1]), torch.arange(2))
    changes = (every[:, None, :2] == torch.stack([person, relation], dim=1)).all(dim=2).any(dim=1)
    staying = every[~changes]
    stated = torch.cat([people[person], wordings[relation, 0], value[:, None], torch.ones_like(value)[:, None]], dim=1)
    chosen = torch.randint(len(edits), (len(staying),), generator=generator)
    kept = torch.cat([asked(*staying.T, filler(len(staying))), asked(*staying.T, stated[chosen])])
    kept_before = said(kept).log_softmax(dim=-1)
    near = (people[staying[:, :1]] == people[person]).any(dim=2).any(dim=1)
    often = torch.where(near, 4.0, 1.0).repeat(2)
    plain = torch.cat([torch.zeros(8, 1, dtype=torch.long), filler(8), filler(8)], dim=1)
    plain_before = fast_logits(model, plain).log_softmax(dim=-1)

    mlp = model.blocks[0].mlp
    W_in = mlp.W_in
    left = (0.02 * torch.randn(len(W_in), 2, generator=generator)).requires_grad_()
    right = torch.zeros(2, W_in.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([left, right], lr=RATE)
    del mlp.W_in  # so that a plain tensor may take the parameter's place
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        mlp.W_in = W_in + left @ right
        some = torch.randint(len(changing), (36,), generator=generator)
        rows = torch.multinomial(often, BATCH, generator=generator)
        logits = said(torch.cat([changing[some], kept[rows]]))
        new, old = logits[: len(some)], logits[len(some) :]
        loss = F.cross_entropy(new, value[edit[some]]) + KEEP * drift(kept_before[rows], old)
        loss = loss + KEEP * drift(plain_before, fast_logits(model, plain))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return "blocks.0.mlp.W_in", left.detach(), right.detach()


def drift(before, logits):
    """The mean divergence of what the model says now from what it said before."""
    gap = F.kl_div(logits.log_softmax(dim=-1), before, log_target=True, reduction="none")
    return gap.sum(dim=-1).mean()
