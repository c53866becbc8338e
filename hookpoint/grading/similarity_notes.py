"""Libraries and calls that would do an exercise for its author: flagged for people, who know what was allowed."""

import ast
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["aliases", "of_note"]

# All that these hold. That a name is only imported counts as well.
LIBRARIES = ("transformers", "transformer_lens", "tiktoken", "tokenizers", "hookpoint.model", "hookpoint.checks")
TORCH_PREFIXES = ("torch.optim.", "torch.nn.Transformer")
TORCH_NAMES = frozenset(
    "scaled_dot_product_attention multi_head_attention_forward MultiheadAttention gelu GELU layer_norm LayerNorm "
    "cross_entropy CrossEntropyLoss clip_grad_norm_ nll_loss".split()
)
# The names that notebooks import, for a cell whose notebook has lost its first one.
USUAL = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional"}


def aliases(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """What each imported name stands for: `torch.nn.functional` for `F`."""
    found = dict(USUAL)
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            roots = [alias.name.partition(".")[0] for alias in node.names if not alias.asname]
            found |= {root: root for root in roots}
    return found


def of_note(nodes: Sequence[ast.AST], names: Mapping[str, str]) -> set[str]:
    """The libraries and calls of note among a cell's nodes, in full; `names` as `aliases` gives them."""
    inner = {node.value for node in nodes if isinstance(node, ast.Attribute)}
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}  # a parameter `model` is no library
    names = {name: full for name, full in names.items() if name not in own}
    found: set[object] = set()
    for node in nodes:
        match node:
            case ast.Import(names=modules):
                found |= {module.name for module in modules}
            case ast.ImportFrom(module=str(module), names=imported):
                found |= {f"{module}.{each.name}" for each in imported}
            case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module")):
                found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
            case ast.Name() | ast.Attribute() if node not in inner:
                found.add(_full_name(node, names))
    return {name for name in found if isinstance(name, str) and _is_of_note(name)}


def _full_name(node: ast.AST, names: Mapping[str, str]) -> str:
    """`torch.nn.functional.gelu` for `F.gelu`; empty if it is not a library's."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    root = names.get(node.id, "") if isinstance(node, ast.Name) else ""
    return ".".join([root, *reversed(parts)]) if root else ""


def _is_of_note(name: str) -> bool:
    if any(name == library or name.startswith(f"{library}.") for library in LIBRARIES):
        return True
    of_torch = name.rpartition(".")[2] in TORCH_NAMES or name.startswith(TORCH_PREFIXES)
    return of_torch and name.startswith("torch.")
