# Changes its own end of the wire: nonsense where notes of a call are expected.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores
# %%
import sys

Renewing = next(
    kind
    for module in list(sys.modules.values())
    for kind in [getattr(module, "Renewing", None)]
    if isinstance(kind, type)
)
perform = Renewing.perform
NOTES = iter([{"warnings": 5}, {"edited": "x"}, {"edited": [10**9]}, {"dice": 7, "left": 3}, {"stderr": {1: 2}}] * 9)


def forged(self, verb, arguments, request):
    value, leaves = perform(self, verb, arguments, request)
    return ((value[0], next(NOTES)), ()) if verb == "call" else (value, leaves)


Renewing.perform = forged


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return None


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    return scores


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    return args
