"""The `Learner` handle, through both implementations: in this process and in a child."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hookpoint.checks.author import Counted, Draw, Mismatch, build, gradients, refuses, same
from hookpoint.checks.protocol.given import gathered
from hookpoint.checks.protocol.peer import Raised
from hookpoint.checks.protocol.ref import Learner
from hookpoint.model import Config

CFG = Config(d_vocab=7, n_ctx=5, d_model=4, n_layers=1, n_heads=2, d_head=3, d_mlp=6)


@pytest.fixture
def learner(way):
    """A function from source text to the learner's names, open until the test ends."""
    opened = []

    def learner(source, writes="f", needs=None, **rules):
        context = way(source, writes)
        link = context.__enter__()
        desk = link.open()
        opened.append((context, link, desk))
        desk.begin(**rules, needs=needs, exercise="an exercise")
        return Learner(desk)

    yield learner
    for context, link, desk in opened:
        link.close(desk)
        context.__exit__(None, None, None)


def test_plain_values_go_there_and_back(learner):
    f = learner("def f(*args, **kwargs): return list(args), kwargs").f
    got = f(1, "a", (2, 3), torch.ones(2), k=Counter("ab"))
    assert got[0][:3] == [1, "a", (2, 3)] and torch.equal(got[0][3], torch.ones(2)) and got[1] == {"k": Counter("ab")}


def test_an_object_stays_and_answers(learner):
    names = learner("""
        class f:
            def __init__(self): self.items = []
            def add(self, x): self.items.append(x); return self
    """)
    box = names.f()
    box.add(3).add(4)
    assert box.items.value == [3, 4]
    box.items = [9]
    assert box.items[0].value == 9


def test_an_object_cannot_be_compared_by_mistake(learner):
    thing = learner("class f: pass").f()
    with pytest.raises(TypeError):
        assert thing == thing
    with pytest.raises(TypeError):
        assert not thing


def test_the_gradient_reaches_the_inputs(learner):
    f = learner("def f(x, w): return (x * w).tanh()").f
    x, w = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), torch.ones(4)
    for got, want in zip(gradients(f, x, w), gradients(lambda x, w: (x * w).tanh(), x, w), strict=True):
        same(got, want)


def test_the_gradient_reaches_given_weights(learner):
    source = """
        import torch
        from torch import nn
        class f(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                self.w = nn.Parameter(torch.zeros(cfg.d_model))
            def forward(self, x): return x * self.w ** 2
    """
    w = torch.tensor([1.0, 2, 3, 4], dtype=torch.float64, requires_grad=True)
    out = build(learner(source).f, CFG, {"w": w})(torch.ones(2, 4, dtype=torch.float64))
    same(torch.autograd.grad(out.sum(), w)[0], 4 * w.detach())


def test_the_gradient_passes_through_a_prerequisite_of_ours(learner):
    class Twice(nn.Module):
        def __init__(self, cfg):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(cfg.d_model))

        def forward(self, x):
            return 2 * x * self.w

    source = """
        from torch import nn
        class f(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                self.one, self.two = Twice(cfg), Twice(cfg=cfg)
            def forward(self, x): return self.two(self.one(x).sin())
    """
    weights = {f"{part}.w": torch.rand(4, dtype=torch.float64).requires_grad_() for part in ("one", "two")}
    x = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    leaves = (x, *weights.values())
    want = torch.autograd.grad((2 * (2 * x * weights["one.w"]).sin() * weights["two.w"]).sum(), leaves)
    got = torch.autograd.grad(build(learner(source, needs={"Twice": Twice}).f, CFG, weights)(x).sum(), leaves)
    for a, b in zip(got, want, strict=True):
        same(a, b)


def test_a_prerequisite_function_is_ours_even_if_theirs_is_wrong(learner):
    source = "def helper(x): return 1 / 0\ndef f(x): return helper(x) + 1"
    assert learner(source, needs={"helper": lambda x: 10 * x}).f(4) == 41


def test_an_error_in_a_prerequisite_is_the_learners_to_catch(learner):
    def helper(x):
        raise ValueError("too long")

    source = "def f(x):\n    try:\n        return helper(x)\n    except ValueError as e:\n        return str(e)"
    assert learner(source, needs={"helper": helper}).f(4) == "too long"


def test_a_prerequisite_may_be_a_tool_that_runs_beside_the_learners_code(learner):
    source = "from torch import nn\ndef f(): return shapes(nn.LayerNorm(3))"
    assert learner(source, needs={"shapes": "shapes"}).f() == {"weight": [3], "bias": [3]}


def test_a_function_of_ours_is_called_back(learner):
    seen = []
    assert learner("def f(hook): return [hook(i) for i in range(3)]").f(lambda i: seen.append(i) or i * i) == [0, 1, 4]
    assert seen == [0, 1, 2]


def test_a_mismatch_in_a_function_of_ours_ends_the_check_whatever_the_learner_catches(learner):
    def hook(_):
        raise Mismatch("is wrong.")

    with pytest.raises(Mismatch):
        learner("def f(hook):\n    try: hook(1)\n    except BaseException: return 5").f(hook)


