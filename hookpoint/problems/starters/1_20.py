# %% [markdown]
# # 1.20 Induction when the previous token occurred many times
# An induction head finds the last place where this token stood, and copies what followed. But what if it stood in
# several places, followed by different tokens? Copying the first, the last or the most frequent are different
# algorithms with the same name. You test a two-layer model on texts where they disagree. It is known to repeat a block
# that it saw once; nobody measured what it does with two answers. Real models have more heads and more evidence to
# weigh.

# %%
import torch

from hookpoint import pictures, zoo

model, one_layer = zoo.load("induction"), zoo.load("induction_one_layer")
ROWS, MOST = 200, 4


def texts(times_b, times_c, seed):
    """Rows of random tokens in which A is followed by B so many times, then by C so many times, and then ends a row.

    Gives the rows, and the tokens B, C and one that does not occur, as [row] each.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens = 1 + torch.rand(ROWS, 63, generator=generator).argsort(dim=1)  # all 63 tokens in random order
    a, b, c, absent, *rest = tokens.unbind(dim=1)
    row = [torch.zeros_like(a)]
    for number in range(times_b + times_c):
        row += [*rest[3 * number : 3 * number + 3], a, b if number < times_b else c]
    row += [*rest[30:33], a]
    return torch.stack(row, dim=1), b, c, absent


rows, b, c, _ = texts(2, 1, seed=0)
print("one row:", rows[0].tolist(), " B is", int(b[0]), " C is", int(c[0]))

# %% [markdown]
# **Write your prediction here before you run the next cell.** A came twice with B and then once with C. After the last
# A, which of the two does the model prefer? When B came four times and C once? Say what each of "the last one", "the
# most frequent" and "the first one" would predict.


# %%
@torch.no_grad()
def preference(model, times_b, times_c):
    """The mean logit of B minus that of C after the last A, and that of both over a token that does not occur."""
    rows, b, c, absent = texts(times_b, times_c, seed=10 * times_b + times_c)
    end = model(rows)[:, -1]
    pick = lambda token: end.gather(1, token[:, None]).mean()  # noqa: E731 - a name for a short thing
    return float(pick(b) - pick(c)), float((pick(b) + pick(c)) / 2 - pick(absent))


counts = range(1, MOST + 1)
table = {
    name: torch.tensor([[preference(each, b, c) for c in counts] for b in counts])
    for name, each in (("two layers", model), ("one layer", one_layer))
}
sides = [f"B {count}x" for count in counts], [f"C {count}x" for count in counts]
pictures.heatmap(
    table["two layers"][..., 0],
    *sides,
    "Two layers: logit of B (earlier) minus C (later)",
    low="prefers C",
    high="prefers B",
)

# %% [markdown]
# On the diagonal both came equally often, so the sign there tells earlier from later. Along a row or column only the
# number changes. An algorithm that copies the last occurrence would give one sign everywhere; one that only counts
# would give zero on the diagonal.

# %%
limit = float(table["two layers"][..., 0].abs().max())
pictures.heatmap(
    table["one layer"][..., 0], *sides, "Control, one layer: the same", limit=limit, low="prefers C", high="prefers B"
)

# %%
seen = {name: float(each[..., 1].mean()) for name, each in table.items()}
print(
    "B and C over a token that does not occur, mean over the table:",
    {name: round(value, 2) for name, value in seen.items()},
)

# %% [markdown]
# The control has one layer and the same data: it cannot look up what followed. If it leans to B or C, it does so by
# having seen them, or by their places. The last line says how far each model tells tokens that occurred from one that
# did not.
#
# Which heads decide? Where do the heads of layer 1 look from the last A, at what followed the earlier or the later one?

# %%
rows, *_ = texts(2, 2, seed=5)
name = "blocks.1.attn.hook_pattern"
with torch.no_grad():
    pattern = model.run_with_cache(rows, name)[1][name][:, :, -1].mean(dim=0)
places = [5 * number + 5 for number in range(4)]  # where B, B, C, C stand
look = torch.cat([pattern[:, places], 1 / torch.tensor(rows.shape[1]).expand(4, 1)], dim=1)
pictures.heatmap(
    look,
    [f"head 1.{head}" for head in range(4)],
    ["1st B", "2nd B", "1st C", "2nd C", "even look"],
    "Attention from the last A",
    signed=False,
)

# %% [markdown]
# ## Where to go from here
# - Fit one rule to the whole first figure (a weight for each occurrence that falls with its age, say), on half of the
#   cells, and predict the other half. Compare with "last" and "most frequent".
# - Age and order go together here. Put other tokens between the occurrences, more or fewer, so that they do not.
# - Replace heads of layer 1 by their mean one at a time: is the preference one head's, or a compromise of several?
# - Follow the figure over the checkpoints, `zoo.open("induction").steps`. Is ambiguity handled from the start?
# - Train a model on text with ambiguous repeats (change `hookpoint/zoo/data/repeats.py`) and see whether it learns to
#   count. If it does not, that is a null with a control.
