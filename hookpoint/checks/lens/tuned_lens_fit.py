"""Checks for `tuned_lens_fit` (part 2, notebook 11)."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip, same
from hookpoint.model import GPT2

from ._subject import CFG

SMALL = replace(CFG, n_layers=1, d_model=5, d_vocab=13)
TURN, SHIFT = 0.4, 1.5
ROWS, STEPS, LR = 160, 100, 0.03
LEFT = 0.1  # of the plain lens's divergence; Adam leaves a quarter of this, and one without b half as much again


def reference(model, acts, logits, steps=200, lr=0.01):
    raise NotImplementedError  # its parameters name the arguments; what is asked for is a result on texts held out


def unembedded(model, resid):
    normal = F.layer_norm(resid, resid.shape[-1:], model.ln_final.w, model.ln_final.b, model.cfg.eps)
    return normal @ model.unembed.W_U + model.unembed.b_U


def divergence(lens, final):
    lens, final = lens.log_softmax(-1), final.log_softmax(-1)
    return (final.exp() * (final - lens)).sum(-1).mean().item()


class Task:
    """Streams that a known rotation, or a known step, has moved away from the last one, and the last one's logits.

    Or empty ones, all 0, with logits that are surer: what is best on average then depends on the divergence.
    """

    def __init__(self, learner, draw, mixes: bool, shifts: bool, empty: bool = False):
        self.model = GPT2(SMALL, seed=None)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(draw.normal(*parameter.shape, mean=float(name.endswith(".w")), std=0.6))
            self.model.unembed.W_U *= 1 + empty
            final = draw.normal(2 * ROWS, SMALL.d_model)
            turn = draw.normal(SMALL.d_model, SMALL.d_model, std=TURN)
            mix = torch.linalg.matrix_exp(mixes * (turn - turn.T))  # a rotation, so that nothing is hard to undo
            shift = shifts * torch.tensor([SHIFT, -SHIFT]).repeat(SMALL.d_model)[: SMALL.d_model]
            self.acts, self.logits = (not empty) * (final @ mix + shift), unembedded(self.model, final)
        self.weights = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.there = learner.given.gpt2(SMALL, None)
        learner.given.load(self.there, self.weights)

    @torch.no_grad()
    def held_out(self, A, b, rows=slice(ROWS, None)) -> float:
        return divergence(unembedded(self.model, self.acts[rows] @ A + b), self.logits[rows])

    def fitted_rows(self, A, b) -> float:
        return self.held_out(A, b, slice(ROWS))

    @property
    def plain(self) -> float:
        return self.held_out(torch.eye(SMALL.d_model), torch.zeros(SMALL.d_model))


def fitted(learner, task, steps=STEPS, lr=LR):
    A, b = learner.tuned_lens_fit(task.there, task.acts[:ROWS], task.logits[:ROWS], steps=steps, lr=lr)
    for name, part, shape in (("A", A, [SMALL.d_model] * 2), ("b", b, [SMALL.d_model])):
        if list(part.shape) != shape:
            raise Mismatch(f"returned {name} of shape {list(part.shape)}, expected {shape}.", got=(A, b))
    return A.detach(), b.detach()


def begins_plain(learner, draw):
    """With no steps A is the identity and b is zero: the plain lens."""
    task = Task(learner, draw, True, True)
    plain = torch.eye(SMALL.d_model), torch.zeros(SMALL.d_model)
    two = fitted(learner, task, 2)  # first: where a fit begins does not tell in which way it goes
    same(fitted(learner, task, 0), plain, "with steps=0")
    one = fitted(learner, task, 1)
    for other, name in ((plain, "steps=0, the plain lens"), (two, "steps=2")):
        if all(map(torch.equal, one, other)):
            raise Mismatch(f"gives the same as with {name}.")
    same(fitted(learner, task, 2, 1e-9), plain, "with an lr of 1e-9, after a fit with a larger one")


def better(learner, draw):
    """On rows that the fit has not seen, the KL divergence is far below that of the plain lens."""
    left_over(learner, Task(learner, draw, True, False))
    right_divergence(learner, Task(learner, draw, False, False, empty=True))


def better_when_shifted(learner, draw):
    """So it is where all that is wrong with the stream is a constant that has been added to it."""
    left_over(learner, Task(learner, draw, False, True))


def right_divergence(learner, task):
    """What the fit leaves is nearer to the least KL(final || tuned) than what the other direction leaves of it."""
    acts, logits = task.acts[:ROWS], task.logits[:ROWS]
    best, other = (
        task.fitted_rows(*fit(task.model, acts, logits, STEPS, LR, loss)) for loss in (kl, lambda x, y: kl(y, x))
    )
    left = task.fitted_rows(*fitted(learner, task))
    if not left < (best + other) / 2:
        line = (
            f"  On streams that are all 0 only b helps: KL(final || tuned) can fall to {best:.3f}; yours: {left:.3f}."
        )
        raise Mismatch("makes something else small than the mean KL(final || tuned).", line)


def left_over(learner, task):
    left = task.held_out(*fitted(learner, task)) / task.plain
    if not left < LEFT:
        line = f"  On rows that it has not seen, {left:.0%} of it are left; at most {LEFT:.0%} may be."
        raise Mismatch("gives a lens that is not far enough below the plain one's KL divergence.", line)


def leaves_the_model(learner, draw):
    """The model's weights are as before, and none has a gradient or has lost its flag."""
    task = Task(learner, draw, True, True)
    before = learner.given.traces(task.there)
    fitted(learner, task, 3)
    after, now = learner.given.traces(task.there), learner.given.weights(task.there)
    for name, weight in task.weights.items():
        if not torch.equal(now[name], weight):
            raise Mismatch(f"changes the model's {name}: only A and b are fitted.")
        if after["grad"][name] is not None:
            line = "  torch.autograd.grad(loss, [A, b]) gives gradients without storing any in the model."
            raise Mismatch(f"leaves a gradient in the model's {name}.", line)
        if after["requires_grad"][name] != before["requires_grad"][name]:
            raise Mismatch(f"leaves the model's {name} with requires_grad={after['requires_grad'][name]}.")
    keeps_gradients(learner, draw, task)


