# %% right="kl_div of torch"
import torch
import torch.nn.functional as F


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    model.eval()
    out = model(tokens)
    model.train(mode)
    kl = F.kl_div(out.log_softmax(-1), ref_logits.log_softmax(-1), log_target=True, reduction="none").sum(-1)
    same = out.argmax(-1).eq(ref_logits.argmax(-1))
    return {
        "max_abs": float((out - ref_logits).abs().max()),
        "mean_kl": float(kl.mean()),
        "top1_agreement": float(same.float().mean()),
    }


# %% right="torch.distributions and tensors as results"
import torch
from torch.distributions import Categorical, kl_divergence


def parity(model, tokens, ref_logits):
    training = model.training
    try:
        with torch.inference_mode():
            logits = model.eval()(tokens).double()
            ref = ref_logits.double()
            return {
                "max_abs": torch.linalg.vector_norm((logits - ref).flatten(), ord=float("inf")),
                "mean_kl": kl_divergence(Categorical(logits=ref), Categorical(logits=logits)).mean(),
                "top1_agreement": (logits.topk(1).indices == ref.topk(1).indices).double().mean(),
            }
    finally:
        model.train(training)


# %% right="row by row, cross-entropy minus entropy"
import torch


def parity(model, tokens, ref_logits):
    was = {module: module.training for module in model.modules()}
    for module in model.modules():
        module.training = False
    worst, kls, hits = 0.0, [], []
    with torch.no_grad():
        for row, ref in zip(tokens, ref_logits.double(), strict=True):
            logits = model(row[None])[0].double()
            worst = max(worst, (logits - ref).abs().max().item())
            p = ref.softmax(-1)
            cross = -(p * (logits - logits.logsumexp(-1, keepdim=True))).sum(-1)
            own = -(p * (ref - ref.logsumexp(-1, keepdim=True))).sum(-1)
            kls += (cross - own).tolist()
            hits += (logits.argmax(-1) == ref.argmax(-1)).tolist()
    for module, mode in was.items():
        module.training = mode
    return {"max_abs": worst, "mean_kl": sum(kls) / len(kls), "top1_agreement": sum(hits) / len(hits)}


# %% right="numpy"
import numpy as np
import torch


def parity(model, tokens, ref_logits):
    before = model.training
    model.eval()
    with torch.no_grad():
        x = model(tokens).numpy().astype(np.float64)
    model.train(before)
    y = ref_logits.detach().numpy().astype(np.float64)

    def log_softmax(z):
        z = z - z.max(-1, keepdims=True)
        return z - np.log(np.exp(z).sum(-1, keepdims=True))

    p, q = log_softmax(y), log_softmax(x)
    return {
        "max_abs": np.abs(x - y).max(),
        "mean_kl": (np.exp(p) * (p - q)).sum(-1).mean(),
        "top1_agreement": (x.argmax(-1) == y.argmax(-1)).mean(),
    }


# %% wrong="a small number in the logarithm"
import torch


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.eval()(tokens)
    model.train(mode)
    p, q = ref_logits.softmax(-1), out.softmax(-1)
    kl = (p * ((p + 1e-9).log() - (q + 1e-9).log())).sum(-1)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": kl.mean().item(),
        "top1_agreement": (out.argmax(-1) == ref_logits.argmax(-1)).float().mean().item(),
    }


# %% wrong="kl_div with its arguments the other way round"
import torch
import torch.nn.functional as F


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.eval()(tokens)
    model.train(mode)
    kl = F.kl_div(ref_logits.log_softmax(-1), out.softmax(-1), reduction="none").sum(-1)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": kl.mean().item(),
        "top1_agreement": (out.argmax(-1) == ref_logits.argmax(-1)).float().mean().item(),
    }


# %% wrong="batchmean"
import torch
import torch.nn.functional as F


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.eval()(tokens)
    model.train(mode)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": F.kl_div(out.log_softmax(-1), ref_logits.softmax(-1), reduction="batchmean").item(),
        "top1_agreement": (out.argmax(-1) == ref_logits.argmax(-1)).float().mean().item(),
    }


# %% wrong="back to training mode, whatever it was"
import torch


