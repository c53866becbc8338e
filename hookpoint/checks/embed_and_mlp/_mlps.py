"""MLPs as people get them wrong: each class is one slip of `mlp`."""

import torch
from torch import nn
from torch.nn import functional as F


class Layers(nn.Module):
    """A right MLP in steps; every slip changes one of them."""

    def __init__(self, cfg):
        super().__init__()
        for name, shape in self.shapes(cfg.d_model, cfg.d_mlp).items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def shapes(self, d, m):
        return {"W_in": (d, m), "b_in": (m,), "W_out": (m, d), "b_out": (d,)}

    def forward(self, x):
        return self.second(self.between(self.first(x)))

    def first(self, x):
        return x @ self.W_in + self.b_in

    def between(self, pre):
        return F.gelu(pre, approximate="tanh")

    def second(self, post):
        return post @ self.W_out + self.b_out


class no_b_in(Layers):
    def first(self, x):
        return x @ self.W_in


class no_b_out(Layers):
    def second(self, post):
        return post @ self.W_out


class no_biases(no_b_in, no_b_out):
    pass


class b_in_late(Layers):
    def forward(self, x):
        return self.second(self.between(x @ self.W_in) + self.b_in)


class exact(Layers):
    def between(self, pre):
        return F.gelu(pre)


class relu(Layers):
    def between(self, pre):
        return pre.relu()


class silu(Layers):
    def between(self, pre):
        return F.silu(pre)


class linear(Layers):
    def between(self, pre):
        return pre


class twice(Layers):
    def forward(self, x):
        return self.between(super().forward(x))


class late(Layers):
    def forward(self, x):
        return self.between(self.second(self.first(x)))


class early(Layers):
    def forward(self, x):
        return self.second(self.first(self.between(x)))


class softmax_between(Layers):
    def between(self, pre):
        return pre.softmax(-1)


class softmax_after(Layers):
    def forward(self, x):
        return super().forward(x).softmax(-1)


class in_transposed(Layers):
    def first(self, x):
        return x @ self.W_in.T + self.b_in


class out_transposed(Layers):
    def second(self, post):
        return post @ self.W_out.T + self.b_out


class both_transposed(in_transposed, out_transposed):
    pass


class swapped(Layers):
    def forward(self, x):
        return self.between(x @ self.W_out + self.b_in) @ self.W_in + self.b_out


class residual(Layers):
    def forward(self, x):
        return x + super().forward(x)


class detached(Layers):
    def between(self, pre):
        return super().between(pre).detach()


class linear_shapes(Layers):
    def shapes(self, d, m):
        return {"W_in": (m, d), "b_in": (m,), "W_out": (d, m), "b_out": (d,)}


class four_times(Layers):
    def shapes(self, d, m):
        return super().shapes(d, 4 * d)


class undeclared_biases(Layers):
    def shapes(self, d, m):
        return {"W_in": (d, m), "W_out": (m, d)}


class linear_layers(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in, self.W_out = nn.Linear(cfg.d_model, cfg.d_mlp), nn.Linear(cfg.d_mlp, cfg.d_model)
