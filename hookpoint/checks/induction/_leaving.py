"""What the functions of this notebook that run a model are given, and what they may not leave behind."""

from hookpoint.checks.author import Mismatch

HOOKS = ("run_with_hooks", "run_with_cache", "mean_ablate", "zero_ablate_head", "resample_ablate")
# Run where the model is.
NEEDS = {name: f"hookpoint.interp.hooks:{name}" for name in HOOKS}


def earlier(*names: str) -> dict[str, str]:
    """The stand-ins of what this notebook has built so far."""
    return NEEDS | {name: f"hookpoint.interp.induction:{name}" for name in names}


def untouched(learner, model, weights, ask) -> None:
    """Raises `Mismatch` if `ask()` leaves hooks on the model, or other weights, gradients or another mode."""
    before = learner.given.traces(model)
    for training in (False, True):
        learner.given.put_in_mode(model, training)
        ask()
        if learner.given.in_training(model) is not training:
            raise Mismatch("leaves the model in another mode (training or evaluation) than it came in.")
    after, now = learner.given.traces(model), learner.given.weights(model)
    left = learner.given.hooks_left(model)
    if left or after["hooks"] != before["hooks"]:
        where = f" at {left[0]}" if left else ""
        raise Mismatch(f"leaves a hook on the model{where}.", "  Every later run would be an edited one.")
    if any((now[name] != weight).any() for name, weight in weights.items()):
        raise Mismatch("changes the model's weights.")
    if any(grad is not None for grad in after["grad"].values()) or after["requires_grad"] != before["requires_grad"]:
        raise Mismatch("leaves the parameters with gradients, or with another requires_grad.")
