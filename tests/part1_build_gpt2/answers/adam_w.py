# %% right="state under the parameter, translated to places"
import math

import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        params = list(params)
        if not (params and isinstance(params[0], dict)):
            params = [dict(params=params)]
        self.param_groups = []
        for g in params:
            self.param_groups.append(dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay) | g)
            self.param_groups[-1]["params"] = list(g["params"])
        self.state = {}

    def step(self):
        for g in self.param_groups:
            b1, b2 = g["betas"]
            for p in g["params"]:
                if p.grad is None:
                    continue
                if p not in self.state:
                    self.state[p] = [0, torch.zeros_like(p.data), torch.zeros_like(p.data)]
                s = self.state[p]
                s[0] += 1
                s[1].lerp_(p.grad, 1 - b1)
                s[2].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                p.data.mul_(1 - g["lr"] * g["weight_decay"])
                root = s[2].sqrt() / math.sqrt(1 - b2 ** s[0])
                p.data.addcdiv_(s[1], root.add_(g["eps"]), value=-g["lr"] / (1 - b1 ** s[0]))

    def zero_grad(self):
        for p in self.everything():
            if p.grad is not None:
                p.grad.zero_()

    def everything(self):
        return [p for g in self.param_groups for p in g["params"]]

    def state_dict(self):
        return {i: self.state[p] for i, p in enumerate(self.everything()) if p in self.state}

    def load_state_dict(self, sd):
        ps = self.everything()
        self.state = {ps[i]: [s[0], s[1].clone(), s[2].clone()] for i, s in sd.items()}


# %% right="flat lists and tensors as step counts"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        params = [p for p in params]
        if isinstance(params[0], torch.Tensor):
            params = [{"params": params}]
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        for group in params:
            group["params"] = list(group["params"])
            for name, value in defaults.items():
                group.setdefault(name, value)
        self.param_groups = params
        flat = [p for g in params for p in g["params"]]
        self.t = [torch.tensor(0.0) for _ in flat]
        self.m = [torch.zeros_like(p, requires_grad=False) for p in flat]
        self.v = [torch.zeros_like(p, requires_grad=False) for p in flat]

    @torch.no_grad()
    def step(self):
        i = -1
        for g in self.param_groups:
            for p in g["params"]:
                i += 1
                if p.grad is not None:
                    self.t[i] += 1
                    b1, b2 = g["betas"]
                    self.m[i] = b1 * self.m[i] + (1 - b1) * p.grad
                    self.v[i] = b2 * self.v[i] + (1 - b2) * p.grad**2
                    mhat = self.m[i] / (1 - b1 ** self.t[i])
                    vhat = self.v[i] / (1 - b2 ** self.t[i])
                    p -= g["lr"] * g["weight_decay"] * p
                    p -= g["lr"] * mhat / (vhat.sqrt() + g["eps"])

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return {"t": [t.clone() for t in self.t], "m": [m.clone() for m in self.m], "v": [v.clone() for v in self.v]}

    def load_state_dict(self, state):
        self.t, self.m, self.v = ([x.clone() for x in state[k]] for k in "tmv")


# %% right="all in one expression, new data for each parameter"
import copy

import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        params = list(params)
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        self.param_groups = [
            {
                "params": list(g["params"]),
                "lr": g.get("lr", lr),
                "betas": g.get("betas", betas),
                "eps": g.get("eps", eps),
                "weight_decay": g.get("weight_decay", weight_decay),
            }
            for g in groups
        ]
        self.memory = {}

    def named(self):
        for a, g in enumerate(self.param_groups):
            for b, p in enumerate(g["params"]):
                yield f"{a}/{b}", p, g

    def step(self):
        with torch.no_grad():
            for key, p, g in self.named():
                if p.grad is None:
                    continue
                t, m, v = self.memory.get(key, (0, 0.0, 0.0))
                (b1, b2), lr = g["betas"], g["lr"]
                t, m, v = t + 1, b1 * m + (1 - b1) * p.grad, b2 * v + (1 - b2) * p.grad * p.grad
                self.memory[key] = (t, m, v)
                p.data = p.data - lr * (
                    g["weight_decay"] * p.data + m / (1 - b1**t) / (torch.sqrt(v / (1 - b2**t)) + g["eps"])
                )

    def zero_grad(self, set_to_none=True):
        for _, p, _ in self.named():
            p.grad = None

    def state_dict(self):
        return copy.deepcopy(self.memory)

    def load_state_dict(self, state):
        self.memory = copy.deepcopy(state)


