"""What is graded in notebook 02, Embedding, position, LayerNorm, MLP: one function for each promise."""


def test_embed_values(submission):
    """Each token id picks its row of W_E, in every row of the batch."""
    submission.passes("embed", "values")


def test_embed_large_vocabulary(submission):
    """Ids beyond what a byte or half precision can hold find their row too; float64 weights give float64."""
    submission.passes("embed", "large_vocabulary")


def test_embed_gradient(submission):
    """The gradient reaches exactly the rows that were used, once for every use."""
    submission.passes("embed", "gradient")


def test_pos_embed_values(submission):
    """The row of W_pos depends on the position alone, in every row of the batch; n_ctx is 11 here, and 11 fit."""
    submission.passes("pos_embed", "values")


def test_pos_embed_offset(submission):
    """With an offset, counting starts there, and the last position with a row is n_ctx - 1: here 10."""
    submission.passes("pos_embed", "offset")


def test_pos_embed_limit(submission):
    """A position at or beyond n_ctx, here 11, has no row: it is an error, never somebody else's row."""
    submission.passes("pos_embed", "limit")


def test_pos_embed_gradient(submission):
    """The gradient reaches exactly the rows of the positions used, once for every row of the batch."""
    submission.passes("pos_embed", "gradient")


def test_layer_norm_values(submission):
    """Each position is normalised on its own, then scaled by w and shifted by b; the result has the dtype of x."""
    submission.passes("layer_norm", "values")


def test_layer_norm_small_variance(submission):
    """Where a row hardly varies, eps decides: it is added to the variance, and it comes from the config."""
    submission.passes("layer_norm", "small_variance")


def test_layer_norm_one_feature(submission):
    """With d_model = 1 nothing is left of x, and the result is b."""
    submission.passes("layer_norm", "one_feature")


def test_layer_norm_half(submission):
    """Half precision is computed in float32, where the squares fit, and given back in half precision."""
    submission.passes("layer_norm", "half")


def test_layer_norm_gradient(submission):
    """The gradient reaches x, through the mean and the variance too, and w and b."""
    submission.passes("layer_norm", "gradient")


def test_gelu_new_values(submission):
    """From -6 to 6 your gelu_new gives the tanh form, in float32 and in float64."""
    submission.passes("gelu_new", "values")


def test_gelu_new_any_shape(submission):
    """Each element is treated alone: any shape, any layout, and the dtype of x comes back."""
    submission.passes("gelu_new", "any_shape")


def test_gelu_new_far_out(submission):
    """Far from 0 it is x on the right and 0 on the left, to the last digit."""
    submission.passes("gelu_new", "far_out")


def test_gelu_new_gradient(submission):
    """The gradient is that of the tanh form."""
    submission.passes("gelu_new", "gradient")


def test_gelu_exact_values(submission):
    """From -6 to 6 your gelu_exact gives x times the normal distribution function, in float32 and in float64."""
    submission.passes("gelu_exact", "values")


def test_gelu_exact_any_shape(submission):
    """Each element is treated alone: any shape, any layout, and the dtype of x comes back."""
    submission.passes("gelu_exact", "any_shape")


def test_gelu_exact_far_out(submission):
    """Far from 0 it is x on the right and 0 on the left, to the last digit."""
    submission.passes("gelu_exact", "far_out")


def test_gelu_exact_gradient(submission):
    """The gradient is that of the exact form."""
    submission.passes("gelu_exact", "gradient")


def test_mlp_values(submission):
    """x goes through W_in and b_in, gelu_new, W_out and b_out."""
    submission.passes("mlp", "values")


def test_mlp_position_by_position(submission):
    """A position's result depends on that position alone: not on its neighbours, its place or the batch."""
    submission.passes("mlp", "position_by_position")


def test_mlp_gradient(submission):
    """The gradient reaches x, both matrices and both biases."""
    submission.passes("mlp", "gradient")


def test_param_count_untied(submission):
    """Each part of an untied model is counted over all layers, and the total is the sum of the parts."""
    submission.passes("param_count", "untied")


def test_param_count_tied(submission):
    """Tied, the unembedding shares its matrix with the embedding, and only b_U is its own."""
    submission.passes("param_count", "tied")


def test_fold_layernorm_values(submission):
    """Your W' and bias' do to a normalised x what w, b, W and bias did, for one output axis and for several."""
    submission.passes("fold_layernorm", "values")


def test_fold_layernorm_any_layout(submission):
    """Matrices that are not contiguous fold too: W_in is often a transposed view."""
    submission.passes("fold_layernorm", "any_layout")
