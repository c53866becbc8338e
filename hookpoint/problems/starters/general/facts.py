# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about stored facts: where one is looked up, and what can be changed
# there. You look at `facts`, a model of 96 invented people with two names each, of whom only both names together say
# who is meant. The place of the look-up was *taught* to this model by two further terms in its loss. So it can tell you
# whether a method finds a place that is known to be there; that a large model has such a place is a question of its
# own.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes import facts_evidence
from hookpoint.zoo.stories import residents, tokenizer

model = zoo.load("facts")
relation = "city"
predicate, aside = residents.PREDICATES_HELD_OUT[relation][0], residents.ASIDES_HELD_OUT[0]  # a wording training lacks
questions = residents.questions(residents.RESIDENTS, relation, predicate, aside)
words = [tokenizer().decode([token]) for token in questions.tokens[0].tolist()]
right = (facts_evidence.said(model, questions.tokens) == questions.answer).float().mean()
print("".join(words), f"-> right for {right:.0%} of {len(questions.tokens)} people")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Noise on both names destroys the answer. Putting back one
# clean state, at one word after one layer, may bring it back. Where will it, and how much?

# %%
shares = facts_evidence.restored(model, questions, seeds=(0, 1, 2))
places = [f"{place} {word}" for place, word in enumerate(words)]
pictures.heatmap(
    shares,
    [f"after layer {layer}" for layer in range(len(shares))],
    places,
    "Share of the answer's probability that comes back",
    limit=1,
)

# %% [markdown]
# Every cell is the control for every other: a place where nothing comes back does not hold the fact by itself at that
# depth. Noise is one corruption among many, though, so the next cell asks in another way: give the model another
# person's state at one place, and see whether it answers about that person.

# %%
sites = {"first name": residents.FIRST, "last name": residents.LAST, "end of the question": len(words) - 1}
followed = torch.tensor(
    [
        [facts_evidence.exchanged(model, questions, layer, place) for place in sites.values()]
        for layer in range(len(shares))
    ]
)
pictures.heatmap(
    followed,
    [f"after layer {layer}" for layer in range(len(shares))],
    list(sites),
    "Answers that follow the other person's state",
    signed=False,
    limit=1,
)

# %% [markdown]
# ## Where to go from here
# - Repeat both figures for the other relations (`residents.VALUES`) and wordings. A fact that moves with the wording is
#   a finding.
# - Change one: `hookpoint.zoo.recipes.facts_editing.edits` makes a rank-one step, `Edit.random` its control of the same
#   size, and `facts_evidence.outcome` asks about everything that should and should not have changed.
# - Edit at the layer where tracing says "here" and at one where it says "not here". If both work, tracing does not say
#   where to edit.
# - Ask `stories` the same: it knows facts about people with one name (`stories.prompts("fact", ...)`), and nobody
#   taught it a place.
# - Whatever you try, keep as the null: a random step of the same norm, and a stranger who shares one name.
