"""factors with a keep loss

Two factors in the first MLP, trained with a loss that holds on to sixty other questions.

The update of rank 2 goes into the first block's `W_out`, where the names meet; the loss is that of the six new facts
plus the divergence from what the model said before, for a few facts of other people and of the same ones.
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)

    def asked(person, relation):
        wording = torch.randint(wordings.shape[1], (len(person),), generator=generator)
        before = text[torch.randint(len(text), (len(person),), generator=generator)]
        start = torch.zeros(len(person), 1, dtype=torch.long)
        return torch.cat([start, before, people[person], wordings[relation, wording]], dim=1)

    person, relation, value = (torch.tensor(column).repeat(4) for column in zip(*edits, strict=True))
    tokens = asked(person, relation)
    own = [(one, other) for one, changed, _ in edits for other in range(facts.shape[1]) if other != changed]
    others = [one for one in range(len(people)) if one not in {edit[0] for edit in edits}]
    chosen = torch.randperm(len(others), generator=generator)[:42].tolist()
    rows = own + [(others[at], edits[at % len(edits)][1]) for at in chosen]
    keep = asked(*(torch.tensor(column) for column in zip(*rows, strict=True)))
    before = fast_logits(model, keep, last_only=True)[:, -1].log_softmax(dim=-1)

    W_out = model.blocks[0].mlp.W_out
    left = (0.02 * torch.randn(len(W_out), 2, generator=generator)).requires_grad_()
    right = torch.zeros(2, W_out.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([left, right], lr=0.02)
    del model.blocks[0].mlp.W_out
    for _ in range(150):
        model.blocks[0].mlp.W_out = W_out + left @ right
        loss = F.cross_entropy(fast_logits(model, tokens, last_only=True)[:, -1], value)
        after = fast_logits(model, keep, last_only=True)[:, -1].log_softmax(dim=-1)
        loss = loss + 2 * F.kl_div(after, before, log_target=True, reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return "blocks.0.mlp.W_out", left.detach(), right.detach()
