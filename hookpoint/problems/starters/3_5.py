# %% [markdown]
# # 3.5 Smaller or larger of two integers
# The order of numbers is nowhere in a model's input: each is a token like any other. So a model that names the larger
# one has to learn an order, and with a single attention head there is only one place for it, the scores that queries
# give to keys. You read it there, in `max_of_list`, which finds the largest of ten numbers below 64. What is known: its
# scores rise with the number. Open is whether that is the *whole* algorithm: whether the scores alone predict when it
# is unsure, or wrong.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo.data.lists import MAX_EQUALS, MAX_LENGTH, MAX_NUMBERS
from hookpoint.zoo.recipes.max import largest, rank_correlation, score_by_number

model = zoo.load("max_of_list")
untrained = GPT2(model.cfg, seed=1)
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# **Write your prediction here before you run the next cell.** Draw the score that `=` gives to the number n against n.
# A straight line? Steep where? What would the slope between n and n + 1 have to be so that the larger one gets 90% of
# the attention?

# %%
scores = {"trained": score_by_number(model), "untrained": score_by_number(untrained)}
for name, each in scores.items():
    print(f"{name:10} rank correlation of score and number {rank_correlation(each):+.3f}")
steps = scores["trained"].diff()
print(f"from a number to the next: least step {float(steps.min()):+.2f}, median {float(steps.median()):+.2f}")
pictures.curve(scores, xlabel="number", ylabel="score from =", title="The order, in the QK circuit")

# %% [markdown]
# Now two numbers only: a list holds one number nine times and the other once, or five times each. If the scores are the
# whole story, the share of attention on the larger number follows from the curve above: it is a softmax. The control
# uses the same scores dealt to other numbers.

# %%
N = 2000
pairs = torch.rand(N, MAX_NUMBERS, generator=generator).argsort(dim=1)[:, :2].sort(dim=1).values  # smaller, larger
copies = 1 + 4 * torch.randint(2, (N, 1), generator=generator)  # the larger one stands there once or five times
order = torch.rand(N, MAX_LENGTH, generator=generator).argsort(dim=1)
numbers = torch.where(order < copies, pairs[:, 1:], pairs[:, :1])
lists = torch.cat([numbers, torch.full((N, 1), MAX_EQUALS)], dim=1)
name = "blocks.0.attn.hook_pattern"
with torch.no_grad():
    logits, cache = model.run_with_cache(lists, name)
measured = (cache[name][:, 0, -1, :MAX_LENGTH] * (numbers == pairs[:, 1:])).sum(dim=1)


def predicted(scores):
    """The attention on the larger number that the scores alone would give."""
    weights = scores[numbers].softmax(dim=1)
    return (weights * (numbers == pairs[:, 1:])).sum(dim=1)


def explained(guess):
    return float(1 - (measured - guess).square().sum() / (measured - measured.mean()).square().sum())


guess = predicted(scores["trained"]).detach()
dealt = predicted(scores["trained"][torch.randperm(MAX_NUMBERS, generator=generator)]).detach()
print(f"variance of the attention explained by the scores {explained(guess):.2f}, dealt wrongly {explained(dealt):.2f}")
pictures.scatter(
    {"the scores": (guess, measured), "dealt wrongly": (dealt, measured)},
    lines={"equal": ([0, 1], [0, 1])},
    xlabel="predicted attention on the larger",
    ylabel="measured",
    title="Do the scores predict where it looks?",
)

# %%
right = (logits[:, -1].argmax(dim=1) == largest(lists)).float()
gap = pairs[:, 1] - pairs[:, 0]
for low, high in ((1, 1), (2, 3), (4, 10), (11, 63)):
    rows = (gap >= low) & (gap <= high)
    for count in (1, 5):
        some = rows & (copies[:, 0] == count)
        n, share, looked = int(some.sum()), float(right[some].mean()), float(measured[some].mean())
        print(f"gap {low:2} to {high:2}, larger {count}x: {n:4} lists, right {share:.2f}, attention {looked:.2f}")

# %% [markdown]
# Each line says how many lists it is about. A model that compares would not mind how often a number stands there; a
# softmax does, because nine small numbers outvote one that is hardly larger.

# %% [markdown]
# ## Where to go from here
# - Predict the *answers*, not only the attention: with the OV table (`logits_by_number` in the recipe), the scores
#   should say which lists it gets wrong. Count hits and false alarms on lists that you did not look at.
# - Where does the order come from? Project `W_E` on the direction that `=` asks for. Is the order linear in the
#   embedding, or do neighbouring numbers merely have similar vectors?
# - Train the version of the problem, two numbers and their minimum: change `hookpoint/zoo/recipes/max.py`; seconds
#   each. Do five seeds agree on the shape of the curve?
# - A null: scores dealt wrongly between *neighbours* only, by at most two places. How much order does the model need?
