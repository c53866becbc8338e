# %% [markdown]
# # 5.4 Foresee grokking without looking ahead
# A model can know its training examples by heart for hundreds of updates and then learn the rule. Measures that rise
# before the jump exist, but most are defined by the solution that is found at the end ("the final frequencies"). A
# forecast may use the past only. You try one such measure on two recorded runs, on a fresh run, and on a run that never
# groks, which is the control that most stories about progress measures lack. Four runs cannot establish anything; they
# can refute.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes.grokking import Setting, train
from hookpoint.zoo.run import Run


def fresh(weight_decay):
    """The log of a new run, some seconds on a laptop."""
    run = Run("mine", seed=1)
    train(Setting(p=59, d_model=64, lr=1e-2, weight_decay=weight_decay, updates=500), run)
    return run.log


torch.set_num_threads(1)
logs = {
    "p = 59": zoo.open("grokking").log,
    "p = 113": zoo.open("grokking_113").log,
    "fresh": fresh(2.0),
    "fresh, no weight decay": fresh(0.0),
}
for name, log in logs.items():
    last = log[-1]
    print(f"{name:24} up to step {last['step']:4}, held-out accuracy at the end {last['held_out_accuracy']:.2f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** The measure is the share of the embedding in its five
# strongest frequencies, whichever these are at the moment. Will it rise before the held-out accuracy does? And will it
# stay flat in the run that does not grok?

# %%
column = lambda log, key: [row[key] for row in log]  # noqa: E731 - a name for a short thing
pictures.curve(
    {
        f"{key.replace('_', ' ')}, {name}": column(logs[name], key)
        for name in ("p = 59",)
        for key in ("train_accuracy", "held_out_accuracy", "top5_power")
    },
    x=column(logs["p = 59"], "step"),
    xlabel="updates",
    title="The recorded run",
)

# %%
on_common = {}
steps = [row["step"] for row in logs["fresh"]]
for name in ("fresh", "fresh, no weight decay"):
    on_common[f"held-out accuracy, {name}"] = column(logs[name], "held_out_accuracy")
    on_common[f"five frequencies, {name}"] = column(logs[name], "top5_power")
pictures.curve(on_common, x=steps, xlabel="updates", title="Two fresh runs: one groks, one does not")

# %% [markdown]
# Now make a forecast of it. The alarm rings at the first row at which the measure has risen by `RISE` above its value
# when the training sums were first known by heart. It sees nothing later. As a rival, the same rule with the held-out
# *loss* having fallen by a tenth: somebody with held-out data needs no Fourier transform.

# %%
RISE = 0.1


def first(log, true):
    return next((row["step"] for row in log if true(row)), None)


def alarms(log):
    """Steps of: known by heart, alarm by frequencies, alarm by the held-out loss, held-out accuracy above 0.9."""
    heart = first(log, lambda row: row["train_accuracy"] > 0.99)
    if heart is None:
        return None, None, None, None
    start = next(row for row in log if row["step"] == heart)
    later = [row for row in log if row["step"] >= heart]
    return (
        heart,
        first(later, lambda row: row["top5_power"] > start["top5_power"] + RISE),
        first(later, lambda row: row["held_out_loss"] < 0.9 * start["held_out_loss"]),
        first(log, lambda row: row["held_out_accuracy"] > 0.9),
    )


print(f"{'run':24} by heart   alarm: frequencies   alarm: held-out loss   grokked")
for name, log in logs.items():
    print(f"{name:24} " + "   ".join(f"{str(step):>12}" for step in alarms(log)))

# %% [markdown]
# An alarm is worth something if it rings well before the last column, and does not ring where the last column says
# None. Compare the two alarms with each other before you praise one.

# %% [markdown]
# ## Where to go from here
# - `RISE` was set by looking at nothing, and one number is easily tuned. Choose it on ten runs, then judge on ten
#   others: hits, false alarms, and how many updates ahead.
# - Make runs that differ: weight decay from 0 to 4, other shares of training sums, other p. Smaller p trains in
#   seconds.
# - Rivals without Fourier: the norm of the weights, the rank of the embedding, the agreement of two halves of the
#   model.
# - Forecast *when*, not only *whether*: fit the rise in the first fifth of each run and state an interval. Score it.
# - A null to aim at: no measure from the past beats the held-out loss itself.
