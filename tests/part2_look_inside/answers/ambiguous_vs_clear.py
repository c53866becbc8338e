# %% right="loops over pairs"
def ambiguous_vs_clear(fit, data):
    import torch

    w, b, _ = fit(data["fit"][0], data["fit"][1])
    out = {}
    for kind in ("clear", "wrong", "ambiguous"):
        beliefs = []
        for one, other in zip(data[kind][0], data[kind][1]):
            beliefs.append(0.5 * (torch.sigmoid(one @ w + b) + 1 - torch.sigmoid(other @ w + b)).item())
        out["sure_" + kind] = sum(abs(2 * q - 1) for q in beliefs) / len(beliefs)
        if kind != "ambiguous":
            out[kind] = sum((q > 0.5) == bool(y) for q, y in zip(beliefs, data[kind][2])) / len(beliefs)
    if out["clear"] < 0.5:
        out["clear"], out["wrong"] = 1 - out["clear"], 1 - out["wrong"]
    return out


# %% right="sign on the belief, 0-d tensors"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])

    def gap(kind):
        Xp, Xn = data[kind][:2]
        return torch.sigmoid(Xp @ w + b) - torch.sigmoid(Xn @ w + b)

    sign = 1 if ((gap("clear") > 0) == data["clear"][2]).float().mean() >= 0.5 else -1
    found = {kind: ((sign * gap(kind) > 0) == data[kind][2]).float().mean() for kind in ("clear", "wrong")}
    for kind in ("clear", "ambiguous", "wrong"):
        found["sure_" + kind] = gap(kind).abs().mean()
    return found


# %% right="float64"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    w, b = w.double(), float(b)
    q = {
        k: ((data[k][0].double() @ w + b).sigmoid() + (-(data[k][1].double() @ w + b)).sigmoid()) / 2
        for k in ("clear", "wrong", "ambiguous")
    }
    acc = {k: float(((q[k] > 0.5) == data[k][2].bool()).double().mean()) for k in ("clear", "wrong")}
    flip = acc["clear"] < 0.5
    return {
        "clear": 1 - acc["clear"] if flip else acc["clear"],
        "wrong": 1 - acc["wrong"] if flip else acc["wrong"],
        **{f"sure_{k}": float((2 * v - 1).abs().mean()) for k, v in q.items()},
    }


# %% wrong="only clear is flipped"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    q = {
        k: ((data[k][0] @ w + b).sigmoid() + 1 - (data[k][1] @ w + b).sigmoid()) / 2
        for k in ("clear", "wrong", "ambiguous")
    }
    out = {k: ((q[k] > 0.5) == data[k][2]).float().mean().item() for k in ("clear", "wrong")}
    out["clear"] = max(out["clear"], 1 - out["clear"])
    return out | {f"sure_{k}": (2 * v - 1).abs().mean().item() for k, v in q.items()}


# %% wrong="scores without a sigmoid"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    q = {k: data[k][0] @ w - data[k][1] @ w for k in ("clear", "wrong", "ambiguous")}
    out = {k: ((q[k] > 0) == data[k][2]).float().mean().item() for k in ("clear", "wrong")}
    if out["clear"] < 0.5:
        out = {k: 1 - v for k, v in out.items()}
    return out | {f"sure_{k}": v.abs().tanh().mean().item() for k, v in q.items()}


# %% wrong="the wrong prompt's labels are turned round"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    q = {
        k: ((data[k][0] @ w + b).sigmoid() + 1 - (data[k][1] @ w + b).sigmoid()) / 2
        for k in ("clear", "wrong", "ambiguous")
    }
    out = {k: ((q[k] > 0.5) == data[k][2]).float().mean().item() for k in ("clear", "wrong")}
    if out["clear"] < 0.5:
        out = {k: 1 - v for k, v in out.items()}
    out["wrong"] = 1 - out["wrong"]
    return out | {f"sure_{k}": (2 * v - 1).abs().mean().item() for k, v in q.items()}


# %% wrong="fitted on all pairs"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*(torch.cat([data[k][side] for k in data]) for side in (0, 1)))
    q = {
        k: ((data[k][0] @ w + b).sigmoid() + 1 - (data[k][1] @ w + b).sigmoid()) / 2
        for k in ("clear", "wrong", "ambiguous")
    }
    out = {k: ((q[k] > 0.5) == data[k][2]).float().mean().item() for k in ("clear", "wrong")}
    if out["clear"] < 0.5:
        out = {k: 1 - v for k, v in out.items()}
    return out | {f"sure_{k}": (2 * v - 1).abs().mean().item() for k, v in q.items()}


# %% wrong="sureness of the first"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    q = {
        k: ((data[k][0] @ w + b).sigmoid() + 1 - (data[k][1] @ w + b).sigmoid()) / 2
        for k in ("clear", "wrong", "ambiguous")
    }
    out = {k: ((q[k] > 0.5) == data[k][2]).float().mean().item() for k in ("clear", "wrong")}
    if out["clear"] < 0.5:
        out = {k: 1 - v for k, v in out.items()}
    return out | {f"sure_{k}": (2 * (data[k][0] @ w + b).sigmoid() - 1).abs().mean().item() for k in q}
