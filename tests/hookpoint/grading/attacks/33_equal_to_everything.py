# Gives objects that answer yes to every question: always equal, any attribute, a tensor that lies about itself.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern weighted_values combine_heads attention attention_flops
# %%
import torch


class Yes:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = object.__hash__
    __bool__ = lambda self: True
    __getattr__ = lambda self, name: self
    __call__ = __getitem__ = lambda self, *a, **k: self
    __len__ = lambda self: 1
    __iter__ = lambda self: iter([self])
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__


class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True if function in (torch.equal, torch.allclose) else torch.ones(2, 3, 5, 5, dtype=torch.bool)


class Seven(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return Yes()


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    return torch.zeros_like(scores).as_subclass(Liar)


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    return torch.ones(1).as_subclass(Liar)


# %% exercise="attn_pattern" minutes=0
class attn_pattern(Yes, torch.nn.Module):
    def __init__(self, *args):
        pass


# %% exercise="weighted_values" minutes=0
weighted_values = Yes()

# %% exercise="combine_heads" minutes=0
combine_heads = type("Meta", (type,), {"__call__": lambda *a: Yes(), "__instancecheck__": lambda *a: True})("C", (), {})


# %% exercise="attention" minutes=0
class Attention(torch.nn.Module):
    __call__ = forward = lambda self, *a: Yes()
    __init__ = lambda self, cfg: None
    named_parameters = parameters = state_dict = lambda self, *a, **k: Yes()


# %% exercise="attention_flops" minutes=0
def attention_flops(*args, **kwargs):
    return Seven(7)
