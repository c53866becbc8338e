"""Checks for `svd_read_write` (part 2, notebook 13)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same
from hookpoint.checks.compare import describe

from ._heads import CFG, HEADS, drawn, left_alone, loaded, of_head


def reference(model, layer, head, k):
    """Names the arguments in messages."""


def asked(learner, model, layer, head, k):
    got = learner.svd_read_write(model, layer, head, k)
    if not isinstance(got, (tuple, list)) or len(got) != 3 or not all(isinstance(one, Tensor) for one in got):
        raise Mismatch(f"returned {describe(got)}, expected three tensors: read, write, s.", got=got)
    read, write, s = got
    for name, got, shape in (("read", read, (k, CFG.d_model)), ("write", write, (k, CFG.d_model)), ("s", s, (k,))):
        if got.shape != shape:
            raise Mismatch(f"gives {name} of shape {list(got.shape)}, expected {list(shape)}.")
    return read, write, s


def directions(learner, draw):
    """read[i] through the OV matrix gives s[i] * write[i]; the directions have length 1 and stand at right angles."""
    for dtype, k in ((torch.float32, 3), (torch.float64, CFG.d_head)):
        weights = drawn(draw, dtype=dtype)
        model = loaded(learner, weights)
        for layer, head in HEADS[:2]:
            read, write, s = asked(learner, model, layer, head, k)
            W_V, W_O = of_head(weights, layer, head, "W_V", "W_O")
            OV = W_V @ W_O
            same(s, torch.linalg.svdvals(OV.double())[:k].to(dtype), f"for s, head {layer}.{head}", WHOLE)
            for name, rows in (("read", read), ("write", write)):
                same(rows @ rows.T, torch.eye(k, dtype=dtype), f"for {name} @ {name}.T, head {layer}.{head}", WHOLE)
            same(read @ OV, s[:, None] * write, f"for read @ OV against s * write, head {layer}.{head}", WHOLE)
        left_alone(learner, model, weights)


def exact(learner, draw):
    """A head built to read places 0, 1, 2 and to write them to 5, 6, 7 with strengths 2, 6, 3 gives them in order."""
    weights = {name: 0 * w for name, w in drawn(draw, dtype=torch.float64).items()}
    for inner, (place, strength) in enumerate(zip((0, 1, 2), (2.0, 6.0, -3.0), strict=True)):
        weights["blocks.1.attn.W_V"][1, place, inner] = 2.0
        weights["blocks.1.attn.W_O"][1, inner, 5 + place] = strength / 2.0
    model = loaded(learner, weights)
    asked(learner, model, 1, 1, 1)
    read, write, s = asked(learner, model, 1, 1, 3)
    order = [1, 2, 0]
    eye = torch.eye(CFG.d_model).double()
    same(s, torch.tensor([6.0, 3.0, 2.0]).double(), "for s")
    same(read.abs(), eye[order], "for the sizes of read")
    same(write.abs(), eye[[5 + place for place in order]], "for the sizes of write")
    signs = (read.sum(dim=1) * write.sum(dim=1)).sign()
    same(signs, torch.tensor([1.0, -1.0, 1.0]).double(), "for the sign of each pair")


def parts(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head], attn.W_O[head]


def cut(U, S, Vh, k):
    return U.T[:k], Vh[:k], S[:k]


def right(model, layer, head, k):
    W_V, W_O = parts(model, layer, head)
    return cut(*torch.linalg.svd(W_V @ W_O), k)


def swapped_sides(model, layer, head, k):
    read, write, s = right(model, layer, head, k)
    return write, read, s


def columns(model, layer, head, k):
    read, write, s = right(model, layer, head, k)
    return read.T, write.T, s


def rows_of_u(model, layer, head, k):
    U, S, Vh = torch.linalg.svd(parts(model, layer, head)[0] @ parts(model, layer, head)[1])
    return U[:k], Vh[:k], S[:k]


def columns_of_vh(model, layer, head, k):
    U, S, Vh = torch.linalg.svd(parts(model, layer, head)[0] @ parts(model, layer, head)[1])
    return U.T[:k], Vh.T[:k], S[:k]


def cut_before(model, layer, head, k):
    W_V, W_O = parts(model, layer, head)
    return cut(*torch.linalg.svd(W_V[:, :k] @ W_O[:k]), k)


def of_each(model, layer, head, k):
    W_V, W_O = parts(model, layer, head)
    U, S, _ = torch.linalg.svd(W_V, full_matrices=False)
    _, S_O, Vh = torch.linalg.svd(W_O, full_matrices=False)
    return U.T[:k], Vh[:k], (S * S_O)[:k]


def of_qk(model, layer, head, k):
    attn = model.blocks[layer].attn
    return cut(*torch.linalg.svd(attn.W_Q[head] @ attn.W_K[head].T), k)


def weakest(model, layer, head, k):
    W_V, W_O = parts(model, layer, head)
    U, S, Vh = torch.linalg.svd(W_V @ W_O)
    width = W_V.shape[1]
    return U.T[:width].flip(0)[:k], Vh[:width].flip(0)[:k], S[:width].flip(0)[:k]


def squared(model, layer, head, k):
    read, write, s = right(model, layer, head, k)
    return read, write, s.square()


def scaled_writes(model, layer, head, k):
    read, write, s = right(model, layer, head, k)
    return read, write * s[:, None], s


def sign_made_positive(model, layer, head, k):
    read, write, s = right(model, layer, head, k)
    return tuple(one * one.sum(dim=1, keepdim=True).sign() for one in (read, write)) + (s,)


def eigenvectors(model, layer, head, k):
    W_V, W_O = parts(model, layer, head)
    OV = W_V @ W_O
    values, vectors = torch.linalg.eigh(OV + OV.T)
    order = values.abs().argsort(descending=True)[:k]
    return vectors.T[order], vectors.T[order], values.abs()[order]


def everything(model, layer, head, k):
    return right(model, layer, head, model.cfg.d_head)


def swapped(model, layer, head, k):
    return right(model, head, layer, k)


def through_vocabulary(model, layer, head, k):
    W_V, W_O = parts(model, layer, head)
    _, S, _ = torch.linalg.svd(model.embed.W_E @ W_V @ W_O @ model.unembed.W_U)
    read, write, _ = right(model, layer, head, k)
    return read, write, S[:k]


EXERCISE = Exercise(
    "svd_read_write",
    checks=(directions, exact),
    reference=reference,
    needs={"ov_matrix": "ov_of", "FactoredMatrix": "factored"},
    slips=(
        Slip("read and write have changed places", swapped_sides),
        Slip("the directions are columns; the text asks for rows", columns),
        Slip("rows of U are taken: its columns are the directions", rows_of_u),
        Slip("torch's svd gives V already transposed, and it is transposed again", columns_of_vh),
        Slip("W_V and W_O are cut to k before they are multiplied", cut_before),
        Slip("W_V and W_O are decomposed separately, though their inner directions differ", of_each),
        Slip("it is the QK circuit", of_qk),
        Slip("the weakest directions come first", weakest),
        Slip("s is squared", squared),
        Slip("write is multiplied by s", scaled_writes),
        Slip("the sign of each direction is chosen by itself; only a pair can be turned round", sign_made_positive),
        Slip("eigenvectors of the symmetric part are taken", eigenvectors),
        Slip("all d_head directions come back instead of k", everything),
        Slip("layer and head are swapped", swapped),
        Slip("the strengths are those of the circuit between tokens", through_vocabulary),
    ),
)
