"""Teams from people: balanced in skill, with a language and hours in common, and with those they want to be with.

What counts, in this order: no team is too large, nobody is alone who did not ask for it, people who asked for each
other are together, no team is too small; then what `Objective` says. The teams are built one person (or group of people
who asked for each other) at a time, and then people move and change places as long as that makes them better.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from hookpoint.errors import UsageError

from .matching_people import SKILLS, Objective, Person, checked

__all__ = ["SKILLS", "Matching", "Person", "Team", "match"]

MOST_TRIALS = 40_000  # changes of place that are tried: 200 people take about a second
MOST_KICKS = 12
FAULT = 40.0  # a team that costs more has one that is worth a kick

Block = tuple[int, ...]  # people who stay together


@dataclass(frozen=True)
class Team:
    """Names in alphabetical order, and in words what speaks for the team and what against it: for the team to read."""

    members: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Matching:
    """The teams, by their first names; and what could not be kept, in words: for the host alone, as it tells wishes."""

    teams: tuple[Team, ...]
    unkept: tuple[str, ...]


def match(people: Sequence[Person], size: tuple[int, int], seed: int) -> Matching:
    """Teams of the people, each in exactly one. The same people and seed give the same teams, in whatever order.

    A team has never more people than `size` allows. It has fewer if the people do not divide otherwise, or asked for
    each other in groups that do not; and one person if they asked for that, or nobody is left to be with.

    Args:
        size: The fewest and the most people of a team.

    Raises:
        UsageError: the sizes are none, or what is said of a person is not as `Person` says.
    """
    fewest, most = size
    if not 1 <= fewest <= most:
        raise UsageError(f"A team of {fewest} to {most} people cannot be made. Name the fewest and then the most.")
    ordered = checked(people)
    if not ordered:
        return Matching((), ())
    chance = random.Random(seed)
    chance.shuffle(ordered)
    wanted = [min(max(person.team_size, fewest), most) for person in ordered if person.team_size > 1]
    usual = sum(wanted) / len(wanted) if wanted else (fewest + most) / 2
    objective = Objective(ordered, fewest, usual)
    alone, blocks = grouped(objective, most)
    teams = Search(objective, blocks, most, chance).teams() if blocks else []
    found = [tuple(sorted(team, key=lambda person: ordered[person].name)) for team in [*teams, *alone]]
    found.sort(key=lambda team: ordered[team[0]].name)
    shown = [Team(tuple(ordered[person].name for person in team), objective.why(team)) for team in found]
    return Matching(tuple(shown), tuple(unkept(objective, found, fewest)))


def grouped(objective: Objective, most: int) -> tuple[list[Block], list[Block]]:
    """Those who work alone, and the others in blocks that stay together, of at most `most` people."""
    edges: dict[int, set[int]] = {person: set() for person in range(len(objective.people))}
    for one, other in objective.mutual():
        edges[one].add(other)
        edges[other].add(one)
    alone = [(p,) for p, person in enumerate(objective.people) if most == 1 or person.team_size == 1 and not edges[p]]
    left = {person: edges[person] for person in edges if (person,) not in alone}
    if len(left) == 1 and alone and most > 1:  # they would be alone against their will: somebody joins them
        (lonely,) = left
        joins = min(alone, key=lambda other: (objective.cost((lonely, *other)), other))
        alone.remove(joins)
        left[joins[0]] = set()
    blocks: list[Block] = []
    while left:
        block = grown(min(left), left, most)
        left = {person: others - set(block) for person, others in left.items() if person not in block}
        blocks.append(block)
    return alone, blocks


def grown(first: int, edges: dict[int, set[int]], most: int) -> Block:
    """The group of people who asked for each other that somebody is in; a part of it if it is too large."""
    group, new = set(), {first}
    while new:
        group |= new
        new = {other for person in new for other in edges[person]} - group
    if len(group) <= most:
        return tuple(sorted(group))
    block = [min(group, key=lambda person: (len(edges[person]), person))]  # from the rim, so that little is cut off
    while len(block) < most:
        ties = {p: len(edges[p].intersection(block)) for p in group.difference(block)}
        block.append(max(ties, key=lambda p: (ties[p], ties[p] - len(edges[p]), -p)))
    return tuple(sorted(block))


class Search:
    """Teams of blocks, none larger than `most`, that are made better one change of place at a time."""

    def __init__(self, objective: Objective, blocks: list[Block], most: int, chance: random.Random):
        self.objective, self.blocks, self.most, self.chance = objective, blocks, most, chance
        self.trials = MOST_TRIALS
        self.at: list[list[int]] = [[] for _ in range(self.count())]  # the blocks of each team
        self.place()
        self.costs = [self.cost(team) for team in self.at]

    def teams(self) -> list[Block]:
        self.settle()
        for _ in range(MOST_KICKS):
            if max(self.costs) < FAULT or self.trials <= 0:
                break
            before = self.at, self.costs
            self.at, self.costs = [list(team) for team in self.at], list(self.costs)
            self.kick()
            self.settle()
            if sum(self.costs) > sum(before[1]) - 1e-6:
                self.at, self.costs = before
        self.nobody_alone()
        return [self.people(team) for team in self.at if team]

    def settle(self) -> None:
        """Moves blocks until no single move makes the teams better."""
        while self.trials > 0 and self.improved():
            pass

    def kick(self) -> None:
        """Takes the worst team and some others apart, for what no single move can mend."""
        worst = max(range(len(self.at)), key=lambda team: self.costs[team])
        others = [team for team in range(len(self.at)) if team != worst and self.at[team]]
        chosen = [worst, *self.chance.sample(others, min(3, len(others)))]
        loose = [block for team in chosen for block in self.at[team]]
        for team in chosen:
            self.at[team] = []
        self.chance.shuffle(loose)
        self.seat(sorted(loose, key=lambda block: -len(self.blocks[block])))
        self.costs = [self.cost(team) for team in self.at]

    def people(self, team: Sequence[int]) -> Block:
        return tuple(person for block in team for person in self.blocks[block])

    def cost(self, team: Sequence[int]) -> float:
        return self.objective.cost(self.people(team))

    def size(self, team: Sequence[int]) -> int:
        return sum(len(self.blocks[block]) for block in team)

    def count(self) -> int:
        """How many teams: within the sizes, of the usual size, and no more than have somebody who programs."""
        people, fewest = sum(map(len, self.blocks)), self.objective.fewest
        able = sum(any(self.objective.levels[person][0] for person in block) for block in self.blocks)
        fits = [k for k in range(1, people + 1) if k * fewest <= people <= k * self.most]
        fits = [k for k in fits if k <= able] or fits[:1] if able else fits
        usual = self.objective.usual
        return min(fits, key=lambda k: (abs(people / k - usual), k)) if fits else -(-people // self.most)

    def place(self) -> None:
        """The largest blocks, and those who program, begin a team; each other joins the team that it suits."""

        def importance(block: int) -> tuple[int, int]:
            members = self.blocks[block]
            return -len(members), -max(self.objective.levels[person][0] for person in members)

        order = sorted(range(len(self.blocks)), key=importance)
        for team, block in zip(self.at, order, strict=False):
            team.append(block)
        self.seat(order[len(self.at) :])

    def seat(self, blocks: Sequence[int]) -> None:
        """Each block joins the team that it suits, or begins one if there is no room."""
        for block in blocks:
            room = [team for team in self.at if self.size(team) + len(self.blocks[block]) <= self.most]
            if not room:
                room = [[]]
                self.at.append(room[0])
            min(room, key=lambda team: self.cost([*team, block]) - self.cost(team)).append(block)

    def improved(self) -> bool:
        """Whether a pass over all blocks, those of the worst teams first, made the teams better."""
        if all(self.at):
            self.at.append([])
            self.costs.append(0.0)
        order = [b for _, t in sorted((-cost, t) for t, cost in enumerate(self.costs)) for b in sorted(self.at[t])]
        return any([self.moved(block) for block in order])

    def moved(self, block: int) -> bool:
        """Whether a better place was found for a block: the best of all places, alone or against another block."""
        here = next(number for number, team in enumerate(self.at) if block in team)
        rest = [other for other in self.at[here] if other != block]
        best, change = -1e-6, None
        for there, team in enumerate(self.at):
            if there == here or self.trials <= 0:
                continue
            for back in (None, *team):
                new_here = rest if back is None else [*rest, back]
                new_there = [*(other for other in team if other != back), block]
                if self.size(new_here) <= self.most and self.size(new_there) <= self.most:
                    self.trials -= 1
                    gain = self.cost(new_here) + self.cost(new_there) - self.costs[here] - self.costs[there]
                    if gain < best:
                        best, change = gain, (there, new_here, new_there)
        if change is None:
            return False
        there, self.at[here], self.at[there] = change
        self.costs[here], self.costs[there] = self.cost(self.at[here]), self.cost(self.at[there])
        return True

    def nobody_alone(self) -> None:
        """Takes one person out of a full team for each one who is alone, though they asked for others there."""
        wishes = self.objective.wishes
        for team in self.at:
            lonely = self.people(team)
            if len(lonely) != 1 or self.objective.people[lonely[0]].team_size == 1:
                continue
            options = [(b, p) for t in self.at if self.size(t) > 2 for b in t for p in self.blocks[b]]
            if options:
                block, person = min(options, key=lambda o: (len(wishes[o[1]].intersection(self.blocks[o[0]])), o))
                self.blocks[block] = tuple(other for other in self.blocks[block] if other != person)
                self.blocks[team[0]] = (*lonely, person)


def unkept(objective: Objective, teams: list[Block], fewest: int) -> list[str]:
    """What could not be kept, a sentence each: wishes for people, then for sizes, then what was asked of teams."""
    people, of = objective.people, {person: team for team in teams for person in team}
    mutual = {pair for a, b in objective.mutual() for pair in ((a, b), (b, a))}
    by_name = sorted(range(len(people)), key=lambda person: people[person].name)
    known = {person.name for person in people}
    apart, one_sided, unknown, sizes = [], [], [], []
    for one in by_name:
        name = people[one].name
        for other in sorted(objective.wishes[one] - set(of[one]), key=lambda other: people[other].name):
            if (one, other) not in mutual:
                one_sided.append(f"{name} asked for {people[other].name}, who did not ask for them.")
            elif name < people[other].name:
                apart.append(f"{name} and {people[other].name} asked for each other and are apart.")
        unknown += [
            f"{name} asked for {wish}, who is not on the list." for wish in sorted({*people[one].wishes} - known)
        ]
        size = len(of[one])
        if people[one].team_size not in (0, size):
            sizes.append(f"{name} wanted a team of {people[one].team_size} and is in one of {size}.")
    small = [
        f"The team of {people[team[0]].name} has {len(team)} of at least {fewest} people."
        for team in teams
        if len(team) < fewest and not (len(team) == 1 and people[team[0]].team_size == 1)
    ]
    return [*apart, *one_sided, *unknown, *sizes, *small]
