"""The learner's side as a process: a warmed parent, one fork per submission, one fork per judgement.

Run as `python -m hookpoint.checks.protocol.nursery FD`. It reads cells from a socket that only the fork of that
submission holds, so nothing of one learner is ever in the parent.
"""

import gc
import json
import os
import signal
import socket
import struct
import sys

import torch

from hookpoint.content.cells import Cell
from hookpoint.content.execute import run_cells

from .bench import Bench
from .peer import Lost
from .practice import practise
from .wire import Wire, receive_frame

__all__ = ["main"]

PID = struct.Struct("<i")


def main(fd: int) -> None:
    """Serves submissions until the other side closes the socket."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    control = socket.socket(fileno=fd)
    warm()
    gc.collect()
    gc.freeze()  # so that collections in the children do not copy the parent's pages
    control.send(b"r")
    serve_forks(control, lambda sock: (control.close(), submission(sock)))


def serve_forks(control: socket.socket, work) -> None:
    """Forks `work(socket)` for every socket that arrives, and says the fork's process id."""
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            try:
                work(socket.socket(fileno=fds[0]))
            finally:
                os._exit(0)
        os.close(fds[0])
        control.send(PID.pack(pid))


def submission(control: socket.socket) -> None:
    """Runs the cells, then forks one leaf per judgement."""
    silence()
    cells = [Cell(**fields) for fields in json.loads(receive_frame(control))]
    loaded = run_cells(cells)
    problems = loaded.why_missing(cells)
    gc.freeze()
    serve_forks(control, lambda sock: (control.close(), leaf(sock, loaded.names, problems)))


def leaf(sock: socket.socket, names: dict, problems: dict[str, str]) -> None:
    wire = Wire(sock, None)
    bench = Bench(names, wire.exchange, problems)
    wire.serve = bench.serve
    try:
        wire.listen()
    except Lost:
        bench.end()


def silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def warm() -> None:
    """Does once what every child would otherwise pay for: lazy imports cost ten times a child's own work."""
    import einops
    from torch.nn import functional as F

    x = torch.randn(2, 3, 8, requires_grad=True)
    einops.einsum(einops.rearrange(x, "b t (h k) -> b h t k", h=2), x, "b h t k, b t d -> b d")
    torch.autograd.grad(F.layer_norm(x, (8,)).sum(), x)
    torch.func.functional_call(torch.nn.Linear(8, 1), {}, (x,))
    practise()


if __name__ == "__main__":
    main(int(sys.argv[1]))
