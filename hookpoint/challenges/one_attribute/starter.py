# %% [markdown]
# # One attribute at a time
# A small GPT-2 knows four things about each of 128 people. Ask it about somebody, and what it needs for the answer
# stands in its state at the last token. Put in the state of a question about somebody else, and it speaks of the
# other. You look for a part of the state that does this for one relation and for no other.
#
# A probe finds directions in which a relation can be read. Swapping them changes that relation, and others with it:
# what can be read somewhere need not be what is used there.

# %%
import torch

from hookpoint.challenges import challenge, public, score
from hookpoint.challenges.one_attribute.given import after_swap, questions, states
from hookpoint.challenges.proof import read
from hookpoint.model import GPT2, Config
from hookpoint.pictures import bars, scatter

print(challenge("one_attribute").contract)

# %% [markdown]
# ## One model, with its key
# A public instance shows everything: also the 48 people and the two wordings that the score asks about.

# %%
instance = public("one_attribute", 0)
people, facts, wordings = (instance.tensors[name] for name in ("people", "facts", "wordings"))
model = GPT2(Config(**instance.facts["cfg"]), seed=None).requires_grad_(False)
model.load_state_dict(instance.under("weights"))
print(f"{len(people)} people, of whom you are told {instance.facts['public']}; person 0 is {people[0].tolist()}")
print(f"the values of person 0: {facts[0].tolist()}")


# %%
def cause_and_isolation(basis, owner):
    """How often the answer is the other's when the relation `owner` is asked about, and stays when others are."""
    stays = []
    for asked in range(4):
        pairs = instance.tensors[f"pairs/{asked}"]
        every = states(model, questions(people, wordings[asked]))
        base, source = every[pairs[:, 0], pairs[:, 2]], every[pairs[:, 1], pairs[:, 2]]
        answers = after_swap(model, base, source, basis).argmax(dim=-1)
        if asked == owner:
            cause = (answers == facts[pairs[:, 1], asked]).float().mean().item()
        else:
            stays.append((answers == facts[pairs[:, 0], asked]).float().mean().item())
    return cause, sum(stays) / len(stays)


print("everything swapped: cause, isolation", cause_and_isolation(torch.eye(64), 0))
print("nothing swapped:    cause, isolation", cause_and_isolation(torch.zeros(64, 1), 0))

# %% [markdown]
# So this is the place: the whole state carries the answer. Between the two ends lies a trade. Each point is one
# number of columns, from the directions in which the means of people with different values differ; the control are
# random directions.

# %%
last = states(model, questions(people, wordings[0]))[:, 0, -1]
last = last - last.mean(dim=0)
means = torch.stack([last[facts[:, 0] == value].mean(dim=0) for value in facts[:, 0].unique()])
probe = torch.linalg.svd(means, full_matrices=False)[2].T
chance = torch.linalg.qr(torch.randn(64, 16, generator=torch.Generator().manual_seed(0)))[0]
points = {}
for name, basis in {"class means": probe, "random directions": chance}.items():
    points[name] = tuple(zip(*(cause_and_isolation(basis[:, :k], 0) for k in (1, 2, 4, 8, 12, 16)), strict=True))
scatter(points, xlabel="cause", ylabel="isolation", title="Relation 0, with 1 to 16 columns")

# %% [markdown]
# ## Your answer
# This one takes the directions of the class means, from the public people.

# %% answer="find_bases"
import torch

from hookpoint.challenges.one_attribute.given import questions, states
from hookpoint.model import GPT2


def find_bases(cfg, weights, people, facts, wordings):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    bases = []
    for relation in range(3):
        last = states(model, questions(people, wordings[relation]))[:, :, -1].mean(dim=1)
        last = last - last.mean(dim=0)
        means = [last[facts[:, relation] == value].mean(dim=0) for value in facts[:, relation].unique()]
        U, S, Vh = torch.linalg.svd(torch.stack(means), full_matrices=False)
        bases.append(Vh[:12].T)
    return bases


# %%
result = score("one_attribute", find_bases)
low, high = result.interval
print(f"score {result.value:.3f} ({low:.3f} to {high:.3f}), {result.points:.0f} points")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: swapping nothing, swapping what varies most, trying many
# bases.

# %%
proof = read("one_attribute")
rows = proof.entries if proof else ()
bars([row.mean for row in rows], [f"{row.role}: {row.label}" for row in rows], xlabel="score") if rows else None

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
