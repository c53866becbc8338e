"""Which judge rates which team: blind, balanced, free of conflicts, and the same again for the same seed.

Two things are made even: how many teams the judges have, as far as conflicts allow, and then how many teams each two
judges share, for only where judges overlap can the harshness of one be told from that of the other (see `bias`).
"""

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from hookpoint.errors import UsageError

from .seats import Seats, connected

__all__ = ["Assignment", "Judge", "Team", "aliases", "assign", "conflicts", "first_five", "repair", "to_rate_first"]

FIRST = 5
WORDS = """
    Acorn Alder Amber Anchor Aspen Aurora Badger Basalt Beacon Birch Bramble Breeze Brook Cairn Canyon Cedar Cinder
    Cirrus Clover Cobalt Comet Compass Copper Coral Cove Crane Crater Cypress Dapple Delta Dune Ember Falcon Fathom Fern
    Fjord Flint Gale Garnet Geyser Glacier Granite Grove Gull Harbor Hazel Heath Heron Hollow Indigo Iris Island Jade
    Juniper Kelp Kestrel Lagoon Lantern Larch Lark Laurel Ledge Lichen Linden Lotus Maple Marble Marsh Meadow Mesa Mica
    Mistral Monsoon Moss Nebula Nimbus Oak Oasis Obsidian Ochre Onyx Opal Orchid Osprey Otter Pebble Pine Plover Prairie
    Quartz Quill Rapids Raven Reed Reef Ridge River Rowan Sable Saffron Sage Sequoia Shale Sierra Slate Sorrel Spruce
    Steppe Summit Sycamore Tarn Teal Thicket Thistle Tundra Umber Valley Vesper Willow Wren Yarrow Zephyr
""".split()

Conflicts = Mapping[tuple[str, str], str]  # (judge, team): why


@dataclass(frozen=True)
class Judge:
    """A judge, the team that the judge is on, and what may tie one to a team: employer, school, laboratory."""

    name: str
    team: str = ""
    ties: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Team:
    """A team, and all employers, schools and laboratories of its members."""

    name: str
    ties: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Assignment:
    """The judges of each team, in order of name; `notes` tell the host what is not as it should be."""

    judges_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judges: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def teams_of(self, judge: str, seed: str = "") -> tuple[str, ...]:
        """The teams of a judge, in an order of this judge's own, so that no team is read last by all."""
        mine = [team for team, judges in self.judges_of.items() if judge in judges]
        return tuple(sorted(mine, key=lambda team: _digest(seed, "order", judge, team)))

    @property
    def loads(self) -> dict[str, int]:
        """How many teams each judge has."""
        count = Counter(judge for judges in self.judges_of.values() for judge in judges)
        return {judge: count[judge] for judge in self.judges}

    @property
    def overlaps(self) -> dict[tuple[str, str], int]:
        """How many teams each two judges share."""
        shared = Counter(pair for judges in self.judges_of.values() for pair in combinations(sorted(judges), 2))
        return {pair: shared[pair] for pair in combinations(sorted(self.judges), 2)}


def conflicts(
    judges: Iterable[Judge], teams: Iterable[Team], named: Conflicts | None = None
) -> dict[tuple[str, str], str]:
    """Why which judge must not rate which team, by (judge, team): own team, a tie in common, or as `named`."""
    found, teams = dict(named or {}), list(teams)
    for judge in judges:
        ties = {_plain(tie): tie for tie in sorted(judge.ties) if _plain(tie)}
        for team in teams:
            common = sorted(ties.keys() & {_plain(tie) for tie in team.ties})
            if judge.team and _plain(judge.team) == _plain(team.name):
                found[judge.name, team.name] = "own team"
            elif common:
                found.setdefault((judge.name, team.name), f"both {ties[common[0]]}")
    return found


def assign(
    teams: Iterable[str],
    judges: Iterable[str],
    each: int,
    seed: str,
    conflicts: Conflicts | None = None,
    most: int | None = None,
) -> Assignment:
    """Gives every team `each` judges.

    Args:
        conflicts: pairs (judge, team) that must not be, with the reason.
        most: how many teams a judge can take, if there is a limit.

    Raises:
        UsageError: it is impossible: for which team, and why.
    """
    return repair(Assignment(), teams, judges, each, seed, conflicts, most)


