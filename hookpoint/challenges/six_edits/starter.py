# %% [markdown]
# # Six edits, one matrix
# A small GPT-2 knows 512 facts: four about each of 128 people. Six of them are to become others, by adding a matrix
# of rank 2 to one of its matrices; everything else is to stay as it is.
#
# Training two factors on the six new facts is quick, and the model then says the new values. It says them of others
# too: people share their names, questions share their words, and nothing in that loss speaks of anybody else.

# %%
from hookpoint.challenges import challenge, public, score
from hookpoint.challenges.proof import read
from hookpoint.model import GPT2, Config
from hookpoint.pictures import bars, scatter

print(challenge("six_edits").contract)

# %% [markdown]
# ## One model, with its key
# A public instance shows everything, also the two wordings that you are not given and the questions that are asked.
# Here are the edits: whose value of which relation is to become which token.

# %%
instance = public("six_edits", 0)
people, facts, wordings = (instance.tensors[name] for name in ("people", "facts", "wordings"))
model = GPT2(Config(**instance.facts["cfg"]), seed=None).requires_grad_(False)
model.load_state_dict(instance.under("weights"))
for person, relation, value in instance.tensors["edits"].tolist():
    first, last = people[person].tolist()
    print(f"person {person:3} ({first:2} {last})  relation {relation}:  {int(facts[person, relation])} -> {value}")

# %% [markdown]
# Before you edit: what does each question get now? The new values get nothing, all others nearly one. That is the
# control for every picture below.


# %%
def certainty(model):
    """For each kind of question, the mean probability of the answer that is right after the edits."""
    shares = {}
    for name in instance.under("asked"):
        logits = model(instance.tensors[f"asked/{name}"])[:, -1]
        right = instance.tensors[f"right/{name}"]
        shares[name] = logits.softmax(dim=-1).gather(1, right[:, None]).mean().item()
    return shares


untouched = certainty(model)
bars(
    list(untouched.values()),
    list(untouched),
    title="The model before any edit",
    xlabel="probability of the right answer",
)

# %% [markdown]
# ## Your answer
# This one trains two factors for the last `W_out` on the six new facts alone.

# %% answer="edit_facts"
import torch
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits


def edit_facts(cfg, weights, people, facts, wordings, text, edits, steps=20):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    tokens, answers = [], []
    for number, (person, relation, value) in enumerate(edits):
        for wording in wordings[relation]:
            tokens.append(torch.cat([torch.tensor([0]), text[number], people[person], wording]))
            answers.append(value)
    tokens, answers = torch.stack(tokens), torch.tensor(answers)

    W_out = model.blocks[1].mlp.W_out
    generator = torch.Generator().manual_seed(0)
    left = (0.02 * torch.randn(len(W_out), 2, generator=generator)).requires_grad_()
    right = torch.zeros(2, W_out.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([left, right], lr=0.02)
    del model.blocks[1].mlp.W_out  # so that a plain tensor may take the parameter's place
    for _ in range(steps):
        model.blocks[1].mlp.W_out = W_out + left @ right
        loss = F.cross_entropy(fast_logits(model, tokens, last_only=True)[:, -1], answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return "blocks.1.mlp.W_out", left.detach(), right.detach()


# %% [markdown]
# ## What it breaks
# Each point is one number of steps: to the right the new values, upwards what the other people's facts have left.

# %%
given = {name: instance.tensors[name] for name in ("people", "facts", "text")}
given |= {"wordings": wordings[:, :2], "edits": [tuple(edit) for edit in instance.tensors["edits"].tolist()]}
curve = []
for steps in (0, 5, 10, 15, 20, 30, 40):
    name, left, right = edit_facts(model.cfg, instance.under("weights"), **given, steps=steps)
    edited = GPT2(model.cfg, seed=None).requires_grad_(False)
    edited.load_state_dict(instance.under("weights") | {name: instance.under("weights")[name] + left @ right})
    curve.append(certainty(edited))
new, others, own = ([row[term] for row in curve] for term in ("new value", "other people", "other relations"))
axes = {"xlabel": "probability of the new values", "ylabel": "probability of what was to stay"}
scatter({"other people": (new, others), "other relations": (new, own)}, title="The price of six new facts", **axes)

# %%
result = score("six_edits", edit_facts)
low, high = result.interval
print(f"score {result.value:.3f} ({low:.3f} to {high:.3f}), {result.points:.0f} points")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: no edit, the new values made likelier for everybody, random
# steps, a matrix trained in full and cut to rank 2. The baselines are honest methods.

# %%
proof = read("six_edits")
rows = proof.entries if proof else ()
bars([row.mean for row in rows], [f"{row.role}: {row.label}" for row in rows], xlabel="score") if rows else None

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
