"""Copies are found through disguises, people who wrote apart are left in peace, and no file can stop the report.

The submissions are made of the course's right answers. The disguises rewrite text and trees by rules of their own;
nothing here uses what the report normalises with.
"""

import ast
import json
import math
import random
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hookpoint.content.course import course
from hookpoint.grading import similarity
from hookpoint.grading.answers import read_answers
from hookpoint.grading.similarity_trees import fingerprints

ROOT = Path(__file__).parents[3]
NOTEBOOKS = ("00_tensors", "03_attention", "07_sampling")
SUBMISSIONS, HONEST = 40, 6


# Disguises: each takes a source, a source of chance and the name that must stay.


class Bodies(ast.NodeTransformer):
    """Passes every list of statements through a function."""

    def __init__(self, change):
        self.change = change

    def generic_visit(self, node):
        super().generic_visit(node)
        for name in ("body", "orelse"):
            if isinstance(getattr(node, name, None), list) and getattr(node, name):
                setattr(node, name, self.change(getattr(node, name), node))
        return node


def through_bodies(source, change):
    return ast.unparse(ast.fix_missing_locations(Bodies(change).visit(ast.parse(source))))


def renamed(source, chance, writes):
    """Other names for variables, arguments and helpers, at the top and inside."""
    tree = ast.parse(source)
    names = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    names |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    inside = [n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Module) for n in f.body]
    names |= {n.name for n in inside if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    names -= {
        n.id
        for c in ast.walk(tree)
        if isinstance(c, ast.ClassDef)
        for s in c.body
        for n in ast.walk(s)
        if isinstance(s, ast.Assign | ast.AnnAssign) and isinstance(n, ast.Name)
    }  # fields: others name them
    new = {name: f"{chance.choice(['my', 'tmp', 'cur'])}_{name}{chance.randrange(9)}" for name in names}
    for node in ast.walk(tree):
        for field in ("id", "arg", "name"):
            name = getattr(node, field, None)
            if name in new and name not in (writes, "self") and not isinstance(node, ast.keyword | ast.alias):
                setattr(node, field, new[name])
    return ast.unparse(tree)


def chatty(source, chance, writes):
    """Prints and comments."""

    def change(body, node):
        talk = ast.parse(f"print('here', {chance.randrange(99)})").body
        return [each for s in body for each in ((*talk, s) if isinstance(node, ast.FunctionDef) else (s,))]

    return "\n".join(line + chance.choice(["  # then this", ""]) for line in through_bodies(source, change).split("\n"))


def reordered(source, chance, writes):
    """Methods, keywords and assignments that do not need each other in another order."""

    def names(statement, context):
        nodes = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
        return {n.id for n in nodes if isinstance(n.ctx, context)}

    def change(body, node):
        if isinstance(node, ast.ClassDef):
            return chance.sample(body, len(body))
        for i in range(len(body) - 1):
            one, two = body[i : i + 2]
            clash = names(one, ast.Store) & names(two, ast.expr_context) | names(two, ast.Store) & names(one, ast.Load)
            if isinstance(one, ast.Assign) and isinstance(two, ast.Assign) and not clash:
                body[i : i + 2] = [two, one]
        return body

    tree = ast.parse(through_bodies(source, change))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        chance.shuffle(call.keywords)
    return ast.unparse(tree)


def split(source, chance, writes):
    """Values get a name before they are used, and `+=` is written out."""

    def change(body, node):
        new = []
        for number, s in enumerate(body):
            name = f"part{number}"
            if isinstance(s, ast.Return) and isinstance(s.value, ast.Call | ast.BinOp):
                new += [ast.Assign([ast.Name(name, ast.Store())], s.value), ast.Return(ast.Name(name, ast.Load()))]
            elif isinstance(s, ast.Assign) and isinstance(s.value, ast.BinOp):
                rest = ast.BinOp(ast.Name(name, ast.Load()), s.value.op, s.value.right)
                new += [ast.Assign([ast.Name(name, ast.Store())], s.value.left), ast.Assign(s.targets, rest)]
            elif isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name):
                new.append(ast.Assign([s.target], ast.BinOp(ast.Name(s.target.id, ast.Load()), s.op, s.value)))
            else:
                new.append(s)
        return new

    return through_bodies(source, change)


