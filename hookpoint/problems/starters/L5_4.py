# %% [markdown]
# # L5.4 Sorted list
# `sort_list` puts eight numbers from 0 to 31 in order, and is right on nearly every list. You explain how, and prove
# the explanation by foreseeing where the model *fails*. An account that only covers what works has not been tested.
#
# Known: a head of the second of its two layers attends, from each place of the answer, to the next number of the
# order, and copies it. Not known: what the first layer adds, how a number that occurs twice is handled, and which
# lists are hard. This one is small enough (39,000 parameters, no MLP) to be explained to the end.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data.lists import SORT_EQUALS, SORT_LENGTH, SORT_NUMBERS, sort_lists
from hookpoint.zoo.recipes.sorting import WRITING, answers

model = zoo.load("sort_list")


def as_tokens(lists):
    """Lists with `=` and their sorted selves behind them."""
    return torch.cat([lists, torch.full((len(lists), 1), SORT_EQUALS), lists.sort(dim=1).values], dim=1)


@torch.no_grad()
def margin(tokens):
    """For every list its tightest place: the right number's logit less the best other one's. Negative: it fails."""
    logits = model(tokens)[:, WRITING, :SORT_NUMBERS]
    right = logits.gather(2, answers(tokens)[:, :, None])
    others = logits.scatter(2, answers(tokens)[:, :, None], -torch.inf).amax(dim=2)
    return (right[:, :, 0] - others).amin(dim=1)


common = sort_lists(6000, torch.Generator().manual_seed(0), "held_out")
margins = margin(common)
print(f"lists that come out right: {(margins > 0).float().mean():.4f} of {len(common)}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Which lists are hard: those with a number twice, with
# neighbours such as 12 and 13, with very small or very large numbers, lists that are in order already? Name one
# property and say by how much it raises the share of failures.

# %%
numbers = common[:, :SORT_LENGTH]
ordered = answers(common)
steps = ordered.diff(dim=1)
properties = {
    "no number twice": (steps > 0).all(dim=1),
    "one number twice": (steps == 0).sum(dim=1) == 1,
    "more repeats": (steps == 0).sum(dim=1) > 1,
    "a number three times": ((steps[:, 1:] == 0) & (steps[:, :-1] == 0)).any(dim=1),
    "three in a row, such as 4 5 6": ((steps[:, 1:] == 1) & (steps[:, :-1] == 1)).any(dim=1),
    "a gap of 12 or more": (steps >= 12).any(dim=1),
    "0 is in it": (ordered == 0).any(dim=1),
    "31 is in it": (ordered == 31).any(dim=1),
    "first number is smallest (control)": numbers[:, 0] == ordered[:, 0],
}
for name, rows in properties.items():
    shares = [(margins[some] <= 0).float().mean().item() for some in (rows, ~rows)]
    print(f"{name:36} {int(rows.sum()):4} lists: fail {shares[0]:.4f}, other lists {shares[1]:.4f}")
means = torch.stack([margins[rows].mean() for rows in properties.values()])
pictures.bars(means, list(properties), title="Mean tightest margin", xlabel="logits")

# %% [markdown]
# Failures are few on random lists, so the margin says more than the share. The last property is the control: it
# should make no difference to a model that does not care in which order the list came. If it does, that is a finding
# already.
#
# **Find failures on purpose.** From a random list, change one number at a time and keep what lowers the margin. The
# control is as many random lists: luck also finds failures, if you draw often enough.


# %%
def searched(n_starts, rounds, seed):
    """The lists at the end of a search for low margins, and how many lists were tried."""
    generator = torch.Generator().manual_seed(seed)
    best = torch.randint(SORT_NUMBERS, (n_starts, SORT_LENGTH), generator=generator)
    low = margin(as_tokens(best))
    for _ in range(rounds):
        tried = best.clone()
        place = torch.randint(SORT_LENGTH, (n_starts, 1), generator=generator)
        tried.scatter_(1, place, torch.randint(SORT_NUMBERS, (n_starts, 1), generator=generator))
        found = margin(as_tokens(tried))
        better = found < low
        best[better], low = tried[better], torch.minimum(found, low)
    return best, low, n_starts * (rounds + 1)


worst, low, tried = searched(n_starts=100, rounds=120, seed=1)
chance = margin(
    as_tokens(torch.randint(SORT_NUMBERS, (tried, SORT_LENGTH), generator=torch.Generator().manual_seed(2)))
)
print(f"search: {(low < 0).float().mean():.2f} of 100 starts end in a failure; lowest margin {low.min():.2f}")
print(f"as many random lists ({tried}): {(chance < 0).sum()} failures; lowest margin {chance.min():.2f} (control)")
for number in low.argsort()[:5].tolist():
    tokens = as_tokens(worst[number : number + 1])
    with torch.no_grad():
        said = model(tokens)[0, WRITING, :SORT_NUMBERS].argmax(dim=1).tolist()
    print("right", answers(tokens)[0].tolist(), "  said", said)

# %%
# What do the found lists have in common? The same properties, beside random lists.
after = worst[low < 0].sort(dim=1).values
gaps = after.diff(dim=1)
shown = {
    "repeats in a list": ((gaps == 0).sum(1), (steps == 0).sum(1)),
    "neighbours in a list": ((gaps == 1).sum(1), (steps == 1).sum(1)),
    "largest gap": (gaps.amax(1), steps.amax(1)),
    "smallest number": (after[:, 0], ordered[:, 0]),
    "largest number": (after[:, -1], ordered[:, -1]),
}
for name, (found, usual) in shown.items():
    print(f"{name:20} failures {found.float().mean():5.2f}   random lists {usual.float().mean():5.2f}")

# %% [markdown]
# The search is given the true answer before each place, as the model is in training; so every failure is one wrong
# step. A property in which failures and random lists differ is a hypothesis about the mechanism. It was read off the
# failures, so it has to be tested on others.

# %% [markdown]
# ## Where to go from here
# 1. Turn the clearest difference into a rule, make 500 lists that have it and 500 that do not (same sum, same
#    spread), and compare the shares of failures. Write your expectation down first.
# 2. Look at the sorting head (`hookpoint.zoo.recipes.sorting.sorting_head`) on a failure: does it look at the wrong
#    number, or at the right one and copies badly? Everything there is a table, as for the largest of a list.
# 3. How does the model know that a number is to be written twice? Follow what the second layer reads at that place.
# 4. Write the model as a Python function, its faults included, and report how often it agrees with the *model* on
#    random lists, on lists with repeats, and on the failures.
# 5. Predict the failures of a model with another seed (`zoo.train("sort_list", seed=1).model`, under a minute). Are
#    they of the same kind?
#
# A finding: a rule, derived from the weights, that foretells failures on new lists better than the rule of thumb you
# read off them. A null that counts: failures of two seeds have nothing in common but their number.
