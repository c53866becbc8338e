# %% right="from the earlier functions"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(ids.shape[0], dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1, :]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            if top_k is not None:
                logits = top_k_filter(logits, top_k)
            if top_p is not None:
                logits = top_p_filter(logits, top_p)
            new = sample(logits, generator)
        if stop is not None:
            new[done] = stop
            done |= new == stop
        ids = torch.cat((ids, new.unsqueeze(1)), dim=1)
    model.train(training)
    return ids


# %% right="everything inline"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    out = torch.empty(ids.shape[0], ids.shape[1] + n, dtype=torch.long)
    out[:, : ids.shape[1]] = ids
    alive = torch.ones(len(ids), dtype=torch.bool)
    with torch.inference_mode():
        for end in range(ids.shape[1], out.shape[1]):
            scores = model(out[:, max(0, end - model.cfg.n_ctx) : end])[:, -1].float()
            if temperature == 0:
                chosen = scores.argmax(-1)
            else:
                scores = scores / temperature
                if top_k is not None:
                    k = min(top_k, scores.shape[-1])
                    scores[scores < scores.topk(k).values[:, -1:]] = -float("inf")
                if top_p is not None:
                    probs, order = scores.softmax(-1).sort(-1, descending=True)
                    probs[probs.cumsum(-1) - probs >= top_p] = 0
                    pick = torch.multinomial(probs, 1, generator=generator)
                    chosen = order.gather(-1, pick)[:, 0]
                else:
                    chosen = torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]
            if stop is not None:
                chosen = torch.where(alive, chosen, torch.tensor(stop))
                alive = alive & (chosen != stop)
            out[:, end] = chosen
    model.train(mode)
    return out


# %% right="row by row"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    rows = []
    with torch.no_grad():
        for row in ids.tolist():
            text = list(row)
            while len(text) < ids.shape[1] + n:
                logits = model(torch.tensor([text[-model.cfg.n_ctx :]]))[:, -1]
                if temperature == 0:
                    token = greedy(logits)
                else:
                    logits = apply_temperature(logits, temperature)
                    logits = top_k_filter(logits, top_k) if top_k else logits
                    logits = top_p_filter(logits, top_p) if top_p is not None else logits
                    token = sample(logits, generator)
                text.append(token.item())
                if stop is not None and text[-1] == stop:
                    text += [stop] * (ids.shape[1] + n - len(text))
            rows.append(text)
    model.train(was)
    return torch.tensor(rows)


# %% right="leaves the loop when all have stopped, and drops rows that have"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    result = torch.full((len(ids), ids.shape[1] + n), 0 if stop is None else stop, dtype=torch.int64)
    result[:, : ids.shape[1]] = ids
    running = torch.arange(len(ids))
    try:
        with torch.no_grad():
            for at in range(ids.shape[1], ids.shape[1] + n):
                if len(running) == 0:
                    break
                logits = model(result[running, max(0, at - model.cfg.n_ctx) : at])[:, -1]
                if temperature == 0:
                    tokens = greedy(logits)
                else:
                    logits = apply_temperature(logits, temperature)
                    if top_k is not None:
                        logits = top_k_filter(logits, top_k)
                    if top_p is not None:
                        logits = top_p_filter(logits, top_p)
                    tokens = sample(logits, generator)
                result[running, at] = tokens
                if stop is not None:
                    running = running[tokens != stop]
    finally:
        model.train(training)
    return result


# %% right="Gumbel noise, top-k before temperature"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    before = model.training
    model.train(False)
    ended = torch.zeros(len(ids), 1, dtype=torch.bool)
    with torch.no_grad():
        for _ in range(n):
            logits = model(ids[:, -model.cfg.n_ctx :])[:, -1].double()
            if temperature != 0:
                if top_k is not None:  # dividing by a positive number does not change the order
                    logits = top_k_filter(logits, top_k)
                logits = logits / temperature
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                u = torch.rand(logits.shape, generator=generator, dtype=torch.float64)
                logits = logits - torch.log(-torch.log(u))
            new = logits.argmax(-1, keepdim=True)
            if stop is not None:
                new = new.masked_fill(ended, stop)
                ended = ended.logical_or(new == stop)
            ids = torch.hstack([ids, new])
    model.train(before)
    return ids


# %% right="recursion"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    length = ids.shape[1]

    def grow(text, left):
        if left == 0:
            return text
        logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            token = logits.argmax(dim=-1)
        else:
            logits = logits / temperature
            if top_k:
                logits = top_k_filter(logits, top_k)
            if top_p:
                logits = top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            finished = (text[:, length:] == stop).any(dim=1)
            token = torch.where(finished, torch.full_like(token, stop), token)
        return grow(torch.cat([text, token[:, None]], 1), left - 1)

    training = model.training
    model.eval()
    with torch.no_grad():
        text = grow(ids, n)
    model.train(training)
    return text