def laid_out(source, chance, writes):
    """Every list of arguments on lines of its own, annotations, other quotes."""
    text = source.replace(", ", ",  # so\n        ") if "#" not in source and '", "' not in source else source
    try:
        ast.parse(text)
    except SyntaxError:  # a comma outside brackets
        return ast.unparse(ast.parse(source))
    return text.replace("(self)", "(self) -> None")


JUNK = (
    "unused = [i * {} for i in range(4)]",
    "if 3 < 2 and len('{}') > 4:\n    raise ValueError('no')",
    "counter = {}\ncounter -= 1",
    "timer = {{'a': {}, 'b': (1, 2)}}\ntimer['a'] -= 1",
    "for _ in range({}):\n    pass",
)


def padded(source, chance, writes):
    """Statements that do nothing, and a helper that nobody calls."""

    def change(body, node):
        junk = ast.parse(chance.choice(JUNK).format(chance.randrange(99))).body
        return [*junk, *body] if isinstance(node, ast.FunctionDef) else body

    return "def nothing(a):\n    while a > 7:\n        a -= 1\n    return a\n\n" + through_bodies(source, change)


def everything(source, chance, writes):
    for disguise in (renamed, reordered, split, padded, chatty):
        source = disguise(source, chance, writes)
    return source


DISGUISES = (renamed, chatty, reordered, split, laid_out, padded, everything)


# Submissions.


def styles(notebook):
    """The right answers of the course's tests, which were written apart."""
    folder = ROOT / "tests" / "part1_build_gpt2" / "answers"
    read = {e.id: read_answers(folder / f"{e.id}.py") for e in course().notebook(notebook).exercises}
    return {id: [answer.source for answer in answers if answer.right] for id, answers in read.items()}


