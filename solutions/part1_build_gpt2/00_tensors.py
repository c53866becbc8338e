# %% [markdown]
# # 00 · Tensors
# Welcome. In this course you build GPT-2: first every part, then the whole, until it gives the numbers of the published
# code. Then you train it, speed it up, and take it apart to see what it has learned. You write the code that matters;
# everything around it is there. It all runs on a laptop, without a GPU and without the internet.
#
# After this notebook you can
# - name the axes of a tensor, and split, move and join them without mixing up what they hold;
# - say when two tensors share memory, and what that means for a change in place;
# - pick one number per position out of a tensor, with an error where an index is wrong;
# - write a softmax and a loss that survive logits of ten thousand;
# - say whether this machine is ready for the course.
#
# ```
# tokens -> embed -> [ attention, mlp ] x layers -> logits -> loss
#                       |                             |       |
#                       split_heads, merge_heads      |       log_softmax_nll
#                       stable_softmax                batched_gather_last
# ```
# The six functions of this notebook are small. Each is a move that the notebooks after it make hundreds of times.

# %% [markdown]
# ## How a notebook works
# An **exercise** is a cell with a gap. Fill it, run it, then run the check below it: `checks.run("split_heads")`. The
# check calls your function with numbers of its own and takes well under a second. If something is off it says what was
# called, what came back, and where that first differs from what it should be. Where it recognises a common slip, it
# names it; where it does not, it says nothing rather than guess. Run a check as often as you like.
#
# Each exercise has three **hints**, folded away under its text. The first asks a question, the second gives the plan,
# the third the recipe. In a terminal, `hookpoint hint split_heads` opens the next one. The stars say how hard an
# exercise is. They are not a test of character: open a hint when five minutes have brought nothing new.
#
# What you may use is said in each exercise. If it names nothing that is banned, everything is allowed.

# %%
import hashlib
import json
import platform
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint import checks, pictures
from hookpoint.zoo.store import SHIPPED

STORIES_MANIFEST = SHIPPED / "stories.json"

# %% [markdown]
# ## Axes have names
# Shapes are written into every signature of this course. `Float[Tensor, "batch pos d_model"]` is a tensor of
# floating-point numbers with three axes: rows of the batch, positions in the text, and the numbers that describe one
# position. The names (from `jaxtyping`) are there for you to read; nothing checks them while you work.
#
# `einops` lets you compute by those names. A pattern says what goes in and what comes out; a tensor that does not have
# the pattern's axes, or not a length that you tell it, is an error instead of a silent mistake. Which axis is which it
# cannot know: the names are yours.

# %%
x = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
print("batch pos feature -> batch feature pos  ", list(rearrange(x, "batch pos feature -> batch feature pos").shape))
print("batch pos feature -> (batch pos) feature", list(rearrange(x, "batch pos feature -> (batch pos) feature").shape))
try:
    rearrange(x, "batch pos -> pos batch")
except Exception as refusal:
    print("batch pos -> pos batch                  ", type(refusal).__name__)

# %% [markdown]
# ## One row of memory
# A tensor's numbers lie in memory in one long row. The shape is only a way of reading that row: the **stride** of an
# axis says how many numbers to skip for the next step along it.
#
# - `reshape` and `view` keep the row and read it with other lengths. They are right only if numbers that belong
#   together already lie together.
# - `transpose` and `permute` swap the strides. Nothing moves, but the row is now read in another order: the tensor is
#   not *contiguous* any more. If you ask for another shape now, `view` refuses and `reshape` makes a copy.
#
# So `[2, 3]` turned into `[3, 2]` can mean two different things. Here they are side by side.

# %%
table = torch.tensor([[0, 1, 2], [3, 4, 5]])
for name, result in (("table", table), ("reshape(3, 2)", table.reshape(3, 2)), ("transpose(0, 1)", table.T)):
    shared = result.data_ptr() == table.data_ptr()
    print(f"{name:16} {result.tolist()!s:26} strides {result.stride()}  same memory: {shared}")
