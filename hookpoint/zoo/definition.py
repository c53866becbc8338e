"""What a recipe is: how a model is made, and the figures that say what there is to find in it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from hookpoint.errors import UsageError

if TYPE_CHECKING:
    from .run import Run

State = dict[str, Tensor]


@dataclass(frozen=True)
class Figure:
    """One measured number, and the interval inside which the recipe's claim about it is true.

    Attributes:
        name: What was measured and on what, in plain words: "induction score of the best head, fresh repeats".
        value: The number.
        low: The claim needs at least this.
        high: The claim allows at most this.
        control: Whether this is what the phenomenon is compared with: shuffled labels, an ablation of the rest.
    """

    name: str
    value: float
    low: float = -math.inf
    high: float = math.inf
    control: bool = False

    @property
    def holds(self) -> bool:
        """Whether the claim is true of the value; a value that is not a number fails every claim."""
        return self.low <= self.value <= self.high


@dataclass(frozen=True)
class Recipe:
    """How one model of the zoo is made, from nothing but a seed.

    Attributes:
        name: Its name in `zoo.load`, in commands and in file names.
        shows: What there is to find in it, in one line.
        build: Gives an untrained module of the right shape. A model of text carries its `.tokenizer`.
        train: Gives the trained module. All chance comes from the run's seed.
        evidence: Measures the phenomenon and its controls, on data that training did not see, in seconds.
        seed: The seed of the shipped weights.
        dtype: How the weights are stored: "float16", or "float32" where rounding would hurt. They load as float32.
        needs: Models of the zoo that `train` or `evidence` load.
        ships: Whether the package holds the weights. If not, the recipe is there to be run.
        live: CPU-seconds inside which a learner's own run shows the phenomenon. None: not meant to be run live.
    """

    name: str
    shows: str
    build: Callable[[], nn.Module]
    train: Callable[["Run"], nn.Module]
    evidence: Callable[["Trained"], list[Figure]]
    seed: int = 0
    dtype: str = "float16"
    needs: tuple[str, ...] = ()
    ships: bool = True
    live: float | None = None


class Trained:
    """A trained model with its history: the checkpoints that were kept and the log of the training.

    Attributes:
        recipe: How it was made.
        steps: The steps of its checkpoints, ascending; a step is a number of updates.
        log: One row for each time that training wrote down its numbers: `{"step": 100, "loss": 3.1}`.
    """

    def __init__(self, recipe: Recipe, state_at: Callable[[int | None], State], steps: list[int], log: list[dict]):
        self.recipe = recipe
        self.steps = tuple(sorted(steps))
        self.log = log
        self._state_at = state_at

    @property
    def model(self) -> nn.Module:
        """The final model, in evaluation mode; a new copy each time, so that nobody's edit reaches another."""
        return self._module(None)

    def at(self, step: int) -> nn.Module:
        """The model as it was after `step` updates.

        Raises:
            UsageError: No checkpoint was kept there.
        """
        if step not in self.steps:
            kept = ", ".join(map(str, self.steps)) or "none"
            raise UsageError(f"{self.recipe.name} has no checkpoint at step {step}. There are: {kept}.")
        return self._module(step)

    def _module(self, step: int | None) -> nn.Module:
        module = self.recipe.build()
        module.load_state_dict({name: tensor.float() for name, tensor in self._state_at(step).items()})
        return module.eval()