# %% right="one small optimizer object per parameter"
import torch


class One:
    def __init__(self, p):
        self.p, self.t, self.m, self.v = p, 0, None, None

    def step(self, lr, betas, eps, decay):
        g = self.p.grad
        if g is None:
            return
        if self.m is None:
            self.m, self.v = g * 0, g * 0
        self.t += 1
        self.m += (1 - betas[0]) * (g - self.m)
        self.v += (1 - betas[1]) * (g * g - self.v)
        with torch.no_grad():
            self.p.copy_(
                self.p * (1 - lr * decay)
                - lr * self.m / (1 - betas[0] ** self.t) / ((self.v / (1 - betas[1] ** self.t)) ** 0.5 + eps)
            )


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        base = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [base | dict(g, params=list(g["params"])) for g in groups]
        self.ones = [[One(p) for p in g["params"]] for g in self.param_groups]

    def step(self):
        for g, ones in zip(self.param_groups, self.ones):
            for one in ones:
                one.step(g["lr"], g["betas"], g["eps"], g["weight_decay"])

    def zero_grad(self):
        for ones in self.ones:
            for one in ones:
                one.p.grad = None

    def state_dict(self):
        return {"state": [[(one.t, one.m, one.v) for one in ones] for ones in self.ones]}

    def load_state_dict(self, state):
        for ones, kept in zip(self.ones, state["state"]):
            for one, (t, m, v) in zip(ones, kept):
                one.t = t
                one.m = None if m is None else m.clone()
                one.v = None if v is None else v.clone()


# %% wrong="torch's own behind a new name"
import torch


class AdamW(torch.optim.AdamW):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


