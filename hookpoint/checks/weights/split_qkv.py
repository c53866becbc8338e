"""Checks for `split_qkv` (part 1, notebook 05)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, refuses, same
from hookpoint.checks.compare import describe

PARTS = ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V")
D, H = 15, 3


def reference(w, b, n_heads):
    """Column by column: which part, which head and which place in the head it belongs to."""
    d_model, d_head = w.shape[0], w.shape[0] // n_heads
    matrices, biases = torch.empty(3, n_heads, d_model, d_head), torch.empty(3, n_heads, d_head)
    matrices, biases = matrices.to(w.dtype), biases.to(b.dtype)
    for column in range(3 * d_model):
        part, rest = divmod(column, d_model)
        head, place = divmod(rest, d_head)
        matrices[part, head, :, place] = w[:, column]
        biases[part, head, place] = b[column]
    return (*matrices, *biases)


def parts(learner, w, b, n_heads, when=""):
    """The six parts, compared one after the other so that a message can name the first that is wrong."""
    got = learner.split_qkv(w, b, n_heads)
    if not isinstance(got, (tuple, list)) or len(got) != len(PARTS):
        raise Mismatch(f"returned {describe(got)}, expected six tensors: {', '.join(PARTS)}.", got=got)
    for name, mine, want in zip(PARTS, got, reference(w, b, n_heads), strict=True):
        try:
            same(mine, want, f"in {name} {when}".strip())
        except Mismatch as mismatch:
            mismatch.got = got
            raise


def values(learner, draw):
    """Columns are queries, keys, values, in this order; within each, head after head."""
    parts(learner, draw.normal(D, 3 * D), draw.normal(3 * D), H)
    parts(learner, draw.normal(14, 42), draw.normal(42), 2)


def edges(learner, draw):
    """One head takes all columns of its part; as many heads as columns take one each."""
    for d_model, n_heads in ((6, 1), (5, 5), (9, 3)):
        parts(learner, draw.normal(d_model, 3 * d_model), draw.normal(3 * d_model), n_heads, f"with {n_heads} heads")


def dtypes(learner, draw):
    """The parts have the dtype of what came in, whatever its layout in memory."""
    w, b = draw.normal(D, 3 * D), draw.normal(3 * D)
    for dtype in (torch.float64, torch.float16):
        parts(learner, w.to(dtype), b.to(dtype), H, f"from {str(dtype).removeprefix('torch.')}")
    parts(learner, w.mT.contiguous().mT, b, H, "from a matrix that is not contiguous")


def uneven(learner, draw):
    """Heads that cannot share d_model evenly are refused."""
    parts(learner, draw.normal(D, 3 * D), draw.normal(3 * D), H)
    for d_model, n_heads in ((15, 4), (10, 3), (6, 9)):  # in the last two, the joint matrix could be shared
        w, b = draw.normal(d_model, 3 * d_model), draw.normal(3 * d_model)
        try:
            refuses(learner.split_qkv, w, b, n_heads)
        except Mismatch as mismatch:
            raise Mismatch(mismatch.fact, f"  {n_heads} heads cannot share a d_model of {d_model} evenly.") from None


def split(w, b, n_heads, matrix, bias, order=(0, 1, 2)):
    """Cuts the columns in three and applies the two rearrangements; `order` says which part is called what."""
    if w.shape[0] % n_heads:
        raise ValueError
    matrices, biases = w.chunk(3, dim=-1), b.chunk(3)
    return (
        *(matrix(matrices[at], n_heads) for at in order),
        *(bias(biases[at], n_heads) for at in order),
    )


def heads_of(matrix, n_heads):
    return matrix.reshape(matrix.shape[0], n_heads, -1).transpose(0, 1)


def bias_of(bias, n_heads):
    return bias.reshape(n_heads, -1)


def interleaved_bias(bias, n_heads):
    return bias.reshape(-1, n_heads).T


def transposed(w, b, n_heads):
    return split(w, b, n_heads, lambda m, h: heads_of(m.T, h), bias_of)


def reshaped(w, b, n_heads):
    return split(w, b, n_heads, lambda m, h: m.reshape(h, m.shape[0], -1), bias_of)


def interleaved(w, b, n_heads):
    return split(w, b, n_heads, lambda m, h: m.reshape(m.shape[0], -1, h).permute(2, 0, 1), interleaved_bias)


def weights_interleaved(w, b, n_heads):
    return split(w, b, n_heads, lambda m, h: m.reshape(m.shape[0], -1, h).permute(2, 0, 1), bias_of)


def biases_interleaved(w, b, n_heads):
    return split(w, b, n_heads, heads_of, interleaved_bias)


def q_and_k_swapped(w, b, n_heads):
    return split(w, b, n_heads, heads_of, bias_of, order=(1, 0, 2))


def k_and_v_swapped(w, b, n_heads):
    return split(w, b, n_heads, heads_of, bias_of, order=(0, 2, 1))


def head_first(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    d_model = w.shape[0]
    matrices = w.reshape(d_model, n_heads, 3, -1).permute(2, 1, 0, 3)
    return (*matrices, *b.reshape(n_heads, 3, -1).transpose(0, 1))


def every_third(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    matrices = [heads_of(w[:, at::3], n_heads) for at in range(3)]
    return (*matrices, *(bias_of(b[at::3], n_heads) for at in range(3)))


def alternating(w, b, n_heads):
    W_Q, W_K, W_V, b_Q, b_K, b_V = reference_or_refusal(w, b, n_heads)
    return W_Q, b_Q, W_K, b_K, W_V, b_V


def axes_kept(w, b, n_heads):
    return split(w, b, n_heads, lambda m, h: m.reshape(m.shape[0], h, -1), bias_of)


def head_width_first(w, b, n_heads):
    return split(w, b, n_heads, lambda m, h: heads_of(m, h).mT, bias_of)


def flat_biases(w, b, n_heads):
    return split(w, b, n_heads, heads_of, lambda bias, h: bias)


def rest_left_out(w, b, n_heads):
    d_head = w.shape[0] // n_heads
    if not d_head:
        raise ValueError
    used = n_heads * d_head
    matrices = [heads_of(m[:, :used], n_heads) for m in w.chunk(3, dim=1)]
    return (*matrices, *(bias_of(part[:used], n_heads) for part in b.chunk(3)))


def to_float32(w, b, n_heads):
    return tuple(part.float() for part in reference_or_refusal(w, b, n_heads))


def reference_or_refusal(w, b, n_heads):
    return split(w, b, n_heads, heads_of, bias_of)


EXERCISE = Exercise(
    "split_qkv",
    checks=(values, edges, dtypes, uneven),
    reference=reference,
    slips=(
        Slip("each part is read as [out, in], the way of nn.Linear; a Conv1D stores [in, out]", transposed),
        Slip("a part is reshaped to [n_heads, d_model, d_head] at once, which mixes rows and heads", reshaped),
        Slip("the columns are read as [d_head, n_heads], so a head gets every n_heads-th column", interleaved),
        Slip(
            "the matrices' columns are read as [d_head, n_heads], the biases' as [n_heads, d_head]", weights_interleaved
        ),
        Slip("the biases are read as [d_head, n_heads]", biases_interleaved),
        Slip("queries and keys are exchanged", q_and_k_swapped),
        Slip("keys and values are exchanged", k_and_v_swapped),
        Slip("each head's queries, keys and values are taken from columns side by side", head_first),
        Slip("queries, keys and values are taken from every third column in turn", every_third),
        Slip("matrices and biases come in turn; the contract wants three matrices, then three biases", alternating),
        Slip("the axes stay [d_model, n_heads, d_head]; the heads come first", axes_kept),
        Slip("the last two axes of the matrices are exchanged: [n_heads, d_head, d_model]", head_width_first),
        Slip("the biases are not divided among the heads", flat_biases),
        Slip("columns that the heads cannot share are left out without a word", rest_left_out),
        Slip("the parts are turned into float32", to_float32),
    ),
)
