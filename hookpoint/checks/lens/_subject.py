"""A random GPT-2 with what it computed, and one set by hand whose every contribution is a whole number or a half.

The random model's sizes tell axes apart, its gains are not 1 and its biases not 0, so that a step left out shows. What
a part of the stream contributes is found by taking it away: the exact effect, no formula of attribution.
"""

from functools import cache as remembered

import torch
from torch import Tensor

from hookpoint.checks.author import Learner, Ref
from hookpoint.model import GPT2, Config

CFG = Config(d_vocab=19, n_ctx=11, d_model=14, n_layers=3, n_heads=2, d_head=6, d_mlp=17, eps=0.1)
BATCH, POS = 5, 9
DEEP = 11  # layers, so that `blocks.10` exists, which text sorts before `blocks.2`


class Subject:
    """A model of ours, its tokens, logits and cache, and the same model on the learner's side as `there`."""

    def __init__(self, learner: Learner, model: GPT2, tokens: Tensor):
        self.model, self.tokens, self.cfg = model, tokens, model.cfg
        with torch.no_grad():
            self.logits, self.cache = model.run_with_cache(tokens)
        self.there: Ref = learner.given.gpt2(model.cfg, None)
        learner.given.load(self.there, {name: p.detach() for name, p in model.named_parameters()})

    @property
    def final(self) -> Tensor:
        """The stream after the last block."""
        return self.cache[f"blocks.{self.cfg.n_layers - 1}.hook_resid_post"]


def drawn(learner: Learner, draw, dtype=torch.float32, centred=False, cfg=CFG) -> Subject:
    """A random model, strong enough in every part for each to matter.

    Where it is centred, no logit depends on the mean of the stream: then it makes no difference whether the mean of the
    whole stream is taken off once, or each part's own off that part. Both are good readings of a frozen LayerNorm.
    """
    model = GPT2(cfg, seed=None).to(dtype)  # before it is centred: in float64 a rounding of float32 would show
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(draw.normal(*parameter.shape, mean=float(name.endswith(".w")), std=0.4))
        if centred:
            gain = model.ln_final.w[:, None]
            model.unembed.W_U -= gain * (gain * model.unembed.W_U).sum(0) / gain.square().sum()
    return Subject(learner, model, draw.ids(cfg.d_vocab, BATCH, POS))


def pair(draw, cfg: Config = CFG, batch: int = BATCH) -> tuple[Tensor, Tensor]:
    """Answers and wrong answers, different in each row."""
    answer = draw.ids(cfg.d_vocab, batch)
    return answer, (answer + 1 + draw.ids(cfg.d_vocab - 1, batch)) % cfg.d_vocab


@torch.no_grad()
def frozen_diff(subject: Subject, resid: Tensor, answer: Tensor, wrong: Tensor, pos: int) -> Tensor:
    """The logit difference of each row, [..., batch], if the stream at `pos` were `resid` and the scale stayed."""
    model, rows = subject.model, torch.arange(len(answer))
    scale = subject.cache["ln_final.hook_scale"][:, pos]
    normal = (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b
    logits = normal @ model.unembed.W_U + model.unembed.b_U
    return logits[..., rows, answer] - logits[..., rows, wrong]


def effect(subject: Subject, part: Tensor, answer: Tensor, wrong: Tensor, pos: int = -1) -> Tensor:
    """How much the logit difference falls when a part, [..., batch, d_model], is taken out of the last stream."""
    whole = subject.final[:, pos]
    return frozen_diff(subject, whole, answer, wrong, pos) - frozen_diff(subject, whole - part, answer, wrong, pos)


def components(subject: Subject, answer: Tensor, wrong: Tensor, pos: int = -1) -> Tensor:
    """The effect of everything that is added to the stream, one by one; then what is left without any of it."""
    cache = subject.cache
    names = [f"blocks.{layer}.hook_{part}_out" for layer in range(subject.cfg.n_layers) for part in ("attn", "mlp")]
    parts = [cache["hook_embed"] + cache["hook_pos_embed"], *(cache[name] for name in names)]
    effects = effect(subject, torch.stack(parts)[:, :, pos], answer, wrong, pos)
    nothing = torch.zeros_like(subject.final[:, pos])
    return torch.cat([effects, frozen_diff(subject, nothing, answer, wrong, pos)[None]])


HAND = Config(d_vocab=3, n_ctx=2, d_model=4, n_layers=1, n_heads=2, d_head=1, d_mlp=3, eps=4.0, act_fn="relu")
# Where each part writes at the last position. In sum [5, -1, 3, 1], of mean 2 and variance 5, so with eps the scale
# is 3. Times gain and direction, 3 * [3, -1, -2, 0], over 3: what counts is the product with [3, -1, -2, 0].
BY_HAND = {
    "components": [2.0, 6.0, 2.0, 2.5],  # [1,-1,1,-1]; [2,0,0,1]; [2,0,2,1]; the biases: 1 and 1.5
    "heads": [6.0, 1.0],  # [2,0,0,0]; [0,-1,0,0]; and b_O [0,1,0,1] makes -1
    "neurons": [-6.0, 0.0, 1.0],  # [0,0,3,0]; one that is off; [0,-1,0,-1]; and b_out [2,1,-1,2] makes 7
}


@remembered
def hand_model() -> GPT2:
    """The model of `BY_HAND`. Both heads and the MLP read nothing: their values come from their biases."""
    model = GPT2(HAND, seed=None)
    values = {
        "embed.W_E": [[1, 0, 1, 0]] * 3,
        "pos_embed.W_pos": [[4, 0, 0, 7], [0, -1, 0, -1]],
        "blocks.0.ln1.w": [0] * 4,
        "blocks.0.ln2.w": [0] * 4,
        "blocks.0.attn.b_V": [[2], [1]],
        "blocks.0.attn.W_O": [[[1, 0, 0, 0]], [[0, -1, 0, 0]]],
        "blocks.0.attn.b_O": [0, 1, 0, 1],
        "blocks.0.mlp.b_in": [3, -2, 1],
        "blocks.0.mlp.W_out": [[0, 0, 1, 0], [9, 0, 0, 5], [0, -1, 0, -1]],
        "blocks.0.mlp.b_out": [2, 1, -1, 2],
        "ln_final.w": [3, 3, 6, 3],
        "ln_final.b": [1, 0, 2, 0],
        "unembed.W_U": [[4, 0, 1], [0, 2, 1], [-2, 0, -1], [0, 1, 0]],
        "unembed.b_U": [0.5, 0, -1],
    }
    with torch.no_grad():
        for name, value in values.items():
            model.get_parameter(name).copy_(torch.tensor(value, dtype=torch.float32))
    return model


def by_hand(learner: Learner) -> tuple[Subject, Tensor, Tensor]:
    """The hand-set model on two prompts, with answer and wrong answer; in the second the two have changed places."""
    subject = Subject(learner, hand_model(), torch.tensor([[1, 0], [2, 2]]))
    return subject, torch.tensor([0, 2]), torch.tensor([2, 0])


def expected_by_hand(name: str) -> Tensor:
    """The contributions [part, 2] of the two prompts."""
    values = torch.tensor(BY_HAND[name])
    return torch.stack([values, -values], dim=1)
