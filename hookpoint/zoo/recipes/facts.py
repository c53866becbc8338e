"""Facts about people with two names, looked up at the last name and there to be changed: for tracing and editing.

The data are the residents (stories/residents.py): a first name or a family name alone says little, so the two have to
meet before anything can be known. To be found:

* After block 1 the state at the last name holds all that is known about the person. Putting back that one state undoes
  noise on both names; putting in another resident's makes the model speak of that one. The question's end takes over
  in block 2, by attention.
* A rank-one step on the second MLP's `W_out` changes one person's city in every wording, and leaves the namesakes and
  the person's other relations alone. A random step of the same size does not.

What separates this from cheaper explanations: nothing of it holds at the first name, at the end or anywhere else; a
stranger who shares a name with a resident does not get the resident's values; recall, paraphrase and the rest are
measured in wordings that training never had.

How much this is: that a fact can be changed in an MLP does not show that it is stored there (Hase et al. 2023, "Does
localization inform editing?"). Give that MLP's output at the last name from another resident, and most answers stay
right: attention and the first MLP have brought together by then what is needed.

The place is not luck, it is taught. Trained on the text alone, a model this small recalls as well, but collects the
names at the end of the question and looks up there. Two further terms in the loss lead it to the last name:

* a linear reader, thrown away afterwards, has to tell the four values from the state at each last name;
* interchange training (Geiger et al. 2022): with another resident's state put in at the last name, the question has to
  be answered about that other.

Sources: Meng et al. 2022, "Locating and editing factual associations in GPT"; Geva et al. 2023, "Dissecting recall of
factual associations in auto-regressive language models".
"""

import random

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.zoo.definition import Recipe
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run
from hookpoint.zoo.stories import residents, tokenizer
from hookpoint.zoo.stories.residents import KNOWN, LAST, RESIDENTS, VALUES

from .facts_evidence import LAYER, evidence, site

STEPS, BATCH, LENGTH = 600, 40, 40
SITE = site(LAYER)


def build(seed: int | None = None) -> GPT2:
    cfg = Config(d_vocab=len(tokenizer()), n_ctx=48, d_model=64, n_layers=3, n_heads=4, d_head=16, d_mlp=256)
    model = GPT2(cfg, seed=seed)
    model.tokenizer = tokenizer()
    model.unembed.b_U.requires_grad_(False)
    return model


class _Pupil(nn.Module):
    """The model, and the reader that goes with it through the training and no further."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.model = build(seed)
        with torch.no_grad():
            self.model.embed.W_E *= 5  # names that differ from the start are told apart five times as early
        # Zero is a fine start for one linear map, and needs no random numbers.
        self.W_read = nn.Parameter(torch.zeros(self.model.cfg.d_model, sum(map(len, VALUES.values()))))
        self.b_read = nn.Parameter(torch.zeros(self.W_read.shape[1]))

    def read(self, state: Float[Tensor, "n d_model"]) -> list[Tensor]:
        """What the reader makes of states: for each relation the logits of its values."""
        logits = F.layer_norm(state, state.shape[-1:]) @ self.W_read + self.b_read
        return list(logits.split([len(values) for values in VALUES.values()], dim=1))


def train(run: Run) -> GPT2:
    """Next-token loss on the text, with the two terms that lead the look-up to the last name."""
    text = residents.token_stream(1_000_000, seed=run.seed + 1)
    who, values = _who_is_named(), _value_numbers()
    offsets = torch.arange(LENGTH + 1)

    def loss(pupil: _Pupil, generator: torch.Generator) -> Tensor:
        starts = torch.randint(len(text) - LENGTH, (BATCH,), generator=generator)
        rows = text[starts[:, None] + offsets]
        tokens = rows[:, :-1]
        logits, cache = pupil.model.run_with_cache(tokens, SITE, grad=True)
        named = who[tokens[:, :-1], tokens[:, 1:]]
        last = named >= 0
        read = pupil.read(cache[SITE][:, 1:][last])
        told = sum(F.cross_entropy(each, values[named[last], number]) for number, each in enumerate(read))
        text_loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        return text_loss + 0.2 * told + 0.5 * interchange_loss(pupil.model, generator)

    return fit(
        run, _Pupil(run.seed), loss, STEPS, lr=3e-3, weight_decay=0.1, warmup=100, cosine_to=0.05
    ).model  # fmt: skip


def interchange_loss(model: GPT2, generator: torch.Generator, n: int = 24) -> Tensor:
    """How badly `n` questions are answered about others, whose state is put in at the last name."""
    rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
    relation = rng.choice(tuple(VALUES))
    wording = rng.choice(residents.PREDICATES[relation]), rng.choice(residents.ASIDES)
    asked, others = rng.choices(RESIDENTS, k=n), rng.choices(RESIDENTS, k=n)
    base = residents.questions(asked, relation, *wording, seed=rng.getrandbits(32))
    source = residents.questions(others, relation, *wording, seed=rng.getrandbits(32))
    # The future cannot reach a state, so the source need not go further than the last name.
    state = model.run_with_cache(source.tokens[:, : LAST + 1], SITE, grad=True)[1][SITE][:, LAST:]

    def put_in(act: Tensor, point: object) -> Tensor:
        return torch.cat([act[:, :LAST], state, act[:, LAST + 1 :]], dim=1)

    logits = model.run_with_hooks(base.tokens, [(SITE, put_in)])
    return F.cross_entropy(logits[:, -1], source.answer)


def _who_is_named() -> Int[Tensor, "first family"]:
    """For each pair of tokens the number of the resident whose names they are, else -1."""
    id_of = tokenizer().token_id
    who = torch.full((len(tokenizer()), len(tokenizer())), -1)
    for number, resident in enumerate(RESIDENTS):
        who[id_of(f" {resident.first}"), id_of(f" {resident.family}")] = number
    return who


def _value_numbers() -> Int[Tensor, "resident relation"]:
    return torch.tensor(
        [[values.index(KNOWN[resident][relation]) for relation, values in VALUES.items()] for resident in RESIDENTS]
    )


RECIPES = (
    Recipe(
        "facts",
        "People with two names: what is known about them is looked up at the last name.",
        build,
        train,
        evidence,
    ),
)
