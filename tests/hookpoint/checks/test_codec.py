"""Plain values survive the trip; what is too large, too deep or malformed does not get through."""

import json
import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hookpoint.checks.protocol.blobs import join, split
from hookpoint.checks.protocol.codec import NotCarried, Packer, Parcel, Unpacker, identical, same_bits
from hookpoint.model import Config

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
KEYS = st.integers() | st.text() | st.tuples(st.text(), st.integers())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner) | st.frozensets(KEYS).map(set)
    ),
    max_leaves=20,
)


def refuse(value):
    raise NotCarried(f"a {type(value).__name__} came to the wall")


def unknown(node):
    raise ValueError("unknown node")


def packed(value) -> Parcel:
    packer = Packer(refuse)
    return Parcel(packer.pack(value), packer.tensors)


def trip(value):
    """Packs, writes JSON and the tensors' bytes, reads them again, unpacks."""
    parcel = packed(value)
    about, blob = join(parcel.tensors)
    tree, about = json.loads(json.dumps([parcel.tree, about]))
    arrived = Parcel(tree, split(about, bytearray(blob)))
    return Unpacker(arrived, unknown).unpack(arrived.tree)


def told(value) -> str:
    """The value in words: as `repr`, but a set's elements have an order. NaN is told as itself."""
    if isinstance(value, dict):
        return f"dict of {[(told(key), told(kept)) for key, kept in value.items()]}"
    if isinstance(value, set):
        return f"set of {sorted(map(told, value))}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {list(map(told, value))}"
    return repr(value)


@given(VALUES)
def test_plain_values_survive_the_trip(value):
    assert told(trip(value)) == told(value)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
def test_tensors_keep_dtype_shape_and_values(dtype):
    tensor = (torch.arange(12).reshape(3, 4) % 5).to(dtype)
    back = trip(tensor)
    assert back.dtype == dtype and torch.equal(back, tensor)


def test_nan_and_infinity_survive():
    back = trip([math.nan, torch.tensor([math.nan, -math.inf])])
    assert math.isnan(back[0]) and back[1][0].isnan() and back[1][1] == -math.inf


def test_the_layout_in_memory_survives():
    tensor = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)
    assert trip(tensor).stride() == tensor.stride()


def test_numbers_that_torch_has_only_promised_survive():
    conjugate = torch.tensor([1 + 2j, 3 - 4j]).conj()
    assert conjugate.is_conj() and trip(conjugate).tolist() == [1 - 2j, 3 + 4j]
    assert conjugate.imag.is_neg() and trip(conjugate.imag).tolist() == [-2, 4]


@pytest.mark.parametrize("tensor", [torch.zeros(2, 3), torch.zeros(3, 2).mT, torch.zeros(1).expand(3)], ids=str)
def test_what_arrives_shares_no_memory_with_what_was_sent(tensor):
    parcel = packed(tensor)  # as it crosses within one process
    Unpacker(parcel, unknown).unpack(parcel.tree).fill_(1)
    assert not tensor.any() and not parcel.tensors[0].any()


def test_an_empty_and_a_scalar_tensor_survive():
    assert trip(torch.zeros(0, 3)).shape == (0, 3) and trip(torch.tensor(2.5)).item() == 2.5


def test_counters_configs_and_dtypes_survive():
    cfg = Config(d_vocab=5, n_ctx=3, d_model=4, n_layers=1, n_heads=2, d_head=3, d_mlp=7)
    back = trip({"c": Counter("hello"), "cfg": cfg, "d": torch.float64})
    assert back == {"c": Counter("hello"), "cfg": cfg, "d": torch.float64} and type(back["c"]) is Counter


def test_a_generator_arrives_in_the_same_state():
    generator = torch.Generator().manual_seed(7)
    assert torch.equal(torch.rand(3, generator=trip(generator)), torch.rand(3, generator=generator))


def test_a_lying_subclass_is_stripped():
    class Liar(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return True

    back = trip(torch.tensor([1.0, 2.0]).as_subclass(Liar))
    assert type(back) is torch.Tensor and back.tolist() == [1.0, 2.0]


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [nested(50), list(range(300_000)), 10**5000, "x" * (70 << 20), torch.zeros(20 << 20)],
    ids=["deep", "long", "a huge integer", "long text", "a large tensor"],
)
def test_too_much_is_refused_while_packing(value):
    with pytest.raises(NotCarried):
        packed(value)


@pytest.mark.parametrize(
    "node",
    [
        {"$": "dtype", "name": "__loader__"},
        {"$": "record", "type": "Popen", "items": [["true"]]},
        {"$": "tensor", "at": 3},
        {"$": "tensor", "at": -1},
        {"$": "int", "hex": "0x" + "f" * 2_000_000},
        {"$": "tuple", "items": "abc"},
        {"$": "bytes", "text": "%%%"},
        {"$": "surprise"},
        {"no tag": 1},
        nested(100),
    ],
    ids=str,
)
def test_malformed_nodes_are_refused(node):
    with pytest.raises((ValueError, KeyError, IndexError, TypeError, NotCarried)):
        Unpacker(Parcel(node, [torch.zeros(1)]), unknown).unpack(node)


def test_identical_sees_a_single_bit():
    tensor = torch.tensor([0.0, math.nan])
    assert identical(packed(tensor), packed(tensor.clone()))
    assert not identical(packed(tensor), packed(torch.tensor([-0.0, math.nan])))
    turned = torch.arange(6.0).reshape(2, 3).mT
    assert identical(packed(turned), packed(turned.clone())) and same_bits(turned, turned.contiguous())
    assert not same_bits(turned, turned.reshape(2, 3).mT.contiguous())
