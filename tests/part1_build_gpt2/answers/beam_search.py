# %% right="lists, one beam at a time"
import torch


def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids.tolist(), False)]
    start = len(ids)

    def value(beam):
        return beam[0] / (len(beam[1]) - start) ** length_penalty

    for _ in range(n):
        candidates = []
        for total, text, done in beams:
            if done:
                candidates.append((total, text, done))
                continue
            with torch.no_grad():
                row = torch.log_softmax(model(torch.tensor([text]))[0, -1], dim=-1)
            for token, added in enumerate(row.tolist()):
                candidates.append((total + added, text + [token], token == stop))
        beams = sorted(candidates, key=value, reverse=True)[:k]
    return [(value(beam), torch.tensor(beam[1])) for beam in beams]


# %% right="one tensor of beams, other copies start at minus infinity"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    prompt = len(ids)
    texts = ids.repeat(k, 1)
    sums = torch.full((k,), float("-inf"), dtype=torch.float64)
    sums[0] = 0.0
    lengths = torch.zeros(k, dtype=torch.float64)
    done = torch.zeros(k, dtype=torch.bool)
    for _ in range(n):
        logp = model(texts)[:, -1].double().log_softmax(-1)
        vocab = logp.shape[-1]
        filler = stop if stop is not None else 0
        frozen = torch.full_like(logp, float("-inf"))
        frozen[:, filler] = 0.0
        logp = torch.where(done[:, None], frozen, logp)
        grown = lengths + (~done)
        totals = sums[:, None] + logp
        scores = (totals / grown[:, None] ** length_penalty).flatten()
        best = scores.topk(min(k, scores.numel())).indices
        rows, tokens = best // vocab, best % vocab
        sums, lengths = totals.flatten()[best], grown[rows]
        done_before = done[rows]
        texts = torch.cat([texts[rows], tokens[:, None]], 1)
        done = done_before | ((tokens == stop) if stop is not None else torch.zeros_like(done_before))
    found = []
    for total, length, text in zip(sums, lengths, texts):
        if total > float("-inf"):
            found.append((float(total / length**length_penalty), text[: prompt + int(length)]))
    return sorted(found, key=lambda pair: -pair[0])


# %% right="heap, ids as lists, scores as tensors"
import heapq

import torch


def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(torch.zeros((), dtype=torch.float64), ())]

    def score(beam):
        return beam[0] / max(len(beam[1]), 1) ** length_penalty

    for _ in range(n):
        finished = [beam for beam in beams if stop is not None and beam[1] and beam[1][-1] == stop]
        alive = [beam for beam in beams if not (stop is not None and beam[1] and beam[1][-1] == stop)]
        if len(alive) == 0:
            break
        read = torch.stack([torch.cat([ids, torch.tensor(new, dtype=torch.int64)]) for _, new in alive])
        rows = model(read)[:, -1].detach().double().log_softmax(-1)
        options = finished + [
            (total + row[token], (*new, token)) for (total, new), row in zip(alive, rows) for token in range(len(row))
        ]
        beams = heapq.nlargest(k, options, key=score)
    return [(score(beam), ids.tolist() + list(beam[1])) for beam in sorted(beams, key=score, reverse=True)]


# %% right="fills up with stop"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, 0, ids)]
    for _ in range(n):
        options = []
        for total, length, text in beams:
            if stop is not None and length and text[-1] == stop:
                options.append((total, length, torch.cat([text, text.new_tensor([stop])])))
            else:
                logp = model(text[None])[0, -1].log_softmax(-1)
                for token in range(logp.shape[0]):
                    options.append(
                        (total + logp[token].item(), length + 1, torch.cat([text, text.new_tensor([token])]))
                    )
        options.sort(key=lambda option: option[0] / option[1] ** length_penalty, reverse=True)
        beams = options[:k]
    return [[total / length**length_penalty, text] for total, length, text in beams]


# %% right="logsumexp and a stable sort"
import torch


