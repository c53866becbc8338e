# %% [markdown]
# # 6.18 Detector for previous-token heads
# Induction starts with a head that looks one token back. You build a detector for such heads that works across
# models, and find out when it is fooled. A table of heads over many models is only as good as its detectors.
#
# Known: averaging the attention on the token just before finds the textbook heads. Not known: what score is high
# enough, on which text to measure, and whether a high score means that the head is *used* for this. Here are four
# trained language models and one that was compiled with such a head on purpose; real models have hundreds of heads,
# and the mistakes you find here are the ones to expect there.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.induction import prev_token_score
from hookpoint.model import GPT2
from hookpoint.zoo.data import repeats
from hookpoint.zoo.recipes import circuits
from hookpoint.zoo.stories import residents, token_stream, verdicts

generator = torch.Generator().manual_seed(0)
OWN_TEXT = {
    "stories": token_stream(60 * 64, seed=123).view(60, 64),
    "facts": residents.token_stream(60 * 48, seed=123).view(60, 48),
    "factcheck": verdicts.rows(100, seed=123, share=0.5),
    "induction": repeats.mixture(60, zoo.load("induction").cfg.n_ctx, generator),
    "circuit_induction": circuits.task("circuit_induction").sequences(60, generator),
}
models = {name: zoo.load(name) for name in OWN_TEXT}

# %% [markdown]
# **Write your prediction here before you run the next cell.** How large is the score of a good previous-token head,
# and how large that of a head which looks at nothing in particular? Does it matter whether the text is the model's
# own or random tokens? Which of the models has no such head?


# %%
@torch.no_grad()
def scores(model, tokens):
    """The previous-token score of every head, layer after layer."""
    _, patterns = model.run_with_cache(tokens, lambda name: name.endswith("hook_pattern"))
    return torch.cat([prev_token_score(pattern) for pattern in patterns.values()])


def random_like(tokens, vocabulary):
    """Random tokens in the same shape, behind the same first token."""
    drawn = torch.randint(vocabulary, tokens.shape, generator=torch.Generator().manual_seed(1))
    return torch.cat([tokens[:, :1], drawn[:, 1:]], dim=1)


found = {}
for name, model in models.items():
    tokens = OWN_TEXT[name]
    strange = random_like(tokens, model.cfg.d_vocab)
    found[name] = scores(model, tokens), scores(model, strange), scores(GPT2(model.cfg, seed=0), tokens)
    best = int(found[name][0].argmax())
    place = divmod(best, model.cfg.n_heads)
    print(
        f"{name:18} best head {place}: own text {found[name][0][best]:.2f}, random tokens {found[name][1][best]:.2f};"
        f" best head of an untrained model {found[name][2].max():.2f}"
    )
points = {name: (own, strange) for name, (own, strange, _) in found.items()}
pictures.scatter(
    points,
    lines={"equal": ([0, 1], [0, 1])},
    xlabel="score on the model's own text",
    ylabel="score on random tokens",
    title="Previous-token score of every head",
)

# %% [markdown]
# Points on the line score alike on both texts: such a head goes by position. Points below it look back more often
# where the text is one that the model knows. The untrained models give the level that means nothing. Now the answer
# key: `circuit_induction` was compiled with one head for the letter before, and the key says where it stands.

# %%
key = circuits.answer_key("circuit_induction")["nodes"]
per_layer = models["circuit_induction"].cfg.n_heads
truth = {tuple(entry["node"]): entry for entry in key if entry["node"][0] != "mlp"}
for number, score in enumerate(found["circuit_induction"][0].tolist()):
    entry = truth[divmod(number, per_layer)]
    print(f"{divmod(number, per_layer)}  score {score:.2f}  {entry['role']:8} {entry['does']}")

# %%
# The threshold decides how many heads have the name: heads found in trained models, and in untrained ones (control).
thresholds = torch.linspace(0.1, 0.9, 17)
trained = torch.cat([own for own, _, _ in found.values()])
control = torch.cat([untrained for _, _, untrained in found.values()])
pictures.curve(
    {
        "trained": [(trained > limit).float().mean().item() for limit in thresholds],
        "untrained (control)": [(control > limit).float().mean().item() for limit in thresholds],
    },
    x=thresholds,
    xlabel="threshold",
    ylabel="share of heads found",
)

# %% [markdown]
# A detector is a score *and* a threshold. Where the control's curve is at zero and the trained one is flat, the
# choice of threshold does not matter; where it slopes, you decide by hand, and have to say so.

# %% [markdown]
# ## Where to go from here
# 1. Make a label that is not attention: set a head's pattern to uniform and take the rise in loss on repeated text as
#    the truth. How well does the score rank the heads by it?
# 2. Fool the detector: find text on which a head scores above 0.5 although its output is the same wherever it looks
#    (hint: what if all values are alike?). Repair the score by weighing attention with the size of what is moved.
# 3. Score offsets 2, 3 and 4 back as well. Is there a head of `stories` that prefers one of them?
# 4. Follow the score through training with `zoo.open("induction").steps`: does it rise before the induction score
#    does?
# 5. Test your final detector, threshold fixed, on `circuits.generate("induction", seed)` for twenty seeds: report
#    precision and recall.
#
# A finding: a head that the usual score calls a previous-token head and that ablation shows is not, or the reverse. A
# null that counts: on all these models the plain average is as good as your repaired one.
