# %% right="upper triangle by comparing layers, with freeing"
import itertools

import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    heads = list(itertools.product(range(L), range(H)))
    with torch.no_grad():
        base = float(metric(model(clean)))
    rows = []
    for s in heads:
        row = []
        for r in heads:
            if s[0] < r[0]:
                row.append(
                    float(metric(path_patch(model, s, [r + ("q",), r + ("k",), r + ("v",)], clean, corrupt))) - base
                )
            else:
                row.append(0.0)
        row.append(float(metric(path_patch(model, s, ["logits"], clean, corrupt, True))) - base)
        rows.append(row)
    return torch.tensor(rows)


# %% right="by index arithmetic, negative indices"
import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    base = metric(run_with_hooks(model, clean, [])).detach()
    out = torch.zeros(L * H, L * H + 1)
    for i in range(L * H):
        sender = divmod(i, H)
        for j in range((i // H + 1) * H, L * H):
            l, h = divmod(j, H)
            logits = path_patch(model, sender, [(l, h, part) for part in ("v", "k", "q")], clean, corrupt)
            out[i, j] = metric(logits).detach() - base
        out[i, L * H] = metric(path_patch(model, sender, ["logits"], clean, corrupt)).detach() - base
    return out


# %% right="without path_patch: all receivers of a sender hear at once"
import torch


@torch.no_grad()
def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    logits, a = run_with_cache(model, clean)
    base = metric(logits)
    _, b = run_with_cache(model, corrupt)
    out = torch.zeros(L * H, L * H + 1)
    for l in range(L):
        for h in range(H):

            def freeze(act, hook):
                new = a[hook.name].clone()
                if hook.name == f"blocks.{l}.attn.hook_z":
                    new[:, :, h] = b[hook.name][:, :, h]
                return new

            hooks = [
                (lambda n: n.endswith("attn.hook_z"), freeze),
                (lambda n: n.endswith("mlp_out"), lambda act, hook: a[hook.name]),
            ]
            with model.hooked(hooks):
                direct, heard = run_with_cache(model, clean)
            out[l * H + h, -1] = metric(direct) - base
            for m in range(l + 1, L):
                for g in range(H):

                    def put(act, hook):
                        act = act.clone()
                        act[:, :, g] = heard[hook.name][:, :, g]
                        return act

                    points = [(f"blocks.{m}.attn.hook_{part}", put) for part in "qkv"]
                    out[l * H + h, m * H + g] = metric(run_with_hooks(model, clean, points)) - base
    return out


# %% wrong="the logits come first"
import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    base = metric(model(clean)).detach()
    out = torch.zeros(L * H, L * H + 1)
    for i in range(L * H):
        for j in range((i // H + 1) * H, L * H):
            r = divmod(j, H)
            out[i, j + 1] = metric(path_patch(model, divmod(i, H), [(*r, p) for p in "qkv"], clean, corrupt)) - base
        out[i, 0] = metric(path_patch(model, divmod(i, H), ["logits"], clean, corrupt)) - base
    return out


# %% wrong="q, k and v one by one and summed"
import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    base = metric(model(clean)).detach()
    out = torch.zeros(L * H, L * H + 1)
    for i in range(L * H):
        for j in range((i // H + 1) * H, L * H):
            r = divmod(j, H)
            out[i, j] = sum(metric(path_patch(model, divmod(i, H), [(*r, p)], clean, corrupt)) - base for p in "qkv")
        out[i, -1] = metric(path_patch(model, divmod(i, H), ["logits"], clean, corrupt)) - base
    return out


# %% wrong="same layer counted, earlier ones not"
import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    base = metric(model(clean)).detach()
    out = torch.zeros(L * H, L * H + 1)
    for i in range(L * H):
        for j in range(i + 1, L * H):
            if j // H == i // H + 1 or j // H == i // H:
                r = divmod(j, H)
                out[i, j] = metric(path_patch(model, divmod(i, H), [(*r, p) for p in "qkv"], clean, corrupt)) - base
        out[i, -1] = metric(path_patch(model, divmod(i, H), ["logits"], clean, corrupt)) - base
    return out


# %% wrong="divided by the row's largest"
import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    base = metric(model(clean)).detach()
    out = torch.zeros(L * H, L * H + 1)
    for i in range(L * H):
        for j in range((i // H + 1) * H, L * H):
            r = divmod(j, H)
            out[i, j] = metric(path_patch(model, divmod(i, H), [(*r, p) for p in "qkv"], clean, corrupt)) - base
        out[i, -1] = metric(path_patch(model, divmod(i, H), ["logits"], clean, corrupt)) - base
    return out / out.abs().amax(1, keepdim=True).clamp(min=1e-9)


# %% wrong="squared changes"
import torch


def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    base = metric(model(clean)).detach()
    out = torch.zeros(L * H, L * H + 1)
    for i in range(L * H):
        for j in range((i // H + 1) * H, L * H):
            r = divmod(j, H)
            out[i, j] = (metric(path_patch(model, divmod(i, H), [(*r, p) for p in "qkv"], clean, corrupt)) - base) ** 2
        out[i, -1] = (metric(path_patch(model, divmod(i, H), ["logits"], clean, corrupt)) - base) ** 2
    return out


# %% right="own step 2 once per sender"
import torch


@torch.no_grad()
def edge_matrix(model, clean, corrupt, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    clean_logits, cc = run_with_cache(model, clean)
    _, kc = run_with_cache(model, corrupt)
    base = metric(clean_logits)
    edges = clean_logits.new_zeros(L * H, L * H + 1)
    for l in range(L):
        for h in range(H):
            push = (kc[f"blocks.{l}.attn.hook_z"] - cc[f"blocks.{l}.attn.hook_z"])[:, :, h] @ model.blocks[l].attn.W_O[
                h
            ]
            for l2 in range(l + 1, L):
                attn, ln = model.blocks[l2].attn, model.blocks[l2].ln1
                x = ln(cc[f"blocks.{l2}.hook_resid_pre"] + push)
                for h2 in range(H):
                    new = {
                        f"blocks.{l2}.attn.hook_q": x @ attn.W_Q[h2] + attn.b_Q[h2],
                        f"blocks.{l2}.attn.hook_k": x @ attn.W_K[h2] + attn.b_K[h2],
                        f"blocks.{l2}.attn.hook_v": x @ attn.W_V[h2] + attn.b_V[h2],
                    }

                    def put_in(act, point):
                        act = act.clone()
                        act[:, :, h2] = new[point.name]
                        return act

                    edges[l * H + h, l2 * H + h2] = (
                        metric(run_with_hooks(model, clean, [(n, put_in) for n in new])) - base
                    )
            final = cc[f"blocks.{L - 1}.hook_resid_post"] + push
            edges[l * H + h, -1] = metric(model.unembed(model.ln_final(final))) - base
    return edges


# %% right="dict of edges, senders from the back"
import torch


@torch.no_grad()
def edge_matrix(model, clean, corrupt, metric):
    H, n = model.cfg.n_heads, model.cfg.n_layers * model.cfg.n_heads
    found = {}
    for i in reversed(range(n)):
        sender = divmod(i, H)
        for j in range((sender[0] + 1) * H, n):
            found[i, j] = metric(path_patch(model, sender, [(*divmod(j, H), p) for p in "kqv"], clean, corrupt))
        found[i, n] = metric(path_patch(model, sender, ["logits"], clean, corrupt))
    reference = metric(model(clean))
    matrix = torch.zeros(n, n + 1)
    for place, value in found.items():
        matrix[place] = value - reference
    return matrix


# %% right="lists with plain floats"
import torch


def edge_matrix(model, clean, corrupt, metric):
    with torch.no_grad():
        start = float(metric(model(clean)))
        nodes_ = [(a, b) for a in range(model.cfg.n_layers) for b in range(model.cfg.n_heads)]
        table = []
        for s in nodes_:
            line = [
                float(
                    metric(
                        path_patch(
                            model, s, [(r[0], r[1], x) for x in ("q", "k", "v")], clean, corrupt, freeze_mlps=True
                        )
                    )
                )
                - start
                if r[0] > s[0]
                else 0.0
                for r in nodes_
            ]
            line.append(float(metric(path_patch(model, s, ["logits"], clean, corrupt))) - start)
            table.append(line)
    return torch.tensor(table)
