# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about finding and testing circuits. You look at compiled models: their
# weights were written, not trained, so which heads and MLPs do the work is known, and a method can be *scored*. They
# are small and have no noise, so a method that fails here has a problem; one that succeeds here has not yet been tested
# on the mess of a trained model.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.compile import nodes_of
from hookpoint.zoo.compile.measure import Bench
from hookpoint.zoo.recipes import circuits

names = [name for name in zoo.names(shipped=True) if name.startswith("circuit_")]
benches = {name: Bench(zoo.load(name), circuits.task(name), n=100) for name in names}
key = circuits.answer_key("circuit_hard_mixed")
for node in key["nodes"]:
    print(f"{node['role']:8} {node['node']}  {node['does']}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** The plainest method ranks every part by the accuracy that
# is lost when it writes what it writes on another input. For each circuit, is the top of that ranking the answer key?
# In which of them will it be wrong?

# %%
found, chance, sizes = {}, {}, {}
for name, bench in benches.items():
    needed, drops = nodes_of(circuits.answer_key(name), "circuit"), bench.node_drops()
    ranked = sorted(drops, key=lambda node: -drops[node])[: len(needed)]
    short = name.removeprefix("circuit_")
    found[short] = len(needed.intersection(ranked)) / len(needed)
    chance[short] = len(needed) / len(drops)  # what a ranking drawn at random would find on average
    sizes[short] = f"{len(needed)} of {len(drops)}"
table = torch.tensor([list(found.values()), list(chance.values())]).T
rows = [f"{short} ({sizes[short]})" for short in found]
pictures.heatmap(table, rows, ["by ablation", "at random"], "Share of the circuit found", signed=False, limit=1)

# %% [markdown]
# The second column is the control. Brackets say how many parts are in the circuit, of how many. Where ablation falls
# short, look at what misled it: the names that begin with "hard" were built to have backups, groups of heads that
# cancel one another, and heads that take part of the answer back.

# %%
bench, needed = benches["circuit_hard_mixed"], nodes_of(key, "circuit")
drops = bench.node_drops()
ordered = sorted(drops, key=lambda node: -drops[node])
labels = [f"{node[0]}.{node[1]}{' (in the circuit)' if node in needed else ''}" for node in ordered]
pictures.bars(
    [drops[node] for node in ordered], labels, "hard_mixed: accuracy lost without one part", "share of right answers"
)

# %% [markdown]
# ## Where to go from here
# - Put your method in the place of the ranking (patching, attribution patching, edges instead of nodes: all are in
#   `hookpoint.interp.patching`) and fill in the same table. Beating the first column where it is below 1 is a finding.
# - `circuits.generate("hard_mixed", seed=7)` makes another variant with its key. Tune on some seeds and report others.
# - Count what a method costs in forward passes: a search over all pairs finds backups and is no method for a large
#   model.
# - Carry the method to a trained model with a known mechanism, `induction` or `sort_list`, and say beforehand what
#   would count as failure.
