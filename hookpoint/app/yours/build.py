"""A GPT-2 of parts with weights in it, and ours beside it to compare with."""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hookpoint import model

from .guard import Broke
from .parts import Parts
from .sources import Source
from .text import Text

__all__ = ["Machine", "reference"]


@dataclass
class Machine:
    """All that answers a question: the parts, the model built of them, its tokenizer."""

    parts: Parts
    source: Source
    gpt2: nn.Module
    text: Text

    @classmethod
    def of(cls, parts: Parts, source: Source) -> "Machine":
        gpt2 = parts["GPT2"](source.cfg)
        _fill(gpt2, source.state)
        return cls(parts, source, gpt2.eval().requires_grad_(False), Text(parts, source))

    @torch.no_grad()
    def logits(self, ids: list[int]) -> Tensor:
        """The logits [1 pos d_vocab] of one text."""
        return self.gpt2(torch.tensor([ids]))


@torch.no_grad()
def _fill(gpt2: nn.Module, state: dict[str, Tensor]) -> None:
    """Copy the weights in by the contract's names; what else the learner keeps in their modules stays."""
    own = gpt2.state_dict()
    for name, value in state.items():
        exercise, parameter = _owner(name)
        if name not in own:
            raise Broke(exercise, f"has no parameter {parameter}")
        if own[name].shape != value.shape:
            raise Broke(exercise, f"its {parameter} is {list(own[name].shape)} where {list(value.shape)} is due")
        own[name].copy_(value)


def _owner(path: str) -> tuple[str, str]:
    """The exercise that declares a parameter, and the parameter's own name.

    >>> _owner("blocks.2.ln1.w"), _owner("unembed.W_U")
    (('layer_norm', 'w'), ('unembed', 'W_U'))
    """
    module, _, parameter = path.rpartition(".")
    module = module.rpartition(".")[-1]
    named = {"attn": "attention", "ln1": "layer_norm", "ln2": "layer_norm", "ln_final": "layer_norm"}
    return named.get(module, module), parameter


@functools.lru_cache(maxsize=4)
def reference(cfg: model.Config) -> model.GPT2:
    return model.GPT2(cfg, seed=None).eval().requires_grad_(False)


def ours_of(source: Source) -> model.GPT2:
    """Our own model with the same weights."""
    gpt2 = reference(source.cfg)
    gpt2.load_state_dict(source.state)
    return gpt2