def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    open_beams, closed = [(0.0, ids)], []

    def normalised(total, text):
        return total / (len(text) - len(ids)) ** length_penalty

    for _ in range(n):
        if not open_beams:
            break
        with torch.inference_mode():
            logits = model(torch.stack([text for _, text in open_beams]))[:, -1, :]
            logp = (logits - logits.logsumexp(-1, keepdim=True)).tolist()
        pool = [(normalised(*beam), beam, True) for beam in closed]
        for (total, text), row in zip(open_beams, logp):
            for token, added in enumerate(row):
                longer = (total + added, torch.cat([text, torch.tensor([token])]))
                pool.append((normalised(*longer), longer, token == stop))
        pool.sort(key=lambda entry: entry[0], reverse=True)
        open_beams = [beam for _, beam, done in pool[:k] if not done]
        closed = [beam for _, beam, done in pool[:k] if done]
    found = [(normalised(*beam), beam[1]) for beam in open_beams + closed]
    return sorted(found, key=lambda pair: pair[0], reverse=True)


# %% right="finished beams are never pushed out"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    live, done = [(0.0, [])], []
    for _ in range(n):
        room = k - len(done)
        if room <= 0 or not live:
            break
        options = []
        logp = model(torch.tensor([ids.tolist() + new for _, new in live]))[:, -1].log_softmax(-1)
        for (total, new), row in zip(live, logp.tolist()):
            options += [(total + added, new + [token]) for token, added in enumerate(row)]
        options = sorted(options, reverse=True)[:room]
        done += [option for option in options if option[1][-1] == stop]
        live = [option for option in options if option[1][-1] != stop]
    ranked = sorted(((total / len(new) ** length_penalty, new) for total, new in done + live), reverse=True)
    return [(score, torch.cat([ids, torch.tensor(new)])) for score, new in ranked]


# %% right="compared by sums on the way, by scores at the end"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, [])]
    for _ in range(n):
        options = []
        for total, new in beams:
            if stop is not None and new[-1:] == [stop]:
                options.append((total, new))
            else:
                text = torch.cat([ids, torch.tensor(new, dtype=torch.int64)])
                row = model(text[None])[0, -1].log_softmax(-1).tolist()
                options += [(total + added, [*new, token]) for token, added in enumerate(row)]
        beams = sorted(options, key=lambda option: -option[0])[:k]
    ranked = [(total / len(new) ** length_penalty, torch.cat([ids, torch.tensor(new)])) for total, new in beams]
    return sorted(ranked, key=lambda pair: pair[0], reverse=True)


# %% right="every option is scored by reading it again"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    def total(text):
        logp = model(text[None, :-1])[0].double().log_softmax(-1)[len(ids) - 1 :]
        return logp.gather(-1, text[len(ids) :, None]).sum().item()

    def score(text):
        return total(text) / max(len(text) - len(ids), 1) ** length_penalty

    beams = [ids]
    for _ in range(n):
        options = []
        for text in beams:
            if stop is not None and len(text) > len(ids) and text[-1] == stop:
                options.append(text)
            else:
                options += [torch.cat([text, torch.tensor([token])]) for token in range(model.cfg.d_vocab)]
        beams = sorted(options, key=score, reverse=True)[:k]
    return [(score(text), text) for text in beams]


# %% wrong="prunes each beam to one continuation per token"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]
    for _ in range(n):
        options = {}
        for total, text in beams:
            if stop is not None and len(text) > len(ids) and text[-1] == stop:
                options["done", tuple(text.tolist())] = (total, text)
                continue
            for token, added in enumerate(model(text[None])[0, -1].log_softmax(-1).tolist()):
                option = (total + added, torch.cat([text, torch.tensor([token])]))
                if token not in options or options[token][0] < option[0]:
                    options[token] = option
        beams = sorted(options.values(), key=lambda b: b[0] / (len(b[1]) - len(ids)) ** length_penalty, reverse=True)
        beams = beams[:k]
    return [(total / (len(text) - len(ids)) ** length_penalty, text) for total, text in beams]


# %% wrong="k counts only the beams that are alive"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams, done = [(0.0, ids)], []
    for _ in range(n):
        options = []
        for total, text in beams:
            for token, added in enumerate(model(text[None])[0, -1].log_softmax(-1).tolist()):
                options.append((total + added, torch.cat([text, torch.tensor([token])])))
        options.sort(key=lambda option: option[0], reverse=True)
        beams = []
        for option in options:
            if stop is not None and option[1][-1] == stop:
                done.append(option)
            elif len(beams) < k:
                beams.append(option)
    found = [(total / (len(text) - len(ids)) ** length_penalty, text) for total, text in done + beams]
    return sorted(found, key=lambda pair: pair[0], reverse=True)[:k]


