"""Taking a trained model off the shelf."""

from torch import nn

from hookpoint.errors import HookpointError

from . import store
from .definition import Trained
from .pretrained.fetch import stored_recipe
from .pretrained.hub import PUBLISHED
from .registry import is_recipe, recipe


def load(name: str, step: int | None = None) -> nn.Module:
    """The model, in evaluation mode and float32: final, or as it was after `step` updates.

    Args:
        name: One of `hookpoint zoo list`, e.g. "stories".
        step: One of the checkpoints that `zoo.open(name).steps` lists.

    Raises:
        UsageError: There is no such model, or no checkpoint at `step`.
        HookpointError: Its files are missing or damaged; the message names the command that mends them.
    """
    trained = open(name)
    return trained.model if step is None else trained.at(step)


def open(name: str) -> Trained:
    """The stored model with its checkpoints and its log; weights are read when they are asked for."""
    folder = store.find(name)
    if folder is None:
        raise _absent(name)
    manifest = store.read_manifest(name, folder)
    made = recipe(name) if is_recipe(name) else stored_recipe(manifest, folder)
    return Trained(made, lambda step: store.read_state(manifest, folder, step), manifest.steps, manifest.rows)


def _absent(name: str) -> HookpointError:
    """Why there are no files, and the command that brings them."""
    if name in PUBLISHED:
        return HookpointError(f"{name} is not on this machine. To get it: hookpoint zoo fetch {name}")
    made = recipe(name)
    what = "is not shipped: it is a recipe to be run" if not made.ships else "is missing: its files are gone"
    return HookpointError(f"The model {name} {what}. To make it: hookpoint zoo train {name}")
