# %% right="loops and floats"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed + 1))
    for key, labels in (("accuracy", y), ("shuffled", y[order])):
        for layer in range(acts.shape[0]):
            X = acts[layer]
            parts = split_by_group(X, labels, groups, seed)
            tr, te = parts["train"], parts["test"]
            w, b = fit_logistic(standardise(X[tr], X[tr]), labels[tr])
            pred = ((standardise(X[tr], X[te]) @ w + b).sigmoid() > 0.5).long()
            out[key].append((pred == labels[te].long()).double().mean().item())
    return {key: torch.tensor(values) for key, values in out.items()}


# %% right="one split for both, stronger penalty"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    y = y.long()
    split = split_by_group(acts[0], y, groups, seed)
    tr, te = split["train"], split["test"]
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]

    def curve(labels):
        scores = []
        for X in acts.unbind(0):
            w, b = fit_logistic(standardise(X[tr], X[tr]), labels[tr], 0.1)
            scores.append(((standardise(X[tr], X[te]) @ w + b > 0).long() == labels[te]).float().mean())
        return torch.stack(scores)

    return {"accuracy": curve(y), "shuffled": curve(shuffled)}


# %% right="standardised once for all rows"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    gen = torch.Generator().manual_seed(seed)
    mixed = y[torch.randperm(len(y), generator=gen)]
    result = {}
    for key, labels in {"accuracy": y, "shuffled": mixed}.items():
        values = torch.empty(len(acts))
        for i, X in enumerate(acts):
            s = split_by_group(X, labels, groups, seed)
            Z = standardise(X[s["train"]], X)
            w, b = fit_logistic(Z[s["train"]], labels[s["train"]])
            values[i] = ((Z[s["test"]] @ w + b > 0) == (labels[s["test"]] == 1)).float().mean()
        result[key] = values
    return result


# %% wrong="probability never reaches the border"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    for key, labels in (("accuracy", y), ("shuffled", y[order])):
        for X in acts:
            s = split_by_group(X, labels, groups, seed)
            tr, te = s["train"], s["test"]
            w, b = fit_logistic(standardise(X[tr], X[tr]), labels[tr])
            out[key].append((((standardise(X[tr], X[te]) @ w + b).sigmoid() > 1) == labels[te]).float().mean())
    return {key: torch.stack(v) for key, v in out.items()}


# %% wrong="not standardised for the test"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    for key, labels in (("accuracy", y), ("shuffled", y[order])):
        for X in acts:
            s = split_by_group(X, labels, groups, seed)
            tr, te = s["train"], s["test"]
            w, b = fit_logistic(standardise(X[tr], X[tr]), labels[tr])
            out[key].append(((X[te] @ w + b > 0) == labels[te]).float().mean())
    return {key: torch.stack(v) for key, v in out.items()}


# %% wrong="best layer repeated"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {}
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    for key, labels in (("accuracy", y), ("shuffled", y[order])):
        found = []
        for X in acts:
            s = split_by_group(X, labels, groups, seed)
            tr, te = s["train"], s["test"]
            w, b = fit_logistic(standardise(X[tr], X[tr]), labels[tr])
            found.append(((standardise(X[tr], X[te]) @ w + b > 0) == labels[te]).float().mean())
        out[key] = torch.stack(found).max().expand(len(acts)).clone()
    return out


# %% wrong="only a list"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    found = []
    for X in acts:
        s = split_by_group(X, y, groups, seed)
        tr, te = s["train"], s["test"]
        w, b = fit_logistic(standardise(X[tr], X[tr]), y[tr])
        found.append(float(((standardise(X[tr], X[te]) @ w + b > 0) == y[te]).float().mean()))
    return {"accuracy": found, "shuffled": [0.5] * len(found)}


# %% wrong="shuffled labels scored on train"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    for X in acts:
        s = split_by_group(X, y, groups, seed)
        tr, te = s["train"], s["test"]
        Z = standardise(X[tr], X)
        w, b = fit_logistic(Z[tr], y[tr])
        out["accuracy"].append(((Z[te] @ w + b > 0) == y[te]).float().mean())
        w, b = fit_logistic(Z[tr], y[order][tr])
        out["shuffled"].append(((Z[tr] @ w + b > 0) == y[order][tr]).float().mean())
    return {key: torch.stack(v) for key, v in out.items()}


# %% right="plain loops, split anew for each layer, Python's random"
import random

import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    order = list(range(len(y)))
    random.Random(seed).shuffle(order)
    mixed = torch.tensor([y[i].item() for i in order], dtype=y.dtype)
    result = {}
    for key, labels in (("accuracy", y), ("shuffled", mixed)):
        scores = []
        for layer in range(acts.shape[0]):
            X = acts[layer]
            split = split_by_group(X, labels, groups, seed)
            Xtrain, ytrain = X[split["train"]], labels[split["train"]]
            Xtest, ytest = X[split["test"]], labels[split["test"]]
            w, b = fit_logistic(standardise(Xtrain, Xtrain), ytrain, 1e-2)
            right = 0
            for x, label in zip(standardise(Xtrain, Xtest), ytest):
                guess = 1 if float((x * w).sum() + b) >= 0 else 0
                right += guess == int(label)
            scores.append(right / len(ytest))
        result[key] = torch.tensor(scores)
    return result


# %% right="a class with one probe per layer"
import torch