@torch.no_grad()
def parity(model, tokens, ref_logits):
    model.eval()
    out = model(tokens).double()
    model.train()
    p, q = ref_logits.double().log_softmax(-1), out.log_softmax(-1)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": (p.exp() * (p - q)).sum(-1).mean().item(),
        "top1_agreement": (out.argmax(-1) == ref_logits.argmax(-1)).float().mean().item(),
    }


# %% wrong="the last position is left out, as in a loss"
import torch


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.eval()(tokens).double()
    model.train(mode)
    if tokens.shape[1] > 1:
        out, ref_logits = out[:, :-1], ref_logits[:, :-1]
    p, q = ref_logits.double().log_softmax(-1), out.log_softmax(-1)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": (p.exp() * (p - q)).sum(-1).mean().item(),
        "top1_agreement": (out.argmax(-1) == ref_logits.argmax(-1)).float().mean().item(),
    }


# %% wrong="rounded to three digits"
import torch


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.eval()(tokens).double()
    model.train(mode)
    p, q = ref_logits.double().log_softmax(-1), out.log_softmax(-1)
    return {
        "max_abs": round((out - ref_logits).abs().max().item(), 3),
        "mean_kl": round((p.exp() * (p - q)).sum(-1).mean().item(), 3),
        "top1_agreement": round((out.argmax(-1) == ref_logits.argmax(-1)).double().mean().item(), 3),
    }


# %% wrong="the reference must also be among five"
import torch


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.eval()(tokens).double()
    model.train(mode)
    p, q = ref_logits.double().log_softmax(-1), out.log_softmax(-1)
    near = (out.topk(5).indices == ref_logits.argmax(-1, keepdim=True)).any(-1)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": (p.exp() * (p - q)).sum(-1).mean().item(),
        "top1_agreement": near.double().mean().item(),
    }


# %% wrong="weights put into float64 and left there"
import torch


@torch.no_grad()
def parity(model, tokens, ref_logits):
    mode = model.training
    out = model.double().eval()(tokens)
    model.train(mode)
    p, q = ref_logits.double().log_softmax(-1), out.log_softmax(-1)
    return {
        "max_abs": (out - ref_logits).abs().max().item(),
        "mean_kl": (p.exp() * (p - q)).sum(-1).mean().item(),
        "top1_agreement": (out.argmax(-1) == ref_logits.argmax(-1)).double().mean().item(),
    }


# %% wrong="the KL is rounded to four digits"
import torch


def parity(model, tokens, ref_logits):
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            z = model(tokens).double()
    finally:
        model.train(was)
    r = ref_logits.detach().double()
    lp, lr = z.log_softmax(-1), r.log_softmax(-1)
    return {
        "max_abs": (z - r).abs().max().item(),
        "mean_kl": round((lr.exp() * (lr - lp)).sum(-1).mean().item(), 4),
        "top1_agreement": (z.argmax(-1) == r.argmax(-1)).double().mean().item(),
    }


# %% wrong="gradients are left switched off for everybody"
import torch


def parity(model, tokens, ref_logits):
    was = model.training
    model.eval()
    try:
        torch.set_grad_enabled(False)
        z = model(tokens).double()
    finally:
        model.train(was)
    r = ref_logits.detach().double()
    lp, lr = z.log_softmax(-1), r.log_softmax(-1)
    return {
        "max_abs": (z - r).abs().max().item(),
        "mean_kl": (lr.exp() * (lr - lp)).sum(-1).mean().item(),
        "top1_agreement": (z.argmax(-1) == r.argmax(-1)).double().mean().item(),
    }


# %% right="torch.distributions on doubles, flattened"
import torch
from torch.distributions import Categorical, kl_divergence


def parity(model, tokens, ref_logits):
    before = model.training
    model.eval()
    with torch.no_grad():
        got = model(tokens)
    model.train(before)
    a = got.double().flatten(0, 1)
    b = ref_logits.detach().double().flatten(0, 1)
    kl = kl_divergence(Categorical(logits=b), Categorical(logits=a)).mean()
    return dict(
        max_abs=torch.dist(a, b, p=float("inf")).item(),
        mean_kl=kl.item(),
        top1_agreement=torch.eq(a.argmax(1), b.argmax(1)).double().mean().item(),
    )
