"""What goes wrong in any answer whatever the exercise: None, NaN, other shapes and dtypes, exceptions, edited inputs.

Each accident is a piece of text put after a right answer, which it wraps. A check must reject every one of them with a
message, and must not stumble over what comes back.
"""

from hookpoint.checks.exercise import Exercise

__all__ = ["accidents"]

WRAP_FUNCTION = """
_right = {name}

def {name}(*args, **kwargs):
    out = _right(*args, **kwargs)
    {wreck}
"""

WRAP_MODULE = """
class {name}({name}):
    def forward(self, *args, **kwargs):
        out = super().forward(*args, **kwargs)
        {wreck}
"""

WRAP_CLASS = """
class {name}({name}):
    def __getattribute__(self, name):
        if name.startswith("__"):
            return super().__getattribute__(name)
        {wreck}
"""

EDIT = """
def _scratch(args):
    editable = [value for value in args if isinstance(value, (torch.Tensor, list, dict))]
    if not editable:
        raise TypeError("nothing here can be edited in place")
    for value in editable:
        if isinstance(value, torch.Tensor):
            with torch.no_grad():
                value.add_(1) if value.dtype != torch.bool else value.logical_not_()
        else:
            value.clear()
"""

EQUAL = """
class _Yes:
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    __hash__ = None
"""

ANY_RESULT = {
    "returns nothing": "return None",
    "returns an object that equals everything": "return _Yes()",
    "raises an error": "raise ValueError('something is off')",
    "calls itself without an end": "return {again}",
}
TENSOR_RESULT = {
    "returns NaN": "return out * float('nan') if out.is_floating_point() else out.float() * float('nan')",
    "returns one axis too many": "return out.unsqueeze(0)",
    "returns a flat tensor": "return out.reshape(-1) if out.ndim != 1 else out.reshape(1, -1)",
    "returns another dtype": "return out.to(torch.bfloat16)",
    "returns a list": "return out.tolist()",
    "is off by a thousandth": "return out * 1.002 if out.is_floating_point() else out.long() + 1",
}
EDITS = {"changes its inputs in place": "_scratch(args); return out"}


def accidents(exercise: Exercise, is_class: bool, is_module: bool = True) -> dict[str, str]:
    """The text to run after a right answer, by what it does; few for what returns nothing, or anything."""
    if is_class and not is_module:
        raises = WRAP_CLASS.format(name=exercise.writes, wreck=ANY_RESULT["raises an error"])
        return {"raises an error": raises}
    wrap = WRAP_MODULE if is_class else WRAP_FUNCTION
    gives_tensor = is_class or getattr(exercise.gives, "__name__", "") == "Tensor"
    wrecks = dict(ANY_RESULT)
    if exercise.gives is None and not is_class:
        wrecks = {"raises an error": ANY_RESULT["raises an error"]}
    if gives_tensor:
        wrecks |= TENSOR_RESULT
    if "edit" not in exercise.may and (gives_tensor or exercise.gives is not None):
        wrecks |= EDITS
    again = "self.forward(*args, **kwargs)" if is_class else f"{exercise.writes}(*args, **kwargs)"
    return {
        label: "import torch\n"
        + EDIT
        + EQUAL
        + wrap.format(name=exercise.writes, wreck=wreck.replace("{again}", again))
        for label, wreck in wrecks.items()
    }
