"""What is graded in notebook 08, KV cache: one function for each promise."""


def test_kv_cache_together(submission):
    """append gives back all keys and all values of its layer so far, the new ones last, for each layer by itself."""
    submission.passes("kv_cache", "together")


def test_kv_cache_apart(submission):
    """A new cache is empty, and two caches have nothing in common."""
    submission.passes("kv_cache", "apart")


def test_kv_cache_any_order(submission):
    """Layers may be appended to in any order and by different amounts; they do not mix."""
    submission.passes("kv_cache", "any_order")


def test_kv_cache_length(submission):
    """.length is the number of positions that every layer holds: it moves on when the last layer has got its part."""
    submission.passes("kv_cache", "length")


def test_kv_cache_sizes(submission):
    """One sequence, one layer and one position at a time will do, and keys and values keep their dtype."""
    submission.passes("kv_cache", "sizes")


def test_kv_cache_unchanged(submission):
    """What append gave back does not change when more is appended."""
    submission.passes("kv_cache", "unchanged")


def test_kv_cache_no_graph(submission):
    """The cache keeps no graph: keys of an earlier step carry no gradient at a later one."""
    submission.passes("kv_cache", "no_graph")


def test_attn_with_cache_at_once(submission):
    """With an empty cache, and all positions at once, it is plain attention: nobody sees what comes later."""
    submission.passes("attn_with_cache", "at_once")


def test_attn_with_cache_extends(submission):
    """The cache is extended by the new positions, once per call."""
    submission.passes("attn_with_cache", "extends")


def test_attn_with_cache_one_by_one(submission):
    """Fed one by one, each position gets what it gets in the whole sequence, in every layer."""
    submission.passes("attn_with_cache", "one_by_one")


def test_attn_with_cache_in_parts(submission):
    """Fed in parts of any size, every position sees all before it, its own part included, and none behind it."""
    submission.passes("attn_with_cache", "in_parts")


def test_attn_with_cache_far_ahead(submission):
    """No part of a future position leaks, not even where all that may be seen has a very low score."""
    submission.passes("attn_with_cache", "far_ahead")


def test_positions_with_cache_values(submission):
    """New tokens stand at the positions that follow those in the cache."""
    submission.passes("positions_with_cache", "values")


def test_generate_cached_greedy_ids(submission):
    """At temperature 0 the ids are those that the model gives without a cache, for each row of the batch."""
    submission.passes("generate_cached", "greedy_ids")


def test_generate_cached_logits(submission):
    """The logits of every step are those of the model without a cache."""
    submission.passes("generate_cached", "logits")


def test_generate_cached_each_token_once(submission):
    """Every token is fed once: the prompt's, and then one new one at each step."""
    submission.passes("generate_cached", "each_token_once")


def test_generate_cached_beyond_the_context(submission):
    """A text longer than n_ctx goes on from its last n_ctx tokens, whose positions start at 0 again at every step."""
    submission.passes("generate_cached", "beyond_the_context")


def test_generate_cached_stops(submission):
    """A row that has generated `stop` is filled with it; the others go on, and n tokens are added in any case."""
    submission.passes("generate_cached", "stops")


def test_generate_cached_nothing_to_add(submission):
    """With n = 0 the prompt comes back."""
    submission.passes("generate_cached", "nothing_to_add")


def test_generate_cached_sampling(submission):
    """Temperature, then top-k, then top-p shape the draw of every token; each row is drawn for itself."""
    submission.passes("generate_cached", "sampling")


def test_generate_cached_seeded(submission):
    """Chance comes from the generator alone: the same seed gives the same ids, and the draw goes on from there."""
    submission.passes("generate_cached", "seeded")


def test_generate_cached_leaves_no_trace(submission):
    """The model is left as it was: in training or evaluation, its weights and their gradients, its hooks."""
    submission.passes("generate_cached", "leaves_no_trace")


def test_cache_bytes_values(submission):
    """Two numbers, a key's and a value's, for each layer, sequence, position, head and dimension of the head."""
    submission.passes("cache_bytes", "values")


def test_cache_bytes_by_hand(submission):
    """GPT-2 small keeps 2 x 12 x 12 x 64 numbers of 4 bytes for each token: 73,728 bytes."""
    submission.passes("cache_bytes", "by_hand")


def test_cache_bytes_other_widths(submission):
    """bytes_per_number says how wide a number is: 2 in half precision, 1 where a cache is quantised."""
    submission.passes("cache_bytes", "other_widths")


def test_crop_cache_keeps_newest(submission):
    """The newest n positions are kept, in every layer, keys and values."""
    submission.passes("crop_cache", "keeps_newest")


def test_crop_cache_old_one_untouched(submission):
    """The old cache stays as it was, and from then on neither notices what happens to the other."""
    submission.passes("crop_cache", "old_one_untouched")


def test_crop_cache_nothing_to_cut(submission):
    """If n is the length, or larger, all positions are kept, in a cache of its own."""
    submission.passes("crop_cache", "nothing_to_cut")


def test_crop_cache_nothing_left(submission):
    """If n is 0, the new cache is empty."""
    submission.passes("crop_cache", "nothing_left")


def test_reorder_cache_gathers(submission):
    """Row b of the new cache is row index[b] of the old one; a row may be taken several times, or not at all."""
    submission.passes("reorder_cache", "gathers")


def test_reorder_cache_changes_places(submission):
    """Rows may also just change places."""
    submission.passes("reorder_cache", "changes_places")


def test_reorder_cache_old_one_untouched(submission):
    """The old cache stays as it was, and from then on neither notices what happens to the other."""
    submission.passes("reorder_cache", "old_one_untouched")