try:
    table.T.view(6)
except RuntimeError as refusal:
    print("table.T.view(6)  refuses:", str(refusal).partition(".")[0])
print("table.T.reshape(6) copies:", table.T.reshape(6).tolist())

# %% [markdown]
# Two tensors that share memory are one thing under two names: a change in place through one is seen through the other.
# That is why the functions you write here never change what they are given. A method whose name ends in an underscore
# (`add_`, `clamp_`) changes in place; so do `x[0] = ...` and `x += ...`.

# %% [markdown]
# ## Exercise: `split_heads` ★
# Attention works with several **heads** side by side, each on its own part of the numbers. Before it can, one long axis
# is cut: the numbers of each position, `H * K` of them, become `H` heads of `K` numbers. Then the heads move in front
# of the positions, because each head compares positions with each other.
#
# `split_heads(x[batch, pos, H*K], n_heads) -> [batch, H, pos, K]`. Head 0 gets the first `K` numbers of each position,
# head 1 the next `K`, and so on. With one row, one position and `H = 2`, `[1, 2, 3, 4, 5, 6]` gives head 0 the numbers
# `[1, 2, 3]` and head 1 the numbers `[4, 5, 6]`.
#
# The result may share memory with `x` or be a copy. `x` itself stays as it is, the dtype is kept, gradients flow.
# `n_heads` divides the width.

# %% [markdown] hint="split_heads" rung=1
# Which two numbers that lie side by side in memory must still lie side by side in the result, and which must not?

# %% [markdown] hint="split_heads" rung=2
# Two moves, in this order: cut the last axis into two axes, then bring the first of these two forward, past the
# positions. Going straight to the final shape makes only one of the moves.

# %% [markdown] hint="split_heads" rung=3
# With einops it is one pattern: on its left side the last axis is written as two names in brackets, the head first and
# its width second; on its right side the four names stand in the order of the result. Tell it how many heads there are.
# In plain torch: reshape to batch, position, head and width, then swap axes 1 and 2.


# %% exercise="split_heads" minutes=4
def split_heads(x: Float[Tensor, "batch pos width"], n_heads: int) -> Float[Tensor, "batch head pos d_head"]:
    """Each head's share of every position's numbers, heads in front of positions."""
    ### BEGIN SOLUTION
    return rearrange(x, "batch pos (head d_head) -> batch head pos d_head", head=n_heads)
    ### END SOLUTION


# %% check="split_heads" points=1
checks.run("split_heads")

# %% [markdown]
# See what the short way would have done. Every number says which position and which head it belongs to: 31 is position
# 3, head 1. A head should see all positions and only its own numbers.

# %%
labels = torch.tensor([[[10 * pos + head for head in (0, 0, 1, 1)] for pos in range(4)]]).float()
print("split_heads, head 1:\n", split_heads(labels, 2)[0, 1].numpy())
print("reshape alone, 'head 1':\n", labels.reshape(1, 2, 4, 2)[0, 1].numpy())

# %% [markdown] only="solutions"
# Right as well: `x.reshape(batch, pos, n_heads, -1).transpose(1, 2)`, or `unflatten` and `permute`. All of them are
# views: not one number moves. `reshape(batch, n_heads, pos, -1)` has the right shape and the wrong content, which no
# shape check can see. With `pos == n_heads` not even the order of the axes shows.

# %% [markdown]
# ## Exercise: `merge_heads` ★
# After attention the heads are put together again, so that the next layer sees one vector per position.
#
# `merge_heads(z[batch, H, pos, K]) -> [batch, pos, H*K]`: at each position the heads' vectors side by side, head 0
# first. It undoes `split_heads`: `merge_heads(split_heads(x, H))` is `x` again, for every `H`. The rest is as above:
# `z` stays as it is, the dtype is kept, gradients flow.

