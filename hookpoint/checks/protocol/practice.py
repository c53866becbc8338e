"""What the learner's side does all the time, done beforehand by the process that others are forked from.

Python makes code faster in place after it has run a few times, and writes to its memory as it does. A fork that ran it
first would pay for both: it would copy each page that it writes to. Nothing here knows of a check.
"""

import socket
from collections.abc import Callable

import torch

from hookpoint.content.cells import Cell
from hookpoint.content.execute import run_cells

from .bench import Bench
from .desk import BEFORE, Desk
from .peer import Exchange, Raised
from .ref import Learner
from .wire import ANSWER, QUESTION, Wire

__all__ = ["practise"]

ROUNDS = 10  # Python 3.11 begins to make a function faster when it is called for the eighth time
CELLS = (
    "import torch\nfrom torch import Tensor, nn\n",
    "def product(x: Tensor, y: Tensor, scale: float = 1.0) -> Tensor:\n    return x * y * scale\n",
    "class Layer(nn.Module):\n"
    "    def __init__(self, width: int):\n        super().__init__()\n"
    "        self.weight = nn.Parameter(torch.ones(width, width))\n\n"
    "    def forward(self, x: Tensor) -> Tensor:\n        return x @ self.weight\n",
    "def applied(function, value):\n    return function(value)\n",
    "def failing(x):\n    raise ValueError(x)\n",
)
DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool)


def practise(rounds: int = ROUNDS) -> None:
    """Runs cells, and calls what they define over a wall both of whose ends are here."""
    one, other = socket.socketpair()
    with one, other:
        here, there, desk = Wire(one, None), Wire(other, None), Desk()
        desk.far = True
        for _ in range(rounds):
            names = run_cells([Cell("", "own", None, source, at) for at, source in enumerate(CELLS)]).names
            bench = Bench(names, over(there, here, desk.serve))
            desk.exchange = over(here, there, bench.serve)
            desk.begin(forbids=("softmax", "gelu"), needs={"given": len}, exercise="practice")
            a_check(Learner(desk))
            bench.end()


def over(mine: Wire, theirs: Wire, serve: Callable) -> Exchange:
    """Asks over the wire, and lets the other end answer in between."""

    def exchange(parcel):
        mine.send(QUESTION, parcel)
        theirs.send(ANSWER, serve(theirs.receive()[1]))
        return mine.receive()[1]

    return exchange


def a_check(learner: Learner) -> None:
    """Every kind of call that checks are made of."""
    for dtype in DTYPES:
        x = torch.ones(2, 3, dtype=dtype)
        learner.product(x, x.mT.contiguous().mT, scale=2)
    x, y = (torch.ones(2, 3, requires_grad=True) for _ in range(2))
    torch.autograd.grad(learner.product(x, y).sum(), (x, y))
    fit = learner.given.fit, (BEFORE, {"weight": torch.ones(3, 3)})
    layer, _ = learner._desk.together([(learner.Layer, (3,)), fit])
    layer(x.detach())
    learner.applied(torch.neg, x.detach())
    learner.applied(lambda value: value, ["a", 1, 2.5, None, (True, b"x"), {"b": {1, 2}}])
    for function, argument in ((learner.failing, 1), (learner.nothing, 1), (learner.product, torch.Generator())):
        try:
            function(argument)
        except Raised:
            continue
