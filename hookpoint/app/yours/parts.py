"""Every name that the model is made of, the learner's where it runs, else ours put together from their parts.

"Ours" is not one block: our `Block` holds the learner's `Attention` once that runs, our `Attention` takes their
`attn_scores`. So every exercise that passes is at work, whatever the order they were done in.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hookpoint import model
from hookpoint.errors import HookpointError

from .choice import ATTENTION
from .ours import ours

__all__ = ["Parts", "with_cache"]

WATCHED = "attn_pattern"


class Parts:
    """The names, each with whose it is.

    Attributes:
        theirs: What the learner's notebooks define, under guard, by name.
        broken: Exercises that were asked for and could not be loaded, each with the reason.
    """

    def __init__(self) -> None:
        self.theirs: dict[str, object] = {}
        self.broken: dict[str, str] = {}
        self._spaces: dict[str, dict[str, object]] = {}
        self._composed = _composed(self)
        self._watchers: list[Callable[[Tensor], object]] = []

    def __getitem__(self, name: str) -> object:
        """What runs under this name.

        Raises:
            HookpointError: neither the learner's runs nor have we one.
        """
        found = self.get(name)
        if found is None:
            raise HookpointError(f"This needs `{name}`, which this version of the course has not brought yet.")
        return found

    def take(self, exercise: str, name: str, thing: object, space: dict[str, object]) -> None:
        """From now on the learner's: what their notebook, whose names are `space`, defines for the exercise."""
        self.theirs[name] = thing
        self._spaces[exercise] = space

    def space(self, exercise: str) -> dict[str, object] | None:
        """The names of the learner's notebook that this exercise runs in, if it runs as they wrote it."""
        return self._spaces.get(exercise)

    def composed(self, name: str) -> object:
        """Ours under this name, of all the parts, also where the learner has their own."""
        return self._composed[name]

    def get(self, name: str) -> object | None:
        if name == WATCHED:
            return self._attn_pattern
        return next((found for found in (self.theirs.get(name), self._composed.get(name)) if found), ours(name))

    def _attn_pattern(self, scores: Tensor) -> Tensor:
        pattern = (self.theirs.get(WATCHED) or ours(WATCHED))(scores)
        for tell in self._watchers:
            tell(pattern)
        return pattern

    @contextmanager
    def watching(self, tell: Callable[[Tensor], object]) -> Iterator[None]:
        """While it lasts, each attention pattern that somebody computes is told."""
        self._watchers.append(tell)
        try:
            yield
        finally:
            self._watchers.remove(tell)


def _composed(parts: Parts) -> dict[str, object]:
    """Our composite parts, made of whatever their own parts are when they are built."""
    return {
        "MLP": _mlp(parts),
        "Attention": _attention(parts),
        "Block": _block(parts),
        "GPT2": _gpt2(parts),
        "generate": _generate(parts, cached=False),
        "generate_cached": _generate(parts, cached=True),
    }


def _mlp(parts: Parts) -> type[nn.Module]:
    class MLP(model.MLP):
        def __init__(self, cfg: model.Config) -> None:
            super().__init__(cfg)
            if cfg.act_fn == "gelu_new":
                self.activation = parts["gelu_new"]

    return MLP


def _attention(parts: Parts) -> type[nn.Module]:
    class Attention(model.Attention):
        def forward(self, x: Tensor) -> Tensor:
            if not any(name in parts.theirs for name in ATTENTION):
                return super().forward(x)
            scores = parts["attn_scores"](x, self.W_Q, self.b_Q, self.W_K, self.b_K)
            pattern = parts["attn_pattern"](self._masked(scores))
            v = (x[:, None] @ self.W_V + self.b_V[:, None]).transpose(1, 2)
            return parts["combine_heads"](parts["weighted_values"](pattern, v), self.W_O, self.b_O)

        def _masked(self, scores: Tensor) -> Tensor:
            """By their `apply_mask`, or with their `causal_mask` where that alone is theirs."""
            if "apply_mask" in parts.theirs:
                return parts["apply_mask"](scores)
            mask = parts["causal_mask"](*scores.shape[-2:])
            return scores.masked_fill(~mask, torch.finfo(scores.dtype).min)

    return Attention


def _block(parts: Parts) -> type[nn.Module]:
    class Block(model.Block):
        def __init__(self, cfg: model.Config) -> None:
            super().__init__(cfg)
            self.ln1, self.attn = parts["LayerNorm"](cfg), parts["Attention"](cfg)
            self.ln2, self.mlp = parts["LayerNorm"](cfg), parts["MLP"](cfg)

    return Block


def _gpt2(parts: Parts) -> type[nn.Module]:
    class GPT2(model.GPT2):
        def __init__(self, cfg: model.Config) -> None:
            super().__init__(cfg, seed=None)
            self.embed, self.pos_embed = parts["Embed"](cfg), parts["PosEmbed"](cfg)
            self.blocks = nn.ModuleList(parts["Block"](cfg) for _ in range(cfg.n_layers))
            self.ln_final, self.unembed = parts["LayerNorm"](cfg), parts["Unembed"](cfg)

    return GPT2


def _generate(parts: Parts, cached: bool) -> object:
    """Token by token, with or without their cache, in the plainest way: each step is one of the exercises."""
    from .draw import Knobs, adjusted, chosen

    @torch.no_grad()
    def generate(
        gpt2: nn.Module,
        ids: Tensor,
        n: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: int | None = None,
        generator: torch.Generator | None = None,
        penalty: float = 0.0,
    ) -> Tensor:
        knobs = Knobs(temperature, top_k, top_p, penalty)
        done, cache = torch.zeros(len(ids), dtype=torch.bool), None
        for _ in range(n):
            window = ids[:, -gpt2.cfg.n_ctx :]
            if cached:
                # Beyond n_ctx every token moves to another position, and what was kept for the old ones is wrong.
                fresh = cache is None or ids.shape[1] > gpt2.cfg.n_ctx
                cache = parts["KVCache"](gpt2.cfg) if fresh else cache
                logits = with_cache(parts, gpt2, window[:, cache.length :], cache)
            else:
                logits = gpt2(window)[:, -1]
            new = chosen(parts, adjusted(parts, logits, ids, knobs), knobs, generator)
            if stop is not None:
                new = new.masked_fill(done, stop)
                done = done | (new == stop)
            ids = torch.cat([ids, new[:, None]], dim=1)
        return ids

    return generate


def with_cache(parts: Parts, gpt2: nn.Module, tokens: Tensor, cache: object) -> Tensor:
    """The logits behind the last of the new tokens."""
    positions = parts["positions_with_cache"](cache.length, tokens.shape[1])
    resid = gpt2.embed(tokens) + gpt2.pos_embed.W_pos[positions]
    for layer, block in enumerate(gpt2.blocks):
        resid = resid + parts["attn_with_cache"](block.attn, block.ln1(resid), cache, layer)
        resid = resid + block.mlp(block.ln2(resid))
    return gpt2.unembed(gpt2.ln_final(resid[:, -1:]))[:, 0]
