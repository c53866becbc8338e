"""Checks for `load_state` (part 1, notebook 05)."""

from dataclasses import replace

import torch

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip, same
from hookpoint.checks.compare import Tolerance, may_reveal
from hookpoint.checks.model_and_loss._functional import gpt2_shapes

from . import _loaders
from ._states import CFG, DEEP, deep_state, hf_state, ours_of

B_U, W_U = "unembed.b_U", "unembed.W_U"
EXACT = Tolerance(0.0, 0.0, 0.0)  # weights are copied, not computed
SMALL = replace(CFG, n_layers=1)
REFUSALS = ("ValueError", "IndexError", "RuntimeError", "AssertionError", "LookupError", "TypeError")


def reference(model, state, strict=True):
    """Names the arguments; what a model has to hold afterwards is in `_states.ours_of`."""


def model_of(learner, draw, cfg=CFG, dtype=torch.float32):
    """A model of ours with random weights everywhere, b_U too, and those weights."""
    model = learner.given.gpt2(cfg)
    before = {name: draw.normal(*shape, dtype=dtype) for name, shape in gpt2_shapes(cfg).items()}
    learner.given.load(model, before)
    return model, before


def holds(learner, model, want, when=""):
    """Raises `Mismatch` unless the model's parameters are exactly these."""
    got = learner.given.weights(model)
    if got.keys() != want.keys():
        odd = sorted(got.keys() ^ want.keys())[0]
        raise Mismatch(f"leaves a model that has gained or lost the parameter {odd}{when}.")
    same_weights(got, want, when)


def same_weights(got, want, when=""):
    for name, weight in want.items():
        if got[name].dtype == weight.dtype and torch.equal(got[name], weight):
            continue
        try:
            same(got[name], weight, tolerance=EXACT)
        except Mismatch as mismatch:
            if got[name].shape != weight.shape or got[name].dtype != weight.dtype:
                fact = f"leaves {name} as {shown(got[name])}, expected {shown(weight)}{when}."
                raise Mismatch(fact) from None
            raise Mismatch(f"leaves the wrong numbers in {name}{when}.", *mismatch.lines) from None


def shown(tensor):
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


def reports(report, loaded, missing=(), unexpected=(), optional=(B_U,)):
    """Raises `Mismatch` unless the report names these, in any order; `optional` names may be among the loaded."""
    for key, want in (("loaded", loaded), ("missing", missing), ("unexpected", unexpected)):
        if key not in report:
            raise Mismatch(f"returned a report without the key {key!r}.", got=report)
        named = report[key]
        if not isinstance(named, (list, tuple, set)) or not all(isinstance(name, str) for name in named):
            raise Mismatch(f"returned a report in which {key!r} is no list of names.", got=report)
        lacking, beyond = sorted(set(want) - set(named)), sorted(set(named) - set(want))
        if key == "loaded":
            lacking, beyond = ([name for name in names if name not in optional] for names in (lacking, beyond))
        if lacking:
            raise Mismatch(f"returned a report in which {key!r} lacks {first_of(lacking)}.", got=report)
        if beyond:
            raise Mismatch(f"returned a report in which {key!r} names {first_of(beyond)}.", got=report)


def first_of(names):
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def values(learner, draw):
    """Every weight of the state arrives where it belongs, b_U is 0, and the report names what was loaded."""
    model, _ = model_of(learner, draw)
    state = hf_state(draw, prefix="transformer.", buffers=True)
    report = learner.load_state(model, state)
    want = ours_of(state)
    holds(learner, model, want)
    reports(report, want)


def bare(learner, draw):
    """A state without the prefix and without lm_head.weight loads as well: the head is wte.weight."""
    model, _ = model_of(learner, draw, SMALL)
    state = hf_state(draw, SMALL, head=False, buffers=True)
    report = learner.load_state(model, state)
    want = ours_of(state, SMALL)
    holds(learner, model, want)
    reports(report, want, optional=(B_U, W_U))


def deep(learner, draw):
    """Twelve blocks get twelve different sets of weights: h.1 is not h.11."""
    model = learner.given.gpt2(DEEP)
    state = dict(reversed(deep_state(draw).items()))  # a dict promises no order that would help
    learner.load_state(model, state)
    parts = ("ln1.w", "attn.W_K", "attn.b_V", "attn.W_O", "mlp.b_in")
    names = [f"blocks.{n}.{part}" for n in (1, 2, 10, 11) for part in parts] + ["embed.W_E", W_U]
    want = ours_of(state, DEEP)
    same_weights(learner.given.fetch_all(model, names), {name: want[name] for name in names})


