# %% [markdown]
# # 2.28 Why is MLP0 so important in GPT-2 small?
# Take away the first MLP of GPT-2 and it falls apart, while later ones can be spared one at a time. One idea is that
# MLP0 extends the embedding: what it writes depends on the current token alone, and everybody downstream expects token
# and extension together. That can be tested without knowing anything else: replace the MLP by a look-up table with one
# entry per token. You do it in `stories`, which has three MLPs of 128 neurons. Whether its first MLP is special at all
# is the first thing to find out; GPT-2 has eleven more layers to depend on it.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model.loss import per_token_loss
from hookpoint.zoo import stories

model = zoo.load("stories")
D_VOCAB, LENGTH = model.cfg.d_vocab, 48
known = stories.token_stream(500 * LENGTH, seed=21).view(-1, LENGTH)  # where tables are made
fresh = stories.token_stream(80 * LENGTH, seed=22).view(-1, LENGTH)  # where they are tested

# %% [markdown]
# **Write your prediction here before you run the next cell.** For each of the three MLPs: how much does the loss rise
# when it writes nothing, and how much of that does a table with one entry per token repair? What should a table do
# whose entries were dealt to the wrong tokens?


# %%
NAMES = [f"blocks.{layer}.hook_mlp_out" for layer in range(model.cfg.n_layers)]
with torch.no_grad():
    _, on_known = model.run_with_cache(known, NAMES)
    _, on_fresh = model.run_with_cache(fresh, NAMES)


def table_of(layer, keys):
    """The mean output of an MLP for each key, [key, d_model]; keys that never occur get the mean of all."""
    written = on_known[NAMES[layer]].flatten(0, 1)
    sums = torch.zeros(D_VOCAB, written.shape[1]).index_add_(0, keys.flatten(), written)
    counts = torch.bincount(keys.flatten(), minlength=D_VOCAB)[:, None]
    return torch.where(counts > 0, sums / counts.clamp(min=1), written.mean(dim=0))


@torch.no_grad()
def loss_with(layer, written):
    """The loss on fresh text when the MLP of a layer writes `written` instead, [text, pos, d_model]."""
    hooks = (
        [] if written is None else [(f"blocks.{layer}.hook_mlp_out", lambda act, point: written.expand_as(act).clone())]
    )
    return float(per_token_loss(model.run_with_hooks(fresh, hooks), fresh).mean())


base = loss_with(0, None)
used = known.unique()
order = used[torch.randperm(len(used), generator=torch.Generator().manual_seed(0))]
rows = []
for layer in range(model.cfg.n_layers):
    table = table_of(layer, known)
    dealt = table.clone()
    dealt[used] = table[order]
    before = table_of(layer, known.roll(1, dims=1))  # keyed by the token before instead
    mean = on_known[NAMES[layer]].mean(dim=(0, 1))
    written = [torch.zeros(1), mean, table[fresh], before[fresh.roll(1, dims=1)], dealt[fresh]]
    rows.append([loss_with(layer, each) - base for each in written])
columns = ["nothing", "its mean", "table by token", "table by the token before", "table, dealt wrongly"]
print(f"loss of the whole model: {base:.3f} nats")
pictures.heatmap(
    torch.tensor(rows),
    [f"MLP {layer}" for layer in range(3)],
    columns,
    "Rise of the loss when an MLP writes ... instead",
    signed=False,
    high="nats",
)

# %% [markdown]
# Read each row from left to right. If "table by token" is near 0 for an MLP, the extended embedding is all that this
# MLP is; what is left is what it computes from context. The last two columns are the controls: a table of the same size
# keyed by something else, and the right entries at the wrong tokens.
#
# How much of what each MLP writes is fixed by the current token at all?

# %%
shares = []
for layer in range(3):
    written = on_fresh[NAMES[layer]]
    missed = (written - table_of(layer, known)[fresh]).square().sum()
    shares.append(float(1 - missed / (written - written.mean(dim=(0, 1))).square().sum()))
pictures.bars(
    shares,
    [f"MLP {layer}" for layer in range(3)],
    "What the current token says about an MLP's output",
    "share of variance, fresh text",
)

# %% [markdown]
# ## Where to go from here
# - Which tokens need the rest? List the tokens with the greatest rise under "table by token", and look at what stood
#   before them. A pair of tokens as key may be enough: say so beforehand, and mind how rarely pairs occur.
# - Who downstream needs it? Put the table in for one reader at a time (the keys of layer 1, say) with path patching.
# - Fold the table into `W_E` and take MLP0 out: are weight-based scores (QK, OV circuits) clearer with the extended
#   embedding? `hookpoint.interp.qk_ov` has them.
# - The same on GPT-2 (`hookpoint zoo fetch gpt2`): with 50,257 tokens, take the MLP's output for the token alone after
#   a start token as its entry. If the table repairs little there, the idea is wrong for GPT-2.
