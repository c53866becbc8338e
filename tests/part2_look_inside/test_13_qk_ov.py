"""What is graded in notebook 13, QK and OV circuits: one function for each promise."""


def test_factored_matrix_product(submission):
    """AB is the product, in any dtype and with any batch axes."""
    submission.passes("factored_matrix", "product")


def test_factored_matrix_transpose(submission):
    """T is the transpose, a FactoredMatrix again; batch axes stay in front."""
    submission.passes("factored_matrix", "transpose")


def test_factored_matrix_multiplied(submission):
    """@ takes a matrix or another FactoredMatrix, on either side, and gives a FactoredMatrix."""
    submission.passes("factored_matrix", "multiplied")


def test_factored_matrix_numbers(submission):
    """norm() is the Frobenius norm of the product and trace() the sum of its diagonal, one per batch entry."""
    submission.passes("factored_matrix", "numbers")


def test_factored_matrix_singular(submission):
    """svd() gives U, S, V with AB = U diag(S) V.T: orthonormal columns, S the r largest singular values, descending."""
    submission.passes("factored_matrix", "singular")


def test_factored_matrix_stays_small(submission):
    """Only AB makes the m x n product: norm, svd, T and @ work on the factors."""
    submission.passes("factored_matrix", "stays_small")


def test_ov_matrix_values(submission):
    """Row i is what the head writes if it attends to a vector that is 1 at place i, without biases."""
    submission.passes("ov_matrix", "values")


def test_full_ov_values(submission):
    """AB is [V, V]: from the token that is attended to (row) to the logits that this adds (columns)."""
    submission.passes("full_ov", "values")


def test_full_ov_stays_small(submission):
    """No [V, V] tensor is made on the way."""
    submission.passes("full_ov", "stays_small")


def test_copying_score_exact(submission):
    """Copying scores 1, its opposite -1, a turn of the plane by an angle its cosine."""
    submission.passes("copying_score", "exact")


def test_copying_score_shares(submission):
    """top1 and top5 say how many tokens' own logit is the largest of its row, or among the five largest."""
    submission.passes("copying_score", "shares")


def test_copying_score_control(submission):
    """A circuit that has nothing to do with the token scores no better than chance."""
    submission.passes("copying_score", "control")


def test_copying_score_all_tokens(submission):
    """Every token of the vocabulary counts, the last ones too."""
    submission.passes("copying_score", "all_tokens")


def test_qk_matrix_values(submission):
    """Entry (i, j) is the unscaled score of place i of the query's vector with place j of the key's, without biases."""
    submission.passes("qk_matrix", "values")


def test_qk_matrix_gives_scores(submission):
    """x_query @ qk_matrix @ x_key, divided by sqrt(d_head), is the score that the model computes."""
    submission.passes("qk_matrix", "gives_scores")


def test_full_qk_values(submission):
    """AB is [V, V]: the unscaled score of every token as query (row) with every token as key (column)."""
    submission.passes("full_qk", "values")


def test_full_qk_stays_small(submission):
    """No [V, V] tensor is made on the way."""
    submission.passes("full_qk", "stays_small")


def test_prev_token_pattern_from_pos_values(submission):
    """Row q is the softmax over positions 0 to q of the scaled scores that W_pos gives, without biases."""
    submission.passes("prev_token_pattern_from_pos", "values")


def test_prev_token_pattern_from_pos_exact(submission):
    """A head built to look one place back, with a score of ln 4, gives that place 4 / (4 + the number of others)."""
    submission.passes("prev_token_pattern_from_pos", "exact")


def test_prev_token_pattern_from_pos_future_blind(submission):
    """A score of +50 for the future still gives it exactly 0."""
    submission.passes("prev_token_pattern_from_pos", "future_blind")


def test_decompose_scores_sums_to_scores(submission):
    """Summed over both kinds of part, the values are the head's scores, wherever the mask allows."""
    submission.passes("decompose_scores", "sums_to_scores")


def test_decompose_scores_each_pair(submission):
    """Entry (i, j) is what part i in the query and part j in the key give together, at LayerNorm's scale in the run."""
    submission.passes("decompose_scores", "each_pair")


def test_decompose_scores_exact(submission):
    """Where a head is built to read positions by its queries and tokens by its keys, no other pair gives anything."""
    submission.passes("decompose_scores", "exact")


def test_composition_score_values(submission):
    """The score is the norm of the product over the product of the norms, all of Frobenius."""
    submission.passes("composition_score", "values")


def test_composition_score_exact(submission):
    """1 where B reads the one direction that A writes, 0 where it reads another, 1 / sqrt(n) for identities."""
    submission.passes("composition_score", "exact")


def test_composition_score_scale_free(submission):
    """Scaling either matrix, or turning its sign, changes nothing."""
    submission.passes("composition_score", "scale_free")


def test_composition_baseline_each_pair(submission):
    """There is one score for each of n pairs, all different; a matrix of one row and one column composes fully."""
    submission.passes("composition_baseline", "each_pair")


def test_composition_baseline_distribution(submission):
    """The scores are spread as those of random normal matrices, both drawn anew for every pair."""
    submission.passes("composition_baseline", "distribution")


def test_composition_baseline_chance(submission):
    """The mean square of the scores is 1 over the size that the matrices share."""
    submission.passes("composition_baseline", "chance")


def test_composition_baseline_seeded(submission):
    """The generator decides the numbers: the same state gives the same scores, and it moves on with every draw."""
    submission.passes("composition_baseline", "seeded")


def test_svd_read_write_directions(submission):
    """read[i] through the OV matrix gives s[i] * write[i]; the directions have length 1 and stand at right angles."""
    submission.passes("svd_read_write", "directions")


def test_svd_read_write_exact(submission):
    """A head built to read places 0, 1, 2 and to write them to 5, 6, 7 with strengths 2, 6, 3 gives them in order."""
    submission.passes("svd_read_write", "exact")


def test_rotate_head_same_function(submission):
    """The new model gives the same logits, whatever the tokens, for any invertible R."""
    submission.passes("rotate_head", "same_function")


def test_rotate_head_head_changes(submission):
    """The head's queries and values become q @ R and v @ R; its keys fit them, and what heads write stays."""
    submission.passes("rotate_head", "head_changes")


def test_rotate_head_nothing_else(submission):
    """Every other weight of the new model is the old one's, and its dtype; the old model is as it was."""
    submission.passes("rotate_head", "nothing_else")


def test_rotate_head_own_copy(submission):
    """The two models share no weights: changing one does not change the other."""
    submission.passes("rotate_head", "own_copy")