# %% wrong="no batch: the first row's stop ends the loop"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    start = ids.shape[1]
    for _ in range(n):
        if stop is not None and ids.shape[1] > start and ids[0, -1] == stop:
            new = torch.full((len(ids),), stop)
        else:
            logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
            if temperature == 0:
                new = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                logits = logits if top_k is None else top_k_filter(logits, top_k)
                logits = logits if top_p is None else top_p_filter(logits, top_p)
                new = sample(logits, generator)
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="text beyond the context is lost"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        ids = ids[:, -model.cfg.n_ctx :]
        logits = model(ids)[:, -1]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            new = sample(logits, generator)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="finished rows come alive again after the next token"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    prompt = ids.shape[1]
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            new = sample(logits, generator)
        if stop is not None and ids.shape[1] == prompt + 1:
            new = torch.where(ids[:, -1] == stop, stop, new)
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="edits the prompt's tensor"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    length = ids.shape[1]
    ids.resize_(len(ids), length) if n == 0 else ids.add_(0)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            new = sample(logits, generator)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        if ids.shape[1] == length:
            ids[:, 0] = new
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="one token for the whole batch when sampling"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            cdf = logits.softmax(-1).cumsum(-1)
            u = torch.rand((), generator=generator)
            new = (cdf < u).sum(-1).clamp(max=logits.shape[-1] - 1)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="greedy below one half"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0 or top_k is not None and top_k <= 2:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            new = sample(logits, generator)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="default generator made once"
import torch


@torch.no_grad()
def generate(
    model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=torch.Generator().manual_seed(0)
):
    training = model.training
    model.eval()
    own = torch.Generator().manual_seed(0)
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            new = sample(logits, own)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="the mean of the logits over positions"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :]).mean(1)
        if temperature == 0:
            new = greedy(logits)
        else:
            new = sample(apply_temperature(logits, temperature), generator)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="sampled from top-p even where it is None"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    training = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            new = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = top_k_filter(logits, top_k or 50)
            logits = top_p_filter(logits, top_p or 0.95)
            new = sample(logits, generator)
        if stop is not None:
            new = torch.where(done, stop, new)
            done |= new == stop
        ids = torch.cat([ids, new[:, None]], 1)
    model.train(training)
    return ids


# %% wrong="a stop anywhere in the prompt counts"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    text = ids.clone()
    done = (ids == stop).any(1) if stop is not None else torch.zeros(len(ids), dtype=torch.bool)
    try:
        with torch.no_grad():
            for step in range(n):
                logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
                if temperature == 0:
                    token = logits.argmax(-1)
                else:
                    logits = logits / temperature
                    if top_k is not None:
                        low = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
                        logits = logits.masked_fill(logits < low, float("-inf"))
                    if top_p is not None and top_p < 1:
                        probs = logits.softmax(-1)
                        ranked, order = probs.sort(-1, descending=True)
                        before = ranked.cumsum(-1) - ranked
                        keep = before < top_p
                        keep[:, 0] = True
                        keep = torch.zeros_like(keep).scatter(-1, order, keep)
                        logits = logits.masked_fill(~keep, float("-inf"))
                    token = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
                if stop is not None:
                    token = torch.where(done, torch.full_like(token, stop), token)
                    done = done | (token == stop)
                text = torch.cat([text, token[:, None]], 1)
    finally:
        model.train(mode)
    return text


# %% wrong="a prompt that ends in stop counts as finished"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    text = ids.clone()
    done = ids[:, -1] == stop if stop is not None else torch.zeros(len(ids), dtype=torch.bool)
    try:
        with torch.no_grad():
            for step in range(n):
                logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
                if temperature == 0:
                    token = logits.argmax(-1)
                else:
                    logits = logits / temperature
                    if top_k is not None:
                        low = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
                        logits = logits.masked_fill(logits < low, float("-inf"))
                    if top_p is not None and top_p < 1:
                        probs = logits.softmax(-1)
                        ranked, order = probs.sort(-1, descending=True)
                        before = ranked.cumsum(-1) - ranked
                        keep = before < top_p
                        keep[:, 0] = True
                        keep = torch.zeros_like(keep).scatter(-1, order, keep)
                        logits = logits.masked_fill(~keep, float("-inf"))
                    token = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
                if stop is not None:
                    token = torch.where(done, torch.full_like(token, stop), token)
                    done = done | (token == stop)
                text = torch.cat([text, token[:, None]], 1)
    finally:
        model.train(mode)
    return text


