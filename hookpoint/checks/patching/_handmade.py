"""A model whose effects are fractions: attention only, no LayerNorm, three layers of two heads, every weight by hand.

The stream has a place of its own for everything that is written, so each head is a line of arithmetic. What a head
reads as a score is a power of two: the attention of a query to a key is 2^score over the sum of these. `Program` does
that arithmetic in fractions, without a tensor, and `WEIGHTS` are the same model as a GPT-2.

    head  attends from t to s         takes        writes
    0.0   the position before (0: 0)  value        a
    0.1   all alike                   value        b
    1.0   2^(a[t] * value[s])         value + b    c
    1.1   2^(a[s])                    value + 2b   d
    2.0   all alike                   b + c + 2d   e
    2.1   itself                      a - c        f

So 0.0 reaches 1.0 by q alone and 1.1 by k alone, 0.1 reaches both by v alone, and no head of a layer reaches another of
its own. The logits of three tokens are sums of all these with whole numbers.
"""

import math
from fractions import Fraction

import torch
from torch import Tensor

from hookpoint.model import Config

CFG = Config(d_vocab=3, n_ctx=5, d_model=13, n_layers=3, n_heads=2, d_head=5, d_mlp=1, normalization_type=None,
             attn_only=True)  # fmt: skip
HEADS = [(layer, head) for layer in range(3) for head in range(2)]
PLACES = ("value", "one", "a", "b", "c", "d", "e", "f")
WRITES = {(0, 0): "a", (0, 1): "b", (1, 0): "c", (1, 1): "d", (2, 0): "e", (2, 1): "f"}
TAKES = {
    (0, 0): {"value": 1},
    (0, 1): {"value": 1},
    (1, 0): {"value": 1, "b": 1},
    (1, 1): {"value": 1, "b": 2},
    (2, 0): {"b": 1, "c": 1, "d": 2},
    (2, 1): {"a": 1, "c": -1},
}
ASKS = {(1, 0): ("a", "value"), (1, 1): ("one", "a")}  # what a query and a key are; elsewhere nothing, or positions
LOGITS = {
    "value": (1, 0, 2), "one": (0, 0, 0), "a": (1, -1, 0), "b": (2, 0, 1), "c": (-1, 3, 0), "d": (0, 1, 5),
    "e": (7, -2, 1), "f": (1, 4, -3),
}  # fmt: skip

Values = list[Fraction]
SURE = 1000.0  # a score that leaves nothing to other positions


class Program:
    """One run on one row. `z` and `inputs` set what heads would otherwise compute.

    Args:
        tokens: Each token is its own value.
        z: By head, what it takes from where it attends, [pos].
        inputs: By (layer, head, "q" | "k" | "v"), [pos].
    """

    def __init__(self, tokens: list[int], z: dict | None = None, inputs: dict | None = None):
        z, inputs, n = z or {}, inputs or {}, len(tokens)
        zero = [Fraction(0)] * n
        self.stream: dict[str, Values] = dict.fromkeys(PLACES, zero)
        self.stream |= {"value": [Fraction(token) for token in tokens], "one": [Fraction(1)] * n}
        self.z, self.inputs = {}, {}
        for layer in range(3):
            written = {}
            for head in ((layer, 0), (layer, 1)):
                ask, key = (self.stream.get(place, zero) for place in ASKS.get(head, ("", "")))
                take = [sum(n * self.stream[place][t] for place, n in TAKES[head].items()) for t in range(n)]
                q, k, v = (inputs.get((*head, part), own) for part, own in zip("qkv", (ask, key, take), strict=True))
                self.inputs |= {(*head, "q"): q, (*head, "k"): k, (*head, "v"): v}
                self.z[head] = z.get(head) or [mixed(head, t, q, k, v) for t in range(n)]
                written[WRITES[head]] = self.z[head]
            self.stream |= written
        self.logits = [
            [sum(LOGITS[place][w] * self.stream[place][t] for place in PLACES) for w in range(3)] for t in range(n)
        ]


def mixed(head: tuple[int, int], t: int, q: Values, k: Values, v: Values) -> Fraction:
    """What position t takes."""
    if head == (0, 0):
        return v[max(t - 1, 0)]
    if head == (2, 1):
        return v[t]
    shares = [Fraction(2) ** int(q[t] * k[s]) for s in range(t + 1)]
    return sum(share * v[s] for s, share in enumerate(shares)) / sum(shares)


def through_paths(clean: list[int], corrupt: list[int], sender: tuple[int, int], receivers) -> list[list[Fraction]]:
    """The logits of a row when the receivers alone hear the sender of the corrupt run."""
    before, other = Program(clean), Program(corrupt)
    direct = Program(clean, z={**before.z, sender: other.z[sender]})
    if receivers == ["logits"]:
        return direct.logits
    return Program(clean, inputs={to: direct.inputs[to] for to in receivers}).logits


def tensor(rows: list) -> Tensor:
    """Fractions as a float32 tensor."""
    return torch.tensor([[[float(x) for x in at] for at in row] for row in rows])


def weights() -> dict[str, Tensor]:
    """The same model's parameters."""
    at = {place: number for number, place in enumerate(PLACES)}
    wide, own = CFG.d_model, CFG.d_head  # the last 5 places of the stream say the position
    w = {"embed.W_E": torch.zeros(3, wide), "pos_embed.W_pos": torch.zeros(CFG.n_ctx, wide)}
    w["embed.W_E"][:, at["value"]] = torch.arange(3.0)
    w["embed.W_E"][:, at["one"]] = 1
    w["pos_embed.W_pos"][:, len(PLACES) :] = torch.eye(CFG.n_ctx)
    for layer in range(3):
        name = f"blocks.{layer}.attn."
        w |= {name + f"W_{part}": torch.zeros(2, wide, own) for part in "QKV"}
        w |= {name + f"b_{part}": torch.zeros(2, own) for part in "QKV"}
        w |= {name + "W_O": torch.zeros(2, own, wide), name + "b_O": torch.zeros(wide)}
        for head in ((layer, 0), (layer, 1)):
            for place, count in TAKES[head].items():
                w[name + "W_V"][head[1], at[place], 0] = count
            w[name + "W_O"][head[1], 0, at[WRITES[head]]] = 1
            if head in ASKS:
                ask, key = ASKS[head]
                w[name + "W_Q"][head[1], at[ask], 0] = math.log(2) * math.sqrt(own)
                w[name + "W_K"][head[1], at[key], 0] = 1
    w["unembed.W_U"] = torch.zeros(wide, 3)
    for place, row in LOGITS.items():
        w["unembed.W_U"][at[place]] = torch.tensor(row, dtype=torch.float32)
    w["unembed.b_U"] = torch.zeros(3)
    return w | _by_position(w)


def _by_position(w: dict[str, Tensor]) -> dict[str, Tensor]:
    """The two heads that go by position: 0.0 to the one before, 2.1 to itself."""
    made = {}
    for layer, head, back in ((0, 0, 1), (2, 1, 0)):
        for part in "QK":
            name = f"blocks.{layer}.attn.W_{part}"
            made.setdefault(name, w[name].clone())
        for t in range(CFG.n_ctx):
            made[f"blocks.{layer}.attn.W_Q"][head, len(PLACES) + t, max(t - back, 0)] = SURE
            made[f"blocks.{layer}.attn.W_K"][head, len(PLACES) + t, t] = 1
    return made


WEIGHTS = weights()
