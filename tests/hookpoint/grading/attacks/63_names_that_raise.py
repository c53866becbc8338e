# Defines names that raise when they are looked at, described, called or let go.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attention
# %%
class Angry(type):
    def __getattribute__(cls, name):
        raise KeyboardInterrupt(name)


class Mean(Exception):
    __str__ = __repr__ = lambda self: 1 / 0
    __name__ = property(lambda self: 1 / 0)


# %% exercise="causal_mask" minutes=0
class causal_mask(metaclass=Angry):
    pass


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    raise Mean


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    class Answer:
        def __getattribute__(self, name):
            raise GeneratorExit

        def __del__(self):
            raise SystemExit

    return Answer()


# %% exercise="attention" minutes=0
class Attention:
    W_Q = W_K = W_V = W_O = property(lambda self: 1 / 0)

    def __init__(self, cfg):
        pass

    def __getattr__(self, name):
        raise KeyboardInterrupt