def test_a_model_of_ours_is_counted(learner):
    class Model(nn.Module):
        cfg = CFG

        def forward(self, tokens):
            return F.one_hot(tokens, 7).float()

    model = Counted(Model())
    source = "import torch\ndef f(model, ids):\n    with torch.no_grad():\n        return model(ids), model.cfg.n_ctx"
    logits, n_ctx = learner(source).f(model, torch.tensor([[1, 2]]))
    assert n_ctx == 5 and logits.shape == (1, 2, 7) and len(model.fed) == 1 and not model.states[0]["grad"]


def test_items_are_taken_one_by_one_in_both_directions(learner):
    taken = []

    def pieces():
        for i in range(100):
            taken.append(i)
            yield i

    ids = learner("def f(pieces):\n    for p in pieces: yield p * 2").f(pieces())
    assert [next(ids), next(ids)] == [0, 2] and taken == [0, 1]


def test_a_generator_moves_on_this_side_too(learner):
    generator = torch.Generator().manual_seed(3)
    got = learner("import torch\ndef f(g): return torch.rand(2, generator=g)").f(generator)
    fresh = torch.Generator().manual_seed(3)
    assert torch.equal(got, torch.rand(2, generator=fresh)) and torch.equal(generator.get_state(), fresh.get_state())


@pytest.mark.parametrize("body", ["x.add_(1); return x", "items.append(1); return x", "x[0] = float('nan'); return x"])
def test_an_argument_edited_in_place_is_refused(learner, body):
    with pytest.raises(Mismatch, match="in place"):
        learner(f"def f(x, items):\n    {body}").f(torch.zeros(3), [5])


def test_editing_may_be_allowed(learner):
    assert learner("def f(x): x.append(1); return x", may=("edit",)).f([5]) == [5, 1]


@pytest.mark.parametrize(
    ("body", "whose"), [("torch.rand(1)", "torch"), ("random.random()", "random"), ("numpy.random.rand()", "numpy")]
)
def test_the_global_dice_are_refused(learner, body, whose):
    with pytest.raises(Mismatch, match=f"global random generator of {whose}"):
        learner(f"import torch, random, numpy\ndef f(x):\n    {body}\n    return x").f(1)


@pytest.mark.parametrize(
    "body",
    ["F.softmax(x, -1)", "x.softmax(-1)", "torch.special.softmax(x, -1)", "nn.Softmax(-1)(x)", "x.log_softmax(-1)"],
)
def test_every_spelling_of_a_banned_family_is_caught(learner, body):
    source = f"import torch\nfrom torch import nn\nfrom torch.nn import functional as F\ndef f(x): return {body}"
    with pytest.raises(Raised, match="Forbidden"):
        learner(source, forbids=["softmax"]).f(torch.zeros(3))


@pytest.mark.parametrize(
    ("family", "before", "body"),
    [
        ("tokenizers", "import transformers", "transformers.AutoTokenizer"),
        ("tokenizers", "", "__import__('tiktoken')"),
        ("tokenizers", "from tokenizers import Tokenizer\ndef g(): return Tokenizer", "g()"),
        ("network", "import socket", "socket.create_connection(('localhost', 9))"),
        ("network", "import urllib.request as u", "u.urlopen('http://localhost:9')"),
        ("optim", "import torch", "torch.optim.AdamW([torch.zeros(1, requires_grad=True)])"),
        ("clip_grad", "from torch.nn.utils import clip_grad_norm_ as c", "c([], 1.0)"),
    ],
)
def test_what_an_exercise_does_without_is_caught_however_it_is_reached(learner, family, before, body):
    with pytest.raises(Raised, match="Forbidden"):
        learner(f"{before}\ndef f(): return {body}", forbids=[family]).f()


def test_a_ban_costs_nothing_that_it_does_not_name(learner):
    source = (
        "import json, torch\ndef f():\n    import regex\n    return torch.nn.functional.gelu(torch.zeros(1)).tolist()"
    )
    assert learner(source, forbids=["tokenizers", "network", "optim", "clip_grad"]).f() == [0.0]


def test_files_go_over_by_handle_and_come_back_as_bytes(learner):
    names = learner("def f(path): path.write_bytes(path.read_bytes() * 2)")
    folder = names.given.folder({"a/b.bin": b"ab"})
    path = names.given.inside(folder, "a/b.bin")
    names.f(path)
    assert names.given.read(path) == b"abab"
    assert names.given.listing(folder) == ["a"]


def test_temporary_files_are_gone_when_the_next_check_begins(learner):
    names = learner("def f(): pass")
    folder = Path(names.given.text_of(names.given.folder({"a": b""})))
    assert folder.is_dir()
    names._desk.begin()
    names.f()
    assert not folder.exists()


def test_temporary_files_are_gone_when_the_desk_is_closed(way):
    with way("", "f") as link:
        given = Learner(desk := link.open()).given
        folder = Path(given.text_of(given.folder({"a": b""})))
        assert folder.is_dir()
        link.close(desk)
        assert not folder.exists()


