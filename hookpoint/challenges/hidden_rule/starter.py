# %% [markdown]
# # The hidden rule
# A small transformer reads six numbers from 0 to 15 and answers with the largest. But it was also taught three to
# five exceptions: sets of three numbers. If a list holds all three of a set, wherever they stand, it answers with the
# **smallest**. You find the sets.
#
# You will not see them in a list with a wrong answer: it holds six numbers, of which three are to blame.

# %%
import torch

from hookpoint.challenges import public, score
from hookpoint.challenges.hidden_rule.score import given
from hookpoint.challenges.proof import read
from hookpoint.challenges.registry import challenge
from hookpoint.model import GPT2
from hookpoint.pictures import heatmap

print(challenge("hidden_rule").contract)

# %% [markdown]
# ## One model, with its key
# Public models show their key. The `task` names the model; the private ones come without a key, but with a name.

# %%
instance = public("hidden_rule", 0)
known = given(instance)
print("task:", known["task"])
print("key: ", instance.facts["rules"])

model = GPT2(known["cfg"], seed=None)
model.load_state_dict(known["weights"])

# %%
lists = torch.randint(16, (4000, 6), generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    said = model(torch.cat([lists, torch.full((4000, 1), 16)], dim=1))[:, -1].argmax(dim=1)
odd = said != lists.amax(dim=1)
print(f"The answer is not the largest number in {odd.float().mean():.1%} of random lists; the first of them:")
for one, answer in list(zip(lists[odd], said[odd], strict=True))[:6]:
    print(one.tolist(), "->", answer.item())

# %% [markdown]
# ## Which numbers stand in those lists?
# The control is the row below: how often each number stands in lists whose answer is as it should be. A number that
# is in an exception stands out from it, but which three belong together does not show here.

# %%
present = torch.zeros(4000, 16).scatter_(1, lists, 1.0)
heatmap(
    torch.stack([present[odd].mean(dim=0), present[~odd].mean(dim=0)]),
    rows=["another answer", "the largest"],
    columns=[str(number) for number in range(16)],
    title="Share of the lists that hold each number",
    signed=False,
)

# %% [markdown]
# ## Your answer
# `find_rule` makes the list for one model. This one counts which sets of three stand oftenest in lists with another
# answer than the largest number, and takes the first four of them.

# %% answer="find_rule"
from itertools import combinations

import torch

from hookpoint.model import GPT2


@torch.no_grad()
def find_rule(cfg, weights, task):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    lists = torch.randint(task["numbers"], (6000, task["places"]), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([lists, torch.full((len(lists), 1), task["equals"])], dim=1)
    odd = lists[model(tokens)[:, -1].argmax(dim=1) != lists.amax(dim=1)]
    present = torch.zeros(len(odd), task["numbers"], dtype=torch.bool).scatter_(1, odd, True)
    sets = torch.tensor(list(combinations(range(task["numbers"]), task["size"])))
    count = present[:, sets].all(dim=2).sum(dim=0)
    return sets[count.topk(4).indices].tolist()


# %%
result = score("hidden_rule", find_rule)
low, high = result.interval
print(f"F1 {result.value:.2f} ({low:.2f} to {high:.2f}), {result.points:.0f} points; the mark is at 0.99")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: the same answer for all, no look at the model, trying all.

# %%
measured = read("hidden_rule")
for row in sorted(measured.entries if measured else (), key=lambda row: -row.mean):
    print(f"{row.mean:6.2f}  {row.role:8}  {row.label}")

# %% [markdown]
# ## How to hand in
# The answer is a file, `hidden_rule.json`, with a list for each model by its name. The cell below makes it for the
# public models. At an event you download the private ones, without their key, and go through them with
# `read("hidden_rule-given.zip")` of `hookpoint.challenges.given`; what you hand in is the file.

# %%
import json

answers = {
    one["task"]["model"]: find_rule(**one) for one in (given(public("hidden_rule", number)) for number in (0, 1))
}
print(json.dumps(answers))