def keeps_gradients(learner, draw, task):
    """Gradients that are there already, and a part that is frozen already, belong to somebody else."""
    tokens = draw.ids(SMALL.d_vocab, 2, SMALL.n_ctx)
    learner.given.logits_gradient(task.there, tokens, draw.normal(2, SMALL.n_ctx, SMALL.d_vocab), "unembed.W_U")
    task.there.unembed.requires_grad_(False)
    before = learner.given.traces(task.there)
    fitted(learner, task, 3)
    after = learner.given.traces(task.there)
    for name, grad in after["grad"].items():
        if grad is None or not torch.equal(grad, before["grad"][name]):
            line = "  Adding to it changes it, and so does `model.zero_grad()`."
            raise Mismatch(f"changes the gradient that the model's {name} had before.", line)
        if after["requires_grad"][name] != before["requires_grad"][name]:
            raise Mismatch(f"leaves the model's {name}, which was frozen, with requires_grad=True.")


def fit(model, acts, logits, steps, lr, loss, A=None, bias=True, matrix=True, read=unembedded):
    A = (torch.eye(acts.shape[-1]) if A is None else A).clone().requires_grad_()
    b = torch.zeros(acts.shape[-1], requires_grad=True)
    free = [part for part, fits in ((A, matrix), (b, bias)) if fits]
    optimizer = torch.optim.Adam(free, lr=lr)
    with torch.enable_grad():
        for _ in range(steps):
            found = torch.autograd.grad(loss(read(model, acts @ A + b), logits), free)
            for part, slope in zip(free, found, strict=True):
                part.grad = slope
            optimizer.step()
    return A.detach(), b.detach()


def kl(lens, final):
    lens, final = lens.log_softmax(-1), final.log_softmax(-1)
    return (final.exp() * (final - lens)).sum(-1).mean()


def never_fitted(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, 0, lr, kl)


def without_bias(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, steps, lr, kl, bias=False)


def bias_only(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, steps, lr, kl, matrix=False)


def from_zero(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, steps, lr, kl, A=torch.zeros(acts.shape[-1], acts.shape[-1]))


def from_noise(model, acts, logits, steps=200, lr=0.01):
    noise = torch.randn(acts.shape[-1], acts.shape[-1], generator=torch.Generator().manual_seed(0))
    return fit(model, acts, logits, steps, lr, kl, A=0.1 * noise)


def transposed(model, acts, logits, steps=200, lr=0.01):
    A, b = fit(model, acts, logits, steps, lr, kl)
    return A.T, b


def what_is_added(model, acts, logits, steps=200, lr=0.01):
    A, b = fit(model, acts, logits, steps, lr, kl)
    return A - torch.eye(len(A)), b


def no_final_norm(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, steps, lr, kl, read=lambda model, x: x @ model.unembed.W_U + model.unembed.b_U)


def uphill(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, steps, lr, lambda lens, final: -kl(lens, final))


def other_direction(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts, logits, steps, lr, lambda lens, final: kl(final, lens))


def one_row(model, acts, logits, steps=200, lr=0.01):
    return fit(model, acts[:1], logits[:1], steps, lr, kl)


def whole_model(model, acts, logits, steps=200, lr=0.01):
    found = fit(model, acts, logits, steps, lr, kl)
    with torch.no_grad():
        model.unembed.W_U += lr
    return found


def gradients_left(model, acts, logits, steps=200, lr=0.01):
    found = fit(model, acts, logits, steps, lr, kl)
    with torch.enable_grad():
        kl(unembedded(model, acts), logits).backward()
    return found


def left_frozen(model, acts, logits, steps=200, lr=0.01):
    model.requires_grad_(False)
    return fit(model, acts, logits, steps, lr, kl)


EXERCISE = Exercise(
    "tuned_lens_fit",
    checks=(begins_plain, better, better_when_shifted, leaves_the_model),
    reference=reference,
    gives=(Tensor, Tensor),
    limit=20.0,  # the first optimiser of torch's in a process imports for a second, much longer on a busy machine
    may=("dice",),  # an nn.Linear draws its first weights, also where they are then set to the identity
    needs={
        "apply_ln_final": "ours_apply_ln_final",
        "logit_lens": "ours_logit_lens",
        "lens_kl": "ours_lens_kl",
    },
    slips=(
        Slip("nothing is fitted: what comes back is where the fit begins", never_fitted),
        Slip("b is never fitted", without_bias),
        Slip("A is never fitted", bias_only),
        Slip("A starts at zero; the plain lens is the identity", from_zero),
        Slip("A starts at random; the plain lens is the identity", from_noise),
        Slip("A is transposed: the lens reads `acts @ A + b`", transposed),
        Slip("A lacks the identity: only what is added to it comes back", what_is_added),
        Slip("the final LayerNorm is left out in the fit", no_final_norm),
        Slip("the steps go uphill", uphill),
        Slip("KL(tuned || final) is made small: the direction is reversed", other_direction),
        Slip("only the first row is fitted", one_row),
        Slip("the unembedding is fitted as well", whole_model),
        Slip("gradients are left in the model's parameters", gradients_left),
        Slip("the model's parameters are left with requires_grad off", left_frozen),
    ),
)
