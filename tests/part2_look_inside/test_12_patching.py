"""What is graded in notebook 12, Patching: one function for each promise."""


def test_make_pairs_sentences(submission):
    """Every row of clean and corrupt is the sentence, with two different people of NAMES, one of whom gives."""
    submission.passes("make_pairs", "sentences")


def test_make_pairs_twins(submission):
    """A row's clean and corrupt sentence differ in who gives, and in nothing else."""
    submission.passes("make_pairs", "twins")


def test_make_pairs_labels(submission):
    """The answer is who receives in clean, and wrong is who receives in corrupt."""
    submission.passes("make_pairs", "labels")


def test_make_pairs_balanced(submission):
    """In half of the rows the first person gives (of an odd number, one more or less), and people change."""
    submission.passes("make_pairs", "balanced")


def test_make_pairs_seeded(submission):
    """One seed gives the same rows every time, and another seed gives others."""
    submission.passes("make_pairs", "seeded")


def test_normalised_metric_ends(submission):
    """The corrupt run is 0 and the clean run is 1, whichever of them has the larger number."""
    submission.passes("normalised_metric", "ends")


def test_normalised_metric_grid(submission):
    """A whole table of patched runs is measured on the scale of one clean and one corrupt number."""
    submission.passes("normalised_metric", "grid")


def test_normalised_metric_per_prompt(submission):
    """Where all three have a number for each prompt, each prompt has its own scale."""
    submission.passes("normalised_metric", "per_prompt")


def test_normalised_metric_numbers(submission):
    """Plain numbers will do as well."""
    submission.passes("normalised_metric", "numbers")


def test_normalised_metric_no_scale(submission):
    """Clean and corrupt being equal is an error, also where only one prompt has it."""
    submission.passes("normalised_metric", "no_scale")


def test_normalised_metric_small_gap(submission):
    """A small difference between clean and corrupt is used as it is, however small."""
    submission.passes("normalised_metric", "small_gap")


def test_patch_resid_exact(submission):
    """On a model whose effects are fractions, every place has its exact number."""
    submission.passes("patch_resid", "exact")


def test_patch_resid_values(submission):
    """Entry (layer, position) is the metric of the corrupt run with the clean stream before that layer, there alone."""
    submission.passes("patch_resid", "values")


def test_patch_resid_one_sequence(submission):
    """One sequence will do, and one layer, and an input of one position."""
    submission.passes("patch_resid", "one_sequence")


def test_patch_resid_one_difference(submission):
    """What is the same in both runs makes no difference: positions before the one where the inputs differ."""
    submission.passes("patch_resid", "one_difference")


def test_patch_resid_traceless(submission):
    """The model is left without hooks: a second call, and a plain run, give the same as before."""
    submission.passes("patch_resid", "traceless")


def test_patch_heads_exact(submission):
    """On a model whose effects are fractions, every head has its exact number, what passes through others included."""
    submission.passes("patch_heads", "exact")


def test_patch_heads_values(submission):
    """Entry (layer, head) is the metric of the corrupt run with that head's clean z, at all positions, in all rows."""
    submission.passes("patch_heads", "values")


def test_patch_heads_one_sequence(submission):
    """One sequence will do, and an input of one position."""
    submission.passes("patch_heads", "one_sequence")


def test_patch_heads_traceless(submission):
    """The model is left without hooks: a second call gives the same as the first."""
    submission.passes("patch_heads", "traceless")


def test_patch_by_position_exact(submission):
    """On a model whose effects are fractions, every head has its exact number at every position."""
    submission.passes("patch_by_position", "exact")


def test_patch_by_position_values(submission):
    """Entry (layer, head, position) is the metric of the corrupt run with the head's clean z at that position alone."""
    submission.passes("patch_by_position", "values")


def test_patch_by_position_one_sequence(submission):
    """One sequence will do, and as many positions as there are layers or heads."""
    submission.passes("patch_by_position", "one_sequence")


def test_patch_by_position_traceless(submission):
    """The model is left without hooks: a second call gives the same as the first."""
    submission.passes("patch_by_position", "traceless")


def test_attribution_patching_slopes(submission):
    """Entry (layer, head) is (clean - corrupt) times the gradient at the corrupt run, summed over the head's z."""
    submission.passes("attribution_patching", "slopes")


