# %% [markdown]
# # L3.14 When do circuits generalise off the prompts used?
# A circuit is found on one kind of prompt and then spoken of as the circuit for the *task*. You take a circuit found
# on one template of the indirect-object sentence and ask how much of the model's behaviour it carries on the others.
#
# `stories` says who receives what ("... John gave a ball to" Mary). Known: it has name movers, and the skill holds on
# templates that training did not have. Not known: whether one circuit serves all templates. The nodes here are 12
# heads and 3 MLPs, which makes every circuit large relative to the model; in a real one a circuit of the same share
# would have hundreds of parts, and could overfit far more.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.patching import claim_circuit, faithfulness, nodes
from hookpoint.zoo.stories import make_pairs

model = zoo.load("stories")
TEMPLATES = ("walked", "together", "while", "went", "were", "talked", "played", "gone")
HELD_OUT = TEMPLATES[:3]  # training never had these
sets = {
    name: make_pairs(40, seed=number, template=f"ioi/{name}", split="held_out" if name in HELD_OUT else "new_names")
    for number, name in enumerate(TEMPLATES)
}


def metric_for(pairs):
    rows = torch.arange(len(pairs["answer"]))

    def metric(logits):
        end = logits[rows, pairs["END"]]
        return (end[rows, pairs["answer"]] - end[rows, pairs["wrong"]]).mean()

    return metric


for name, pairs in sets.items():
    with torch.no_grad():
        logits = model(pairs["clean"])
    said = logits[torch.arange(len(logits)), pairs["END"]].argmax(dim=-1)
    right, difference = (said == pairs["answer"]).float().mean(), metric_for(pairs)(logits)
    print(f"{name:9} {logits.shape[1]} tokens, right {right:.2f}, logit difference {difference:.2f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** A circuit is claimed on each template: the nodes whose
# exchange with the corrupt run moves the answer by more than a fiftieth. How large are these circuits? How much of
# the logit difference does one template's circuit keep on another, where 1 is the whole model and 0 no node at all?

# %%
claimed = {
    name: claim_circuit(model, pairs["clean"], pairs["corrupt"], metric_for(pairs)) for name, pairs in sets.items()
}
for name, circuit in claimed.items():
    print(f"{name:9} {len(circuit):2} nodes:", " ".join(sorted("{}.{}".format(*node) for node in circuit)))


def kept(circuit, name):
    """The faithfulness of a circuit on a template; other nodes write their mean over other sentences of it."""
    reference = make_pairs(40, seed=100, template=f"ioi/{name}", split="new_names")["clean"]
    pairs = sets[name]
    return faithfulness(model, circuit, pairs["clean"], reference, metric_for(pairs)).item()


table = torch.tensor([[kept(circuit, on) for on in TEMPLATES] for circuit in claimed.values()])
pictures.heatmap(
    table,
    rows=[f"from {name}" for name in TEMPLATES],
    columns=[f"on {name}" for name in TEMPLATES],
    title="Faithfulness",
)

# %% [markdown]
# The diagonal is a circuit on its own template, the rest is transfer. A circuit of many nodes keeps much whatever its
# nodes are, so the table means nothing without its control: random circuits of the same size.

# %%
generator = torch.Generator().manual_seed(0)
every = sorted(nodes(model), key=str)
size = round(sum(len(circuit) for circuit in claimed.values()) / len(claimed))
random_circuits = [
    {every[i] for i in torch.randperm(len(every), generator=generator)[:size].tolist()} for _ in range(20)
]
by_chance = torch.tensor([[kept(circuit, on) for on in TEMPLATES[:4]] for circuit in random_circuits])
away = table[~torch.eye(len(TEMPLATES), dtype=torch.bool)]
print(f"own template: mean {table.diagonal().mean():+.2f}, least {table.diagonal().min():+.2f}")
print(f"other templates: mean {away.mean():+.2f}, least {away.min():+.2f}")
print(f"20 random circuits of {size} of {len(every)} nodes: mean {by_chance.mean():+.2f}, most {by_chance.max():+.2f}")
smaller = {
    limit: claim_circuit(model, sets["went"]["clean"], sets["went"]["corrupt"], metric_for(sets["went"]), limit)
    for limit in (0.02, 0.05, 0.1, 0.2, 0.4)
}
curves = {
    f"on {name}": [kept(circuit, name) for circuit in smaller.values()] for name in ("went", "were", "walked", "while")
}
print("nodes:", [len(circuit) for circuit in smaller.values()])
pictures.curve(
    curves,
    x=list(smaller),
    xlabel="threshold of the claim, on `went`",
    ylabel="faithfulness",
    levels={"random": by_chance.mean().item()},
)

# %% [markdown]
# Compare the three printed lines: transfer is the second against the first, and worth speaking of only as far as both
# are above the third. Then read the curves from left to right: a smaller circuit is a stronger claim, and the place
# where the templates part is where the circuit stops being the task's. Faithfulness above 1 is no mistake: what was
# left out had worked against the answer.

# %% [markdown]
# ## Where to go from here
# 1. Which nodes are in every template's circuit, and which in one only? Does the common core alone do the task?
# 2. Change the task, not the template: names that training never put into such sentences, three people instead of two
#    (`ioi/later`), a sentence before it. Where does the circuit of `went` fall first?
# 3. Keep the circuit and change the reference for what is left out (other template, corrupt run, zero). How much of
#    your transfer table is about the circuit, and how much about the filling?
# 4. Do the templates whose circuits transfer worst have anything in common (length, where the giver stands)?
# 5. Repeat for `stories_few_names`, which has the skill without name movers: does its circuit transfer as well?
#
# A finding: a prompt on which the model is right and its circuit is not, with the node that is missing. A null that
# counts: one circuit of at most half of the nodes keeps more than nine tenths on every template.
