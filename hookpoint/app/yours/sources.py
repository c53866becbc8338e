"""The weights that the page runs on: the shipped stories model, or the one that the learner has trained."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hookpoint import zoo
from hookpoint.errors import HookpointError
from hookpoint.model import GPT2, Config
from hookpoint.model.tokenizer import Tokenizer

__all__ = ["Source", "load_source"]

SHIPPED = "stories"
FIXED = ("embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_Q", "blocks.0.mlp.W_in", "ln_final.w")
BYTES = 256


@dataclass(frozen=True)
class Source:
    """Weights with what they need to be used: the sizes, and what turns text into tokens."""

    cfg: Config
    state: dict[str, Tensor]
    tokenizer: Tokenizer

    @property
    def opening(self) -> tuple[list[int], str]:
        """What stands before every text: the mark that training texts begin with, and a space, if there is one."""
        if not self.tokenizer.special:
            return [], ""
        return [self.tokenizer.special_ids[self.tokenizer.special[0]]], " "


def load_source(name: str, workspace: Path | None) -> Source:
    """The weights of that name: `stories`, or a path in the workspace to a model of the learner's.

    Raises:
        HookpointError: the file is damaged or is no GPT-2 of ours; the message says what to do.
    """
    if name == SHIPPED or workspace is None:
        shipped = zoo.load(SHIPPED)
        return Source(shipped.cfg, dict(shipped.state_dict()), shipped.tokenizer)
    path = workspace / name
    state = _read(path)
    cfg = _sizes(path, state)
    return Source(cfg, _own(path, state, cfg), _tokenizer(path.with_name("tokenizer.json"), cfg))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        stored = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise HookpointError(_again(path, f"cannot be read ({str(error).splitlines()[0]})")) from None
    state = {key.removeprefix("model."): value.float() for key, value in stored.items() if value.is_floating_point()}
    missing = [name for name in FIXED if name not in state]
    if missing:
        raise HookpointError(_again(path, f"is no GPT-2 of this course: it has no {missing[0]}"))
    # A tied unembedding is stored once, under the name of the embedding.
    state.setdefault("unembed.W_U", state["embed.W_E"].T.contiguous())
    state.setdefault("unembed.b_U", torch.zeros(len(state["embed.W_E"])))
    return state


def _sizes(path: Path, state: dict[str, Tensor]) -> Config:
    """The sizes, off the parameters' own shapes: nothing else has to be believed."""
    try:
        d_vocab, d_model = state["embed.W_E"].shape
        n_heads, _, d_head = state["blocks.0.attn.W_Q"].shape
        layers = {int(name.split(".")[1]) for name in state if name.startswith("blocks.")}
        return Config(
            d_vocab=d_vocab,
            n_ctx=state["pos_embed.W_pos"].shape[0],
            d_model=d_model,
            n_layers=len(layers),
            n_heads=n_heads,
            d_head=d_head,
            d_mlp=state["blocks.0.mlp.W_in"].shape[1],
            eps=_eps(path.with_suffix(".json")),
        )
    except (ValueError, IndexError):
        raise HookpointError(_again(path, "is no GPT-2 of this course: its parameters have other shapes")) from None


def _eps(path: Path) -> float:
    """The one number of a config that no shape tells, from the JSON beside the weights."""
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["config"]["eps"])
    except (OSError, ValueError, KeyError, TypeError):
        return Config.eps


def _own(path: Path, state: dict[str, Tensor], cfg: Config) -> dict[str, Tensor]:
    """The parameters of a GPT-2 of that size; a checkpoint holds the optimizer's tensors too."""
    shapes = {name: value.shape for name, value in GPT2(cfg, seed=None).state_dict().items()}
    wrong = next((name for name, shape in shapes.items() if name not in state or state[name].shape != shape), None)
    if wrong:
        raise HookpointError(_again(path, f"is no whole GPT-2: {wrong} is missing or has another shape"))
    return {name: state[name] for name in shapes}


def _tokenizer(path: Path, cfg: Config) -> Tokenizer:
    """The tokenizer beside the weights, or the one whose vocabulary has their size."""
    if path.exists():
        try:
            tokenizer = Tokenizer.load(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise HookpointError(_again(path, "is no tokenizer of this course, or damaged")) from None
        if len(tokenizer) > cfg.d_vocab:
            raise HookpointError(
                _again(path, f"has {len(tokenizer)} tokens, more than the {cfg.d_vocab} that the model knows")
            )
        return tokenizer
    if cfg.d_vocab == BYTES:
        return Tokenizer.from_merges([])
    shipped = zoo.load(SHIPPED).tokenizer
    if cfg.d_vocab >= len(shipped):
        return shipped
    raise HookpointError(_again(path, f"is not there, and no other tokenizer has {cfg.d_vocab} tokens"))


def _again(path: Path, what: str) -> str:
    return f"{path.parent.name}/{path.name} {what}. Save it again with notebook 06, or choose the stories model."
