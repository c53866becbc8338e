"""What is graded in notebook 00, Tensors: one function for each promise."""


def test_split_heads_values(submission):
    """Head h of position t gets the numbers h*K to (h+1)*K of that position: [B, T, H*K] becomes [B, H, T, K]."""
    submission.passes("split_heads", "values")


def test_split_heads_equal_lengths(submission):
    """The axes are in the right order also where they have the same length and no shape can tell them apart."""
    submission.passes("split_heads", "equal_lengths")


def test_split_heads_single(submission):
    """It works for one head, for heads of width 1, for one position and for one row."""
    submission.passes("split_heads", "single")


def test_split_heads_gradient(submission):
    """Each number's gradient finds its way back to its place in x."""
    submission.passes("split_heads", "gradient")


def test_merge_heads_values(submission):
    """At each position the heads' vectors are put side by side, head 0 first: [B, H, T, K] becomes [B, T, H*K]."""
    submission.passes("merge_heads", "values")


def test_merge_heads_inverse(submission):
    """Merging what was split gives the tensor that was split."""
    submission.passes("merge_heads", "inverse")


def test_merge_heads_single(submission):
    """It works for one head, for heads of width 1, for one position and for one row."""
    submission.passes("merge_heads", "single")


def test_merge_heads_gradient(submission):
    """Each number's gradient finds its way back to its place in z."""
    submission.passes("merge_heads", "gradient")


def test_batched_gather_last_values(submission):
    """Entry (b, t) is the number that idx[b, t] points at among the last axis of logits[b, t]."""
    submission.passes("batched_gather_last", "values")


def test_batched_gather_last_single(submission):
    """It works for one row, for one position, for a vocabulary of one, and for an idx that lies anyhow in memory."""
    submission.passes("batched_gather_last", "single")


def test_batched_gather_last_both_ends(submission):
    """The first and the last entry of the vocabulary can be picked like any other."""
    submission.passes("batched_gather_last", "both_ends")


def test_batched_gather_last_out_of_range(submission):
    """An index below 0, or at V and beyond, is an error: it must not pick some other number."""
    submission.passes("batched_gather_last", "out_of_range")


def test_batched_gather_last_gradient(submission):
    """The gradient goes to the numbers that were picked, and to no others."""
    submission.passes("batched_gather_last", "gradient")


def test_stable_softmax_values(submission):
    """Along the axis `dim`, whichever it is, the numbers become positive shares that add up to 1."""
    submission.passes("stable_softmax", "values")


def test_stable_softmax_any_rank(submission):
    """It takes tensors with any number of axes, and an axis of length 1."""
    submission.passes("stable_softmax", "any_rank")


def test_stable_softmax_far_offsets(submission):
    """Adding ten thousand to a row, or taking it away, changes nothing: no exponential overflows."""
    submission.passes("stable_softmax", "far_offsets")


def test_stable_softmax_rows_apart(submission):
    """Rows that lie far from each other do not disturb each other."""
    submission.passes("stable_softmax", "rows_apart")


def test_stable_softmax_removed(submission):
    """An entry of -inf gets exactly 0, and the others share the 1 among them."""
    submission.passes("stable_softmax", "removed")


def test_stable_softmax_nothing_left(submission):
    """A row of nothing but -inf has no answer: NaN or zeros there, and all other rows are as they should be."""
    submission.passes("stable_softmax", "nothing_left")


def test_stable_softmax_half_precision(submission):
    """In float16 the shares are right to float16's own rounding, and the result is float16."""
    submission.passes("stable_softmax", "half_precision")


def test_stable_softmax_gradient(submission):
    """The gradient is that of the shares: pushing one up pulls the others down."""
    submission.passes("stable_softmax", "gradient")


def test_log_softmax_nll_values(submission):
    """The mean over the rows of minus the log-probability of each row's own target."""
    submission.passes("log_softmax_nll", "values")


def test_log_softmax_nll_by_hand(submission):
    """Four equally likely classes cost log 4 each, and a sure and right answer costs nothing."""
    submission.passes("log_softmax_nll", "by_hand")


def test_log_softmax_nll_extreme_logits(submission):
    """Logits a thousand times as large give the right loss: nothing overflows, and no loss is cut off."""
    submission.passes("log_softmax_nll", "extreme_logits")


def test_log_softmax_nll_gradient(submission):
    """The gradient is (p - onehot) / N: the probabilities minus 1 at the target, for logits of any size."""
    submission.passes("log_softmax_nll", "gradient")


def test_device_dtype_report_nothing_reached(submission):
    """A report needs no network and does not import transformer_lens, which takes seconds."""
    submission.passes("device_dtype_report", "nothing_reached")


def test_device_dtype_report_good_weights(submission):
    """Weights that are what their manifest promises are good, and there is no problem to report."""
    submission.passes("device_dtype_report", "good_weights")


def test_device_dtype_report_bad_manifest(submission):
    """A manifest that is missing or cannot be read is a problem, never an error."""
    submission.passes("device_dtype_report", "bad_manifest")


def test_device_dtype_report_bad_weights(submission):
    """A file that is not what the manifest promises, or is not there, is a problem with the file's name in it."""
    submission.passes("device_dtype_report", "bad_weights")


def test_device_dtype_report_machine(submission):
    """Versions, device, default dtype and number of threads are those of this Python, now."""
    submission.passes("device_dtype_report", "machine")


def test_device_dtype_report_shipped(submission):
    """Without a path it is the weights of stories, which came with the course, that are checked."""
    submission.passes("device_dtype_report", "shipped")
