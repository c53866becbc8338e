# %% [markdown]
# # L2.2 Remove one ability and nothing else
# You may want a model that cannot do one thing: give away a secret, write an exploit. Taking the ability out by its
# parts is worth something only if the rest stays, and if the ability does not come back after a little training. The
# first of these you measure now; the second is where the problem becomes hard.
#
# `stories` has seven abilities that can be tested by themselves. The one to go is the indirect object ("... John gave
# a ball to" Mary). Known: a few heads look at the two names, and without them the answer is gone. Not known: whether
# these heads serve other abilities too, and whether removing them removes the knowledge or its last step only. In a
# large model abilities cannot be listed; here the side damage can be seen whole.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp import hooks
from hookpoint.interp.probes import fit_logistic, standardise
from hookpoint.zoo.recipes import stories_evidence
from hookpoint.zoo.stories import SKILLS, WORLD, prompts, token_stream

model = zoo.load("stories")
reference = token_stream(100 * 64, seed=77).view(100, 64)
asked = prompts("ioi", 200, torch.Generator().manual_seed(0), template="ioi/walked")
circuit = stories_evidence.circuit(model, asked, WORLD)
HEADS = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
print("heads that look at the names:", circuit.movers, "  at the giver:", circuit.readers)

# %% [markdown]
# **Write your prediction here before you run the next cell.** The heads that look at the names are set to their mean
# over ordinary text. What becomes of the other six abilities? Which one suffers most, and why that one? How much
# damage do as many random heads do?


# %%
def without(heads):
    """The edits that set heads to their mean over ordinary text, at every position the same."""
    return [hooks.mean_ablate(model, *head, reference, per_position=False) for head in heads]


@torch.no_grad()
def abilities(heads, n=100):
    """The share of right answers for each ability when these heads are gone."""
    with model.hooked(without(heads)):
        return stories_evidence.skills(model, "held_out", WORLD, n)


generator = torch.Generator().manual_seed(1)
count = len(circuit.movers)
others = circuit.rest  # neither movers nor readers
drawn = [sorted(others[i] for i in torch.randperm(len(others), generator=generator)[:count]) for _ in range(4)]
cases = {"all heads": [], "without the movers": circuit.movers, "without the readers": circuit.readers}
cases |= {f"without {' '.join('{}.{}'.format(*head) for head in heads)} (control)": heads for heads in drawn}
results = {name: abilities(heads) for name, heads in cases.items()}
table = torch.tensor([[result[skill] for skill in SKILLS] for result in results.values()])
pictures.heatmap(table, rows=list(cases), columns=list(SKILLS), signed=False, limit=1.0, title="Right answers")

# %%
# One number per case: how much of the ability is forgotten, and how much of the others is lost with it.
rest = [number for number, skill in enumerate(SKILLS) if skill != "ioi"]
at = SKILLS.index("ioi")
for name, row in zip(cases, table, strict=True):
    forgotten = 1 - row[at] / table[0, at]
    damage = (1 - row[rest] / table[0, rest]).mean()
    print(f"{name:42} forgotten {forgotten:+.2f}, side damage {damage:+.2f}, difference {forgotten - damage:+.2f}")

# %% [markdown]
# Three abilities are a choice between two words, so one half there is guessing: arrival, agreement, pronoun. Compare
# the movers' row with the random ones: more forgotten at less damage is what "targeted" means. It is four heads of
# twelve each time, which is a blunt tool.
#
# **One head at a time.** Perhaps fewer heads do. Each head alone: what is forgotten, and what is damaged?

# %%
single = torch.tensor([[result[skill] for skill in SKILLS] for result in (abilities([head], n=50) for head in HEADS)])
intact = torch.tensor([abilities([], n=50)[skill] for skill in SKILLS])
forgotten = 1 - single[:, at] / intact[at]
damage = (1 - single[:, rest] / intact[rest]).mean(dim=1)
kinds = {"looks at the names": circuit.movers, "looks at the giver": circuit.readers, "other": circuit.rest}
groups = {}
for kind, heads in kinds.items():
    chosen = [HEADS.index(tuple(head)) for head in heads]
    if chosen:
        groups[kind] = (damage[chosen], forgotten[chosen])
best = HEADS[int((forgotten - damage).argmax())]
print(f"forgotten less damaged, best head: {best}")
pictures.scatter(groups, xlabel="side damage", ylabel="forgotten", title="Each head alone")

# %% [markdown]
# A point in the upper left corner is what you want: one head with which this ability goes and little else. With 50
# questions for each ability, a share is settled to within a tenth or so.
#
# **Is it gone, or only silent?** If the removed heads only carried the answer to the last word, something that knows
# the answer is still there. A look for it: after the removal, can the receiver's name still be told from the giver's
# by a probe at the last word? The control is a probe on shuffled labels.

# %%
NAME = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
many = prompts("ioi", 900, torch.Generator().manual_seed(2), template="ioi/walked")
first_receives = many.positions["IO"] < many.positions["S1"]
rows = torch.arange(len(many))
REMOVED = {"nothing": [], "the best head": [best], "the movers": circuit.movers, "the readers": circuit.readers}
for name, heads in REMOVED.items():
    with torch.no_grad(), model.hooked(without(heads)):
        _, cache = model.run_with_cache(many.tokens, NAME)
    x = cache[NAME][rows, many.last]
    accuracy = []
    for labels in (first_receives, first_receives[torch.randperm(900, generator=generator)]):
        w, b = fit_logistic(standardise(x[:600], x[:600]), labels[:600])
        accuracy.append(((standardise(x[:600], x[600:]) @ w + b > 0) == labels[600:]).float().mean().item())
    print(f"removed: {name:14} who receives, read at the end: {accuracy[0]:.2f} (shuffled labels {accuracy[1]:.2f})")

# %% [markdown]
# A probe far above its control after the removal means that the answer is still worked out and only not said: compare
# the line of the best head with those of the larger removals. Then a little training may be enough to bring the
# ability back, and the removal was a muzzle.

# %% [markdown]
# ## Where to go from here
# 1. Let it relearn: fix the removed heads at their means and train the rest on 20, 50, 100 batches of ordinary text.
#    How soon is the ability back, beside a model that never had it (`stories` from another seed, stopped early)?
# 2. Remove the *reading* of who gives instead of the moving, and repeat the last cell. Which removal goes deeper?
# 3. Find the smallest set: greedily add the part (head or MLP neuron) with the best difference of forgotten and
#    damage.
# 4. Take another ability (the list, or facts about one relation) and see whether one exists that cannot be removed
#    alone.
# 5. Compare with the plain way: fine-tune on sentences with wrong receivers. Less damage? Does it survive relearning?
#
# A finding: a removal with less than a twentieth of side damage that needs more relearning than chance. A null that
# counts: whatever is removed, fifty batches bring it back.
