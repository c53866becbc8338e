"""What is given of an instance comes back as it was, and an archive of several says nothing of their order."""

import pytest
import torch
from hypothesis import given as of
from hypothesis import strategies as st

from hookpoint.challenges import given
from hookpoint.errors import HookpointError
from hookpoint.model import Config

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@of(st.dictionaries(st.text(min_size=1, max_size=5), PLAIN, max_size=4))
def test_plain_values_come_back_as_they_were(values):
    assert given.from_bytes(given.to_bytes(values)) == values


def test_models_come_back_as_they_were():
    weights = {"embed.W_E": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.bool)}
    cfg = Config(d_vocab=5, n_ctx=4, d_model=4, n_layers=1, n_heads=1, d_head=4, d_mlp=8)

    back = given.from_bytes(given.to_bytes({"cfg": cfg, "weights": weights, "some": [weights["b"]]}))

    assert back["cfg"] == cfg and back["weights"].keys() == weights.keys()
    assert all(torch.equal(back["weights"][name], one) for name, one in weights.items())
    assert torch.equal(back["some"][0], weights["b"])


def test_an_archive_is_the_same_in_whatever_order(tmp_path):
    entries = [given.to_bytes({"n": number}) for number in range(5)]

    assert given.archive(entries) == given.archive(entries[::-1])
    (tmp_path / "a.zip").write_bytes(given.archive(entries))
    assert sorted(one["n"] for one in given.read(tmp_path / "a.zip")) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"", b"\x00" * 9, b"PK\x03\x04", b'{"a": 1}'])
def test_what_is_none_is_refused_in_one_line(data, tmp_path):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(HookpointError):
        given.from_bytes(data)
    with pytest.raises(HookpointError):
        list(given.read(tmp_path / "a.zip"))
