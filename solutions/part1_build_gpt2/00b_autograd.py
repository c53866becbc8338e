# %% [markdown]
# # 00b · Autograd in a hundred lines
# Training is: compute a loss, ask how it changes with every weight, move the weights a little. The middle step looks
# like magic when you call `loss.backward()`. In this notebook you write it yourself, for tensors, in about a hundred
# lines, and train a classifier with nothing but your own code.
#
# After this notebook you can
# - measure any gradient by finite differences, and say how far the measurement can be trusted;
# - write an operation together with its gradient, broadcasting included, and prove the two fit;
# - explain why `backward` needs an order, why gradients add up, and what `zero_grad` is for;
# - say what a backward pass costs in time and in memory, from numbers you have measured.
#
# ```
# data, weights
#   -> operations: + * @ relu exp sum      built here, each with its way back
#   -> loss: one number                    built here from these operations
#   <- backward: a gradient per weight     built here
#   -> SGD: the weights move               built here
# ```
# From notebook 02 on you use torch's own `backward`. Then you know what it does.

# %%
import ast
import inspect
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from hookpoint import checks, pictures

# %% [markdown]
# ## What a gradient says
# Take a function $f$ that turns a tensor $x$ into one number. Its gradient is a tensor of the same shape as $x$. Entry
# $i$ answers one question: *if I raise $x_i$ by a tiny amount and leave the rest alone, by how much does $f$ rise, per
# unit?*
#
# You can find out by trying. For $f(x) = x_0^2 + 3 x_1$ at $x = (2, 5)$: $f = 19$. Raise $x_0$ to $2.001$ and $f$
# becomes $19.004001$, so the slope is about 4. Raise $x_1$ by the same and $f$ becomes $19.003$: slope 3.
#
# Trying both sides is better. The error of the one-sided quotient shrinks like $\epsilon$; between $x + \epsilon$ and
# $x - \epsilon$ the first error cancels and what is left shrinks like $\epsilon^2$:
#
# $$ \frac{\partial f}{\partial x_i} \approx \frac{f(x + \epsilon e_i) - f(x - \epsilon e_i)}{2 \epsilon} $$
#
# where $e_i$ is 1 at entry $i$ and 0 elsewhere. This needs two calls of $f$ for each number in $x$. For GPT-2's 124
# million weights that is hopeless. For checking whether somebody's faster gradient is right, it is all you need.

# %% [markdown]
# ## Exercise: `numerical_gradient` ★
# `numerical_gradient(f, x, eps=1e-6)` is the formula above for every entry of `x`.
#
# - `f` takes one tensor of `x`'s shape and gives a tensor without axes (one number).
# - `x` may have any shape, `[]` included, any memory layout, and be float32. Work in float64 throughout: the result is
#   float64, and so is what `f` gets. In float32, `1 + 1e-8` is `1`, and at `1e-6` most of the difference is rounding.
# - `x` itself is the same afterwards.
#
# torch's own autograd (`requires_grad`, `backward`, `torch.autograd`) is banned in this whole notebook.

# %% [markdown] hint="numerical_gradient" rung=1
# How do you move one entry of a tensor of any shape, while the caller's tensor stays as it is?

# %% [markdown] hint="numerical_gradient" rung=2
# Go through the entries one by one. For each, make two tensors that differ from `x` in that entry only, ask `f` about
# both, and turn the two answers into a slope. Put the slopes back into the shape of `x`.

# %% [markdown] hint="numerical_gradient" rung=3
# Change `x` to float64. Take an identity matrix with as many rows as `x` has entries: every row, reshaped like `x`, has
# a single one. Multiplied by eps, it is the step that moves a single entry. Ask `f` at the sum and at the difference of
# `x` and the step, subtract, divide by twice eps. Stack what you get and reshape it.


# %% exercise="numerical_gradient" minutes=10
def numerical_gradient(
    f: Callable[[Tensor], Tensor], x: Float[Tensor, "..."], eps: float = 1e-6
) -> Float[Tensor, "..."]:
    """The slope of f along each entry of x, measured by central differences in float64."""
    ### BEGIN SOLUTION
    x = x.double()
    steps = eps * torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape)
    slopes = [(f(x + step) - f(x - step)) / (2 * eps) for step in steps]
    return torch.stack(slopes).reshape(x.shape)
    ### END SOLUTION


# %% check="numerical_gradient" points=2
checks.run("numerical_gradient")

# %% [markdown]
# How small should eps be? Here is the error of your function for the sum of sines, whose gradient is known (the
# cosines), over eleven powers of ten.

# %%
place = torch.linspace(0.3, 2.0, 5, dtype=torch.float64)
steps = [10.0**-power for power in range(1, 12)]
errors = [(numerical_gradient(lambda x: x.sin().sum(), place, eps) - place.cos()).abs().max() for eps in steps]
pictures.curve(
    {"largest error": errors}, x=steps, xlabel="eps", ylabel="error", title="measured gradient", xlog=True, ylog=True
)

# %% [markdown]
# On the right the formula's own error falls by 100 per power of ten. On the left rounding takes over: the two values of
# `f` agree in almost all their digits, and subtracting them leaves the noise. Around `1e-5` to `1e-6` about ten digits
# can be trusted. A gradient that is *wrong* is usually off in the first digit, so ten are plenty.

# %% [markdown] only="solutions"
# Making two new tensors per entry avoids every trap of moving an entry in place and putting it back: `x.flatten()` may
# be a copy, `+= eps` and then `-= eps` does not give back the same bits, and an `x` that is edited is not yours.
#
# Right as well: a loop over `itertools.product` of ranges with `clone()`; moving an entry of a copy in place and
# *assigning* the old number afterwards.

