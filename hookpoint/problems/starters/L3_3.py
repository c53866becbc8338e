# %% [markdown]
# # L3.3 Cheaper patching with fewer false negatives
# Exact patching needs one run for every place. A gradient estimates all places from two runs and one backward pass,
# and is wrong where the network is not close to linear. The dangerous mistakes are the misses: places that matter and
# get an estimate near zero, so that nobody looks at them again. You find out which places are missed, and why.
#
# Known: saturated attention hides effects from the gradient, and effects that cancel hide from any sum (Kramar et al.
# 2024, on large models). Not known: how often, for which kind of place, and what the cheapest repair is. You compare
# two small models in which the exact answer can be had everywhere: `stories`, whose attention was learned, and
# `circuit_induction`, whose attention was compiled and is as hard as a look-up. Large models lie between the two.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes import circuits
from hookpoint.zoo.stories import make_pairs

KINDS = ("q", "k", "v", "z")


class Case:
    """A model with a clean and a corrupt input, and the number that says how well it does on the clean one."""

    def __init__(self, model, clean, corrupt, metric):
        self.model, self.clean, self.corrupt, self.metric = model, clean, corrupt, metric
        self.sites = [f"blocks.{layer}.attn.hook_{kind}" for kind in KINDS for layer in range(model.cfg.n_layers)]
        logits, self.own = model.run_with_cache(clean, self.sites, grad=True)
        other, self.other = model.run_with_cache(corrupt, self.sites)
        with torch.no_grad():
            self.ends = metric(other).item(), metric(logits).item()

    def share(self, change):
        """A change as a share of the way from the clean run's number down to the corrupt one's."""
        return -change / (self.ends[1] - self.ends[0])


def sentences():
    pairs = make_pairs(24, seed=0)
    rows = torch.arange(24)

    def metric(logits):
        end = logits[rows, pairs["END"]]
        return (end[rows, pairs["answer"]] - end[rows, pairs["wrong"]]).mean()

    return Case(zoo.load("stories"), pairs["clean"], pairs["corrupt"], metric)


def letters():
    task, generator = circuits.task("circuit_induction"), torch.Generator().manual_seed(0)
    clean, corrupt = task.sequences(40, generator), task.sequences(40, generator)
    answers = task.answers(clean)
    asked = answers >= 0

    def metric(logits):
        return logits[asked].gather(1, answers[asked][:, None]).mean()

    return Case(zoo.load("circuit_induction"), clean, corrupt, metric)


cases = {"stories": sentences(), "circuit_induction": letters()}
for name, case in cases.items():
    heads = case.model.cfg.n_layers * case.model.cfg.n_heads
    print(f"{name:18} clean {case.ends[1]:+.2f}, corrupt {case.ends[0]:+.2f}; {heads} heads, {4 * heads} places")

# %% [markdown]
# A *place* is one head's query, key, value or output. Patching puts its corrupt value into the clean run; the effect
# is the share of the answer that this takes away.
#
# **Write your prediction here before you run the next cell.** For which of the four kinds is the gradient's estimate
# good, and for which poor? In which model? Where it is wrong, is it too large or too small?


# %%
def slopes_at(case, tokens_run, mixed=None):
    """The gradient of the metric at every site; `mixed` replaces the token embeddings."""
    hooks = [] if mixed is None else [("hook_embed", lambda act, point: mixed)]
    with case.model.hooked(hooks):
        logits, here = case.model.run_with_cache(tokens_run, case.sites, grad=True)
    return dict(zip(here, torch.autograd.grad(case.metric(logits), list(here.values())), strict=True))


def estimated(case, slopes):
    """For every site and head the effect to first order."""
    moves = {name: (case.other[name] - case.own[name].detach()) * slopes[name] for name in case.sites}
    return {name: case.share(move.sum(dim=(0, 1, 3))) for name, move in moves.items()}


@torch.no_grad()
def exact(case):
    """The same by one run for every head and kind."""
    effects = {}
    for name in case.sites:
        changes = []
        for head in range(case.model.cfg.n_heads):

            def put_in(act, point, head=head):
                act[:, :, head] = case.other[point.name][:, :, head]

            changes.append(case.metric(case.model.run_with_hooks(case.clean, [(name, put_in)])) - case.ends[1])
        effects[name] = case.share(torch.stack(changes))
    return effects


