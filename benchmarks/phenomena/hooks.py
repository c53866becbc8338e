"""Which heads `stories` needs for its name task, under three ablations, and where these disagree (notebook 09)."""

from collections.abc import Callable

import torch
from torch import Tensor

from hookpoint import zoo
from hookpoint.interp.hooks import mean_ablate, resample_ablate, run_with_hooks, zero_ablate_head
from hookpoint.model import GPT2
from hookpoint.zoo import stories

N = 100


def rows() -> list[dict]:
    """Each figure beside what must come out otherwise."""
    model = zoo.load("stories")
    tables, again = (of_prompts(model, seed) for seed in (1, 2))
    zero, mean, resample = (tables[name] for name in ("zero", "mean", "resample"))
    verbs = verb_share(model)
    return [
        row("loss of names without 0.0, zero-ablated", f"+{zero[0, 0]:.2f} nats", f"{mean[0, 0]:+.2f} mean-ablated"),
        row(
            "loss of names without 1.3, resampled", f"+{resample[1, 3]:.2f} nats", f"{resample[2, 0]:+.2f} without 2.0"
        ),
        row(
            "loss of names without 2.1, resampled", f"+{resample[2, 1]:.2f} nats", f"{resample[0, 0]:+.2f} without 0.0"
        ),
        row(
            "zero against mean, mean gap over 12 heads",
            f"{gap(zero, mean):.2f} nats",
            f"{gap(zero, again['zero']):.2f} zero twice, {gap(mean, again['mean']):.2f} mean twice",
        ),
        row("right verbs without 2.0, resampled", f"{verbs(2, 0):.2f}", f"{verbs(1, 3):.2f} without 1.3"),
    ]


def row(what: str, figure: str, control: str) -> dict:
    return {"model": "stories", "what": what, "figure": figure, "control": control}


def gap(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().mean().item()


def prompts(skill: str, seed: int, template: str | None = None) -> stories.Prompts:
    return stories.prompts(skill, N, torch.Generator().manual_seed(seed), template=template)


@torch.no_grad()
def of_prompts(model: GPT2, seed: int) -> dict[str, Tensor]:
    """The rise of the loss of the right name under each ablation of each head, [layer head]."""
    asked, reference = prompts("ioi", seed, "ioi/walked"), prompts("ioi", 3, "ioi/walked")
    edits: dict[str, Callable] = {
        "zero": zero_ablate_head,
        "mean": lambda layer, head: mean_ablate(model, layer, head, reference.tokens),
        "resample": lambda layer, head: resample_ablate(layer, head, torch.Generator().manual_seed(seed - 1)),
    }

    def loss(hooks: list) -> float:
        at_end = run_with_hooks(model, asked.tokens, hooks)[torch.arange(N), asked.last]
        return torch.nn.functional.cross_entropy(at_end, asked.answer).item()

    base, layers, heads = loss([]), range(model.cfg.n_layers), range(model.cfg.n_heads)
    return {
        name: torch.tensor([[loss([edit(layer, head)]) - base for head in heads] for layer in layers])
        for name, edit in edits.items()
    }


def verb_share(model: GPT2) -> Callable[[int, int], float]:
    """How often the right verb stands above the wrong one, with one head resampled."""
    asked = prompts("agreement", 4)
    texts = torch.arange(N)

    @torch.no_grad()
    def share(layer: int, head: int) -> float:
        edit = resample_ablate(layer, head, torch.Generator().manual_seed(0))
        at_end = run_with_hooks(model, asked.tokens, [edit])[texts, asked.last]
        return (at_end[texts, asked.answer] > at_end[texts, asked.wrong]).float().mean().item()

    return share
