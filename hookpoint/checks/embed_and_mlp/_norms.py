"""Layer norms as people get them wrong: each class is one slip of `layer_norm`."""

import torch
from torch import nn


class Norm(nn.Module):
    """A right layer norm in steps; every slip changes one of them."""

    dims: tuple[int, ...] = (-1,)
    correction = 0

    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = self.widened(x)
        return self.narrowed(self.affine(self.normal(wide)), x.dtype)

    def widened(self, x):
        return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x

    def narrowed(self, y, dtype):
        return y.to(dtype)

    def affine(self, normal):
        return normal * self.w + self.b

    def normal(self, x):
        return (x - self.mean(x)) / self.scale(x)

    def mean(self, x):
        return x.mean(self.dims, keepdim=True)

    def variance(self, x):
        return x.var(self.dims, keepdim=True, correction=self.correction)

    def scale(self, x):
        return (self.variance(x) + self.cfg.eps).sqrt()


class eps_outside_root(Norm):
    def scale(self, x):
        return self.variance(x).sqrt() + self.cfg.eps


class no_eps(Norm):
    def scale(self, x):
        return self.variance(x).sqrt()


class fixed_eps(Norm):
    def scale(self, x):
        return (self.variance(x) + 1e-5).sqrt()


class clamped(Norm):
    def scale(self, x):
        return self.variance(x).clamp(min=self.cfg.eps).sqrt()


class sample_variance(Norm):
    correction = 1


class sample_deviation(Norm):
    def scale(self, x):
        return x.std(-1, keepdim=True) + self.cfg.eps


class root_mean_square(Norm):
    def normal(self, x):
        return x / (x.square().mean(-1, keepdim=True) + self.cfg.eps).sqrt()


class not_centred(Norm):
    def normal(self, x):
        return x / self.scale(x)


class raw_second_moment(Norm):
    def variance(self, x):
        return x.square().mean(-1, keepdim=True)


class by_variance(Norm):
    def scale(self, x):
        return self.variance(x) + self.cfg.eps


class only_centred(Norm):
    def scale(self, x):
        return 1


class multiplied(Norm):
    def normal(self, x):
        return (x - self.mean(x)) * self.scale(x)


class over_positions(Norm):
    dims = (-2,)


class over_axis_one(Norm):
    """The same as over positions for [batch, pos, d_model], and right for [pos, d_model]."""

    dims = (1,)


class over_batch(Norm):
    dims = (0,)


class over_sequence(Norm):
    dims = (-2, -1)


class over_everything(Norm):
    def mean(self, x):
        return x.mean()

    def variance(self, x):
        return x.var(correction=0)


class gain_first(Norm):
    def forward(self, x):
        return self.narrowed(self.normal(self.widened(x) * self.w) + self.b, x.dtype)


class bias_first(Norm):
    def affine(self, normal):
        return (normal + self.b) * self.w


class no_gain(Norm):
    def affine(self, normal):
        return normal + self.b


class no_bias(Norm):
    def affine(self, normal):
        return normal * self.w


class plain(Norm):
    def affine(self, normal):
        return normal


class one_plus_gain(Norm):
    def affine(self, normal):
        return normal * (1 + self.w) + self.b


class swapped(Norm):
    def affine(self, normal):
        return normal * self.b + self.w


class detached_variance(Norm):
    def variance(self, x):
        return super().variance(x).detach()


class detached_mean(Norm):
    def mean(self, x):
        return super().mean(x).detach()


class detached(detached_variance, detached_mean):
    pass


class in_half(Norm):
    """By hand, as learners do: torch's own `var` widens inside."""

    def widened(self, x):
        return x

    def variance(self, x):
        return (x - self.mean(x)).square().mean(self.dims, keepdim=True)


class widened(Norm):
    def narrowed(self, y, dtype):
        return y


class always_float32(Norm):
    def widened(self, x):
        return x.float()