def strict(learner, draw):
    """By default a missing or an unexpected tensor is an error that names it, and the model stays as it was."""
    model, before = model_of(learner, draw, SMALL)
    state = hf_state(draw, SMALL)
    learner.load_state(model, state)
    holds(learner, model, ours_of(state, SMALL))
    learner.given.load(model, before)
    joint = [name for name in state if name.startswith("h.0.attn.c_attn")]
    cases = [
        (("h.0.ln_2.bias", "blocks.0.ln2.b"), without(state, "h.0.ln_2.bias"), "a state without h.0.ln_2.bias"),
        (("h.1.ln_1.weight", "blocks.1.ln1.w"), {**state, "h.1.ln_1.weight": torch.ones(CFG.d_model)},
         "a state with an unexpected h.1.ln_1.weight"),
        (("wpe.weight", "pos_embed.W_pos"), without(state, "wpe.weight"), "a state without wpe.weight"),
        (("score.weight",), {"score.weight": torch.ones(2, 3), **state}, "a state with an unexpected score.weight"),
        (("qkv", "c_attn", "attn.W_", "attn.b_"), without(state, *joint), "a state without h.0.attn.c_attn"),
    ]  # fmt: skip
    refused(learner, model, before, cases)


def without(state, *names):
    return {name: tensor for name, tensor in state.items() if name not in names}


def refused(learner, model, before, cases, **options):
    """Raises `Mismatch` unless each state is refused in words that hold one of its names, and nothing has changed.

    A case is (names, state, what it is). All are tried before one is complained of, so that slips can be told apart.
    """
    complaints = []
    for names, state, what in cases:
        try:
            learner.load_state(model, state, **options)
        except Raised as error:
            if not set(REFUSALS) & set(error.kinds):
                raise
            if not any(name in error.text for name in names):
                said = f"  It says {error.text[:90]!r}." if error.text and may_reveal.get() else ""
                complaints.append(
                    Mismatch(f"refuses {what} in words that do not name the tensor.", *filter(None, [said]))
                )
        else:
            complaints.append(Mismatch(f"takes {what} without an error."))
            learner.given.load(model, before)
    if complaints:
        raise complaints[0]
    holds(learner, model, before, " after an error")


def lenient(learner, draw):
    """With strict=False what is there is loaded, what is missing stays as it was, and the report tells."""
    model, before = model_of(learner, draw, SMALL)
    whole = hf_state(draw, SMALL, prefix="transformer.")
    gone = ("h.0.mlp.c_fc.weight", "h.0.attn.c_attn.weight", "h.0.attn.c_attn.bias", "ln_f.bias")
    state = {name: tensor for name, tensor in whole.items() if name.removeprefix("transformer.") not in gone}
    state |= {"transformer.h.1.mlp.c_fc.bias": torch.ones(CFG.d_mlp), "score.weight": torch.ones(2, 3)}
    parts = [f"blocks.0.attn.{letter}_{part}" for letter in "Wb" for part in "QKV"]
    missing = ["blocks.0.mlp.W_in", *parts, "ln_final.b"]
    report = learner.load_state(model, state, strict=False)
    want = {name: before[name] if name in missing else weight for name, weight in ours_of(whole, SMALL).items()}
    holds(learner, model, want, " with strict=False")
    loaded = [name for name in want if name not in missing]
    reports(report, loaded, missing, ["transformer.h.1.mlp.c_fc.bias", "score.weight"])


def without_embedding(learner, draw):
    """Without wte.weight the embedding is missing; the head is, too, unless the state has one."""
    model, before = model_of(learner, draw, SMALL)
    for head in (True, False):
        whole = hf_state(draw, SMALL, head=True)
        left_out = {"wte.weight"} if head else {"wte.weight", "lm_head.weight"}
        state = {name: tensor for name, tensor in whole.items() if name not in left_out}
        learner.given.load(model, before)
        report = learner.load_state(model, state, strict=False)
        missing = ["embed.W_E"] if head else ["embed.W_E", W_U]
        want = {name: before[name] if name in missing else weight for name, weight in ours_of(whole, SMALL).items()}
        holds(learner, model, want, " from a state without wte.weight")
        reports(report, [name for name in want if name not in missing], missing)


def shapes(learner, draw):
    """A tensor of the wrong shape is an error that names it, also with strict=False, and the model stays as it was."""
    model, before = model_of(learner, draw, SMALL)
    state = hf_state(draw, SMALL)
    d, hidden = CFG.d_model, CFG.d_mlp
    wrong = {
        "h.0.ln_1.bias": ((1,), "ln1.b"),
        "wpe.weight": ((1, d), "W_pos"),
        "h.0.mlp.c_fc.weight": ((hidden, d), "W_in"),
        "h.0.attn.c_proj.weight": ((d, 1), "W_O"),
        "h.0.attn.c_attn.weight": ((3 * d, d), "qkv_weight", "W_Q"),
        "ln_f.weight": ((d + 1,), "ln_final.w"),
        "lm_head.weight": ((CFG.d_vocab + 2, d), "W_U"),
        "h.0.attn.c_attn.bias": ((3 * CFG.n_heads,), "c_attn", "qkv", "b_Q"),  # one number for each head
        "wte.weight": ((CFG.d_vocab + 2, d), "W_E"),
    }
    cases = [
        (
            (key, *ours),
            {**state, key: draw.normal(*shape)},
            f"{key} {list(shape)} where {list(state[key].shape)} is due",
        )
        for key, (shape, *ours) in wrong.items()
    ]
    refused(learner, model, before, cases[::2])
    refused(learner, model, before, cases[1::2], strict=False)
    long = {**state, "wpe.weight": draw.normal(CFG.n_ctx + 3, d)}
    refused(learner, model, before, [(("wpe.weight", "W_pos"), long, "a wpe.weight with more rows than n_ctx")])
    learner.load_state(model, state)
    holds(learner, model, ours_of(state, SMALL), " after refusing other states")


