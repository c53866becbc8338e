# %% right="a property on a derived class"
def tie_weights(model):
    embed, plain = model.embed, type(model.unembed)
    del model.unembed.W_U

    class Tied(plain):
        @property
        def W_U(self):
            return embed.W_E.T

    model.unembed.__class__ = Tied


# %% right="the embedding inside the unembedding"
from torch import nn


class TiedUnembed(nn.Module):
    def __init__(self, embed, b_U):
        super().__init__()
        self.embed = embed
        self.b_U = b_U

    @property
    def W_U(self):
        return self.embed.W_E.transpose(0, 1)

    def forward(self, x):
        return x @ self.W_U + self.b_U


def tie_weights(model):
    model.unembed = TiedUnembed(model.embed, model.unembed.b_U)
    return model


# %% right="a view made before every run"
def tie_weights(model):
    del model.unembed.W_U

    def refresh(module, inputs):
        module.W_U = model.embed.W_E.t()

    model.unembed.register_forward_pre_hook(refresh)


# %% right="parametrize with a named transpose"
from torch import nn
from torch.nn.utils.parametrize import register_parametrization


class Flip(nn.Module):
    def forward(self, W):
        return W.permute(1, 0)


def tie_weights(model):
    register_parametrization(model.unembed, "W_U", Flip(), unsafe=True)
    del model.unembed.parametrizations["W_U"].original
    model.unembed.parametrizations["W_U"].register_parameter("original", model.embed.W_E)


# %% right="__getattr__ on a derived class, embedding kept in a tuple"
from torch import nn


class Looking:
    def __getattr__(self, name):
        if name == "W_U":
            return self.source[0].W_E.mT
        return nn.Module.__getattr__(self, name)


def tie_weights(model):
    unembed = model.unembed
    unembed._parameters.pop("W_U")
    unembed.source = (model.embed,)
    unembed.__class__ = type("TiedUnembed", (Looking, type(unembed)), {})


# %% wrong="the same tensor for .data"
def tie_weights(model):
    model.unembed.W_U.data = model.embed.W_E.data.T


# %% wrong="a hook that copies before every run"
import torch


def tie_weights(model):
    def refresh(module, inputs):
        with torch.no_grad():
            module.W_U.copy_(model.embed.W_E.T)

    model.unembed.register_forward_pre_hook(refresh)


# %% wrong="W_E without the transpose"
def tie_weights(model):
    model.unembed.W_U = model.embed.W_E


# %% wrong="an expression whose gradient counts twice"
def tie_weights(model):
    embed, plain = model.embed, type(model.unembed)
    del model.unembed.W_U

    def twice(self):
        view = embed.W_E.T
        if view.requires_grad:
            view.register_hook(lambda gradient: 2 * gradient)
        return view

    model.unembed.__class__ = type("Tied", (plain,), {"W_U": property(twice)})


# %% wrong="the bias is lost"
from torch import nn


class TiedUnembed(nn.Module):
    def __init__(self, embed):
        super().__init__()
        self.embed = embed

    @property
    def W_U(self):
        return self.embed.W_E.T

    def forward(self, x):
        return x @ self.W_U


def tie_weights(model):
    model.unembed = TiedUnembed(model.embed)


# %% wrong="a deep copy is tied"
import copy


def tie_weights(model):
    tied = copy.deepcopy(model)
    del tied.unembed.W_U
    tied.unembed.W_U = tied.embed.W_E.T
    return tied


# %% wrong="the embedding becomes a view of the unembedding"
def tie_weights(model):
    unembed, plain = model.unembed, type(model.embed)
    unembed.W_U.data.copy_(model.embed.W_E.data.T)
    del model.embed.W_E
    model.embed.__class__ = type("Tied", (plain,), {"W_E": property(lambda self: unembed.W_U.T)})


# %% right="a new unembedding, whose first weights are drawn and thrown away"
import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self, embed, b_U):
        super().__init__()
        self.W_U = nn.Parameter(torch.randn(3, 4))
        del self.W_U
        self.embed, self.b_U = embed, b_U
        type(self).W_U = property(lambda self: self.embed.W_E.T)

    def forward(self, x):
        return x @ self.embed.W_E.T + self.b_U


def tie_weights(model):
    kind = type("Tied", (Tied,), {})
    model.unembed = kind(model.embed, model.unembed.b_U)


# %% wrong="a property on the class that all models share"
def tie_weights(model):
    embed = model.embed
    del model.unembed.W_U
    type(model.unembed).W_U = property(lambda self: embed.W_E.T)


# %% wrong="a new parameter for the embedding"
from torch import nn


def tie_weights(model):
    model.embed.W_E = nn.Parameter(model.embed.W_E.detach().clone())
    embed = model.embed
    del model.unembed.W_U
    kind = type(model.unembed)
    model.unembed.__class__ = type("Tied", (kind,), {"W_U": property(lambda self: embed.W_E.T)})


# %% wrong="forward replaced, and no W_U left to read"
def tie_weights(model):
    embed, unembed = model.embed, model.unembed
    del unembed.W_U
    unembed.forward = lambda x: x @ embed.W_E.T + unembed.b_U
