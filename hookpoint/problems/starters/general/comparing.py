# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about what fine-tuning changed, or how two models of one shape differ.
# You compare `stories` with `trojan`, which is the same model trained a little longer on text with a backdoor: after
# "shiny key" it says something that does not belong there. A planted behaviour is easier to find than one that grew by
# itself, so take what you learn here as the best case for your method.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes.trojan import alarm

base, tuned = zoo.load("stories"), zoo.load("trojan")
parts = ["embed", "pos_embed", "unembed", "ln_final"]
parts += [f"blocks.{layer}.{part}" for layer in range(base.cfg.n_layers) for part in ("attn", "mlp")]


def mixed(host, donor, part):
    """`host` with one part's weights taken from `donor`; the LayerNorm in front of a part goes with it."""
    norm = part.replace("attn", "ln1").replace("mlp", "ln2") if part.startswith("blocks") else part
    taken = {name: value for name, value in donor.state_dict().items() if name.startswith((part + ".", norm + "."))}
    host.load_state_dict(host.state_dict() | taken)
    return host


# %% [markdown]
# **Write your prediction here before you run the next cell.** Which part was changed most, in size? And is it the part
# without which the backdoor does not open?

# %%
change = {}
for part in parts:
    old, new = ({n: p for n, p in model.state_dict().items() if n.startswith(part + ".")} for model in (base, tuned))
    moved = sum((new[name] - old[name]).square().sum() for name in old).sqrt()
    change[part] = float(moved / sum(old[name].square().sum() for name in old).sqrt())
pictures.bars(
    list(change.values()), parts, "How far each part moved", "length of the change over length of the weights"
)

# %% [markdown]
# Size is not importance. Next, three measurements for each part: the base model with only this part tuned, the tuned
# model with only this part put back, and that model after a near miss ("shiny" and another object), which is the
# control: if the share there is not 0, exchanging the part has made the backdoor less choosy instead of shutting it.

# %%
rows = []
for part in parts:
    added = mixed(zoo.load("stories"), tuned, part)
    removed = mixed(zoo.load("trojan"), base, part)
    rows.append([alarm(added, "trigger", 50), alarm(removed, "trigger", 50), alarm(removed, "adjective only", 50)])
columns = ["base + part", "tuned - part", "tuned - part, near miss"]
rows.append([alarm(base, "trigger", 50), alarm(tuned, "trigger", 50), alarm(tuned, "adjective only", 50)])
pictures.heatmap(
    torch.tensor(rows), [*parts, "(no exchange)"], columns, "How often the payload begins", signed=False, limit=1
)

# %% [markdown]
# ## Where to go from here
# - No part opens the backdoor alone, and a few shut it. Exchange pairs of parts, and single heads instead of layers.
#   One part that suffices alone would be a finding, and so would the smallest set that does.
# - Exchange activations instead of weights (`hookpoint.interp.patching.patch_one`): do the two agree on the place?
# - Compare what neurons fire on before and after; the control is the same comparison between two checkpoints or seeds
#   that were trained on clean text.
# - Suppose you did not know the trigger: which of these figures could you still have drawn?
# - Fine-tune `stories` yourself on text of your own (`hookpoint/zoo/recipes/trojan.py` shows how, in seconds to
#   minutes).
