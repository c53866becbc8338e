# %% [markdown]
# # 14 · Probes and CCS
# Does a model know whether a statement is true, and can you read it off without asking? A *probe* is a small classifier
# on a model's states. It nearly always finds something. This notebook is about telling when that means anything.
#
# After this notebook you can
# - fit a probe so that neither the split nor the scaling leaks, and put the controls beside its accuracy;
# - say what a probe finds in a network that has never been trained, and what is left after subtracting that;
# - look for truth without labels (contrast-consistent search, CCS), and show when it finds something else;
# - test whether a direction that you can read is a direction that the model uses.
#
# ```
# tokens -> embed -> [ block 0 ] -> [ block 1 ] -> logits
#                 o             o             o            at each o: one state per token -> probe -> yes or no
# ```
#
# The models: `factcheck` judges statements about people, `stories` and `brackets` you know, and beside each stands a
# network with the same sizes and random weights.

# %%
import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint import checks, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.interp import hooks
from hookpoint.model import GPT2
from hookpoint.zoo import stories
from hookpoint.zoo.data import dyck
from hookpoint.zoo.stories import verdicts

run_with_hooks, run_with_cache = earlier(run_with_hooks=hooks.run_with_hooks, run_with_cache=hooks.run_with_cache)

DOSES = (-1.0, -0.5, 0.0, 0.5, 1.0)
SHUFFLES = 20
factcheck = zoo.load("factcheck")
TRUE, FALSE = (factcheck.tokenizer.token_id(word) for word in (" true", " false"))


@torch.no_grad()
def states(model: GPT2, tokens: Int[Tensor, "n pos"], at: int | Tensor = -1) -> Float[Tensor, "layer n d_model"]:
    """The stream before the first block and after each block, at one position of every row."""
    last = model.cfg.n_layers
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(last))]
    _, cache = run_with_cache(model, tokens, names)
    return torch.stack([cache[name][torch.arange(len(tokens)), at] for name in names])


