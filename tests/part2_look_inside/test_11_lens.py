"""What is graded in notebook 11, logit lens and direct attribution: one function for each promise."""


def test_apply_ln_final_own_scale(submission):
    """Without `scale_from` it is the model's final LayerNorm, for a stack of residuals as for one."""
    submission.passes("apply_ln_final", "own_scale")


def test_apply_ln_final_frozen_scale(submission):
    """With `scale_from` the vectors are divided by the scale of that residual, and not by their own."""
    submission.passes("apply_ln_final", "frozen_scale")


def test_apply_ln_final_frozen_for_a_stack(submission):
    """One `scale_from` serves a whole stack of residuals."""
    submission.passes("apply_ln_final", "frozen_for_a_stack")


def test_apply_ln_final_its_own_from_outside(submission):
    """A residual given as its own `scale_from` comes out as without one."""
    submission.passes("apply_ln_final", "its_own_from_outside")


def test_apply_ln_final_gradient(submission):
    """It can be differentiated."""
    submission.passes("apply_ln_final", "gradient")


def test_logit_lens_values(submission):
    """Entry l has the logits that the model gives when everything from layer l on writes nothing."""
    submission.passes("logit_lens", "values")


def test_logit_lens_last_entry(submission):
    """The last entry has the model's own logits."""
    submission.passes("logit_lens", "last_entry")


def test_logit_lens_one_layer(submission):
    """A model of one layer has two entries."""
    submission.passes("logit_lens", "one_layer")


def test_lens_rank_ties(submission):
    """Tokens with equal logits share the better rank."""
    submission.passes("lens_rank", "ties")


def test_lens_rank_values(submission):
    """The rank of the target at each layer and position: how many tokens have a larger logit."""
    submission.passes("lens_rank", "values")


def test_lens_rank_best_and_worst(submission):
    """The likeliest token has rank 0, the unlikeliest d_vocab - 1."""
    submission.passes("lens_rank", "best_and_worst")


def test_lens_rank_removed_tokens(submission):
    """Logits of minus infinity are just very low."""
    submission.passes("lens_rank", "removed_tokens")


def test_lens_rank_one_of_each(submission):
    """One layer, one row and one position will do."""
    submission.passes("lens_rank", "one_of_each")


def test_lens_kl_values(submission):
    """KL(final || lens) at each layer and position, in nats."""
    submission.passes("lens_kl", "values")


def test_lens_kl_by_hand(submission):
    """With probabilities 1/2, 1/2 in the model and 1/4, 3/4 in the lens it is ln(4/3) / 2."""
    submission.passes("lens_kl", "by_hand")


def test_lens_kl_nothing_lost(submission):
    """A lens that gives the model's probabilities loses nothing, whatever is added to all logits of a position."""
    submission.passes("lens_kl", "nothing_lost")


def test_lens_kl_certainty(submission):
    """It stays a number where a probability is too small for one."""
    submission.passes("lens_kl", "certainty")


def test_lens_kl_gradient(submission):
    """It can be differentiated, as the tuned lens needs it."""
    submission.passes("lens_kl", "gradient")


def test_tuned_lens_fit_begins_plain(submission):
    """With no steps A is the identity and b is zero: the plain lens."""
    submission.passes("tuned_lens_fit", "begins_plain")


def test_tuned_lens_fit_better(submission):
    """On rows that the fit has not seen, the KL divergence is far below that of the plain lens."""
    submission.passes("tuned_lens_fit", "better")


def test_tuned_lens_fit_better_when_shifted(submission):
    """So it is where all that is wrong with the stream is a constant that has been added to it."""
    submission.passes("tuned_lens_fit", "better_when_shifted")


def test_tuned_lens_fit_leaves_the_model(submission):
    """The model's weights are as before, and none has a gradient or has lost its flag."""
    submission.passes("tuned_lens_fit", "leaves_the_model")


def test_logit_diff_mean(submission):
    """Without more it is the mean over the rows, at the last position."""
    submission.passes("logit_diff", "mean")


def test_logit_diff_for_each(submission):
    """With per_prompt it is one number for each row."""
    submission.passes("logit_diff", "for_each")


def test_logit_diff_padded(submission):
    """With `last` each row is read at its own last real token; what stands in the padding does not matter."""
    submission.passes("logit_diff", "padded")


def test_logit_diff_one_row(submission):
    """One row will do."""
    submission.passes("logit_diff", "one_row")


def test_logit_diff_gradient(submission):
    """It can be differentiated, so that it can be a metric."""
    submission.passes("logit_diff", "gradient")


def test_dla_components_hand_set(submission):
    """In a model that is set by hand each part contributes what a pencil finds."""
    submission.passes("dla_components", "hand_set")


def test_dla_components_effects(submission):
    """Each value is what the logit difference loses when that part is taken out and the scale stays as it was."""
    submission.passes("dla_components", "effects")


def test_dla_components_at_a_position(submission):
    """With `pos` it is the logit difference at that position."""
    submission.passes("dla_components", "at_a_position")


def test_dla_components_all_together(submission):
    """The values of a row, the last one included, sum to its logit difference."""
    submission.passes("dla_components", "all_together")


def test_dla_heads_hand_set(submission):
    """In a model that is set by hand each head contributes what a pencil finds."""
    submission.passes("dla_heads", "hand_set")


def test_dla_heads_effects(submission):
    """Each value is what the logit difference loses when that head's part is taken out and the scale stays."""
    submission.passes("dla_heads", "effects")


def test_dla_heads_at_a_position(submission):
    """With `pos` it is the logit difference at that position."""
    submission.passes("dla_heads", "at_a_position")


def test_dla_neurons_hand_set(submission):
    """In a model that is set by hand each neuron contributes what a pencil finds."""
    submission.passes("dla_neurons", "hand_set")


def test_dla_neurons_effects(submission):
    """Each value is what the logit difference loses when that neuron's vector is taken out and the scale stays."""
    submission.passes("dla_neurons", "effects")


def test_dla_neurons_at_a_position(submission):
    """With `pos` it is the logit difference at that position."""
    submission.passes("dla_neurons", "at_a_position")
