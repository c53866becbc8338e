"""What an exercise builds itself, and so may not be called: families of torch functions, libraries, the network."""

import builtins
import functools
import socket
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import torch
from torch.nn.utils import clip_grad
from torch.overrides import TorchFunctionMode

__all__ = ["FAMILIES", "NETWORK", "Forbidden", "bans"]

FUNCTIONS = {  # words in the names under which torch runs every spelling of what an exercise builds itself
    "softmax": ("softmax", "softmin", "cross_entropy", "scaled_dot_product", "multi_head_attention"),
    "layer_norm": ("layer_norm", "batch_norm", "group_norm", "instance_norm"),
    "attention": ("scaled_dot_product", "multi_head_attention"),
    "gelu": ("gelu",),
    "cross_entropy": ("cross_entropy", "nll_loss"),
    "optim": ("adam", "sgd"),
    "autograd": ("requires_grad", "backward", "make_dual", " grad "),  # spaces: the whole name
}
LIBRARIES = {"tokenizers": ("tokenizers", "tiktoken", "transformers", "sentencepiece")}
NETWORK = "the network"
FAMILIES = {*FUNCTIONS, *LIBRARIES, "network", "clip_grad"}


class Forbidden(Exception):
    """The learner called what the exercise asks them to build. The text continues 'f(x) uses ...'."""


class Ban(TorchFunctionMode):
    """Stops every spelling of the named families: `F.softmax`, `x.softmax`, `torch.special.softmax`, `nn.Softmax`.

    A function mode, not a dispatch mode: the first use of a dispatch mode imports torch._dynamo, a full second.
    """

    def __init__(self, words: tuple[str, ...]):
        super().__init__()
        self.words = words

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if names_one(name, self.words):
            raise Forbidden(f"torch's own {name.strip('_')}")
        return function(*args, **(kwargs or {}))


@functools.lru_cache(4096)
def names_one(name: str, words: tuple[str, ...]) -> bool:
    return any(word in f" {name} " for word in words)


@functools.cache
def words_of(families: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for family in families for word in FUNCTIONS.get(family, ()))


def bans(families: tuple[str, ...], function: Any) -> Iterator[AbstractContextManager]:
    """What keeps `function` from using what the families name, while it is called inside all of these.

    Raises:
        Forbidden: what a library gives can be reached from the function's code. In the contexts: it is called.
    """
    if words := words_of(families):
        yield Ban(words)
    if "optim" in families:
        yield mock.patch.object(torch.optim.Optimizer, "__init__", forbidding("torch.optim"))
    if "clip_grad" in families:
        yield mock.patch.object(clip_grad, "torch", Untouchable("torch's own clip_grad functions"))
    if "network" in families:
        for name in ("connect", "connect_ex", "sendto"):
            yield mock.patch.object(socket.socket, name, forbidding(NETWORK))
        yield mock.patch.object(socket, "getaddrinfo", forbidding(NETWORK))
    if roots := [root for family in families for root in LIBRARIES.get(family, ())]:
        refuse_reachable(function, roots)
        yield mock.patch.object(builtins, "__import__", importing(roots))


def forbidding(what: str) -> Callable:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise Forbidden(what)

    return refuse


class Untouchable:
    """Stands in for a module whose functions must not run."""

    def __init__(self, what: str):
        self.__dict__["what"] = what

    def __getattr__(self, name: str) -> Any:
        raise Forbidden(self.what)


def importing(roots: Sequence[str]) -> Callable:
    """`__import__` for code that may not import these libraries; what they import of themselves does not matter."""
    real = builtins.__import__

    def guarded(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in roots and root_of(sys._getframe(1).f_globals.get("__name__")) not in roots:
            raise Forbidden(f"the library {name.partition('.')[0]}")
        return real(name, *args, **kwargs)

    return guarded


def refuse_reachable(function: Any, roots: Sequence[str]) -> None:
    """Raises `Forbidden` if the code of a function or class names something that comes from these libraries."""
    waiting, seen = list(codes(function)), set()
    while waiting:
        code, scope = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        waiting += [(inner, scope) for inner in code.co_consts if isinstance(inner, types.CodeType)]
        for value in (scope[name] for name in code.co_names if name in scope):
            home = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
            home = home or type(value).__module__
            if root_of(home) in roots:
                raise Forbidden(f"the library {root_of(home)}")
            waiting += [pair for pair in codes(value) if pair[1] is scope]


def codes(value: Any) -> Iterator[tuple[types.CodeType, dict]]:
    """The code of a function, of a method, or of all that a class defines, each with its global names."""
    value = getattr(value, "__func__", value)
    members = vars(value).values() if isinstance(value, type) else [value]
    for member in members:
        member = getattr(member, "__func__", member)
        if isinstance(member, types.FunctionType):
            yield member.__code__, member.__globals__


def root_of(module: Any) -> str:
    return str(module).partition(".")[0]
