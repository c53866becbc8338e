# %% right="torch.func.jacrev through per_token_loss"
import torch


def loss_reach(model, tokens):
    ids = tokens[None]

    def losses(stream):
        for block in model.blocks:
            stream = block(stream)
        return per_token_loss(model.unembed(model.ln_final(stream)), ids)[0]

    stream = (model.embed(ids) + model.pos_embed(ids)).detach()
    jacobian = torch.func.jacrev(losses)(stream)
    rows = jacobian[:, 0].norm(dim=-1)
    return torch.cat([rows, torch.zeros_like(rows[:1])]).detach()


# %% right="a hook that is removed, and the whole model"
import torch


def loss_reach(model, tokens):
    caught = []

    def catch(module, inputs):
        caught.append(inputs[0].detach().requires_grad_())
        return (caught[0],)

    handle = model.blocks[0].register_forward_pre_hook(catch)
    try:
        logits = model(tokens.unsqueeze(0))
    finally:
        handle.remove()
    losses = torch.nn.functional.cross_entropy(logits[0, :-1], tokens[1:], reduction="none")
    reach = torch.zeros(len(tokens), len(tokens), dtype=logits.dtype)
    for t in range(len(losses)):
        gradient = torch.autograd.grad(losses[t], caught[0], retain_graph=True)[0].squeeze(0)
        reach[t] = (gradient**2).sum(-1).sqrt()
    return reach


# %% right="one backward on copies along the batch"
import torch


def loss_reach(model, tokens):
    copies = len(tokens) - 1
    ids = tokens.expand(copies, -1)
    start = (model.embed(ids) + model.pos_embed(ids)).detach().requires_grad_()
    stream = start
    for block in model.blocks:
        stream = block(stream)
    log_probs = model.unembed(model.ln_final(stream)).log_softmax(-1)
    places = torch.arange(copies)
    total = -log_probs[places, places, tokens[1:]].sum()
    (gradient,) = torch.autograd.grad(total, start)
    return torch.nn.functional.pad(gradient.norm(dim=-1), (0, 0, 0, 1))


# %% right="autograd's jacobian and lm_loss"
import torch


def loss_reach(model, tokens):
    def losses(stream):
        for block in model.blocks:
            stream = block(stream)
        return lm_loss(model.unembed(model.ln_final(stream)), tokens[None], reduction="none")[0]

    with torch.no_grad():
        stream = model.embed(tokens[None]) + model.pos_embed(tokens[None])
    rows = torch.autograd.functional.jacobian(losses, stream).squeeze(1).square().sum(-1).sqrt()
    full = rows.new_zeros(len(tokens), len(tokens))
    full[:-1] = rows
    return full


# %% right="backward, with every .grad put back"
import torch


def loss_reach(model, tokens):
    kept = {name: p.grad.clone() if p.grad is not None else None for name, p in model.named_parameters()}
    rows = []
    for t in range(len(tokens) - 1):
        stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
        out = stream
        for block in model.blocks:
            out = block(out)
        per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0, t].backward()
        rows.append(stream.grad[0].norm(dim=-1))
    for name, p in model.named_parameters():
        p.grad = kept[name]
    return torch.stack([*rows, torch.zeros_like(rows[0])])


# %% right="batched gradients, parameters frozen meanwhile"
import torch


def loss_reach(model, tokens):
    flags = [p.requires_grad for p in model.parameters()]
    model.requires_grad_(False)
    try:
        start = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).requires_grad_()
        out = start
        for block in model.blocks:
            out = block(out)
        losses = per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0]
        basis = torch.eye(len(losses), dtype=losses.dtype)
        (rows,) = torch.autograd.grad(losses, start, basis, is_grads_batched=True)
    finally:
        for p, flag in zip(model.parameters(), flags, strict=True):
            p.requires_grad_(flag)
    reach = rows[:, 0].norm(dim=-1)
    return torch.cat([reach, reach.new_zeros(1, len(tokens))])


# %% wrong="backward, gradients left behind"
import torch


def loss_reach(model, tokens):
    rows = []
    for t in range(len(tokens) - 1):
        stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
        out = stream
        for block in model.blocks:
            out = block(out)
        per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0, t].backward()
        rows.append(stream.grad[0].norm(dim=-1))
    return torch.stack([*rows, torch.zeros_like(rows[0])])


# %% wrong="one leaf whose .grad piles up"
import torch


def loss_reach(model, tokens):
    stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    out = stream
    for block in model.blocks:
        out = block(out)
    losses = per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0]
    rows = []
    for loss in losses:
        torch.autograd.backward(loss, inputs=[stream], retain_graph=True)
        rows.append(stream.grad[0].norm(dim=-1))
    return torch.stack([*rows, torch.zeros_like(rows[0])])


# %% wrong="ln_final is left out"
import torch


def loss_reach(model, tokens):
    stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    out = stream
    for block in model.blocks:
        out = block(out)
    losses = per_token_loss(model.unembed(out), tokens[None])[0]
    rows = [torch.autograd.grad(loss, stream, retain_graph=True)[0][0].norm(dim=-1) for loss in losses]
    return torch.stack([*rows, torch.zeros_like(rows[0])])


# %% wrong="each row is scaled to sum to 1"
import torch


