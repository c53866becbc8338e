"""What one entry of the catalogue says, and what it may say: a file that says something else is told line by line."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from hookpoint.errors import HookpointError

__all__ = ["CATEGORIES", "DIFFICULTIES", "KNOWN", "NEED", "ORIGINS", "Problem", "read_file"]

# The file's stem, and what the category is called. The first nine are those of the "200 problems".
CATEGORIES = {
    "toy_language_models": "Toy language models",
    "circuits_in_the_wild": "Circuits in the wild",
    "algorithmic_problems": "Algorithmic problems",
    "superposition": "Polysemanticity and superposition",
    "training_dynamics": "Training dynamics",
    "techniques": "Techniques, tooling and automation",
    "image_models": "Image models",
    "reinforcement_learning": "Reinforcement learning",
    "learned_features": "Learned features in language models",
    "foundations": "Later: foundations",
    "circuit_discovery": "Later: finding circuits",
    "dictionaries": "Later: features and dictionaries",
    "puzzles_and_guarantees": "Later: puzzles, trojans and guarantees",
    "applications": "Later: applications",
    "themes": "Themes of our own",
}
DIFFICULTIES = ("A", "B", "C", "D")  # beginner, some weeks, harder, ambitious and loosely defined
NEED = ("no", "helps", "yes")
ORIGINS = ("200 problems", "later work", "our theme")
LISTINGS = ("coverage-list", "digest", "community-table")
# What one should know beforehand, and the notebook of the course that teaches it; None where none does.
KNOWN: dict[str, str | None] = {
    "ablation": "10_induction",
    "activation patching": "12_patching",
    "activation statistics": "09_hooks",
    "algorithmic tasks": None,
    "attention patterns": "09_hooks",
    "attribution patching": "12_patching",
    "a language model as judge": None,
    "causal scrubbing": None,
    "CCS": "14_probes",
    "checkpoints": "10_induction",
    "CLIP": None,
    "CNNs": None,
    "decision transformers": None,
    "diffusion models": None,
    "direct logit attribution": "11_lens",
    "double descent": None,
    "faithfulness": "12_patching",
    "fine-tuning": "06_training",
    "Fourier analysis": None,
    "grokking": None,
    "indirect object identification": "12_patching",
    "induction heads": "10_induction",
    "initialisation": "04_model_and_loss",
    "interchange interventions": "12_patching",
    "labelling by rule": None,
    "large models": None,
    "learned search": None,
    "linear algebra": None,
    "linear probes": "14_probes",
    "matching models": None,
    "max-activating examples": "09_hooks",
    "MLPs as memories": "11_lens",
    "model editing": None,
    "NMF": None,
    "Othello": None,
    "path patching": "12_patching",
    "PCA": "14_probes",
    "probability": None,
    "pruning": None,
    "QK and OV circuits": "13_qk_ov",
    "reinforcement learning": None,
    "residual stream": "09_hooks",
    "RLHF": None,
    "skip trigrams": "13_qk_ov",
    "SoLU": None,
    "sparse autoencoders": None,
    "SVD": "13_qk_ov",
    "testing an explanation": "12_patching",
    "the literature": None,
    "toy models of superposition": None,
    "training loop": "06_training",
    "transformer forward pass": "04_model_and_loss",
    "vision circuits": None,
}

ID = re.compile(r"[1-9LT][0-9]{0,2}\.[0-9]{1,2}[a-z]?")
HEADER = re.compile(r"^\s*\[\[problem\]\]\s*(#.*)?$")
LONGEST = 400  # characters of a sentence or two
Fault = tuple[int, str, str]  # which entry, which key, what is wrong with it


@dataclass(frozen=True)
class Problem:
    """One open problem.

    `difficulty` is a letter of DIFFICULTIES or a range of two, empty where the source's letter was not seen;
    `difficulty_by` is whose estimate it is. `model`, `gpu` and `internet` are what the whole problem needs; `starter`
    is how to begin on a laptop without any of it. `metric` is empty where no honest one is known. `seen_in` names the
    listings in which an entry of the 200 was seen, `source_seen` whether the source of a later one was looked at;
    `table_id` is the number in the community's table where that is another.
    """

    id: str
    title: str
    category: str
    summary: str
    prerequisites: tuple[str, ...]
    model: str
    gpu: str
    internet: str
    starter: str
    origin: str
    source: str
    topic: str = ""
    difficulty: str = ""
    difficulty_by: str = "the source"
    metric: str = ""
    seen_in: tuple[str, ...] = ()
    source_seen: bool = True
    table_id: str = ""

    @property
    def offline(self) -> bool:
        """Whether it can be worked on without internet, if with models of one's own."""
        return self.internet != "yes"

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is uncertain about the entry, in sentences."""
        said = []
        if self.origin == "200 problems" and len(self.seen_in) < 2:
            said.append("Its wording follows a single listing of the posts: read the post itself before you start.")
        if not self.source_seen:
            said.append("Its source was not looked up: find it before you cite it.")
        if not self.difficulty:
            said.append("No difficulty was seen for it.")
        elif self.difficulty_by == "us":
            said.append("The difficulty is our own estimate.")
        if self.table_id:
            said.append(f"In the community's table it is number {self.table_id}.")
        return tuple(said)


def text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "is no text. Write a sentence in quotes"
    if len(value) > LONGEST:
        return f"has {len(value)} characters. Say it in at most {LONGEST}"
    return "has a line break. Write it in one line" if "\n" in value else None


def one_of(*allowed: str) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        return None if value in allowed else f"is {value!r}. Write one of {', '.join(allowed)}"

    return rule


def words_of(allowed: Any) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        if not isinstance(value, list) or len(set(map(str, value))) < len(value):
            return 'is no list of different words. Write them as ["one", "another"]'
        unknown = [str(one) for one in value if one not in allowed]
        return f"has {unknown[0]!r}. Known are {', '.join(allowed)}" if unknown else None

    return rule


def yes_or_no(value: Any) -> str | None:
    return None if isinstance(value, bool) else "is neither true nor false"


def an_id(value: Any) -> str | None:
    return None if isinstance(value, str) and ID.fullmatch(value) else f"is {value!r}. Ids look like 2.13 or L4.2"


def a_difficulty(value: Any) -> str | None:
    letters = str(value).split("-")
    good = all(one in DIFFICULTIES for one in letters) and len(letters) in (1, 2) and letters == sorted(set(letters))
    return None if good else f"is {value!r}. Write A, B, C or D, or a range such as B-C"


RULES: dict[str, Callable[[Any], str | None]] = {
    "id": an_id,
    "title": text,
    "summary": text,
    "prerequisites": words_of(KNOWN),
    "model": text,
    "gpu": one_of(*NEED),
    "internet": one_of(*NEED),
    "starter": text,
    "origin": one_of(*ORIGINS),
    "source": text,
    "topic": text,
    "difficulty": a_difficulty,
    "difficulty_by": one_of("us", "the source"),
    "metric": text,
    "seen_in": words_of(LISTINGS),
    "source_seen": yes_or_no,
    "table_id": an_id,
}
DEMANDED = [field.name for field in fields(Problem) if field.default is MISSING and field.name != "category"]


def read_file(path: Path) -> list[Problem]:
    """The problems in a file of the catalogue, whose stem is their category.

    Raises:
        HookpointError: it is no such file, or has mistakes: all of them, a line for each, as `file.toml:12: ...`.
    """
    try:
        source = path.read_text(encoding="utf-8")
        entries = tomllib.loads(source).get("problem", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HookpointError(f"{path.name}: {error}. Mend that first.") from None
    if path.stem not in CATEGORIES:
        raise HookpointError(f"{path.name}: its name is no category. Known are {', '.join(CATEGORIES)}.")
    faults = [fault for number, entry in enumerate(entries) for fault in faults_of(number, entry)]
    if not entries:
        faults.append((0, "", "there is no [[problem]] in it. Write one, or delete the file"))
    if faults:
        places = Places(source)
        lines = [(places.line(number, key), f"{f'`{key}` ' if key else ''}{what}.") for number, key, what in faults]
        raise HookpointError("\n".join(f"{path.name}:{line}: {what}" for line, what in sorted(lines)))
    return [Problem(category=path.stem, **{key: plain(value) for key, value in entry.items()}) for entry in entries]


def faults_of(number: int, entry: dict[str, Any]) -> Iterator[Fault]:
    for key in DEMANDED:
        if key not in entry:
            yield number, "", f"`{key}` is missing"
    for key, value in entry.items():
        if key not in RULES:
            yield number, key, f"is not known. Known are {', '.join(RULES)}"
        elif (what := RULES[key](value)) is not None:
            yield number, key, what


def plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Places:
    """Where in a file the keys of its entries stand."""

    def __init__(self, source: str):
        self.lines = source.splitlines()
        self.headers = [number for number, line in enumerate(self.lines, start=1) if HEADER.match(line)]

    def line(self, entry: int, key: str) -> int:
        """The line of the key of an entry, or of the entry itself."""
        if entry >= len(self.headers):
            return 1
        begin = self.headers[entry]
        end = self.headers[entry + 1] if entry + 1 < len(self.headers) else len(self.lines) + 1
        mine = (number for number in range(begin, end) if re.match(rf"\s*{re.escape(key)}\s*=", self.lines[number - 1]))
        return next(mine, begin) if key else begin
