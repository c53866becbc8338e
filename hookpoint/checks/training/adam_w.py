"""Checks for `AdamW` (part 1, notebook 06)."""

import torch
from torch import nn

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same
from hookpoint.checks.compare import describe

from . import _adamw_slips as slips

# In float64 the powers of the betas may have been taken in float32, as with a step counter that is a tensor.
CLOSE = Tolerance(1e-5, float64=1e-6)
# Far above the usual 1e-8 and 0.01, so that a misplaced epsilon or decay cannot hide in the tolerance.
LARGE = {"lr": 0.2, "betas": (0.8, 0.95), "eps": 0.3, "weight_decay": 0.4}
SHAPES = ((3, 2), (5,), ())
PLAIN = "  Dicts, lists, numbers and tensors can be saved."


def reference(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """A closed form: each moment is a weighted mean of all gradients so far, in which the newest counts most."""
    return ClosedForm(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})


class ClosedForm:
    def __init__(self, params, common):
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        self.param_groups = [{**common, **group} for group in groups]
        self.past = {parameter: [] for group in self.param_groups for parameter in group["params"]}

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.past[parameter].append(parameter.grad.clone())
                    parameter.copy_(moved(parameter, self.past[parameter], group))


def moved(parameter, past, group):
    mean = weighted_mean(past, group["betas"][0])
    square = weighted_mean([gradient**2 for gradient in past], group["betas"][1])
    direction = mean / (square**0.5 + group["eps"])
    return parameter - group["lr"] * group["weight_decay"] * parameter - group["lr"] * direction


def weighted_mean(terms, beta):
    weights = [beta ** (len(terms) - number) for number in range(1, len(terms) + 1)]
    return sum(weight * term for weight, term in zip(weights, terms, strict=True)) / sum(weights)


class Twins:
    """The learner's optimizer and ours, over parameters of their own that start equal and get equal gradients."""

    def __init__(self, learner, values, groups=None, **options):
        self.learner = learner
        self.mine = [nn.Parameter(value.clone()) for value in values]
        self.theirs = [learner.given.parameter(value) for value in values]
        self.optimizer = learner.AdamW(self.grouped(self.theirs, groups), **options)
        self.oracle = reference(self.grouped(self.mine, groups), **options)
        self.got, self.want = [], []

    @staticmethod
    def grouped(params, groups):
        if groups is None:
            return params
        return [{"params": [params[place] for place in places], **own} for places, own in groups]

    def step(self, gradients):
        """One step of both; what came out is compared at the end, when there is more to tell slips apart by."""
        for parameter, gradient in zip(self.mine, gradients, strict=True):
            parameter.grad = None if gradient is None else gradient.clone()
        self.learner.given.set_grads(self.theirs, gradients)
        self.repeat()

    def repeat(self):
        """One step of both with the gradients that are there."""
        self.optimizer.step()
        self.oracle.step()
        self.got.append(self.learner.given.values_of(self.theirs))
        self.want.append([parameter.detach().clone() for parameter in self.mine])

    def agree(self, when=""):
        for number, (got, want) in enumerate(zip(self.got, self.want, strict=True), 1):
            right_numbers(got, want, f"after step {number}{when}")


def right_numbers(got, want, when):
    """Compares all parameters at once: one that happens to be close to 0 has not been computed more exactly."""
    limit = CLOSE.limit(torch.cat([right.flatten() for right in want]))
    for place, (yours, right) in enumerate(zip(got, want, strict=True)):
        relative = limit / right.abs().max().clamp(min=limit).item()
        try:
            same(yours, right, tolerance=Tolerance(relative, float64=relative))
        except Mismatch as mismatch:
            raise Mismatch(f"leaves wrong numbers in params[{place}] {when}.", *mismatch.lines) from None


def drawn(draw, shapes=SHAPES, dtype=torch.float64, std=1.0):
    return [draw.normal(*shape, std=std, dtype=dtype) for shape in shapes]


def by_hand(learner, draw):
    """One number 2 with gradients 0.5 and -1, lr 0.1, weight_decay and eps 0.5: after two steps it is 1.7799."""
    parameter = learner.given.parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = learner.AdamW([parameter], lr=0.1, betas=(0.9, 0.999), eps=0.5, weight_decay=0.5)
    found = []
    for gradient in (0.5, -1.0):
        learner.given.set_grads([parameter], [torch.tensor([gradient], dtype=torch.float64)])
        optimizer.step()
        found.append(learner.given.values_of([parameter]))
    for number, (got, want) in enumerate(zip(found, (1.85, 1.7799277731), strict=True), 1):
        right_numbers(got, [torch.tensor([want], dtype=torch.float64)], f"after step {number}")