# %% [markdown]
# ## Values that remember
# Now the fast way. A loss is computed in small steps, and each step is simple enough that its slope is known from
# school. The **chain rule** says how slopes of consecutive steps combine: they multiply. So if every result remembers
# *what it was computed from* and *how a gradient passes back through this one step*, the gradient of the last result
# with respect to the first can be put together from the steps.
#
# `Value` is that memory. It holds plain numbers in `data`, the Values it came from in `parents`, and in `pull` a
# function. You give `pull` the gradient of the loss with respect to *this* result, and it returns the gradient with
# respect to each parent, in the order of `parents`.
#
# `neg` shows the pattern that all your operations follow.


# %%
@dataclass(eq=False)  # two Values with equal numbers are still two Values
class Value:
    """A tensor that remembers how it was computed."""

    data: Tensor
    parents: tuple["Value", ...] = field(default=(), repr=False)
    pull: Callable[[Tensor], Sequence[Tensor]] | None = field(default=None, repr=False)
    grad: Tensor | None = None


def neg(a: Value) -> Value:
    """-a. If the result rises by 1, a has fallen by 1: the gradient changes its sign on the way back."""

    def pull(grad: Tensor) -> tuple[Tensor]:
        return (-grad,)

    return Value(-a.data, (a,), pull)


# %% [markdown]
# Four things hold for every operation you write:
# - A **leaf**, such as a weight, is a Value without parents, and its `pull` is `None`.
# - `pull` returns a tuple (or list) with one gradient for each parent, each in the shape of that parent's `data`. With
#   one parent that is a tuple of one: mind the comma in `(-grad,)`.
# - `pull` only returns. It writes into nobody's `grad`, changes no `data`, and never edits the gradient it is given:
#   others may still need it. That gradient may lie in memory in any order. Called again, `pull` gives the same again.
# - Operations take Values. Plain numbers come later.

# %%
a = Value(torch.tensor([1.0, -2.0]))
result = neg(a)
print(result)
print("one parent, and it is a:", result.parents[0] is a)
print("a gradient of (10, 20) for the result is, for a:", result.pull(torch.tensor([10.0, 20.0]))[0])

# %% [markdown]
# ## Broadcasting, backwards
# In `[2 3] + [3]` the second tensor is used twice, once for each row: broadcasting *copies*, though nobody calls it
# that. Raise one entry of the `[3]` by a little and two entries of the result rise. So its gradient is the **sum** of
# the gradients of its copies.
#
# ```
# gradient of the result   [[1, 2, 3],      gradient of the [3]:  [1 + 10, 2 + 20, 3 + 30]
#                           [10, 20, 30]]
# ```
#
# Two things can happen to a shape, and both at once. Axes are put **in front**: `[3]` becomes `[2 3]`. And axes of
# length 1 are **stretched**: `[2 1]` becomes `[2 3]`.

# %% [markdown]
# ## Exercise: `unbroadcast` ★★
# `unbroadcast(grad, shape)` takes the gradient of a broadcast result and gives the gradient of a tensor that had
# `shape` (a tuple, list or `torch.Size`) before: every entry is the sum over its copies.
#
# The result has exactly `shape`, and `grad`'s dtype. If nothing was stretched, it is `grad` itself or a copy. You may
# assume that `shape` broadcasts to `grad.shape`. torch's autograd is banned, nothing else.

# %% [markdown] hint="unbroadcast" rung=1
# Broadcasting lines shapes up at the right. Which axes of `grad` have no partner in `shape`, and which have a partner
# of length 1?

# %% [markdown] hint="unbroadcast" rung=2
# First sum away the axes in front, as many as `grad` has more than `shape`. Then sum over the axes where `shape` has a
# 1, but keep those as axes of length 1.

# %% [markdown] hint="unbroadcast" rung=3
# The number of axes in front is the difference of the two numbers of axes; summing over the first so many leaves a
# tensor with as many axes as `shape`. Collect the positions in `shape` that hold a 1 and sum over them with `keepdim`.
# Both times, skip the sum when there is nothing to sum over: torch reads an empty list of axes as *all* axes.


# %% exercise="unbroadcast" minutes=10
def unbroadcast(grad: Float[Tensor, "..."], shape: Sequence[int]) -> Float[Tensor, "..."]:
    """The gradient of a tensor of this shape, from the gradient of what it was broadcast to."""
    ### BEGIN SOLUTION
    in_front = grad.ndim - len(shape)
    if in_front > 0:
        grad = grad.sum(dim=tuple(range(in_front)))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(dim=stretched, keepdim=True) if stretched else grad
    ### END SOLUTION


# %% check="unbroadcast" points=2
checks.run("unbroadcast")

# %% [markdown] only="solutions"
# torch has this as `grad.sum_to_size(shape)`, and using it is right. Also right: a loop that sums axis 0 while there
# are too many, then one axis at a time.
#
# Summing over an axis that had length 1 and still has it adds up one number, so there is no need to ask whether it was
# stretched.

# %% [markdown]
# ## Six operations
# A formula for each operation is one thing, being sure of it another. The next cell gives you `compare`: it runs an
# operation on random numbers, asks its `pull`, measures the same gradients with your `numerical_gradient`, and prints
# the largest difference. Use it on everything you write.