class Probe:
    def __init__(self, X, y):
        self.X = X
        self.w, self.b = fit_logistic(standardise(X, X), y)

    def accuracy(self, X, y):
        logit = (standardise(self.X, X) * self.w).sum(-1) + self.b
        wrong = ((logit > 0).float() - y.float()).abs()
        return 1.0 - wrong.mean().item()


def probe_accuracy_by_layer(acts, y, groups, seed):
    gen = torch.Generator()
    gen.manual_seed(seed)
    out = {}
    for name in ["accuracy", "shuffled"]:
        labels = y.clone() if name == "accuracy" else y[torch.randperm(y.numel(), generator=gen)]
        s = split_by_group(acts[0], labels, groups, seed)
        probes = [Probe(a[s["train"]], labels[s["train"]]) for a in acts]
        out[name] = torch.tensor([p.accuracy(a[s["test"]], labels[s["test"]]) for p, a in zip(probes, acts)])
    return out


# %% right="batched scores by einsum, labels of the caller untouched"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    rng = torch.Generator(device="cpu").manual_seed(seed)
    shuffled = torch.empty_like(y)
    shuffled[torch.randperm(len(y), generator=rng)] = y
    curves = {}
    for name, t in {"accuracy": y, "shuffled": shuffled}.items():
        part = split_by_group(acts[-1], t, groups, seed)
        tr, te = part["train"], part["test"]
        train = torch.stack([standardise(a[tr], a[tr]) for a in acts])
        test = torch.stack([standardise(a[tr], a[te]) for a in acts])
        ws, bs = zip(*(fit_logistic(a, t[tr].float()) for a in train))
        scores = torch.einsum("lnd,ld->ln", test, torch.stack(ws)) + torch.tensor([float(v) for v in bs])[:, None]
        curves[name] = (scores.sign() == 2 * t[te].float() - 1).float().mean(1)
    return curves


# %% wrong="accuracy on val"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["val"]
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="accuracy on val and test"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], torch.cat([parts["val"], parts["test"]])
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="fitted on train and val"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = torch.cat([parts["train"], parts["val"]]), parts["test"]
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="test standardised by itself"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[test], x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="all standardised before the split"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(standardise(x, x[train]), labels[train])
        says = standardise(x, x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="nothing standardised"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(x[train], labels[train])
        says = x[test] @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="shuffled in training only, split by the true labels"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == y[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], y, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="shuffled labels scored on the true ones"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == y[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="shuffled on the test rows only"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        fitted = y
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(standardise(x[train], x[train]), fitted[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y[torch.randperm(len(y), generator=generator)])}


# %% wrong="labels turned round in place of shuffled"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    def score(x, labels, parts):
        train, test = parts["train"], parts["test"]
        w, b = fit_logistic(standardise(x[train], x[train]), labels[train])
        says = standardise(x[train], x[test]) @ w + b > 0
        return (says == labels[test].bool()).float().mean()

    def curve(labels):
        parts = split_by_group(acts[0], labels, groups, seed)
        return torch.stack([score(x, labels, parts) for x in acts])

    generator = torch.Generator().manual_seed(seed)
    return {"accuracy": curve(y), "shuffled": curve(y.flip(0))}


# %% wrong="a half for the border of the score"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]
    for name, labels in (("accuracy", y), ("shuffled", shuffled)):
        for X in acts:
            parts = split_by_group(X, labels, groups, seed)
            train, test = parts["train"], parts["test"]
            w, b = fit_logistic(standardise(X[train], X[train]), labels[train])
            score = standardise(X[train], X[test]) @ w + b
            out[name].append(((score > 0.5) == labels[test].bool()).float().mean())
    return {name: torch.stack(each) for name, each in out.items()}


# %% wrong="the split ignores the seed"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]
    for name, labels in (("accuracy", y), ("shuffled", shuffled)):
        for X in acts:
            parts = split_by_group(X, labels, groups, 0)
            train, test = parts["train"], parts["test"]
            w, b = fit_logistic(standardise(X[train], X[train]), labels[train])
            score = standardise(X[train], X[test]) @ w + b
            out[name].append(((score > 0) == labels[test].bool()).float().mean())
    return {name: torch.stack(each) for name, each in out.items()}


# %% wrong="labels moved by one row in place of shuffled"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    shuffled = y.roll(1)
    for name, labels in (("accuracy", y), ("shuffled", shuffled)):
        for X in acts:
            parts = split_by_group(X, labels, groups, seed)
            train, test = parts["train"], parts["test"]
            w, b = fit_logistic(standardise(X[train], X[train]), labels[train])
            score = standardise(X[train], X[test]) @ w + b
            out[name].append(((score > 0) == labels[test].bool()).float().mean())
    return {name: torch.stack(each) for name, each in out.items()}


# %% wrong="balanced accuracy"
import torch


def probe_accuracy_by_layer(acts, y, groups, seed):
    out = {"accuracy": [], "shuffled": []}
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]
    for name, labels in (("accuracy", y), ("shuffled", shuffled)):
        for X in acts:
            parts = split_by_group(X, labels, groups, seed)
            train, test = parts["train"], parts["test"]
            w, b = fit_logistic(standardise(X[train], X[train]), labels[train])
            score = standardise(X[train], X[test]) @ w + b
            ones = labels[test].bool()
            right = ((score > 0) == ones).float()
            out[name].append((right[ones].mean() + right[~ones].mean()) / 2)
    return {name: torch.stack(each) for name, each in out.items()}
