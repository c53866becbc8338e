"""What answers leave in their process is seen, whether or not Python numbers the states of a dictionary."""

import pytest
import torch

from hookpoint.grading.sandbox import traces, writes


@pytest.fixture(params=[True, False], ids=["numbered", "looked through"], autouse=True)
def way(request, monkeypatch):
    if request.param and not writes.NUMBERED:
        pytest.skip("this Python does not number them")
    monkeypatch.setattr(writes, "NUMBERED", request.param)


def noted():
    """Made in the test itself: pytest changes the environment between a fixture and its test."""
    found = traces.Traces()
    found.begin({"f": lambda x: x})
    return found


@pytest.mark.parametrize(
    ("place", "name"), [(torch, "full"), (torch.Tensor, "sum"), (torch.nn.Linear, "forward"), (torch.nn, "new_name")]
)
def test_a_change_of_a_library_is_seen_and_so_is_its_end(monkeypatch, place, name):
    found = noted()
    assert not found.left()
    with monkeypatch.context() as patch:
        patch.setattr(place, name, 0, raising=False)
        assert found.left()
    assert not found.left()


def test_pythons_own_notes_are_no_traces():
    found = noted()
    assert isinstance(torch.nn.Identity.__annotations__, dict)  # asked for once, it stays
    assert not found.left()


def test_libraries_are_only_looked_through_where_states_are_not_numbered(monkeypatch):
    found, looks = noted(), []
    same = traces.same
    monkeypatch.setattr(traces, "same", lambda now, was: (looks.append(now), same(now, was))[1])
    assert not found.left()
    assert len(looks) == 1 if writes.NUMBERED else len(looks) > 100  # one: the submission's own names
