# %% right="unfold"
import torch


def no_repeat_ngram(ids, logits, n):
    out = logits.clone()
    if len(ids) < n:
        return out
    windows = ids.unfold(0, n, 1)
    prefix = ids[len(ids) - n + 1 :]
    matches = (windows[:, : n - 1] == prefix).all(dim=-1)
    out[windows[matches, -1]] = float("-inf")
    return out


# %% right="try every token"
import torch


def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    runs = [text[at : at + n] for at in range(len(text) - n + 1)]
    out = logits.clone()
    for token in range(len(logits)):
        if len(text) >= n - 1 and (text + [token])[len(text) + 1 - n :] in runs:
            out[token] = torch.finfo(logits.dtype).min
    return out


# %% right="a dictionary from prefix to followers"
import torch


def no_repeat_ngram(ids, logits, n):
    text = tuple(ids.tolist())
    followers = {}
    for at in range(len(text) - n + 1):
        followers.setdefault(text[at : at + n - 1], set()).add(text[at + n - 1])
    banned = followers.get(text[-(n - 1) :] if n > 1 else (), set())
    mask = torch.tensor([token in banned for token in range(len(logits))])
    return torch.where(mask, torch.tensor(float("-inf"), dtype=logits.dtype), logits)


# %% right="zip of shifted lists"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    filtered = logits.clone()
    for run in zip(*(text[shift:] for shift in range(n))):
        if list(run[:-1]) == text[len(text) - n + 1 :]:
            filtered[run[-1]] = -float("inf")
    return filtered


# %% right="shifted comparisons"
import torch


def no_repeat_ngram(ids, logits, n):
    length = len(ids)
    if length < n:
        return logits
    match = torch.ones(length - n + 1, dtype=torch.bool)
    for offset in range(n - 1):
        match &= ids[offset : offset + length - n + 1] == ids[length - n + 1 + offset]
    banned = ids[n - 1 :][match]
    return logits.index_fill(0, banned, float("-inf"))


# %% wrong="in place"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    for at in range(len(text) - n + 1):
        if text[at : at + n - 1] == text[len(text) - n + 1 :]:
            logits[text[at + n - 1]] = float("-inf")
    return logits


# %% wrong="runs must not overlap the ending"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    out = logits.clone()
    for at in range(len(text) - 2 * (n - 1)):
        if text[at : at + n - 1] == text[len(text) - n + 1 :]:
            out[text[at + n - 1]] = float("-inf")
    return out


# %% wrong="steps of n"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    out = logits.clone()
    for at in range(0, len(text) - n + 1, n):
        if text[at : at + n - 1] == text[len(text) - n + 1 :]:
            out[text[at + n - 1]] = float("-inf")
    return out


# %% wrong="text as a string"
def no_repeat_ngram(ids, logits, n):
    text = "".join(str(token) for token in ids.tolist())
    ending = text[len(text) - n + 1 :] if len(text) >= n else None
    out = logits.clone()
    for at in range(len(text) - n):
        if text[at : at + n - 1] == ending:
            out[int(text[at + n - 1])] = float("-inf")
    return out


# %% wrong="bans only when it has happened twice"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    out = logits.clone()
    found = []
    for at in range(len(text) - n + 1):
        if text[at : at + n - 1] == text[len(text) - n + 1 :]:
            found.append(text[at + n - 1])
    for token in found:
        if found.count(token) > 1:
            out[token] = float("-inf")
    return out


# %% wrong="lowers instead of removing"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    out = logits.clone()
    for at in range(len(text) - n + 1):
        if text[at : at + n - 1] == text[len(text) - n + 1 :]:
            out[text[at + n - 1]] -= 10
    return out


# %% wrong="fails on short texts"
def no_repeat_ngram(ids, logits, n):
    windows = ids.unfold(0, n, 1)
    out = logits.clone()
    out[windows[(windows[:, :-1] == ids[len(ids) - n + 1 :]).all(-1), -1]] = float("-inf")
    return out


# %% wrong="nothing for n = 1"
def no_repeat_ngram(ids, logits, n):
    out = logits.clone()
    if n < 2:
        return out
    text = ids.tolist()
    for at in range(len(text) - n + 1):
        if text[at : at + n - 1] == text[-(n - 1) :]:
            out[text[at + n - 1]] = float("-inf")
    return out


# %% wrong="runs compared as joined digits"
import torch


def no_repeat_ngram(ids, logits, n):
    out = logits.clone()
    text = ids.tolist()
    if len(text) < n:
        return out
    tail = text[len(text) - n + 1 :]
    for i in range(len(text) - n + 1):
        if "".join(map(str, text[i : i + n - 1])) == "".join(map(str, tail)):
            out[text[i + n - 1]] = float("-inf")
    return out


# %% wrong="runs compared by the beginning of their text"
import torch


def no_repeat_ngram(ids, logits, n):
    out = logits.clone()
    text = ids.tolist()
    if len(text) < n:
        return out
    tail = text[len(text) - n + 1 :]
    for i in range(len(text) - n + 1):
        if " ".join(map(str, text[i : i + n - 1])).startswith(" ".join(map(str, tail))):
            out[text[i + n - 1]] = float("-inf")
    return out


# %% wrong="tokens compared modulo 8"
import torch


def no_repeat_ngram(ids, logits, n):
    out = logits.clone()
    text = ids.tolist()
    if len(text) < n:
        return out
    tail = text[len(text) - n + 1 :]
    for i in range(len(text) - n + 1):
        if [x % 8 for x in text[i : i + n - 1]] == [x % 8 for x in tail]:
            out[text[i + n - 1]] = float("-inf")
    return out


# %% wrong="only the last 64 tokens"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()[-64:]
    out = logits.clone()
    for i in range(len(text) - n + 1):
        if text[i : i + n - 1] == text[len(text) - n + 1 :]:
            out[text[i + n - 1]] = float("-inf")
    return out


# %% wrong="base ten hash"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    out = logits.clone()

    def key(run):
        h = 0
        for t in run:
            h = h * 10 + t
        return h

    end = key(text[len(text) - n + 1 :])
    for i in range(len(text) - n + 1):
        if key(text[i : i + n - 1]) == end:
            out[text[i + n - 1]] = float("-inf")
    return out


# %% wrong="first and last of the prefix"
def no_repeat_ngram(ids, logits, n):
    text = ids.tolist()
    out = logits.clone()
    end = text[len(text) - n + 1 :]
    for i in range(len(text) - n + 1):
        run = text[i : i + n - 1]
        if run[:1] == end[:1] and run[-1:] == end[-1:]:
            out[text[i + n - 1]] = float("-inf")
    return out


# %% right="backwards with a deque"
from collections import deque


def no_repeat_ngram(ids, logits, n):
    text = [int(t) for t in ids]
    last = text[-(n - 1) :] if n > 1 else []
    out = logits.clone()
    window = deque(maxlen=n)
    for t in text:
        window.append(t)
        if len(window) == n and list(window)[:-1] == last:
            out[t] = float("-inf")
    return out
