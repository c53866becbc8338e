"""Wrong training steps. Each changes one piece of a right one."""

import torch
from torch.nn import functional as F


def mean_of(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def clip(model, max_norm):
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)


def shares(batches):
    tokens = sum(y.numel() for _, y in batches)
    return [y.numel() / tokens for _, y in batches]


def finished(model, losses, batches, optimizer, max_norm):
    clip(model, max_norm)
    optimizer.step()
    return sum(share * loss for share, loss in zip(shares(batches), losses, strict=True))


def accumulated(model, batches, factors, loss_of=mean_of):
    losses = []
    for (x, y), factor in zip(batches, factors, strict=True):
        loss = loss_of(model, x, y)
        (loss * factor).backward()
        losses.append(loss.item())
    return losses


def step_with(model, batches, optimizer, max_norm, factors, loss_of=mean_of):
    model.train()
    optimizer.zero_grad()
    return finished(model, accumulated(model, batches, factors, loss_of), batches, optimizer, max_norm)


def means_added(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches, optimizer, max_norm, [1.0] * len(batches))


def mean_of_means(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches, optimizer, max_norm, [1 / len(batches)] * len(batches))


def weighted_by_rows(model, batches, optimizer, max_norm=1.0):
    rows = sum(len(x) for x, _ in batches)
    return step_with(model, batches, optimizer, max_norm, [len(x) / rows for x, _ in batches])


def sum_of_losses(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches, optimizer, max_norm, [y.numel() for _, y in batches])


def loss_is_mean_of_means(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    losses = accumulated(model, batches, shares(batches))
    finished(model, losses, batches, optimizer, max_norm)
    return sum(losses) / len(losses)


def loss_of_last(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    losses = accumulated(model, batches, shares(batches))
    finished(model, losses, batches, optimizer, max_norm)
    return losses[-1]


def loss_added_up(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    losses = accumulated(model, batches, shares(batches))
    finished(model, losses, batches, optimizer, max_norm)
    return sum(losses)


def step_for_each(model, batches, optimizer, max_norm=1.0):
    return sum(
        share * step_with(model, [batch], optimizer, max_norm, [1.0])
        for share, batch in zip(shares(batches), batches, strict=True)
    )


def zeroed_for_each(model, batches, optimizer, max_norm=1.0):
    model.train()
    losses = []
    for batch, share in zip(batches, shares(batches), strict=True):
        optimizer.zero_grad()
        losses += accumulated(model, [batch], [share])
    return finished(model, losses, batches, optimizer, max_norm)


def never_zeroed(model, batches, optimizer, max_norm=1.0):
    model.train()
    return finished(model, accumulated(model, batches, shares(batches)), batches, optimizer, max_norm)


def zeroed_afterwards(model, batches, optimizer, max_norm=1.0):
    loss = never_zeroed(model, batches, optimizer, max_norm)
    optimizer.zero_grad()
    return loss


def zeroed_before_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    losses = accumulated(model, batches, shares(batches))
    optimizer.zero_grad()
    return finished(model, losses, batches, optimizer, max_norm)


def not_clipped(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches, optimizer, 1e9, shares(batches))


def clipped_for_each(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    losses = []
    for batch, share in zip(batches, shares(batches), strict=True):
        losses += accumulated(model, [batch], [share])
        clip(model, max_norm)
    optimizer.step()
    return sum(share * loss for share, loss in zip(shares(batches), losses, strict=True))


def always_one(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches, optimizer, 1.0, shares(batches))


def other_default(model, batches, optimizer, max_norm=5.0):
    return step_with(model, batches, optimizer, max_norm, shares(batches))


def mode_left(model, batches, optimizer, max_norm=1.0):
    optimizer.zero_grad()
    return finished(model, accumulated(model, batches, shares(batches)), batches, optimizer, max_norm)


def evaluating(model, batches, optimizer, max_norm=1.0):
    model.eval()
    return mode_left(model, batches, optimizer, max_norm)


def as_tensor(model, batches, optimizer, max_norm=1.0):
    return torch.tensor(step_with(model, batches, optimizer, max_norm, shares(batches)))


def own_tokens(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches, optimizer, max_norm, shares(batches), lambda m, x, y: mean_of(m, x, x))


def shifted_again(model, batches, optimizer, max_norm=1.0):
    def loss_of(m, x, y):
        return F.cross_entropy(m(x)[:, :-1].flatten(0, 1), y[:, 1:].flatten())

    return step_with(model, batches, optimizer, max_norm, shares(batches), loss_of)


def last_target_dropped(model, batches, optimizer, max_norm=1.0):
    def loss_of(m, x, y):
        return F.cross_entropy(m(x)[:, :-1].flatten(0, 1), x[:, 1:].flatten())

    return step_with(model, batches, optimizer, max_norm, shares(batches), loss_of)


def first_only(model, batches, optimizer, max_norm=1.0):
    return step_with(model, batches[:1], optimizer, max_norm, [1.0])


def no_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    losses = accumulated(model, batches, shares(batches))
    clip(model, max_norm)
    return sum(share * loss for share, loss in zip(shares(batches), losses, strict=True))


def loss_afterwards(model, batches, optimizer, max_norm=1.0):
    step_with(model, batches, optimizer, max_norm, shares(batches))
    with torch.no_grad():
        losses = [mean_of(model, x, y).item() for x, y in batches]
    return sum(share * loss for share, loss in zip(shares(batches), losses, strict=True))


def norm_returned(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    accumulated(model, batches, shares(batches))
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return norm.item()
