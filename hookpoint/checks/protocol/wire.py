"""Over the wall by frames on a private socket: JSON and safetensors, both bounded, under one deadline.

While one side waits for its answer it serves what the other asks meanwhile, so a model of ours may read the learner's
cache in the middle of their call.
"""

import json
import socket
import struct
import time
from collections.abc import Callable

from safetensors.torch import load, save

from .codec import MAX_BYTES, Parcel
from .peer import Lost, TimedOut

__all__ = ["Wire", "exactly", "receive_frame", "send_frame"]

HEAD = struct.Struct("<cIQ")  # question or answer, bytes of JSON, bytes of safetensors
SIZE = struct.Struct("<Q")
MAX_TREE = 16 << 20
MAX_FRAME = 32 << 20
QUESTION, ANSWER = b"?", b"!"


class Wire:
    """Carries parcels both ways over one socket.

    `limit` bounds an outermost exchange in seconds, reads and writes alike.
    """

    def __init__(self, sock: socket.socket, serve: Callable[[Parcel], Parcel] | None, limit: float | None = None):
        self.sock, self.serve, self.limit = sock, serve, limit
        self.depth = 0
        self.deadline = 0.0

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
        tree = json.dumps(parcel.tree, separators=(",", ":")).encode()
        blob = save({str(at): tensor for at, tensor in enumerate(parcel.tensors)}) if parcel.tensors else b""
        self.bounded(lambda: self.sock.sendall(HEAD.pack(kind, len(tree), len(blob)) + tree + blob))

    def receive(self) -> tuple[bytes, Parcel]:
        kind, tree, blob = HEAD.unpack(self.read(HEAD.size))
        if tree > MAX_TREE or blob > MAX_BYTES + (1 << 20) or kind not in (QUESTION, ANSWER):
            raise Lost("sent a frame that is too large")
        raw, packed = bytes(self.read(tree)), bytes(self.read(blob))
        try:
            tensors = load(packed) if packed else {}
            return kind, Parcel(json.loads(raw), [tensors[str(at)] for at in range(len(tensors))])
        except Exception as cause:
            raise Lost("sent a frame that cannot be read") from cause

    def read(self, count: int) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            got = self.bounded(lambda: self.sock.recv_into(view))  # noqa: B023 (called at once)
            if not got:
                raise Lost("closed the connection")
            view = view[got:]
        return data

    def bounded(self, act: Callable):
        if self.limit:
            self.sock.settimeout(max(self.deadline - time.monotonic(), 1e-3))
        try:
            return act()
        except TimeoutError:
            raise TimedOut(self.limit) from None
        except OSError as cause:
            raise Lost(str(cause)) from cause


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