def test_attribution_patching_exact_where_linear(submission):
    """On a linear model it is exactly what patching changes: the patched run's metric minus the corrupt run's."""
    submission.passes("attribution_patching", "exact_where_linear")


def test_attribution_patching_few_runs(submission):
    """Two runs and one backward are enough for all heads; four runs are the most."""
    submission.passes("attribution_patching", "few_runs")


def test_attribution_patching_traceless(submission):
    """The model is left as it was: no hooks, and in its parameters the gradients that were there before, or none."""
    submission.passes("attribution_patching", "traceless")


def test_path_patch_exact(submission):
    """On a model whose effects are fractions, each path has its exact effect: by q, k or v, by others or directly."""
    submission.passes("path_patch", "exact")


def test_path_patch_no_path(submission):
    """Where no path leads from the sender to the receivers, the logits are those of the clean run."""
    submission.passes("path_patch", "no_path")


def test_path_patch_frozen_or_not(submission):
    """With freeze_mlps, or without a word, MLPs keep their clean values; with False they pass on what they hear."""
    submission.passes("path_patch", "frozen_or_not")


def test_path_patch_in_a_gpt2(submission):
    """With LayerNorm, MLPs and biases too, only what the sender itself writes reaches the receivers, and only them."""
    submission.passes("path_patch", "in_a_gpt2")


def test_path_patch_nothing_to_tell(submission):
    """Where clean and corrupt are the same, it is the clean run, and no hook is left; one sequence will do."""
    submission.passes("path_patch", "nothing_to_tell")


def test_edge_matrix_exact(submission):
    """On a model whose effects are fractions, every path has its exact effect, sign included, and no path has 0."""
    submission.passes("edge_matrix", "exact")


def test_edge_matrix_values(submission):
    """Entry (sender, receiver) is the metric with that path noised, minus the clean run's; the last column: logits."""
    submission.passes("edge_matrix", "values")


def test_faithfulness_exact(submission):
    """On a model whose effects are fractions, each circuit has its exact share of the metric."""
    submission.passes("faithfulness", "exact")


def test_faithfulness_with_mlps(submission):
    """MLPs are nodes as heads are: what is not in the circuit is at its mean over ref_tokens, position by position."""
    submission.passes("faithfulness", "with_mlps")


def test_faithfulness_beyond(submission):
    """A circuit may keep more than the whole model does, or less than nothing: nothing is cut off."""
    submission.passes("faithfulness", "beyond")


def test_faithfulness_ends(submission):
    """All nodes together have 1, and no node at all has 0."""
    submission.passes("faithfulness", "ends")


def test_completeness_exact(submission):
    """On a model whose effects are fractions, what stands beside each circuit has its exact share of the metric."""
    submission.passes("completeness", "exact")


def test_completeness_with_mlps(submission):
    """MLPs are nodes as heads are: the circuit is at its mean over ref_tokens, position by position."""
    submission.passes("completeness", "with_mlps")


def test_completeness_beyond(submission):
    """What stands beside may keep more than the whole model does, or less than nothing: nothing is cut off."""
    submission.passes("completeness", "beyond")


def test_completeness_ends(submission):
    """Beside all nodes nothing is left, which is 0; beside no node all is, which is 1; in larger models too."""
    submission.passes("completeness", "ends")


def test_minimality_exact(submission):
    """On a model whose effects are fractions, each node has its exact share of what the circuit does."""
    submission.passes("minimality", "exact")


def test_minimality_with_mlps(submission):
    """MLPs are nodes as heads are, and heads outside the circuit stay ablated while one is taken out."""
    submission.passes("minimality", "with_mlps")


def test_minimality_ends(submission):
    """The empty circuit has no node, so there is nothing to take out of it."""
    submission.passes("minimality", "ends")


def test_claim_circuit_against_the_key(submission):
    """On compiled models that nobody has seen, the claim is the circuit in the answer key, or nearly (mean F1 0.9)."""
    submission.passes("claim_circuit", "against_the_key")


def test_claim_circuit_does_it(submission):
    """What is claimed does the task: with all other nodes as they are on other inputs, the metric hardly moves."""
    submission.passes("claim_circuit", "does_it")