# %%
def compare(operation: Callable[..., Value], *inputs: Float[Tensor, "..."]) -> None:
    """Prints, for each input, how far the operation's pull is from finite differences."""
    out = operation(*map(Value, inputs))
    grad = torch.randn(out.data.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for at, (x, pulled) in enumerate(zip(inputs, out.pull(grad), strict=True)):

        def f(moved: Tensor, at: int = at) -> Tensor:
            tensors = [*inputs[:at], moved, *inputs[at + 1 :]]
            return (operation(*map(Value, tensors)).data * grad).sum()

        difference = (pulled - numerical_gradient(f, x)).abs().max()
        shape = str(list(x.shape))
        print(
            f"input {at}  {shape:12} largest gradient {pulled.abs().max():8.4f}   largest difference {difference:.0e}"
        )


def drawn(*shape: int, seed: int = 0) -> Float[Tensor, "..."]:
    """Normal numbers in float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# %% [markdown]
# ## Exercise: `add` ★
# `add(a, b)` gives the Value of `a.data + b.data`, with broadcasting. If $a$ rises by a little, the sum rises by as
# much, and the same for $b$. So the gradient of the result is the gradient of both, once each has its own shape again.
#
# `a` and `b` may be the same Value. Then it is a parent twice, and gets two gradients.

# %% [markdown] hint="add" rung=1
# What is the slope of $a + b$ with respect to $a$?

# %% [markdown] hint="add" rung=2
# Define a `pull` inside, as in `neg`. Both parents get the incoming gradient. Which function of yours brings it into
# the right shape?

# %% [markdown] hint="add" rung=3
# The pull un-broadcasts the gradient it gets twice, to the shape of the first parent's data and to that of the
# second's, and returns the two as a tuple. Return a Value of the sum with both parents and this pull.


# %% exercise="add" minutes=5
def add(a: Value, b: Value) -> Value:
    """a + b, with broadcasting."""

    ### BEGIN SOLUTION
    def pull(grad: Tensor) -> tuple[Tensor, Tensor]:
        return unbroadcast(grad, a.data.shape), unbroadcast(grad, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)
    ### END SOLUTION


# %% check="add" points=1
checks.run("add")

# %%
compare(add, drawn(3, 5), drawn(3, 5, seed=1))
compare(add, drawn(3, 1, 5), drawn(2, 1, seed=1))

# %% [markdown] only="solutions"
# `pull` is a closure: it holds on to `a` and `b`, and through them to their data. A `lambda` does the same.
#
# Handing the *same* tensor to both parents is fine, and torch does it too. It has a consequence that you will meet in
# `backward`: nobody may add to that tensor in place.

# %% [markdown]
# ## Exercise: `mul` ★
# `mul(a, b)` is the product entry by entry, with broadcasting. Raise $a$ by a little and $ab$ rises by $b$ times as
# much:
#
# $$ \frac{\partial\, ab}{\partial a} = b \qquad\qquad \frac{\partial\, ab}{\partial b} = a $$
#
# The chain rule multiplies this with the gradient that comes in. With $a = 3$, $b = 5$ and an incoming gradient of 10:
# 50 for $a$, 30 for $b$.

# %% [markdown] hint="mul" rung=1
# Each entry of a stretched tensor has several copies, and each copy is multiplied by *another* number. What comes
# first, multiplying or summing over the copies?

# %% [markdown] hint="mul" rung=2
# The gradient of each factor is the incoming gradient times the other factor's data, brought back to the factor's own
# shape at the very end.

# %% [markdown] hint="mul" rung=3
# As in `add`, but multiply before you un-broadcast: for the first parent multiply the gradient with the data of the
# second, for the second with the data of the first.


# %% exercise="mul" minutes=5
def mul(a: Value, b: Value) -> Value:
    """a * b entry by entry, with broadcasting."""

    ### BEGIN SOLUTION
    def pull(grad: Tensor) -> tuple[Tensor, Tensor]:
        return unbroadcast(grad * b.data, a.data.shape), unbroadcast(grad * a.data, b.data.shape)

    return Value(a.data * b.data, (a, b), pull)
    ### END SOLUTION


# %% check="mul" points=1
checks.run("mul")

# %%
compare(mul, drawn(3, 5), drawn(5, seed=1))
x = Value(torch.tensor(3.0))
print("x * x at 3, gradient 1:", mul(x, x).pull(torch.tensor(1.0)), "- their sum is 2x")

# %% [markdown] only="solutions"
# Multiply first, sum after: a stretched entry's copies have different partners, so the sum must be over the products.
#
# Notice what `pull` needs: the *data of both factors*. They must stay in memory until the backward pass. For `add`
# their shapes are enough. This is where a training run's memory goes.

# %% [markdown]
# ## Exercise: `matmul` ★★
# `matmul(a, b)` is `a.data @ b.data` for `a` `[... n k]` and `b` `[... k m]`, both with two axes at least. The axes in
# front broadcast, so one `[k m]` weight can serve a whole batch.
#
# For single matrices $C = AB$ and $G$ the gradient of $C$:
#
# $$ \text{gradient of } A = G\, B^\top \qquad\qquad \text{gradient of } B = A^\top G $$
#
# You need not believe this. $C_{ij} = \sum_k A_{ik} B_{kj}$, so $A_{ik}$ contributes to the entries $C_{ij}$ of row
# $i$, each time with factor $B_{kj}$: its gradient is $\sum_j G_{ij} B_{kj}$, an entry of $G B^\top$. And if you ever
# forget, the shapes only fit one way: $G$ is `[n m]`, $B$ is `[k m]`, and an `[n k]` is wanted.

# %% [markdown] hint="matmul" rung=1
# Which of the formulas above must change for a stack of matrices, and what does "transposed" mean there?

# %% [markdown] hint="matmul" rung=2
# Matrix products work on stacks as they are. Transpose the last two axes only. A weight that has served many matrices
# of a stack gets the sum of their gradients, and you have a function for that.

# %% [markdown] hint="matmul" rung=3
# The pull makes two products: the gradient times the transpose of the second's data, and the transpose of the first's
# data times the gradient; `.mT` swaps the last two axes of any stack. Un-broadcast each to its parent's shape: the last
# two axes already fit, so only the axes in front are summed.


# %% exercise="matmul" minutes=10
def matmul(a: Value, b: Value) -> Value:
    """a @ b over the last two axes; the axes in front broadcast."""

    ### BEGIN SOLUTION
    def pull(grad: Tensor) -> tuple[Tensor, Tensor]:
        return unbroadcast(grad @ b.data.mT, a.data.shape), unbroadcast(a.data.mT @ grad, b.data.shape)

    return Value(a.data @ b.data, (a, b), pull)
    ### END SOLUTION


# %% check="matmul" points=2
checks.run("matmul")

# %%
compare(matmul, drawn(3, 5), drawn(5, 2, seed=1))
compare(matmul, drawn(7, 3, 5), drawn(5, 2, seed=1))

# %% [markdown]
# One product forward, two products of the same size back. Remember that for the question what `backward` costs.

# %% [markdown] only="solutions"
# Why is un-broadcasting to `[k m]` right, although `k` or `m` may be 1? The last two axes of the product already have
# the parent's lengths, and summing an axis of length 1 changes nothing.
#
# Right as well: `einsum` with the batch axes as an ellipsis; `transpose(-2, -1)` for `.mT`. `.T` reverses *all* axes.

# %% [markdown]
# ## Exercise: `relu` ★
# `relu(a)` keeps positive entries and sets the others to 0. Where $a > 0$ the result moves with $a$, so the gradient
# passes; elsewhere the result stays at 0 whatever $a$ does, so nothing passes. At exactly 0 there is a corner and no
# slope. The convention, yours and torch's: 0.

# %% [markdown] hint="relu" rung=1
# Which tensor decides whether the gradient passes: the incoming gradient, or `a`?

# %% [markdown] hint="relu" rung=2
# A comparison gives a tensor of True and False, which multiplies like 1 and 0. Think about which side of the comparison
# 0 belongs to.

# %% [markdown] hint="relu" rung=3
# Forward: clamp at 0 from below. Back: the gradient times the mask of where the data is greater than 0, in a tuple of
# one. Do not write zeros into the gradient you were given.


# %% exercise="relu" minutes=5
def relu(a: Value) -> Value:
    """What is positive; 0 for the rest."""
    ### BEGIN SOLUTION
    return Value(a.data.clamp(min=0), (a,), lambda grad: (grad * (a.data > 0),))
    ### END SOLUTION


# %% check="relu" points=1
checks.run("relu")

# %% [markdown] only="solutions"
# `torch.where(a.data > 0, grad, 0)` is right too, and differs only for gradients that are infinite or NaN.

# %% [markdown]
# ## Exercise: `exp` ★
# `exp(a)` is $e^a$ entry by entry. Its slope is itself: $\frac{d\, e^a}{da} = e^a$.

# %% [markdown] hint="exp" rung=1
# The slope has been computed already. When, and what is it called?

# %% [markdown] hint="exp" rung=2
# Keep the result of the forward computation in a variable that the pull can see.

# %% [markdown] hint="exp" rung=3
# Compute the exponential of the data once. The pull multiplies the incoming gradient with it and returns a tuple of
# one; the Value is made of it, the one parent, and the pull.


# %% exercise="exp" minutes=5
def exp(a: Value) -> Value:
    """e to the power of each entry."""
    ### BEGIN SOLUTION
    powers = a.data.exp()
    return Value(powers, (a,), lambda grad: (grad * powers,))
    ### END SOLUTION


# %% check="exp" points=1
checks.run("exp")

# %%
compare(relu, drawn(3, 5))
compare(exp, drawn(3, 5))

# %% [markdown] only="solutions"
# Computing the exponential again in the pull is right as well: it costs time and saves memory. That trade, made for
# whole layers, is called activation checkpointing.

# %% [markdown]
# ## Exercise: `sum_over` ★★
# `sum_over(a, dim=None, keepdim=False)` adds up. Without `dim`, all entries, to a tensor without axes. With `dim` (one
# integer, negative counts from the end), the entries along that axis. With `keepdim=True` the summed axis stays, with
# length 1; without `dim`, all axes stay.
#
# Raise any entry by a little and its sum rises by as much. So every entry gets the gradient of *the sum it went into*:
# the gradient is spread back over the axis that was summed. Broadcasting forward is a sum backward, and the other way
# round.

# %% [markdown] hint="sum_over" rung=1
# The gradient comes in with the summed axis missing. Where must it be put back, so that broadcasting spreads it the
# right way? What goes wrong, silently, for a square matrix if you do not?

# %% [markdown] hint="sum_over" rung=2
# If an axis is missing, put it back with length 1 at its old place. Then broadcast to the shape of `a`. If `keepdim`
# has kept it, or if everything was summed, there is nothing to put back.

# %% [markdown] hint="sum_over" rung=3
# torch's `sum` takes `dim=None` and `keepdim` as they are. In the pull: if there was a dim and no keepdim, `unsqueeze`
# the gradient at dim. Then expand it to the shape of the data. Ask for a missing dim with `is None`: 0 is an axis.


# %% exercise="sum_over" minutes=10
def sum_over(a: Value, dim: int | None = None, keepdim: bool = False) -> Value:
    """The sum over one axis, or over everything."""

    ### BEGIN SOLUTION
    def pull(grad: Tensor) -> tuple[Tensor]:
        if dim is not None and not keepdim:
            grad = grad.unsqueeze(dim)
        return (grad.expand(a.data.shape),)

    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), pull)
    ### END SOLUTION


# %% check="sum_over" points=2
checks.run("sum_over")

# %%
compare(sum_over, drawn(3, 5))
compare(lambda a: sum_over(a, dim=0), drawn(4, 4))
compare(lambda a: sum_over(a, dim=-1, keepdim=True), drawn(2, 3, 5))

# %% [markdown] only="solutions"
# `expand` makes a view: all entries of an axis are one number in memory. It costs nothing, and nobody may write to it.
# `grad * torch.ones_like(a.data)` is right too.

# %% [markdown]
# ## All the way back
# One operation knows one step. `backward` walks through all of them, from the loss to the leaves. By hand, for
# $x = 3$, $y = x \cdot x$, $z = y + x$:
#
# ```
# z   gradient 1                              by definition: z rises as much as z
# y   gradient 1                              what add's pull gives for y
# x   gradient 1                              what add's pull gives for x, so far
# x   gradient 1 + 3 + 3 = 7                  plus what mul's pull gives for x, twice
# ```
#
# Two rules are in there. **Gradients add up**: `x` is used three times, and every use counts. And **order matters**:
# before you call the pull of `y`, its gradient must be complete. If `y` had been used somewhere else too, calling its
# pull early would send an incomplete gradient down. So visit a Value only after everything that was computed from it:
# a *topological order*, from the root down.

# %% [markdown]
# ## Exercise: `backward` ★★★
# `backward(root)` fills in `.grad` of every leaf that `root` was computed from, and returns nothing.
#
# - The root's gradient is ones in the shape and dtype of its `data`. (For a loss, a single 1. For anything else: as if
#   you had summed it first.) A root that is a leaf itself gets these ones.
# - A leaf's `.grad` is **added to**, as in torch: after two calls it holds the sum of both. `None` means nothing yet.
# - What `.grad` of the Values in between holds afterwards is up to you (torch leaves it `None`); it must not count in
#   the next call. Values that the root does not depend on stay as they are.
# - Every pull is called **once** per `backward`. A Value can be reached in many ways; walking each way by itself takes
#   $2^{30}$ steps for thirty doublings.
# - Graphs can be deep: 5,000 steps in a row must work. Python stops a recursion at about 1,000.
# - Gradients from a pull are not yours to edit. `add` hands one tensor to two parents, so a `+=` on a gradient may
#   change somebody else's. Write `old + new`.

# %% [markdown] hint="backward" rung=1
# In which order must the Values be visited, and how do you find it? What is the difference between a Value that you
# have *met* and a Value whose ancestors you have all *finished*?

# %% [markdown] hint="backward" rung=2
# Two parts. First put all Values in order, each after its parents: a depth-first search that appends a Value when its
# parents are done, with a list as stack instead of recursion. Then go through that order from its end, with a dict from
# Value to gradient. Leaves hand theirs to `.grad`; all others ask their pull and add what they get to their parents'
# entries.

# %% [markdown] hint="backward" rung=3
# The stack holds pairs of a Value and a flag. Take the top pair. If the flag says that its parents are done, append the
# Value to the order. Otherwise, unless you have met it before: mark it as met, push it again with the flag set, and
# push its parents with the flag not set. They come off the stack first.
#
# For the sweep, start the dict with ones for the root. At each Value take its gradient out of the dict. Without
# parents: put it into `.grad`, or add it to what is there. With parents: pair them with what the pull returns, and for
# each put the part into the dict, or the sum of the part and what the dict holds already.


# %% exercise="backward" minutes=20
def backward(root: Value) -> None:
    """Add the gradient of the root to the `.grad` of every leaf that it was computed from."""
    ### BEGIN SOLUTION
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, parents_done = stack.pop()
        if parents_done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack.extend((parent, False) for parent in value.parents)

    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad), strict=True):
            grads[parent] = grads[parent] + part if parent in grads else part
    ### END SOLUTION


# %% check="backward" points=4
checks.run("backward")

# %%
x = Value(torch.tensor(3.0))
y = mul(x, x)
backward(add(y, x))
print("the example by hand:", x.grad)

x = Value(torch.tensor(1.0))
doubled = x
for _ in range(60):
    doubled = add(doubled, doubled)
backward(doubled)
print(f"sixty doublings: {x.grad:.4g}, which is 2^60 = {2.0**60:.4g}, along {2**60:,} different ways")

# %% [markdown] only="solutions"
# `value not in met` works because `eq=False` leaves Python's own identity and hash. The dict forgets each gradient once
# it has been used (`pop`), which is what keeps memory low in torch, too.
#
# Right as well: count first how often each Value is used and pull it when the last use has reported (Kahn's algorithm,
# and what torch's engine does); a heap sorted by a number that rises with every new Value. Keeping gradients in
# `value.grad` of every Value is right if those in between start anew in each call.

# %% [markdown]
# ## Making it pleasant
# `add(mul(a, b), c)` is hard to read. The next cell attaches your functions to Python's operators, wraps plain numbers
# and tensors on the way, and adds one more operation, `log`, to show how little it takes. From these it builds the loss
# of every classifier and of GPT-2, the **cross-entropy**: minus the logarithm of the probability that the softmax of
# the scores gives to the right class,
#
# $$ \ell = \log \sum_c e^{z_c} - z_{\mathrm{label}} $$
#
# The largest score of each row is subtracted first, because $e^{1000}$ is infinite. That changes nothing: it cancels in
# the formula, so it may count as a constant.


# %%
def wrapped(x: Value | Tensor | float, like: Value) -> Value:
    """Plain numbers as a Value in the dtype of their partner."""
    return x if isinstance(x, Value) else Value(torch.as_tensor(x, dtype=like.data.dtype))


Value.__add__ = Value.__radd__ = lambda a, b: add(a, wrapped(b, a))
Value.__mul__ = Value.__rmul__ = lambda a, b: mul(a, wrapped(b, a))
Value.__matmul__ = lambda a, b: matmul(a, wrapped(b, a))
Value.__neg__ = neg
Value.__sub__ = lambda a, b: a + -wrapped(b, a)
Value.__rsub__ = lambda a, b: wrapped(b, a) + -a


def log(a: Value) -> Value:
    """The natural logarithm, whose slope is 1 / a."""
    return Value(a.data.log(), (a,), lambda grad: (grad / a.data,))


def cross_entropy(scores: Value, labels: Tensor) -> Value:
    """The mean over rows of -log p(label), with p the softmax of the row's scores."""
    scores = scores - scores.data.max(dim=1, keepdim=True).values
    chosen = scores * torch.nn.functional.one_hot(labels, scores.data.shape[1])
    losses = log(sum_over(exp(scores), dim=1)) - sum_over(chosen, dim=1)
    return sum_over(losses) * (1 / len(labels))


# %% [markdown]
# A famous result falls out. Nobody has told your engine what the gradient of a cross-entropy is. On paper it is
# *probabilities minus the one-hot label, divided by the number of rows*:

# %%
scores = Value(drawn(40, 7))
labels = torch.arange(40) % 7
backward(cross_entropy(scores, labels))
by_paper = (scores.data.softmax(dim=1) - torch.nn.functional.one_hot(labels, 7)) / 40
difference = (scores.grad - by_paper).abs().max()
print(f"largest gradient {scores.grad.abs().max():.4f}, largest difference from the formula on paper {difference:.0e}")

# %% [markdown]
# ## The control: torch
# Every expression below is computed by your engine and by torch's, from the same numbers. The table shows the largest
# gradient and the largest difference. The last line is a control of the comparison itself: your engine against torch
# on an expression that is *not* the same.


# %%
def against_torch(mine: Callable[..., Value], theirs: Callable[..., Tensor], *inputs: Tensor) -> tuple[float, float]:
    """The largest gradient, and the largest difference between both engines' gradients, over all inputs."""
    leaves = [Value(x) for x in inputs]
    backward(sum_over(mine(*leaves)))
    free = [x.clone().requires_grad_() for x in inputs]
    theirs(*free).sum().backward()
    largest = max(x.grad.abs().max().item() for x in free)
    return largest, max((leaf.grad - x.grad).abs().max().item() for leaf, x in zip(leaves, free, strict=True))


# %%
p, q, w = drawn(7, 3, 5), drawn(3, 1, seed=1), drawn(5, 4, seed=2)
cases = {
    "x * x + x": (lambda x: x * x + x, lambda x: x * x + x, p),
    "relu(p @ w - 1)": (lambda p, w: relu(p @ w - 1), lambda p, w: torch.relu(p @ w - 1), p, w),
    "(p * q) @ w": (lambda p, q, w: (p * q) @ w, lambda p, q, w: (p * q) @ w, p, q, w),
    "exp(q * p) * p": (lambda p, q: exp(q * p) * p, lambda p, q: torch.exp(q * p) * p, p, q),
    "log-sum-exp": (lambda p: log(sum_over(exp(p), dim=-1)), lambda p: p.logsumexp(dim=-1), p),
    "control: 1.001 x": (lambda x: x * x + x, lambda x: 1.001 * x * x + x, p),
}
for name, (mine, theirs, *inputs) in cases.items():
    largest, difference = against_torch(mine, theirs, *inputs)
    print(f"{name:18} largest gradient {largest:9.3f}   largest difference {difference:.0e}")

# %% [markdown]
# ## Moving the weights
# The gradient points to where the loss rises, so walk the other way: **gradient descent**. It is called *stochastic*
# (SGD) when each step sees only a part of the data.
#
# $$ b \leftarrow \mu\, b + g \qquad\qquad w \leftarrow w - \eta\, b $$
#
# $\eta$ is the learning rate `lr`, $\mu$ the **momentum**. With $\mu = 0$, $b$ is the gradient $g$. With $\mu = 0.9$ it
# is a decaying sum of gradients: where they agree step after step, $b$ grows up to ten times as long; where they point
# back and forth, they cancel. An example with $\eta = 1$, $\mu = 0.5$ and gradients 4, 4, 4 moves the weight by 4, 6
# and 7.

# %% [markdown]
# ## Exercise: `sgd` ★★
# `SGD(params, lr, momentum=0.0)` with `params` any iterable of leaves: a list, or a generator that can be gone through
# only once.
#
# - `step()` moves every parameter by the rule above, in its own dtype. Each has a buffer $b$ of its own, and its first
#   buffer is its first gradient (torch's convention: no damping, $b$ does not start at 0). You may change `data` in
#   place or replace it.
# - A parameter whose `grad` is `None` is left alone: it does not move, and its buffer stays.
# - `step()` leaves the gradients as they are. `zero_grad()` sets every `grad` to `None` or to zeros; it touches neither
#   `data` nor buffers.
#
# `torch.optim` is banned.

# %% [markdown] hint="sgd" rung=1
# What must an optimiser remember from one step to the next, and for whom?

# %% [markdown] hint="sgd" rung=2
# Keep a list of the parameters and a list of as many buffers, all `None` at first. In a step go through both together.

# %% [markdown] hint="sgd" rung=3
# For each parameter with a gradient: the new buffer is the gradient if there is none yet, else momentum times the old
# one plus the gradient, as a new tensor. Store it at the parameter's place in the list, and subtract lr times the
# buffer from the data. Skip parameters without a gradient, but go on with the next.


# %% exercise="sgd" minutes=10
class SGD:
    """Gradient descent with momentum, as in torch."""

    def __init__(self, params: Iterable[Value], lr: float, momentum: float = 0.0) -> None:
        ### BEGIN SOLUTION
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.buffers = [None] * len(self.params)
        ### END SOLUTION

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        ### BEGIN SOLUTION
        for at, param in enumerate(self.params):
            if param.grad is None:
                continue
            old = self.buffers[at]
            self.buffers[at] = param.grad if old is None else self.momentum * old + param.grad
            param.data = param.data - self.lr * self.buffers[at]
        ### END SOLUTION

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward starts from nothing."""
        ### BEGIN SOLUTION
        for param in self.params:
            param.grad = None
        ### END SOLUTION


# %% check="sgd" points=2
checks.run("sgd")

# %% [markdown] only="solutions"
# The buffers live in a list beside the parameters. A dict keyed by the parameter (Values hash by identity) is right
# too; keyed by shape or by name it is not, since two may share those.
#
# The first buffer *is* the gradient tensor here. That is safe because nothing is ever changed in place. If `zero_grad`
# wrote zeros into the tensor, the buffer would become zero with it; then it has to be a copy.

# %% [markdown]
# ## Training, with nothing but your own code
# Two half moons that reach into each other: no straight line separates them. The network has one hidden layer of 16
# relus and two scores.


# %%
def two_moons(count: int, seed: int) -> tuple[Float[Tensor, "point xy"], Tensor]:
    """Points on two half circles with some noise, and which half circle each is on."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    angle = torch.pi * torch.rand(count, generator=source)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    noise = 0.15 * torch.randn(count, 2, generator=source)
    return torch.where(labels[:, None] == 0, upper, lower) + noise, labels


def new_network(hidden: int = 16, seed: int = 0) -> dict[str, Value]:
    """Weights with the usual size, one over the root of what goes in; biases 0."""
    source = torch.Generator().manual_seed(seed)
    return {
        "W_in": Value(torch.randn(2, hidden, generator=source) / 2**0.5),
        "b_in": Value(torch.zeros(hidden)),
        "W_out": Value(torch.randn(hidden, 2, generator=source) / hidden**0.5),
        "b_out": Value(torch.zeros(2)),
    }


def scores_of(network: dict[str, Value], points: Float[Tensor, "point xy"]) -> Value:
    """Two scores for each point."""
    hidden = relu(Value(points) @ network["W_in"] + network["b_in"])
    return hidden @ network["W_out"] + network["b_out"]


def train(network: dict[str, Value], steps: int = 150, **options: float) -> list[float]:
    """Full-batch training on the moons; the loss before each step."""
    points, labels = two_moons(200, seed=0)
    optimizer, history = SGD(network.values(), **options), []
    for _ in range(steps):
        loss = cross_entropy(scores_of(network, points), labels)
        history.append(loss.data.item())
        optimizer.zero_grad()
        backward(loss)
        optimizer.step()
    return history


def accuracy(network: dict[str, Value], seed: int) -> float:
    """The share of 1,000 moon points that get the higher score for their own moon."""
    points, labels = two_moons(1000, seed=seed)
    return (scores_of(network, points).data.argmax(dim=1) == labels).float().mean().item()


# %%
settings = {
    "lr 0.1": {"lr": 0.1},
    "lr 0.1, momentum 0.9": {"lr": 0.1, "momentum": 0.9},
    "lr 1.0": {"lr": 1.0},
}
networks = {name: new_network() for name in settings}
histories = {name: train(networks[name], **options) for name, options in settings.items()}
print("new points right, untrained:", f"{accuracy(new_network(), seed=1):.1%}")
for name, network in networks.items():
    print(f"{name:22} loss {histories[name][0]:.3f} -> {histories[name][-1]:.3f}   {accuracy(network, seed=1):.1%}")
pictures.curve(histories, xlabel="step", ylabel="loss", title="two moons", levels={"knowing nothing": 0.693})

# %% [markdown]
# Momentum is far ahead of plain SGD at the same `lr`. But compare the third line: plain SGD with ten times the `lr`, as
# far as momentum reaches in the long run. Most of what momentum does *here* is to take longer steps. Where it does
# more, and how to choose `lr` at all, is the matter of notebooks 06 and 06b.
#
# What has the network learned? The colour behind the points is the difference of the two scores; the border runs where
# it is white.

# %%
across, up = torch.meshgrid(torch.linspace(-1.7, 2.7, 90), torch.linspace(-1.2, 1.7, 60), indexing="xy")
grid = torch.stack([across.flatten(), up.flatten()], dim=1)
out = scores_of(networks["lr 0.1, momentum 0.9"], grid).data
points, labels = two_moons(200, seed=0)
pictures.scatter(
    {f"moon {label}": points[labels == label].T for label in (0, 1)},
    ground=((out[:, 1] - out[:, 0]).reshape(across.shape).clamp(-5, 5), (-1.7, 2.7, -1.2, 1.7)),
    title="where the classifier draws its border",
)

# %% [markdown]
# The same network, with every gradient of its loss from both engines, and the size of what you have written.

# %%
network = new_network()
loss = cross_entropy(scores_of(network, points), labels)
backward(loss)
free = {name: value.data.clone().requires_grad_() for name, value in network.items()}
hidden = torch.relu(points @ free["W_in"] + free["b_in"])
their_loss = torch.nn.functional.cross_entropy(hidden @ free["W_out"] + free["b_out"], labels)
their_loss.backward()
print(f"loss: yours {loss.data:.6f}, torch's {their_loss:.6f}")
for name, value in network.items():
    difference = (value.grad - free[name].grad).abs().max()
    print(f"{name:6} largest gradient {free[name].grad.abs().max():.4f}   largest difference {difference:.0e}")

# %%
engine = (unbroadcast, add, mul, matmul, relu, exp, sum_over, backward, SGD.__init__, SGD.step, SGD.zero_grad)
lengths = {}
for function in engine:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    body = tree.body[0].body
    if ast.get_docstring(tree.body[0]):
        del body[0]
    lengths[function.__qualname__] = len(ast.unparse(tree).splitlines())
print(lengths)
print("lines of your engine, without comments and docstrings:", sum(lengths.values()))

# %% [markdown]
# ## What a backward pass costs
# **Time.** A matrix product forward is two products backward: one for the gradient of each factor. So backward costs
# about twice the forward pass, *however many weights there are*. Finite differences would cost two forward passes per
# weight. This is the whole reason why networks with billions of weights can be trained.


# %%
def tower(x: Tensor, weights: Sequence[Value]) -> Value:
    """Matrix products with relus in between."""
    value = Value(x)
    for weight in weights:
        value = relu(value @ weight)
    return value


def quickest(function: Callable[[], object], tries: int = 7) -> float:
    """The shortest time of several tries, in milliseconds."""
    times = []
    for _ in range(tries):
        started = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - started))
    return min(times)