# %% wrong="stops as soon as the best beam is finished"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]

    def score(beam):
        return beam[0] / max(len(beam[1]) - len(ids), 1) ** length_penalty

    def ended(beam):
        return stop is not None and len(beam[1]) > len(ids) and beam[1][-1] == stop

    for _ in range(n):
        if ended(beams[0]):
            break
        options = [beam for beam in beams if ended(beam)]
        for total, text in beams:
            if not ended((total, text)):
                for token, added in enumerate(model(text[None])[0, -1].log_softmax(-1).tolist()):
                    options.append((total + added, torch.cat([text, torch.tensor([token])])))
        beams = sorted(options, key=score, reverse=True)[:k]
    return [(score(beam), beam[1]) for beam in beams]


# %% wrong="float16 sums"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(torch.zeros((), dtype=torch.float16), ids)]

    def score(beam):
        return float(beam[0]) / max(len(beam[1]) - len(ids), 1) ** length_penalty

    def ended(beam):
        return stop is not None and len(beam[1]) > len(ids) and beam[1][-1] == stop

    for _ in range(n):
        options = [beam for beam in beams if ended(beam)]
        for total, text in beams:
            if not ended((total, text)):
                for token, added in enumerate(model(text[None])[0, -1].log_softmax(-1).half()):
                    options.append((total + added, torch.cat([text, torch.tensor([token])])))
        beams = sorted(options, key=score, reverse=True)[:k]
    return [(score(beam), beam[1]) for beam in beams]


# %% wrong="the prompt's own probability counts"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    prompt = model(ids[None])[0, :-1].log_softmax(-1).gather(-1, ids[1:, None]).sum().item()
    beams = [(prompt, ids)]

    def score(beam):
        return beam[0] / max(len(beam[1]) - len(ids), 1) ** length_penalty

    def ended(beam):
        return stop is not None and len(beam[1]) > len(ids) and beam[1][-1] == stop

    for _ in range(n):
        options = [beam for beam in beams if ended(beam)]
        for total, text in beams:
            if not ended((total, text)):
                for token, added in enumerate(model(text[None])[0, -1].log_softmax(-1).tolist()):
                    options.append((total + added, torch.cat([text, torch.tensor([token])])))
        beams = sorted(options, key=score, reverse=True)[:k]
    return [(score(beam), beam[1]) for beam in beams]


# %% wrong="the length penalty of machine translation"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]

    def score(beam):
        return beam[0] / ((5 + len(beam[1]) - len(ids)) / 6) ** length_penalty

    def ended(beam):
        return stop is not None and len(beam[1]) > len(ids) and beam[1][-1] == stop

    for _ in range(n):
        options = [beam for beam in beams if ended(beam)]
        for total, text in beams:
            if not ended((total, text)):
                for token, added in enumerate(model(text[None])[0, -1].log_softmax(-1).tolist()):
                    options.append((total + added, torch.cat([text, torch.tensor([token])])))
        beams = sorted(options, key=score, reverse=True)[:k]
    return [(score(beam), beam[1]) for beam in beams]


# %% wrong="never more beams than half the vocabulary"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]

    def score(beam):
        return beam[0] / max(len(beam[1]) - len(ids), 1) ** length_penalty

    def ended(beam):
        return stop is not None and len(beam[1]) > len(ids) and beam[1][-1] == stop

    for _ in range(n):
        options = [beam for beam in beams if ended(beam)]
        for total, text in beams:
            if not ended((total, text)):
                best = model(text[None])[0, -1].log_softmax(-1).topk(2)
                for token, added in zip(best.indices.tolist(), best.values.tolist()):
                    options.append((total + added, torch.cat([text, torch.tensor([token])])))
        beams = sorted(options, key=score, reverse=True)[:k]
    return [(score(beam), beam[1]) for beam in beams]


# %% right="every candidate scored by its own forward pass at the end of the step"
import torch


def logprob(model, prompt, new):
    text = prompt + new
    total = 0.0
    with torch.no_grad():
        window = torch.tensor([text[max(0, len(text) - 1 - model.cfg.n_ctx) : -1]])
        total = model(window)[0, -1].log_softmax(-1)[text[-1]].item()
    return total


