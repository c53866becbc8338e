# %% [markdown]
# # 06b · What hyperparameters do
# A training run has a dozen numbers that nobody learns: learning rate, batch size, warm-up, weight decay, width. People
# choose them by habit, and by experiments like the ones in this notebook. Here you run those experiments yourself, on
# models so small that a run takes less than a second, and you write down what you expect *before* you look.
#
# After this notebook you can
# - find the range of learning rates that works, in one picture, and say what happens on either side of it;
# - sweep several settings at once, with a table that hides nothing;
# - say which differences of such a table mean something, and which are luck;
# - fit a power law, and say when not to believe it.
#
# ```
# make_run(seed, lr, batch, ...)  ->  losses, one per step
#    smoothed        one number per run
#    lr_range_test   one curve: loss against learning rate
#    sweep           one table: loss against every combination
#    fit_power_law   one formula: y = a * x ** b, and how well it fits
# ```

# %% [markdown]
# ## One small run
# The next cell defines `make_run`. It trains a GPT-2 of one layer on the stories of this course's small world for a
# hundred steps, and gives back the loss of every step. Nearly every batch is text that the model has not seen, so these
# losses are as good as validation losses.
#
# **The contract of a run.** `make_run(seed=..., **settings) -> list[float]`. The seed fixes the starting weights and
# the batches; the settings are passed by name, and what is not named keeps its usual value. A run that goes wrong does
# not raise an error. Its losses end in infinity or NaN: that is what it means to have **diverged**. AdamW rarely
# produces infinity by itself, because it limits every step; so `make_run` gives a run up, with a last loss of infinity,
# once the loss is ten times that of knowing nothing.
#
# GPT-2 and its starting weights are yours if they have passed in notebook 04.

# %%
import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hookpoint import checks, model, pictures
from hookpoint.content.earlier import earlier
from hookpoint.model import Config
from hookpoint.zoo.stories import token_stream

GPT2, init_weights = earlier(GPT2=model.GPT2, init_weights=model.init_weights)

# Only the tokens that occur get a number: two thirds of the tokenizer's vocabulary are single bytes and parts of words.
_, TEXT = torch.unique(token_stream(300_000, seed=7), return_inverse=True)
D_VOCAB, POS = int(TEXT.max()) + 1, 24
KNOWS_NOTHING = math.log(D_VOCAB)
frequencies = TEXT.bincount() / len(TEXT)
KNOWS_FREQUENCIES = -(frequencies * frequencies.log()).sum().item()


