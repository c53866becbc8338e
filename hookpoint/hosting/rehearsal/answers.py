"""What simulated teams answer to notebook 03: for each exercise some answers, and the verdict that each must get."""

from dataclasses import dataclass

__all__ = ["ANSWERS", "NOTEBOOK", "SLOW", "Answer"]

NOTEBOOK = "03_attention"


@dataclass(frozen=True)
class Answer:
    """The text of one answer cell, and the status of its verdict."""

    source: str
    status: str


def _right(source: str) -> Answer:
    return Answer(source, "passed")


def _wrong(source: str) -> Answer:
    return Answer(source, "failed")


def _blank(signature: str) -> Answer:
    return Answer(f"{signature}\n    # YOUR CODE HERE\n    raise NotImplementedError()\n", "missing")


def _broken(signature: str) -> Answer:
    return Answer(f"{signature}\n    return (", "error")


_MASK = "def causal_mask(n_queries, n_keys):"
_HIDE = "def apply_mask(scores):"
_SCORES = "def attn_scores(x, W_Q, b_Q, W_K, b_K):"
_PATTERN = "def attn_pattern(scores):"
_VALUES = "def weighted_values(pattern, v):"
_COMBINE = "def combine_heads(z, W_O, b_O):"
_FLOPS = "def attention_flops(cfg, T):"
_QK = """
    q = torch.einsum("bpd,hdk->bhpk", x, W_Q) + b_Q[:, None, :]
    k = torch.einsum("bpd,hdk->bhpk", x, W_K) + b_K[:, None, :]
"""
_LAYER = """class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        for name in "QKV":
            self.register_parameter(f"W_{name}", nn.Parameter(torch.zeros(H, D, K)))
            self.register_parameter(f"b_{name}", nn.Parameter(torch.zeros(H, K)))
        self.W_O = nn.Parameter(torch.zeros(H, K, D))
        self.b_O = nn.Parameter(torch.zeros(D))

    def forward(self, x):
        shares = attn_pattern(SCORES)
        v = torch.einsum("bpd,hdk->bphk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(shares, v), self.W_O, self.b_O)
"""
_OWN = "attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)"

# Three times as many right answers are chosen as wrong ones: the first of each list.
ANSWERS: dict[str, tuple[Answer, ...]] = {
    "causal_mask": (
        _right(f"{_MASK}\n    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)\n"),
        _wrong(f"{_MASK}\n    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril()\n"),
        _blank(_MASK),
        _broken(_MASK),
    ),
    "apply_mask": (
        _right(
            f"{_HIDE}\n    allowed = causal_mask(*scores.shape[-2:])\n"
            "    return torch.where(allowed, scores, torch.full_like(scores, torch.finfo(scores.dtype).min))\n"
        ),
        _wrong(f"{_HIDE}\n    return scores * causal_mask(*scores.shape[-2:])\n"),
        Answer(f"{_HIDE}\n    import os\n    os._exit(3)\n", "error"),
        _blank(_HIDE),
    ),
    "attn_scores": (
        _right(f"{_SCORES}{_QK}    return q @ k.transpose(-1, -2) * W_Q.shape[-1] ** -0.5\n"),
        _wrong(f"{_SCORES}{_QK}    return q @ k.transpose(-1, -2) / W_Q.shape[-1]\n"),
        _blank(_SCORES),
    ),
    "attn_pattern": (
        _right(f"{_PATTERN}\n    return torch.softmax(scores, -1)\n"),
        _wrong(f"{_PATTERN}\n    return torch.softmax(scores, -2)\n"),
        Answer(f"{_PATTERN}\n    return scores.softmax(-1)[0].undefined\n", "error"),
    ),
    "weighted_values": (
        _right(f'{_VALUES}\n    return torch.einsum("bhqk,bkhd->bqhd", pattern, v)\n'),
        _wrong(f'{_VALUES}\n    return torch.einsum("bhkq,bkhd->bqhd", pattern, v)\n'),
        _blank(_VALUES),
    ),
    "combine_heads": (
        _right(f'{_COMBINE}\n    return torch.einsum("bphk,hkd->bpd", z, W_O) + b_O\n'),
        _wrong(f'{_COMBINE}\n    return torch.einsum("bphk,hkd->bpd", z, W_O) + b_O * len(W_O)\n'),
    ),
    "attention": (
        _right(_LAYER.replace("SCORES", f"apply_mask({_OWN})")),
        _wrong(_LAYER.replace("SCORES", _OWN)),
        Answer("# still to do\n", "missing"),
    ),
    "attention_flops": (
        _right(f"{_FLOPS}\n    return 4 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T)\n"),
        _wrong(f"{_FLOPS}\n    return 2 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T)\n"),
        _blank(_FLOPS),
    ),
}
# One that never ends: it takes all the time that a call may have, so few teams hand it in.
SLOW = ("causal_mask", Answer(f"{_MASK}\n    while True:\n        pass\n", "timeout"))
