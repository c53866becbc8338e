"""Hidden Markov processes, their exact Bayes beliefs, and words drawn from them.

A process is one tensor `T[symbol, state, next]`: the probability of emitting the symbol *and* moving to the next state,
given the state now. So an emission belongs to a move, and what is believed after a symbol is about the state the move
ended in. Everything here is float64 and exact; only `sample` draws random numbers.

    prior                     what is believed before the first symbol
    prior @ T[o]              how probable it is that o was emitted and that the process is now in each state
    the same, over its sum    what is believed after o
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Process:
    """A hidden Markov process that starts in its stationary distribution, so that no position is special.

    Attributes:
        T: `T[symbol, state, next]`, as the module says; summed over symbols and next states it is 1 for every state.
        prior: The distribution over states before the first symbol.
    """

    T: Float[Tensor, "symbol state next"]
    prior: Float[Tensor, " state"]

    @property
    def n_symbols(self) -> int:
        return self.T.shape[0]

    def sample(self, n: int, length: int, generator: torch.Generator) -> Int[Tensor, "n length"]:
        """n words that the process emits, as int64 symbols."""
        n_states = len(self.prior)
        moves = self.T.permute(1, 0, 2).flatten(1)  # [state, (symbol next)]
        state = self.prior.expand(n, -1).multinomial(1, generator=generator).squeeze(1)
        symbols = []
        for _ in range(length):
            move = moves[state].multinomial(1, generator=generator).squeeze(1)
            symbols.append(move // n_states)
            state = move % n_states
        return torch.stack(symbols, dim=1)

    def beliefs(self, words: Int[Tensor, "n length"]) -> Float[Tensor, "n length state"]:
        """What an ideal observer believes about the state after each symbol: `forward_filter` from the prior."""
        return forward_filter(self.T, self.prior, words)

    def next_symbol(self, beliefs: Float[Tensor, "*batch state"]) -> Float[Tensor, "*batch symbol"]:
        """The probability of each next symbol under those beliefs: the best possible prediction."""
        return beliefs @ self.T.sum(dim=2).T

    def words(self, length: int) -> tuple[Int[Tensor, "n length"], Float[Tensor, " n"]]:
        """Every word of that length which the process can emit, in lexicographic order, and its probability."""
        words, mass = torch.zeros(1, 0, dtype=torch.int64), self.prior[None]
        for _ in range(length):
            # [word, symbol, next]: the probability of each word so far, one symbol longer, by the state it ends in.
            mass = torch.einsum("ws,ost->wot", mass, self.T).flatten(0, 1)
            symbols = torch.arange(self.n_symbols).repeat(len(words))
            words = torch.cat([words.repeat_interleave(self.n_symbols, dim=0), symbols[:, None]], dim=1)
            possible = mass.sum(dim=1) > 0
            words, mass = words[possible], mass[possible]
        return words, mass.sum(dim=1)

    def optimal_loss(self, length: int) -> Float[Tensor, " length"]:
        """The lowest possible mean loss, in nats, of predicting the symbol at each position of a word."""
        words, probability = self.words(length)
        before = torch.cat([self.prior.expand(len(words), 1, -1), self.beliefs(words)[:, :-1]], dim=1)
        surprise = -self.next_symbol(before).gather(2, words[:, :, None]).squeeze(2).log()
        return probability @ surprise


def forward_filter(
    T: Float[Tensor, "symbol state next"], prior: Float[Tensor, " state"], obs: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos state"]:
    """The belief about the state after each symbol, by Bayes' rule, one symbol at a time.

    It is normalised at each step, so a long word does not underflow.

    Raises:
        ValueError: A word cannot be emitted by the process; then there is nothing to believe after it.
    """
    belief, beliefs = prior.expand(len(obs), -1), []
    for position, symbols in enumerate(obs.T):
        joint = torch.einsum("bs,bst->bt", belief, T[symbols])
        evidence = joint.sum(dim=1, keepdim=True)
        if (evidence == 0).any():
            row = int((evidence == 0).nonzero()[0, 0])
            raise ValueError(
                f"forward_filter: row {row} has probability 0 from position {position} on: "
                f"no state in which it could be emits {int(symbols[row])}."
            )
        belief = joint / evidence
        beliefs.append(belief)
    return torch.stack(beliefs, dim=1)


def stationary(T: Float[Tensor, "symbol state next"]) -> Float[Tensor, " state"]:
    """The distribution over states that one move does not change.

    Raises:
        ValueError: There is more than one: the process falls into parts that do not reach each other.
    """
    move = T.sum(dim=0)
    n = len(move)
    # p (move - 1) = 0 and sum(p) = 1, as one overdetermined system with exactly one solution.
    system = torch.cat([move.T - torch.eye(n, dtype=T.dtype), torch.ones(1, n, dtype=T.dtype)])
    if torch.linalg.matrix_rank(system) < n:
        raise ValueError("stationary: the process has several parts that do not reach each other, so no one prior.")
    target = torch.zeros(n + 1, 1, dtype=T.dtype)
    target[-1] = 1
    return torch.linalg.lstsq(system, target).solution.squeeze(1)


def mess3(x: float = 0.15, a: float = 0.6) -> Process:
    """Three states and three symbols (Marzen & Crutchfield 2017): the beliefs form a fractal triangle.

    The state stays with probability 1 - 2x and moves to each of the others with x; the symbol is the one of the state
    that was moved to with probability a, and each of the other two with (1 - a) / 2.
    """
    stay, emit = torch.eye(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    move = stay * (1 - 2 * x) + (1 - stay) * x
    emit = emit * a + (1 - emit) * (1 - a) / 2  # [next, symbol]
    T = torch.einsum("st,to->ost", move, emit)
    return Process(T, stationary(T))


def clock(hours: int = 3, late: float = 0.1, right: float = 0.9) -> Process:
    """A hand that goes round `hours` hours, and a bell that is meant to ring at the first: two symbols.

    The hand moves on by one hour, or with probability `late` stays where it is; then the bell rings (1) or not (0), as
    it should with probability `right`. The next symbol is one number, whether it will ring, and the belief about the
    hour is `hours - 1` numbers: so most of what is to be known about the hour is not in the next symbol's probability.
    """
    stay = torch.eye(hours, dtype=torch.float64)
    move = (1 - late) * stay.roll(1, dims=1) + late * stay
    rings = torch.full((hours,), 1 - right, dtype=torch.float64)
    rings[0] = right
    T = torch.einsum("st,ot->ost", move, torch.stack([1 - rings, rings]))
    return Process(T, stationary(T))


# Where each symbol leads from each state of rrxor; a state without an entry for a symbol cannot emit it.
_RRXOR = {
    "start": {0: "saw 0", 1: "saw 1"},
    "saw 0": {0: "owes 0", 1: "owes 1"},
    "saw 1": {0: "owes 1", 1: "owes 0"},
    "owes 0": {0: "start"},
    "owes 1": {1: "start"},
}
RRXOR_STATES = tuple(_RRXOR)


def rrxor() -> Process:
    """Two coin flips, then their exclusive-or, over and over: five states (`RRXOR_STATES`) and two symbols.

    A stretch of it looks like coin flips until one knows where the triples begin, so what is believed is mostly about
    the phase, of which the next symbol tells little.
    """
    n = len(RRXOR_STATES)
    T = torch.zeros(2, n, n, dtype=torch.float64)
    for state, moves in _RRXOR.items():
        for symbol, following in moves.items():
            T[symbol, RRXOR_STATES.index(state), RRXOR_STATES.index(following)] = 1 / len(moves)
    return Process(T, stationary(T))
