# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about what can be read off a model's states. You look at `stories`, a
# model of a small English whose every label is known, with a feature that has to travel: whether the *subject* of a
# sentence is singular or plural, read where the verb is about to come, with another noun of the other number often in
# between. Labels of real text are noisier. And a probe shows that something can be read, not that the model reads it.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.probes import causal_check, fit_logistic, probe_accuracy_by_layer
from hookpoint.model import GPT2
from hookpoint.zoo import stories

trained = zoo.load("stories")
models = {"trained": trained, "untrained": GPT2(trained.cfg, seed=0)}
asked = stories.prompts("agreement", 1000, torch.Generator().manual_seed(0), "train")
plural = torch.tensor([passage.facts["number"] == "plural" for passage in asked.passages])
subject = asked.tokens[torch.arange(len(asked)), asked.positions["subject"]]
print(asked.passages[0].text, "|", asked.passages[0].facts)

# %% [markdown]
# **Write your prediction here before you run the next cell.** After which layer will the subject's number be readable
# before the verb, for nouns that the probe was not fitted on? How well with shuffled labels, and in a model that was
# never trained?


# %%
def states(model):
    """The stream at the last word, before layer 0 and after each layer, [layer, prompt, d_model]."""
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]
    with torch.no_grad():
        _, cache = model.run_with_cache(asked.tokens, names)
    return torch.stack([cache[name][torch.arange(len(asked)), asked.last] for name in names])


acts = {name: states(model) for name, model in models.items()}
lines = {}
for name, each in acts.items():
    result = probe_accuracy_by_layer(each, plural, subject, seed=0)  # whole nouns are held out
    lines[name], lines[f"{name}, shuffled labels"] = result["accuracy"], result["shuffled"]
pictures.curve(
    lines,
    xlabel="layers before the state that is read",
    ylabel="right on nouns not fitted on",
    title="Number of the subject, read before the verb",
    levels={"a guess": 0.5},
)

# %% [markdown]
# Three controls stand beside the line of the trained model. What the untrained one reaches is in the input and its
# mixing; what shuffled labels reach is what the probe can learn by itself. Only the rest was put there by training.
#
# Does the model use it? Add the probe's direction to the stream and see what happens to the verb; the control is a
# hundred random directions of the same length.

# %%
length = int(asked.last.mode().values)
rows = (asked.last == length).nonzero()[:150, 0]  # of one length, so that the verb comes at the same place
prompts, is_plural = asked.tokens[rows][:, : length + 1], plural[rows]
right, wrong = asked.answer[rows], asked.wrong[rows]
plural_verb, singular_verb = torch.where(is_plural, right, wrong), torch.where(is_plural, wrong, right)


def leaning(logits):
    """By how much the plural form of the verb is preferred, in logits."""
    end = logits[:, -1]
    return (end.gather(1, plural_verb[:, None]) - end.gather(1, singular_verb[:, None])).mean()


effects = []
for layer in range(trained.cfg.n_layers):
    after = acts["trained"][layer + 1]
    w, _ = fit_logistic(after, plural)
    result = causal_check(trained, layer, w, float(after.norm(dim=-1).mean()) / 2, prompts, leaning)
    effects.append(result["effect"])
    print(f"after layer {layer}: {result['effect']:+.2f} logits towards the plural, p = {result['p_value']:.2f}")
labels = [f"after layer {layer}" for layer in range(trained.cfg.n_layers)]
pictures.bars(effects, labels, "What adding the probe's direction does to the verb", "logits towards the plural")

# %% [markdown]
# p is the share of directions, among the hundred random ones and this one, that do as much. Compare with the first
# figure: there is a layer after which the number can be read for most nouns, and pushing along what was read does not
# move the verb more than a random push does.

# %% [markdown]
# ## Where to go from here
# - Put your feature in the place of this one: label every word by a rule, or take labels from `stories.prompts` (names,
#   places, jobs, who gives to whom). Keep out whole words, not rows.
# - Compare the probe with the best single neuron, and with a probe of as many random directions.
# - Probe what was written (`hook_attn_out`, `hook_mlp_out`) instead of the stream: where does the feature come from?
# - A finding needs both figures. Why is the number readable after layer 1 and not to be pushed there? Try the
#   difference of the class means as the direction (`mass_mean_probe`), other lengths, and exchanging states instead.
# - `factcheck` holds truth as a direction, with a case where probes fail: a harder test for the same code.