def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    was = model.training
    model.eval()
    prompt = [int(i) for i in ids]
    with torch.no_grad():
        vocab = model(ids[None, -model.cfg.n_ctx :]).shape[-1]
    beams = [([], 0.0)]
    for _ in range(n):
        options = []
        for new, total in beams:
            if new and new[-1] == stop:
                options.append((new, total))
                continue
            for token in range(vocab):
                longer = new + [token]
                options.append((longer, total + logprob(model, prompt, longer)))
        options.sort(key=lambda o: -o[1] / len(o[0]) ** length_penalty)
        beams = options[:k]
    model.train(was)
    return [(total / len(new) ** length_penalty, torch.tensor(prompt + new)) for new, total in beams]


# %% wrong="prompt of one token fails"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]
    T = len(ids)
    sc = lambda b: b[0] / max(len(b[1]) - T, 1) ** length_penalty
    for _ in range(n):
        new = []
        for s, t in beams:
            if stop is not None and len(t) > T and t[-1] == stop:
                new.append((s, t))
                continue
            batch = t.squeeze()
            lp = model(batch.view(1, batch.shape[0]))[0, -1].log_softmax(-1)
            new += [(s + lp[v].item(), torch.cat([t, torch.tensor([v])])) for v in range(len(lp))]
        beams = sorted(new, key=sc, reverse=True)[:k]
    return [(sc(b), b[1]) for b in beams]


# %% wrong="beams are cached by their text"
import torch

KNOWN = {}


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]
    T = len(ids)
    sc = lambda b: b[0] / max(len(b[1]) - T, 1) ** length_penalty
    for _ in range(n):
        new = []
        for s, t in beams:
            if stop is not None and len(t) > T and t[-1] == stop:
                new.append((s, t))
                continue
            key = tuple(t.tolist())
            if key not in KNOWN:
                KNOWN[key] = model(t[None])[0, -1].log_softmax(-1)
            lp = KNOWN[key]
            new += [(s + lp[v].item(), torch.cat([t, torch.tensor([v])])) for v in range(len(lp))]
        beams = sorted(new, key=sc, reverse=True)[:k]
    return [(sc(b), b[1]) for b in beams]


# %% wrong="ends with the first finished beam"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]
    T = len(ids)
    sc = lambda b: b[0] / max(len(b[1]) - T, 1) ** length_penalty
    for _ in range(n):
        new = []
        for s, t in beams:
            if stop is not None and len(t) > T and t[-1] == stop:
                new.append((s, t))
                continue
            lp = model(t[None])[0, -1].log_softmax(-1)
            new += [(s + lp[v].item(), torch.cat([t, torch.tensor([v])])) for v in range(len(lp))]
        beams = sorted(new, key=sc, reverse=True)[:k]
        if stop is not None and any(b[1][-1] == stop for b in beams):
            break
    return [(sc(b), b[1]) for b in beams]


# %% wrong="the length is one behind"
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    beams = [(0.0, ids)]
    T = len(ids)
    sc = lambda b: b[0] / max(len(b[1]) - T - 1, 1) ** length_penalty
    for _ in range(n):
        new = []
        for s, t in beams:
            if stop is not None and len(t) > T and t[-1] == stop:
                new.append((s, t))
                continue
            lp = model(t[None])[0, -1].log_softmax(-1)
            new += [(s + lp[v].item(), torch.cat([t, torch.tensor([v])])) for v in range(len(lp))]
        beams = sorted(new, key=sc, reverse=True)[:k]
    return [(sc(b), b[1]) for b in beams]


# %% right="dict from text to sum, scores as np.float64"
import numpy as np
import torch


@torch.no_grad()
def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):
    prompt = tuple(ids.tolist())
    beams, ended = {(): 0.0}, {}
    score = lambda item: np.float64(item[1]) / max(len(item[0]), 1) ** length_penalty
    for _ in range(n):
        grown = {}
        if beams:
            texts = list(beams)
            lps = model(torch.tensor([prompt + t for t in texts]))[:, -1].log_softmax(-1).numpy()
            for t, row in zip(texts, lps):
                for v, x in enumerate(row):
                    grown[t + (v,)] = beams[t] + float(x)
        best = dict(sorted({**grown, **ended}.items(), key=score, reverse=True)[:k])
        ended = {t: s for t, s in best.items() if t[-1] == stop}
        beams = {t: s for t, s in best.items() if t not in ended}
    both = sorted({**beams, **ended}.items(), key=score, reverse=True)
    return [(float(score(item)), torch.tensor(prompt + item[0])) for item in both]
