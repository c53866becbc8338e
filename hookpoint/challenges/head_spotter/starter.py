# %% [markdown]
# # Head spotter
# A model of two layers of attention has learned to go on with what it read before. Heads of layer 0 look at the token
# before, heads of layer 1 look for the last time this token occurred and copy what followed: induction. You put the
# heads of each layer in the order of how much they do.
#
# It is not enough to see where they look. In each layer two heads look where the best ones look, and what they write
# is read by hardly anything.

# %%
import torch

from hookpoint.challenges import public, score
from hookpoint.challenges.proof import read
from hookpoint.challenges.registry import challenge
from hookpoint.interp.induction import induction_score, prev_token_score
from hookpoint.model import GPT2, Config
from hookpoint.pictures import heatmap

print(challenge("head_spotter").contract)

# %% [markdown]
# ## One model, with its key
# Public models show their key: each head's share, and which heads are decoys.

# %%
instance = public("head_spotter", 0)
cfg, weights = Config(**instance.facts["config"]), instance.under("weights")
model = GPT2(cfg, seed=None)
model.load_state_dict(weights)
print("decoys in layer 0 and 1:", instance.facts["decoys"])

# %% [markdown]
# Where the heads look, and below it, as the control, what they do. The decoys are bright above and dark below.

# %%
half = torch.randint(1, cfg.d_vocab, (64, 12), generator=torch.Generator().manual_seed(0))
tokens = torch.cat([torch.zeros(64, 1, dtype=torch.long), half, half], dim=1)
_, cache = model.run_with_cache(tokens)
looks = [
    prev_token_score(cache["blocks.0.attn.hook_pattern"]),
    induction_score(cache["blocks.1.attn.hook_pattern"], 12),
]
heatmap(
    torch.stack([looks[0], instance.tensors["key"][0], looks[1], instance.tensors["key"][1]]).detach(),
    rows=["layer 0: attention to the token before", "layer 0: share", "layer 1: induction attention", "layer 1: share"],
    columns=[f"head {head}" for head in range(cfg.n_heads)],
    title="Looking and doing",
)

# %% [markdown]
# ## Your answer
# This one goes by attention alone.

# %% answer="head_importance"
import torch

from hookpoint.interp.induction import induction_score, prev_token_score
from hookpoint.model import GPT2


@torch.no_grad()
def head_importance(cfg, weights):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    half = torch.randint(1, cfg.d_vocab, (64, 12), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([torch.zeros(64, 1, dtype=torch.long), half, half], dim=1)
    _, cache = model.run_with_cache(tokens)
    before = prev_token_score(cache["blocks.0.attn.hook_pattern"])
    followed = induction_score(cache["blocks.1.attn.hook_pattern"], 12)
    return torch.stack([before, followed])


# %%
result = score("head_spotter", head_importance)
low, high = result.interval
print(f"rank correlation {result.value:.2f} ({low:.2f} to {high:.2f}), {result.points:.0f} points; the mark is at 0.9")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: the same answer for all, knowing only the layers, ablating
# each head.

# %%
measured = read("head_spotter")
for row in sorted(measured.entries if measured else (), key=lambda row: -row.mean):
    print(f"{row.mean:6.2f}  {row.role:8}  {row.label}")

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