def steps(learner, draw):
    """All steps follow the formula in float32 and float64: decay, moments without their bias, eps beside the root."""
    for dtype, sizes in ((torch.float64, (1.0, 30.0, 0.1, 0.0)), (torch.float32, (1.0, 3.0))):
        twins = Twins(learner, drawn(draw, dtype=dtype), **LARGE)
        for size in sizes:
            twins.step(drawn(draw, dtype=dtype, std=size))
        twins.agree()


def defaults(learner, draw):
    """Without further arguments lr is 1e-3, betas are (0.9, 0.999), eps is 1e-8 and weight_decay 0.01."""
    for options, when in ((LARGE, ""), ({}, " of AdamW(params)")):
        twins = Twins(learner, drawn(draw), **options)
        for size in (1e-8, 3e-8, 1.0):
            twins.step(drawn(draw, std=size))
        twins.agree(when)


def groups(learner, draw):
    """Parameter groups have their own lr and weight_decay; what a group does not say is that of the arguments."""
    shapes = ((3,), (2, 2), (4,), (5,))
    own = [((0, 2), {"lr": 0.05, "weight_decay": 0.9}), ((1,), {"weight_decay": 0.0}), ((3,), {})]
    twins = Twins(learner, drawn(draw, shapes), own, **LARGE)
    for _ in range(3):
        twins.step(drawn(draw, shapes))
    twins.agree(" with three groups")


def schedule(learner, draw):
    """Each step uses the "lr" that stands in its param_groups then."""
    twins = Twins(learner, drawn(draw), [((0, 1), {}), ((2,), {"lr": 0.7})], **LARGE)
    for rates in ((0.01, 0.5), (0.0, 0.1), (0.3, 0.02)):
        for number, rate in enumerate(rates):
            learner.given.set_option(twins.optimizer, number, "lr", rate)
            twins.oracle.param_groups[number]["lr"] = rate
        twins.step(drawn(draw))
    twins.agree(" with an lr set before it")
    learner.given.set_option(twins.optimizer, 1, "weight_decay", 0.9)
    twins.oracle.param_groups[1]["weight_decay"] = 0.9
    twins.step(drawn(draw))
    twins.agree(" with a weight_decay set before it")


def missing(learner, draw):
    """A parameter without a gradient stays as it is, and so does its count of steps; a gradient of 0 is a gradient."""
    twins = Twins(learner, drawn(draw), **LARGE)
    for have in ((1, 0, 1), (1, 0, 0), (0, 1, 1), (1, 1, 1)):
        gradients = drawn(draw)
        gradients[2] = torch.zeros_like(gradients[2])
        twins.step([gradient if there else None for gradient, there in zip(gradients, have, strict=True)])
    twins.agree(" where some had no gradient")


def iterator(learner, draw):
    """params may be an iterator that can be read once, such as model.parameters()."""
    values = drawn(draw)
    params = [learner.given.parameter(value) for value in values]
    optimizer = learner.AdamW(iter(params), **LARGE)
    mine = [nn.Parameter(value.clone()) for value in values]
    oracle = reference(mine, **LARGE)
    for _ in range(2):
        gradients = drawn(draw)
        learner.given.set_grads(params, gradients)
        optimizer.step()
        for parameter, gradient in zip(mine, gradients, strict=True):
            parameter.grad = gradient
        oracle.step()
    want = [parameter.detach() for parameter in mine]
    right_numbers(learner.given.values_of(params), want, "after 2 steps where params was an iterator")


def gradients_kept(learner, draw):
    """A step leaves the gradients as they were; zero_grad() makes them 0 or None."""
    twins = Twins(learner, drawn(draw), [((0, 2), {}), ((1,), {})], **LARGE)
    given = drawn(draw)
    twins.step(given)
    for got, want in zip(learner.given.grads_of(twins.theirs), given, strict=True):
        if got is None or not torch.equal(got, want):
            raise Mismatch("changes a gradient while it takes a step.", "  Whoever reads .grad later needs its value.")
    twins.repeat()
    twins.agree()
    twins.optimizer.zero_grad()
    if any(gradient is not None and gradient.any() for gradient in learner.given.grads_of(twins.theirs)):
        raise Mismatch("leaves a gradient that is not 0 after zero_grad().")
    learner.given.set_grads(twins.theirs, [None, *given[1:]])
    twins.optimizer.zero_grad()  # also where there is nothing to forget