def config(width: int) -> Config:
    """The sizes of a model of one layer and two heads."""
    return Config(d_vocab=D_VOCAB, n_ctx=POS, d_model=width, n_layers=1, n_heads=2, d_head=width // 2, d_mlp=4 * width)


def make_run(
    seed: int = 0,
    lr: float = 0.01,
    batch: int = 8,
    width: int = 32,
    warmup: int = 0,
    weight_decay: float = 0.0,
    steps: int = 100,
) -> list[float]:
    """The loss of each step. Ends with infinity where the run was given up."""
    net = GPT2(config(width))
    init_weights(net, seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=weight_decay)
    dice, losses = torch.Generator().manual_seed(seed), []
    for step in range(steps):
        starts = torch.randint(len(TEXT) - POS, (batch, 1), generator=dice)
        rows = TEXT[starts + torch.arange(POS + 1)]
        loss = F.cross_entropy(net(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        losses.append(loss.item())
        if not losses[-1] < 10 * KNOWS_NOTHING:
            return [*losses, math.inf]
        optimizer.param_groups[0]["lr"] = lr * min(1.0, (step + 1) / max(1, warmup))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


# %%
print(f"{len(TEXT):,} tokens of text, {D_VOCAB} different ones")
print(f"loss of a model that knows nothing:               {KNOWS_NOTHING:.2f}")
print(f"loss of a model that knows how often a word is:   {KNOWS_FREQUENCIES:.2f}")
losses = make_run()
pictures.curve(
    {"loss of each step": losses},
    ylabel="nats per token",
    title="one run",
    levels={"knows nothing": KNOWS_NOTHING, "knows frequencies": KNOWS_FREQUENCIES},
)

# %% [markdown]
# ## How good was that run?
# The curve jumps from step to step, because every batch is another sample of the text. The last loss alone depends on
# which batch came last. Comparing two runs by it means comparing two batches.
#
# So you average. How far back? Too short, and you still compare batches; too long, and you count steps at which the
# model was worse. This notebook settles it once, for all runs: the **last tenth** of the steps.

# %% [markdown]
# ## Exercise: `smoothed` ★
# `smoothed(losses) -> float`: the mean of the last tenth of the losses. A tenth of `n` losses is `n // 10`, rounded
# down, but at least one: of 29 losses the last two count, of 7 the last one.
#
# - If any of the losses that count is NaN or infinite, the run has diverged and the result is `math.inf`. Not NaN: NaN
#   is neither smaller nor larger than anything, so `min` over a table with a NaN in it gives nonsense.
# - An empty list is an error (`ValueError`, say): an average of nothing must not win.
#
# Losses before the last tenth do not matter, whatever they are.

# %% [markdown] hint="smoothed" rung=1
# What is `losses[-k:]` for `k = 0`? When would that happen here?

# %% [markdown] hint="smoothed" rung=2
# First settle how many losses count, with the larger of two numbers. Cut them off the end, take their mean, and look at
# the mean: what does one NaN or one infinity among them make of it?

# %% [markdown] hint="smoothed" rung=3
# Raise an error for an empty list. The number that counts is the maximum of 1 and the length divided by ten without
# rest. Add up that many from the end and divide. `math.isfinite` tells whether the mean is a number; if it is not, give
# back infinity.


# %% exercise="smoothed" minutes=5
def smoothed(losses: list[float]) -> float:
    """The loss that a run came to: the mean of its last tenth, infinity if it has diverged.

    Raises:
        ValueError: There is no loss.
    """
    ### BEGIN SOLUTION
    if not losses:
        raise ValueError("A run without a single loss has come to nothing.")
    last = losses[-max(1, len(losses) // 10) :]
    mean = sum(last) / len(last)
    return mean if math.isfinite(mean) else math.inf
    ### END SOLUTION


# %% check="smoothed" points=1
checks.run("smoothed")

# %% [markdown]
# What averaging buys. Six runs that differ in nothing but the seed; the spread is what you would take for an effect.

# %%
repeats = [make_run(seed=seed) for seed in range(6)]
for name, summary in (("last loss", lambda run: run[-1]), ("smoothed", smoothed)):
    values = torch.tensor([summary(run) for run in repeats])
    print(f"{name:10} from {values.min():.2f} to {values.max():.2f}, standard deviation {values.std():.3f}")

# %% [markdown] only="solutions"
# Any NaN or infinity in a sum makes the sum NaN or infinite, so testing the mean is enough. `statistics.fmean` is right
# as well; it raises for an empty list by itself. A moving average over the whole run is another common choice. What
# counts is that it was chosen before the results were in.

# %% [markdown]
# ## The learning rate
# If you may tune only one number, tune this one. Too small, and a hundred steps do not get far. Too large, and every
# step overshoots. Between the two there is a range, often narrower than one would like.
#
# A **learning-rate range test** makes one short run for each learning rate, from far too small to far too large, evenly
# spaced on a logarithmic axis, and looks where each of them ends.

# %% [markdown]
# ## Exercise: `lr_range_test` ★★
# `lr_range_test(make_run, lrs, seed=0) -> list[dict]`: one row per learning rate, in the order of `lrs`. A row is
# `{"lr": lr, "loss": loss}`, where the loss is `smoothed` of that run. More keys are allowed.
#
# - Each learning rate is run once, as `make_run(seed=seed, lr=lr)`: by name, and **all with the same seed**. Otherwise
#   a lucky start could make a learning rate look good.
# - A run that diverged stays in, with the loss `math.inf`. It is a finding: this learning rate is too large. All
#   learning rates are run, also those after it.

# %% [markdown] hint="lr_range_test" rung=1
# What must be equal between two runs, so that a difference between them can only come from the learning rate?

# %% [markdown] hint="lr_range_test" rung=2
# Go through the learning rates. For each: a run, one number from it, one dict. `smoothed` has already decided what
# becomes of a run that diverged; you only must not filter.

# %% [markdown] hint="lr_range_test" rung=3
# A list comprehension will do. Call the function you were given with seed and learning rate as keyword arguments, hand
# the list of losses to `smoothed`, and put the result beside the learning rate in a new dict.


# %% exercise="lr_range_test" minutes=5
def lr_range_test(make_run, lrs: list[float], seed: int = 0) -> list[dict[str, float]]:
    """For each learning rate the loss that one run with it comes to, all from the same start."""
    ### BEGIN SOLUTION
    return [{"lr": lr, "loss": smoothed(make_run(seed=seed, lr=lr))} for lr in lrs]
    ### END SOLUTION


# %% check="lr_range_test" points=2
checks.run("lr_range_test")

# %% [markdown]
# **Before you look.** Learning rates from 0.0001 to 3 will be tried. Write your guess in this cell: which is best, and
# from which on is a run given up? A guess that was written down can be wrong, and that is what makes it useful.

# %%
guess_best_lr = None
guess_too_large = None

# %%
LRS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0]
curve = lr_range_test(make_run, LRS)
for row in curve:
    print(f"lr {row['lr']:<7} loss {row['loss']:.2f}")
best = min(curve, key=lambda row: row["loss"])["lr"]
given_up = [row["lr"] for row in curve if not math.isfinite(row["loss"])]
print(f"\nbest: {best} (you said {guess_best_lr})")
print(f"given up from: {min(given_up, default=None)} (you said {guess_too_large})")
pictures.curve(
    {"loss": [row["loss"] if math.isfinite(row["loss"]) else math.nan for row in curve]},
    x=LRS,
    xlabel="learning rate",
    ylabel="smoothed loss",
    title="where a run of 100 steps ends (a gap: given up)",
    xlog=True,
    levels={"knows nothing": KNOWS_NOTHING, "knows frequencies": KNOWS_FREQUENCIES},
)

# %% [markdown]
# Three regions. On the left the runs are merely slow: the loss is still on its way down. In the middle is the range. On
# the right it gets interesting long before a run is given up: the curve rises to the line "knows frequencies" and stays
# there. Such a model has learned how often each word occurs and nothing else, and it does not look broken. A loss that
# goes down says that something is learned. Only a **control** like that line says how little it is.

# %% [markdown] only="solutions"
# The function is one line because `smoothed` and `make_run` do the work. The classical range test (Smith) is cheaper:
# it raises the learning rate within a single run. That mixes the learning rate with how long the model has been
# training, which is fine for finding an order of magnitude.

# %% [markdown]
# ## Two settings at once
# Is 0.01 the best learning rate? For these 100 steps of batch 8, of the ten that you tried. Settings depend on each
# other, so one at a time is not enough: a **sweep** tries every combination. Its price is a product. Three settings
# with five values each are 125 runs.

# %% [markdown]
# ## Exercise: `sweep` ★★
# `sweep(make_run, grid, seed=0) -> list[dict]`. `grid` is a dict from the name of a setting to the list of its values,
# with any number of settings. The table has one row per combination: a dict with every setting and, under `"loss"`,
# `smoothed` of that run. For the grid `{"lr": [0.1, 0.01], "batch": [2, 8]}` there are four rows, such as
# `{"lr": 0.1, "batch": 8, "loss": 4.6}`. The order of the rows is free; so are more keys.
#
# As before: each combination is run once, as `make_run(seed=seed, **settings)`, all with the same seed, with the values
# as they are in the grid (8 stays the whole number 8); a run that diverged stays in with `math.inf`; the grid is not
# changed.

# %% [markdown] hint="sweep" rung=1
# You do not know how many settings there are, so you cannot write the loops one inside the other. What in the standard
# library makes all combinations of several lists?

# %% [markdown] hint="sweep" rung=2
# `itertools.product` gives tuples of values. Give the values their names back, so that you have the settings of one run
# as a dict. Then it is `lr_range_test` again, with that dict in the place of the learning rate.

# %% [markdown] hint="sweep" rung=3
# Unpack the grid's lists into `itertools.product`. For each tuple, `zip` the grid's names with it and make a dict. Two
# stars turn that dict into keyword arguments of the run. The row is a *new* dict with the settings and the loss; one
# dict that is changed and appended again and again would show the last run in every row.


# %% exercise="sweep" minutes=8
def sweep(make_run, grid: dict[str, list], seed: int = 0) -> list[dict]:
    """For each combination of settings the loss that one run comes to, all from the same start."""
    ### BEGIN SOLUTION
    table = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        table.append({**settings, "loss": smoothed(make_run(seed=seed, **settings))})
    return table
    ### END SOLUTION


# %% check="sweep" points=2
checks.run("sweep")


# %% [markdown]
# A table becomes a picture when two settings span it. `grid_of` arranges the rows.


# %%
def grid_of(table: list[dict], rows: str, columns: str) -> dict:
    """The losses as a table of two settings, with the names for `pictures.heatmap`; NaN where a run was given up."""
    down, across = (sorted({row[name] for row in table}) for name in (rows, columns))
    values = torch.full((len(down), len(across)), math.nan)
    for row in table:
        if math.isfinite(row["loss"]):
            values[down.index(row[rows]), across.index(row[columns])] = row["loss"]
    names = [f"{columns} {value}" for value in across]
    return {"values": values, "rows": [f"{rows} {value}" for value in down], "columns": names, "signed": False}


def equal_text(seed: int, lr: float, batch: int) -> list[float]:
    """A run that reads as much text as 100 steps of batch 8, whatever its batch."""
    return make_run(seed=seed, lr=lr, batch=batch, steps=800 // batch)


# %% [markdown]
# **Before you look.** Batches of 2, 8 and 32, learning rates from 0.003 to 0.03, a hundred steps each. A larger batch
# gives a gradient with less noise. Write your guess in this cell: does the best learning rate rise with the batch,
# fall, or stay?

# %%
guess_best_lr_for_batch = {2: None, 8: None, 32: None}

# %%
GRID = {"batch": [2, 8, 32], "lr": [3e-3, 1e-2, 3e-2]}
table = sweep(make_run, GRID)
for batch in GRID["batch"]:
    best = min((row for row in table if row["batch"] == batch), key=lambda row: row["loss"])
    print(f"batch {batch:2}: best lr {best['lr']} (you said {guess_best_lr_for_batch[batch]}), loss {best['loss']:.2f}")
pictures.heatmap(**grid_of(table, "batch", "lr"), title="loss after 100 steps")

# %% [markdown]
# The larger the batch, the lower the loss, in every column. Before you believe that large batches are better: how much
# text has each run *read*? A batch of 32 reads sixteen times as much as a batch of 2. The table compares runs of equal
# **steps**. Here is the same grid at equal **text**: 400 steps of batch 2, 100 of batch 8, 25 of batch 32.

# %%
same_text = sweep(equal_text, GRID)
for batch in GRID["batch"]:
    best = min((row for row in same_text if row["batch"] == batch), key=lambda row: row["loss"])
    print(f"batch {batch:2}: best lr {best['lr']}, loss {best['loss']:.2f}")
pictures.heatmap(**grid_of(same_text, "batch", "lr"), title="loss at equal text")

# %% [markdown]
# The order has turned round: the batch of 32 is now last, and the batch of 2, no better than the batch of 8, does best
# with a smaller learning rate than before. Both tables are right. They answer different questions: the first "what if
# steps are what costs", as on hardware that computes a large batch in the time of a small one; the second "what if text
# is". A claim that one batch size "is better" says nothing as long as it does not say what was held equal.

# %% [markdown] only="solutions"
# `itertools.product` walks through the combinations with the last setting changing fastest. Right as well: a recursion,
# or a list of dicts that grows by one setting at a time. All combinations are needed because settings
# interact; changing one at a time would miss that the best learning rate depends on the batch, and on the width.

# %% [markdown]
# ## What one seed cannot tell
# All runs of a sweep share one seed. That makes the comparison *fair*: no setting got luckier batches. It does not make
# it *sure*: another seed might have given another order. The control is to repeat the whole sweep with other seeds, and
# to compare the differences between settings with the differences between seeds.
#
# **Weight decay** is a good example. It pulls every weight a little towards 0 at every step. The first GPT was
# trained with 0.01, GPT-3 and most large models after it with 0.1.
#
# **Before you look.** Write your guess in this cell: which weight decay gives the lowest loss after a hundred steps, 0,
# 0.1 or 1? And will five seeds agree?

# %%
guess_best_decay = None
guess_seeds_agree = None

# %%
DECAYS = {"weight_decay": [0.0, 0.1, 1.0]}
by_seed = torch.tensor([[row["loss"] for row in sweep(make_run, DECAYS, seed=seed)] for seed in range(5)])
winners = [DECAYS["weight_decay"][int(place)] for place in by_seed.argmin(dim=1)]
print(f"best weight decay, seed by seed: {winners} (you said {guess_best_decay}; agreement: {guess_seeds_agree})")
print("weight decay   mean loss   difference from 0, mean ± standard error")
for place, decay in enumerate(DECAYS["weight_decay"]):
    apart = by_seed[:, place] - by_seed[:, 0]
    error = apart.std() / math.sqrt(len(apart))
    print(f"{decay:12} {by_seed[:, place].mean():11.3f} {apart.mean():+20.3f} ± {error:.3f}")
pictures.scatter(
    {f"weight decay {decay}": (range(5), by_seed[:, place]) for place, decay in enumerate(DECAYS["weight_decay"])},
    xlabel="seed",
    ylabel="smoothed loss",
    title="three settings, five seeds",
)

# %% [markdown]
# Between 0 and 0.1 the seeds disagree: each single sweep names a winner, and the winner is luck. The honest sentence is
# "no difference found, and one as small as the spread would not have been seen". A weight decay of 1 is worse with
# every seed, by several standard errors: that is a finding, about models of this size, trained this briefly.
#
# Because every seed has run all settings, you can compare *within* a seed, as the last column does. What all settings
# of a seed have in common cancels out.

# %% [markdown]
# ## Warm-up
# Adam divides each step by how large gradients have been so far. In the first steps it hardly knows, and the first
# steps of all parameters have full size. **Warm-up** lets the learning rate climb from near 0 to its value over some
# steps. Notebook 06's schedule begins that way.
#
# **Before you look.** Write your guess in this cell: at which of the learning rates 0.01, 0.03 and 0.1 does a warm-up
# of 30 steps help, and at which does it cost?

# %%
guess_helps_at = []
guess_costs_at = []

# %%
WARM_UPS = {"warmup": [0, 30], "lr": [0.01, 0.03, 0.1]}
pictured = [grid_of(sweep(make_run, WARM_UPS, seed=seed), "warmup", "lr") for seed in (0, 1)]
for column, lr in enumerate(WARM_UPS["lr"]):
    gains = [(picture["values"][0, column] - picture["values"][1, column]).item() for picture in pictured]
    print(f"lr {lr}: 30 steps of warm-up lower the loss by {gains[0]:+.2f} with seed 0, {gains[1]:+.2f} with seed 1")
print(f"you said: helps at {guess_helps_at}, costs at {guess_costs_at}")
pictures.heatmap(**pictured[0], title="loss after 100 steps, seed 0")

# %% [markdown]
# Where the learning rate is too large, 30 steps of warm-up rescue much of the run: it is the first steps that do the
# damage. Where the learning rate is right anyway, 30 of 100 steps below full size are a price with nothing in return.
# In long runs the price is small and the insurance worth it, which is why large models are trained with it. The second
# seed is the control.

# %% [markdown]
# ## Laws
# If a loss follows a **power law**, $y = a\,x^b$, it falls by the same *factor* whenever $x$ doubles. On logarithmic
# axes that is a straight line, because
#
# $$ \log y = \log a + b \log x . $$
#
# Such lines were found for language models, with the number of parameters, of tokens and of operations on the
# horizontal axis, over many powers of ten. They are the reason why people dare to plan runs that cost millions. You
# will fit two of them, and ask of each how far it can be trusted.

# %% [markdown]
# ## Exercise: `fit_power_law` ★★
# `fit_power_law(x, y) -> (a, b, r2)` for two float tensors of one axis: the straight line of **least squares on
# logarithmic axes**.
#
# - `b` is the slope of the line, negative where `y` falls; `a` is the value at `x = 1`, the exponential of the
#   intercept. All logarithms are natural.
# - `r2` is the share of the variance of `log y` that the line explains: 1 minus the sum of squared errors over the sum
#   of squared distances from the mean, both of `log y`.
# - The result is a tuple of three numbers.
# - Numbers that are not positive have no logarithm. If there is any in `x` or `y`, raise an error (`ValueError`).
#
# For `x = [10, 1000]` and `y = [8, 2]` the result is `(16, -0.301, 1)`. There are at least two different `x`, and `y`
# is not constant. Nothing is banned.

# %% [markdown] hint="fit_power_law" rung=1
# Which two lists of numbers lie on a straight line if `y = a * x**b`? What do `a` and `b` become in the equation of
# that line?

# %% [markdown] hint="fit_power_law" rung=2
# Refuse what is not positive. Take logarithms of both. Fit a straight line: its slope is the covariance over the
# variance of the horizontal values, and it passes through the point of the two means. Compute `r2` while you are still
# on logarithmic axes; go back to `a` at the very end.

# %% [markdown] hint="fit_power_law" rung=3
# Call the logarithms u and v, and subtract their means. Slope: sum of the products of the two, over the sum of squares
# of the first. Intercept: mean of v minus slope times mean of u. Errors: v minus what the line says. `r2`: one minus
# the sum of squared errors over the sum of squares of the centred v. Return the exponential of the intercept, the slope
# and `r2`, as Python numbers.


# %% exercise="fit_power_law" minutes=8
def fit_power_law(x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> tuple[float, float, float]:
    """a, b and r2 of y = a * x**b, by least squares on the logarithms.

    Raises:
        ValueError: A number is not positive.
    """
    ### BEGIN SOLUTION
    if not ((x > 0).all() and (y > 0).all()):
        raise ValueError("A power law can only be fitted to positive numbers.")
    u, v = x.double().log(), y.double().log()
    centred = u - u.mean()
    b = (centred * v).sum() / centred.square().sum()
    errors = v - v.mean() - b * centred
    r2 = 1 - errors.square().sum() / (v - v.mean()).square().sum()
    return (v.mean() - b * u.mean()).exp().item(), b.item(), r2.item()
    ### END SOLUTION


# %% check="fit_power_law" points=2
checks.run("fit_power_law")

# %% [markdown] only="solutions"
# Centring `u` is enough: the mean of `v` drops out of the sum of products. Right as well: `numpy.polyfit(u, v, 1)`,
# `torch.linalg.lstsq` with a column of ones, `statistics.linear_regression`; for one slope, `r2` is the square of the
# correlation. A fit on linear axes (or of `curve_fit` to the untransformed numbers) minimises other errors and gives
# another line: it cares about the large numbers and hardly about the small ones.

# %% [markdown]
# ### Loss against text
# The first law: how does the loss fall with the amount of text read? You fit runs of 25 to 400 steps, and keep a run of
# 800 steps out of the fit, to test it.
#
# **Before you look.** Write your guess in this cell: by which factor does the loss shrink when the text doubles? Will
# the run of 800 steps lie on the line, above it or below it?

# %%
guess_factor_per_doubling = None
guess_next_point = None

# %%
STEPS = [25, 50, 100, 200, 400, 800]
read = torch.tensor([8.0 * POS * steps for steps in STEPS])
reached = torch.tensor([row["loss"] for row in sweep(make_run, {"steps": STEPS})])
a, b, r2 = fit_power_law(read[:-1], reached[:-1])
line = a * read**b
print(f"loss = {a:.2f} * tokens ** {b:.3f}   r2 = {r2:.4f}   fitted from {read[0]:.0f} to {read[-2]:.0f} tokens")
print(f"each doubling multiplies the loss by {2**b:.3f} (you said {guess_factor_per_doubling})")
print("found - line:", "  ".join(f"{difference:+.3f}" for difference in (reached - line).tolist()))
print(f"the run kept out: the line says {line[-1]:.2f}, found {reached[-1]:.2f} (you said {guess_next_point})")
pictures.scatter(
    {"fitted": (read[:-1], reached[:-1]), "kept out": (read[-1:], reached[-1:])},
    lines={"power law": (read, line)},
    xlabel="tokens read",
    ylabel="smoothed loss",
    title="loss against text",
    xlog=True,
    ylog=True,
)

# %% [markdown]
# The `r2` is above 0.99, and the prediction misses: the run that was kept out lies above the line by several times the
# largest difference inside. A line laid through a gently bent curve has a good `r2` as long as you stay inside; it
# leaves the curve just where you want to use it, outside. Why should the curve bend? The text itself is uncertain:
# which name comes next is a throw of dice, and no model gets below that. Many published laws therefore have a floor, $y
# = E + a\,x^b$, a third number to fit, and they span many powers of ten. Yours spans a factor of sixteen.

# %% [markdown]
# ### Loss against width
# The second law: how does the loss fall with the size of the model? Widths 4 to 16 are fitted; 32 and 64 are predicted.
# All runs have 200 steps and the learning rate 0.01.
#
# **Before you look.** Write your guess in this cell: what will be the loss at width 64? (At width 4 it is near 3.8.)

# %%
guess_loss_at_64 = None

# %%
WIDTHS = [4, 8, 16, 32, 64]


def size(width: int) -> float:
    """The number of parameters of a model of this width."""
    return float(sum(parameter.numel() for parameter in GPT2(config(width)).parameters()))


def with_200_steps(seed: int, **settings) -> list[float]:
    """A run of twice the usual length."""
    return make_run(seed=seed, steps=200, **settings)


# %%
sizes = torch.tensor([size(width) for width in WIDTHS])
same_rate = sweep(with_200_steps, {"width": WIDTHS, "lr": [0.01]})
at_one_rate = torch.tensor([row["loss"] for row in same_rate])
a, b, r2 = fit_power_law(sizes[:3], at_one_rate[:3])
print(f"loss = {a:.2f} * parameters ** {b:.3f}   r2 = {r2:.3f}   fitted on three points")
for width, found, said in zip(WIDTHS, at_one_rate, a * sizes**b, strict=True):
    print(f"width {width:2}: found {found:.2f}, the law says {said:.2f}")
print(f"you said {guess_loss_at_64} for width 64")
pictures.scatter(
    {"fitted": (sizes[:3], at_one_rate[:3]), "kept out": (sizes[3:], at_one_rate[3:])},
    lines={"power law": (sizes, a * sizes**b)},
    xlabel="parameters",
    ylabel="smoothed loss",
    title="loss against size, one learning rate for all",
    xlog=True,
    ylog=True,
)

# %% [markdown]
# The widest model is *worse* than one half its width. Is there a limit to what size can do? Before believing so, ask
# what was held equal. The learning rate was: 0.01 for all, which the range test had found at width 32. Whether that is
# fair is a question for a sweep.
#
# **Before you look.** Write your guess in this cell: which width wants the largest learning rate, which the smallest?

# %%
guess_wants_largest = None
guess_wants_smallest = None

# %%
other_rates = sweep(with_200_steps, {"width": WIDTHS, "lr": [0.003, 0.03]})
picture = grid_of(same_rate + other_rates, "width", "lr")
at_best_rate = picture["values"].nan_to_num(math.inf).amin(dim=1)
a, b, r2 = fit_power_law(sizes[:3], at_best_rate[:3])
for width, one, own, said in zip(WIDTHS, at_one_rate, at_best_rate, a * sizes**b, strict=True):
    print(f"width {width:2}: lr 0.01 {one:.2f}, best lr {own:.2f}, the law of the first three says {said:.2f}")
print(f"you said: largest at width {guess_wants_largest}, smallest at width {guess_wants_smallest}")
pictures.heatmap(**picture, title="loss after 200 steps")

# %% [markdown]
# The best learning rate falls as the model gets wider. With its own learning rate, the widest model is no worse than
# the others: the rise was made by the experimenter. Many published comparisons of methods have exactly this hole. The
# new method was tuned, the old one ran with the settings of the new.
#
# What remains is a gain that levels off, short of what the law promised. That is not a limit of size either: 200 steps
# of text are not enough for a large model to use its size. A law in one quantity holds as long as nothing else runs
# out.

# %% [markdown]
# ## What you built
# Three instruments, and the habits that make them honest: one seed for all settings, repeats with other seeds, a
# control line, diverged runs in the table, a prediction before each picture, and points kept out of each fit.
#
# ## Questions
# 1. **Is a smooth law a safe forecast?** Losses fall along straight lines; abilities (adding, copying, answering) often
#    appear within a narrow range of sizes. If you had to say what a model ten times as large can *do*, which of your
#    experiments here would help, and which would mislead?
# 2. **When is a negative result one?** "Weight decay makes no difference" and "we saw no difference with one seed" are
#    different sentences. How many seeds would you want before you reported that a safety training had *no* side effect?
# 3. **What was held equal?** Find a comparison of two models that you believe in. Equal steps, equal text, equal
#    compute, equally tuned? Which of these, if it failed, would turn the result round?
#
# ## References
# - Smith 2017, *Cyclical Learning Rates for Training Neural Networks*: the range test.
# - McCandlish et al. 2018, *An Empirical Model of Large-Batch Training*: which batch size, and why it depends on noise.
# - Kaplan et al. 2020, *Scaling Laws for Neural Language Models*; Hoffmann et al. 2022, *Training Compute-Optimal Large
#   Language Models*, where a learning-rate schedule held equal had changed the law.
# - Yang et al. 2022, *Tensor Programs V*: learning rates that can be carried over from narrow to wide models.
