# %% [markdown]
# # L1.9 Are probes reading or adding?
# A probe finds a variable in a model's states. Does the model use it there, or is it only lying about? A monitor
# built on a variable that nobody uses can be right for years and then be wrong without warning. You look for a test
# that tells the two apart, on variables whose role is known.
#
# `factcheck` reads a statement about a person and says whether it is true. At its last word, "is", four variables can
# be asked for: whether the statement is *true* (the verdict must come from there), which *kind* of statement it was,
# whether the person is a *man*, and, as nonsense, whether the name is in the first half of the alphabet. Known: a
# probe for truth is nearly perfect on people it was not fitted on. Not known: what "used" should mean, and how well
# erasing a direction measures it. In a model with more layers a variable can be used much later, and erasing has more
# ways to fail.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.probes import fit_logistic, standardise
from hookpoint.zoo.stories import is_male, tokenizer, verdicts

model = zoo.load("factcheck")
TRUE, FALSE = (tokenizer().token_id(word) for word in (" true", " false"))
LAYERS = range(model.cfg.n_layers)
RELATIONS = list(verdicts.VALUES)
rows = []
for number, relation in enumerate(RELATIONS):
    pairs = verdicts.pairs(verdicts.JUDGED, relation, each=4, seed=1)
    rows += [
        (pairs.one, pairs.one_is_true, pairs.person, number),
        (pairs.two, ~pairs.one_is_true, pairs.person, number),
    ]
names = [verdicts.JUDGED[person] for _, _, people, _ in rows for person in people.tolist()]
middle = sorted(set(names))[len(set(names)) // 2]
person = torch.cat([people for _, _, people, _ in rows])
labels = {
    "true": torch.cat([truth for _, truth, _, _ in rows]),
    "kind": torch.cat([torch.full((len(truth),), number < 2) for _, truth, _, number in rows]),
    "man": torch.tensor([is_male(name) for name in names]),
    "alphabet": torch.tensor([name < middle for name in names]),
}
print(len(person), "statements;", {name: f"{label.float().mean():.2f}" for name, label in labels.items()})

# %% [markdown]
# **Write your prediction here before you run the next cell.** For each variable, after each block: can a probe read
# it from people that it was not fitted on? And if you erase the direction that tells it: what becomes of the
# verdicts? Which variable will be readable and useless?

# %%
SITES = [f"blocks.{layer}.hook_resid_post" for layer in LAYERS]


@torch.no_grad()
def run(edits=()):
    """The log odds of "true" for every statement, and the states at the last word after each block."""
    odds, states = [], []
    for tokens, _, _, _ in rows:
        with model.hooked(edits):
            logits, cache = model.run_with_cache(tokens, SITES)
        odds.append(logits[:, -1, TRUE] - logits[:, -1, FALSE])
        states.append(torch.stack([cache[name][:, -1] for name in SITES]))
    return torch.cat(odds), torch.cat(states, dim=1)


odds, states = run()
order = torch.randperm(len(verdicts.JUDGED), generator=torch.Generator().manual_seed(0))
fitted = torch.isin(person, order[: len(order) * 2 // 3])


def right(odds):
    return ((odds > 0) == labels["true"])[~fitted].float().mean().item()


def readable(x, label):
    """The share of statements about other people that a linear probe labels rightly."""
    w, b = fit_logistic(standardise(x[fitted], x[fitted]), label[fitted])
    return ((standardise(x[fitted], x[~fitted]) @ w + b > 0) == label[~fitted]).float().mean().item()


def direction(x, label):
    """From the mean of one class to the mean of the other, of length 1."""
    way = x[fitted & label].mean(dim=0) - x[fitted & ~label].mean(dim=0)
    return way / way.norm()


def erased(layer, way):
    """An edit: the last word's state loses its part along `way`, down to the mean."""
    level = (states[layer] @ way).mean()

    def hook(stream, point):
        stream[:, -1] -= ((stream[:, -1] @ way) - level)[:, None] * way

    return SITES[layer], hook


generator = torch.Generator().manual_seed(1)
read, lost, moved = (torch.zeros(len(labels) + 1, len(LAYERS)) for _ in range(3))
for layer in LAYERS:
    ways = [direction(states[layer], label) for label in labels.values()]
    noise = torch.randn(model.cfg.d_model, generator=generator)
    for number, way in enumerate([*ways, noise / noise.norm()]):
        after, _ = run([erased(layer, way)])
        lost[number, layer] = right(odds) - right(after)
        moved[number, layer] = (after - odds)[~fitted].abs().mean()
    read[:-1, layer] = torch.tensor([readable(states[layer], label) for label in labels.values()])
read[-1] = torch.nan
columns = [f"{what}, block {layer}" for what in ("readable", "verdicts lost") for layer in LAYERS]
pictures.heatmap(
    torch.cat([read, lost.clamp(min=0)], dim=1),
    rows=[*labels, "random direction (control)"],
    columns=columns,
    signed=False,
    limit=1.0,
    title="Read, and erased",
)

# %%
print(f"right verdicts: {right(odds):.2f}; mean size of the log odds: {odds.abs().mean():.1f}")
for number, name in enumerate([*labels, "random"]):
    for layer in LAYERS:
        print(
            f"{name:9} erased after block {layer}: {lost[number, layer]:.2f} of the verdicts lost,"
            f" log odds moved by {moved[number, layer]:.1f}"
        )

# %% [markdown]
# The nonsense variable shows how readable a label is that belongs to the *person*: a probe asked about other people
# should do little better than one half there. Only a dozen people are asked about, so the numbers of the last two
# variables are coarse, and may fall below one half. The random direction shows what erasing any direction costs. A
# variable that is readable in a row where nothing is lost has been read by you and not by the model, as far as this
# test sees. Erasing one direction is a weak test, though: a second copy elsewhere in the state would keep the
# verdicts right.
#
# **Is it gone?** Before you believe a zero, check the erasure itself: fit a new probe to the erased states.

# %%
for layer in LAYERS:
    for name, label in labels.items():
        way = direction(states[layer], label)
        along = states[layer] @ way
        bare = states[layer] - (along - along.mean())[:, None] * way
        before, after = readable(states[layer], label), readable(bare, label)
        print(f"after block {layer}, {name:9} readable {before:.2f}, and once erased {after:.2f}")

# %% [markdown]
# Where the second number is still high, the erasure has not taken the variable away, and the test above was not fair
# to it. That is the usual way in which "it is not used" is claimed too early.

# %% [markdown]
# ## Where to go from here
# 1. Erase until nothing is readable: fit, project out, fit again (the iterative way), with the same number of random
#    directions as the control. Do any verdicts change now that did not before?
# 2. Instead of erasing, *swap*: put in the value that the direction has for a statement of the other class. Does the
#    verdict follow? Swapping needs no average and leaves no unusual state behind.
# 3. Ask earlier: at the word of the value ("Paris"), which variables are read by the last word's heads?
# 4. Make the verdict on people never judged (`verdicts.NEVER_JUDGED`) the test: which variable is used for the guess?
# 5. Turn it into a classifier "causally used, yes or no", thresholds fixed here, and test it on `brackets` (depth at
#    each place) or on a model whose unused variable you planted yourself.
#
# A finding: a test that separates used from unused variables on a second model, with its threshold fixed in advance.
# A null that counts: a variable known to be used whose erasure the model survives, with the second copy shown.
