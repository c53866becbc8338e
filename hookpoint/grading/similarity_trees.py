"""What a piece of code says, whoever wrote it: its syntax tree without names, layout and order of statements.

Left out: names of variables, arguments, helpers and attributes of one's own, comments, docstrings, annotations, imports,
`print`, `assert` and `pass`. Made one: `x += y` and `x = x + y`, `a > b` and `b < a`, `F.softmax(x)`,
`torch.softmax(x)` and `x.softmax()`, the order of keywords, the letters of an einsum. Names of library functions stay:
they are the content.

The tree is cut at its statements, each is written in preorder, and every run of `GRAM` tokens of a statement is one
fingerprint (a shorter statement is one). These are the k-grams of Schleimer, Wilkerson and Aiken, "Winnowing: local
algorithms for document fingerprinting", SIGMOD 2003, as MOSS takes them, with a window of 1: an answer is short enough to
keep them all, so that every common run of `GRAM` tokens is found. As no gram crosses statements, moving one changes nothing.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator

GRAM = 4
IN_LETTERS = re.compile(r"[^\W\d_]")  # the axes of torch's einsum
IN_WORDS = re.compile(r"\w+")  # and of einops'
NOT_CONTENT = (ast.Pass, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Assert)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NOT_WALKED = frozenset({"ctx", "annotation", "returns", "type_comment", "kind", "is_async", "type_params"})
SWAPPED = {ast.Gt: "Lt", ast.GtE: "LtE"}


def fingerprints(tree: ast.AST) -> Counter[tuple[str, ...]]:
    """The grams of every statement of the tree, with how often each occurs."""
    own, library = _own_names(tree), _library_names(tree)
    grams: Counter[tuple[str, ...]] = Counter()
    waiting: list[ast.AST] = [tree]
    while waiting:  # no recursion: a participant's tree may be as deep as the parser lets it
        statement = waiting.pop()
        waiting += [child for child in _statements_in(statement)]
        tokens = list(_tokens(statement, own, library))
        if tokens:
            grams.update(tuple(tokens[at : at + GRAM]) for at in range(max(len(tokens) - GRAM, 0) + 1))
    return grams


def _statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """The statements (and arms of `try` and `match`) directly below a node."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, name, None)
        if isinstance(inner, list):
            yield from inner


def _own_names(tree: ast.AST) -> frozenset[str]:
    """Every name and attribute that the code itself gives to something."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return frozenset(names)


def _library_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: `functional` for `F`."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {
        alias.asname or alias.name: alias.name.rpartition(".")[2] for statement in imports for alias in statement.names
    }


def _tokens(statement: ast.AST, own: frozenset[str], library: dict[str, str]) -> Iterator[str]:
    """One statement in preorder; of a compound one, its head."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if node is not statement and isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        token, children = _written(node, own, library)
        if token:
            yield token
        waiting += reversed(children)


def _written(node: ast.AST, own: frozenset[str], library: dict[str, str]) -> tuple[str, list[ast.AST]]:
    """A node's token, empty if it has none, and the children that follow it."""
    kind = type(node).__name__
    match node:
        case ast.Module() | ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal() | ast.Assert():
            return "", []
        case ast.Expr():
            silent = isinstance(node.value, ast.Constant) or _is_print(node.value)
            return "", [] if silent else [node.value]
        case ast.Name():
            return ("v" if node.id in own else library.get(node.id, node.id)), []
        case ast.Attribute():
            whole = "v" if node.attr in own else node.attr
            return whole, [] if _is_module(node.value, own) else [node.value]
        case ast.Constant():
            return _constant(node.value), []
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return _constant(-number), []
        case ast.BinOp() | ast.AugAssign():
            left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
            operation = type(node.op).__name__
            return operation, [left, right]
        case ast.Compare(ops=[ast.Gt() | ast.GtE() as operator]):
            return SWAPPED[type(operator)], [node.comparators[0], node.left]
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp():
            ops = node.ops if isinstance(node, ast.Compare) else [node.op]
            return "".join(type(op).__name__ for op in ops), [c for c in ast.iter_child_nodes(node) if c not in ops]
        case ast.Call():
            return "call", [node.func, *node.args, *sorted(node.keywords, key=lambda keyword: keyword.arg or "")]
        case ast.keyword():
            return ("k" if node.arg in own else f"{node.arg}="), [node.value]
        case ast.JoinedStr():
            return "str", []
        case ast.arguments():
            return "", [default for default in (*node.defaults, *node.kw_defaults) if default]
        case ast.AnnAssign():
            return ("Assign", [node.target, node.value]) if node.value else ("", [])
    return kind, _children(node)


def _children(node):
    found = []
    for name, value in ast.iter_fields(node):
        if name in NOT_WALKED: continue
        if isinstance(value, ast.AST): found.append(value)
        elif isinstance(value, list): found += [v for v in value if isinstance(v, ast.AST)]
    return found

def _is_print(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def _is_module(node: ast.AST, own: frozenset[str]) -> bool:
    """Whether `node.x` is a library's `x`, as in `torch.nn.functional.x`: then only `x` counts."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id not in own


def _constant(value: object) -> str:
    if isinstance(value, str):
        return _axes(value) if "->" in value else "str"
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return repr(value)
    return f"number {hash(value)}" if isinstance(value, int | float | complex) else "bytes"


def _axes(pattern: str) -> str:
    """The axes of an einsum, numbered as they come."""
    names = (IN_WORDS if " " in pattern.replace(", ", ",").replace(" ->", "->").replace("-> ", "->") else IN_LETTERS)
    seen: dict[str, str] = {}
    return names.sub(lambda name: seen.setdefault(name.group(), str(len(seen))), pattern).replace(" ", "")
