# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about small trained algorithms: state the algorithm, then try to break
# your statement. The example is `sort_list`, two layers of attention that put eight numbers in order. If your problem
# is about another task, train a model on it with the same few lines (the last cell says how); what you keep from here
# is the order of work: behaviour, a picture of the mechanism, an intervention, each with its control.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data.lists import SORT_LENGTH, sort_lists
from hookpoint.zoo.recipes.sorting import answers, attention_on_next, solved

model = zoo.load("sort_list")
lists = sort_lists(1000, torch.Generator().manual_seed(0), "held_out")  # no rearrangement of them was in training
heads = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
with torch.no_grad():
    logits, cache = model.run_with_cache(lists)
print(f"held-out lists right as a whole: {solved(logits, lists):.3f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** The obvious algorithm is: while writing, look for the
# next number of the order and copy it. Which of the four heads will look there, how sharply, and which will the model
# need?

# %%
row = 0
layer, head = max(heads, key=lambda at: attention_on_next(cache[f"blocks.{at[0]}.attn.hook_pattern"][:, at[1]], lists))
looks = cache[f"blocks.{layer}.attn.hook_pattern"][row, head, SORT_LENGTH : 2 * SORT_LENGTH, :SORT_LENGTH]
writing = [f"{place + 1}. {number}" for place, number in enumerate(answers(lists)[row].tolist())]
numbers = [f"{number} at {place}" for place, number in enumerate(lists[row, :SORT_LENGTH].tolist())]
pictures.heatmap(looks, writing, numbers, f"Head {layer}.{head}: where it looks to write ...", signed=False, limit=1)


# %% [markdown]
# A picture of one list is an anecdote. The next figure is over a thousand lists: each head's attention on the next
# number, beside an even look at everything before; and what becomes of the lists if that head is made to look evenly.


# %%
def even(pattern):
    """The pattern of a head that looks at itself and all before in equal parts."""
    allowed = torch.ones_like(pattern).tril()
    return allowed / allowed.sum(dim=-1, keepdim=True)


def blurred(layer, head):
    """The share of lists right as a whole when one head looks evenly."""

    def hook(pattern, point):
        pattern[:, head] = even(pattern[:, head])

    with torch.no_grad():
        return solved(model.run_with_hooks(lists, [(f"blocks.{layer}.attn.hook_pattern", hook)]), lists)


on_next = [attention_on_next(cache[f"blocks.{layer}.attn.hook_pattern"][:, head], lists) for layer, head in heads]
by_chance = attention_on_next(even(cache["blocks.0.attn.hook_pattern"][:, 0]), lists)
table = torch.tensor(
    [[looked, blurred(*at)] for looked, at in zip(on_next, heads, strict=True)] + [[by_chance, solved(logits, lists)]]
)
rows = [f"head {layer}.{head}" for layer, head in heads] + ["control"]
pictures.heatmap(
    table,
    rows,
    ["attention on the next number", "lists right if it looks evenly"],
    "Looking and being needed",
    signed=False,
    limit=1,
)

# %% [markdown]
# The last row is the control: what an even look would score in the first column, and the accuracy with no head touched
# in the second. A head that looks at the right place and can be blurred without loss is not the algorithm.

# %% [markdown]
# ## Where to go from here
# - For a task of your own: write a function that draws examples, build `GPT2(Config(...))`, and train with
#   `hookpoint.zoo.fit.fit`; `hookpoint/zoo/recipes/sorting.py` is a whole recipe in few lines. Keep some examples out
#   of training by content, not by chance.
# - Say what the other heads do. "Nothing" is a claim: test it by blurring all of them at once.
# - Make inputs on which your algorithm and a cheaper one disagree (here: repeated numbers, or lists already in order),
#   and see which the model follows.
# - Train three seeds. An account that holds for one of them is an account of that one.
