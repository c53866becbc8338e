"""The search behind an assignment: seats of judges at teams, first with even loads, then with even overlaps.

Loads: a seat is handed along a chain of judges, from one with more teams to one with at least two fewer. When there is
no such chain, the sum of the squares of the loads is the least there is, as always in a flow with convex costs; so
they differ by at most one whenever that is possible. Overlaps: two judges swap teams, which keeps the loads, if that
makes the sum of the squares of the overlaps no larger. This is a search with chance: good, not proven best.
"""

import random
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import combinations

__all__ = ["Seats", "connected"]

TRIES_PER_SEAT = 150
MOST_TRIES = 30_000  # a fifth of a second

Pinned = Mapping[str, set[str]]  # the judges who must stay at a team


class Seats:
    """Who rates what, while it is being worked out.

    Args:
        at: the judges of each team so far.
        may: those who may rate it, in a fixed order.
        judges: all who can take a team now.
        chance: the only source of chance.
    """

    def __init__(
        self, at: Mapping[str, set[str]], may: Mapping[str, list[str]], judges: list[str], chance: random.Random
    ):
        self.at = {team: set(seated) for team, seated in at.items()}
        self.may = {team: set(allowed) for team, allowed in may.items()}
        self.judges, self.chance = judges, chance
        everybody = {*judges, *(judge for seated in self.at.values() for judge in seated)}
        self.load = dict.fromkeys(sorted(everybody), 0)
        self.shared = {judge: dict.fromkeys(self.load, 0) for judge in self.load}
        for seated in self.at.values():
            for judge in seated:
                self.load[judge] += 1
            for one, other in combinations(seated, 2):
                self._share(one, other, 1)

    def fill(self, each: int) -> None:
        """Gives every team at least `each` judges, those with the least to do first; the hardest teams come first."""
        teams = sorted(self.at)
        self.chance.shuffle(teams)
        for team in sorted(teams, key=lambda team: len(self.may[team])):
            while len(self.at[team]) < each:
                free = self.may[team] - self.at[team]
                least = min(self.load[judge] for judge in free)
                idle = sorted(judge for judge in free if self.load[judge] == least)
                self.chance.shuffle(idle)
                self._seat(min(idle, key=lambda judge: self._overlap(judge, team)), team)

    def level(self, pinned: Pinned, most: int | None = None) -> None:
        """Hands seats on until the loads are as even as can be, or only until nobody has more than `most`."""
        done = not self.judges
        while not done:
            done = True
            least = min(self.load[judge] for judge in self.judges)
            for judge in sorted(self.judges, key=lambda judge: -self.load[judge]):
                if self.load[judge] <= (least + 1 if most is None else most):
                    break
                target = self.load[judge] - 2 if most is None else min(self.load[judge] - 2, most - 1)
                chain = self._chain(judge, target, pinned)
                if chain:
                    self._hand_on(chain)
                    done = False
                    break

    def reach(self, judge: str, pinned: Pinned) -> dict[str, tuple[str, str]]:
        """Those to whom a seat of this judge can be handed on, each with whom it comes from and at which team."""
        teams_of = {one: [] for one in self.load}
        for team in sorted(self.at):
            for seated in self.at[team] - pinned.get(team, set()):
                teams_of[seated].append(team)
        came, waiting = {judge: ("", "")}, deque([judge])
        while waiting:
            one = waiting.popleft()
            for team in teams_of[one]:
                for other in sorted(self.may[team] - self.at[team] - came.keys()):
                    came[other] = one, team
                    waiting.append(other)
        return came

    def _chain(self, judge: str, target: int, pinned: Pinned) -> list[tuple[str, str, str]]:
        """The hand-overs (from, to, team) by which someone with at most `target` teams gets one; shortest, or none."""
        came = self.reach(judge, pinned)  # nearest first
        end = next((one for one in came if self.load[one] <= target), None)
        chain = []
        while end is not None and end != judge:
            before, team = came[end]
            chain.append((before, end, team))
            end = before
        return chain

    def _hand_on(self, chain: list[tuple[str, str, str]]) -> None:
        for giver, taker, team in chain:
            self._unseat(giver, team)
            self._seat(taker, team)

    def even(self, pinned: Pinned) -> None:
        """Swaps teams between judges while this makes the overlaps more even, or leaves them so."""
        seats = [(team, judge) for team in sorted(self.at) for judge in sorted(self.at[team] - pinned.get(team, set()))]
        if len(seats) < 2:
            return
        for _ in range(min(TRIES_PER_SEAT * len(seats), MOST_TRIES)):
            here, there = self.chance.randrange(len(seats)), self.chance.randrange(len(seats))
            (team, one), (other_team, other) = seats[here], seats[there]
            if not self._can_swap(team, one, other_team, other):
                continue
            if self._swap(team, one, other_team, other) > 0:
                self._swap(team, other, other_team, one)
            else:
                seats[here], seats[there] = (team, other), (other_team, one)

    def _can_swap(self, team: str, one: str, other_team: str, other: str) -> bool:
        free = other not in self.at[team] and one not in self.at[other_team]
        return free and other in self.may[team] and one in self.may[other_team]

    def _swap(self, team: str, one: str, other_team: str, other: str) -> int:
        """Gives each the other's team; by how much the sum of squares of the overlaps has grown."""
        grown = self._unseat(one, team) + self._seat(other, team)
        return grown + self._unseat(other, other_team) + self._seat(one, other_team)

    def _seat(self, judge: str, team: str) -> int:
        grown = sum(self._share(judge, other, 1) for other in self.at[team])
        self.at[team].add(judge)
        self.load[judge] += 1
        return grown

    def _unseat(self, judge: str, team: str) -> int:
        self.at[team].remove(judge)
        self.load[judge] -= 1
        return sum(self._share(judge, other, -1) for other in self.at[team])

    def _share(self, one: str, other: str, by: int) -> int:
        before = self.shared[one][other]
        self.shared[one][other] = self.shared[other][one] = before + by
        return 2 * by * before + 1

    def _overlap(self, judge: str, team: str) -> int:
        return sum(self.shared[judge][other] for other in self.at[team])


def connected(pairs: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The (judges, teams) between which (judge, team) pairs make a bridge, in order of name: one group if all is well.

    Example:
        >>> connected([("ann", "x"), ("bob", "x"), ("cy", "y")])
        [(('ann', 'bob'), ('x',)), (('cy',), ('y',))]
    """
    groups: list[tuple[set[str], set[str]]] = []
    for judge, team in pairs:
        near = [group for group in groups if judge in group[0] or team in group[1]]
        groups = [group for group in groups if group not in near]
        merged = {judge}.union(*(group[0] for group in near)), {team}.union(*(group[1] for group in near))
        groups.append(merged)
    return sorted((tuple(sorted(judges)), tuple(sorted(teams))) for judges, teams in groups)