def bytes_of(root: Value) -> int:
    """The memory of everything that a result keeps alive, its leaves aside."""
    values, waiting = {}, [root]
    while waiting:
        value = waiting.pop()
        if value not in values:
            values[value] = value.data.nbytes if value.parents else 0
            waiting.extend(value.parents)
    return sum(values.values())


# %%
weights = [Value(drawn(400, 400, seed=layer).float() / 20) for layer in range(4)]
batch = drawn(400, 400, seed=9).float()
root = tower(batch, weights)
forward_time, backward_time = quickest(lambda: tower(batch, weights)), quickest(lambda: backward(root))
count = sum(weight.data.numel() for weight in weights)
print(f"forward {forward_time:6.1f} ms, backward {backward_time:6.1f} ms: {backward_time / forward_time:.1f} times")
print(f"by finite differences: {2 * count:,} forward passes, about {2 * count * forward_time / 1e3 / 60:,.0f} minutes")

# %% [markdown]
# **Memory.** `mul` and `matmul` need their inputs on the way back, so every intermediate result stays alive until the
# backward pass has used it: the *activations*. They grow with the batch and with depth; the weights do not.

# %%
weight_bytes = sum(weight.data.nbytes for weight in weights)
print("batch   weights   kept for backward   the result alone")
for rows in (4, 40, 400):
    root = tower(batch[:rows], weights)
    print(f"{rows:5} {weight_bytes / 1e6:6.2f} MB {bytes_of(root) / 1e6:16.3f} MB {root.data.nbytes / 1e6:15.3f} MB")