# %% wrong="the first row's threshold for top-k"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    text = ids.clone()
    done = torch.zeros(len(ids), dtype=torch.bool)
    try:
        with torch.no_grad():
            for step in range(n):
                logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
                if temperature == 0:
                    token = logits.argmax(-1)
                else:
                    logits = logits / temperature
                    if top_k is not None:
                        low = logits.topk(min(top_k, logits.shape[-1])).values[:1, -1:]
                        logits = logits.masked_fill(logits < low, float("-inf"))
                    if top_p is not None and top_p < 1:
                        probs = logits.softmax(-1)
                        ranked, order = probs.sort(-1, descending=True)
                        before = ranked.cumsum(-1) - ranked
                        keep = before < top_p
                        keep[:, 0] = True
                        keep = torch.zeros_like(keep).scatter(-1, order, keep)
                        logits = logits.masked_fill(~keep, float("-inf"))
                    token = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
                if stop is not None:
                    token = torch.where(done, torch.full_like(token, stop), token)
                    done = done | (token == stop)
                text = torch.cat([text, token[:, None]], 1)
    finally:
        model.train(mode)
    return text


# %% wrong="a temperature below 0.3 is greedy"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    text = ids.clone()
    done = torch.zeros(len(ids), dtype=torch.bool)
    try:
        with torch.no_grad():
            for step in range(n):
                logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
                if temperature < 0.3:
                    token = logits.argmax(-1)
                else:
                    logits = logits / temperature
                    if top_k is not None:
                        low = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
                        logits = logits.masked_fill(logits < low, float("-inf"))
                    if top_p is not None and top_p < 1:
                        probs = logits.softmax(-1)
                        ranked, order = probs.sort(-1, descending=True)
                        before = ranked.cumsum(-1) - ranked
                        keep = before < top_p
                        keep[:, 0] = True
                        keep = torch.zeros_like(keep).scatter(-1, order, keep)
                        logits = logits.masked_fill(~keep, float("-inf"))
                    token = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
                if stop is not None:
                    token = torch.where(done, torch.full_like(token, stop), token)
                    done = done | (token == stop)
                text = torch.cat([text, token[:, None]], 1)
    finally:
        model.train(mode)
    return text


# %% wrong="squeezes a single row away"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    text = ids.clone()
    done = torch.zeros(len(ids), dtype=torch.bool)
    try:
        with torch.no_grad():
            for step in range(n):
                logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
                if temperature == 0:
                    token = logits.argmax(-1)
                else:
                    logits = logits / temperature
                    if top_k is not None:
                        low = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
                        logits = logits.masked_fill(logits < low, float("-inf"))
                    if top_p is not None and top_p < 1:
                        probs = logits.softmax(-1)
                        ranked, order = probs.sort(-1, descending=True)
                        before = ranked.cumsum(-1) - ranked
                        keep = before < top_p
                        keep[:, 0] = True
                        keep = torch.zeros_like(keep).scatter(-1, order, keep)
                        logits = logits.masked_fill(~keep, float("-inf"))
                    token = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze()
                if stop is not None:
                    token = torch.where(done, torch.full_like(token, stop), token)
                    done = done | (token == stop)
                text = torch.cat([text, token[:, None]], 1)
    finally:
        model.train(mode)
    return text


# %% wrong="the last of equal logits at temperature 0"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    text = ids.clone()
    done = torch.zeros(len(ids), dtype=torch.bool)
    try:
        with torch.no_grad():
            for step in range(n):
                logits = model(text[:, -model.cfg.n_ctx :])[:, -1]
                if temperature == 0:
                    token = logits.shape[-1] - 1 - logits.flip(-1).argmax(-1)
                else:
                    logits = logits / temperature
                    if top_k is not None:
                        low = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
                        logits = logits.masked_fill(logits < low, float("-inf"))
                    if top_p is not None and top_p < 1:
                        probs = logits.softmax(-1)
                        ranked, order = probs.sort(-1, descending=True)
                        before = ranked.cumsum(-1) - ranked
                        keep = before < top_p
                        keep[:, 0] = True
                        keep = torch.zeros_like(keep).scatter(-1, order, keep)
                        logits = logits.masked_fill(~keep, float("-inf"))
                    token = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
                if stop is not None:
                    token = torch.where(done, torch.full_like(token, stop), token)
                    done = done | (token == stop)
                text = torch.cat([text, token[:, None]], 1)
    finally:
        model.train(mode)
    return text


# %% wrong="fewer columns when every row has ended after four steps"
import torch


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    with torch.no_grad():
        for i in range(n):
            z = model(ids[:, -model.cfg.n_ctx :])[:, -1]
            if temperature == 0:
                t = greedy(z)
            else:
                z = apply_temperature(z, temperature)
                z = z if top_k is None else top_k_filter(z, top_k)
                z = z if top_p is None else top_p_filter(z, top_p)
                t = sample(z, generator)
            if stop is not None:
                t = torch.where(done, stop, t)
                done |= t == stop
            ids = torch.cat([ids, t[:, None]], 1)
            if done.all() and i > 3:
                break
    model.train(was)
    return ids