# %% [markdown] hint="merge_heads" rung=1
# Which two axes are going to be joined, and do they stand next to each other in `z`?

# %% [markdown] hint="merge_heads" rung=2
# The two moves of `split_heads`, undone in the opposite order: first bring head and width together, then join them.

# %% [markdown] hint="merge_heads" rung=3
# With einops: the same pattern as before, read from right to left; this time nothing has to be told. In plain torch:
# swap axes 1 and 2, then flatten the last two. If torch refuses to `view`, remember which of `view` and `reshape` may
# copy.


# %% exercise="merge_heads" minutes=4
def merge_heads(z: Float[Tensor, "batch head pos d_head"]) -> Float[Tensor, "batch pos width"]:
    """All heads' numbers of each position, side by side."""
    ### BEGIN SOLUTION
    return rearrange(z, "batch head pos d_head -> batch pos (head d_head)")
    ### END SOLUTION


# %% check="merge_heads" points=1
checks.run("merge_heads")

# %% [markdown]
# There and back, for every number of heads that divides 12. Splitting moves nothing in memory, and so undoing it at
# once has nothing to move either. But heads that were *computed*, as attention will, lie one after the other, and then
# merging has to copy. With one head there is nothing to mix, so nothing to copy.

# %%
x = torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(0))
print("heads   as before   memory shared by: split, merge of that, merge of computed heads")
for n_heads in (1, 2, 3, 4, 6, 12):
    parts = split_heads(x, n_heads)
    computed = parts.contiguous() + 0
    whole, merged = merge_heads(parts), merge_heads(computed)
    shares = [parts.data_ptr() == x.data_ptr(), whole.data_ptr() == x.data_ptr()]
    shares.append(merged.data_ptr() == computed.data_ptr())
    print(f"{n_heads:5} {torch.equal(whole, x)!s:>11}   {shares}")

# %% [markdown] only="solutions"
# `z.transpose(1, 2).flatten(2)` does the same. `.view` instead of `flatten` fails on computed heads: after the
# transpose, head and width do not lie in memory as one axis. That error is a kindness. `z.reshape(batch, pos, -1)`
# without the transpose raises nothing and gives each position the numbers of others.

# %% [markdown]
# ## One number per position
# A language model gives, at each position, one number for every token of the vocabulary. Often you want just one of
# them: the number of the token that did come. So you have `[batch, pos, vocab]` and a matching table of indices
# `[batch, pos]`, and you want `[batch, pos]`.
#
# Square brackets do something else with that table: `logits[..., idx]` asks *every* position for *every* index. The
# table must be paired with the positions.

# %%
letters = torch.tensor([[[10, 11, 12], [20, 21, 22]]])  # one row, two positions, a vocabulary of three
which = torch.tensor([[2, 0]])
print("wanted: 12 from the first position and 20 from the second")
print("letters[..., which] gives", letters[..., which].tolist(), "with shape", list(letters[..., which].shape))

# %% [markdown]
# ## Exercise: `batched_gather_last` ★
# `batched_gather_last(logits[batch, pos, vocab], idx[batch, pos]) -> [batch, pos]`: entry `(b, t)` is
# `logits[b, t, idx[b, t]]`.
#
# `idx` is int64. An index below 0, or not below the length of the last axis, is an **error** (`IndexError`,
# `ValueError`, `RuntimeError` or `AssertionError`), also if it is the only one. Python would read -1 as "the last one";
# here -1 is padding that somebody forgot, and a model trained on it learns nonsense in silence.

# %% [markdown] hint="batched_gather_last" rung=1
# `torch.gather` pairs an index with each place of a tensor, along one axis. How many axes must the index have for that?

# %% [markdown] hint="batched_gather_last" rung=2
# Give the index a last axis of length 1, gather along the last axis, and take that axis off again. What does `gather`
# do with -1? Try it.

