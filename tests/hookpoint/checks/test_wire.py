"""What a hostile or broken peer sends over the socket is refused, within the deadline, and never read as an answer."""

import json
import socket
import struct
import threading
import time

import pytest

from hookpoint.checks.protocol.codec import Parcel
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.peer import Lost, Raised, TimedOut
from hookpoint.checks.protocol.ref import Learner
from hookpoint.checks.protocol.wire import HEAD, Wire


def frame(tree, blob=b"", kind=b"!", about=()):
    raw = tree if isinstance(tree, bytes) else json.dumps([tree, about]).encode()
    return HEAD.pack(kind, len(raw), len(blob)) + raw + blob


def answer(value, notes=None, graph=None, states=None):
    pair = {"$": "tuple", "items": [value, {"$": "dict", "items": [] if notes is None else notes}]}
    return {"$": "tuple", "items": ["value", pair, graph, states or []]}


@pytest.fixture
def peer():
    """A function that calls `learner.f(1)` on a peer that sends these bytes, whatever it is asked."""
    sockets = []

    def peer(*replies, limit=2.0):
        ours, theirs = socket.socketpair()
        sockets.extend((ours, theirs))
        desk = Desk()
        desk.exchange = Wire(ours, desk.serve, limit).exchange

        def reply():
            theirs.recv(1 << 20)
            for data in replies:
                theirs.sendall(data)

        threading.Thread(target=reply, daemon=True).start()
        return Learner(desk).f(1)

    yield peer
    for sock in sockets:
        sock.close()


def test_an_honest_answer_is_read(peer):
    assert peer(frame(answer(7))) == 7


ATTACKS = {
    "not JSON": frame(b"\xff\xfe nonsense"),
    "bytes that no tensor has": frame(answer(7), b"\x00" * 40),
    "a tensor with fewer bytes than its shape": frame(answer(7), bytes(16), about=[["float32", [1000]]]),
    "a shape below zero": frame(answer(7), bytes(16), about=[["float32", [-1]]]),
    "an unknown dtype": frame(answer(7), bytes(16), about=[["load", [4]]]),
    "a giant length": struct.pack("<cIQ", b"!", 1 << 31, 0),
    "a giant blob": struct.pack("<cIQ", b"!", 2, 1 << 50),
    "an unknown kind of frame": frame(answer(7), kind=b"x"),
    "100,000 deep JSON": frame(b"[" * 100_000 + b"]" * 100_000),
    "an unknown tag": frame(answer({"$": "please", "eval": "1"})),
    "a tensor that was not sent": frame(answer({"$": "tensor", "at": 5})),
    "a negative handle": frame(answer({"$": "yours", "at": -1})),
    "what was not handed over": frame(answer({"$": "yours", "at": 0})),
    "a class by name": frame(answer({"$": "record", "type": "Popen", "items": [["true"]]})),
    "a dtype by attribute": frame(answer({"$": "dtype", "name": "load"})),
    "an integer of a million digits": frame(answer({"$": "int", "hex": "0x" + "f" * 1_000_000})),
    "no pair of value and notes": frame({"$": "tuple", "items": ["value", 7, None, []]}),
    "three items instead of four": frame({"$": "tuple", "items": ["value", 7, None]}),
    "generators we did not send": frame(
        answer(7, states=[{"$": "tensor", "at": 0}]), bytes(16), about=[["float32", [4]]]
    ),
    "a closed connection": b"",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_a_lost_peer(peer, attack):
    with pytest.raises((Lost, TimedOut)):
        peer(ATTACKS[attack], limit=0.5)


def test_a_graph_that_does_not_exist_gives_no_gradient():
    with pytest.raises(LookupError, match="unknown graph"):
        Desk().perform("pull", (7, []), Parcel())


@pytest.mark.parametrize("verb", ["call", "next", "shapes", "apply"])
def test_only_what_was_handed_over_can_be_called(verb):
    arguments = {"call": (0, (), {}, {}), "next": (0,), "shapes": (0, (), {}), "apply": (0, ((), {}), {}, (), {})}
    with pytest.raises(LookupError):
        Desk().perform(verb, arguments[verb], Parcel())


def test_an_unknown_verb_is_refused():
    with pytest.raises(LookupError):
        Desk().perform("eval", (0, "1"), Parcel())


def test_a_silent_peer_ends_at_the_deadline(peer):
    started = time.monotonic()
    with pytest.raises(TimedOut):
        peer(limit=0.3)
    assert time.monotonic() - started < 2


def test_a_dripping_peer_ends_at_the_deadline_too(peer):
    """The deadline bounds the whole answer, not each byte of it."""
    drops = [bytes([byte]) for byte in frame(answer(7))[:-1]]
    with pytest.raises(TimedOut):
        peer(*drops, limit=0.3)


def test_endless_calls_back_are_ended():
    desk = Desk()
    desk.begin()
    desk.refer(lambda: 1)
    desk.calls_back = 20_000
    answered = desk.serve(
        Parcel(
            {
                "$": "tuple",
                "items": [
                    "call",
                    {"$": "tuple", "items": [0, [], {"$": "dict", "items": []}, {"$": "dict", "items": []}]},
                ],
            }
        )
    )
    assert "without an end" in str(desk.pending) and answered.tree["items"][0] == "raised"


def test_error_text_is_made_harmless():
    from hookpoint.checks.protocol.bench import told

    assert told(ValueError("a\x1b[31mred\u202eevil\x00" + "x" * 5_000)).startswith("a?[31mred?evil?x")
    assert len(told(ValueError("x" * 5_000))) == 300


def test_a_raised_answer_of_a_strange_form_is_a_lost_peer(peer):
    tree = {"$": "tuple", "items": ["raised", {"$": "dict", "items": [["kinds", []]]}, None, []]}
    with pytest.raises((Lost, Raised)):
        peer(frame(tree))
