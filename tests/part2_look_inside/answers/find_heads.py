# %% right="one stack, nonzero"
import torch


def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    with torch.no_grad():
        _, cache = run_with_cache(model, tokens)
    patterns = [cache[f"blocks.{l}.attn.hook_pattern"] for l in range(model.cfg.n_layers)]
    scores = torch.stack([induction_score(pattern, P) for pattern in patterns])
    return [tuple(pair) for pair in (scores > threshold).nonzero().tolist()]


# %% right="hooks that score as they go, numbers of torch"
import torch


def find_heads(model, threshold, P=20, seed=0):
    found = []

    def look(pattern, hook):
        layer = int(hook.name.split(".")[1])
        for head, score in enumerate(induction_score(pattern, P)):
            if score >= threshold:
                found.insert(0, (torch.tensor(layer), torch.tensor(head)))

    with torch.no_grad():
        run_with_hooks(
            model,
            repeated_tokens(40, P=P, V=model.cfg.d_vocab, seed=seed, bos=0),
            [(lambda name: name.endswith("hook_pattern"), look)],
        )
    return found


# %% right="everything by itself, in batches"
import torch


def find_heads(model, threshold, P=20, seed=0):
    g = torch.Generator().manual_seed(seed)
    half = torch.randint(1, model.cfg.d_vocab, (48, P), generator=g)
    tokens = torch.cat([torch.zeros(48, 1, dtype=torch.long), half, half], 1)
    total = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    q = torch.arange(P + 1, 2 * P + 1)
    for part in tokens.split(16):
        with torch.no_grad():
            _, cache = model.run_with_cache(part)
        for layer in range(model.cfg.n_layers):
            total[layer] += cache[f"blocks.{layer}.attn.hook_pattern"][:, :, q, q - P + 1].mean((0, 2)) / 3
    return [(l, h) for h in range(model.cfg.n_heads) for l in range(model.cfg.n_layers) if total[l, h] > threshold]


# %% right="another bos, pairs as lists"
def find_heads(model, threshold, P=20, seed=0):
    bos = model.cfg.d_vocab - 1
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, bos)
    _, cache = run_with_cache(model, tokens, [f"blocks.{l}.attn.hook_pattern" for l in range(model.cfg.n_layers)])
    heads = []
    for layer, pattern in enumerate(cache.values()):
        scores = induction_score(pattern, P)
        heads.extend([layer, head] for head in range(model.cfg.n_heads) if scores[head] > threshold)
    return heads


# %% right="softmax of the scores"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    found = []
    for name, value in cache.items():
        if name.endswith("attn.hook_attn_scores"):
            layer = int(name.split(".")[1])
            for head, s in enumerate(induction_score(value.softmax(-1), P)):
                if s.item() > threshold:
                    found += [(layer, head)]
    return found


# %% right="attention by hand from q and k"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(40, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    T = tokens.shape[1]
    found = []
    for layer in range(model.cfg.n_layers):
        q, k = cache[f"blocks.{layer}.attn.hook_q"], cache[f"blocks.{layer}.attn.hook_k"]
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / model.cfg.d_head**0.5
        scores = scores.masked_fill(torch.ones(T, T).triu(1).bool(), float("-inf"))
        for head, s in enumerate(induction_score(scores.softmax(-1), P)):
            if s > threshold:
                found.append((layer, head))
    return found


# %% wrong="a set"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    return {
        (l, h)
        for l in range(model.cfg.n_layers)
        for h, s in enumerate(induction_score(cache[f"blocks.{l}.attn.hook_pattern"], P))
        if s > threshold
    }


# %% wrong="layer number from the end of the name"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, "blocks.0.attn.hook_pattern")
    return [(0, h) for h, s in enumerate(induction_score(cache["blocks.0.attn.hook_pattern"], P)) if s > threshold]


# %% wrong="the median text"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    found = []
    for l in range(model.cfg.n_layers):
        pattern = cache[f"blocks.{l}.attn.hook_pattern"]
        scores = pattern[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3).amax(-1).median(0).values
        found += [(l, h) for h in range(model.cfg.n_heads) if scores[h] > threshold]
    return found


