"""An attention layer over there, and the same layer as a function of its weights."""

from torch import Tensor

from hookpoint.checks.author import Learner, Ref
from hookpoint.checks.model_and_loss._functional import Weights, attention, block_shapes, drawn
from hookpoint.model import Config

CFG = Config(d_vocab=19, n_ctx=11, d_model=14, n_layers=3, n_heads=3, d_head=5, d_mlp=17, eps=0.1)
SHAPES = {name.removeprefix("attn."): shape for name, shape in block_shapes(CFG).items() if name.startswith("attn.")}


def a_layer(learner: Learner, weights: Weights, cfg: Config = CFG) -> Ref:
    """An attention layer of ours on the learner's side; gradients reach those weights that want one."""
    layer = learner.given.attention_layer(cfg)
    learner.given.load(layer, {name: weight.detach() for name, weight in weights.items()})
    return Ref(layer._desk, layer._root, about=layer._about, weights=weights)


def some_weights(draw, **kind) -> Weights:
    return drawn(draw, SHAPES, **kind)


def whole(x: Tensor, weights: Weights) -> Tensor:
    """The layer's output."""
    return attention(x, {f"attn.{name}": weight for name, weight in weights.items()}, "attn")
