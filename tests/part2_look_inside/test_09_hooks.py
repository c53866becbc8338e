"""What is graded in notebook 09, hooks and caches: one function for each promise."""


def test_run_with_hooks_replaces(submission):
    """What a hook returns takes the value's place, at that point and for this run."""
    submission.passes("run_with_hooks", "replaces")


def test_run_with_hooks_keeps_and_sees(submission):
    """A hook is called once in a run with the value and with hook.name; None leaves the value as it is."""
    submission.passes("run_with_hooks", "keeps_and_sees")


def test_run_with_hooks_edits_in_place(submission):
    """A hook may also edit the value in place and return None."""
    submission.passes("run_with_hooks", "edits_in_place")


def test_run_with_hooks_in_list_order(submission):
    """Several hooks at one point run in the order of the list, each on what the one before left."""
    submission.passes("run_with_hooks", "in_list_order")


def test_run_with_hooks_by_predicate(submission):
    """A predicate on names stands for every point whose name fits; hooks of other points do not mix."""
    submission.passes("run_with_hooks", "by_predicate")


def test_run_with_hooks_for_one_run(submission):
    """After a run the model is as it was: the next run has its own hooks and no others."""
    submission.passes("run_with_hooks", "for_one_run")


def test_run_with_hooks_after_an_error(submission):
    """An error in a hook or in the model comes through, and no hook stays behind."""
    submission.passes("run_with_hooks", "after_an_error")


def test_run_with_hooks_unknown_name(submission):
    """An unknown name is an error that suggests the nearest one, and sets no hook."""
    submission.passes("run_with_hooks", "unknown_name")


def test_run_with_hooks_others_stay(submission):
    """Hooks that somebody else has set are in force in your run too, and stay after it."""
    submission.passes("run_with_hooks", "others_stay")


def test_run_with_hooks_carries_gradient(submission):
    """The logits carry their gradient as those of a plain run do, also through what a hook returns."""
    submission.passes("run_with_hooks", "carries_gradient")


def test_run_with_cache_everything(submission):
    """The cache holds the value at every hook point under its name, and the logits are those of a plain run."""
    submission.passes("run_with_cache", "everything")


def test_run_with_cache_only_these(submission):
    """`names` may be a list of names, one name, or a predicate, and the cache then holds these."""
    submission.passes("run_with_cache", "only_these")


def test_run_with_cache_values_at_that_point(submission):
    """A cached value is what left its point: a later edit in place does not reach it, an earlier edit does."""
    submission.passes("run_with_cache", "values_at_that_point")


def test_run_with_cache_each_run_its_own(submission):
    """A cache belongs to its run: a second run changes nothing in the first one's, and adds nothing to its own."""
    submission.passes("run_with_cache", "each_run_its_own")


def test_run_with_cache_without_a_graph(submission):
    """By default the cached values are detached."""
    submission.passes("run_with_cache", "without_a_graph")


def test_run_with_cache_within_the_graph(submission):
    """With grad=True the cached values lie on the way to the logits, so gradients with respect to them are right."""
    submission.passes("run_with_cache", "within_the_graph")


def test_run_with_cache_refuses_and_cleans(submission):
    """An unknown name is an error, and so is an error in the run; neither leaves a hook behind."""
    submission.passes("run_with_cache", "refuses_and_cleans")


def test_zero_ablate_head_exact_effect(submission):
    """On a model whose effects are fractions, the logits lose exactly what the head wrote."""
    submission.passes("zero_ablate_head", "exact_effect")


def test_zero_ablate_head_that_head_alone(submission):
    """The z of that head is 0 for all texts and positions, and nothing else of the layer changes."""
    submission.passes("zero_ablate_head", "that_head_alone")


def test_zero_ablate_head_several_at_once(submission):
    """Several heads go into one list, and each pair keeps its own layer and head, for runs of any size."""
    submission.passes("zero_ablate_head", "several_at_once")


def test_zero_ablate_head_gradients_elsewhere(submission):
    """Gradients pass the edit everywhere but at that head."""
    submission.passes("zero_ablate_head", "gradients_elsewhere")


def test_mean_ablate_exact_effect(submission):
    """On a model whose effects are fractions, the head writes exactly its mean over the reference texts."""
    submission.passes("mean_ablate", "exact_effect")


def test_mean_ablate_at_each_position(submission):
    """By default the mean is over the reference texts at each position; a shorter run uses the first positions."""
    submission.passes("mean_ablate", "at_each_position")


def test_mean_ablate_over_positions_too(submission):
    """With per_position=False it is one mean over texts and positions, for runs of any length."""
    submission.passes("mean_ablate", "over_positions_too")


def test_mean_ablate_too_long(submission):
    """A run that is longer than the reference is an error with per_position=True."""
    submission.passes("mean_ablate", "too_long")


def test_mean_ablate_taken_once(submission):
    """The mean is taken when mean_ablate is called, from a plain run: later edits and weights do not change it."""
    submission.passes("mean_ablate", "taken_once")


def test_resample_ablate_another_text(submission):
    """Each text gets the head's output on another text of the batch, whole, and every text is used once."""
    submission.passes("resample_ablate", "another_text")


def test_resample_ablate_seeded(submission):
    """Generators in one state give one permutation, whatever the layer and head; others can give another one."""
    submission.passes("resample_ablate", "seeded")


def test_resample_ablate_in_a_model(submission):
    """In a run it is the z of the layer and head that change places."""
    submission.passes("resample_ablate", "in_a_model")


def test_resample_ablate_any_number_of_texts(submission):
    """The number of texts may differ from call to call; a single text is an error."""
    submission.passes("resample_ablate", "any_number_of_texts")


def test_get_resid_stack_sums_to_the_stream(submission):
    """The terms of a real run add up to the last hook_resid_post."""
    submission.passes("get_resid_stack", "sums_to_the_stream")


def test_get_resid_stack_in_order(submission):
    """Embeddings together first, then attn_out and mlp_out layer by layer, also beyond layer 9."""
    submission.passes("get_resid_stack", "in_order")


def test_get_resid_stack_labelled(submission):
    """There is one label for each term, all different, and it says which part it is, and of which layer in figures."""
    submission.passes("get_resid_stack", "labelled")


def test_grad_cache_at_every_point(submission):
    """For every hook point there is the gradient of metric(logits), in the value's shape."""
    submission.passes("grad_cache", "at_every_point")


def test_grad_cache_as_differences_say(submission):
    """A small change of a value changes the metric as the gradient says."""
    submission.passes("grad_cache", "as_differences_say")


def test_grad_cache_on_one_position(submission):
    """Where the metric does not depend on a value the gradient is 0: later positions do not reach earlier logits."""
    submission.passes("grad_cache", "on_one_position")


def test_grad_cache_beside_others(submission):
    """Hooks that somebody else has set are in force, and the value at a point is what leaves it after these."""
    submission.passes("grad_cache", "beside_others")


def test_grad_cache_traceless(submission):
    """The gradients are detached; no hook is left, also by a run that fails; mode, .grad and requires_grad stay."""
    submission.passes("grad_cache", "traceless")


def test_tl_adapter_same_values(submission):
    """Each hook point has a name under which a bridge holds the same value."""
    submission.passes("tl_adapter", "same_values")


def test_tl_adapter_scores(submission):
    """hook_attn_scores has an entry where the bridge holds scores, and none where it holds the pattern instead."""
    submission.passes("tl_adapter", "scores")
