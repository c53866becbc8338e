"""Notebook 03, attention: what each exercise must fulfil."""


def test_causal_mask_is_a_triangle(submission):
    """As many queries as keys: each position may attend to itself and to all before it."""
    submission.passes("causal_mask", "square")


def test_causal_mask_puts_few_queries_last(submission):
    """Fewer queries than keys: the queries are the last positions, so they see more of the past."""
    submission.passes("causal_mask", "rectangular")


def test_apply_mask_hides_a_tempting_future(submission):
    """The future's scores are hidden even where they are the highest, and the others stay exactly as they are."""
    submission.passes("apply_mask", "tempting_future")


def test_apply_mask_puts_few_queries_last(submission):
    """With fewer queries than keys, the queries are the last positions."""
    submission.passes("apply_mask", "rectangular")


def test_apply_mask_works_in_half_precision(submission):
    """Scores in float16 come back in float16, with the future hidden by a number that float16 has."""
    submission.passes("apply_mask", "half_precision")


def test_apply_mask_carries_the_gradient(submission):
    """Through a softmax, the gradient reaches the scores that are seen and no others."""
    submission.passes("apply_mask", "gradient")


def test_attn_scores_are_scaled_products(submission):
    """Each score is a query times a key, divided by the square root of d_head."""
    submission.passes("attn_scores", "values")


def test_attn_scores_follow_the_sizes_given(submission):
    """The same for one position, for one head, and where d_head is larger than d_model."""
    submission.passes("attn_scores", "other_sizes")


def test_attn_scores_add_the_key_bias(submission):
    """b_K adds the same number to a query's scores for all keys: it must be there, although no softmax will see it."""
    submission.passes("attn_scores", "key_bias")


def test_attn_scores_carry_the_gradient(submission):
    """The gradient reaches x, both matrices and both biases."""
    submission.passes("attn_scores", "gradient")


def test_attn_pattern_shares_sum_to_one_over_keys(submission):
    """Each query's scores become shares of its attention: positive, and summing to 1 over the keys."""
    submission.passes("attn_pattern", "values")


def test_attn_pattern_gives_hidden_scores_nothing(submission):
    """A hidden score gets a share of exactly 0, whether it was hidden by -inf or by the lowest number."""
    submission.passes("attn_pattern", "masked_scores")


def test_attn_pattern_survives_large_scores(submission):
    """Rows far above zero, far below it and with very different maxima are normalised each by itself."""
    submission.passes("attn_pattern", "large_scores")


def test_attn_pattern_works_in_half_precision(submission):
    """Scores in float16 give a pattern in float16."""
    submission.passes("attn_pattern", "half_precision")


def test_attn_pattern_carries_the_gradient(submission):
    """The gradient reaches the scores."""
    submission.passes("attn_pattern", "gradient")


def test_weighted_values_sum_what_is_read(submission):
    """Each query gets the sum of the keys' values, each times its share, head by head."""
    submission.passes("weighted_values", "values")


def test_weighted_values_start_with_the_first_value(submission):
    """With a causal pattern, the first position gets its own value back."""
    submission.passes("weighted_values", "causal_pattern")


def test_weighted_values_take_fewer_queries_than_keys(submission):
    """There may be fewer queries than keys, and as few as one of each."""
    submission.passes("weighted_values", "rectangular")


def test_weighted_values_carry_the_gradient(submission):
    """The gradient reaches the pattern and the values."""
    submission.passes("weighted_values", "gradient")


def test_combine_heads_sums_and_adds_the_bias_once(submission):
    """The sum over heads of z times that head's W_O, and b_O once."""
    submission.passes("combine_heads", "values")


def test_combine_heads_follows_the_sizes_given(submission):
    """The same where W_O is square, for one head and for one position."""
    submission.passes("combine_heads", "other_sizes")


def test_combine_heads_is_a_sum_of_single_heads(submission):
    """What all heads write is the sum of what each writes alone, and b_O is there once."""
    submission.passes("combine_heads", "each_head_adds")


def test_combine_heads_carries_the_gradient(submission):
    """The gradient reaches z, W_O and b_O."""
    submission.passes("combine_heads", "gradient")


def test_attention_agrees_with_pytorch(submission):
    """The layer agrees with PyTorch's causal attention for any batch and length."""
    submission.passes("attention", "values")


def test_attention_takes_its_sizes_from_the_config(submission):
    """The sizes come from the config: here with one head that is wider than the stream."""
    submission.passes("attention", "other_sizes")


def test_attention_does_not_see_the_future(submission):
    """Later tokens move no earlier output, however large they are and however low the earlier positions' own scores."""
    submission.passes("attention", "causality")


def test_attention_takes_large_scores_as_they_are(submission):
    """Scores of a hundred count as they are: nothing limits them."""
    submission.passes("attention", "large_scores")


def test_attention_keeps_nothing_between_calls(submission):
    """A call leaves nothing behind that the next one would see, and eval mode and torch.no_grad() change no number."""
    submission.passes("attention", "again")


def test_attention_without_a_head_is_what_the_others_write(submission):
    """With one head's W_O set to 0, the layer writes what the other heads write, and b_O once."""
    submission.passes("attention", "head_silenced")


def test_attention_carries_the_gradient(submission):
    """The gradient reaches x and all eight parameters."""
    submission.passes("attention", "gradient")


def test_attention_flops_hold_for_odd_sizes(submission):
    """The count holds for sizes where no two numbers agree, and d_head is not d_model / n_heads."""
    submission.passes("attention_flops", "odd_sizes")


def test_attention_flops_of_gpt2_small(submission):
    """One layer of GPT-2 small costs 8,053,063,680 operations at its full context of 1,024 positions."""
    submission.passes("attention_flops", "gpt2_small")
