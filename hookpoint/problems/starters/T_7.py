# %% [markdown]
# # T.7 Does locating help editing?
# Causal tracing says where a fact is looked up; editing changes it there. It sounds obvious that the one should guide
# the other. In large models it did not: the layer where tracing points and the layer where an edit works best are
# hardly related (Hase et al. 2023). You ask it of a model small enough to trace and edit everything.
#
# `facts` knows city, job, pet and colour of 96 people with two names each, and was *trained* so that facts are looked
# up at the last name, after its second block. Known: an edit of the second block's MLP changes a city in any wording
# and leaves namesakes alone. Not known: whether facts that tracing sees more clearly are easier to edit, and whether
# other layers would have done as well. Three layers are few: the comparison over facts says more than that over
# layers.

# %%
import random

import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes.facts_editing import edits
from hookpoint.zoo.recipes.facts_evidence import outcome, site
from hookpoint.zoo.stories import residents, tokenizer
from hookpoint.zoo.stories.residents import FIRST, KNOWN, LAST, RESIDENTS

model = zoo.load("facts")
LAYERS = range(model.cfg.n_layers)
rng = random.Random(5)
subjects = rng.sample(RESIDENTS, 16)
targets = [rng.choice([city for city in residents.VALUES["city"] if city != KNOWN[one]["city"]]) for one in subjects]
question = residents.questions(subjects, "city", residents.PREDICATES_HELD_OUT["city"][0])
print(tokenizer().decode(question.tokens[0, 1:].tolist()), "...", tokenizer().decode([question.answer[0].item()]))

# %% [markdown]
# **Write your prediction here before you run the next cell.** Tracing: noise on both names, and one clean state put
# back at the last name. Editing: one rank-one step on one MLP. In which of the three layers does each work best? And
# over the sixteen people: does it go together?


# %%
def probability(logits):
    return logits[:, -1].softmax(dim=-1).gather(1, question.answer[:, None])[:, 0]


@torch.no_grad()
def traced(position):
    """For every person and layer the share of the answer's lost probability that one clean state brings back."""
    names = [site(layer) for layer in LAYERS]
    logits, clean = model.run_with_cache(question.tokens, names)
    words = model.embed.W_E[question.tokens[:, [FIRST, LAST]]]
    shares = torch.zeros(len(subjects), len(LAYERS))
    for seed in range(5):
        noise = 3 * words.std() * torch.randn(words.shape, generator=torch.Generator().manual_seed(seed))

        def disturb(act, point, noise=noise):
            act[:, [FIRST, LAST]] += noise

        def put_back(act, point):
            act[:, position] = clean[point.name][:, position]

        noisy = probability(model.run_with_hooks(question.tokens, [("hook_embed", disturb)]))
        for layer, name in enumerate(names):
            back = probability(model.run_with_hooks(question.tokens, [("hook_embed", disturb), (name, put_back)]))
            shares[:, layer] += ((back - noisy) / (probability(logits) - noisy).clamp(min=0.05)) / 5
    return shares.clamp(-1, 1)


def edited(layer, step=lambda edit, number: edit):
    """For every person what an edit at a layer did: new value, in new wordings, namesakes kept, other facts kept."""
    made = edits(model, subjects, "city", targets, layer)
    rows = zip(made, subjects, targets, strict=True)
    return torch.tensor([outcome(model, step(edit, i), one, "city", city) for i, (edit, one, city) in enumerate(rows)])


trace, elsewhere = traced(LAST), traced(FIRST)
outcomes = torch.stack([edited(layer) for layer in LAYERS], dim=1)  # person layer measure
at_random = edited(1, lambda edit, number: edit.random(number)).mean(dim=0)
summary = torch.cat([trace.mean(0)[:, None], elsewhere.mean(0)[:, None], outcomes.mean(dim=0)], dim=1)
COLUMNS = ["traced, last name", "traced, first name", "efficacy", "paraphrase", "namesakes kept", "other facts kept"]
control = torch.cat([torch.full((2,), torch.nan), at_random])
rows = [*(f"layer {layer}" for layer in LAYERS), "random step, layer 1 (control)"]
pictures.heatmap(
    torch.cat([summary, control[None]]), rows=rows, columns=COLUMNS, title="Tracing and editing, 16 people"
)

# %% [markdown]
# A random step of the same size is the control for editing, the first name for tracing. An edit that works *and*
# keeps the rest has high numbers in all of the last four columns. The random step hardly ever brings the new value,
# and breaks much of the rest: what the edits spare is not spared because they are small. Layer 2 comes too late for
# both: by then the answer has left the last name.
#
# **Person by person.** An edit's grade is the harmonic mean of paraphrase, namesakes and other facts (one bad number
# makes it bad). Does the tracing of a person's fact in a layer foretell the grade of the edit there?

# %%
grade = 3 / (1 / outcomes[:, :, 1:].clamp(min=0.01)).sum(dim=2)
generator = torch.Generator().manual_seed(0)
for layer in LAYERS:
    pair = torch.stack([trace[:, layer], grade[:, layer]]).double()
    print(f"layer {layer}: mean grade {grade[:, layer].mean():.2f}", end=", ")
    if pair.std(dim=1).min() < 1e-6:
        print("the same for all: there is no correlation to speak of")
        continue
    mixed = [pair[1][torch.randperm(len(subjects), generator=generator)] for _ in range(1000)]
    chance = torch.stack([torch.corrcoef(torch.stack([pair[0], each]))[0, 1] for each in mixed])
    low, high = chance.quantile(torch.tensor([0.025, 0.975]).double()).tolist()
    real = torch.corrcoef(pair)[0, 1]
    print(f"correlation {real:+.2f} (people shuffled: 95% between {low:+.2f} and {high:+.2f})")
pictures.scatter(
    {f"layer {layer}": (trace[:, layer], grade[:, layer]) for layer in LAYERS},
    xlabel="probability brought back by the last name's state",
    ylabel="grade of the edit in that layer",
    title="One point for each person and layer",
)

# %% [markdown]
# A correlation within the shuffles' interval is no evidence of any: sixteen people cannot show a weak relation. Two
# questions hide in one picture. *Between* layers the points may be ordered although *within* each layer they are not,
# and the guide that editing needs is the one within.

# %% [markdown]
# ## Where to go from here
# 1. Take all 96 people and all four relations, and report the correlation within layers with its interval. How large
#    a relation can you now exclude?
# 2. Trace the MLP's output instead of the stream. That is what is edited; does it guide better?
# 3. The model was trained to look up at the last name. Train one without the two extra loss terms
#    (`hookpoint/zoo/recipes/facts.py`, a minute): where does tracing point, and where do edits work?
# 4. Give the edit the choice: make it in the layer where tracing is highest *for that person*, and compare with
#    always using the best layer on average. The gain is what locating is worth.
# 5. Edit the first MLP and look at why it fails or not: which namesakes change, and what do they share?
#
# A finding: a locating measure that picks each person's layer better than the fixed best layer, on people it was not
# tuned on. A null that counts: with 384 facts, the interval of the correlation within layers lies inside 0.1.
