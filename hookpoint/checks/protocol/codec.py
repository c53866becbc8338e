"""Plain values as a JSON tree and a list of tensors. Nothing is pickled and nothing that arrives is trusted.

What is not plain (functions, modules, iterators, the learner's own objects) never crosses: `Packer` asks its caller
for a reference instead, and `Unpacker` asks its caller to resolve one. Shapes, dtypes, strides, tuple keys, Counters,
NaN and the states of generators survive the trip. Every limit is counted while packing and again while unpacking.
"""

import base64
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from hookpoint.model import Config, TrainConfig

from .blobs import NAME, raw

__all__ = ["MAX_BYTES", "RECORDS", "NotCarried", "Packer", "Parcel", "Unpacker", "identical"]

MAX_DEPTH = 40
MAX_NODES = 200_000
MAX_BYTES = 64 << 20
MAX_HEX = 1_000  # hex digits of an integer: Python refuses to print integers of more than 4,300 decimal digits
MOST_ALIKE = 100  # keys with one hash: numbers can be chosen so, and putting n of them in takes n * n steps
LONGEST_FLOAT = 40  # characters
EXACT = 2**53  # larger integers do not survive JSON readers that use doubles

DTYPES = {str(value).removeprefix("torch."): value for value in vars(torch).values() if isinstance(value, torch.dtype)}
# The frozen dataclasses of the course that cross by value.
RECORDS: dict[str, type] = {"Config": Config, "TrainConfig": TrainConfig}


class NotCarried(Exception):
    """The value is too large, too deep or too odd to cross."""


@dataclass
class Parcel:
    """What crosses: a tree of JSON values, and the tensors it refers to by index."""

    tree: Any = None
    tensors: list[Tensor] = field(default_factory=list)


