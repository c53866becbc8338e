"""What notebook 12 finds: who carries the difference between two givers in `stories`, and who says the name."""

import torch
from torch import Tensor

from hookpoint import zoo
from hookpoint.interp.patching import claim_circuit, faithfulness, nodes, normalised_metric, patch_heads, patch_resid
from hookpoint.zoo.compile import answers
from hookpoint.zoo.recipes import circuits
from hookpoint.zoo.stories import make_pairs

READER = (0, 2)
MOVERS = {(1, 1), (1, 3), (2, 1), (2, 3)}
OTHERS = {(0, 0), (0, 1), (1, 0), (2, 0)}


def rows() -> list[dict]:
    """The figures, each with its control: on prompts of a template and names that training did not have."""
    model = zoo.load("stories")
    pairs, reference = make_pairs(60, seed=0, template="ioi/together"), make_pairs(100, seed=1, template="ioi/together")
    clean, corrupt = pairs["clean"], pairs["corrupt"]
    row, end = torch.arange(len(clean)), int(pairs["END"][0])

    def difference(logits: Tensor) -> Tensor:
        return (logits[row, end, pairs["answer"]] - logits[row, end, pairs["wrong"]]).mean()

    def rightly(logits: Tensor) -> Tensor:
        return (logits[:, end].argmax(-1) == pairs["answer"]).float().mean()

    with torch.no_grad():
        logits, cache = model.run_with_cache(clean)
        ends = difference(logits), difference(model(corrupt))
    heads = normalised_metric(patch_heads(model, corrupt, cache, difference), *ends)
    places = normalised_metric(patch_resid(model, corrupt, cache, difference), *ends)
    others = [float(heads[head]) for head in nodes(model) - {READER} if head[0] != "mlp"]

    def left(gone: set, metric) -> float:
        return float(faithfulness(model, nodes(model) - gone, clean, reference["clean"], metric))

    return [
        row_of("head 0.2's clean z brings back, of the logit difference", float(heads[READER]), max(others)),
        row_of(
            "the stream at the end before layer 1 brings back; before layer 0",
            float(places[1, end]),
            float(places[0, end]),
        ),  # fmt: skip
        row_of(
            "logit difference left without the four movers; without 0.2",
            left(MOVERS, difference),
            left({READER}, difference),
        ),  # fmt: skip
        row_of(
            "answers left without the four movers; without four others", left(MOVERS, rightly), left(OTHERS, rightly)
        ),  # fmt: skip
        claimed("hard_cancel", "sort"),
    ]


def row_of(what: str, figure: float, control: float) -> dict:
    return {"model": "stories", "what": what, "figure": figure, "control": control}


def claimed(family: str, control: str) -> dict:
    """How well exchanging one node at a time finds a circuit among heads that cancel, and one among idle heads."""
    what = f"F1 of one exchange at a time, mean of 3 variants; control: {control}"
    return {"model": f"circuit_{family}", "what": what, "figure": f1(family), "control": f1(control)}


def f1(family: str) -> float:
    scores = []
    for seed in (1, 2, 3):
        model, key = circuits.generate(family, seed)
        task, generator = circuits.task(family), torch.Generator().manual_seed(seed)
        clean, corrupt = task.sequences(32, generator), task.sequences(32, generator)
        found = claim_circuit(model, clean, corrupt, margin(task.answers(clean)))
        truth = answers.nodes_of(key, "circuit")
        scores.append(2 * len(found & truth) / (len(found) + len(truth)))
    return sum(scores) / len(scores)


def margin(right: Tensor):
    """A metric: how far the right answer's logit is above the mean of all."""

    def metric(logits: Tensor) -> Tensor:
        answered = logits.gather(-1, right.clamp(min=0)[..., None])[..., 0]
        return (answered - logits.mean(dim=-1))[right >= 0].mean()

    return metric
