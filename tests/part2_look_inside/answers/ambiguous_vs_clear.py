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


# %% right="row by row with math.exp"
import math


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def ambiguous_vs_clear(fit, data):
    w, b, loss = fit(data["fit"][0], data["fit"][1])
    b = float(b)

    def beliefs(plus, minus):
        out = []
        for x, z in zip(plus, minus):
            out.append((sigmoid(float(x @ w) + b) + 1 - sigmoid(float(z @ w) + b)) / 2)
        return out

    def share(qs, y):
        right = [(q > 0.5) == bool(t) for q, t in zip(qs, y.tolist())]
        return sum(right) / len(right)

    def sure(qs):
        return sum(abs(2 * q - 1) for q in qs) / len(qs)

    clear, wrong = beliefs(*data["clear"][:2]), beliefs(*data["wrong"][:2])
    a, c = share(clear, data["clear"][2]), share(wrong, data["wrong"][2])
    if a < 0.5:
        a, c = 1 - a, 1 - c
    return {
        "clear": a,
        "wrong": c,
        "sure_clear": sure(clear),
        "sure_ambiguous": sure(beliefs(*data["ambiguous"])),
        "sure_wrong": sure(wrong),
    }


# %% right="a class, the answers turned round"
import torch


class Judge:
    def __init__(self, w, b):
        self.w, self.b, self.sign = w, b, 1

    def gap(self, pair):
        first, second = pair[0], pair[1]
        return torch.sigmoid(first @ self.w + self.b) - torch.sigmoid(second @ self.w + self.b)

    def share(self, triple):
        said = self.gap(triple) > 0
        right = (said == triple[2].bool()).float().mean().item()
        return right if self.sign == 1 else 1 - right

    def settle(self, triple):
        if self.share(triple) < 0.5:
            self.sign = -1

    def sure(self, pair):
        return self.gap(pair).abs().mean().item()


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    judge = Judge(w, b)
    judge.settle(data["clear"])
    result = {kind: judge.share(data[kind]) for kind in ("clear", "wrong")}
    result |= {f"sure_{kind}": judge.sure(data[kind]) for kind in ("clear", "ambiguous", "wrong")}
    return result


# %% right="one table for all kinds"
import torch


def ambiguous_vs_clear(fit, data):
    w, b = fit(*data["fit"])[:2]
    kinds = ["clear", "wrong", "ambiguous"]
    sizes = [len(data[k][0]) for k in kinds]
    plus = torch.cat([data[k][0] for k in kinds]) @ w + b
    minus = torch.cat([data[k][1] for k in kinds]) @ w + b
    qs = dict(zip(kinds, (0.5 * (torch.sigmoid(plus) + torch.sigmoid(-minus))).split(sizes)))
    out = {}
    for k in kinds[:2]:
        y = data[k][2].to(torch.bool)
        out[k] = (torch.where(y, qs[k] > 0.5, ~(qs[k] > 0.5)).sum() / len(y)).item()
    out = {k: 1 - v for k, v in out.items()} if out["clear"] < 0.5 else out
    return {**out, **{"sure_" + k: torch.mean(torch.abs(2 * qs[k] - 1)).item() for k in kinds}}


# %% wrong="turned for all but one half"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])

    def belief(Xp, Xn):
        return ((Xp @ w + b).sigmoid() + 1 - (Xn @ w + b).sigmoid()) / 2

    q = {kind: belief(*data[kind][:2]) for kind in ("clear", "ambiguous", "wrong")}
    result = {f"sure_{kind}": (2 * q[kind] - 1).abs().mean().item() for kind in q}
    for kind in ("clear", "wrong"):
        result[kind] = ((q[kind] > 0.5) == data[kind][2].bool()).float().mean().item()
    if result["clear"] <= 0.5:
        result["clear"], result["wrong"] = 1 - result["clear"], 1 - result["wrong"]
    return result


# %% wrong="clear and wrong judged by one y"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])

    def belief(Xp, Xn):
        return ((Xp @ w + b).sigmoid() + 1 - (Xn @ w + b).sigmoid()) / 2

    q = {kind: belief(*data[kind][:2]) for kind in ("clear", "ambiguous", "wrong")}
    result = {f"sure_{kind}": (2 * q[kind] - 1).abs().mean().item() for kind in q}
    for kind in ("clear", "wrong"):
        result[kind] = ((q[kind] > 0.5) == data["clear"][2].bool()[: len(q[kind])]).float().mean().item()
    if result["clear"] < 0.5:
        result["clear"], result["wrong"] = 1 - result["clear"], 1 - result["wrong"]
    return result


# %% wrong="a half counts as the first"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    out = {}
    for kind in ("clear", "ambiguous", "wrong"):
        Xp, Xn = data[kind][:2]
        p, n = torch.sigmoid(Xp @ w + b), torch.sigmoid(Xn @ w + b)
        q = (p + 1 - n) / 2
        out["sure_" + kind] = (2 * q - 1).abs().mean().item()
        if kind != "ambiguous":
            out[kind] = ((q >= 0.5) == data[kind][2]).double().mean().item()
    if out["clear"] < 0.5:
        out["clear"], out["wrong"] = 1 - out["clear"], 1 - out["wrong"]
    return out


# %% wrong="first probability alone says which"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    out = {}
    for kind in ("clear", "ambiguous", "wrong"):
        Xp, Xn = data[kind][:2]
        p, n = torch.sigmoid(Xp @ w + b), torch.sigmoid(Xn @ w + b)
        q = (p + 1 - n) / 2
        out["sure_" + kind] = (2 * q - 1).abs().mean().item()
        if kind != "ambiguous":
            out[kind] = ((p > 0.5) == data[kind][2]).double().mean().item()
    if out["clear"] < 0.5:
        out["clear"], out["wrong"] = 1 - out["clear"], 1 - out["wrong"]
    return out


# %% right="the larger probability says which"
import torch


def ambiguous_vs_clear(fit, data):
    w, b, _ = fit(*data["fit"])
    out = {}
    for kind in ("clear", "ambiguous", "wrong"):
        Xp, Xn = data[kind][:2]
        p, n = torch.sigmoid(Xp @ w + b), torch.sigmoid(Xn @ w + b)
        q = (p + 1 - n) / 2
        out["sure_" + kind] = (2 * q - 1).abs().mean().item()
        if kind != "ambiguous":
            out[kind] = ((p > n) == data[kind][2]).double().mean().item()
    if out["clear"] < 0.5:
        out["clear"], out["wrong"] = 1 - out["clear"], 1 - out["wrong"]
    return out
