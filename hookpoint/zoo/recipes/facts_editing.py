"""Changing one fact about a resident by one rank-one step on an MLP's `W_out` (Meng et al. 2022, section 3).

The MLP is read as a memory: what its hidden layer holds at the last name is the key, what it writes there is the value.
`edits` makes steps, `with_update` takes any step and takes it back; the control is `Edit.random`, as large and aimless.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.zoo.stories import residents, tokenizer
from hookpoint.zoo.stories.residents import LAST, Resident


class Edit(NamedTuple):
    """A rank-one step on `blocks.{layer}.mlp.W_out`: outer(read, write)."""

    layer: int
    read: Float[Tensor, " d_mlp"]
    write: Float[Tensor, " d_model"]

    @property
    def norm(self) -> float:
        return (self.read.norm() * self.write.norm()).item()

    def random(self, seed: int) -> "Edit":
        """The control: a random step of the same norm."""
        generator = torch.Generator().manual_seed(seed)
        read = torch.randn(self.read.shape, generator=generator)
        write = torch.randn(self.write.shape, generator=generator)
        return Edit(self.layer, read, write * (self.norm / (read.norm() * write.norm())))


@contextmanager
def with_update(model: GPT2, edit: Edit) -> Iterator[GPT2]:
    """The model with the step taken; on leaving, its weights are exactly what they were."""
    W_out = model.blocks[edit.layer].mlp.W_out
    before = W_out.detach().clone()
    with torch.no_grad():
        W_out += torch.outer(edit.read, edit.write)
    try:
        yield model
    finally:
        with torch.no_grad():
            W_out.copy_(before)


def edits(model: GPT2, subjects: Sequence[Resident], relation: str, targets: Sequence[str], layer: int) -> list[Edit]:
    """For each subject the step after which its `relation` has the target value.

    The step is the smallest that turns the subject's key k into the value wanted, small meaning that it does little to
    the keys of ordinary text: read = C^-1 k / (k C^-1 k), with C their second moment, and write = the change of value.
    """
    C = second_moment(model, layer, residents.token_stream(48 * 200, seed=99).view(-1, 48))
    asked = [
        residents.questions(subjects, relation, predicate, aside).tokens
        for predicate in residents.PREDICATES[relation]
        for aside in residents.ASIDES[:2]
    ]
    post = f"blocks.{layer}.mlp.hook_post"
    with torch.no_grad():
        keys = torch.stack([model.run_with_cache(tokens, post)[1][post][:, LAST] for tokens in asked]).mean(dim=0)
    wanted = torch.tensor([tokenizer().token_id(f" {target}") for target in targets])
    changes = _value_change(model, layer, asked, wanted, _unrelated(subjects, relation))
    whitened = torch.linalg.solve(C, keys.T).T
    reads = whitened / (whitened * keys).sum(dim=1, keepdim=True)
    return [Edit(layer, read, write) for read, write in zip(reads, changes, strict=True)]


@torch.no_grad()
def second_moment(
    model: GPT2, layer: int, tokens: Int[Tensor, "batch pos"], ridge: float = 1e-3
) -> Float[Tensor, "d_mlp d_mlp"]:
    """E[k k^T] of an MLP's hidden layer over the text, not centred; the ridge makes it safe to invert."""
    post = f"blocks.{layer}.mlp.hook_post"
    keys = model.run_with_cache(tokens, post)[1][post].flatten(0, 1)
    C = keys.T @ keys / len(keys)
    return C + ridge * C.diag().mean() * torch.eye(len(C))


def _unrelated(subjects: Sequence[Resident], relation: str) -> list[Tensor]:
    """Questions whose answers an edit is to leave alone: the subjects' other relations."""
    others = [each for each in residents.VALUES if each != relation]
    return [residents.questions(subjects, each, residents.PREDICATES[each][0]).tokens for each in others]


def _value_change(
    model: GPT2, layer: int, asked: list[Tensor], wanted: Int[Tensor, " n"], unrelated: list[Tensor]
) -> Float[Tensor, "n d_model"]:
    """What has to be added to the MLP's output at the last name, so that the questions are answered as wanted.

    Found by gradient descent on the added vector, the model's weights staying as they are; the answers to unrelated
    questions are held by their divergence from what they were.
    """
    with torch.no_grad():
        before = [model(tokens)[:, -1].log_softmax(dim=-1) for tokens in unrelated]
    change = torch.zeros(len(wanted), model.cfg.d_model, requires_grad=True)
    optimizer = torch.optim.Adam([change], lr=0.3)
    add = _added(change)
    for _ in range(20):
        with model.hooked([(f"blocks.{layer}.hook_mlp_out", add)]):
            loss = sum(F.cross_entropy(model(tokens)[:, -1], wanted) for tokens in asked) / len(asked)
            after = [model(tokens)[:, -1].log_softmax(dim=-1) for tokens in unrelated]
        for was, now in zip(before, after, strict=True):
            loss = loss + 4 * F.kl_div(now, was, log_target=True, reduction="batchmean") / len(unrelated)
        (change.grad,) = torch.autograd.grad(loss, [change])
        optimizer.step()
    return change.detach()


def _added(change: Float[Tensor, "n d_model"]):
    def hook(act: Tensor, point: object) -> Tensor:
        return torch.cat([act[:, :LAST], act[:, LAST : LAST + 1] + change[:, None], act[:, LAST + 1 :]], dim=1)

    return hook