def repair(
    old: Assignment,
    teams: Iterable[str],
    judges: Iterable[str],
    each: int,
    seed: str,
    conflicts: Conflicts | None = None,
    most: int | None = None,
    done: Collection[tuple[str, str]] = (),
) -> Assignment:
    """The assignment for teams and judges as they are now: late teams added, seats of judges who left filled again.

    Nothing else moves, unless a judge would have more than `most`; so loads may come to differ by more than one. What
    is new goes to those who have the least. Rated pairs in `done`, (judge, team), stay even where the judge has left.

    Raises:
        UsageError: it is impossible: for which team, and why.
    """
    teams, judges, done, against = sorted(set(teams)), sorted(set(judges)), set(done), conflicts or {}
    kept = {
        team: {
            judge
            for judge in old.judges_of.get(team, ())
            if (judge, team) not in against and (judge in judges or (judge, team) in done)
        }
        for team in teams
    }
    may = {team: [judge for judge in judges if (judge, team) not in against] for team in teams}
    _refuse_too_few(kept, may, judges, each, against)
    seats = Seats(kept, may, judges, random.Random(f"{seed}:assign"))
    seats.fill(each)
    seats.level(kept)
    if most is not None:
        rated = {team: {judge for judge in kept[team] if (judge, team) in done} for team in teams}
        seats.level(rated, most)
        _refuse_too_many(seats, most)
    seats.even(kept)
    result = Assignment({team: tuple(sorted(seats.at[team])) for team in teams}, tuple(seats.load))
    void = [
        f"{judge} has rated {team}, but must not ({against[judge, team]})."
        for judge, team in sorted(done & set(against))
    ]
    return replace(result, notes=(*_notes(result, judges, each), *(f"{note} Leave this rating out." for note in void)))


def _refuse_too_few(
    kept: Mapping[str, set[str]], may: Mapping[str, list[str]], judges: list[str], each: int, against: Conflicts
) -> None:
    if each < 1:
        raise UsageError(f"Each team is to have {each} judges: give 1 or more.")
    short = [team for team in kept if len(kept[team] | set(may[team])) < each]
    if not short:
        return
    team = short[0]
    why = ", ".join(f"{judge} ({against[judge, team]})" for judge in judges if (judge, team) in against)
    may_rate = len(kept[team] | set(may[team]))
    text = f"{team} needs {each} judge{'s' * (each > 1)} and {may_rate} of {len(judges)} may rate it"
    more = f" The same holds for {', '.join(short[1:])}." if short[1:] else ""
    raise UsageError(f"{text}{f'; not: {why}' if why else ''}.{more} Find more judges, or let each team have fewer.")


def _refuse_too_many(seats: Seats, most: int) -> None:
    """A judge who still has too many can hand nothing on, not even by a chain: those who could take it are full."""
    over = [judge for judge in seats.judges if seats.load[judge] > most]
    if not over:
        return
    team = min(team for team, seated in seats.at.items() if over[0] in seated)
    raise UsageError(
        f"{team} is one judge short: with at most {most} teams each, no other of those who may rate it "
        f"({', '.join(sorted(seats.may[team]))}) has room, even if they change places. Find another judge, or raise "
        f"the limit."
    )


def _notes(result: Assignment, judges: list[str], each: int) -> list[str]:
    notes, loads = [], {judge: load for judge, load in result.loads.items() if judge in judges}
    if loads and max(loads.values()) - min(loads.values()) > 1:
        most, least = max(loads, key=loads.get), min(loads, key=loads.get)
        notes.append(f"Loads are uneven: {most} has {loads[most]} teams, {least} has {loads[least]}.")
    groups = connected((judge, team) for team, seated in result.judges_of.items() for judge in seated)
    if each == 1 and len(result.judges_of) > 1:
        notes.append("Each team has one judge: harshness cannot be told from merit. Two or more would do.")
    elif len(groups) > 1:
        sides = "; ".join(", ".join(group) for group, _ in groups)
        notes.append(
            f"No team joins these judges, so they cannot be compared: {sides}. One more judge for a team would."
        )
    return notes


def first_five(
    teams: Iterable[str], seed: str, count: int = FIRST, conflicts: Conflicts | None = None
) -> dict[str, tuple[str, ...]]:
    """For each team the `count` others that it rates before it may choose; each is rated as often.

    With fewer teams than that, all others. Named conflicts (rater, rated) can make it one more or fewer for some.
    """
    teams = sorted(set(teams))
    own = {(team, team): "own team" for team in teams}
    count = min(count, len(teams) - 1)
    if count < 1:
        return {team: () for team in teams}
    result = assign(teams, teams, count, seed, {**(conflicts or {}), **own})
    return {team: result.teams_of(team, seed) for team in teams}


def to_rate_first(assigned: Iterable[str], rated: Collection[str]) -> tuple[str, ...]:
    """The assigned teams that are still to be rated; when there is none, the rater may choose freely."""
    return tuple(team for team in assigned if team not in rated)


def aliases(teams: Iterable[str], seed: str, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """A name for each team that says nothing about it, as "Team Fjord"; no two are the same.

    Those in `known` stay: hand in the earlier ones when teams come late. No alias has a word that is in a team's real
    name, and none can be traced to a team without the seed.
    """
    teams, known = sorted(set(teams), key=lambda team: _digest(seed, "team", team)), dict(known or {})
    real = _plain(" ".join(teams))
    words = [
        word for word in sorted(WORDS, key=lambda word: _digest(seed, "word", word)) if word.casefold() not in real
    ]
    taken = set(known.values())
    pool = (f"Team {word}{number}" for number in ("", *(f" {n}" for n in range(2, len(teams) + 3))) for word in words)
    free = (alias for alias in pool if alias not in taken)
    return {team: known[team] if team in known else next(free) for team in teams}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
