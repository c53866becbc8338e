"""Wrong AdamWs. Each changes one piece of a right one."""

import torch

from ._adamw import Right


class eps_inside(Right):
    def direction(self, state, beta1, beta2, eps):
        t = state["t"]
        return (state["m"] / (1 - beta1**t)) / (state["v"] / (1 - beta2**t) + eps).sqrt()


class eps_hat(Right):
    def direction(self, state, beta1, beta2, eps):
        t = state["t"]
        return (1 - beta2**t) ** 0.5 / (1 - beta1**t) * state["m"] / (state["v"].sqrt() + eps)


class no_eps(Right):
    def direction(self, state, beta1, beta2, eps):
        return super().direction(state, beta1, beta2, 0.0)


class decay_without_lr(Right):
    def decay(self, parameter, group):
        parameter.mul_(1 - group["weight_decay"])


class decay_in_gradient(Right):
    def gradient(self, parameter, group):
        return None if parameter.grad is None else parameter.grad + group["weight_decay"] * parameter

    def decay(self, parameter, group):
        pass


class decay_after(Right):
    def update(self, parameter, g, group, state):
        super().update(parameter, g, {**group, "weight_decay": 0.0}, state)
        self.decay(parameter, group)


class no_decay(Right):
    def decay(self, parameter, group):
        pass


class biased(Right):
    def direction(self, state, beta1, beta2, eps):
        return state["m"] / (state["v"].sqrt() + eps)


class second_biased(Right):
    def direction(self, state, beta1, beta2, eps):
        return state["m"] / (1 - beta1 ** state["t"]) / (state["v"].sqrt() + eps)


class first_biased(Right):
    def direction(self, state, beta1, beta2, eps):
        return state["m"] / ((state["v"] / (1 - beta2 ** state["t"])).sqrt() + eps)


class one_ahead(Right):
    def count(self, state):
        return state["t"] + 1


class counted_each(Right):
    total = 0

    def update(self, parameter, g, group, state):
        self.total += 1
        super().update(parameter, g, group, state)

    def count(self, state):
        return self.total


class shared_counter(Right):
    total = 0

    def step(self):
        self.total += 1
        super().step()

    def count(self, state):
        return self.total

    def state_dict(self):
        return {"t": self.total, "each": super().state_dict()}

    def load_state_dict(self, state):
        self.total = state["t"]
        super().load_state_dict(state["each"])


class none_decays(Right):
    @torch.no_grad()
    def step(self):
        for _, parameter, group in self.numbered():
            if parameter.grad is None:
                self.decay(parameter, group)
        super().step()


class none_is_zero(Right):
    def gradient(self, parameter, group):
        return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


class zero_is_none(Right):
    def gradient(self, parameter, group):
        return None if parameter.grad is None or not parameter.grad.any() else parameter.grad


class betas_swapped(Right):
    def betas(self, group):
        return group["betas"][::-1]


class undamped(Right):
    def first(self, m, g, beta):
        return beta * m + g


class not_squared(Right):
    def second(self, v, g, beta):
        return beta * v + (1 - beta) * g.abs()


class no_root(Right):
    def direction(self, state, beta1, beta2, eps):
        t = state["t"]
        return (state["m"] / (1 - beta1**t)) / (state["v"] / (1 - beta2**t) + eps)


class largest(Right):
    def direction(self, state, beta1, beta2, eps):
        state["most"] = torch.maximum(state.get("most", state["v"]), state["v"])
        return super().direction({**state, "v": state["most"]}, beta1, beta2, eps)


class uphill(Right):
    def direction(self, state, beta1, beta2, eps):
        return -super().direction(state, beta1, beta2, eps)


class forgetful(Right):
    def state_of(self, place, parameter):
        return {"t": 0, "m": torch.zeros_like(parameter), "v": torch.zeros_like(parameter)}


class shared_moments(Right):
    def state_of(self, place, parameter):
        state = self.state.setdefault(0, {"t": 0, "m": torch.zeros(()), "v": torch.zeros(())})
        for name in ("m", "v"):
            if state[name].shape != parameter.shape:
                state[name] = state[name].mean().expand(parameter.shape).to(parameter.dtype)
        return state


class betas_ignored(Right):
    def betas(self, group):
        return 0.9, 0.999


class default_eps(Right):
    default_eps = 1e-6


class default_decay(Right):
    default_decay = 0.0


class lr_of_first(Right):
    def grouped(self, params, common):
        groups = super().grouped(params, common)
        return [{**group, "lr": groups[0]["lr"]} for group in groups]

    def update(self, parameter, g, group, state):
        super().update(parameter, g, {**group, "lr": self.param_groups[0]["lr"]}, state)


class groups_alike(Right):
    def grouped(self, params, common):
        return [{**group, **common} for group in super().grouped(params, common)]


class one_decay(Right):
    def grouped(self, params, common):
        return [{**group, "weight_decay": common["weight_decay"]} for group in super().grouped(params, common)]


class first_group(Right):
    @torch.no_grad()
    def step(self):
        everything = self.param_groups
        self.param_groups = everything[:1]
        super().step()
        self.param_groups = everything


class lr_remembered(Right):
    def grouped(self, params, common):
        return [{**group, "own": group["lr"]} for group in super().grouped(params, common)]

    def update(self, parameter, g, group, state):
        super().update(parameter, g, {**group, "lr": group["own"]}, state)


class read_once(Right):
    def grouped(self, params, common):
        if isinstance(params, list):
            return super().grouped(params, common)
        return [{**common, "params": params}]


class gradient_edited(Right):
    def gradient(self, parameter, group):
        return parameter.grad

    def update(self, parameter, g, group, state):
        super().update(parameter, g.clone(), group, state)
        g.add_(parameter, alpha=group["weight_decay"])


class never_zeroed(Right):
    def zero_grad(self):
        pass


class counts_lost(Right):
    def state_dict(self):
        return {place: {**state, "t": 0} for place, state in self.state.items()}


class second_lost(Right):
    def state_dict(self):
        return {place: {**state, "v": torch.zeros_like(state["v"])} for place, state in self.state.items()}


class by_id(Right):
    def state_of(self, place, parameter):
        return super().state_of(id(parameter), parameter)


class copies_updated(Right):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.param_groups = [{**g, "params": [p.detach().clone() for p in g["params"]]} for g in self.param_groups]