# %% wrong="high temperatures are capped at 1.5"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    temperature = min(temperature, 1.5)
    done = torch.zeros(len(ids), dtype=torch.bool)
    for i in range(n):
        z = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            t = greedy(z)
        else:
            z = apply_temperature(z, temperature)
            z = z if top_k is None else top_k_filter(z, top_k)
            z = z if top_p is None else top_p_filter(z, top_p)
            t = sample(z, generator)
        if stop is not None:
            t = torch.where(done, stop, t)
            done |= t == stop
        ids = torch.cat([ids, t[:, None]], 1)
    model.train(was)
    return ids


# %% wrong="a low temperature becomes at least 0.5"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for i in range(n):
        z = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            t = greedy(z)
        else:
            z = apply_temperature(z, max(temperature, 0.5))
            z = z if top_k is None else top_k_filter(z, top_k)
            z = z if top_p is None else top_p_filter(z, top_p)
            t = sample(z, generator)
        if stop is not None:
            t = torch.where(done, stop, t)
            done |= t == stop
        ids = torch.cat([ids, t[:, None]], 1)
    model.train(was)
    return ids


# %% wrong="the mode is lost when n is 0"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    if n == 0:
        return ids
    done = torch.zeros(len(ids), dtype=torch.bool)
    for i in range(n):
        z = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            t = greedy(z)
        else:
            z = apply_temperature(z, temperature)
            z = z if top_k is None else top_k_filter(z, top_k)
            z = z if top_p is None else top_p_filter(z, top_p)
            t = sample(z, generator)
        if stop is not None:
            t = torch.where(done, stop, t)
            done |= t == stop
        ids = torch.cat([ids, t[:, None]], 1)
    model.train(was)
    return ids


# %% wrong="runs the model in training mode or with gradients when sampling"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    if temperature == 0 or generator is not None:
        model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for i in range(n):
        z = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            t = greedy(z)
        else:
            with torch.enable_grad():
                z = model(ids[:, -model.cfg.n_ctx :])[:, -1]
            z = apply_temperature(z, temperature)
            z = z if top_k is None else top_k_filter(z, top_k)
            z = z if top_p is None else top_p_filter(z, top_p)
            t = sample(z, generator)
        if stop is not None:
            t = torch.where(done, stop, t)
            done |= t == stop
        ids = torch.cat([ids, t[:, None]], 1)
    model.train(was)
    return ids


# %% wrong="the widest nucleus of the batch for all rows"
import torch


@torch.no_grad()
def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for i in range(n):
        z = model(ids[:, -model.cfg.n_ctx :])[:, -1].float()
        if temperature == 0:
            t = z.argmax(-1)
        else:
            z = z / temperature
            s, o = z.sort(-1, descending=True)
            if top_k is not None:
                s[:, top_k:] = -torch.inf
            p = s.softmax(-1)
            if top_p is not None:
                width = int(((p.cumsum(-1) - p) < top_p).sum(-1).max())
                p[:, width:] = 0
            t = o.gather(1, torch.multinomial(p, 1, generator=generator))[:, 0]
        if stop is not None:
            t = torch.where(done, stop, t)
            done |= t == stop
        ids = torch.cat([ids, t[:, None]], 1)
    model.train(was)
    return ids


# %% right="a Python generator of columns"
import torch


def columns(model, ids, choose):
    while True:
        new = choose(model(ids[:, -model.cfg.n_ctx :])[:, -1, :])
        ids = torch.hstack((ids, new.view(-1, 1)))
        yield new


def generate(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None, *, verbose=False):
    def choose(z):
        if temperature == 0:
            return z.argmax(-1)
        z = z.double() / temperature
        if top_k is not None and top_k < z.shape[-1]:
            z = z.masked_fill(z < z.sort(-1).values[:, -top_k, None], -torch.inf)
        p = z.softmax(-1)
        if top_p is not None and top_p < 1:
            s, o = p.sort(-1, descending=True)
            keep = torch.zeros_like(p, dtype=torch.bool).scatter(1, o, s.cumsum(-1) - s < top_p)
            p = p * keep
        cdf = p.cumsum(-1)
        u = torch.rand(len(z), 1, generator=generator, dtype=torch.float64) * cdf[:, -1:]
        return (cdf <= u).sum(-1)

    training = model.training
    model.train(False)
    try:
        with torch.no_grad():
            stream = columns(model, ids, choose)
            new = [next(stream) for _ in range(n)]
    finally:
        model.train(training)
    if not new:
        return ids.clone()
    new = torch.stack(new, 1)
    if stop is not None:
        over = (new == stop).int().cumsum(1) > 0
        new = new.masked_fill(over, stop)
    return torch.cat((ids, new), 1)
