# %% [markdown]
# # 2.11 Choosing he, she, it or they
# "Anna told Ben that ..." goes on with *she*, "Anna asked Ben if ..." with *he*: to choose the pronoun a model has to
# find out who is meant, and what that person is called. You look for the place where the choice is made, in `stories`,
# which gets most such sentences right for names that it never saw in them. Its people are he or she by their names
# alone, and there is no *it* or *they*. So you can learn how a binding is carried from a name to the end; which cues
# GPT-2 uses is open.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.patching import patch_resid
from hookpoint.zoo import stories

model, tokenizer = zoo.load("stories"), stories.tokenizer()
generator = torch.Generator().manual_seed(0)
templates = {"told": "the first", "asked": "the second"}  # who is meant


def prompts(template, same):
    """Prompts of one template with two people of one gender (`same`) or of different ones, in new sentences."""
    asked = stories.prompts("pronoun", 600, generator, "new_names", template=f"pronoun/{template}")
    people = [(passage.span("hero").word, passage.span("other").word) for passage in asked.passages]
    alike = torch.tensor([stories.is_male(one) == stories.is_male(two) for one, two in people])
    keep = alike if same else ~alike
    return (
        asked.tokens[keep],
        asked.answer[keep],
        asked.wrong[keep],
        asked.positions["hero"][0],
        asked.positions["other"][0],
    )


tokens, *_ = prompts("told", same=False)
print(tokenizer.decode(tokens[0].tolist()), "| n =", len(tokens))

# %% [markdown]
# **Write your prediction here before you run the next cell.** In which of the two sentences, and with which pairs of
# people, will the model be right less often? If it only went by the last name, or the first one, what would you see?


# %%
@torch.no_grad()
def right(tokens, answer, wrong):
    end = model(tokens)[:, -1]
    return float((end.gather(1, answer[:, None]) > end.gather(1, wrong[:, None])).float().mean())


rows = [[right(*prompts(template, same)[:3]) for same in (True, False)] for template in templates]
rows += [[1.0, 0.0], [1.0, 1.0]]  # what two cheap rules would score on "told": the last name, the first name
labels = [f"{template}: {who} is meant" for template, who in templates.items()]
pictures.heatmap(
    torch.tensor(rows),
    [*labels, "rule 'last name' on told", "rule 'first name' on told"],
    ["one gender", "two genders"],
    "Right pronouns",
    signed=False,
    limit=1,
)

# %% [markdown]
# People of one gender are the control: there any name gives the answer. Only the second column needs to know who is
# meant.
#
# Where is the choice? Exchange the person who is meant for somebody of the other gender, and put states of the original
# sentence back, one place and layer at a time. The control exchanges the *other* person instead: nothing should depend
# on them.


# %%
def exchanged(tokens, place):
    """The same sentences with another person of the other gender at one place."""
    other = tokens.clone()
    names = [name for name in stories.NAMES[48:]]
    ids = {
        male: torch.tensor([tokenizer.token_id(f" {name}") for name in names if stories.is_male(name) == male])
        for male in (True, False)
    }
    for row, token in enumerate(tokens[:, place].tolist()):
        pool = ids[not stories.is_male(tokenizer.decode([token]).strip())]
        other[row, place] = pool[torch.randint(len(pool), (1,), generator=generator)]
    return other


def restored(template, swap):
    """How much of the right pronoun's lead each state brings back, [layer, pos]; the lead before and after; a row."""
    tokens, answer, wrong, hero, other = prompts(template, same=False)
    meant, unmeant = (hero, other) if template == "told" else (other, hero)
    corrupt = exchanged(tokens, int(meant if swap == "meant" else unmeant))

    def lead(logits):
        end = logits[:, -1]
        return (end.gather(1, answer[:, None]) - end.gather(1, wrong[:, None])).mean()

    with torch.no_grad():
        clean_logits, cache = model.run_with_cache(tokens)
        start, clean = lead(model(corrupt)), lead(clean_logits)
        return patch_resid(model, corrupt, cache, lead) - start, float(clean), float(start), tokens[0]


tables, names = [], []
for template in templates:
    table, clean, start, tokens = restored(template, "meant")
    print(f"{template}: lead {clean:+.1f} logits, {start:+.1f} when the person meant is exchanged, ", end="")
    print(f"{restored(template, 'unmeant')[2]:+.1f} when the other one is (control)")
    tables.append(table / (clean - start))
    names.append([tokenizer.decode([token]) for token in tokens.tolist()])
words = [f"{place} {word}" for place, word in enumerate(names[0])]
pictures.heatmap(
    tables[0], [f"before layer {layer}" for layer in range(3)], words, "told: what brings the pronoun back", limit=1
)

# %%
words = [f"{place} {word}" for place, word in enumerate(names[1])]
pictures.heatmap(
    tables[1], [f"before layer {layer}" for layer in range(3)], words, "asked: what brings the pronoun back", limit=1
)

# %% [markdown]
# Before layer 0 only the name itself can bring it back, by construction. What you look for is the layer at which the
# last position takes over, and whether anything between does.

# %% [markdown]
# ## Where to go from here
# - Find the heads that carry it: `patching.patch_by_position` for the layer in which the last position takes over. Do
#   "told" and "asked" use the same head, steered by the verb, or two?
# - What is carried, the gender or the name? Exchange the person for another one of the *same* gender and see what
#   changes.
# - Break it: a third person between, or the sentence opened by "One day". A finding is a case that fails with a reason.
# - Ask `stories_few_names` the same. Same skill, same place?
# - On GPT-2 (`hookpoint zoo fetch gpt2`), take names whose gender it completes surely, and the same two sentences.
