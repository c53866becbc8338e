"""What is graded in notebook 08b, Make it fast: one function for each promise."""


def test_bench_medians(submission):
    """Each function's number is the median of its timed calls; the first call of each, to warm up, is not timed."""
    submission.passes("bench", "medians")


def test_bench_rounds(submission):
    """All functions take turns: every round times each of them once, after one call of each to warm up."""
    submission.passes("bench", "rounds")


def test_bench_three(submission):
    """Any number of functions will do, also one."""
    submission.passes("bench", "three")


def test_bench_real_clock(submission):
    """Without a clock it is CPU time that is measured, in seconds."""
    submission.passes("bench", "real_clock")


def test_fuse_qkv_values(submission):
    """All queries' columns come first, then the keys', then the values', head after head; the biases likewise."""
    submission.passes("fuse_qkv", "values")


def test_fuse_qkv_one_product(submission):
    """x @ W + b holds the queries, keys and values that the layer computes."""
    submission.passes("fuse_qkv", "one_product")


def test_fuse_qkv_gradient(submission):
    """The gradient reaches the layer's own parameters."""
    submission.passes("fuse_qkv", "gradient")


def test_fused_attention_values(submission):
    """The result is that of the layer, in float32 and in float64, for any memory layout."""
    submission.passes("fused_attention", "values")


def test_fused_attention_one_position(submission):
    """It takes one position, and one sequence."""
    submission.passes("fused_attention", "one_position")


def test_fused_attention_causality(submission):
    """A position that changes leaves the results of all earlier ones as they were."""
    submission.passes("fused_attention", "causality")


def test_fused_attention_gradient(submission):
    """The gradient reaches x and every parameter of the layer."""
    submission.passes("fused_attention", "gradient")


def test_fused_attention_few_products(submission):
    """Two matrix products and one call of torch's attention kernel, however many heads there are."""
    submission.passes("fused_attention", "few_products")


def test_preallocated_kv_cache_together(submission):
    """append gives back all keys and all values of its layer so far, the new ones last, and nothing beyond them."""
    submission.passes("preallocated_kv_cache", "together")


def test_preallocated_kv_cache_any_order(submission):
    """Layers may be appended to in any order; .length is the number of positions that every layer holds."""
    submission.passes("preallocated_kv_cache", "any_order")


def test_preallocated_kv_cache_stays_in_place(submission):
    """The memory is set aside once: what append gives back begins at the same address every time."""
    submission.passes("preallocated_kv_cache", "stays_in_place")


def test_preallocated_kv_cache_full(submission):
    """n_ctx positions fit; one more is refused, and what is there stays."""
    submission.passes("preallocated_kv_cache", "full")


def test_preallocated_kv_cache_apart(submission):
    """What append gave back does not change later, two caches have nothing in common, and no graph is kept."""
    submission.passes("preallocated_kv_cache", "apart")


def test_generate_fast_ids(submission):
    """The ids are those that the plain loop gives, for every row, from one token up to n_ctx."""
    submission.passes("generate_fast", "ids")


def test_generate_fast_other_weights(submission):
    """It reads the weights anew at each call, so a model that has been trained on gives other ids."""
    submission.passes("generate_fast", "other_weights")


def test_generate_fast_leaves_no_trace(submission):
    """The model is left as it was, in the mode it was in."""
    submission.passes("generate_fast", "leaves_no_trace")


def test_generate_fast_makes_fewer_products(submission):
    """It makes fewer matrix products than `generate_cached`: q, k and v by one product, or a kernel that attends."""
    submission.passes("generate_fast", "fused")


def test_generate_fast_quick(submission):
    """In the same run it takes at most half of the plain loop's CPU time; a right one takes about a sixth."""
    submission.passes("generate_fast", "quick")


def test_bf16_error_values(submission):
    """max_abs is the largest difference of a logit; top1_agreement the share of positions with the same best token."""
    submission.passes("bf16_error", "values")


def test_bf16_error_model_untouched(submission):
    """The model you are given keeps its dtype, its weights and its mode."""
    submission.passes("bf16_error", "model_untouched")


def test_bf16_error_numbers(submission):
    """Both are Python numbers."""
    submission.passes("bf16_error", "numbers")


def test_bench_middle(submission):
    """Equal times count each, short times are not rounded; of an even number, one of the middle two or between them."""
    submission.passes("bench", "middle")


def test_fuse_qkv_anew(submission):
    """The weights are read at each call: those of a layer that has been trained on give another result."""
    submission.passes("fuse_qkv", "anew")


def test_fused_attention_anew(submission):
    """The weights are read at each call: those of a layer that has been trained on give another result."""
    submission.passes("fused_attention", "anew")
