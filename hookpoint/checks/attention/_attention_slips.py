"""The slips of `attention`: the layer with one step done wrong."""

import math

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Slip

from ._layer import Steps
from .causal_mask import reference as causal_mask

__all__ = ["SLIPS"]


class unscaled(Steps):
    def scale(self):
        return 1.0


class root_of_d_model(Steps):
    def scale(self):
        return math.sqrt(self.cfg.d_model)


class root_of_share(Steps):
    def scale(self):
        return math.sqrt(self.cfg.d_model / self.cfg.n_heads)


class root_of_floored_share(Steps):
    def scale(self):
        return math.sqrt(max(self.cfg.d_model // self.cfg.n_heads, 1))


class scaled_twice(Steps):
    def scale(self):
        return self.cfg.d_head


class unmasked(Steps):
    def mask(self, scores):
        return scores


class sees_the_future(Steps):
    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]).mT, -torch.inf)


class sees_the_next(Steps):
    def mask(self, scores):
        return scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(2), -torch.inf)


class zeroed(Steps):
    def mask(self, scores):
        return scores * causal_mask(*scores.shape[-2:])


class minus_ten_thousand(Steps):
    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -1e4)


class minus_a_hundred_thousand(Steps):
    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -1e5)


class masked_late(Steps):
    def mask(self, scores):
        return scores

    def normalise(self, scores):
        return scores.softmax(dim=-1) * causal_mask(*scores.shape[-2:])


class over_queries(Steps):
    def normalise(self, scores):
        return scores.softmax(dim=-2).nan_to_num()


class matrices_reshaped(Steps):
    def project(self, x, letter):
        W = getattr(self, f"W_{letter}")
        W = W.reshape(W.shape[1], W.shape[0], W.shape[2]).transpose(0, 1)
        return x[:, None] @ W + getattr(self, f"b_{letter}")[:, None]


class pattern_transposed(Steps):
    def read(self, pattern, v):
        return pattern.mT @ v


class queries_swapped(Steps):
    def project(self, x, letter):
        return super().project(x, {"Q": "K", "K": "Q", "V": "V"}[letter])


class without_value_bias(Steps):
    def project(self, x, letter):
        return super().project(x, letter) - (self.b_V[:, None] if letter == "V" else 0)


class without_query_bias(Steps):
    def project(self, x, letter):
        return super().project(x, letter) - (self.b_Q[:, None] if letter == "Q" else 0)


class keys_as_values(Steps):
    def project(self, x, letter):
        return super().project(x, "K" if letter == "V" else letter)


class bias_per_head(Steps):
    def write(self, z):
        return super().write(z) + (self.cfg.n_heads - 1) * self.b_O


class without_output_bias(Steps):
    def write(self, z):
        return super().write(z) - self.b_O


class averaged(Steps):
    def write(self, z):
        return (z @ self.W_O).mean(dim=1) + self.b_O


class mixed_positions(Steps):
    def write(self, z):
        batch, heads, pos, d_head = z.shape
        return z.reshape(batch, pos, heads * d_head) @ self.W_O.flatten(0, 1) + self.b_O


class with_residual(Steps):
    def forward(self, x):
        return x + super().forward(x)


class normalises_first(Steps):
    def forward(self, x):
        return super().forward(F.layer_norm(x, x.shape[-1:], eps=self.cfg.eps))


class detached(Steps):
    def normalise(self, scores):
        return scores.softmax(dim=-1).detach()


SLIPS = (
    Slip("the scores are not divided by the root of d_head", unscaled),
    Slip("the scores are divided by the root of d_model instead of d_head", root_of_d_model),
    Slip("the scores are divided by the root of d_model / n_heads, which d_head need not be", root_of_share),
    Slip("the scores are divided by the root of d_model // n_heads, which d_head need not be", root_of_floored_share),
    Slip("the scores are divided by d_head, or by its root twice", scaled_twice),
    Slip("no mask is applied, so each position sees the future", unmasked),
    Slip("the mask is transposed: each position sees the future and not the past", sees_the_future),
    Slip("the mask's diagonal is one too far right, so each position sees the next one", sees_the_next),
    Slip("hidden scores become 0 before the softmax, which gives them exp(0) = 1", zeroed),
    Slip(
        "the mask comes after the softmax, so rows no longer sum to 1 and the future still counts in the sum",
        masked_late,
    ),
    Slip(
        "hidden scores become a fixed number like -10,000, which is the highest in a row of lower ones",
        minus_ten_thousand,
    ),
    Slip(
        "hidden scores become a fixed number like -100,000, which is the highest in a row of lower ones",
        minus_a_hundred_thousand,
    ),
    Slip(
        "W_Q, W_K and W_V are reshaped to [d_model, n_heads * d_head] before d_model is moved to the front",
        matrices_reshaped,
    ),
    Slip("the softmax runs over the queries instead of the keys", over_queries),
    Slip("the pattern is transposed where it meets the values", pattern_transposed),
    Slip("queries are made with W_K and b_K, and keys with W_Q and b_Q", queries_swapped),
    Slip("b_V is not added", without_value_bias),
    Slip("b_Q is not added", without_query_bias),
    Slip("the keys are summed instead of the values", keys_as_values),
    Slip("b_O is added once per head", bias_per_head),
    Slip("b_O is not added", without_output_bias),
    Slip("the heads are averaged instead of summed", averaged),
    Slip("z is reshaped with the head before the position, which mixes heads and positions", mixed_positions),
    Slip("x is added to the result; the block does that, not the layer", with_residual),
    Slip("x is normalised inside the layer; the block does that before it", normalises_first),
    Slip("the pattern is detached from the graph, so nothing teaches the queries and keys", detached),
)
