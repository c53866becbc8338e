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
