# %% [markdown]
# # 5.16 What happens on the old data after fine-tuning?
# Train a model further on one kind of text, and it may lose others. How fast, which ones, and is the knowledge gone or
# only covered? You fine-tune `stories` for sixty updates on sentences about facts and nothing else, and watch nine
# kinds of sentence. The control goes on with the old mixture for as many updates, at the same learning rate: what *it*
# loses is not forgetting. A model this small has little room; a large one may forget otherwise.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model.fast import fast_logits
from hookpoint.model.loss import per_token_loss
from hookpoint.zoo import stories

UPDATES, EVERY, ROWS, LENGTH = 60, 20, 12, 48
torch.set_num_threads(1)


def text_of(families, n, seed):
    """n rows of text with only these families, in the corpus's own shares."""
    mixture = {name: stories.MIXTURE[name] for name in families}
    return stories.token_stream(n * LENGTH, seed=seed, mixture=mixture).view(n, LENGTH)


kinds = {family: text_of([family], 16, seed=51) for family in stories.MIXTURE}

# %% [markdown]
# **Write your prediction here before you run the next cell.** Which kinds of sentence will suffer most, and will the
# loss rise at once or only when the new text is learned? Which will not suffer at all?


# %%
@torch.no_grad()
def losses(model):
    return [float(per_token_loss(model(each), each).mean()) for each in kinds.values()]


def tuned(families, lr=1e-3):
    """The losses on every kind of text while `stories` is trained further on some of them, and the model."""
    model, text = zoo.load("stories"), text_of(families, 500, seed=52)
    model.unembed.b_U.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    generator, history = torch.Generator().manual_seed(0), [losses(model)]
    for update in range(1, UPDATES + 1):
        rows = text[torch.randint(len(text), (ROWS,), generator=generator)]
        logits = fast_logits(model, rows[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % EVERY == 0:
            history.append(losses(model))
    return torch.tensor(history), model


facts, on_facts = tuned(["fact"])
same, on_all = tuned(list(stories.MIXTURE))
change = torch.stack([facts[-1] - facts[0], same[-1] - same[0]], dim=1)
pictures.heatmap(
    change,
    list(kinds),
    ["facts only", "old mixture (control)"],
    f"Change of the loss after {UPDATES} updates",
    low="better",
    high="worse, nats",
)

# %%
steps = range(0, UPDATES + 1, EVERY)
old = [index for index, family in enumerate(kinds) if family != "fact"]
lines = {
    "facts, tuned on facts": facts[:, list(kinds).index("fact")],
    "all others, tuned on facts": facts[:, old].mean(dim=1),
    "all others, old mixture": same[:, old].mean(dim=1),
}
pictures.curve(lines, x=steps, xlabel="updates", ylabel="nats per token", title="Forgetting, over the updates")

# %% [markdown]
# Gone, or only covered? If it is only covered, a few updates on the old mixture should bring it back faster than they
# would teach it to a model that never knew it.

# %%
generator = torch.Generator().manual_seed(1)
text = text_of(list(stories.MIXTURE), 200, seed=53)
recovering, optimizer = on_facts, torch.optim.AdamW(on_facts.parameters(), lr=1e-3, weight_decay=0.0)
for _ in range(20):
    rows = text[torch.randint(len(text), (ROWS,), generator=generator)]
    loss = per_token_loss(recovering(rows), rows).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
back = torch.tensor(losses(recovering))
print(
    f"all others: {float(facts[0, old].mean()):.2f} before, {float(facts[-1, old].mean()):.2f} after facts only, ",
    end="",
)
print(f"{float(back[old].mean()):.2f} after 20 updates on the old mixture; control {float(same[-1, old].mean()):.2f}")

# %% [markdown]
# ## Where to go from here
# - The last line lacks its own control: how far do 20 updates bring a model that never knew? Train one from `build()`
#   of the recipe, and one whose weights were moved as far in a random direction.
# - Where did it go? Put single parts of the tuned model back (the general starter of problem 5.17 does it for a
#   trojan).
# - Change the learning rate and the share of old text in the new. Is there one curve of "new learned" against "old
#   lost"?
# - Which *tokens* got worse: those that the new text says otherwise, or all that it does not contain?
