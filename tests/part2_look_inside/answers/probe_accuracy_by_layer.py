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