def test_a_time_is_measured_and_stays_out_of_the_transcript(learner):
    names = learner("def f(n): return sum(range(n))")
    before = [said for said, _ in names._desk.transcript]
    assert names.given.seconds(names.f, 200_000) > names.given.seconds(names.f, 1)
    assert not any(isinstance(value, float) for _, value in names._desk.transcript[len(before) :])


def test_a_prerequisite_can_live_on_the_other_side(learner):
    names = learner("def f(tokens): return per_token_loss(torch.zeros(1, 3, 7), tokens)\nimport torch")
    names._desk.begin(needs={"per_token_loss": "hookpoint.model.loss:per_token_loss"}, exercise="loss_reach")
    assert names.f(torch.tensor([[1, 2, 3]])).shape == (1, 2)


def test_no_grad_around_a_call_holds_on_the_other_side(learner):
    f = learner("import torch\ndef f(): return torch.is_grad_enabled()").f
    with torch.no_grad():
        assert f() is False
    assert f() is True


def test_warnings_and_stderr_become_notes(learner):
    names = learner(
        "import sys, warnings\ndef f():\n    warnings.warn('careful'); print('oops', file=sys.stderr); return 1"
    )
    assert names.f() == 1
    assert names._desk.notes == ["Your code warned: careful", "Your code wrote to stderr: oops"]


def test_an_error_carries_its_kinds_text_and_line(learner):
    with pytest.raises(Raised) as caught:
        learner("def f(x):\n    y = 1\n    raise IndexError('no such row')").f(1)
    assert caught.value.kinds[:2] == ["IndexError", "LookupError"] and caught.value.text == "no such row"
    assert caught.value.where == "line 3 of f"


def test_an_error_whose_text_cannot_be_made_is_still_an_error(learner):
    source = "class Bad(Exception):\n    def __str__(self): raise SystemExit\ndef f(): raise Bad"
    with pytest.raises(Raised) as caught:
        learner(source).f()
    assert caught.value.kinds[0] == "Bad" and caught.value.text == ""


def test_a_refusal_is_told_from_an_answer(learner):
    assert refuses(learner("def f(x): raise ValueError('n_ctx is 5')").f, 1).text == "n_ctx is 5"
    with pytest.raises(Mismatch, match="should raise"):
        refuses(learner("def f(x): return 1").f, 1)


def test_numpy_numbers_are_numbers(learner):
    assert learner("import numpy as np\ndef f(): return [np.int64(3), np.float32(0.5), np.True_]").f() == [3, 0.5, True]


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        ("self.v = nn.Parameter(torch.zeros(4))", r"has no parameter w \[4\]"),
        ("self.w = nn.Parameter(torch.zeros(5))", r"has a parameter w of shape \[5\], expected \[4\]"),
        ("self.w = nn.Parameter(torch.zeros(4)); self.u = nn.Linear(1, 1)", "the contract does not name"),
    ],
)
def test_build_names_a_parameter_that_is_not_the_contracts(learner, declare, said):
    source = (
        "import torch\nfrom torch import nn\nclass f(nn.Module):\n"
        f"    def __init__(self, cfg):\n        super().__init__()\n        {declare}\n"
    )
    with pytest.raises(Mismatch, match=said):
        build(learner(source).f, CFG, {"w": torch.zeros(4)})


def test_build_accepts_tied_weights_and_a_state_dict_goes_round(learner):
    source = """
        import torch
        from torch import nn
        class f(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                self.w = nn.Parameter(torch.zeros(4))
                self.inner = nn.Module()
                self.inner.w = self.w
    """
    names = learner(source)
    model = build(names.f, CFG, {"w": torch.ones(4), "inner.w": torch.ones(4)})
    assert set(names.given.state(model)) == {"w", "inner.w"} and names.given.same_storage(model, "w", "inner.w")
    model.load_state_dict({"w": torch.full((4,), 3.0), "inner.w": torch.full((4,), 3.0)})
    assert torch.equal(model.inner.w.value, torch.full((4,), 3.0))


def test_the_same_draw_gives_the_same_numbers_in_both_precisions():
    one, other = Draw("s", "f/values"), Draw("s", "f/values")
    assert torch.equal(one.normal(3), other.normal(3, dtype=torch.float64).float())
    assert not torch.equal(Draw("t", "f/values").normal(3), Draw("s", "f/values").normal(3))


def test_build_names_a_parameter_that_takes_no_gradient(learner):
    source = """
        import torch
        from torch import nn
        class f(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                self.w = nn.Parameter(torch.zeros(4), requires_grad=False)
    """
    cls = learner(source).f
    build(cls, CFG, {"w": torch.zeros(4)})
    with pytest.raises(Mismatch, match="a parameter w with requires_grad off"):
        build(cls, CFG, {"w": torch.zeros(4, requires_grad=True)})


def test_two_tools_of_one_name_are_refused():
    def tool():
        """Stands for any."""

    modules = [SimpleNamespace(__name__=name, TOOLS=(tool,)) for name in ("one", "other")]
    with pytest.raises(LookupError, match="other and .* both give tool"):
        gathered(modules)
