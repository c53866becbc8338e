"""People who look for a team, what makes a team of them good, and how to say so in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hookpoint.errors import UsageError

__all__ = ["SKILLS", "Objective", "Person", "checked"]

SKILLS = ("programming", "machine learning", "interpretability", "writing")
LEVELS = range(4)  # none, a little, well, very well
QUARTERS = 96  # of an hour, in a day: some time zones are 45 minutes off
ENOUGH_HOURS = 4.0  # a day, in which all of a team are awake

# What is wrong with a team costs so much. One point of a line outweighs everything below it that is likely together.
ALONE = 10_000.0  # without having wanted it
TOO_SMALL = 1_000.0  # for each person who is missing
NO_LANGUAGE = 350.0, 150.0  # that all share; and for each one who does not speak the most common one
NO_PROGRAMMER = 300.0
FEW_HOURS = 60.0, 15.0  # for each hour below ENOUGH_HOURS in which all are awake; the same for each pair
BEGINNERS = 80.0  # nobody programs well
BALANCE = 8.0  # for each level that the mean of a skill is off the mean of all people
WANTED_SIZE = 5.0  # for each person more or fewer than somebody wanted, but no more than three
USUAL_SIZE = 2.0  # for each person more or fewer than usual
WISH = 4.0  # gained for each wish that is kept and was not returned


@dataclass(frozen=True)
class Person:
    """Somebody who looks for a team.

    Args:
        name: Told apart by it: two people have two names.
        skills: The level of each of SKILLS, 0 (none) to 3 (very well); 0 if not said.
        utc_offset: Hours that their clock is ahead of UTC, such as 5.75; -12 to 14.
        languages: The languages they would work in.
        wishes: Names of people they want to be with.
        team_size: How many they want to be, themselves included: 1 to work alone, 0 for no wish.
        awake: From and to which full hour of their clock they would work; it may pass midnight.
    """

    name: str
    skills: dict[str, int] = field(default_factory=dict)
    utc_offset: float = 0.0
    languages: Sequence[str] = ("English",)
    wishes: Sequence[str] = ()
    team_size: int = 0
    awake: tuple[int, int] = (9, 22)


USUAL_HOURS = Person.utc_offset, Person.awake  # of somebody who was not asked: nothing to be told of


def checked(people: Sequence[Person]) -> list[Person]:
    """The people by name.

    Raises:
        UsageError: two have one name, or somebody's skills, hours, languages or size are none.
    """
    ordered = sorted(people, key=lambda person: person.name)
    for one, other in zip(ordered, ordered[1:], strict=False):
        if one.name == other.name:
            raise UsageError(f"Two people are called {one.name!r}. Give one of them another name.")
    for person in ordered:
        for said, problem in problems(person):
            if said:
                raise UsageError(f"{person.name}: {problem}")
    return ordered


def problems(person: Person) -> list[tuple[bool, str]]:
    unknown = sorted(set(person.skills) - set(SKILLS))
    wrong = sorted(str(skill) for skill, level in person.skills.items() if level not in LEVELS)
    return [
        (bool(unknown), f"{', '.join(unknown)} is no skill that is asked for. They are {', '.join(SKILLS)}."),
        (bool(wrong), f"the level of {', '.join(wrong)} is not 0, 1, 2 or 3. Ask them for it."),
        (not -12 <= person.utc_offset <= 14, "the time zone is not within -12 and 14 hours of UTC. Ask them for it."),
        (not all(0 <= hour <= 24 for hour in person.awake), "the hours are not within 0 and 24. Ask them for them."),
        (not any(map(plain, person.languages)), "no language is named. Ask them for one."),
        (person.team_size < 0, "the size of the team that they want is below 0. Write 0 if they do not mind."),
    ]


def plain(language: str) -> str:
    return " ".join(language.split()).casefold()


class Objective:
    """What a team costs: the lower, the better. People are numbers, their places in `people`."""

    def __init__(self, people: Sequence[Person], fewest: int, usual: float):
        self.people, self.fewest, self.usual = people, fewest, usual
        shown = {plain(name): name.strip() for person in people for name in sorted(person.languages, reverse=True)}
        self.languages = [shown[key] for key in sorted(shown) if key]
        places = {key: place for place, key in enumerate(sorted(key for key in shown if key))}
        self.speaks = [sum({1 << places[plain(name)] for name in one.languages if plain(name)}) for one in people]
        self.hours = [awake(person) for person in people]
        self.levels = [tuple(person.skills.get(skill, 0) for skill in SKILLS) for person in people]
        self.means = [sum(level) / len(people) for level in zip(*self.levels, strict=True)]
        place = {person.name: number for number, person in enumerate(people)}
        self.wishes = [{place[n] for n in one.wishes if n in place and n != one.name} for one in people]

    def mutual(self) -> list[tuple[int, int]]:
        """The pairs who wished for each other."""
        return [(a, b) for a, wishes in enumerate(self.wishes) for b in sorted(wishes) if a < b and a in self.wishes[b]]

    def shared(self, team: Sequence[int]) -> tuple[int, int]:
        """The languages and the quarters of an hour that all have in common, as bits."""
        languages = hours = -1
        for person in team:
            languages &= self.speaks[person]
            hours &= self.hours[person]
        return languages, hours

    def cost(self, team: Sequence[int]) -> float:
        if not team:
            return 0.0
        size, (languages, hours) = len(team), self.shared(team)
        cost = TOO_SMALL * max(0, self.fewest - size) + USUAL_SIZE * abs(size - self.usual)
        if size == 1:
            cost += ALONE * (self.people[team[0]].team_size != 1)
        if not languages:
            cost += NO_LANGUAGE[0] + NO_LANGUAGE[1] * (size - self.most_common(team))
        if hours.bit_count() < 4 * ENOUGH_HOURS:
            cost += FEW_HOURS[0] * (ENOUGH_HOURS - hours.bit_count() / 4) + FEW_HOURS[1] * self.apart(team)
        best = max(self.levels[person][0] for person in team)
        cost += NO_PROGRAMMER * (best == 0) + BEGINNERS * (best == 1)
        for mean, levels in zip(self.means, zip(*[self.levels[person] for person in team], strict=True), strict=True):
            cost += BALANCE * abs(sum(levels) / size - mean)
        for person in team:
            if wanted := self.people[person].team_size:
                cost += WANTED_SIZE * min(3, abs(size - wanted))
            if self.wishes[person]:
                cost -= WISH * len(self.wishes[person].intersection(team))
        return cost

    def most_common(self, team: Sequence[int]) -> int:
        """How many speak the language that most of them speak."""
        return max(sum(self.speaks[one] >> place & 1 for one in team) for place in range(len(self.languages)))

    def apart(self, team: Sequence[int]) -> float:
        """Hours that are missing between pairs: so that a search sees a team get better before it is good."""
        gaps = (ENOUGH_HOURS - (self.hours[a] & self.hours[b]).bit_count() / 4 for a in team for b in team if a < b)
        return sum(gap for gap in gaps if gap > 0)

    def why(self, team: Sequence[int]) -> tuple[str, ...]:
        """What speaks for a team and what against it, a sentence each; no wish that was not returned is told."""
        names = [self.people[person].name for person in team]
        if len(team) == 1:
            alone = self.people[team[0]].team_size == 1
            return (f"{names[0]} wanted to work alone." if alone else f"There is nobody left for {names[0]} to join.",)
        languages, hours = self.shared(team)
        inside = [pair for pair in self.mutual() if set(pair) <= set(team)]
        pairs = sorted(tuple(sorted((self.people[a].name, self.people[b].name))) for a, b in inside)
        said = [f"{one} and {other} asked for each other." for one, other in pairs]
        spoken = [name for place, name in enumerate(self.languages) if languages >> place & 1]
        said.append(f"All speak {' and '.join(spoken)}." if spoken else "No language is shared by all.")
        if any((self.people[p].utc_offset, self.people[p].awake) != USUAL_HOURS for p in team):
            said.append(f"All are awake {spans(hours)}." if hours else "There is no hour at which all are awake.")
        programs = [f"{self.people[p].name} (level {self.levels[p][0]})" for p in team if self.levels[p][0]]
        said.append(f"Who programs: {', '.join(programs)}." if programs else "Nobody programs.")
        best = (max(self.levels[person][skill] for person in team) for skill in range(1, len(SKILLS)))
        said.append("Highest levels: " + ", ".join(f"{s} {b}" for s, b in zip(SKILLS[1:], best, strict=True)) + ".")
        return tuple(said)


def awake(person: Person) -> int:
    """The quarters of a day in UTC at which they are awake, as bits; the whole day if from and to are the same."""
    start, end = person.awake
    hours = (end - start) % 24 or 24
    first = round((start - person.utc_offset) * 4)
    return sum(1 << (first + quarter) % QUARTERS for quarter in range(hours * 4))


def spans(hours: int) -> str:
    """`6.5 hours a day (13:00 to 19:30 UTC)`."""
    bits = [hours >> quarter & 1 for quarter in range(QUARTERS)]
    if all(bits):
        return "at all hours"
    starts = [q for q in range(QUARTERS) if bits[q] and not bits[q - 1]]
    said = []
    for start in starts:
        end = next(q for q in range(start, start + QUARTERS) if not bits[q % QUARTERS]) % QUARTERS
        said.append(f"{start // 4:02}:{start % 4 * 15:02} to {end // 4:02}:{end % 4 * 15:02}")
    return f"{sum(bits) / 4:g} hours a day ({' and '.join(said)} UTC)"