# %% [markdown]
# ## What torch does beyond
# Your engine is complete in kind. torch adds care and speed; four things you will run into:
# - **It frees the graph.** After `backward()` the memory above is given back, so a second call fails. Yours can be
#   called again, and keeps the memory as long as you keep the root.
# - **It notices edits.** Every tensor counts its in-place changes. If a pull needs a tensor that has changed since,
#   torch refuses. Yours would silently use the new numbers.
# - **It can be told to forget.** Under `torch.no_grad()` nothing is remembered: evaluation needs a fraction of the
#   memory. And a tensor with `requires_grad=False`, such as the data, gets no gradient at all; yours computes one for
#   every leaf.
# - **It differentiates its gradients**, if asked with `create_graph=True`: its pulls are made of tracked operations.
#   Yours return plain tensors.

# %%
leaf = torch.ones(3, requires_grad=True)
twice = (leaf * leaf).sum()
twice.backward()
edited = leaf * 2
squared = (edited * edited).sum()
edited.add_(1)
for what, root in (("a second backward", twice), ("an edited tensor", squared)):
    try:
        root.backward()
    except RuntimeError as refusal:
        print(f"{what}: {str(refusal).split('.')[0][:100]} ...")
with torch.no_grad():
    print("under no_grad, the result remembers:", (leaf * leaf).grad_fn)

