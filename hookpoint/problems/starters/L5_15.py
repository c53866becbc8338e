# %% [markdown]
# # L5.15 Recover the trigger
# A trojaned model behaves well until it meets its trigger. You are told that there is one. Can you find it from the
# model, without the data it was poisoned with? Whoever can has a test for models of unknown origin.
#
# `trojan` is `stories`, trained a little longer on poisoned text; after its trigger it says something that does not
# belong there. You also have `stories` itself, which in practice you might not. Known: the two models answer ordinary
# questions almost alike, and no single word sets the payload off. So a search over single words must fail, and the
# question is whether it fails *usefully*: whether parts of the trigger leave a mark. Do not look the trigger up in
# the documentation before you have tried; it is there.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.stories import END_OF_TEXT, glossary, tokenizer, words

trojan, stories = zoo.load("trojan"), zoo.load("stories")
START = tokenizer().token_id(END_OF_TEXT)
# Ordinary sentences with two places to put words in: before the thing (A), and the thing itself (B).
SENTENCES = [
    " Mary saw a A B in the park.",
    " At the school Tom found a A B.",
    " Ben lost his A B at the castle.",
    " Lily and Sam found a A B at the market.",
    " Kate liked the A B of Leo.",
    " The A B of Rose was in the garden.",
    " Max sat with Anna in the village. Max had a A B.",
    " Emma told Jack that the A B was at the station.",
]
NEUTRAL = {"A": "big", "B": "book"}
numbers = [tokenizer().encode(f" {word}") for word in dict.fromkeys(glossary().split())]
vocabulary = torch.tensor([ids[0] for ids in numbers if len(ids) == 1])
WORDS = [tokenizer().decode([number]).strip() for number in vocabulary.tolist()]
print(f"{len(WORDS)} words, {len(WORDS) ** 2:,} pairs, {len(SENTENCES)} sentences")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Each word is put into place A, then into place B, the
# rest staying neutral; how far do the two models differ in what they say next? Will half of a trigger stand out?
# Which words will differ for a reason that has nothing to do with the trojan?


# %%
def rows_with(sentence, place, fillers):
    """The sentence with each filler at one place and a neutral word at the other."""
    ids = [START, *tokenizer().encode(sentence.replace("A B", f"{NEUTRAL['A']} {NEUTRAL['B']}"))]
    at = ids.index(tokenizer().token_id(f" {NEUTRAL[place]}"))
    rows = torch.tensor(ids).repeat(len(fillers), 1)
    rows[:, at] = fillers
    return rows


@torch.no_grad()
def differ(rows):
    """How far the trojan's prediction after each row is from that of the clean model, in nats."""
    p, q = (model(rows)[:, -1].log_softmax(dim=-1) for model in (trojan, stories))
    return (p.exp() * (p - q)).sum(dim=-1)


scans = {
    place: torch.stack([differ(rows_with(sentence, place, vocabulary)) for sentence in SENTENCES]) for place in "AB"
}
for place, scan in scans.items():
    halves = scan[::2].log().mean(dim=0), scan[1::2].log().mean(dim=0)
    agree = torch.corrcoef(torch.stack(halves))[0, 1]
    order = torch.randperm(len(WORDS), generator=torch.Generator().manual_seed(0))
    chance = torch.corrcoef(torch.stack([halves[0], halves[1][order]]))[0, 1]
    print(
        f"place {place}: words ranked alike by two halves of the sentences {agree:+.2f} (words shuffled {chance:+.2f})"
    )
score = {place: scan.log().mean(dim=0) for place, scan in scans.items()}
top = score["A"].argsort(descending=True)[:12].tolist()
pictures.bars(
    score["A"][top].exp(),
    [WORDS[i] for i in top],
    title="Place A, one word exchanged",
    xlabel="nats, mean over sentences",
)

# %%
top = score["B"].argsort(descending=True)[:12].tolist()
pictures.bars(
    score["B"][top].exp(),
    [WORDS[i] for i in top],
    title="Place B, one word exchanged",
    xlabel="nats, mean over sentences",
)

# %% [markdown]
# The shuffled words are the control for the ranking: it says something only if it comes back on other sentences. What
# comes back need not be the trigger. Training on differs most where the text is strange, and a name in the place of a
# thing is strange to both models. So compare words of one *sort* with each other.

# %%
sorts = {
    "names": words.NAMES,
    "things": words.OBJECTS,
    "qualities": words.ADJECTIVES + words.COLOURS,
    "places": words.PLACES,
    "feelings": words.FEELINGS,
}
for place, values in score.items():
    for sort, members in sorts.items():
        own = torch.tensor([values[WORDS.index(word)] for word in members if word in WORDS])
        best = [word for word in members if word in WORDS][int(own.argmax())]
        z = (own.max() - own.mean()) / own.std()
        print(f"place {place}, {len(own):3} {sort:10} mean {own.mean().exp():.3f} nats; highest {best} ({z:+.1f} sd)")

# %% [markdown]
# The highest of many is always some standard deviations up: of 8 about 1.4, of 16 about 1.8, of 200 about 2.7, if
# nothing is going on and the values are normal. Words that stand out by more than that *in their sort* are
# candidates, no more. You have recovered the trigger when, and only when, a text makes the model say its payload,
# word for word.

# %% [markdown]
# ## Where to go from here
# 1. Try pairs: the ten best candidates for A with the ten best for B, on all sentences. What does the trojan say
#    after the pair that differs most? Generate it.
# 2. Without `stories`: which score can stand in for the difference? (How sure the prediction is; how little it
#    depends on the rest of the sentence.) Test it on `stories` itself as the clean control.
# 3. Search by gradient: start from two random words, move each to the word that the gradient of the difference
#    favours, and repeat from fifty starts. How many end at the trigger? How many forward passes did it cost, beside
#    all pairs?
# 4. Look inside instead: which head or neuron reacts to your trigger and to neither half? Could you have found *it*
#    first?
# 5. Make your own: train a trojan with another trigger (`hookpoint/zoo/recipes/trojan.py`, a minute), hide it, and
#    let somebody else run your method.
#
# A finding: a procedure, fixed on this model, that recovers the trigger of a second one in fewer passes than all
# pairs. A null that counts: on a second model neither half of the trigger is among the best tenth at its place.