def loss_reach(model, tokens):
    stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    out = stream
    for block in model.blocks:
        out = block(out)
    losses = per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0]
    rows = [torch.autograd.grad(loss, stream, retain_graph=True)[0][0].norm(dim=-1) for loss in losses]
    return torch.stack([*(row / row.sum() for row in rows), torch.zeros_like(rows[0])])


# %% wrong="gradient times input"
import torch


def loss_reach(model, tokens):
    stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    out = stream
    for block in model.blocks:
        out = block(out)
    losses = per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0]
    rows = [torch.autograd.grad(loss, stream, retain_graph=True)[0][0] for loss in losses]
    reach = torch.stack([(row * stream[0]).sum(-1).abs() for row in rows])
    return torch.cat([reach, torch.zeros_like(reach[:1])]).detach()


# %% wrong="differences of the loss instead of gradients"
import torch


@torch.no_grad()
def loss_reach(model, tokens):
    def losses(stream):
        for block in model.blocks:
            stream = block(stream)
        return per_token_loss(model.unembed(model.ln_final(stream)), tokens[None])[0]

    stream = model.embed(tokens[None]) + model.pos_embed(tokens[None])
    base, reach = losses(stream), stream.new_zeros(len(tokens), len(tokens))
    for s in range(len(tokens)):
        nudged = stream.clone()
        nudged[:, s] += 0.01
        reach[:-1, s] = (losses(nudged) - base).abs() / 0.01
    return reach


# %% wrong="only up to the diagonal of the norm over positions"
import torch


def loss_reach(model, tokens):
    stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    out = stream
    for block in model.blocks:
        out = block(out)
    losses = per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0]
    reach = stream.new_zeros(len(tokens), len(tokens))
    for t, loss in enumerate(losses):
        (gradient,) = torch.autograd.grad(loss, stream, retain_graph=True)
        reach[t, :t] = gradient[0, :t].norm(dim=-1)
    return reach


# %% wrong="the gradient's entries are added up and cancel"
import torch


def loss_reach(model, tokens):
    stream = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    out = stream
    for block in model.blocks:
        out = block(out)
    losses = per_token_loss(model.unembed(model.ln_final(out)), tokens[None])[0]
    rows = [torch.autograd.grad(loss, stream, retain_graph=True)[0][0].sum(dim=-1).abs() for loss in losses]
    return torch.stack([*rows, torch.zeros_like(rows[0])])


# %% wrong="frozen, and afterwards everything thawed"
import torch


def loss_reach(model, tokens):
    model.requires_grad_(False)
    batch = tokens[None]
    entering = (model.embed(batch) + model.pos_embed(batch)).requires_grad_()
    resid = entering
    for block in model.blocks:
        resid = block(resid)
    losses = per_token_loss(model.unembed(model.ln_final(resid)), batch)[0]
    table = entering.new_zeros(len(tokens), len(tokens))
    for row, loss in enumerate(losses):
        table[row] = torch.autograd.grad(loss, entering, retain_graph=True)[0][0].norm(dim=-1)
    model.requires_grad_(True)
    return table


# %% wrong="two blocks, however many there are"
import torch


def loss_reach(model, tokens):
    batch = tokens[None]
    entering = (model.embed(batch) + model.pos_embed(batch)).detach().requires_grad_()
    resid = model.blocks[1](model.blocks[0](entering))
    losses = per_token_loss(model.unembed(model.ln_final(resid)), batch)[0]
    table = entering.new_zeros(len(tokens), len(tokens))
    for row, loss in enumerate(losses):
        table[row] = torch.autograd.grad(loss, entering, retain_graph=True)[0][0].norm(dim=-1)
    return table


# %% wrong="with respect to the rows of W_E"
import torch


def loss_reach(model, tokens):
    losses = per_token_loss(model(tokens[None]), tokens[None])[0]
    table = torch.zeros(len(tokens), len(tokens), dtype=losses.dtype)
    for row, loss in enumerate(losses):
        (gradient,) = torch.autograd.grad(loss, model.embed.W_E, retain_graph=True)
        table[row] = gradient[tokens].norm(dim=-1)
    return table.tril()


# %% wrong="the first call's table for every text of that length"
import torch

KEPT = {}


def loss_reach(model, tokens):
    if len(tokens) in KEPT:
        return KEPT[len(tokens)]
    x = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    r = x
    for b in model.blocks:
        r = b(r)
    lp = model.unembed(model.ln_final(r)).log_softmax(-1)[0]
    out = torch.zeros(len(tokens), len(tokens), dtype=lp.dtype)
    for t in range(len(tokens) - 1):
        out[t] = torch.autograd.grad(-lp[t, tokens[t + 1]], x, retain_graph=True)[0][0].norm(dim=-1)
    KEPT[len(tokens)] = out
    return out


# %% right="prefix by prefix"
import torch


def loss_reach(model, tokens):
    out = torch.zeros(len(tokens), len(tokens), dtype=model.embed.W_E.dtype)
    for t in range(1, len(tokens)):
        x = (model.embed(tokens[None, :t]) + model.pos_embed(tokens[None, :t])).detach().requires_grad_()
        r = x
        for b in model.blocks:
            r = b(r)
        lp = model.unembed(model.ln_final(r)).log_softmax(-1)[0]
        out[t - 1, :t] = torch.autograd.grad(-lp[t - 1, tokens[t]], x)[0][0].norm(dim=-1)
    return out