# %% wrong="decay of the weights after they have been moved, folded in"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in groups]
        self.s = {}

    @torch.no_grad()
    def step(self):
        for a, g in enumerate(self.param_groups):
            for b, p in enumerate(g["params"]):
                if p.grad is None:
                    continue
                s = self.s.setdefault((a, b), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                s["t"] += 1
                s["m"].lerp_(p.grad, 1 - g["betas"][0])
                s["v"].lerp_(p.grad**2, 1 - g["betas"][1])
                m, v = s["m"] / (1 - g["betas"][0] ** s["t"]), s["v"] / (1 - g["betas"][1] ** s["t"])
                p.sub_(g["lr"] * m / (v.sqrt() + g["eps"]))
                p.div_(1 + g["lr"] * g["weight_decay"])

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return self.s

    def load_state_dict(self, s):
        self.s = s


# %% wrong="the variance in place of the mean square"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in groups]
        self.s = {}

    @torch.no_grad()
    def step(self):
        for a, g in enumerate(self.param_groups):
            for b, p in enumerate(g["params"]):
                if p.grad is None:
                    continue
                s = self.s.setdefault((a, b), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                s["t"] += 1
                s["m"].lerp_(p.grad, 1 - g["betas"][0])
                s["v"].lerp_((p.grad - s["m"]) ** 2, 1 - g["betas"][1])
                m, v = s["m"] / (1 - g["betas"][0] ** s["t"]), s["v"] / (1 - g["betas"][1] ** s["t"])
                p.mul_(1 - g["lr"] * g["weight_decay"]).sub_(g["lr"] * m / (v.sqrt() + g["eps"]))

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return self.s

    def load_state_dict(self, s):
        self.s = s


# %% wrong="moments as views of the first gradient"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in groups]
        self.s = {}

    @torch.no_grad()
    def step(self):
        for a, g in enumerate(self.param_groups):
            b1, b2 = g["betas"]
            for b, p in enumerate(g["params"]):
                if p.grad is None:
                    continue
                if (a, b) not in self.s:
                    self.s[a, b] = {"t": 1, "v": p.grad.square() * (1 - b2), "m": p.grad.mul_(1 - b1)}
                else:
                    s = self.s[a, b]
                    s["t"] += 1
                    s["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                    s["v"].mul_(b2).add_(p.grad.square(), alpha=1 - b2)
                s = self.s[a, b]
                m, v = s["m"] / (1 - b1 ** s["t"]), s["v"] / (1 - b2 ** s["t"])
                p.mul_(1 - g["lr"] * g["weight_decay"]).sub_(g["lr"] * m / (v.sqrt() + g["eps"]))

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return self.s

    def load_state_dict(self, s):
        self.s = s


# %% wrong="the state belongs to the class, not to the object"
import torch


class AdamW:
    state = {}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in groups]

    @torch.no_grad()
    def step(self):
        for a, g in enumerate(self.param_groups):
            b1, b2 = g["betas"]
            for b, p in enumerate(g["params"]):
                if p.grad is None:
                    continue
                s = self.state.setdefault((a, b), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                s["t"] += 1
                s["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                s["v"].mul_(b2).add_(p.grad.square(), alpha=1 - b2)
                m, v = s["m"] / (1 - b1 ** s["t"]), s["v"] / (1 - b2 ** s["t"])
                p.mul_(1 - g["lr"] * g["weight_decay"]).sub_(g["lr"] * m / (v.sqrt() + g["eps"]))

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return self.state

    def load_state_dict(self, s):
        self.state = s


# %% wrong="no_grad forgotten"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.params, self.lr, self.betas, self.eps, self.wd = list(params), lr, betas, eps, weight_decay
        self.t, self.m, self.v = 0, [0.0] * len(self.params), [0.0] * len(self.params)

    def step(self):
        self.t += 1
        for i, p in enumerate(self.params):
            self.m[i] = self.betas[0] * self.m[i] + (1 - self.betas[0]) * p.grad
            self.v[i] = self.betas[1] * self.v[i] + (1 - self.betas[1]) * p.grad**2
            p -= self.lr * self.wd * p


# %% wrong="one list of parameters, no groups"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.params, self.lr, self.betas, self.eps, self.wd = list(params), lr, betas, eps, weight_decay
        self.s = {}

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            t, m, v = self.s.get(i, (0, torch.zeros_like(p), torch.zeros_like(p)))
            b1, b2 = self.betas
            t, m, v = t + 1, b1 * m + (1 - b1) * p.grad, b2 * v + (1 - b2) * p.grad**2
            self.s[i] = t, m, v
            p.mul_(1 - self.lr * self.wd)
            p.sub_(self.lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + self.eps))

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def state_dict(self):
        return self.s

    def load_state_dict(self, s):
        self.s = s


# %% wrong="half of the state is kept in float32 whatever the dtype, rounded to thousandths"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in groups]
        self.s = {}

    @torch.no_grad()
    def step(self):
        for a, g in enumerate(self.param_groups):
            b1, b2 = g["betas"]
            for b, p in enumerate(g["params"]):
                if p.grad is None:
                    continue
                s = self.s.setdefault((a, b), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                s["t"] += 1
                s["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                s["v"] = (s["v"] * b2 + p.grad.square() * (1 - b2)).to(torch.float16).to(p.dtype)
                m, v = s["m"] / (1 - b1 ** s["t"]), s["v"] / (1 - b2 ** s["t"])
                p.mul_(1 - g["lr"] * g["weight_decay"]).sub_(g["lr"] * m / (v.sqrt() + g["eps"]))

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return self.s

    def load_state_dict(self, s):
        self.s = s


# %% wrong="state_dict is a list that closes the gaps"
import copy

import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in groups]
        self.s = {}

    @torch.no_grad()
    def step(self):
        for a, g in enumerate(self.param_groups):
            b1, b2 = g["betas"]
            for b, p in enumerate(g["params"]):
                if p.grad is None:
                    continue
                s = self.s.setdefault((a, b), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                s["t"] += 1
                s["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                s["v"].mul_(b2).add_(p.grad.square(), alpha=1 - b2)
                m, v = s["m"] / (1 - b1 ** s["t"]), s["v"] / (1 - b2 ** s["t"])
                p.mul_(1 - g["lr"] * g["weight_decay"]).sub_(g["lr"] * m / (v.sqrt() + g["eps"]))

    def zero_grad(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.grad = None

    def state_dict(self):
        return {"state": copy.deepcopy([self.s[key] for key in sorted(self.s)])}

    def load_state_dict(self, state):
        keys = [(a, b) for a, g in enumerate(self.param_groups) for b in range(len(g["params"]))]
        self.s = {key: copy.deepcopy(s) for key, s in zip(keys, state["state"])}


# %% wrong="zero_grad of the first group only"
import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        params = list(params)
        if not isinstance(params[0], dict):
            params = [{"params": params}]
        base = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = [{**base, **g, "params": list(g["params"])} for g in params]
        self.state = {}

    @torch.no_grad()
    def step(self):
        i = -1
        for g in self.param_groups:
            b1, b2 = g["betas"]
            for p in g["params"]:
                i += 1
                if p.grad is None:
                    continue
                if i not in self.state:
                    self.state[i] = {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)}
                s = self.state[i]
                s["t"] += 1
                p.mul_(1 - g["lr"] * g["weight_decay"])
                s["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                s["v"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                mhat = s["m"] / (1 - b1 ** s["t"])
                vhat = s["v"] / (1 - b2 ** s["t"])
                p.sub_(g["lr"] * mhat / (vhat.sqrt() + g["eps"]))

    def zero_grad(self):
        for p in self.param_groups[0]["params"]:
            p.grad = None

    def state_dict(self):
        return {"state": {i: {"t": s["t"], "m": s["m"].clone(), "v": s["v"].clone()} for i, s in self.state.items()}}

    def load_state_dict(self, state_dict):
        self.state = {
            i: {"t": s["t"], "m": s["m"].clone(), "v": s["v"].clone()} for i, s in state_dict["state"].items()
        }


# %% wrong="zero_grad crashes on None"
import torch


class AdamW:
    """Adam with decoupled weight decay."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01) -> None:
        groups = list(params)
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [{**defaults, **group, "params": list(group["params"])} for group in groups]
        self.state = {}

    @torch.no_grad()
    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        pairs = [(p, group) for group in self.param_groups for p in group["params"]]
        for place, (p, group) in enumerate(pairs):
            if p.grad is None:
                continue
            state = self.state.setdefault(place, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            state["t"] += 1
            t, m, v = state["t"], state["m"], state["v"]
            beta1, beta2 = group["betas"]
            p.mul_(1 - group["lr"] * group["weight_decay"])
            m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
            v.mul_(beta2).add_(p.grad.square(), alpha=1 - beta2)
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            p.sub_(group["lr"] * m_hat / (v_hat.sqrt() + group["eps"]))

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad.zero_()

    def state_dict(self) -> dict:
        """What the next step depends on, ready to be saved."""
        options = [{key: value for key, value in group.items() if key != "params"} for group in self.param_groups]
        return {"state": {place: dict(state) for place, state in self.state.items()}, "param_groups": options}

    def load_state_dict(self, state_dict: dict) -> None:
        """Goes on from what `state_dict` gave."""
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update(saved)
        self.state = {
            place: {"t": saved["t"], "m": saved["m"].clone(), "v": saved["v"].clone()}
            for place, saved in state_dict["state"].items()
        }


# %% wrong="wd remembered"
import torch


class AdamW:
    """Adam with decoupled weight decay."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01) -> None:
        groups = list(params)
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [{**defaults, **group, "params": list(group["params"])} for group in groups]
        self.state = {}
        self.wd = [g["weight_decay"] for g in self.param_groups]

    @torch.no_grad()
    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        pairs = [(p, group) for group in self.param_groups for p in group["params"]]
        for place, (p, group) in enumerate(pairs):
            if p.grad is None:
                continue
            state = self.state.setdefault(place, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            state["t"] += 1
            t, m, v = state["t"], state["m"], state["v"]
            beta1, beta2 = group["betas"]
            p.mul_(
                1
                - group["lr"]
                * self.wd[self.param_groups.index(group) if 0 else [g is group for g in self.param_groups].index(True)]
            )
            m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
            v.mul_(beta2).add_(p.grad.square(), alpha=1 - beta2)
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            p.sub_(group["lr"] * m_hat / (v_hat.sqrt() + group["eps"]))

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def state_dict(self) -> dict:
        """What the next step depends on, ready to be saved."""
        options = [{key: value for key, value in group.items() if key != "params"} for group in self.param_groups]
        return {"state": {place: dict(state) for place, state in self.state.items()}, "param_groups": options}

    def load_state_dict(self, state_dict: dict) -> None:
        """Goes on from what `state_dict` gave."""
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update(saved)
        self.state = {
            place: {"t": saved["t"], "m": saved["m"].clone(), "v": saved["v"].clone()}
            for place, saved in state_dict["state"].items()
        }
