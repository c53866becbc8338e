# %% [markdown]
# # Which frequencies?
# A one-layer transformer has learned to add modulo a prime p. It does so with cosines of a few frequencies: it turns
# the numbers a and b into waves, multiplies them, and reads off where the waves of a + b - c are in step. You say
# which frequencies these are.
#
# Usually one looks at the Fourier transform of the embedding and takes the peaks. Here four peaks are false: their
# waves stand in the embedding, louder than the others, but nothing reads them.

# %%
import torch

from hookpoint.challenges import public, score
from hookpoint.challenges.proof import read
from hookpoint.challenges.registry import challenge
from hookpoint.model import Config
from hookpoint.pictures import heatmap

print(challenge("key_frequencies").contract)

# %% [markdown]
# ## One model, with its key
# Public models show their key: the frequencies that count, the false ones, and how much accuracy each is worth.

# %%
instance = public("key_frequencies", 0)
cfg, weights = Config(**instance.facts["config"]), instance.under("weights")
p = cfg.d_vocab - 1
print(f"p = {p}, key frequencies {instance.facts['key']}, decoys {instance.facts['decoys']}")

# %% [markdown]
# The upper row is the power of each frequency in the embedding, the lower one what the answers lose without it. The
# control is in the picture: frequencies with power and no loss.

# %%
power = torch.fft.rfft(weights["embed.W_E"][:p], dim=0).abs().square().sum(dim=1)[1:]
heatmap(
    torch.stack([power / power.sum(), torch.tensor(instance.facts["drops"])]),
    rows=["share of the power", "accuracy lost without it"],
    columns=[str(k) for k in range(1, len(power) + 1)],
    title=f"Frequencies of a model of sums mod {p}",
    signed=False,
)

# %% [markdown]
# ## Your answer
# This one takes the frequencies with more than 3 % of the embedding's power.

# %% answer="key_frequencies"
import torch


def key_frequencies(cfg, weights):
    p = cfg.d_vocab - 1
    power = torch.fft.rfft(weights["embed.W_E"][:p], dim=0).abs().square().sum(dim=1)[1:]
    return [int(k) + 1 for k in (power > 0.03 * power.sum()).nonzero().flatten()]


# %%
result = score("key_frequencies", key_frequencies)
low, high = result.interval
print(f"F1 {result.value:.2f} ({low:.2f} to {high:.2f}), {result.points:.0f} points; the mark is at 0.95")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: the same answer for all, no look at the model, trying all.

# %%
measured = read("key_frequencies")
for row in sorted(measured.entries if measured else (), key=lambda row: -row.mean):
    print(f"{row.mean:6.2f}  {row.role:8}  {row.label}")

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
