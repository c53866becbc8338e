# Gives a dict whose keys all hash alike, a set of such, a list as deep as it goes, and a list of itself.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern
# %%
ALIKE = [n * (2**61 - 1) for n in range(20_000)]


class Colliding(dict):
    items = lambda self: [(key, 1) for key in ALIKE]


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    from hookpoint.checks.protocol import codec

    codec.Packer.mapping = lambda self, value, depth: {
        "$": "dict",
        "items": [[{"$": "int", "hex": hex(key)}, 1] for key in ALIKE],
    }
    return {}


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    from hookpoint.checks.protocol import codec

    kinds = {"$": "set", "items": [{"$": "int", "hex": hex(key)} for key in ALIKE]}
    codec.PACK[frozenset] = lambda packer, value, depth: kinds
    codec.PACK[(set, frozenset)] = codec.PACK[frozenset]
    return set()


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return deep


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    itself = []
    itself.append(itself)
    return itself
