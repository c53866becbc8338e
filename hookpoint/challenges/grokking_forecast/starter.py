# %% [markdown]
# # Grokking forecast
# A model that learns sums modulo p knows its examples by heart within fifty updates. Much later, all at once, it gets
# the other sums right as well. When? You see the settings of ten runs and their first fifty updates, and forty other
# runs whose jump is known.
#
# This is a demonstration, and gives no points: the same settings with another seed jump at another time.

# %%
from hookpoint.challenges import public, score
from hookpoint.challenges.grokking_forecast.generate import COLUMNS, known
from hookpoint.challenges.proof import read
from hookpoint.challenges.registry import challenge
from hookpoint.pictures import scatter

print(challenge("grokking_forecast").contract)

# %% [markdown]
# ## The runs that are known

# %%
runs, instance = known(), public("grokking_forecast", 0)
print({name: value for name, value in runs[0].items() if name != "curve"})
for row in runs[0]["curve"]:
    print({name: value for name, value in zip(COLUMNS, row, strict=True)})
print("the onsets that are to be forecast, which public instances show:", instance.facts["onsets"])

# %% [markdown]
# The onset against the share of the sums in training, and against something that says less, as the control.


# %%
def of(p, value):
    """A value of each known run of that p, and their onsets."""
    chosen = [run for run in runs if run["p"] == p]
    return [value(run) for run in chosen], [run["onset"] for run in chosen]


scatter(
    {f"p = {p}": of(p, lambda run: run["share"]) for p in (31, 37, 41)},
    xlabel="share of the sums in training",
    ylabel="onset (step)",
    title="The more examples, the earlier",
    ylog=True,
)

# %%
scatter(
    {f"p = {p}": of(p, lambda run: run["curve"][-1][3]) for p in (31, 37, 41)},
    xlabel="accuracy on the training sums at step 50",
    ylabel="onset (step)",
    title="Knowing the examples by heart says less",
    ylog=True,
)

# %% [markdown]
# ## Your answer
# This one fits the logarithm of the onset by a line in the settings, and does not look at the curves.

# %% answer="forecast"
import torch


def forecast(known, runs):
    def features(run):
        return [run["p"], run["share"], run["rate"] * 100, run["decay"], 1.0]

    seen = torch.tensor([features(run) for run in known])
    onsets = torch.tensor([run["onset"] for run in known]).float().log()
    fitted = torch.linalg.lstsq(seen, onsets[:, None]).solution
    return (torch.tensor([features(run) for run in runs]) @ fitted).exp().flatten().tolist()


# %%
result = score("grokking_forecast", forecast)
low, high = result.interval
print(f"minus the mean error of the logarithm: {result.value:.2f} ({low:.2f} to {high:.2f})")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# The nearer to 0 the better. Attackers are there to show what the score is not worth: the same step for all, and no
# look at the curves.

# %%
measured = read("grokking_forecast")
for row in sorted(measured.entries if measured else (), key=lambda row: -row.mean):
    print(f"{row.mean:6.2f}  {row.role:8}  {row.label}")

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