class Packer:
    """Turns values into nodes of one parcel.

    `live` keeps the differentiable originals and `generators` the generators, in the order in which they were met: the
    other side meets them in the same order, so gradients and generator states find their way back without names.
    """

    def __init__(self, refer: Callable[[Any], Any]):
        self.refer = refer
        self.tensors: list[Tensor] = []
        self.live: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self.nodes = self.bytes = 0

    def pack(self, value: Any, depth: int = 0) -> Any:
        """The node for `value`. Raises `NotCarried` when a limit is passed."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise NotCarried("is too deep or too long to be checked")
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is int and -EXACT < value < EXACT:  # the rest of these lines: what is met most, without a call
            return value
        if kind is str:
            self.weigh(len(value))
            return value
        if kind is float and math.isfinite(value):
            return value
        pack = PACK.get(kind) or next((pack for one, pack in PACK.items() if isinstance(value, one)), None)
        if pack is not None:
            return pack(self, value, depth + 1)
        record = RECORDS.get(type(value).__name__)
        if record is not None and type(value) is record:
            values = [getattr(value, entry.name) for entry in fields(record)]
            return {"$": "record", "type": record.__name__, "items": self.items(values, depth + 1)}
        return self.refer(value)

    def items(self, values, depth: int) -> list:
        return [self.pack(value, depth) for value in values]

    def text(self, value: str, _: int) -> str:
        exact = str.__str__(value)  # a subclass may lie about itself
        self.weigh(len(exact))
        return exact

    def integer(self, value: int, _: int) -> Any:
        exact = int.__int__(value)
        if exact.bit_length() > 4 * MAX_HEX:
            raise NotCarried("is an integer of thousands of digits")
        return exact if abs(exact) < EXACT else {"$": "int", "hex": hex(exact)}

    def number(self, value: float, _: int) -> Any:
        exact = float.__float__(value)
        return exact if math.isfinite(exact) else {"$": "float", "text": repr(exact)}

    def raw(self, value: bytes, _: int) -> dict:
        self.weigh(len(value))
        return {"$": "bytes", "text": base64.b64encode(value).decode()}

    def mapping(self, value: dict, depth: int) -> dict:
        kind = "Counter" if isinstance(value, Counter) else "dict"
        return {"$": kind, "items": [self.items(pair, depth) for pair in dict.items(value)]}

    def generator(self, value: torch.Generator, _: int) -> dict:
        self.generators.append(value)
        return {"$": "generator", "state": self.keep(value.get_state())}

    def tensor(self, value: Tensor, _: int) -> Any:
        plain = plain_tensor(value)
        if plain is None:
            return self.refer(value)
        node = {"$": "tensor", "at": self.keep(plain)}
        if not plain.is_contiguous() and 0 not in plain.stride():
            node["stride"] = list(plain.stride())
        if plain.requires_grad:
            node["grad"] = True
            self.live.append(value)
        return node

    def keep(self, tensor: Tensor) -> int:
        if tensor.dtype not in NAME:
            raise NotCarried(f"has the dtype {tensor.dtype}, which is not carried")
        self.weigh(tensor.nbytes)
        self.tensors.append(in_order(tensor))  # copied by `laid_out`, or on its way
        return len(self.tensors) - 1

    def weigh(self, size: int) -> None:
        self.bytes += size
        if self.bytes > MAX_BYTES:
            raise NotCarried(f"is larger than {MAX_BYTES >> 20} MB")


PACK: dict[type, Callable[[Packer, Any, int], Any]] = {
    str: Packer.text,
    int: Packer.integer,
    float: Packer.number,
    bytes: Packer.raw,
    list: lambda packer, value, depth: packer.items(list.__iter__(value), depth),
    tuple: lambda packer, value, depth: {"$": "tuple", "items": packer.items(tuple.__iter__(value), depth)},
    set: lambda packer, value, depth: {"$": "set", "items": packer.items(value, depth)},
    frozenset: lambda packer, value, depth: {"$": "set", "items": packer.items(value, depth)},
    dict: Packer.mapping,
    torch.dtype: lambda packer, value, depth: {"$": "dtype", "name": str(value).removeprefix("torch.")},
    torch.Generator: Packer.generator,
    Tensor: Packer.tensor,
}


class Unpacker:
    """Rebuilds the values of a parcel with fresh tensors; `live` and `generators` mirror the packer's."""

    def __init__(self, parcel: Parcel, resolve: Callable[[dict], Any]):
        self.parcel, self.resolve = parcel, resolve
        self.live: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self.taken: set[int] = set()
        self.nodes = 0

    def unpack(self, node: Any, depth: int = 0) -> Any:
        """The value of `node`. Raises whatever a malformed node causes: the caller treats any error as a lost peer."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise NotCarried("is too deep or too long to be read")
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        if isinstance(node, list):
            return self.items(node, depth + 1)
        return self.tagged(node, depth + 1)

    def items(self, nodes: list, depth: int) -> list:
        return [self.unpack(node, depth) for node in nodes]

    def tagged(self, node: dict, depth: int) -> Any:
        kind = node["$"]
        if kind == "tensor":
            return self.tensor(node, demanded(node["at"], int))
        if kind == "tuple":
            return tuple(self.items(demanded(node["items"], list), depth))
        unpack = UNPACK.get(kind)
        return self.resolve(node) if unpack is None else unpack(self, node, depth)

    def integer(self, node: dict, _: int) -> int:
        return int(demanded(node["hex"], str, MAX_HEX + 3), 16)

    def number(self, node: dict, _: int) -> float:
        return float(demanded(node["text"], str, LONGEST_FLOAT))

    def raw(self, node: dict, _: int) -> bytes:
        return base64.b64decode(demanded(node["text"], str), validate=True)

    def unordered(self, node: dict, depth: int) -> set:
        values = self.items(demanded(node["items"], list), depth)
        refuse_alike(values)
        return set(values)

    def dtype(self, node: dict, _: int) -> torch.dtype:
        return DTYPES[node["name"]]  # by table: a name must never be looked up on a module

    def generator(self, node: dict, _: int) -> torch.Generator:
        state = self.take(demanded(node["state"], int))
        self.generators.append(torch.Generator())
        return self.generators[-1].set_state(state)

    def record(self, node: dict, depth: int) -> Any:
        return RECORDS[node["type"]](*self.items(demanded(node["items"], list), depth))

    def mapping(self, pairs: list, depth: int) -> dict:
        pairs = [self.items(pair, depth) for pair in pairs]
        refuse_alike([key for key, _ in pairs])
        return dict(pairs)

    def tensor(self, node: dict, at: int) -> Tensor:
        tensor = laid_out(self.take(at), node.get("stride"))
        if node.get("grad"):
            tensor.requires_grad_()
            self.live.append(tensor)
        return tensor

    def take(self, at: int) -> Tensor:
        """A tensor of the parcel, once: copies for many nodes that name it would have no bound."""
        if at < 0 or at in self.taken:
            raise NotCarried("names a tensor that is not there, or twice")
        self.taken.add(at)
        return self.parcel.tensors[at]


UNPACK: dict[str, Callable[[Unpacker, dict, int], Any]] = {
    "dict": lambda unpacker, node, depth: unpacker.mapping(demanded(node["items"], list), depth),
    "Counter": lambda unpacker, node, depth: Counter(unpacker.mapping(demanded(node["items"], list), depth)),
    "int": Unpacker.integer,
    "float": Unpacker.number,
    "bytes": Unpacker.raw,
    "set": Unpacker.unordered,
    "dtype": Unpacker.dtype,
    "generator": Unpacker.generator,
    "record": Unpacker.record,
}


def demanded(value: Any, kind: type, longest: int = MAX_BYTES) -> Any:
    """The part of a node, which must be of this kind."""
    if type(value) is not kind or (kind is str and len(value) > longest):
        raise NotCarried("has a part that is not what it should be")
    return value


def refuse_alike(keys: list) -> None:
    if len(keys) > MOST_ALIKE and max(Counter(map(hash, keys)).values()) > MOST_ALIKE:
        raise NotCarried("has too many keys that hash alike")


def plain_tensor(tensor: Tensor) -> Tensor | None:
    """The tensor without a subclass that might lie about itself; None if it has no ordinary storage on the CPU."""
    with torch._C.DisableTorchFunctionSubclass():
        try:
            plain = tensor if type(tensor) in (Tensor, torch.nn.Parameter) else tensor.as_subclass(Tensor)
            ordinary = plain.layout is torch.strided and plain.is_cpu and not plain.is_quantized
            return plain if ordinary and (plain.numel() == 0 or plain.data_ptr()) else None
        except Exception:
            return None


def laid_out(tensor: Tensor, stride: list[int] | None) -> Tensor:
    """A fresh copy with the sender's order of axes in memory, where that order is a plain permutation."""
    if not stride or len(stride) != tensor.ndim:
        return tensor.clone()
    order = sorted(range(tensor.ndim), key=lambda axis: -stride[axis])
    copy = tensor.permute(order).clone(memory_format=torch.contiguous_format)
    return copy.permute([order.index(axis) for axis in range(tensor.ndim)])


def identical(a: Parcel, b: Parcel) -> bool:
    """Whether two parcels hold the same bits, NaN included: how an argument edited in place is found."""
    return a.tree == b.tree and len(a.tensors) == len(b.tensors) and all(map(same_bits, a.tensors, b.tensors))


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether two plain tensors hold the same bits, whatever their order in memory."""
    return a.dtype == b.dtype and a.shape == b.shape and raw(in_order(a)) == raw(in_order(b))


def in_order(tensor: Tensor) -> Tensor:
    """The same numbers, as they lie in memory one after the other: a copy only where they do not."""
    plain = tensor.detach()
    if plain.is_contiguous() and not (plain.is_conj() or plain.is_neg()):
        return plain
    return plain.clone(memory_format=torch.contiguous_format)
