"""What a stage of the sandbox is furnished with: what is withheld from it, what it may read, what is loaded for it."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hookpoint.content.course import Notebook

from .level import PACKAGE
from .withholding import readable, shown, withheld

__all__ = ["FOR_CHALLENGES", "Room", "for_notebook"]

# What the setups of notebooks import of ours: loaded once for all submissions.
IMPORTS = ("hookpoint.model.gpt2", "hookpoint.zoo.stories", "hookpoint.pictures", "hookpoint.content.earlier")
# What making the first of torch's optimizers imports, which takes a second: loaded once if the notebook speaks of them.
FOR_OPTIMIZERS = "torch._dynamo"


def nothing(module: str, exercise: str) -> None:
    """What is shown of a withheld module where none is withheld."""


@dataclass(frozen=True)
class Room:
    """A kind of stage.

    Attributes:
        name: Part of the name of its folder for what is written there.
        imports: Modules that all submissions find loaded.
        readable: Files and folders of ours that may be read.
        listable: Folders that may be listed.
        withheld: By module, the code that all may see of it, as text for JSON.
        source: The code of a withheld module that may be seen while an exercise is judged, or None.
    """

    name: str
    imports: Sequence[str]
    readable: Sequence[str]
    listable: Sequence[str]
    withheld: Mapping[str, str] = field(default_factory=dict)
    source: Callable[[str, str], bytes | None] = nothing


def for_notebook(notebook: Notebook) -> Room:
    """For submissions to a notebook of the course: its answers are withheld."""
    files, folders = readable(notebook)
    first = notebook.exercises[0].id
    hidden = {module: base64.b64encode(shown(module, notebook, first)).decode() for module in withheld(notebook)}
    optimizers = [FOR_OPTIMIZERS] if b"torch.optim" in notebook.path.read_bytes() else []

    def source(module: str, exercise: str) -> bytes | None:
        try:
            return shown(module, notebook, exercise)
        except KeyError:
            return None

    return Room(notebook.name, [*IMPORTS, *optimizers], files, folders, hidden, source)


# For answers to challenges. The package holds no answer to them: the keys are made of secret seeds, by those who score.
FOR_CHALLENGES = Room(
    "challenges",
    [*IMPORTS, FOR_OPTIMIZERS, "hookpoint.challenges.plain", "hookpoint.interp"],
    [str(PACKAGE)],
    [str(PACKAGE)],
)