def hand_in(path, notebook, answers):
    """The released notebook with these answers typed in."""
    content = json.loads(course().notebook(notebook).path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        exercise = cell["metadata"]["hookpoint"].get("exercise")
        if cell["metadata"]["hookpoint"]["kind"] == "exercise" and exercise in answers:
            cell["source"] = answers[exercise]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def event(folder, notebook, seed=1, size=SUBMISSIONS):
    """Paths by name, honest ones in different styles first, and for each copy the one that it was made from."""
    chance, by_exercise = random.Random(seed), styles(notebook)
    writes = {e.id: e.writes for e in course().exercises}
    mixed = {id: chance.sample(sources, len(sources)) for id, sources in by_exercise.items()}
    # No two honest people have the same answer; where the course has fewer styles, the last ones leave the stub.
    people = HONEST
    honest = [{id: texts[person] for id, texts in mixed.items() if person < len(texts)} for person in range(people)]
    paths = [hand_in(folder / f"honest{i}.ipynb", notebook, answers) for i, answers in enumerate(honest)]
    origin = {}
    for i in range(size - people):
        disguise = DISGUISES[(i // people + i) % len(DISGUISES)]
        answers = {id: disguise(source, chance, writes[id]) for id, source in honest[i % people].items()}
        paths.append(hand_in(folder / f"copy{i}_{disguise.__name__}.ipynb", notebook, answers))
        origin[paths[-1].name] = paths[i % people].name
    return paths, origin


@pytest.fixture(scope="module", params=NOTEBOOKS)
def judged(request, tmp_path_factory):
    paths, origin = event(tmp_path_factory.mktemp(request.param), request.param)
    return similarity.compare(paths, against={}), origin


def test_every_copy_is_found_beside_the_one_it_was_made_from(judged):
    report, origin = judged
    found = {frozenset((pair.left, pair.right)) for pair in report.pairs}

    assert len(report.submissions) == SUBMISSIONS
    assert [copy for copy, source in origin.items() if frozenset((copy, source)) not in found] == []


def test_nobody_who_wrote_apart_is_reported(judged):
    report, origin = judged
    strangers = [p for p in report.pairs if origin.get(p.left, p.left) != origin.get(p.right, p.right)]

    assert strangers == [] and report.more == 0


def test_the_same_code_in_one_exercise_alone_is_found(tmp_path):
    answers = styles("07_sampling")
    mine = {id: sources[0] for id, sources in answers.items()}
    theirs = {id: sources[1] for id, sources in answers.items()}
    copied = theirs | {"beam_search": renamed(mine["beam_search"], random.Random(0), "beam_search")}
    people = {"a": mine, "b": copied, "c": {id: sources[2] for id, sources in answers.items()}}
    paths = [hand_in(tmp_path / f"{name}.ipynb", "07_sampling", each) for name, each in people.items()]

    (pair,) = similarity.compare(paths, against={}).pairs

    assert (pair.left, pair.right, pair.compared >= 4) == ("a.ipynb", "b.ipynb", True)
    assert [(match.exercise, match.similarity) for match in pair.matches] == [("beam_search", pytest.approx(1))]


def test_what_most_people_write_counts_less(tmp_path):
    sources = styles("07_sampling")["beam_search"]
    texts = [sources[0]] * 2 + sources[1:5]
    few = [hand_in(tmp_path / f"few{i}.ipynb", "07_sampling", {"beam_search": s}) for i, s in enumerate(texts)]
    many = [hand_in(tmp_path / f"many{i}.ipynb", "07_sampling", {"beam_search": sources[0]}) for i in range(12)]

    (rare,) = similarity.compare(few, against={}).pairs

    assert rare.matches[0].as_alike == 3 + 4  # theirs, and each text with the course's own copy of it
    assert similarity.compare(few + many, against={}).pairs == ()


def test_an_answer_moved_into_a_cell_of_ones_own_is_found(tmp_path):
    source = styles("07_sampling")["beam_search"][0]
    plain = hand_in(tmp_path / "plain.ipynb", "07_sampling", {"beam_search": source})
    call = "def beam_search(*args, **more):\n    return secret(*args, **more)"
    moved = hand_in(tmp_path / "moved.ipynb", "07_sampling", {"beam_search": call})
    content = json.loads(moved.read_text())
    content["cells"].append({"cell_type": "code", "metadata": {}, "source": source.replace("beam_search", "secret")})
    moved.write_text(json.dumps(content))

    (pair,) = similarity.compare([plain, moved], against={}).pairs

    assert pair.matches[0].similarity > 0.9


def test_our_solution_and_our_modules_are_known(tmp_path):
    ours = ROOT / "solutions" / "part1_build_gpt2" / "07_sampling.ipynb"

    pairs = similarity.compare([ours]).pairs

    assert {"our solution", "hookpoint/model/sampling.py"} <= {pair.right for pair in pairs}
    assert all(pair.known for pair in pairs)
    assert pairs[0].matches[0].similarity == pytest.approx(1)


def test_short_answers_are_left_out_and_named(tmp_path):
    source = (
        "def causal_mask(n_queries, n_keys):\n    return torch.ones(n_queries, n_keys).tril(n_keys - n_queries).bool()"
    )
    paths = [hand_in(tmp_path / f"{i}.ipynb", "03_attention", {"causal_mask": source}) for i in range(3)]

    report = similarity.compare(paths, against={})

    assert report.pairs == ()
    assert report.left_out["causal_mask"].startswith("3 of 3 answers are too short")


def test_the_stub_does_not_count(tmp_path):
    paths = [hand_in(tmp_path / f"{i}.ipynb", "03_attention", {}) for i in range(3)]

    report = similarity.compare(paths, against={})

    assert (report.pairs, report.left_out, report.troubles) == ((), {}, {})


# The measure.


def test_similarity_is_what_is_shared_over_the_smaller_by_rarity():
    one, two, three = Counter({("x",): 2, ("y",): 1}), Counter({("x",): 1, ("y",): 1, ("z",): 5}), Counter({("z",): 1})
    both, alone = math.log(1 + 3 / 2), math.log(1 + 3 / 1)  # a second x is had by one of the three

    near = similarity.similarities([one, two, three], np.array([True, True, True]))

    assert near[0, 1] == pytest.approx(2 * both / (2 * both + alone))
    assert (near[1, 2], near[0, 2]) == (pytest.approx(1), 0)


SAME = {
    "names and layout": ("def f(x, n):\n  y = x + n\n  return y", "def g(a,\n  b):  # sum\n  c = (a + b)\n  return c"),
    "annotations and docstring": ("def f(x):\n    y = x\n", "def f(x: int) -> int:\n    'Doc.'\n    y: int = x\n"),
    "print, assert, import, pass": ("def f(x):\n  return x", "import os\ndef f(x):\n  assert x; print(x)\n  return x"),
    "order of statements": ("a = g(1)\nb = h(2)", "b = h(2)\na = g(1)"),
    "order of keywords": ("x = g(1, dim=2, keepdim=True)", "x = g(1, keepdim=True, dim=2)"),
    "augmented": ("x += 2 * y", "x = x + 2 * y"),
    "literals": ('x = 1e-5 + 2 * g("a")', "x = 0.00001 + 2.0 * g('b')"),
    "comparison": ("x = a > 3", "x = 3 < a"),
    "imported names": ("x = torch.nn.functional.relu(3)", "import torch.nn.functional as F\nx = F.relu(3)"),
    "method or function": ("x = g()\ny = softmax(x, dim=-1)", "x = g()\ny = x.softmax(dim=-1)"),
    "letters of an einsum": ("y = einsum('bqd, bkd -> bqk', q, k)", "y = einsum('xie,xje->xij', q, k)"),
    "spaces of an einsum": ("y = einsum('bqd,bkd->bqk')", "y = einsum('batch q d, batch k d -> batch q k')"),
    "helper's parameters": ("def h(a): return a\nx = h(a=3)", "def k(b): return b\nx = k(b=3)"),
}  # fmt: skip
DIFFERENT = {
    "library calls": ("y = x.tril(n)", "y = x.triu(n)"),
    "numbers": ("y = x[1]", "y = x[2]"),
    "negative numbers": ("y = x[-1]", "y = x[-2]"),
    "operators": ("y = a - b", "y = a + b"),
    "direction": ("x = a > 3", "x = a < 3"),
    "axes": ("y = einsum('bqd,bkd->bqk')", "y = einsum('bqd,bkd->bkq')"),
    "keywords of a library": ("y = x.sum(dim=1)", "y = x.sum(axis=1)"),
    "conjunctions": ("x = a and b", "x = a or b"),
    "loops": ("for x in y: z(x)", "while x: z(x)"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_does_not_matter_is_not_seen(one, other):
    assert fingerprints(ast.parse(one)) == fingerprints(ast.parse(other)) != Counter()


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_matters_is_seen(one, other):
    assert fingerprints(ast.parse(one)) != fingerprints(ast.parse(other))


# Whatever people hand in.

MALFORMED = {
    "syntax": "def beam_search(:",
    "signs": "def beam_search(): return " + "-" * 5000 + "1",
    "sum": "def beam_search(): return " + " + ".join(["1"] * 5000),
    "attributes": "def beam_search(): return x" + ".a" * 5000,
    "comparison": "def beam_search(): return " + " < ".join(["1"] * 5000),
    "megabyte": "def beam_search(): return 1\n" + "x = 1\n" * 170_000,
    "surrogate": "def beam_search(): return '\ud800'",
    "null": "def beam_search(): return 1\0",
}


@pytest.mark.parametrize("source", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_cell_costs_nothing_but_a_line(source, tmp_path):
    right = styles("07_sampling")["beam_search"][0]
    paths = [hand_in(tmp_path / f"{i}.ipynb", "07_sampling", {"beam_search": right}) for i in range(2)]
    bad = hand_in(tmp_path / "bad.ipynb", "07_sampling", {"beam_search": source})
    start = time.process_time()

    report = similarity.compare([bad, *paths], against={})

    assert time.process_time() - start < 5
    assert list(report.troubles) == ["bad.ipynb"] and len(report.troubles["bad.ipynb"]) == 1
    assert [(pair.left, pair.right) for pair in report.pairs] == [("0.ipynb", "1.ipynb")]
    similarity.as_html(report).encode("utf-8")


FILES = {
    "cut.ipynb": b'{"cells": [',
    "odd.ipynb": b'{"cells": {"a": 1}}',
    "latin.py": b"x = '\xff'",
    "empty.ipynb": b"",
}


def test_a_file_that_cannot_be_read_is_a_line_without_our_folders(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    paths = [*(tmp_path / name for name in FILES), tmp_path / "gone.ipynb", tmp_path]

    report = similarity.compare(paths, against={})

    assert set(report.troubles) == {*FILES, "gone.ipynb", tmp_path.name}
    assert str(tmp_path) not in json.dumps(similarity.as_json(report))


# What people see.


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.seen, self.attributes = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def hostile(tmp_path):
    """Two like submissions that want to be a page, or another name, of their own."""
    source = styles("07_sampling")["beam_search"][0] + "\nx = '</pre><script src=//x>\u202e{head}</script>'\n"
    names = ("a<img src=x>[red].ipynb", "b\u202e\x1b[31m.ipynb")
    return [hand_in(tmp_path / name, "07_sampling", {"beam_search": source}) for name in names]


def test_the_page_shows_text_and_loads_nothing(hostile):
    page = similarity.as_html(similarity.compare(hostile, against={}))

    tags = Tags(page)
    assert tags.seen <= set(
        "html head meta title style body h1 h2 h3 p table thead tbody tr th td a ul li div pre".split()
    )
    assert tags.attributes <= {"lang", "charset", "http-equiv", "content", "class", "href", "id"}
    assert "&lt;script src=//x&gt;\ufffd{head}" in page and "a&lt;img src=x&gt;[red].ipynb" in page
    assert not {"\u202e", "\x1b"} & set(page)


def test_the_verb_prints_the_pairs_and_writes_the_page(hostile, tmp_path, capsys):
    similarity.main(hostile, tmp_path / "report.html")

    printed = capsys.readouterr().out
    assert "a<img src=x>[red].ipynb" in printed and "\u202e" not in printed and "\x1b" not in printed
    assert "beam_search 100%" in " ".join(printed.split())
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_report_is_plain_values(judged):
    plain = json.loads(json.dumps(similarity.as_json(judged[0])))

    assert plain["format"] == 1 and len(plain["pairs"]) == len(judged[0].pairs)
    assert {"left", "right", "score", "matches", "compared", "known"} == set(plain["pairs"][0])


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path):
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
    paths = [hand_in(tmp_path / name / "07_sampling.ipynb", "07_sampling", {}) for name in ("ann", "bob")]

    assert similarity.compare(paths, against={}).submissions == ("ann/07_sampling.ipynb", "bob/07_sampling.ipynb")


def test_libraries_that_do_the_exercise_are_noted_where_they_are_used(tmp_path):
    answer = (
        "import torch.nn.functional as fun\nfrom transformers import GPT2Model\nimport tiktoken as t\n\n"
        "def apply_mask(scores, model):\n    model.GPT2()\n    __import__('transformer_lens.loading')\n"
        "    return fun.scaled_dot_product_attention(nn.LayerNorm(3), torch.optim.AdamW)"
    )
    path = hand_in(tmp_path / "a.ipynb", "03_attention", {"apply_mask": answer})

    (notes,) = similarity.imports_of_note([path]).values()

    assert [note.removeprefix("`apply_mask`: ") for note in notes] == [
        "tiktoken", "torch.nn.LayerNorm", "torch.nn.functional.scaled_dot_product_attention", "torch.optim.AdamW",
        "transformer_lens.loading", "transformers.GPT2Model",
    ]  # fmt: skip


def test_what_the_released_notebook_imports_is_not_noted(tmp_path):
    paths = [hand_in(tmp_path / f"{name}.ipynb", name, {}) for name in NOTEBOOKS]

    assert set(similarity.imports_of_note(paths).values()) == {()}


def test_many_submissions_take_seconds(tmp_path):
    paths, _ = event(tmp_path, "03_attention", size=100)
    start = time.process_time()

    similarity.compare(paths)

    assert time.process_time() - start < 8  # 1.5 here; 500 take 4
