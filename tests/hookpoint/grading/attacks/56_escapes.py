# Puts terminal escapes, markup and marks that turn text round wherever a person might read them.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern weighted_values combine_heads
# %%
import warnings

BAD = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>[link](javascript:1)\u202e\u2066\x00\r\n\ud800=1+1"


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    raise type(BAD.replace("\x00", "").replace("\ud800", ""), (ValueError,), {})(BAD)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    warnings.warn(BAD, stacklevel=1)
    return type(BAD.replace("\x00", "").replace("\ud800", ""), (), {})()


# %% exercise="attn_scores" minutes=0
raise SyntaxError(BAD)


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    return {BAD: BAD}


# %% exercise="weighted_values" minutes=0
exec(compile("def f():\n raise KeyError(1)", "<learner: \x1b[2J\u202e>", "exec"))
f.__code__ = f.__code__.replace(co_name=BAD.replace("\ud800", ""))


def weighted_values(pattern, v):
    f()


# %% exercise="combine_heads" minutes=0
exec("this is no Python \u202e \x1b[2J")