def of_kind(effects, kind):
    return torch.cat([values for name, values in effects.items() if name.endswith(f"_{kind}")])


truth = {name: exact(case) for name, case in cases.items()}
one_slope = {name: estimated(case, slopes_at(case, case.clean)) for name, case in cases.items()}
groups = {}
for name in cases:
    for label, kinds in (("q and k", "qk"), ("v and z", "vz")):
        real, guess = (torch.cat([of_kind(effects[name], kind) for kind in kinds]) for effects in (truth, one_slope))
        groups[f"{name}, {label}"] = (real, guess)
pictures.scatter(
    groups, lines={"right": ([0, 1], [0, 1])}, xlabel="exact effect", ylabel="estimated effect", title="Every place"
)

# %%
SEEN = 0.03  # a place matters if it takes away this share of the answer


def misses(name, effects, kind):
    """How many places matter, and how many of these are estimated at less than a quarter of their effect."""
    real, guess = of_kind(truth[name], kind), of_kind(effects, kind)
    matters = real.abs() > SEEN
    return int(matters.sum()), int((matters & (guess.abs() < 0.25 * real.abs())).sum())


generator = torch.Generator().manual_seed(0)
for name in cases:
    for kind in KINDS:
        real, guess = of_kind(truth[name], kind), of_kind(one_slope[name], kind)
        mixed = guess[torch.randperm(len(guess), generator=generator)]
        error, chance = (real - guess).abs().mean(), (real - mixed).abs().mean()
        print(
            f"{name:18} {kind}: {misses(name, one_slope[name], kind)[0]} places matter, missed"
            f" {misses(name, one_slope[name], kind)[1]}; mean error {error:.2f} (estimates shuffled {chance:.2f})"
        )

# %% [markdown]
# Points on the horizontal axis, away from zero, are misses of the worst sort. In the compiled model the queries and
# keys that matter lie there: their attention is at 0 or 1, where the softmax has no slope, however far a real change
# would carry it. In `stories` the estimates are good, and the next question is what in training kept them so.
#
# **Is it saturation?** If so, slopes taken on the *way* from the clean to the corrupt input, and averaged, should
# find what was missed. The control is the number of misses with the one slope.


# %%
def averaged(case, steps):
    """The estimate from the mean of the slopes at several mixtures of the two inputs' embeddings."""
    total = {name: 0 for name in case.sites}
    words = [case.model.run_with_cache(tokens, "hook_embed")[1]["hook_embed"] for tokens in (case.clean, case.corrupt)]
    for step in range(steps):
        slopes = slopes_at(case, case.clean, torch.lerp(*words, (step + 0.5) / steps))
        total = {name: total[name] + slopes[name] / steps for name in case.sites}
    return estimated(case, total)


for name, case in cases.items():
    for label, effects in {
        "1 slope": one_slope[name],
        "2 slopes": averaged(case, 2),
        "8 slopes": averaged(case, 8),
    }.items():
        counts = [misses(name, effects, kind) for kind in KINDS]
        line = "   ".join(
            f"{kind} missed {missed} of {all_}" for kind, (all_, missed) in zip(KINDS, counts, strict=True)
        )
        print(f"{name:18} {label:9} {line}")

# %% [markdown]
# If the misses do not fall with more slopes, the way between the two inputs was the wrong place to look. Note what
# you paid: each slope is one forward and one backward pass, and exact patching of one place is one forward pass.

# %% [markdown]
# ## Where to go from here
# 1. Recompute the softmax instead of linearising it: for queries and keys, put the corrupt value in, compute the new
#    pattern exactly, and use the gradient only for what comes after. How many misses are left?
# 2. Make a family of models between the two: multiply the compiled model's queries by 0.1, 0.2, ... and draw misses
#    against the sharpness of attention. Where on that curve are the heads of `stories`?
# 3. Look for cancelling: patch by position (`hookpoint.interp.patching.patch_by_position`) and sum. Which heads have
#    large parts that sum to little?
# 4. Draw misses against cost (runs) for: one slope, eight slopes, the repaired softmax, exact patching of the top
#    ten.
# 5. Repeat on single neurons (`mlp.hook_post`), and in `circuit_hard_backup`, where an effect is made up for later.
#
# A finding: a repair that leaves no miss at a tenth of the exact cost, tested on sentences and a template not used to
# choose it. A null that counts: with the same number of runs, exact patching of a random choice finds as much.
