# %% [markdown]
# # 6.7 Zero ablation and backup heads
# To ask what a head is for, you switch it off. But off is not one thing: you can write zeros, the head's average, or
# what it says on another text. And when a head is off, another may step in, so that the important one looks idle. You
# ask how far your conclusions depend on the way of switching off.
#
# Known: in GPT-2 small, heads that are idle on the indirect object take over when the name movers are removed (Wang
# et al. 2022). Not known: how often that happens, and which ablation shows it honestly. You measure it on `stories`,
# a small model with name movers, and beside it on `circuit_hard_backup`, which was *compiled* with one backup head:
# there the truth is known, and your measure can be tested. Whether `stories` has any backup is for you to say.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp import hooks
from hookpoint.interp.attribution import dla_heads, logit_diff
from hookpoint.zoo.compile.measure import Bench
from hookpoint.zoo.recipes import circuits
from hookpoint.zoo.stories import make_pairs

model = zoo.load("stories")
pairs = make_pairs(200, seed=0)
tokens, answer, wrong = pairs["clean"], pairs["answer"], pairs["wrong"]
reference = make_pairs(200, seed=1)["clean"]  # other people, same kind of sentence
HEADS = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
with torch.no_grad():
    logits, cache = model.run_with_cache(tokens)
intact = logit_diff(logits, answer, wrong).item()
print(f"receiver's logit over the giver's: {intact:.2f}, on {len(tokens)} sentences")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Three ways to switch off one head: zero, mean,
# resample. For which heads do they disagree most: for those that matter, or for those that do not? In which
# direction: does zero overstate a head's part, or understate it?


# %%
def off(layer, head, how):
    if how == "zero":
        return hooks.zero_ablate_head(layer, head)
    if how == "mean":
        return hooks.mean_ablate(model, layer, head, reference)
    return hooks.resample_ablate(layer, head, torch.Generator().manual_seed(0))


@torch.no_grad()
def lost(heads, how):
    """How much of the logit difference goes when these heads are switched off."""
    changed = model.run_with_hooks(tokens, [off(*head, how) for head in heads])
    return intact - logit_diff(changed, answer, wrong).item()


WAYS = ("zero", "mean", "resample")
table = torch.tensor([[lost([head], how) for how in WAYS] for head in HEADS])
pictures.heatmap(
    table, rows=[f"{layer}.{head}" for layer, head in HEADS], columns=list(WAYS), title="Logit difference lost"
)

# %%
order = table.argsort(dim=0, descending=True)
for column, how in enumerate(WAYS):
    print(f"{how:9} the five largest:", ", ".join("{}.{}".format(*HEADS[i]) for i in order[:5, column].tolist()))
ranks = order.argsort(dim=0).double().T
print(f"rank correlation: zero with mean {torch.corrcoef(ranks)[0, 1]:.2f}", end=", ")
print(f"mean with resample {torch.corrcoef(ranks)[1, 2]:.2f}")

# %% [markdown]
# **Does anything step in?** What a head writes towards the answer *directly* is known from the intact run. If nothing
# reacts, switching off a head of the last layer should cost just that. A head whose loss is smaller than its direct
# part has been made up for, by another head or by the MLP behind it. First the answer sheet: in the compiled model
# the head that gives the answer has a backup, and the heads of no role are the control.

# %%
bench = Bench(zoo.load("circuit_hard_backup"), circuits.task("circuit_hard_backup"), n=200)
roles = {}
for entry in circuits.answer_key("circuit_hard_backup")["nodes"]:
    roles.setdefault(entry["role"], []).append(tuple(entry["node"]))
whole = bench.answer_logit()
for role, found in roles.items():
    for node in found:
        direct, after = bench.direct_effect(node), bench.answer_logit(node)
        print(f"compiled {role:8} {node}: direct part {direct:6.2f}, lost {whole - after:6.2f}")

# %%
with torch.no_grad():
    direct = dla_heads(model, cache, answer, wrong).mean(dim=-1)
    # The mean writes something too: what is lost directly is the difference to it.
    _, other = model.run_with_cache(reference)
    at_mean = {name: other[name].mean(dim=0, keepdim=True).expand_as(cache[name]) for name in cache if "hook_z" in name}
    direct = direct - dla_heads(model, cache | at_mean, answer, wrong).mean(dim=-1)
last = model.cfg.n_layers - 1
groups = {"earlier layers": [], "last layer": []}
for number, (layer, head) in enumerate(HEADS):
    point = (direct[layer, head].item(), table[number, 1].item())
    groups["last layer" if layer == last else "earlier layers"].append(point)
ends = torch.tensor([direct.min().item(), direct.max().item()])
pictures.scatter(
    {name: tuple(zip(*points, strict=True)) for name, points in groups.items()},
    lines={"nothing steps in": (ends, ends)},
    xlabel="direct part in the logit difference, over its mean",
    ylabel="lost when set to its mean",
    title="Heads of stories",
)

# %% [markdown]
# In the compiled model the answering head has a large direct part, and nothing is lost without it (a negative number
# is a gain): that is what a backup looks like, and switching off one head at a time would call the answering head
# idle. In `stories`, read each point against the line: below it, something stepped in; above it, the head also worked
# through later parts, as heads of earlier layers should.

# %% [markdown]
# ## Where to go from here
# 1. Switch off pairs: for which two heads is the loss of both larger than the sum of the single losses? Do it for all
#    66 pairs, with the mean, and compare the largest excess with the same table on shuffled answers.
# 2. Separate heads from MLPs: freeze every MLP at its intact output and draw the picture again. If the points move to
#    the line, it was the MLP that stepped in.
# 3. Find the constant that costs *least* when put in a head's place (a few steps of gradient descent on one vector
#    per head) and ask whether it is nearer to zero or to the mean.
# 4. Do the same with `stories_few_names`, which has the skill and no name movers.
# 5. Try your measure on `circuits.generate("hard_backup", seed)` for ten seeds: how often does it name the backup?
#
# A finding: two heads whose roles are exchanged by the way of switching off, with the reason. A null that counts:
# over all heads and templates the three ways rank heads alike, and no loss is smaller than its direct part by more
# than a tenth.
