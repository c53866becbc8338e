# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about attention heads: what they look at, and what is lost without them.
# You look at `induction`, two layers of attention that learned to repeat, beside a model with one layer and the same
# model before training. It is small: it can show you whether your measure separates heads that do the job from heads
# that do not, and it cannot tell you how common such heads are in large models.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp import induction

models = {
    "trained": zoo.load("induction"),
    "untrained": zoo.load("induction", step=0),
    "one layer": zoo.load("induction_one_layer"),
}
HALF = 20  # tokens in each half of a text [START, half, half]
texts = induction.repeated_tokens(100, HALF, 64, seed=0, bos=0)

# %% [markdown]
# **Write your prediction here before you run the next cell.** Which heads of the trained model will stand out, by which
# of the four scores, and how large will the same score be in the two controls?

# %%
scores = {
    "previous": induction.prev_token_score,
    "itself": induction.current_token_score,
    "first": induction.first_token_score,
    "induction": lambda pattern: induction.induction_score(pattern, HALF),
}
names, table = [], []
for name, model in models.items():
    _, patterns = model.run_with_cache(texts, lambda point: point.endswith("hook_pattern"))
    for layer, pattern in enumerate(patterns.values()):
        names += [f"{name} {layer}.{head}" for head in range(model.cfg.n_heads)]
        table.append(torch.stack([score(pattern) for score in scores.values()], dim=1))
table = torch.cat(table)
pictures.heatmap(table, names, list(scores), "Where each head looks", signed=False, limit=1, high="all attention")

# %% [markdown]
# Each row is a head, each column the share of its attention that goes to one kind of place, on random tokens said
# twice. Heads with a high number in the last column stand in layer 1 of the trained model only. Without training, and
# with one layer, there are none: that is the control for "attention of this kind would be there anyway".
#
# A score says where a head *looks*. The next cell asks what is lost without it.

# %%
with torch.no_grad():
    rise = {name: induction.ablate_and_rank(model, texts, HALF) for name, model in models.items()}
for name, model in models.items():
    first, second = induction.per_token_gain(model, texts, HALF)
    print(f"{name:10} loss on the first half {first:.2f}, on the second {second:.2f} nats")
rows = [f"{name} layer {layer}" for name, each in rise.items() for layer in range(len(each))]
pictures.heatmap(
    torch.cat(list(rise.values())), rows, title="Rise of the loss on the second half, head by head", high="nats"
)

# %% [markdown]
# ## Where to go from here
# - Write the head that your problem is about as a score of its own, and add it as a column. A finding is a head that
#   stands out there and whose ablation costs something; a null is a score that the untrained model reaches too.
# - Repeat the table on other texts (`hookpoint.zoo.data.repeats` has `chain_text` and `mixture`): a head that looks the
#   same there does not serve repeats alone.
# - Ask which earlier head a head needs: `induction.k_composition_check` hides one from its keys, with all others as
#   controls.
# - Follow the scores over the checkpoints, `zoo.open("induction").steps`.
# - Do the same on `zoo.load("stories")`, whose text has grammar, and on GPT-2 if you have its weights (`hookpoint zoo
#   fetch gpt2`).
