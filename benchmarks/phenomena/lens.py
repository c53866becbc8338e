"""Notebook 11: when the name and the fact become readable, who writes the name, and what no lens sees."""

import torch
from torch import Tensor

from hookpoint import zoo
from hookpoint.interp.attribution import dla_heads, logit_diff
from hookpoint.interp.lens import lens_rank, logit_lens
from hookpoint.model import GPT2
from hookpoint.zoo.stories import prompts, residents

SUPPRESSES, WRITES = (0, 2), ((1, 1), (1, 3), (2, 1), (2, 3))


@torch.no_grad()
def rows() -> list[dict]:
    """The findings of the notebook, each with its control."""
    return [*readable(), *written(), *unseen()]


def asked():
    return prompts("ioi", 300, torch.Generator().manual_seed(0), template="ioi/walked")


def readable() -> list[dict]:
    """The rank of the receiver's name by the logit lens, against another text's name and an untrained model."""
    model, questions = zoo.load("stories"), asked()
    target = questions.answer[:, None]
    read = logit_lens(model, model.run_with_cache(questions.tokens)[1])[:, :, -1:]
    untrained = GPT2(model.cfg, seed=0)
    control = logit_lens(untrained, untrained.run_with_cache(questions.tokens)[1])[:, :, -1:]
    ranks, others, chance = lens_rank(read, target), lens_rank(read, target.roll(1, 0)), lens_rank(control, target)
    found = []
    for layer, where in ((2, "before layer 2"), (3, "at the end")):
        told = f"{median(others[layer])} another's name, {median(chance[layer])} untrained"
        found.append(row("stories", f"median rank of the receiver, {where}", f"{median(ranks[layer])}", told))
    top = [f"{(each[3] == 0).double().mean():.2f}" for each in (ranks, others)]
    return [*found, row("stories", "receiver is the lens's first choice at the end", *top)]


def written() -> list[dict]:
    """Direct attribution by head: which name it writes or pushes down."""
    model, questions = zoo.load("stories"), asked()
    logits, cache = model.run_with_cache(questions.tokens)
    others = [questions.answer.roll(by) for by in (1, 2, 3)]
    apart = torch.stack([(one != questions.answer) & (one != questions.wrong) for one in others]).all(0)
    apart &= others[1] != others[2]

    def share(answer: Tensor, wrong: Tensor) -> Tensor:
        return dla_heads(model, cache, answer, wrong)[..., apart].mean(-1)

    receiver, giver = share(questions.answer, others[0]), share(questions.wrong, others[0])
    nobody = share(others[1], others[2])
    lead = float(logit_diff(logits, questions.answer, questions.wrong))
    chance = float(logit_diff(GPT2(model.cfg, seed=0)(questions.tokens), questions.answer, questions.wrong))
    both = [sum(float(table[head]) for head in WRITES) for table in (receiver, giver, nobody)]
    return [
        row("stories", "receiver minus giver, all parts together", f"{lead:.2f} logits", f"{chance:.2f} untrained"),
        row("stories", "L0H2 on the giver", f"{giver[SUPPRESSES]:.2f} logits", f"{receiver[SUPPRESSES]:.2f} receiver"),
        row("stories", "the 4 name movers on the receiver", f"{both[0]:.2f} logits", f"{both[2]:.2f} on bystanders"),
        row("stories", "the 4 name movers on the giver", f"{both[1]:.2f} logits", f"{both[2]:.2f} on bystanders"),
    ]


def unseen() -> list[dict]:
    """A state that decides the answer and that the logit lens cannot read."""
    model, questions = zoo.load("facts"), residents.questions(residents.RESIDENTS, "city", "has a home in")
    _, cache = model.run_with_cache(questions.tokens)
    cities = torch.tensor([model.tokenizer.token_id(f" {city}") for city in residents.VALUES["city"]])
    wanted = (cities == questions.answer[:, None]).long().argmax(-1)
    read = logit_lens(model, cache)[2, :, residents.LAST][:, cities].argmax(-1)
    donor = torch.arange(len(wanted)).roll(1)
    differs = wanted != wanted[donor]

    def exchanged(place: int) -> float:
        def put(act, hook):
            act[:, place] = cache["blocks.2.hook_resid_pre"][donor, place]

        said = model.run_with_hooks(questions.tokens, [("blocks.2.hook_resid_pre", put)])[:, -1].argmax(-1)
        return float((said == questions.answer[donor])[differs].double().mean())

    seen = float((read == wanted).double().mean())
    return [
        row(
            "facts",
            "right city by the lens, last name, before layer 2",
            f"{seen:.2f}",
            f"{1 / 12:.2f} by chance",
        ),
        row(
            "facts",
            "that state exchanged: the other resident's city is said",
            f"{exchanged(residents.LAST):.2f}",
            f"{exchanged(residents.FIRST):.2f} first name's state",
        ),
    ]


def median(ranks: Tensor) -> int:
    return int(ranks.median())


def row(model: str, what: str, figure: str, control: str) -> dict:
    return {"model": model, "what": what, "figure": figure, "control": control}