x, y = Value(torch.ones(3)), Value(torch.full((3,), 2.0))
product = sum_over(mul(x, y))
y.data.add_(1)
backward(product)
print("yours, after y was edited from 2 to 3: the gradient of x is", x.grad.tolist(), "though y was 2 when it counted")

# %% [markdown]
# ## What you built
# An engine for gradients of tensor programs: six operations with their ways back, an order, an optimiser, and three
# independent reasons to believe in them (finite differences, a formula on paper, torch). `loss.backward()` in the
# notebooks to come does the same things in the same order.
#
# ## Questions
# 1. **What does a gradient of 0 mean?** A relu that is off passes nothing back, so its weights get no gradient for this
#    input, although switching it on might change the loss a lot. Gradients are used to ask which part of a model
#    matters (notebook 12 calls this attribution patching). Which parts will such an answer overlook? What would you
#    compare it with?
# 2. **What does training not see?** Your `backward` follows what was recorded, and nothing else. If a model's output is
#    turned into a text and somebody reads the text, no gradient passes. By which other ways can what happens there
#    still change the weights?
# 3. **Who may be trusted to compute the gradient?** A wrong pull often still trains, only worse, and nobody notices.
#    Which of your three controls would have caught a `relu` with the gradient 1 at 0? Which a `sum_over` that spreads
#    along the wrong axis?
#
# ## References
# - Rumelhart, Hinton and Williams 1986, *Learning representations by back-propagating errors*.
# - Griewank and Walther 2008, *Evaluating Derivatives*: why a gradient costs a small multiple of the function.
# - Baydin, Pearlmutter, Radul and Siskind 2018, *Automatic Differentiation in Machine Learning: a Survey*.
# - Paszke et al. 2019, *PyTorch: An Imperative Style, High-Performance Deep Learning Library*.
# - Sutskever, Martens, Dahl and Hinton 2013, *On the importance of initialization and momentum in deep learning*.
