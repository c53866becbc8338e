"""A right AdamW in small pieces, for slips that exchange one of them."""

import torch


class Right:
    """Adam's moments, torch's order; the state is kept by a parameter's place in the list."""

    default_eps, default_decay = 1e-8, 0.01

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=None, weight_decay=None):
        eps = self.default_eps if eps is None else eps
        weight_decay = self.default_decay if weight_decay is None else weight_decay
        common = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = self.grouped(params, common)
        self.state = {}

    def grouped(self, params, common):
        params = list(params)
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        return [{**common, **group, "params": list(group["params"])} for group in groups]

    def numbered(self):
        place = 0
        for group in self.param_groups:
            for parameter in group["params"]:
                yield place, parameter, group
                place += 1

    @torch.no_grad()
    def step(self):
        for place, parameter, group in self.numbered():
            gradient = self.gradient(parameter, group)
            if gradient is not None:
                self.update(parameter, gradient, group, self.state_of(place, parameter))

    def gradient(self, parameter, group):
        return parameter.grad

    def state_of(self, place, parameter):
        fresh = {"t": 0, "m": torch.zeros_like(parameter), "v": torch.zeros_like(parameter)}
        return self.state.setdefault(place, fresh)

    def update(self, parameter, g, group, state):
        state["t"] += 1
        beta1, beta2 = self.betas(group)
        state["m"] = self.first(state["m"], g, beta1)
        state["v"] = self.second(state["v"], g, beta2)
        self.decay(parameter, group)
        parameter.sub_(group["lr"] * self.direction(state, beta1, beta2, group["eps"]))

    def betas(self, group):
        return group["betas"]

    def first(self, m, g, beta):
        return beta * m + (1 - beta) * g

    def second(self, v, g, beta):
        return beta * v + (1 - beta) * g * g

    def decay(self, parameter, group):
        parameter.mul_(1 - group["lr"] * group["weight_decay"])

    def direction(self, state, beta1, beta2, eps):
        t = self.count(state)
        return (state["m"] / (1 - beta1**t)) / ((state["v"] / (1 - beta2**t)).sqrt() + eps)

    def count(self, state):
        return state["t"]

    def zero_grad(self):
        for _, parameter, _ in self.numbered():
            parameter.grad = None

    def state_dict(self):
        return {place: dict(state) for place, state in self.state.items()}

    def load_state_dict(self, state):
        self.state = {place: dict(kept) for place, kept in state.items()}