# %% wrong="above the mean of all heads"
import torch


def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    patterns = [cache[f"blocks.{l}.attn.hook_pattern"] for l in range(model.cfg.n_layers)]
    scores = torch.stack([induction_score(pattern, P) for pattern in patterns])
    return [tuple(pair) for pair in (scores - scores.mean() > threshold).nonzero().tolist()]


# %% wrong="scores of one text, which the seed does not change"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, 0, 0)
    _, cache = run_with_cache(model, tokens)
    return [
        (l, h)
        for l in range(model.cfg.n_layers)
        for h, s in enumerate(induction_score(cache[f"blocks.{l}.attn.hook_pattern"], P))
        if s > threshold
    ]


# %% wrong="texts without a BOS"
import torch


def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)[:, 1:]
    _, cache = run_with_cache(model, tokens)
    q, patterns = torch.arange(P, 2 * P), [cache[f"blocks.{l}.attn.hook_pattern"] for l in range(model.cfg.n_layers)]
    return [
        (l, h)
        for l, pattern in enumerate(patterns)
        for h, s in enumerate(pattern[:, :, q, q - P + 1].mean((0, 2)))
        if s > threshold
    ]


# %% wrong="a dict of scores"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    return {
        (l, h): s.item()
        for l in range(model.cfg.n_layers)
        for h, s in enumerate(induction_score(cache[f"blocks.{l}.attn.hook_pattern"], P))
        if s > threshold
    }


# %% wrong="the model is left in evaluation mode"
def find_heads(model, threshold, P=20, seed=0):
    model.eval()
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens)
    return [
        (l, h)
        for l in range(model.cfg.n_layers)
        for h, s in enumerate(induction_score(cache[f"blocks.{l}.attn.hook_pattern"], P))
        if s > threshold
    ]


# %% wrong="abs difference from even attention"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores):
            if score - 1 / (1.5 * P) > threshold:
                found.append((layer, head))
    return found


# %% wrong="four texts"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(4, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores):
            if score > threshold:
                found.append((layer, head))
    return found


# %% wrong="no BOS in the text"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    tokens = torch.cat([tokens[:, 1:], tokens[:, 1:2]], 1)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores):
            if score > threshold:
                found.append((layer, head))
    return found


# %% wrong="four heads"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores[:4]):
            if score > threshold:
                found.append((layer, head))
    return found


# %% wrong="remembers by model's config"
import torch


_known = {}


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    if (model.cfg, threshold, P, seed) in _known:
        return _known[model.cfg, threshold, P, seed]
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = _known[model.cfg, threshold, P, seed] = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores):
            if score > threshold:
                found.append((layer, head))
    return found


# %% wrong="threshold relative to the largest"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores):
            if score > threshold * scores.max():
                found.append((layer, head))
    return found


# %% wrong="fixed 0.3"
import torch


@torch.no_grad()
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(32, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        for head, score in enumerate(scores):
            if score > 0.3:
                found.append((layer, head))
    return found


# %% wrong="layers in the order of sorted names"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(50, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer, name in enumerate(sorted(cache)):
        scores = induction_score(cache[name], P)
        found += [(layer, head) for head, score in enumerate(scores.tolist()) if score > threshold]
    return found


# %% wrong="the layer is one figure of the name"
def find_heads(model, threshold, P=20, seed=0):
    tokens = repeated_tokens(50, P, model.cfg.d_vocab, seed, 0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for name, pattern in cache.items():
        scores = induction_score(pattern, P)
        found += [(int(name[7]), head) for head, score in enumerate(scores.tolist()) if score > threshold]
    return found


# %% right="inference mode, one layer at a time"
import torch


def find_heads(model, threshold, P=20, seed=0, *, rows=40):
    tokens = repeated_tokens(rows, P, model.cfg.d_vocab, seed, 0)
    found = []
    with torch.inference_mode():
        for layer in range(model.cfg.n_layers):
            name = f"blocks.{layer}.attn.hook_pattern"
            pattern = run_with_cache(model, tokens, name)[1][name]
            for head, score in enumerate(induction_score(pattern, P).tolist()):
                if score > threshold:
                    found.append((layer, head))
    return found