class Pairs:
    """Statements in pairs, one of which is true: two tables of tokens, which one it is, about whom, where "is" stands.

    Rows are filled up behind "is" to one length, with room for a verdict; a causal model does not see it from there.
    """

    def __init__(self, people: Sequence[str]) -> None:
        parts = [verdicts.pairs(people, relation, seed=1) for relation in verdicts.VALUES]
        width = max(part.one.shape[1] for part in parts) + 1
        self.one, self.two = (
            torch.cat([F.pad(side, (0, width - side.shape[1])) for side in column])
            for column in ([part.one for part in parts], [part.two for part in parts])
        )
        self.first_is_true = torch.cat([part.one_is_true for part in parts])
        self.person = torch.cat([part.person for part in parts])
        self.end = torch.cat([torch.full((len(part.one),), part.one.shape[1] - 1) for part in parts])
        # The same as single statements: all first ones, then all second ones.
        self.statements = torch.cat([self.one, self.two])
        self.is_true = torch.cat([self.first_is_true, ~self.first_is_true])
        self.about, self.ends = torch.cat([self.person, self.person]), torch.cat([self.end, self.end])

    def sides(self, model: GPT2, verdict: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
        """The states after the last block, at "is", or at a verdict put behind the first statement of each pair."""
        if verdict:
            told = [self.one.scatter(1, self.end[:, None] + 1, word) for word in verdict]
            return tuple(states(model, tokens, self.end + 1)[-1] for tokens in told)
        return states(model, self.one, self.end)[-1], states(model, self.two, self.end)[-1]


def percent(values: Tensor) -> str:
    return "  ".join(f"{value:5.0%}" for value in values.tolist())


judged, strangers = Pairs(verdicts.JUDGED), Pairs(verdicts.NEVER_JUDGED)
untrained = GPT2(factcheck.cfg, seed=0)

# %% [markdown]
# `factcheck` was trained on plain facts about 48 people, and on judged statements about 36 of them. The other 12 were
# never judged. That makes two kinds of statement about known facts, one of which has a verdict to be remembered.

# %%
for row in (0, len(judged.one)):
    tokens = judged.statements[row, : judged.ends[row] + 1]
    with torch.no_grad():
        odds = factcheck(tokens[None])[0, -1, [TRUE, FALSE]].diff().item()
    text = factcheck.tokenizer.decode(tokens[1:].tolist())
    print(f"{text}   truly {judged.is_true[row]}, log odds of true {-odds:+.1f}")
print(f"{len(judged.statements)} statements, {judged.is_true.float().mean():.0%} true")

# %% [markdown]
# ## Whom the probe is asked about
# There are sixteen statements about each person. If some of them are in training and others in the test, a probe that
# recognises the person can score without knowing what truth is. So whole *groups* are held out: here, people.

# %% [markdown]
# ## Exercise: `split_by_group` ★★
# `split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2))` gives a dict with `"train"`, `"val"` and `"test"`,
# each an int64 tensor of row numbers, in any order.
#
# - Every row is in exactly one part, and all rows of a group (equal numbers in `groups`, any integers) are together.
# - The groups of each label are shared out by themselves (*stratified*). `y` holds 0 and 1, as int or bool; a group's
#   label is the one that most of its rows have. Of each label's groups, every part has its fraction, to within one
#   group. Fractions count groups, not rows; they add up to 1, and one may be 0.
# - The groups are shuffled by `seed` alone: the same seed gives the same parts, and no global generator is used.

# %% [markdown] hint="split_by_group" rung=1
# What has to be shuffled and cut: rows, or names of groups?

# %% [markdown] hint="split_by_group" rung=2
# Find the distinct groups and the label of each. For each label, put its groups in a random order and cut the list
# twice. Then look up for every row which part its group fell into.

# %% [markdown] hint="split_by_group" rung=3
# `unique` with `return_inverse` gives the groups and, for each row, the place of its group. Count for each group how
# often each label occurs and take the most frequent. Make a generator from the seed. For each label: permute its
# groups, cut at the rounded 60 % and 80 % of their number, and write 0, 1 or 2 into a tensor with a place for each
# group. Indexing that tensor with the rows' places gives the part of each row.


# %% exercise="split_by_group" minutes=15
def split_by_group(
    X: Float[Tensor, "n d"],
    y: Tensor,
    groups: Int[Tensor, " n"],
    seed: int,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
) -> dict[str, Int[Tensor, " part"]]:
    """The rows of train, val and test: whole groups, in these fractions of the groups of each label."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    names, place = groups.unique(return_inverse=True)
    label = torch.stack([y[place == number].mode().values for number in range(len(names))])
    part = torch.empty(len(names), dtype=torch.int64)
    for value in label.unique():
        members = (label == value).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=generator)]
        borders = [round(sum(fractions[:end]) * len(members)) for end in (1, 2)]
        for number, some in enumerate(order.tensor_split(borders)):
            part[some] = number
    return {name: (part[place] == number).nonzero().flatten() for number, name in enumerate(("train", "val", "test"))}
    ### END SOLUTION


# %% check="split_by_group" points=2
checks.run("split_by_group")

# %% [markdown] only="solutions"
# `X` is not needed: it is in the signature because splits by similarity need it. Dealing the groups out like cards
# after the shuffle, or sorting by a random number per group, is right as well.

# %% [markdown]
# ## One scale for all features
# A penalty on a probe's weights treats features alike only if their sizes are alike. The mean and the scale are fitted
# too, so they must come from the training rows: what you know of the test rows is a leak, if a small one.

# %% [markdown]
# ## Exercise: `standardise` ★
# `standardise(fit[N, D], apply[M, D]) -> [M, D]` takes each feature of `apply`, subtracts the mean that it has in `fit`
# and divides by its standard deviation in `fit`. The variance is that of the population (divided by N), nothing is
# added to it, and a feature that has one value in all rows of `fit` becomes 0.

# %% [markdown] hint="standardise" rung=1
# Over which axis is a feature's mean? What is 0 / 0?

# %% [markdown] hint="standardise" rung=2
# Two statistics of `fit` over its rows, used on `apply`; and a choice by feature between the quotient and 0.

# %% [markdown] hint="standardise" rung=3
# Compute mean and standard deviation of `fit` over axis 0, without the N - 1 correction. Replace deviations of 0 by 1,
# divide, and put 0 into the features whose deviation was 0.


# %% exercise="standardise" minutes=5
def standardise(fit: Float[Tensor, "n d"], apply: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
    """`apply` by the mean and the standard deviation of `fit`; 0 where that does not vary."""
    ### BEGIN SOLUTION
    std = fit.std(dim=0, correction=0)
    varies = std > 0
    return torch.where(varies, (apply - fit.mean(dim=0)) / torch.where(varies, std, 1), 0)
    ### END SOLUTION


# %% check="standardise" points=1
checks.run("standardise")

# %% [markdown]
# ## The probe
# A logistic probe says class 1 with the probability $\sigma(w \cdot x + b)$. It is fitted by making
# $$\frac1N \sum_i \mathrm{NLL}_i + \frac{\lambda}{2} \lVert w \rVert^2$$
# as small as possible. The penalty keeps $w$ finite where the classes do not overlap; $b$ has none, since it only says
# how frequent the classes are. The problem is convex with one minimum: at the right answer the gradient is 0, and that
# is what is checked.

# %% [markdown]
# ## Exercise: `fit_logistic` ★★
# `fit_logistic(X[N, D], y[N], l2=1e-2) -> (w[D], b)`. `y` holds 0 and 1 as int, bool or float; `b` is a 0-d tensor or a
# number; the dtype of `w` is that of `X`. `l2` is $\lambda$ and may be 0. At what you return no entry of the gradient
# is larger than 1e-4. Features differ in size by a factor of ten at most. Any method will do; nothing is
# banned.

# %% [markdown] hint="fit_logistic" rung=1
# The gradient with respect to $w$ is $X^T(p - y)/N + \lambda w$. Which method gets it to zero in a few steps?

# %% [markdown] hint="fit_logistic" rung=2
# Newton's method: move by the inverse of the matrix of second derivatives times the gradient, again and again. Or
# `torch.optim.LBFGS` with a line search. Plain gradient descent needs thousands of steps.

# %% [markdown] hint="fit_logistic" rung=3
# Append a column of ones to X, so that b is the last weight, and give that weight no penalty. Compute in float64. The
# second derivatives are the rows' outer products weighted by p (1 - p), averaged, plus the penalty on the diagonal.
# Solve for the step; halve it while the loss would rise; stop when the gradient is tiny. Convert back at the end.


# %% exercise="fit_logistic" minutes=20
def fit_logistic(X: Float[Tensor, "n d"], y: Tensor, l2: float = 1e-2) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    """The w and b of the smallest penalised mean loss."""
    ### BEGIN SOLUTION
    rows = torch.cat([X, torch.ones_like(X[:, :1])], dim=1).double()
    target = y.to(rows)
    penalty = torch.full_like(rows[0], l2)
    penalty[-1] = 0

    def loss(v: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(rows @ v, target) + (penalty * v.square()).sum() / 2

    v = torch.zeros_like(penalty)
    for _ in range(64):
        p = (rows @ v).sigmoid()
        slope = rows.T @ (p - target) / len(rows) + penalty * v
        if slope.abs().max() < 1e-9:
            break
        curvature = (rows.T * (p * (1 - p))) @ rows / len(rows) + penalty.diag()
        step = torch.linalg.solve(curvature + 1e-10 * torch.eye(len(v), dtype=v.dtype), slope)
        rate = 1.0
        while rate > 1e-4 and loss(v - rate * step) > loss(v):
            rate /= 2
        v = v - rate * step
    return v[:-1].to(X.dtype), v[-1].to(X.dtype)
    ### END SOLUTION


# %% check="fit_logistic" points=3
checks.run("fit_logistic")

# %% [markdown]
# ## A probe without fitting
# The line between the two class means is a direction too. It minimises nothing, and it tends to be the better one to
# *push along*: a logistic probe may also use features that merely cancel noise.

# %% [markdown]
# ## Exercise: `mass_mean_probe` ★
# `mass_mean_probe(X[N, D], y[N], whiten=False) -> (w, b)`: `w` is the mean of class 1 minus the mean of class 0, and
# `b` puts the border ($x \cdot w + b = 0$) half-way between the means.
#
# With `whiten=True`, `w` is $\Sigma^{-1}$ times that difference, and the border goes through the same middle. $\Sigma$
# is the covariance of all rows after each has lost its own class's mean. A common positive factor of `w` and `b` is
# free then. $\Sigma$ is invertible in the checks.

# %% [markdown] hint="mass_mean_probe" rung=1
# For which b is w times the middle of the two means, plus b, zero?

# %% [markdown] hint="mass_mean_probe" rung=2
# Two means by boolean indexing, their difference and their middle. For whitening, subtract from every row the mean of
# its own class first.

# %% [markdown] hint="mass_mean_probe" rung=3
# w is the difference. For whiten: centre the rows by class, multiply their transpose with them, divide by N, and solve
# that matrix against w. In the end b is minus w times the middle.


# %% exercise="mass_mean_probe" minutes=10
def mass_mean_probe(
    X: Float[Tensor, "n d"], y: Tensor, whiten: bool = False
) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    """The direction from the mean of class 0 to that of class 1, with the border half-way."""
    ### BEGIN SOLUTION
    ones = y.bool()
    mean_1, mean_0 = X[ones].mean(dim=0), X[~ones].mean(dim=0)
    w = mean_1 - mean_0
    if whiten:
        centred = X - torch.where(ones[:, None], mean_1, mean_0)
        w = torch.linalg.solve(centred.T @ centred / len(X), w)
    return w, -w @ (mean_1 + mean_0) / 2
    ### END SOLUTION


# %% check="mass_mean_probe" points=2
checks.run("mass_mean_probe")

# %% [markdown] only="solutions"
# The covariance about the common mean would give the same direction: it differs by a multiple of the outer product of
# `w` with itself, which only stretches the answer (Sherman and Morrison).

# %% [markdown]
# ## Where can it be read?
# One probe for each layer gives a curve: where does the label become readable? Two controls belong beside it. *Shuffled
# labels* show what the same procedure scores where there is nothing to find. A *random network* shows what needs no
# training. You run the second one yourself, on other states.

# %% [markdown]
# ## Exercise: `probe_accuracy_by_layer` ★★
# `probe_accuracy_by_layer(acts[L, N, D], y[N], groups[N], seed)` gives `{"accuracy": [L], "shuffled": [L]}`.
#
# - For each layer: fit `fit_logistic` on the rows of `"train"`, standardised by themselves; score it on those of
#   `"test"`, standardised by the training rows. `"val"` is not used.
# - `"shuffled"` is the same procedure from beginning to end with `y` in a random order over all rows, drawn from
#   `seed`: split, fitted on and scored on shuffled labels.
# - `accuracy` is the share of right answers as a float tensor. The same seed gives the same numbers.

# %% [markdown] hint="probe_accuracy_by_layer" rung=1
# What do the two curves differ in? Only in y. What do two points of a curve differ in? Only in the layer's states.

# %% [markdown] hint="probe_accuracy_by_layer" rung=2
# Write an inner function that gives the held-out accuracy of one layer for given labels, and call it for each layer
# and for both kinds of labels.

# %% [markdown] hint="probe_accuracy_by_layer" rung=3
# Permute y once with a generator made from the seed. For each kind of labels split, and for each layer take the train
# and test rows, standardise both by train, fit, and compare "score above 0" with the test labels. Stack the means.


# %% exercise="probe_accuracy_by_layer" minutes=15
def probe_accuracy_by_layer(
    acts: Float[Tensor, "layer n d"], y: Tensor, groups: Int[Tensor, " n"], seed: int
) -> dict[str, Float[Tensor, " layer"]]:
    """The accuracy of a probe for each layer on groups it has not seen, and the same for shuffled labels."""

    ### BEGIN SOLUTION
    def held_out(X: Tensor, labels: Tensor) -> Tensor:
        split = split_by_group(X, labels, groups, seed)
        train, test = split["train"], split["test"]
        w, b = fit_logistic(standardise(X[train], X[train]), labels[train])
        says = standardise(X[train], X[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]
    return {
        name: torch.stack([held_out(X, labels) for X in acts])
        for name, labels in (("accuracy", y), ("shuffled", shuffled))
    }
    ### END SOLUTION


# %% check="probe_accuracy_by_layer" points=3
checks.run("probe_accuracy_by_layer")

# %% [markdown]
# First the trap, on numbers without any meaning. 200 people have a random label each and five rows around a point of
# their own. There is nothing to learn that holds for new people. The mean of
# five splits:

# %%
generator = torch.Generator().manual_seed(0)
who = torch.arange(200).repeat_interleave(5)
label_of = (torch.randperm(200, generator=generator) % 2)[who]
points = torch.randn(200, 128, generator=generator)[who] + 0.3 * torch.randn(1000, 128, generator=generator)
for name, groups in (("rows held out", torch.arange(1000)), ("people held out", who)):
    found = [probe_accuracy_by_layer(points[None], label_of, groups, seed)["accuracy"] for seed in range(5)]
    print(f"{name:16} accuracy {torch.stack(found).mean():.0%}")

# %% [markdown]
# Now `factcheck`, read at "is" of "That is", before the verdict.

# %%
print("                                  embed  block 0  block 1   shuffled")
for name, model, those in (
    ("judged people", factcheck, judged),
    ("control: people never judged", factcheck, strangers),
    ("control: random network", untrained, judged),
):
    acts = states(model, those.statements, those.ends)
    curves = probe_accuracy_by_layer(acts, those.is_true, those.about, 0)
    print(f"{name:32} {percent(curves['accuracy'])}   {percent(curves['shuffled'])}")

# %% [markdown]
# After the last block truth can be read for new people, if they are people whose verdicts the model has learned. About
# the twelve others it knows the same kind of facts, and nothing can be read. So this is no general sense of truth: the
# direction says "this was called true", and the model does not compare statements with what it knows. The shuffled row
# is as far from a half as 112 statements allow (32 for the twelve); keep that spread in mind when you read the others.
#
# Where in the sentence is it? The same probe at each of the last four words:

# %%
words = ["value", ".", "That", "is"]
acts = [states(factcheck, judged.statements, judged.ends - back) for back in (3, 2, 1, 0)]
table = [probe_accuracy_by_layer(each, judged.is_true, judged.about, 0)["accuracy"] for each in acts]
pictures.heatmap(
    torch.stack(table),
    rows=words,
    columns=["embed", "block 0", "block 1"],
    title="truth, on new people",
    signed=False,
    limit=1,
)

# %% [markdown]
# It is there at the value ("Paris") after block 0, and at "is" after block 1: looked up where the fact is complete, and
# moved to where it is needed. The picture suggests that story; notebook 12 is how you would test it.
#
# ## What a random network knows
# `brackets` judges words of brackets. All words below have as many opening as closing ones, so counting does not help.
# Is the word balanced? Read after the last token:

# %%
brackets = zoo.load("brackets")
sequences, verdict = dyck.bracket_sequences(600, torch.Generator().manual_seed(0), "held_out")
even = (sequences == dyck.OPEN).sum(dim=1) == (sequences == dyck.CLOSE).sum(dim=1)
sequences, balanced = sequences[even], verdict[even] == dyck.BALANCED
print(f"guessing: {balanced.float().mean():.0%}        embed  block 0  block 1   shuffled")
for name, model in (("trained", brackets), ("random", GPT2(brackets.cfg, seed=0))):
    curves = probe_accuracy_by_layer(states(model, sequences), balanced, torch.arange(len(balanced)), 0)
    print(f"{name:20} {percent(curves['accuracy'])}   {percent(curves['shuffled'])}")

# %% [markdown]
# From the random network a probe reads far more than guessing. Attention averages what came before, with random weights
# as with trained ones, and a probe makes much of an average. "Block 0 represents balance: a probe gets 81 %" would be
# said of a network that has never seen a bracket, with better numbers.

# %% [markdown]
# ## A control task
# Random networks keep the *identity* of the input. A probe that can learn identities by heart scores on any task that
# depends on them. Hewitt and Liang measure how much it can learn by heart: give every token type a random label, and
# ask the same probe for that. What the probe scores beyond this control is its *selectivity*.

# %% [markdown]
# ## Exercise: `control_labels` ★
# `control_labels(tokens[N], n_classes, seed) -> int64 [N]` gives each token type (each distinct number) one class from
# 0 to `n_classes - 1` at random: all equally likely, whatever the type's number, and independent for different seeds.
# Rows of one type get the same class. Only `seed` decides. It is called once for all rows, before any split.

# %% [markdown] hint="control_labels" rung=1
# How many random numbers are drawn: one for each row, or fewer?

# %% [markdown] hint="control_labels" rung=2
# Number the distinct tokens, draw a class for each of them, and look up for each row.

# %% [markdown] hint="control_labels" rung=3
# `unique` with `return_inverse` gives the types and each row's place among them. Draw as many integers as there are
# types from a generator with the seed, and index them with the places.


# %% exercise="control_labels" minutes=5
def control_labels(tokens: Int[Tensor, " n"], n_classes: int, seed: int) -> Int[Tensor, " n"]:
    """A random class for each token type, the same wherever the type occurs."""
    ### BEGIN SOLUTION
    types, place = tokens.unique(return_inverse=True)
    return torch.randint(n_classes, (len(types),), generator=torch.Generator().manual_seed(seed))[place]
    ### END SOLUTION


# %% check="control_labels" points=1
checks.run("control_labels")

# %% [markdown]
# ## Exercise: `selectivity` ★
# `selectivity(task_acc, control_acc)` is the difference, task minus control, of two numbers or of two tensors layer by
# layer. It may be negative.

# %% [markdown] hint="selectivity" rung=1
# Which of the two should be the larger one for a probe that found something?

# %% [markdown] hint="selectivity" rung=2
# A difference, and no ratio: a ratio of two accuracies depends on where guessing is.

# %% [markdown] hint="selectivity" rung=3
# Subtract the second from the first.


# %% exercise="selectivity" minutes=2
def selectivity(task_acc: float | Tensor, control_acc: float | Tensor) -> float | Tensor:
    """How much better the probe does on the task than on the control task."""
    ### BEGIN SOLUTION
    return task_acc - control_acc
    ### END SOLUTION


# %% check="selectivity" points=1
checks.run("selectivity")

# %% [markdown]
# `stories` has to choose "is" or "are" by the number of a subject that stands some words back. Task: the subject's
# number, read at the word before the verb. Control task: a random class for each subject noun.

# %%
talker = zoo.load("stories")
asked = stories.prompts("agreement", 600, torch.Generator().manual_seed(0), split="train")
rows = torch.arange(len(asked.tokens))
plural = torch.tensor([passage.facts["number"] == "plural" for passage in asked.passages])
noun = asked.tokens[rows, asked.positions["subject"]]
print("                        embed  block 0  block 1  block 2")
for name, model in (("trained", talker), ("random", GPT2(talker.cfg, seed=0))):
    acts = states(model, asked.tokens, asked.last)
    task, control = (
        probe_accuracy_by_layer(acts, labels, rows, 0)["accuracy"]
        for labels in (plural, control_labels(noun, 2, seed=1))
    )
    unseen = probe_accuracy_by_layer(acts, plural, noun, 0)["accuracy"]
    for what, values in (
        ("task", task),
        ("control task", control),
        ("selectivity", selectivity(task, control)),
        ("nouns held out", unseen),
    ):
        print(f"{name:8} {what:14} {percent(values)}")

# %% [markdown]
# A random network "knows" the number in most cases: about as often as it knows a class that was made up. In the trained
# one the task rises and the control does not follow. The last line of each asks for nouns that the probe has not seen:
# the random network falls to guessing. Selectivity and held-out groups ask the same thing in two ways: does the probe
# read a property, or recognise the word?

# %% [markdown]
# ## Without labels
# A probe for truth needs labels, and on what people cannot judge there are none. Burns et al. use a property that truth
# has by itself: a statement and its negation cannot both be true. Take pairs of which one is true and one false, and
# look for a direction whose probabilities are
# - *consistent*: $p_+ = 1 - p_-$, and
# - *confident*: one of them is close to 0.
#
# Any feature that differs within the pairs has these properties. The most obvious one is which of the two it is: the
# sentence with "true" in it, or the one with "false".

# %% [markdown]
# ## Exercise: `ccs_normalise` ★★
# `ccs_normalise(Xp[N, D], Xn[N, D])` gives both sides, each standardised by itself: its own mean and its own standard
# deviation (by N or N - 1), feature by feature, 0 where it does not vary. What tells the sides apart as such is gone.

# %% [markdown] hint="ccs_normalise" rung=1
# What would be left of a feature that is +1 on one side and -1 on the other if you subtracted the common mean?

# %% [markdown] hint="ccs_normalise" rung=2
# You have written a function that takes the statistics of one table and uses them on another. Both may be the same one.

# %% [markdown] hint="ccs_normalise" rung=3
# Standardise each side with itself as the table to fit, and return the two.


# %% exercise="ccs_normalise" minutes=5
def ccs_normalise(
    Xp: Float[Tensor, "n d"], Xn: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """Each side without its own mean and scale."""
    ### BEGIN SOLUTION
    return standardise(Xp, Xp), standardise(Xn, Xn)
    ### END SOLUTION


# %% check="ccs_normalise" points=1
checks.run("ccs_normalise")

# %% [markdown]
# ## Exercise: `ccs_loss` ★★
# `ccs_loss(p_pos[N], p_neg[N])` is the mean over the pairs of
# $(p_+ - (1 - p_-))^2 + \min(p_+, p_-)^2$, a 0-d tensor through which gradients flow to both.

# %% [markdown] hint="ccs_loss" rung=1
# What does each part cost for a probe that always says a half? And for one that says no to everything?

# %% [markdown] hint="ccs_loss" rung=2
# Two squares for each pair, added, then one mean. The minimum is between the two of a pair, not over pairs.

# %% [markdown] hint="ccs_loss" rung=3
# Square the sum of both probabilities minus 1; square their elementwise minimum; add; average.


# %% exercise="ccs_loss" minutes=5
def ccs_loss(p_pos: Float[Tensor, " n"], p_neg: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """How far the probabilities of the pairs are from being opposite and sure."""
    ### BEGIN SOLUTION
    return ((p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg).square()).mean()
    ### END SOLUTION


# %% check="ccs_loss" points=2
checks.run("ccs_loss")

# %% [markdown]
# ## Exercise: `fit_ccs` ★★★
# `fit_ccs(Xp, Xn, restarts=10, seed=0) -> (w[D], b, loss)` fits $p = \sigma(x \cdot w + b)$ to both sides from
# `restarts` random starts and returns the probe with the lowest `ccs_loss`, and that loss as a number. It takes the
# pairs as they are: normalising is the caller's business. No label is seen, so which end of `w` means true stays open.
# `seed` decides about the starts. The dtype of `w` is that of `Xp`.
#
# The loss has dead ends, and a half everywhere is one that costs 0.25. Train until the loss of the best restart is
# below 0.05 where that can be had; Adam with a rate of 0.03 and 400 steps is enough. Up to 40 restarts are asked for.
# They can be fitted all at once, as columns of one matrix.

# %% [markdown] hint="fit_ccs" rung=1
# How do you choose between restarts without labels? And how do you compute ten probes on all rows in one product?

# %% [markdown] hint="fit_ccs" rung=2
# A matrix of starts, one column (or row) each. The sum of their losses has the gradient of each in its own column, so
# one optimiser trains them all. At the end compute the losses once more and take the smallest.

# %% [markdown] hint="fit_ccs" rung=3
# Draw weights of size 1/sqrt(D) and biases from a generator with the seed. In a loop compute the sigmoid of both sides
# for all starts, the two squares, their mean over the pairs (axis 0); sum over the starts, go back, step. Then take
# the losses without gradient, find the place of the smallest, and return its detached weights, bias and loss.


# %% exercise="fit_ccs" minutes=20
def fit_ccs(
    Xp: Float[Tensor, "n d"], Xn: Float[Tensor, "n d"], restarts: int = 10, seed: int = 0
) -> tuple[Float[Tensor, " d"], Float[Tensor, ""], float]:
    """The probe with the lowest CCS loss of all restarts, and that loss."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(Xp.shape[1], restarts, generator=generator, dtype=Xp.dtype) / math.sqrt(Xp.shape[1])
    b = torch.randn(restarts, generator=generator, dtype=Xp.dtype) / math.sqrt(Xp.shape[1])
    w.requires_grad_()
    b.requires_grad_()
    adam = torch.optim.Adam([w, b], lr=0.03)

    def losses() -> Float[Tensor, " restart"]:
        p, q = ((X @ w + b).sigmoid() for X in (Xp, Xn))
        return ((p + q - 1).square() + torch.minimum(p, q).square()).mean(dim=0)

    for _ in range(400):
        adam.zero_grad()
        losses().sum().backward()
        adam.step()
    final = losses().detach()
    best = final.argmin()
    return w.detach()[:, best], b.detach()[best], final[best].item()
    ### END SOLUTION


# %% check="fit_ccs" points=4
checks.run("fit_ccs")

# %% [markdown] only="solutions"
# A loop over restarts with `ccs_loss` inside and LBFGS is right as well. Choosing the restart by accuracy would let
# labels in by the back door.

# %% [markdown]
# Two ways to make pairs from `factcheck`, each with and without normalisation. *Before the verdict*: a true and a false
# statement about one person, in random order. *After it*: one statement with the word "true" and with the word "false"
# behind it, as Burns et al. do, read at that word. "Truth" is the accuracy on new people, by the better reading of the
# two ends; "side" says how often the probe names the same side of the pair. In 60 % of the test pairs the first one is
# true: 60 % truth is what naming always the same side scores.

# %%
split = split_by_group(judged.one, judged.first_is_true, judged.person, 0)
train, test = split["train"], torch.cat([split["val"], split["test"]])
sides = {"before the verdict": judged.sides(factcheck), "after the verdict": judged.sides(factcheck, (TRUE, FALSE))}
print("pairs                            loss   truth   side")
for name, (Xp, Xn) in sides.items():
    for how in ("as they are", "normalised"):
        fits, tests = (Xp[train], Xn[train]), (Xp[test], Xn[test])
        if how == "normalised":
            fits, tests = ccs_normalise(*fits), tuple(map(standardise, fits, tests))
        w, b, loss = fit_ccs(*fits)
        says = (tests[0] @ w + b).sigmoid() > (tests[1] @ w + b).sigmoid()
        right, side = ((says == judged.first_is_true[test]).float().mean().item(), says.float().mean().item())
        print(f"{name:19} {how:12} {loss:.4f} {max(right, 1 - right):6.0%} {max(side, 1 - side):7.0%}")

# %% [markdown]
# Before the verdict truth is what differs most inside a pair, and CCS finds it with and without normalisation. After
# the verdict the words differ. Without normalisation CCS finds the word: a loss of nearly 0, the same side in all
# pairs, and nothing about truth. With it the word is gone, and what is found is at chance: once the verdict is written
# the model has no use for the truth of the sentence.
#
# A low loss says that some consistent contrast was found. It does not say which.

# %% [markdown]
# ## What else is consistent?
# Three questions to a probe that was found without labels. Is it right on clear cases? Is it unsure where nothing is
# settled? And whose opinion is it? Truth, and what the model is about to say, are the same on honest data. They part
# under a prompt that asks for the wrong answer.

# %% [markdown]
# ## Exercise: `ambiguous_vs_clear` ★★
# `ambiguous_vs_clear(fit, data)` fits once, with `fit(Xp, Xn) -> (w, b, loss)` on the pairs `data["fit"]`, and asks the
# probe about three kinds of pairs:
#
# - `data["clear"]` and `data["wrong"]` (the misleading prompt) are `(Xp, Xn, y)`, `y` true where the first of the pair
#   is the true one; `data["ambiguous"]` and `data["fit"]` are `(Xp, Xn)`. All is normalised already.
# - The probe's belief that the first is true is $q = (p_+ + 1 - p_-)/2$, and it says so if $q > 1/2$.
#
# The result is a dict of numbers: `"clear"` and `"wrong"`, the shares of right answers; `"sure_clear"`,
# `"sure_ambiguous"`, `"sure_wrong"`, the means of $|2q - 1|$. Which end means true is read off the clear pairs: if
# their share is below a half, *both* shares become 1 minus themselves.

# %% [markdown] hint="ambiguous_vs_clear" rung=1
# If you took the better end for each kind by itself, could you ever see that the probe follows the prompt?

# %% [markdown] hint="ambiguous_vs_clear" rung=2
# One fit, one function that gives q for a pair of tables, two shares, three means, and one decision about the sign.

# %% [markdown] hint="ambiguous_vs_clear" rung=3
# Unpack w and b from the fit. Compute q for each kind. Compare q above a half with y for the two kinds that have one,
# and average. If the clear share is below a half, replace both shares by 1 minus them. Sureness has no sign to settle.


# %% exercise="ambiguous_vs_clear" minutes=15
def ambiguous_vs_clear(fit: Callable, data: dict[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """What a probe fitted without labels says of clear, of ambiguous and of misleadingly prompted pairs."""
    ### BEGIN SOLUTION
    w, b, _ = fit(*data["fit"])
    belief = {
        kind: ((data[kind][0] @ w + b).sigmoid() + 1 - (data[kind][1] @ w + b).sigmoid()) / 2
        for kind in ("clear", "ambiguous", "wrong")
    }
    told = {kind: ((belief[kind] > 0.5) == data[kind][2].bool()).float().mean().item() for kind in ("clear", "wrong")}
    if told["clear"] < 0.5:
        told = {kind: 1 - share for kind, share in told.items()}
    return told | {f"sure_{kind}": (2 * q - 1).abs().mean().item() for kind, q in belief.items()}
    ### END SOLUTION


# %% check="ambiguous_vs_clear" points=2
checks.run("ambiguous_vs_clear")

# %% [markdown]
# `factcheck` on judged people (clear) and on those never judged (ambiguous: for these it has no verdict). No prompt
# makes this model lie, so the misleading prompt is built: states with a feature for truth and one for what will be
# said. On honest data the two are the same. Under the prompt what will be said turns round.


# %%
def normalised_by(fits: tuple[Tensor, Tensor], pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return standardise(fits[0], pair[0]), standardise(fits[1], pair[1])


def built(true_size: float, said_size: float, wrong: bool, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of states whose first two features are truth and what will be said; six others, and noise on all."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.rand(200, generator=generator) < 0.5
    truth = (2 * y.float() - 1)[:, None]
    both = torch.cat([true_size * truth, said_size * (-truth if wrong else truth), torch.zeros(200, 6)], dim=1)
    noise = 0.5 * torch.randn(2, 200, 8, generator=generator)
    return both + noise[0], -both + noise[1], y


# %%
print("                       clear  sure   ambiguous: sure")
for name, model in (("factcheck", factcheck), ("random network", untrained)):
    Xp, Xn = judged.sides(model)
    fits = (Xp[train], Xn[train])
    clear = (*normalised_by(fits, (Xp[test], Xn[test])), judged.first_is_true[test])
    ambiguous = normalised_by(fits, strangers.sides(model))
    data = {"fit": ccs_normalise(*fits), "clear": clear, "ambiguous": ambiguous, "wrong": clear}  # "wrong" not asked
    found = ambiguous_vs_clear(fit_ccs, data)
    print(f"{name:22} {found['clear']:5.0%} {found['sure_clear']:5.2f} {found['sure_ambiguous']:13.2f}")
print("\nbuilt states             clear   under the misleading prompt")
for name, sizes in (("truth is larger", (2.0, 0.5)), ("what is said is larger", (0.5, 2.0))):
    honest = built(*sizes, wrong=False, seed=0)
    data = {"fit": honest[:2], "clear": honest, "ambiguous": honest[:2], "wrong": built(*sizes, wrong=True, seed=1)}
    found = ambiguous_vs_clear(fit_ccs, data)
    print(f"{name:24} {found['clear']:5.0%} {found['wrong']:12.0%}")

# %% [markdown]
# On `factcheck` the probe is sure of the clear pairs and unsure of the others. (The random network is unsure of all.)
# The built states say what this leaves open: both have a perfect score on honest data, and one of the probes reads what
# will be *said*. CCS takes the larger contrast. Nothing in its loss prefers truth.

# %% [markdown]
# ## A map without a question
# You can also look for structure without any contrast: principal components, non-negative factors, clusters. All of
# these always return something. So here too there is a control: tables in which every feature keeps its values, and has
# nothing to do with the others any more.

# %% [markdown]
# ## Exercise: `map_activations` ★★
# `map_activations(acts[N, D], k, seed=0)` gives a dict with
# - `"coords"` `[N, k]`: the rows, centred, along the first k principal components (each up to its sign, not scaled);
# - `"explained"` `[k]`: the share of *all* the variance along each of them;
# - `"control"` `[k]`: the same shares where each column has been shuffled by itself; component by component the largest
#   of 20 such tables, shuffled from `seed`;
# - `"found"`: how many components explain more than their control, counted up to the first that does not, an int.
#
# Features are centred and not scaled. `k` is at most `min(N, D)`.

# %% [markdown] hint="map_activations" rung=1
# What does shuffling each column by itself leave as it is, and what does it destroy? Why would one table not do?

# %% [markdown] hint="map_activations" rung=2
# The singular values of the centred table, squared and divided by their sum, are the shares; its right singular vectors
# are the directions. Write the shares as a function and call it for the table and for twenty shuffled ones.

# %% [markdown] hint="map_activations" rung=3
# To shuffle every column by itself: random numbers of the table's shape, sorted along the rows, give an order for each
# column; gather by it. Stack the shares of 20 such tables and take the largest over the tables. For `found`, compare,
# turn into integers, take the running product, and sum.


# %% exercise="map_activations" minutes=15
def map_activations(acts: Float[Tensor, "n d"], k: int, seed: int = 0) -> dict[str, Tensor | int]:
    """The first k principal components of the rows, and how many of them are more than chance."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)

    def shares(table: Tensor) -> Tensor:
        size = torch.linalg.svdvals(table - table.mean(dim=0)).square()
        return (size / size.sum())[:k]

    def shuffled() -> Tensor:
        return acts.gather(0, torch.rand(acts.shape, generator=generator).argsort(dim=0))

    centred = acts - acts.mean(dim=0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    explained = shares(acts)
    control = torch.stack([shares(shuffled()) for _ in range(SHUFFLES)]).amax(dim=0)
    found = int((explained > control).long().cumprod(dim=0).sum())
    return {"coords": centred @ directions[:k].T, "explained": explained, "control": control, "found": found}
    ### END SOLUTION


# %% check="map_activations" points=2
checks.run("map_activations")

# %% [markdown]
# The states at "is", without any label. Labels come in afterwards, to name what was found: how well does the sign of
# each component tell true from false?

# %%
for name, model, those in (
    ("judged people", factcheck, judged),
    ("never judged", factcheck, strangers),
    ("random network", untrained, judged),
):
    found = map_activations(torch.cat(those.sides(model)), 4)
    agreement = ((found["coords"] > 0) == those.is_true[:, None]).float().mean(dim=0)
    print(f"{name:15} explained {percent(found['explained'])}   control {percent(found['control'])}")
    print(f"{'':15} found {found['found']},    truth {percent(torch.maximum(agreement, 1 - agreement))}")

# %% [markdown]
# In the first table one component explains nearly everything, and it is truth. The other two tables have components
# above their control as well, and they are not truth. "More than chance" says that features move together, not what
# they are about: that took labels.
#
# And if truth had not been among the components? A small contrast may lie in no large component: PCA ranks by size, a
# probe does not. Finding nothing would say that nothing *large and linear* is there.

# %% [markdown]
# ## Does the model use it?
# A probe shows that something can be read. Whether the model reads it is another question, and it takes an edit: push
# the state along the direction, and see what the output does. Any push does something, so the control is the same push
# along random directions.

# %% [markdown]
# ## Exercise: `causal_check` ★★★
# `causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0)` adds `alpha` times the unit
# vector along `direction` to the stream *after* block `layer` (`blocks.{layer}.hook_resid_post`), at the *last position
# only*, in all rows. `metric(logits)` gives one number. The result is a dict:
# - `"effect"`: the metric with the edit minus the metric without;
# - `"p_value"`: the same for `n_random` random directions of length `alpha`, all directions equally likely, from
#   `seed`. With $m$ of them having an effect at least as large *in size*, $p = (1 + m)/(1 + n)$;
# - `"dose"`: a tensor of the effects at $-1, -\tfrac12, 0, \tfrac12, 1$ times `alpha`.
#
# The model is left as it was. `run_with_hooks(model, tokens, hooks)` of notebook 09 runs the edit.

# %% [markdown] hint="causal_check" rung=1
# Three numbers come from one inner function: the effect of adding a given vector. What does it need?

# %% [markdown] hint="causal_check" rung=2
# Compute the metric once without an edit. The inner function makes a hook that adds its vector at the last position,
# runs, and subtracts. Call it for the direction, for each random one, and for each dose. Why is the direction itself
# counted in p? Because it is one of the n + 1 that could have been the best.

# %% [markdown] hint="causal_check" rung=3
# Divide the direction by its norm. The hook clones the value, adds the vector to `[:, -1]`, and returns it. Random
# directions: normal numbers divided by their norm, times alpha. Count those whose absolute effect is at least that of
# the direction. No gradient is needed.


# %% exercise="causal_check" minutes=20
@torch.no_grad()
def causal_check(
    model: GPT2,
    layer: int,
    direction: Float[Tensor, " d_model"],
    alpha: float,
    tokens: Int[Tensor, "batch pos"],
    metric: Callable[[Tensor], Tensor],
    n_random: int = 100,
    seed: int = 0,
) -> dict[str, float | Tensor]:
    """What a push along the direction does to the metric, and whether random pushes of its length do as much."""
    ### BEGIN SOLUTION
    before = float(metric(model(tokens)))

    def effect(vector: Tensor) -> float:
        def add(act: Tensor, hook: object) -> Tensor:
            pushed = act.clone()
            pushed[:, -1] += vector
            return pushed

        return float(metric(run_with_hooks(model, tokens, [(f"blocks.{layer}.hook_resid_post", add)]))) - before

    unit = direction / direction.norm()
    found = effect(alpha * unit)
    others = torch.randn(n_random, len(unit), generator=torch.Generator().manual_seed(seed), dtype=unit.dtype)
    as_large = sum(abs(effect(alpha * other / other.norm())) >= abs(found) for other in others)
    dose = torch.tensor([effect(share * alpha * unit) for share in DOSES])
    return {"effect": found, "p_value": (1 + as_large) / (1 + n_random), "dose": dose}
    ### END SOLUTION


# %% check="causal_check" points=4
checks.run("causal_check")

# %% [markdown]
# False statements, pushed along the direction between the means, by the distance between them. The metric is the log
# odds of "true" against "false". Beside it stands a direction that means nothing: between two random halves of the
# statements.


# %%
def log_odds(logits: Float[Tensor, "n pos d_vocab"]) -> Float[Tensor, ""]:
    return (logits[:, -1, TRUE] - logits[:, -1, FALSE]).mean()


# %%
last = factcheck.cfg.n_layers - 1
at_is = torch.cat(judged.sides(factcheck))
city = verdicts.pairs(verdicts.JUDGED, "city")
false_ones = torch.where(city.one_is_true[:, None], city.two, city.one)[:24]
w, _ = mass_mean_probe(at_is, judged.is_true)
halves = judged.is_true[torch.randperm(len(at_is), generator=torch.Generator().manual_seed(0))]
with torch.no_grad():
    print(f"log odds of 'true' without a push: {log_odds(factcheck(false_ones)):+.1f}")
for name, direction in (("truth", w), ("control: random halves", mass_mean_probe(at_is, halves)[0])):
    found = causal_check(factcheck, last, direction, w.norm().item(), false_ones, log_odds)
    print(
        f"{name:24} effect {found['effect']:+6.1f}   p {found['p_value']:.3f}   dose {found['dose'].numpy().round(1)}"
    )
reads = (factcheck.unembed.W_U[:, TRUE] - factcheck.unembed.W_U[:, FALSE]).detach()
lean = torch.cosine_similarity(w, mass_mean_probe(at_is, halves)[0], dim=0).abs()
print(f"cosine of truth with what the unembedding reads: {torch.cosine_similarity(w, reads, dim=0):.2f}")
print(f"and with the direction of the random halves: {lean:.2f}")

# %% [markdown]
# The push along truth turns the verdict round, more push does more, and none of 100 random directions does as much. Two
# things should make you careful.
#
# The halves mean nothing, and yet p is small. Directions made from data lie where the data vary, and nearly all the
# variance here lies along truth, so the halves' direction leans on it (the second number is the size of its cosine).
# Beating directions that point everywhere alike is little. The halves are the harder control, and truth beats them too.
#
# And after the last block the direction is nearly the one that the unembedding reads for "true" against "false". The
# model is about to say a word, and you found the word. Pushing along what is read for a word makes it likelier in any
# model. An edit that changed *other* behaviour that should follow from truth would show more; this model has none.

# %% [markdown]
# ## What you built
# Probes with an honest split and three controls, a search without labels, a map with its chance level, and a test of
# use. What they found: in `factcheck` truth is one direction, as far as verdicts were learned and no further; a random
# network gives a probe most of what it needs; and CCS finds the largest contrast, whatever that is.
#
# ## Questions
# 1. **Would CCS catch a liar?** A model knows that a statement is false and says it is true. Which of your controls
#    tells a probe for truth from one for what will be said, if you cannot make the model lie on purpose?
# 2. **What would failure show?** You probe a large model for "is being tested" and find nothing. Which of these is
#    ruled out: it does not know; it is not linear; it is not at this position; your prompts do not vary it?
# 3. **What is a fair random network?** Here it has GPT-2's starting weights. Embeddings ten times as large, or trained
#    weights with their rows shuffled, would be other controls. Which claim does each of them test?
#
# ## References
# - Alain and Bengio 2016, *Understanding intermediate layers using linear classifier probes*.
# - Hewitt and Liang 2019, *Designing and Interpreting Probes with Control Tasks*, sections 2 and 3.
# - Burns, Ye, Klein and Steinhardt 2022, *Discovering Latent Knowledge in Language Models Without Supervision*,
#   section 2.
# - Farquhar et al. 2023, *Challenges with unsupervised LLM knowledge discovery*: CCS finds the most prominent feature.
# - Marks and Tegmark 2023, *The Geometry of Truth*: mass-mean probes, and pushes along them.
# - Horn 1965, *A rationale and test for the number of factors in factor analysis*: the shuffled tables.
# - Belinkov 2022, *Probing Classifiers: Promises, Shortcomings, and Advances*.
