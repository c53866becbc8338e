# %% right="the parts by hand"
import copy
import torch


def bf16_error(model, tokens):
    with torch.inference_mode():
        exact = model(tokens)
        rough = copy.deepcopy(model).bfloat16()(tokens)
    error = (exact.double() - rough.double()).abs()
    same = exact.max(-1).indices == rough.float().max(-1).indices
    return {"max_abs": float(error.max()), "top1_agreement": float(same.sum()) / same.numel()}


# %% right="a new model of the same class"
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    other = type(model)(model.cfg)
    other.load_state_dict(model.state_dict())
    other.train(model.training)
    rough = other.to(torch.bfloat16)(tokens).to(torch.float32)
    exact = model(tokens)
    hits = torch.eq(exact.argmax(2), rough.argmax(2)).float()
    return {"max_abs": torch.dist(exact, rough, float("inf")).item(), "top1_agreement": hits.mean().item()}


# %% right="functional_call on rounded weights"
import torch


def bf16_error(model, tokens):
    rounded = {name: p.detach().bfloat16() for name, p in model.named_parameters()}
    with torch.no_grad():
        rough = torch.func.functional_call(model, rounded, (tokens,)).float()
        exact = model(tokens)
    agree = sum(a == b for a, b in zip(exact.argmax(-1).flatten().tolist(), rough.argmax(-1).flatten().tolist()))
    return {"top1_agreement": agree / tokens.numel(), "max_abs": (rough - exact).abs().max().item()}


# %% right="there and back with the weights restored"
import torch


def bf16_error(model, tokens):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        exact = model(tokens)
        rough = model.to(torch.bfloat16)(tokens).float()
    model.to(torch.float32).load_state_dict(before)
    return {
        "max_abs": (exact - rough).abs().amax().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).float().mean().item(),
    }


# %% wrong="the model is turned first"
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    rough = model.to(torch.bfloat16)(tokens).float()
    exact = model.to(torch.float32)(tokens)
    return {
        "max_abs": (exact - rough).abs().max().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).float().mean().item(),
    }


# %% wrong="the root of the mean square"
import copy
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    exact, rough = model(tokens), copy.deepcopy(model).bfloat16()(tokens).float()
    return {
        "max_abs": (exact - rough).square().mean().sqrt().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).float().mean().item(),
    }


# %% wrong="agreement with the tokens"
import copy
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    exact, rough = model(tokens), copy.deepcopy(model).bfloat16()(tokens).float()
    return {
        "max_abs": (exact - rough).abs().max().item(),
        "top1_agreement": (rough.argmax(-1) == tokens).float().mean().item(),
    }


# %% wrong="rows that agree wholly"
import copy
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    exact, rough = model(tokens), copy.deepcopy(model).bfloat16()(tokens).float()
    return {
        "max_abs": (exact - rough).abs().max().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).all(1).float().mean().item(),
    }


# %% wrong="other keys"
import copy
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    exact, rough = model(tokens), copy.deepcopy(model).bfloat16()(tokens).float()
    return {
        "max_error": (exact - rough).abs().max().item(),
        "agreement": (exact.argmax(-1) == rough.argmax(-1)).float().mean().item(),
    }


# %% wrong="the first row alone"
import copy
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    tokens = tokens[:1]
    exact, rough = model(tokens), copy.deepcopy(model).bfloat16()(tokens).float()
    return {
        "max_abs": (exact - rough).abs().max().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).float().mean().item(),
    }


# %% wrong="only the unembedding is rounded"
import copy
import torch


@torch.no_grad()
def bf16_error(model, tokens):
    other = copy.deepcopy(model)
    other.unembed.W_U.data = other.unembed.W_U.data.bfloat16().float()
    exact, rough = model(tokens), other(tokens)
    return {
        "max_abs": (exact - rough).abs().max().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).float().mean().item(),
    }


# %% wrong="parameters frozen for good"
import copy

import torch


@torch.no_grad()
def bf16_error(model, tokens):
    model.requires_grad_(False)
    rough = copy.deepcopy(model).to(torch.bfloat16)
    exact, approx = model(tokens), rough(tokens).float()
    return {
        "max_abs": (exact - approx).abs().max().item(),
        "top1_agreement": (exact.argmax(-1) == approx.argmax(-1)).float().mean().item(),
    }


# %% wrong="left in training mode"
import copy
import torch


def bf16_error(model, tokens):
    model.eval()
    with torch.no_grad():
        exact = model(tokens)
        rough = copy.deepcopy(model).to(torch.bfloat16)(tokens).float()
    model.train()
    agree = (exact.argmax(-1) == rough.argmax(-1)).float().mean().item()
    return {"max_abs": (exact - rough).abs().max().item(), "top1_agreement": agree}


# %% right="row by row"
import copy
import torch


@torch.inference_mode()
def bf16_error(model, tokens):
    rough = copy.deepcopy(model).bfloat16()
    worst, hits = 0.0, 0
    for row in tokens:
        a, b = model(row[None])[0], rough(row[None])[0].float()
        worst = max(worst, float((a - b).abs().max()))
        hits += int((a.argmax(-1) == b.argmax(-1)).sum())
    return {"max_abs": worst, "top1_agreement": hits / tokens.numel()}