# %% [markdown] hint="batched_gather_last" rung=3
# `unsqueeze(-1)` adds the axis, `squeeze(-1)` takes it off (with the number: a plain `squeeze` would also take a batch
# of one). `gather` refuses every index outside the axis by itself; `take_along_dim` does not, it counts round. If you
# index with brackets instead, you need one index tensor per axis, and a test of the smallest and the largest index.


# %% exercise="batched_gather_last" minutes=6
def batched_gather_last(
    logits: Float[Tensor, "batch pos vocab"], idx: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos"]:
    """The number that each position's index points at.

    Raises:
        RuntimeError: An index is negative, or beyond the last axis.
    """
    ### BEGIN SOLUTION
    return logits.gather(-1, idx.unsqueeze(-1)).squeeze(-1)
    ### END SOLUTION


# %% check="batched_gather_last" points=2
checks.run("batched_gather_last")

# %%
print("picked:", batched_gather_last(letters, which).tolist())
for wrong in (-1, 3):
    try:
        print(batched_gather_last(letters, torch.tensor([[2, wrong]])))
    except (IndexError, ValueError, RuntimeError, AssertionError) as refusal:
        print(f"index {wrong:2}: {type(refusal).__name__}: {refusal}")

# %% [markdown] only="solutions"
# Right as well: brackets with one index per axis, `logits[rows[:, None], positions, idx]`, after a test of `idx`; a
# one-hot product, at `vocab` times the cost. `torch.take_along_dim` looks like `gather`, but newer versions take an
# index modulo the length instead of refusing it. On a GPU `gather` cannot raise a Python error, it stops the whole
# device: there, test the indices first.

# %% [markdown]
# ## Broadcasting
# When two tensors meet in a sum, a product or a comparison, torch lines their axes up **from the right** and stretches
# axes of length 1. So `[batch, pos, 1]` and `[pos, vocab]` fit together. It is what makes `x - x.max()` short to write.
# It also makes the most expensive kind of mistake, the one without an error message.

# %%
predicted = torch.tensor([[1.0], [2.0], [3.0]])  # [3, 1]: three predictions, as a layer with one output gives them
actual = torch.tensor([1.0, 2.0, 3.0])  # [3]: the same three numbers
print("shape of the difference:", list((predicted - actual).shape), "- nine differences, where three were meant")
print("mean squared error:", (predicted - actual).square().mean().item(), "- although every prediction is right")
print("with matching axes:", (predicted[:, 0] - actual).square().mean().item())

# %% [markdown]
# The cure: reductions that keep their axis (`keepdim=True`), axes you can name, and a look at the shape of what you
# have just computed.
#
# ## From scores to shares
# The **softmax** turns a row of numbers into shares that are positive and add up to 1:
#
# $$ p_i = \frac{e^{x_i}}{\sum_j e^{x_j}} $$
#
# For `[0, 0.69]` that is `[1, 2] / 3`, about `[0.33, 0.67]`. In the formula everything is well. On a computer
# $e^{89}$ is already infinite in float32, and infinity divided by infinity is NaN. But only differences count: adding
# the same number to every $x_i$ multiplies numerator and denominator by the same factor. You are free to choose it.

# %%
row = torch.tensor([0.0, 0.69])
for shift in (0, 80, 100, -80, -200):
    powers = (row + shift).exp()
    shares = powers / powers.sum()
    print(f"shift {shift:5}: powers {powers.tolist()!s:46} shares {shares.tolist()}")

# %% [markdown]
# ## Exercise: `stable_softmax` ★★
# `stable_softmax(x[...], dim) -> same shape`: the softmax along the axis `dim`, for tensors with any number of axes and
# for every `dim`, counted from the front or, if negative, from the back.
#
# - Rows offset by ten thousand, or lying very far from each other, give the right shares.
# - An entry of `-inf` gets exactly 0: that is how attention hides the future. In a row of *nothing but* `-inf` there is
#   nothing to share; NaN or zeros may stand there, and all other rows stay right.
# - The dtype is that of `x` (float64 stays float64, float16 float16), and gradients flow.
#
# Not allowed: torch's own `softmax` and `log_softmax`, in any spelling. All else is, `logsumexp` included.

# %% [markdown] hint="stable_softmax" rung=1
# Which number could you subtract from a row so that no exponential can overflow, and at least one of them is 1?

# %% [markdown] hint="stable_softmax" rung=2
# Every row needs its own. Subtract it, take the exponentials, divide by their sum along `dim`. Both reductions must
# come back in a shape that lines up with `x`, whichever axis `dim` is.

# %% [markdown] hint="stable_softmax" rung=3
# Take the maximum along `dim` with `amax`, keeping the axis; subtract it; `exp`; divide by the sum along `dim`, keeping
# the axis. Beware of `x.max()` without `dim`: it is the maximum of the whole tensor, and rows far below it become 0/0.


# %% exercise="stable_softmax" minutes=8
def stable_softmax(x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """Positive shares that add up to 1 along `dim`."""
    ### BEGIN SOLUTION
    powers = (x - x.amax(dim=dim, keepdim=True)).exp()
    return powers / powers.sum(dim=dim, keepdim=True)
    ### END SOLUTION


# %% check="stable_softmax" points=3
checks.run("stable_softmax")

# %% [markdown]
# The same row at six places on the number line. Every column should hold the same shares.

# %%
row = torch.tensor([2.0, 0.0, 1.0, -1.0])
offsets = torch.tensor([-1e4, -100.0, 0.0, 80.0, 100.0, 1e4])
pictures.heatmap(
    stable_softmax(row[:, None] + offsets, dim=0),
    rows=[f"x = {number:+.0f}" for number in row.tolist()],
    columns=[f"{offset:+.0f}" for offset in offsets.tolist()],
    title="shares of four numbers, shifted",
    signed=False,
)

# %% [markdown] only="solutions"
# After the subtraction the largest exponent is 0: nothing overflows, and the sum is at least 1, so it cannot be 0
# either. What underflows is a share too small to be written down.
#
# Right as well: `(x - x.logsumexp(dim, keepdim=True)).exp()`. With an all `-inf` row the maximum is `-inf`, and
# `-inf - -inf` is NaN, which is honest; `nan_to_num` makes zeros of it. Clamping large numbers instead of shifting them
# gives other shares, and replacing `-inf` by a large negative number gives a hidden row even shares.

# %% [markdown]
# ## What a prediction costs
# A classifier gives scores (**logits**) for `V` classes, and one class `y` is right. Its loss is minus the logarithm of
# the share that the right class got: 0 if it got everything, $\log V$ if it got as much as any other, and more for
# confident mistakes.
#
# $$ \mathrm{loss} = -\frac1N \sum_n \log p_n(y_n)
#    \qquad \log p_n(y) = x_{n,y} - \log \sum_j e^{x_{n,j}} $$
#
# Next-token prediction is exactly this, with the vocabulary as classes. The gradient is as simple as it could be: the
# shares minus 1 at the right class, divided by $N$. It can only be so simple if the logarithm is not taken of a share
# that has already rounded to 0.

# %% [markdown]
# ## Exercise: `log_softmax_nll` ★★
# `log_softmax_nll(logits[N, V], y[N]) -> scalar`: the mean over the `N` rows of minus the natural logarithm of the
# share that `y` got. `y` is int64, each in `[0, V)`. The result is a tensor without axes, in the dtype of the logits,
# and gradients flow. Logits a thousand times as large must work too: losses in the thousands, no infinity, no cut-off.
#
# Not allowed: `F.cross_entropy` and `F.nll_loss` (and the modules made of them). `log_softmax` is allowed, and so is
# what you wrote above.

# %% [markdown] hint="log_softmax_nll" rung=1
# Write the logarithm of the softmax as a difference. Which part of it is a single number per row, and which can be
# picked out of the logits?

# %% [markdown] hint="log_softmax_nll" rung=2
# For each row: the logarithm of the sum of exponentials, minus the logit of the right class. Then the mean over rows,
# not over all `N * V` entries. The picking is like `batched_gather_last`, with one axis less.

# %% [markdown] hint="log_softmax_nll" rung=3
# `logits.logsumexp(-1)` is the first part, safe for large numbers. For the second, `gather` along the last axis with
# `y` given a last axis, which is taken off afterwards. Subtract, and take the mean. Taking `log` of a softmax would be
# the same on paper and infinite for a confident mistake.


# %% exercise="log_softmax_nll" minutes=6
def log_softmax_nll(logits: Float[Tensor, "n vocab"], y: Int[Tensor, "n"]) -> Float[Tensor, ""]:
    """The mean surprise, in nats, at the classes that were right."""
    ### BEGIN SOLUTION
    chosen = logits.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return (logits.logsumexp(dim=-1) - chosen).mean()
    ### END SOLUTION


# %% check="log_softmax_nll" points=2
checks.run("log_softmax_nll")

# %% [markdown]
# Three ways to the same loss, for a model that is more and more sure of the wrong class. The second takes the logarithm
# of a share; the third adds a little something so that it never takes the logarithm of 0.

# %%
print("logit of the wrong class   log_softmax_nll   log(softmax)   log(softmax + 1e-9)")
for size in (1.0, 10.0, 50.0, 200.0, 1000.0):
    scores, right = torch.tensor([[size, 0.0]]), torch.tensor([1])
    share = torch.softmax(scores, dim=-1)[0, 1]
    print(f"{size:24.0f} {log_softmax_nll(scores, right):17.2f} {-share.log():14.2f} {-(share + 1e-9).log():21.2f}")

# %% [markdown] only="solutions"
# `-logits.log_softmax(-1)[torch.arange(len(y)), y].mean()` is right as well, and so is a one-hot product with the
# log-softmax. `log_probabilities[:, y]` is not: it scores every row on every target and makes `[N, N]`, whose mean
# looks like a loss. The cut-off at 20.7 in the last column is the worst of the three: it is finite, so nobody looks,
# and its gradient is almost 0 just where the model is most wrong.

# %% [markdown]
# ## Is this machine ready?
# The last function of this notebook looks at the machine itself. The course brings small trained models along, and a
# damaged weight file does not announce itself: it loads, and the model talks nonsense. So every model NAME has a
# **manifest** `NAME.json` beside its files. It is JSON, and of its entries this one matters here:
#
# ```
# "files": {
#   "stories.safetensors": {"sha256": "16e4c8...", "bytes": 860220},
#   ...
# }
# ```
# Each file lies in the folder of the manifest. It is good if the sha256 of its bytes, in lower-case hexadecimal, is the
# promised one. One changed bit changes that number completely.

# %% [markdown]
# ## Exercise: `device_dtype_report` ★★
# `device_dtype_report(manifest_path=None) -> dict` with exactly these keys:
#
# | key | value |
# |---|---|
# | `python` | Python's version as text, such as `"3.12.1"` |
# | `torch` | torch's version as text |
# | `device` | text: `"cuda"` or `"mps"` if there is one, else `"cpu"` |
# | `dtype` | torch's default dtype, as text |
# | `threads` | the number of threads that torch uses now |
# | `weights_ok` | `True` if the manifest can be read and every file in it is good, else `False` |
# | `problems` | a list of sentences, empty if there is nothing to mend |
#
# Each file that is missing or damaged is named in a sentence; a good one is named in none.
#
# `manifest_path` is the `Path` of a manifest; `None` means the one that came with the course, `STORIES_MANIFEST`. The
# function **never raises**: a manifest that is missing, is not JSON or lacks what it needs is a problem, too. A missing
# GPU is none. Each call looks anew. It needs no network, and it does not import `transformer_lens`, which takes
# seconds; whether a library is installed, `importlib.metadata` knows without importing it.

# %% [markdown] hint="device_dtype_report" rung=1
# What can go wrong between a path and a promised hash? List the places, then ask for each: does Python raise an error
# here, or does nothing happen at all?

# %% [markdown] hint="device_dtype_report" rung=2
# First read the manifest into a dict from file name to promised hash, inside a `try`; if that fails there is one
# problem and no file to look at. Then go through the files: is it there, and is the hash of its bytes the promised
# one? `weights_ok` follows from the list of problems. For the rest ask `platform` and `torch`, do not write it down.

# %% [markdown] hint="device_dtype_report" rung=3
# Reading: `json.loads(path.read_text())`, then the entry `"files"`, then `"sha256"` of each. Errors to expect:
# `OSError` (not there), `ValueError` (no JSON, no UTF-8), `LookupError`, `TypeError` and `AttributeError` (another
# form). Files: `path.parent / name`; `hashlib.sha256` of `read_bytes()`, then `hexdigest()`. The default dtype and the
# number of threads have a function in torch whose name begins with `get_`.


# %% exercise="device_dtype_report" minutes=10
def device_dtype_report(manifest_path: Path | None = None) -> dict[str, object]:
    """What this machine computes with, and whether the weights of a manifest are whole. Never raises."""
    ### BEGIN SOLUTION
    path = manifest_path or STORIES_MANIFEST
    problems = []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["files"]
        promised = {name: entry["sha256"] for name, entry in entries.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        promised = {}
        problems.append(f"The manifest {path} cannot be read ({type(error).__name__}): install the course again.")
    for name, sha256 in promised.items():
        file = path.parent / name
        if not file.is_file():
            problems.append(f"{file} is missing: install the course again.")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            problems.append(f"{file} is damaged, its content is not what the manifest promises: install it again.")
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }
    ### END SOLUTION


# %% check="device_dtype_report" points=3
checks.run("device_dtype_report")

# %% [markdown]
# Your preflight: first the report on this machine, then your function on every model that came with the course.

# %%
for key, value in device_dtype_report().items():
    print(f"{key:12} {value}")
reports = {path.stem: device_dtype_report(path) for path in sorted(SHIPPED.glob("*.json"))}
print(f"\n{sum(report['weights_ok'] for report in reports.values())} of {len(reports)} models are whole.")
for report in reports.values():
    print("".join(f"  {problem}\n" for problem in report["problems"]), end="")

# %% [markdown] only="solutions"
# The loop over files could stop at the first bad one; a report that names them all saves the person who mends it a
# second round. `read_bytes` is fine for files of a megabyte. For gigabytes read in pieces, or use
# `hashlib.file_digest`. Catching `Exception` around the reading is defensible here, because "never raises" is the
# promise; a bare `except:` is not, for it would also swallow Ctrl-C.

# %% [markdown]
# ## What you built
# The moves that attention, the loss and the sampler are made of, and a preflight. From notebook 03 on you will meet
# `split_heads` as an einsum pattern, the softmax inside attention, and the loss in 04.
#
# Next: `00b_autograd` shows where gradients come from; if you know that, go on to `01_tokenizer`.
#
# ## Questions
# 1. **What does a wrong shape cost?** Three mistakes of this notebook (a reshape without a transpose, `[3, 1]` minus
#    `[3]`, an index of -1) raise no error and train a model that is merely worse. If you read that a published model
#    "does not represent" something, how would you rule out that the *probe* mixed up two axes?
# 2. **Who checks the weights?** A hash says that a file is what somebody promised. It does not say that the promise was
#    good. Which attacks on a model does your preflight stop, and which does it not even see?
#
# ## References
# - Harris et al. 2020, *Array programming with NumPy*: strides, views, broadcasting.
# - Rogozhnikov 2022, *Einops: Clear and Reliable Tensor Manipulations with Einstein-like Notation*.
# - Blanchard, Higham and Higham 2021, *Accurately computing the log-sum-exp and softmax functions*.
