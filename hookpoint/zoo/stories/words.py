"""The words of the stories, and the facts that hold in their world.

A word stands here once; `NAMES` are people, of whom the first 24 of each gender are citizens: the world knows where a
citizen lives, what they do, which pet they have and which colour they like. These facts never change.
"""

import random
from dataclasses import dataclass
from functools import cached_property

MALE = tuple(
    """
    John Tom Ben Max Sam Leo Jack Adam Paul Mark Hugo Luke Fred Carl Eric Owen Noah Evan Dean Ross Seth Kurt Neil Ivan
    Abel Alan Amos Andy Axel Bart Bill Bob Boris Bruce Cody Colin Craig Cyril Dan David Dirk Doug Earl Eddy Elias Emil
    Enzo Felix Finn Floyd Frank Gary Gene Glen Greg Gus Hank Hans Harry Henry Ian Igor Isaac Jake James Jason Jeff Joel
    Jonas Josh Keith Ken Kevin Lars Liam Lloyd Louis Marco Matt Mike Milo Nick Oscar Otto Pablo Pedro Peter Phil Ralph
    Ray Rex Rob Roy Rudy Scott Simon
    """.split()
)
FEMALE = tuple(
    """
    Mary Anna Lily Emma Kate Rose Jane Lucy Mia Sara Nora Ella Ruth Alice Helen Clara Daisy Molly Tina Vera Wendy Paula
    Diana Grace Abby Ada Agnes Amy Angela Anita Ava Becky Bella Beth Betty Carla Carol Cathy Celia Chloe Cindy Cora Dana
    Debra Donna Dora Doris Edith Elena Elsa Emily Erica Erin Esther Eva Eve Fiona Flora Freya Gemma Gina Gloria Greta
    Hazel Heidi Holly Ida Inge Irene Iris Isla Ivy Jean Jill Joan Joyce Judy Julia Karen Katy Laura Leah Lena Lisa Liz
    Lola Lydia Mabel Marta Maya Megan Nancy Naomi Nina Olga Rita
    """.split()
)
# Alternating, so that every slice of the names has both genders.
NAMES = tuple(name for pair in zip(MALE, FEMALE, strict=True) for name in pair)
CITIZENS = NAMES[:48]

# Never in the sentences of the stories: for models whose people have two names.
FAMILY_NAMES = tuple("Brook Stone Hill Wood Lake Field Frost Reed Marsh Dale Ford Cole".split())

COUNTRY_OF = {
    "Paris": "France",
    "London": "England",
    "Rome": "Italy",
    "Berlin": "Germany",
    "Madrid": "Spain",
    "Cairo": "Egypt",
    "Tokyo": "Japan",
    "Lima": "Peru",
    "Oslo": "Norway",
    "Delhi": "India",
    "Boston": "America",
    "Dublin": "Ireland",
}
CITIES = tuple(COUNTRY_OF)
COUNTRIES = tuple(COUNTRY_OF.values())
JOBS = tuple("doctor baker farmer teacher painter sailor singer judge pilot tailor".split())
PETS = tuple("cat dog horse rabbit parrot turtle goat mouse".split())
COLOURS = tuple("red blue green yellow black white brown pink".split())
OBJECTS = tuple("ball book lemon ring cup kite drum hat lamp key box flower letter coin doll cake".split())
PLACES = tuple("park school garden shop castle museum library kitchen market forest village station".split())

# Number pairs: singular, plural. Verbs agree in the present; the past has one form.
NOUNS = dict(
    boy="boys",
    girl="girls",
    king="kings",
    queen="queens",
    friend="friends",
    neighbour="neighbours",
    child="children",
    sister="sisters",
    brother="brothers",
    man="men",
    woman="women",
    student="students",
)
VERBS = dict(
    runs="run",
    sings="sing",
    sleeps="sleep",
    laughs="laugh",
    jumps="jump",
    cries="cry",
    reads="read",
    waits="wait",
    dances="dance",
    smiles="smile",
)
PAST = tuple("ran sang slept laughed jumped cried rested waited danced smiled".split())
GIVE = tuple("gave handed passed showed offered".split())
# No adjective, colour or object starts with a vowel, so that every one of them can follow "a".
ADJECTIVES = tuple("big small new nice shiny fine".split())
FEELINGS = tuple("happy sad tired proud angry hungry".split())

# Words that no sentence of the stories has, but that statements about statements need.
EXTRA = tuple("true false They say says That not who know said think right wrong old".split())

RELATIONS = {"city": CITIES, "country": COUNTRIES, "job": JOBS, "pet": PETS, "colour": COLOURS}


def _facts() -> dict[str, dict[str, str]]:
    """Drawn from a fixed seed, because the facts belong to the world and not to a run."""
    rng = random.Random(7)
    facts = {}
    for name in CITIZENS:
        city = rng.choice(CITIES)
        own = {"job": rng.choice(JOBS), "pet": rng.choice(PETS), "colour": rng.choice(COLOURS)}
        facts[name] = {"city": city, "country": COUNTRY_OF[city], **own}
    return facts


FACTS = _facts()


def is_male(name: str) -> bool:
    return name in _MALE


def pronoun(name: str, form: str) -> str:
    """The pronoun for a person; `form` is "he", "He", "him" or "his", the male word standing for both."""
    return form if name in _MALE else {"he": "she", "He": "She", "him": "her", "his": "her"}[form]


_MALE = frozenset(MALE)

# Never the subject of an agreement sentence with another noun in between; they are of sentences without one.
HELD_OUT_NOUNS = ("queen", "brother", "student")


@dataclass(frozen=True)
class World:
    """Who lives in the stories. Everything else (places, facts, grammar) is the same in every world."""

    names: tuple[str, ...]

    @cached_property
    def citizens(self) -> tuple[str, ...]:
        """The people about whom there are facts."""
        return tuple(name for name in self.names if name in FACTS)

    def people(self, family: str, split: str = "train") -> tuple[str, ...]:
        """The names that sentences of a family may have: while training, or else the ones kept back from it."""
        return self._people[family, split in ("new_names", "held_out")]

    @cached_property
    def _people(self) -> dict[tuple[str, bool], tuple[str, ...]]:
        # Every family keeps back others, so that a name which is new to one is known from the rest.
        people = {}
        for number, family in enumerate(("ioi", "arrival", "pronoun", "list"), start=1):
            kept_back = tuple(self.names[2 * number :: 16] + self.names[2 * number + 1 :: 16])
            people[family, True] = kept_back
            people[family, False] = tuple(name for name in self.names if name not in kept_back)
        return people


WORLD = World(NAMES)
SMALL_WORLD = World(NAMES[:24])
