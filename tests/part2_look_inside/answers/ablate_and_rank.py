# %% right="mean_ablate of notebook 09, per_token_gain inside the hooks"
import torch


def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    table = []
    for layer in range(model.cfg.n_layers):
        row = []
        for head in range(model.cfg.n_heads):
            with model.hooked([mean_ablate(model, layer, head, tokens)]):
                row.append(per_token_gain(model, tokens, P)[1] - base)
        table.append(row)
    return torch.tensor(table)


# %% right="its own hook, in place"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    def second(logits):
        return per_token_loss(logits, tokens)[:, P + 1 :].mean()

    plain = second(model(tokens))
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=plain.dtype)
    for index in range(rise.numel()):
        layer, head = divmod(index, model.cfg.n_heads)

        def average(z, hook, head=head):
            z[:, :, head] = z[:, :, head].mean(0)

        rise[layer, head] = second(run_with_hooks(model, tokens, [(f"blocks.{layer}.attn.hook_z", average)])) - plain
    return rise


# %% right="means cached once, torch's own forward hooks"
import torch
from torch.nn import functional as F


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_z"))

    def loss():
        each = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        return each.view(len(tokens), -1)[:, P + 1 : 2 * P].mean()

    rows, whole = [], loss()
    for layer, block in enumerate(model.blocks):
        mean = cache[f"blocks.{layer}.attn.hook_z"].mean(0)
        row = []
        for head in range(model.cfg.n_heads):

            def swap(module, inputs, out):
                out = out.clone()
                out[:, :, head] = mean[:, head]
                return out

            handle = block.attn.hook_z.register_forward_hook(swap)
            try:
                row.append(loss() - whole)
            finally:
                handle.remove()
        rows.append(torch.stack(row))
    return torch.stack(rows)


# %% right="one large batch of heads by repeating is not needed: explicit float64 sums"
import torch


def ablate_and_rank(model, tokens, P):
    with torch.no_grad():

        def second(edits):
            lp = run_with_hooks(model, tokens, edits).double().log_softmax(-1)
            total = 0.0
            for t in range(P + 2, 2 * P + 1):
                total -= lp[torch.arange(len(tokens)), t - 1, tokens[:, t]].sum().item()
            return total / (len(tokens) * (P - 1))

        whole = second([])
        return torch.tensor(
            [
                [second([mean_ablate(model, l, h, ref_tokens=tokens)]) - whole for h in range(model.cfg.n_heads)]
                for l in range(model.cfg.n_layers)
            ]
        )


# %% right="all heads in one big batch per layer"
import torch
from torch.nn import functional as F


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    H, B = model.cfg.n_heads, len(tokens)
    big = tokens.repeat(H + 1, 1)
    rows = []
    for layer in range(model.cfg.n_layers):

        def fn(z, hook):
            z = z.clone().reshape(H + 1, B, *z.shape[1:])
            for h in range(H):
                z[h, :, :, h] = z[h, :, :, h].mean(0)
            return z.flatten(0, 1)

        logits = run_with_hooks(model, big, [(f"blocks.{layer}.attn.hook_z", fn)])
        losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), big[:, 1:], reduction="none")[:, P + 1 :]
        per = losses.reshape(H + 1, -1).mean(1)
        rows.append(per[:H] - per[H])
    return torch.stack(rows)


# %% right="plain loss again for each head, double"
import torch
from torch.nn import functional as F


def _second(logits, tokens, P):
    logits = logits.double()
    total, count = 0.0, 0
    for t in range(P + 2, 2 * P + 1):
        step = logits[:, t - 1]
        total += (step.logsumexp(-1) - step[torch.arange(len(tokens)), tokens[:, t]]).sum().item()
        count += len(tokens)
    return total / count


def ablate_and_rank(model, tokens, P):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    scores = torch.zeros(L, H)
    with torch.no_grad():
        for i in range(L * H):
            layer, head = divmod(i, H)
            before = _second(run_with_hooks(model, tokens, []), tokens, P)
            after = _second(run_with_hooks(model, tokens, [mean_ablate(model, layer, head, tokens)]), tokens, P)
            scores[layer, head] = after - before
    return scores


# %% wrong="mean over batch and positions by mean_ablate"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            with model.hooked([mean_ablate(model, layer, head, tokens, per_position=False)]):
                rise[layer, head] = per_token_gain(model, tokens, P)[1] - base
    return rise


# %% wrong="mean of fresh texts, not of these"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    other = torch.randint(1, model.cfg.d_vocab, tokens.shape, generator=torch.Generator().manual_seed(0))
    base = per_token_gain(model, tokens, P)[1]
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            with model.hooked([mean_ablate(model, layer, head, other)]):
                rise[layer, head] = per_token_gain(model, tokens, P)[1] - base
    return rise


# %% wrong="clamped at zero"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            with model.hooked([mean_ablate(model, layer, head, tokens)]):
                rise[layer, head] = max(0.0, per_token_gain(model, tokens, P)[1] - base)
    return rise


# %% wrong="the loss gap between the halves"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    first, second = per_token_gain(model, tokens, P)
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            with model.hooked([mean_ablate(model, layer, head, tokens)]):
                one, two = per_token_gain(model, tokens, P)
                rise[layer, head] = (two - one) - (second - first)
    return rise


# %% wrong="ranks"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            with model.hooked([mean_ablate(model, layer, head, tokens)]):
                rise[layer, head] = per_token_gain(model, tokens, P)[1] - base
    return rise.flatten().argsort(descending=True).view_as(rise).float()


# %% wrong="only the second half is averaged"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def hook(z, point, head=head):
                z = z.clone()
                z[:, P + 1 :, head] = z[:, P + 1 :, head].mean(0)
                return z

            with model.hooked([(f"blocks.{layer}.attn.hook_z", hook)]):
                rise[layer, head] = per_token_gain(model, tokens, P)[1] - base
    return rise


# %% wrong="the late binding of a loop's head"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    edits = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def hook(z, point):
                z = z.clone()
                z[:, :, head] = z[:, :, head].mean(0)
                return z

            edits.append((f"blocks.{layer}.attn.hook_z", hook))
    rise = []
    for edit in edits:
        with model.hooked([edit]):
            rise.append(per_token_gain(model, tokens, P)[1] - base)
    return torch.tensor(rise).view(model.cfg.n_layers, -1)


# %% wrong="W_O set to zero and put back"
import torch


@torch.no_grad()
def ablate_and_rank(model, tokens, P):
    base = per_token_gain(model, tokens, P)[1]
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer, block in enumerate(model.blocks):
        for head in range(model.cfg.n_heads):
            kept = block.attn.W_O[head].clone()
            block.attn.W_O[head] = 0
            rise[layer, head] = per_token_gain(model, tokens, P)[1] - base
            block.attn.W_O[head] = kept
    return rise
