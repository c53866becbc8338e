"""A fact-checker: it says of statements whether they are true, and before it says so, truth is a direction.

The data are plain facts about the citizens of the stories and judged statements, half of them true
(stories/verdicts.py). To be found, at the last word before the verdict:

* a linear probe tells true from false statements about people that it was not fitted on;
* CCS, which has no labels, finds the same from every start (Burns et al. 2022, "Discovering latent knowledge in
  language models without supervision").

How much this is: of the citizens whom training never judged the model knows the facts as well, and yet its verdicts on
them, the probe and CCS are near chance. So the direction is that of "this was called true", learned by heart: the model
does not compare a statement with what it knows. After the verdict, where nobody needs the truth any more, CCS finds
nothing; and true and false are equally frequent everywhere, so that there is nothing to win by guessing.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.definition import Recipe
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run
from hookpoint.zoo.stories import tokenizer, verdicts

from .factcheck_evidence import evidence

STEPS, BATCH = 1200, 128
JUDGED_SHARE = 0.6


def build(seed: int | None = None) -> GPT2:
    cfg = Config(d_vocab=len(tokenizer()), n_ctx=16, d_model=64, n_layers=2, n_heads=4, d_head=16, d_mlp=256)
    model = GPT2(cfg, seed=seed)
    model.tokenizer = tokenizer()
    model.unembed.b_U.requires_grad_(False)
    return model


def train(run: Run) -> GPT2:
    """Next-token loss, with a second helping for the verdicts: one word in thirteen would be too quiet a teacher."""
    model = build(run.seed)
    with torch.no_grad():
        model.embed.W_E *= 10  # what is learned by heart has to be told apart from the start
    text = verdicts.rows(40_000, seed=run.seed + 1, share=JUDGED_SHARE)
    end = text[0, 0]
    is_verdict = torch.zeros(len(tokenizer()), dtype=torch.bool)
    is_verdict[[tokenizer().token_id(each) for each in (" true", " false")]] = True

    def loss(model: GPT2, generator: torch.Generator) -> Tensor:
        rows = text[torch.randint(len(text), (BATCH,), generator=generator)]
        tokens, target = rows[:, :-1], rows[:, 1:]
        each = F.cross_entropy(fast_logits(model, tokens).flatten(0, 1), target.flatten(), reduction="none")
        target = target.flatten()
        return each[target != end].mean() + each[is_verdict[target]].mean()

    return fit(run, model, loss, STEPS, lr=2e-3, weight_decay=0.1, warmup=50, cosine_to=0.05)


RECIPES = (
    Recipe("factcheck", "Verdicts on statements: truth as a direction that needs no labels.", build, train, evidence),
)