def copies(learner, draw):
    """The model has its own numbers: what happens to the state's tensors afterwards does not reach it."""
    model, _ = model_of(learner, draw, SMALL)
    state = hf_state(draw, SMALL, head=False)
    learner.given.then_spoil(learner.load_state, model, state)
    got = learner.given.weights(model)
    shared = [name for name, weight in got.items() if weight.numel() and (weight == 7).all()]
    if shared:
        line = "  When the state is changed, so is the model: copy the numbers into the parameters."
        raise Mismatch(f"leaves {first_of(shared)} in the memory of the state.", line)
    holds(learner, model, ours_of(state, SMALL))


def dtypes(learner, draw):
    """The model keeps its dtype and can still be trained; half precision and any memory layout will do as a source."""
    model, _ = model_of(learner, draw, SMALL)
    state = {name: tensor.half() for name, tensor in hf_state(draw, SMALL).items()}
    turned = {name: tensor.mT.contiguous().mT if tensor.ndim > 1 else tensor for name, tensor in state.items()}
    learner.load_state(model, turned)
    want = {name: weight.float() for name, weight in ours_of(state, SMALL).items()}
    holds(learner, model, want, " from float16")
    for name, (trainable, leaf, _) in learner.given.standing(model).items():
        if not trainable or not leaf:
            fact = "with requires_grad off" if not trainable else "as the result of a computation, not as a leaf"
            raise Mismatch(f"leaves {name} {fact}, so it could not be trained.")
    model, _ = model_of(learner, draw, SMALL, torch.float64)
    fine = {name: tensor.double() / 3 for name, tensor in hf_state(draw, SMALL).items()}
    learner.load_state(model, fine)
    holds(learner, model, ours_of(fine, SMALL), " from float64 into float64")


EXERCISE = Exercise(
    "load_state",
    checks=(values, bare, deep, strict, lenient, without_embedding, shapes, copies, dtypes),
    reference=reference,
    gives=dict,
    needs={"map_name": "hookpoint.model.loading:map_name", "split_qkv": "hookpoint.model.loading:split_qkv"},
    slips=(
        Slip("strict is ignored, so nothing is ever refused", _loaders.never_strict),
        Slip("a missing tensor is no error, and its parameters keep random numbers", _loaders.missing_ignored),
        Slip("an unexpected tensor is no error", _loaders.unexpected_ignored),
        Slip("strict=False is ignored", _loaders.always_strict),
        Slip("the MLP's matrices are transposed, as if they came from nn.Linear", _loaders.linear_layout),
        Slip("c_attn is transposed, as if it came from nn.Linear", _loaders.projection_turned),
        Slip(
            "the attention's c_proj is transposed; the matrix is square, so nothing complains", _loaders.output_turned
        ),
        Slip("ln_1 and ln_2 are exchanged", _loaders.norms_swapped),
        Slip("blocks 10 and 11 are taken for block 1", _loaders.first_digit),
        Slip(
            "the rows of c_proj are dealt out to the heads in turn; a head owns d_head rows side by side",
            _loaders.head_output_mixed,
        ),
        Slip("b_U keeps what was in it; Hugging Face's head has no bias, so it must become 0", _loaders.bias_kept),
        Slip("without lm_head.weight the head is not set; it is wte.weight then", _loaders.head_needed),
        Slip("the head is always wte.weight, also where the state has lm_head.weight", _loaders.always_tied),
        Slip("the mask buffers are reported as unexpected", _loaders.buffers_unexpected),
        Slip("unembed.b_U is reported as missing", _loaders.b_U_missing),
        Slip(
            "weights are written one by one, so a refusal comes too late and leaves a mixture", _loaders.partly_loaded
        ),
        Slip(
            "shapes are not compared, and a tensor that is too small is repeated to fill its place", _loaders.broadcast
        ),
        Slip("the model takes over the state's own tensors instead of copies", _loaders.aliased),
        Slip("the parameters are left with requires_grad off", _loaders.frozen),
        Slip("the parameters take the dtype of the state", _loaders.their_dtype),
        Slip("the report has the state's names under loaded; our names belong there", _loaders.their_names),
        Slip("the report has every parameter under loaded, whatever came", _loaders.all_named_as_loaded),
        Slip("the report has our names under unexpected; the state's belong there", _loaders.unexpected_in_ours),
        Slip("the error does not say which tensor it is about", _loaders.unnamed),
    ),
)
