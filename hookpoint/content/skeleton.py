"""Writes the first version of a notebook: its source, its check and its autograder, which work as they are.

The texts are in `templates/`; an author replaces them piece by piece, and `hookpoint build` says what is amiss.
"""

from pathlib import Path

from hookpoint.content.build import NAME, PART, read_course, sources
from hookpoint.content.files import write_text
from hookpoint.content.lesson import Lesson
from hookpoint.errors import UsageError

TEMPLATES = Path(__file__).parent / "templates"


def new(root: Path, part: str, name: str) -> list[Path]:
    """The files of a new notebook, written with one placeholder exercise in them.

    Args:
        root: The folder that holds `solutions/`, `tests/` and `hookpoint/`.
        part: Such as `part1_build_gpt2`; it may be new.
        name: Such as `03_attention`; the number is its place in the part.

    Raises:
        UsageError: the name is no name, or something of that name is there. Nothing is written.
        AuthoringError: a source of the course is wrong; the placeholder's id could be taken without our knowing.
    """
    _refuse_bad_names(part, name)
    _refuse_taken(root, part, name)
    number, stem = NAME.fullmatch(name).group("number", "stem")
    exercise = _free_id(read_course(root), stem)
    checks = root / "hookpoint" / "checks" / stem
    files = {
        root / "solutions" / part / f"{name}.py": "source",
        checks / "__init__.py": "checks_package",
        checks / f"{exercise}.py": "check",
        root / "tests" / part / f"test_{name}.py": "autograder",
    }
    words = {
        "number": number,
        "title": stem.replace("_", " ").capitalize(),
        "exercise": exercise,
        "part_words": part.partition("_")[0].replace("part", "part "),
    }
    for path, template in files.items():
        write_text(path, _filled(template, words))
    return list(files)


def _refuse_bad_names(part: str, name: str) -> None:
    if not PART.fullmatch(part):
        raise UsageError(f"`{part}` is no name for a part. Write it like `part2_look_inside`.")
    if not NAME.fullmatch(name):
        raise UsageError(f"`{name}` is no name for a notebook. Write it like `07_logit_lens`: two digits, snake_case.")


def _refuse_taken(root: Path, part: str, name: str) -> None:
    """A notebook's name without its number is one's own in the whole course, its number in the part."""
    number, stem = NAME.fullmatch(name).group("number", "stem")
    taken = [path for path in sources(root) if NAME.sub(r"\g<stem>", path.stem) == stem]
    taken += [path for path in sources(root) if path.parent.name == part and path.stem.startswith(f"{number}_")]
    folders = (root / "solutions" / part, root / "exercises" / part)
    taken += [path for folder in folders for path in sorted(folder.glob(f"{number}_*.ipynb"))]
    places = (root / "hookpoint" / "checks" / stem, root / "tests" / part / f"test_{name}.py")
    taken += [path for path in places if path.exists()]
    if taken:
        there = taken[0].relative_to(root).as_posix()
        raise UsageError(f"{there} is there already; nothing is overwritten. Choose another number or name.")


def _free_id(lessons: list[Lesson], stem: str) -> str:
    """`double`, or a longer name where an earlier skeleton still has that one."""
    ids = {spec.id for lesson in lessons for spec in lesson.exercises}
    return "double" if "double" not in ids else f"double_{stem}"


def _filled(template: str, words: dict[str, str]) -> str:
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    for key, word in words.items():
        text = text.replace("{{" + key + "}}", word)
    return text
