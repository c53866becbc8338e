"""What a piece of code says, whoever wrote it: its syntax tree without names, layout and order of statements.

Left out are the names of variables, arguments, helpers and of attributes that the code itself sets, comments,
docstrings, annotations, imports, `print`, `assert` and `pass`. Made one are `x += y` and `x = x + y`, `a > b` and
`b < a`, `F.softmax(x)`, `torch.softmax(x)` and `x.softmax()`, the order of keywords, the letters of an einsum, and all
other strings. Names of library functions stay: they are the content.

The tree is cut at its statements, each is written in preorder, and every run of `GRAM` tokens of a statement is one
fingerprint (a shorter statement is one). These are the k-grams of Schleimer, Wilkerson and Aiken, "Winnowing: local
algorithms for document fingerprinting", SIGMOD 2003, which MOSS uses. They keep one of each window of grams; our window
is 1, since answers are short enough to keep all. No gram crosses statements, so that moving one changes nothing.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Gram", "fingerprints"]

GRAM = 5
Gram = tuple[str, ...]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
SILENT = (ast.Module, ast.Pass, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Assert)
NOT_CONTENT = frozenset({"ctx", "annotation", "returns", "type_params"})
SWAPPED = {ast.Gt: "Lt", ast.GtE: "LtE"}
LETTER, WORD = re.compile(r"[^\W\d_]"), re.compile(r"\w+")  # an axis as torch's einsum and as einops write it


@dataclass(frozen=True)
class Names:
    """The names and the attributes that a piece of code gives itself, and what its imported names stand for."""

    own: frozenset[str]
    attributes: frozenset[str]
    imported: dict[str, str]

    @classmethod
    def of(cls, tree: ast.AST) -> "Names":
        own, attributes, imported = set(), set(), {}
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                    own.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                    attributes.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    own.add(name)
                    attributes |= _members(node) if isinstance(node, ast.ClassDef) else set()
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    own.add(name)
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    imported |= {alias.asname: alias.name.rpartition(".")[2] for alias in aliases if alias.asname}
        return cls(frozenset(own), frozenset(attributes), imported)


def _members(node: ast.ClassDef) -> set[str]:
    """The methods and the fields that a class declares."""
    names = {child.name for child in node.body if isinstance(child, FUNCTIONS)}
    targets = [child.target for child in node.body if isinstance(child, ast.AnnAssign)]
    targets += [target for child in node.body if isinstance(child, ast.Assign) for target in child.targets]
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


def fingerprints(tree: ast.AST) -> Counter[Gram]:
    """The grams of every statement of the tree, with how often each occurs."""
    names = Names.of(tree)
    grams: Counter[Gram] = Counter()
    # A stack and no recursion, here and below: a participant's tree is as deep as the parser allows.
    waiting: list[ast.AST] = [tree]
    while waiting:
        statement = waiting.pop()
        waiting += _below(statement)
        tokens = list(_tokens(statement, names))
        if tokens:
            grams.update(tuple(tokens[at : at + GRAM]) for at in range(max(len(tokens) - GRAM, 0) + 1))
    return grams


def _below(statement: ast.AST) -> list[ast.AST]:
    """The statements of a compound one, also of its arms."""
    fields = ("body", "orelse", "finalbody", "handlers", "cases")
    return [inner for name in fields for inner in getattr(statement, name, ())]


def _tokens(statement: ast.AST, names: Names) -> Iterator[str]:
    """One statement in preorder; of a compound one, its head."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if node is statement or not isinstance(node, STATEMENTS):
            token, children = _written(node, names)
            if token:
                yield token
            waiting += reversed(children)


def _written(node: ast.AST, names: Names) -> tuple[str, list[ast.AST]]:
    """A node's token, empty if it has none, and what follows it."""
    match node:
        case ast.Expr():
            return "", [] if isinstance(node.value, ast.Constant) or _prints(node.value) else [node.value]
        case ast.Name():
            return "v" if node.id in names.own else names.imported.get(node.id, node.id), []
        case ast.Attribute():
            return "a" if node.attr in names.attributes else node.attr, [] if _module(node, names) else [node.value]
        case ast.Constant():
            return _constant(node.value), []
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return _constant(-number), []
        case ast.JoinedStr():
            return "str", []
        case ast.AugAssign():
            return "Assign", [node.target, ast.BinOp(left=node.target, op=node.op, right=node.value)]
        case ast.AnnAssign():
            return ("Assign", [node.target, node.value]) if node.value else ("", [])
        case ast.Compare(ops=[ast.Gt() | ast.GtE() as operator], comparators=[right]):
            return SWAPPED[type(operator)], [right, node.left]
        case ast.BinOp() | ast.BoolOp() | ast.UnaryOp():
            return type(node.op).__name__, [child for child in _children(node) if child is not node.op]
        case ast.Compare():
            return " ".join(type(op).__name__ for op in node.ops), [node.left, *node.comparators]
        case ast.Call():
            # A helper's parameters are as free as its name.
            helper = isinstance(node.func, ast.Name) and node.func.id in names.own
            keywords = sorted(node.keywords, key=lambda keyword: keyword.arg or "")
            values = [keyword.value for keyword in keywords] if helper else keywords
            return "call", [node.func, *node.args, *values]
        case ast.keyword():
            return f"{node.arg}=", [node.value]
    return "" if isinstance(node, (*SILENT, ast.arguments)) else type(node).__name__, _children(node)


def _children(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, SILENT):
        return []
    values = [value for name, value in ast.iter_fields(node) if name not in NOT_CONTENT]
    flat = [inner for value in values for inner in (value if isinstance(value, list) else [value])]
    return [child for child in flat if isinstance(child, ast.AST) and not isinstance(child, ast.arg)]


def _prints(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def _module(node: ast.AST, names: Names) -> bool:
    """Whether `node` is a library's name, as `torch.nn.functional.softmax` is: then only the last part counts."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id not in names.own


def _constant(value: object) -> str:
    match value:
        case str():
            return _axes(value) if "->" in value else "str"
        case bool() | None:
            return repr(value)
        case float() if value.is_integer():
            return hex(int(value))
        case int():
            return hex(value)  # not decimal: Python refuses to write long numbers so
        case float() | complex():
            return repr(value)
    return type(value).__name__


def _axes(pattern: str) -> str:
    """The axes of an einsum, numbered in the order in which they come: alike for `bqd,bkd->bqk` and `b q d, ...`."""
    axis = WORD if re.search(r"\w \w", pattern) else LETTER
    numbers: dict[str, str] = {}
    return axis.sub(lambda name: numbers.setdefault(name.group(), f"<{len(numbers)}>"), pattern).replace(" ", "")
