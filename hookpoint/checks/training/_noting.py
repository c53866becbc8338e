"""The tiny model of `given/training.py` that notes how it is called: its batches, and what it computes."""

import torch
from torch.nn import functional as F

VOCAB, WIDTH = 7, 6
# Micro-batches with different numbers of rows, of tokens in a row, and of tokens: no two ways of weighting agree.
RAGGED = ((2, 5), (1, 3), (4, 2))


def drawn_weights(draw, dtype=torch.float32):
    shapes = {"W_E": (VOCAB, WIDTH), "W_U": (WIDTH, VOCAB), "b_U": (VOCAB,)}
    return {name: draw.normal(*shape, std=1.5, dtype=torch.float64).to(dtype) for name, shape in shapes.items()}


def drawn_batches(draw, shapes=RAGGED):
    """Pairs (x, y) as `get_batch` cuts them: y is x one place further on."""
    rows = [draw.ids(VOCAB, batch, length + 1) for batch, length in shapes]
    return [(row[:, :-1].contiguous(), row[:, 1:].contiguous()) for row in rows]


def logits(weights, x, training):
    """What the model computes: in training the first half of its hidden numbers counts double, the others not."""
    hidden = torch.tanh(weights["W_E"][x])
    if training:
        hidden = torch.cat([2 * hidden[..., : WIDTH // 2], torch.zeros_like(hidden[..., WIDTH // 2 :])], dim=-1)
    return hidden @ weights["W_U"] + weights["b_U"]


def mean_loss(weights, batches, training):
    """The mean over all tokens of all batches."""
    losses = [
        F.cross_entropy(logits(weights, x, training).flatten(0, 1), y.flatten(), reduction="none") for x, y in batches
    ]
    return torch.cat(losses).mean()


def mean_gradient(weights, batches):
    """The mean loss in training mode and its gradient by name."""
    tracked = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    loss = mean_loss(tracked, batches, training=True)
    found = torch.autograd.grad(loss, list(tracked.values()))
    return loss.item(), dict(zip(tracked, found, strict=True))


def norm_of(gradients):
    return torch.stack([gradient.norm() for gradient in gradients.values()]).norm().item()
