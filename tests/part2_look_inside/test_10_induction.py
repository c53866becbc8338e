"""What is graded in notebook 10, induction heads: one function for each promise."""


def test_repeated_tokens_rows(submission):
    """Every row is [bos, half, half]: 2P + 1 ids below V, and bos nowhere but at the start."""
    submission.passes("repeated_tokens", "rows")


def test_repeated_tokens_uniform(submission):
    """Every id but bos is equally likely at every place of the half, and one place says nothing about another."""
    submission.passes("repeated_tokens", "uniform")


def test_repeated_tokens_distinct_rows(submission):
    """Each row has a half of its own."""
    submission.passes("repeated_tokens", "distinct_rows")


def test_repeated_tokens_seeded(submission):
    """The same seed gives the same tokens, another seed gives others, whatever was asked in between."""
    submission.passes("repeated_tokens", "seeded")


def test_prev_token_score_values(submission):
    """For each head, the mean over batch and queries 1 to T - 1 of the attention to the position before."""
    submission.passes("prev_token_score", "values")


def test_prev_token_score_known_heads(submission):
    """A head that attends to the token before has score 1; one that attends anywhere else has 0."""
    submission.passes("prev_token_score", "known_heads")


def test_prev_token_score_two_positions(submission):
    """Two positions, one query that counts, are enough."""
    submission.passes("prev_token_score", "two_positions")


def test_current_token_score_values(submission):
    """For each head, the mean over batch and queries 1 to T - 1 of the attention to the query's own position."""
    submission.passes("current_token_score", "values")


def test_current_token_score_known_heads(submission):
    """A head that attends to itself has score 1; any other has 0, whatever it does in row 0."""
    submission.passes("current_token_score", "known_heads")


def test_current_token_score_two_positions(submission):
    """Two positions, one query that counts, are enough."""
    submission.passes("current_token_score", "two_positions")


def test_first_token_score_values(submission):
    """For each head, the mean over batch and queries 1 to T - 1 of the attention to position 0."""
    submission.passes("first_token_score", "values")


def test_first_token_score_known_heads(submission):
    """A head that rests on position 0 has score 1; any other has 0, although in row 0 it must attend there."""
    submission.passes("first_token_score", "known_heads")


def test_first_token_score_two_positions(submission):
    """Two positions, one query that counts, are enough."""
    submission.passes("first_token_score", "two_positions")


def test_induction_score_values(submission):
    """For each head, the mean over batch and queries P + 1 to 2P of the attention to key query - P + 1."""
    submission.passes("induction_score", "values")


def test_induction_score_known_heads(submission):
    """A head that attends to what followed this token has score 1, and one that attends to this token itself has 0."""
    submission.passes("induction_score", "known_heads")


def test_induction_score_short_halves(submission):
    """Halves of one and of two tokens work: with one, what followed the token is the token at hand itself."""
    submission.passes("induction_score", "short_halves")


def test_find_heads_built_in(submission):
    """In models with shuffled heads of known kinds, the induction heads above the threshold are found, no others."""
    submission.passes("find_heads", "built_in")


def test_find_heads_no_such_head(submission):
    """A model with random weights has none; and at a threshold below 0, every head of every layer is found."""
    submission.passes("find_heads", "no_such_head")


def test_find_heads_trained(submission):
    """With P = 20, as in the default, three heads of the zoo's induction model are found, and none of its control."""
    submission.passes("find_heads", "trained")


def test_find_heads_texts(submission):
    """The model is fed rows [bos, half, half] of 2P + 1 tokens; the seed alone decides which."""
    submission.passes("find_heads", "texts")


def test_find_heads_leaves_no_trace(submission):
    """The model is left as it was."""
    submission.passes("find_heads", "leaves_no_trace")


def test_per_token_gain_values(submission):
    """The mean loss of predicting positions 1 to P, and the mean loss of predicting positions P + 2 to 2P."""
    submission.passes("per_token_gain", "values")


def test_per_token_gain_closed_form(submission):
    """A model that says the same everywhere has losses that you can compute by hand, token by token."""
    submission.passes("per_token_gain", "closed_form")


def test_per_token_gain_built_circuit(submission):
    """A model built as an induction circuit pays log(1 + (V - 1) exp(-4)) for each token that it can know."""
    submission.passes("per_token_gain", "built_circuit")


def test_per_token_gain_leaves_no_trace(submission):
    """The model is left as it was."""
    submission.passes("per_token_gain", "leaves_no_trace")


def test_ablate_and_rank_values(submission):
    """Entry [layer, head]: the second half's loss with that head averaged over the batch, minus the loss without."""
    submission.passes("ablate_and_rank", "values")


def test_ablate_and_rank_built_circuit(submission):
    """In a hand-built circuit the two heads that do it are told from heads that only look the same."""
    submission.passes("ablate_and_rank", "built_circuit")


def test_ablate_and_rank_one_row(submission):
    """With one row the mean over the batch is what the head writes anyway: nothing rises."""
    submission.passes("ablate_and_rank", "one_row")


def test_ablate_and_rank_leaves_no_trace(submission):
    """The model is left as it was."""
    submission.passes("ablate_and_rank", "leaves_no_trace")


def test_k_composition_check_values(submission):
    """The drop of the induction score is right for any two heads, whatever stands between them."""
    submission.passes("k_composition_check", "values")


def test_k_composition_check_built_circuit(submission):
    """In a hand-built circuit, hiding the head that notes the token before from the keys takes the score away."""
    submission.passes("k_composition_check", "built_circuit")


def test_k_composition_check_keys_only(submission):
    """Only the keys are kept from seeing the head: one that the queries need alone has no effect."""
    submission.passes("k_composition_check", "keys_only")


def test_k_composition_check_leaves_no_trace(submission):
    """The model is left as it was."""
    submission.passes("k_composition_check", "leaves_no_trace")