def saved(learner, draw):
    """state_dict() loaded into a new AdamW over copies of the parameters goes on as if nothing had happened."""
    own = [((0, 2), {"weight_decay": 0.9}), ((1,), {"lr": 0.05})]
    twins = Twins(learner, drawn(draw), own, **LARGE)
    for _ in range(3):
        first, second, _ = drawn(draw)
        twins.step([first, second, None])  # the last of the first group has no state yet
    copies = [learner.given.parameter(value) for value in twins.got[-1]]
    later = learner.AdamW(Twins.grouped(copies, own), **LARGE)
    learner.given.hand_over(twins.optimizer, later)
    again = []
    for _ in range(2):
        gradients = drawn(draw)
        twins.step(gradients)
        learner.given.set_grads(copies, gradients)
        later.step()
        again.append(learner.given.values_of(copies))
    twins.agree()
    for number, (got, want) in enumerate(zip(again, twins.want[3:], strict=True), 1):
        right_numbers(got, want, f"in step {number} after load_state_dict(state_dict())")
    fresh = Twins(learner, drawn(draw), **LARGE)
    learner.given.hand_over(learner.AdamW(fresh.theirs, **LARGE), fresh.optimizer)
    fresh.step(drawn(draw))
    fresh.agree(" after loading what an AdamW had before its first step")
    plain(twins.optimizer.state_dict())


def plain(state):
    """Raises `Mismatch` unless a state consists of dicts, lists, numbers and tensors, with plain keys."""
    if isinstance(state, (dict, list, tuple)):
        for key in state if isinstance(state, dict) else ():
            if not isinstance(key, (str, int, float, tuple)):
                raise Mismatch(f"returned a state in which {describe(key)} is a key.", PLAIN)
        for item in state.values() if isinstance(state, dict) else state:
            plain(item)
    elif not (state is None or isinstance(state, (str, int, float, torch.Tensor))):
        raise Mismatch(f"returned a state that holds {describe(state)}.", PLAIN)


EXERCISE = Exercise(
    "adam_w",
    writes="AdamW",
    checks=(by_hand, steps, defaults, groups, schedule, missing, iterator, gradients_kept, saved),
    reference=reference,
    forbids=("optim",),
    may=("edit",),  # parameters in place; torch fills in the dicts of groups that it is given
    tolerance=CLOSE,
    slips=(
        Slip("epsilon is added to the mean square, under the root", slips.eps_inside),
        Slip("epsilon is added before the root's bias is divided out, so it grows in the first steps", slips.eps_hat),
        Slip("there is no epsilon", slips.no_eps),
        Slip("weight decay is not multiplied by lr", slips.decay_without_lr),
        Slip("weight decay is added to the gradient, as in Adam before AdamW", slips.decay_in_gradient),
        Slip("the decay comes after the step instead of before it", slips.decay_after),
        Slip("there is no weight decay", slips.no_decay),
        Slip("the moments' bias is not divided out", slips.biased),
        Slip("only the first moment's bias is divided out", slips.second_biased),
        Slip("only the second moment's bias is divided out", slips.first_biased),
        Slip("the step counter is one ahead", slips.one_ahead),
        Slip("all parameters share one step counter, which moves on once for each of them", slips.counted_each),
        Slip("all parameters share one step counter, also those that had no gradient", slips.shared_counter),
        Slip("a parameter without a gradient decays all the same", slips.none_decays),
        Slip("a missing gradient is treated as 0", slips.none_is_zero),
        Slip("a gradient of 0 is treated as missing", slips.zero_is_none),
        Slip("the two betas are exchanged", slips.betas_swapped),
        Slip("new gradients are added to the mean without the factor 1 - beta1", slips.undamped),
        Slip("the second moment keeps the gradients, not their squares", slips.not_squared),
        Slip("the root of the second moment is not taken", slips.no_root),
        Slip("the largest second moment so far is used (amsgrad)", slips.largest),
        Slip("the step goes up the gradient", slips.uphill),
        Slip("the moments are not kept from one step to the next", slips.forgetful),
        Slip("all parameters share their moments", slips.shared_moments),
        Slip("the betas are those of the default, whatever was asked for", slips.betas_ignored),
        Slip("eps is 1e-6 by default", slips.default_eps),
        Slip("weight_decay is 0 by default", slips.default_decay),
        Slip("all groups get the lr of the first", slips.lr_of_first),
        Slip("a group's own lr and weight_decay are ignored", slips.groups_alike),
        Slip("a group's own weight_decay is ignored", slips.one_decay),
        Slip("only the first group is updated", slips.first_group),
        Slip("lr is remembered when the optimizer is made, and a schedule's changes are not seen", slips.lr_remembered),
        Slip("params is not put into a list, so an iterator is at its end after the first step", slips.read_once),
        Slip("the gradient is changed in place while the decay is worked in", slips.gradient_edited),
        Slip("zero_grad does nothing", slips.never_zeroed),
        Slip("state_dict holds no step counts, so the bias is divided out as at the start", slips.counts_lost),
        Slip("state_dict holds the first moments only", slips.second_lost),
        Slip("nothing of the state finds its way to the copies, as when it is kept under id(parameter)", slips.by_id),
        Slip(
            "what load_state_dict takes over are copies of the parameters, and these are then updated",
            slips.copies_updated,
        ),
    ),
)
