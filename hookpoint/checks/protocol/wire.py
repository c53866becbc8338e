"""Over the wall by frames on a private socket: JSON and the bytes of tensors, both bounded, under one deadline.

While one side waits for its answer it serves what the other asks meanwhile, so a model of ours may read the learner's
cache in the middle of their call.
"""

import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from .blobs import join, split
from .codec import MAX_BYTES, MAX_NODES, Parcel
from .peer import Lost, TimedOut

__all__ = ["Wire", "exactly", "receive_frame", "send_frame"]

HEAD = struct.Struct("<cIQ")  # question or answer, bytes of JSON, bytes of tensors
SIZE = struct.Struct("<Q")
MAX_TREE = 16 << 20
MAX_FRAME = 32 << 20
MAX_SUM = 512 << 20  # bytes of memory for what is received for one desk, whose transcript keeps it
TREE_WEIGHT = 20  # bytes of memory for a byte of JSON, at worst
MAX_MARKS = 8 * MAX_NODES  # commas and brackets in a frame's JSON: bounds the memory that reading it takes
READ = 1 << 16
QUESTION, ANSWER = b"?", b"!"
encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
decode = json.JSONDecoder().decode


class Wire:
    """Carries parcels both ways over one socket.

    `limit` bounds an outermost exchange in seconds, reads and writes alike; with it goes a limit to what is received in
    all. The side that serves has neither: it is killed if need be.
    """

    def __init__(self, sock: socket.socket, serve: Callable[[Parcel], Parcel] | None, limit: float | None = None):
        self.sock, self.serve, self.limit = sock, serve, limit
        self.depth = 0
        self.deadline = 0.0
        self.received = 0
        self.buffer = bytearray()  # read already, and not asked for yet

    def exchange(self, parcel: Parcel) -> Parcel:
        """Sends a question and returns its answer, serving the other side's questions until it comes."""
        if self.depth == 0 and self.limit:
            self.deadline = time.monotonic() + self.limit
        self.depth += 1
        try:
            self.send(QUESTION, parcel)
            while True:
                kind, received = self.receive()
                if kind == ANSWER:
                    return received
                self.send(ANSWER, self.serve(received))
        finally:
            self.depth -= 1

    def listen(self) -> None:
        """Serves questions until the other side closes the connection, which raises `Lost`."""
        while True:
            _, received = self.receive()
            self.send(ANSWER, self.serve(received))

    def send(self, kind: bytes, parcel: Parcel) -> None:
        about, blob = join(parcel.tensors)
        tree = encode([parcel.tree, about]).encode()
        self.hurry()
        self.bounded(self.sock.sendall, HEAD.pack(kind, len(tree), len(blob)) + tree + blob)

    def receive(self) -> tuple[bytes, Parcel]:
        self.hurry()
        kind, tree, blob = HEAD.unpack(self.read(HEAD.size))
        if tree > MAX_TREE or blob > MAX_BYTES + (1 << 20) or kind not in (QUESTION, ANSWER):
            raise Lost("sent a frame that is too large")
        self.received += tree * TREE_WEIGHT + blob
        if self.limit and self.received > MAX_SUM:
            raise Lost(f"sent more than {MAX_SUM >> 20} MB in all")
        raw, packed = self.read(tree), self.read(blob)
        if tree > MAX_MARKS and sum(raw.count(mark) for mark in b"[{,") > MAX_MARKS:
            raise Lost("sent a frame of too many parts")
        try:
            body, about = decode(raw.decode())
            return kind, Parcel(body, split(about, packed))
        except Exception as cause:
            raise Lost("sent a frame that cannot be read") from cause

    def read(self, count: int) -> bytearray:
        """The next `count` bytes. What arrives with them is kept: a small frame is read at once."""
        if len(self.buffer) < count:
            data = bytearray(count)
            view, have = memoryview(data), len(self.buffer)
            view[:have] = self.buffer
            self.buffer = bytearray()
            while have < count:
                got = self.bounded(self.sock.recv, max(count - have, READ))
                if not got:
                    raise Lost("closed the connection")
                took = min(len(got), count - have)
                view[have : have + took] = got[:took]
                have += took
                self.buffer += got[took:]
            return data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def hurry(self) -> None:
        """Sets how long the next frame may take."""
        if self.limit:
            self.sock.settimeout(max(self.deadline - time.monotonic(), 1e-3))

    def bounded(self, act: Callable, argument: Any) -> Any:
        try:
            done = act(argument)
        except TimeoutError:
            raise TimedOut(self.limit) from None
        except OSError as cause:
            raise Lost(str(cause)) from cause
        if self.limit and time.monotonic() > self.deadline:  # byte after byte, each of them in time
            raise TimedOut(self.limit)
        return done


def send_frame(sock: socket.socket, data: bytes) -> None:
    """Sends one block of bytes. The reader may be gone: that is found out when it is asked something."""
    try:
        sock.sendall(SIZE.pack(len(data)) + data)
    except (BrokenPipeError, ConnectionError):
        return


def receive_frame(sock: socket.socket) -> bytes:
    """The next block of bytes, whole. Raises `Lost` if it is cut short or too large."""
    size = SIZE.unpack(exactly(sock, SIZE.size))[0]
    if size > MAX_FRAME:
        raise Lost("sent a frame that is too large")
    return exactly(sock, size)


def exactly(sock: socket.socket, count: int) -> bytes:
    """`count` bytes, or `Lost`."""
    data = bytearray()
    while len(data) < count:
        part = sock.recv(min(count - len(data), 1 << 16))
        if not part:
            raise Lost("closed the connection")
        data += part
    return bytes(data)
