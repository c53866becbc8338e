# %% right="a Linear and F.kl_div, SGD with momentum scaled"
import torch
from torch.nn import functional as F


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    D = acts.shape[1]
    A, b = torch.eye(D, requires_grad=True), torch.zeros(D, requires_grad=True)
    m, v = [torch.zeros_like(A), torch.zeros_like(b)], [torch.zeros_like(A), torch.zeros_like(b)]
    want = torch.log_softmax(logits, -1)
    for t in range(1, steps + 1):
        x = F.layer_norm(acts @ A + b, (D,), model.ln_final.w, model.ln_final.b, model.cfg.eps)
        got = torch.log_softmax(x @ model.unembed.W_U + model.unembed.b_U, -1)
        loss = F.kl_div(got, want, reduction="batchmean", log_target=True)
        grads = torch.autograd.grad(loss, [A, b])
        with torch.no_grad():
            for i, (p, g) in enumerate(zip((A, b), grads)):
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                p -= lr * (m[i] / (1 - 0.9**t)) / ((v[i] / (1 - 0.999**t)).sqrt() + 1e-8)
    return A.detach(), b.detach()


# %% right="a frozen copy of the last two steps, backward as usual"
import copy

import torch
from torch import nn


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    ln, head = copy.deepcopy(model.ln_final).requires_grad_(False), copy.deepcopy(model.unembed).requires_grad_(False)
    layer = nn.Linear(acts.shape[1], acts.shape[1], dtype=acts.dtype, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        layer.weight.copy_(torch.eye(acts.shape[1]))
        layer.bias.zero_()
    optimizer = torch.optim.AdamW(layer.parameters(), lr=lr, weight_decay=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        lens_kl(head(ln(layer(acts))[None])[None], logits[None]).mean().backward()
        optimizer.step()
    return layer.weight.T, layer.bias


# %% right="the difference from the identity is fitted, cosine-decayed"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    delta = torch.zeros(acts.shape[1], acts.shape[1], requires_grad=True)
    b = torch.zeros(acts.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([delta, b], lr=2 * lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    p = logits.softmax(-1)
    for _ in range(steps):
        x = apply_ln_final(acts + acts @ delta + b, model)
        loss = -(p * (x @ model.unembed.W_U + model.unembed.b_U).log_softmax(-1)).sum(-1).mean()
        delta.grad, b.grad = torch.autograd.grad(loss, [delta, b])
        optimizer.step()
        scheduler.step()
    return (torch.eye(acts.shape[1]) + delta).detach(), b.detach()


# %% right="mini-batches with a generator of its own"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    g = torch.Generator().manual_seed(0)
    A = torch.eye(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        rows = torch.randperm(len(acts), generator=g)[: max(1, len(acts) // 2)]
        x = apply_ln_final(acts[rows] @ A + b, model)
        lens = x @ model.unembed.W_U + model.unembed.b_U
        loss = lens_kl(lens[None, None], logits[rows][None]).mean()
        A.grad, b.grad = torch.autograd.grad(loss, [A, b])
        optimizer.step()
    return A.detach(), b.detach()


# %% wrong="backward, gradients left in the model"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    A = torch.eye(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        x = apply_ln_final(acts @ A + b, model)
        lens_kl((x @ model.unembed.W_U + model.unembed.b_U)[None], logits).mean().backward()
        optimizer.step()
    return A.detach(), b.detach()


# %% wrong="gradients of the model set to none afterwards, flags switched off"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    for p in model.parameters():
        p.requires_grad_(False)
    A = torch.eye(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        x = apply_ln_final(acts @ A + b, model)
        lens_kl((x @ model.unembed.W_U + model.unembed.b_U)[None], logits).mean().backward()
        optimizer.step()
    return A.detach(), b.detach()


# %% wrong="gradients accumulate"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    A = torch.eye(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    for _ in range(steps):
        x = apply_ln_final(acts @ A + b, model)
        loss = lens_kl((x @ model.unembed.W_U + model.unembed.b_U)[None], logits).mean()
        grads = torch.autograd.grad(loss, [A, b])
        with torch.no_grad():
            A += lr * grads[0]
            b += lr * grads[1]
    return A.detach(), b.detach()


# %% wrong="least squares to the logits' preimage of nothing: matches the mean only"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([b], lr=lr)
    for _ in range(steps):
        x = apply_ln_final(acts + b, model)
        loss = lens_kl((x @ model.unembed.W_U + model.unembed.b_U)[None], logits).mean()
        (b.grad,) = torch.autograd.grad(loss, [b])
        optimizer.step()
    return torch.eye(acts.shape[1]), b.detach()


# %% wrong="diagonal A"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    a = torch.ones(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([a, b], lr=lr)
    for _ in range(steps):
        x = apply_ln_final(acts * a + b, model)
        loss = lens_kl((x @ model.unembed.W_U + model.unembed.b_U)[None], logits).mean()
        a.grad, b.grad = torch.autograd.grad(loss, [a, b])
        optimizer.step()
    return torch.diag(a.detach()), b.detach()


# %% wrong="fits two rows by heart"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    acts, logits = acts[:2], logits[:2]
    A = torch.eye(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        x = apply_ln_final(acts @ A + b, model)
        loss = lens_kl((x @ model.unembed.W_U + model.unembed.b_U)[None], logits).mean()
        A.grad, b.grad = torch.autograd.grad(loss, [A, b])
        optimizer.step()
    return A.detach(), b.detach()


# %% wrong="labels are the likeliest tokens, stopped after five steps"
import torch
from torch.nn import functional as F


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    A = torch.eye(acts.shape[1]).requires_grad_()
    b = torch.zeros(acts.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([A, b], lr=lr)
    for _ in range(min(steps, 5)):
        x = apply_ln_final(acts @ A + b, model)
        loss = F.cross_entropy(x @ model.unembed.W_U + model.unembed.b_U, logits.argmax(-1))
        A.grad, b.grad = torch.autograd.grad(loss, [A, b])
        optimizer.step()
    return A.detach(), b.detach()


# %% right="a Linear made as usual, the model frozen for the time"
import torch
from torch import nn
from torch.nn import functional as F


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    flags = [p.requires_grad for p in model.parameters()]
    model.requires_grad_(False)
    translator = nn.Linear(acts.shape[1], acts.shape[1])
    nn.init.eye_(translator.weight)
    nn.init.zeros_(translator.bias)
    optimizer = torch.optim.Adam(translator.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        lens = model.unembed(model.ln_final(translator(acts))[None])[0].log_softmax(-1)
        F.kl_div(lens, logits.log_softmax(-1), reduction="batchmean", log_target=True).backward()
        optimizer.step()
    for p, flag in zip(model.parameters(), flags):
        p.requires_grad_(flag)
    return translator.weight.detach().T.clone(), translator.bias.detach().clone()


# %% right="one homogeneous matrix, torch.func.grad"
import torch
from torch.nn import functional as F


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[1]
    ones = torch.ones(len(acts), 1, dtype=acts.dtype)
    X = torch.cat([acts.detach(), ones], 1)
    M = torch.cat([torch.eye(d, dtype=acts.dtype), torch.zeros(1, d, dtype=acts.dtype)])
    logp = logits.detach().log_softmax(-1)
    frozen = {k: v.detach() for k, v in model.state_dict().items()}

    def loss(M):
        y = F.layer_norm(X @ M, (d,), frozen["ln_final.w"], frozen["ln_final.b"], model.cfg.eps)
        logq = (y @ frozen["unembed.W_U"] + frozen["unembed.b_U"]).log_softmax(-1)
        return F.kl_div(logq, logp, reduction="batchmean", log_target=True)

    M.requires_grad_()
    opt = torch.optim.Adam([M], lr=lr)
    for _ in range(steps):
        M.grad = torch.func.grad(loss)(M.detach())
        opt.step()
    M = M.detach()
    return M[:d].clone(), M[d].clone()


# %% right="float64 inside, cosine schedule"
import math

import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    X = acts.detach().double()
    w, c, W, bu = (
        p.detach().double() for p in (model.ln_final.w, model.ln_final.b, model.unembed.W_U, model.unembed.b_U)
    )
    truth = logits.detach().double().softmax(-1)
    A = torch.eye(X.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
    opt = torch.optim.Adam([A, b], lr=lr)
    with torch.enable_grad():
        for step in range(steps):
            opt.param_groups[0]["lr"] = lr * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / steps)))
            x = X @ A + b
            x = (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
            loss = -(truth * ((x * w + c) @ W + bu).log_softmax(1)).sum(1).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
    return A.detach().to(acts.dtype), b.detach().to(acts.dtype)


# %% wrong="zero_grad on the model wipes what was there"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        opt.zero_grad()
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        lens_kl(read[None, None], logits[None]).mean().backward()
        opt.step()
    model.zero_grad()
    return A.detach(), b.detach()


# %% wrong="frozen, then all unfrozen"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    model.requires_grad_(False)
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        opt.zero_grad()
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        lens_kl(read[None, None], logits[None]).mean().backward()
        opt.step()
    model.requires_grad_(True)
    return A.detach(), b.detach()


# %% wrong="squared distance of the logits"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        A.grad, b.grad = torch.autograd.grad((read - logits).square().mean(), [A, b])
        opt.step()
    return A.detach(), b.detach()


# %% wrong="KL reversed"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        A.grad, b.grad = torch.autograd.grad(lens_kl(logits[None, None], read[None]).mean(), [A, b])
        opt.step()
    return A.detach(), b.detach()


# %% wrong="lr ignored"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=0.03)
    for _ in range(steps):
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        A.grad, b.grad = torch.autograd.grad(lens_kl(read[None, None], logits[None]).mean(), [A, b])
        opt.step()
    return A.detach(), b.detach()


# %% wrong="always 200 steps of 0.01"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=0.01)
    for _ in range(200 if steps else 0):
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        A.grad, b.grad = torch.autograd.grad(lens_kl(read[None, None], logits[None]).mean(), [A, b])
        opt.step()
    return A.detach(), b.detach()


# %% wrong="one step fewer"
import torch


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    A = torch.eye(d, dtype=acts.dtype).requires_grad_()
    b = torch.zeros(d, dtype=acts.dtype).requires_grad_()
    opt = torch.optim.Adam([A, b], lr=lr)
    for _ in range(1, steps):
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        A.grad, b.grad = torch.autograd.grad(lens_kl(read[None, None], logits[None]).mean(), [A, b])
        opt.step()
    return A.detach(), b.detach()


# %% wrong="warm start from the last call"
import torch

_last = {}


def tuned_lens_fit(model, acts, logits, steps=200, lr=0.01):
    d = acts.shape[-1]
    if steps == 0 or (d, acts.dtype) not in _last:
        A, b = torch.eye(d, dtype=acts.dtype), torch.zeros(d, dtype=acts.dtype)
    else:
        A, b = _last[d, acts.dtype]
    A, b = A.clone().requires_grad_(), b.clone().requires_grad_()
    opt = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        read = apply_ln_final(acts @ A + b, model) @ model.unembed.W_U + model.unembed.b_U
        A.grad, b.grad = torch.autograd.grad(lens_kl(read[None, None], logits[None]).mean(), [A, b])
        opt.step()
    _last[d, acts.dtype] = A.detach(), b.detach()
    return A.detach().clone(), b.detach().clone()
