# %% [markdown]
# # 3.27 When is direct logit attribution reliable?
# Direct logit attribution is exact about what it measures, what a part writes to the logits by itself, and is often
# read as "how much the part matters". The two come apart when a part works through later ones, or when others make up
# for it. You compare it with ablation, head by head, in four trained models, and ask whether something tells you
# beforehand when to trust it. Four small models are few; the compiled ones of the zoo, where the truth is known, are
# the next step.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.attribution import dla_heads, logit_diff
from hookpoint.interp.hooks import mean_ablate
from hookpoint.interp.induction import repeated_tokens
from hookpoint.zoo import stories
from hookpoint.zoo.data.dyck import BALANCED, BROKEN, bracket_sequences
from hookpoint.zoo.data.lists import SORT_LENGTH, SORT_NUMBERS, sort_lists

N = 300


def tasks(seed):
    """For each model: tokens that end where the answer is due, the right answers, wrong ones."""
    generator = torch.Generator().manual_seed(seed)
    pairs = stories.make_pairs(N, seed)
    halves = repeated_tokens(N, 16, 64, seed, bos=0)[:, :-4]  # stops inside the second half
    following = halves[:, halves.shape[1] - 16]
    lists = sort_lists(N, generator, "held_out")
    ranked = lists[:, SORT_LENGTH + 1 :]
    words, verdicts = bracket_sequences(N, generator, "held_out")
    return {
        "stories": (pairs["clean"], pairs["answer"], pairs["wrong"]),
        "induction": (halves, following, 1 + torch.randint(63, (N,), generator=generator)),
        "sort_list": (
            lists[:, : SORT_LENGTH + 3],
            ranked[:, 2],
            torch.randint(SORT_NUMBERS, (N,), generator=generator),
        ),
        "brackets": (words, verdicts, BALANCED + BROKEN - verdicts),
    }


questions, reference = tasks(seed=0), tasks(seed=1)

# %% [markdown]
# **Write your prediction here before you run the next cell.** In which of the four models will the ranking of heads by
# attribution agree best with the ranking by ablation, and in which worst? Think of which heads only prepare.


# %%
@torch.no_grad()
def compared(name):
    """For every head of a model: what it writes directly, and how much the logit difference falls without it."""
    model, (tokens, answer, wrong) = zoo.load(name), questions[name]
    logits, cache = model.run_with_cache(tokens)
    direct = dla_heads(model, cache, answer, wrong).mean(dim=-1)
    # Only what it writes about *this* text is lost by mean ablation, so the mean is taken off here as well.
    _, other = model.run_with_cache(reference[name][0])
    direct = direct - dla_of_mean(model, cache, other, answer, wrong)
    start = logit_diff(logits, answer, wrong)
    lost = torch.zeros_like(direct)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            edit = mean_ablate(model, layer, head, reference[name][0])
            lost[layer, head] = start - logit_diff(model.run_with_hooks(tokens, [edit]), answer, wrong)
    return direct / start, lost / start


def dla_of_mean(model, cache, other, answer, wrong):
    """What each head would write directly if it wrote its mean over other texts."""
    means = {
        name: value.mean(dim=0, keepdim=True).expand_as(cache[name])
        for name, value in other.items()
        if name.endswith("hook_z")
    }
    return dla_heads(model, cache | means, answer, wrong).mean(dim=-1)


found = {name: compared(name) for name in questions}
groups = {name: (direct.flatten(), lost.flatten()) for name, (direct, lost) in found.items()}
pictures.scatter(
    groups,
    lines={"equal": ([-0.5, 1.5], [-0.5, 1.5])},
    xlabel="written directly, share of the logit difference",
    ylabel="lost without the head",
    title="Attribution and ablation, head by head",
)


# %% [markdown]
# Heads on the line matter as much as they write. Above it stand heads that matter more: they work through others. Below
# it stand those that are made up for, or written against.


# %%
def agreement(one, two):
    """Spearman's rank correlation."""
    ranks = torch.stack([each.flatten().argsort().argsort().double() for each in (one, two)])
    return float(torch.corrcoef(ranks)[0, 1])


generator = torch.Generator().manual_seed(0)
rows, labels = [], []
for name, (direct, lost) in found.items():
    last = direct.shape[0] - 1
    shuffled = torch.tensor(
        [agreement(direct.flatten()[torch.randperm(direct.numel(), generator=generator)], lost) for _ in range(500)]
    )
    rows.append(
        [
            agreement(direct, lost),
            float(shuffled.quantile(0.95)),
            float((direct - lost)[last].abs().max()),
            float((direct - lost)[:last].abs().max()),
        ]
    )
    labels.append(f"{name} ({direct.numel()} heads)")
columns = ["rank correlation", "95% of shuffles below", "largest error, last layer", "largest error, before"]
pictures.heatmap(torch.tensor(rows), labels, columns, "How far to trust attribution", limit=1)

# %% [markdown]
# The second column is the control: with few heads even a high correlation can be luck. The last two columns split the
# errors by depth; a head in the last layer has no later attention to work through, only an MLP and the LayerNorm.

# %% [markdown]
# ## Where to go from here
# - Add the compiled circuits (`circuits.task(name)`, `circuits.answer_key(name)`), where you know which heads only
#   prepare, which back up and which write against the answer. Ten models make a table.
# - Predict the error from what can be seen without ablating: layer, size of the later MLP's response, cosine between
#   what the head writes and what later heads read. Fit on half of the models.
# - Repeat with zero and resample ablation. Where they disagree with one another, attribution cannot agree with all.
# - Freeze the final LayerNorm's scale in the ablated run: how much of the error in the last layer goes away?
