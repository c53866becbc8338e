"""What is graded in notebook 07, Sampling: one function for each promise."""


def test_apply_temperature_values(submission):
    """Each logit is divided by the temperature, whatever the temperature and the shape."""
    submission.passes("apply_temperature", "values")


def test_apply_temperature_removed(submission):
    """A token that has been removed stays removed, and the dtype stays as it is."""
    submission.passes("apply_temperature", "removed")


def test_apply_temperature_zero(submission):
    """A temperature of 0 is an error."""
    submission.passes("apply_temperature", "zero")


def test_greedy_values(submission):
    """Each row gives the number of its largest logit, as int64."""
    submission.passes("greedy", "values")


def test_greedy_ties(submission):
    """Of equal logits the one with the lowest number wins."""
    submission.passes("greedy", "ties")


def test_greedy_removed(submission):
    """Removed tokens never win, however small the other logits are."""
    submission.passes("greedy", "removed")


def test_top_k_filter_values(submission):
    """In each row the k largest logits stay as they are, in their places; all others are removed."""
    submission.passes("top_k_filter", "values")


def test_top_k_filter_everything(submission):
    """With k as large as the vocabulary, or larger, everything stays."""
    submission.passes("top_k_filter", "everything")


def test_top_k_filter_removed(submission):
    """A token that has been removed stays removed, also when fewer than k are left."""
    submission.passes("top_k_filter", "removed")


def test_top_k_filter_equal(submission):
    """Equal logits that are all among the k largest stay, and equal ones that are all below are removed."""
    submission.passes("top_k_filter", "equal")


def test_top_k_filter_precisions(submission):
    """The dtype stays as it is, and so do the logits that stay."""
    submission.passes("top_k_filter", "precisions")


def test_top_p_filter_values(submission):
    """In each row the fewest tokens that together reach p stay as they are, in their places; the rest is removed."""
    submission.passes("top_p_filter", "values")


def test_top_p_filter_border(submission):
    """Tokens that together have exactly the probability p are enough."""
    submission.passes("top_p_filter", "border")


def test_top_p_filter_ends(submission):
    """With p = 1 everything stays; with p = 0, or one smaller than any probability, the likeliest token stays."""
    submission.passes("top_p_filter", "ends")


def test_top_p_filter_at_least(submission):
    """At least min_keep tokens stay: the likeliest ones, and no more than p asks for beyond them."""
    submission.passes("top_p_filter", "at_least")


def test_top_p_filter_removed(submission):
    """A token that has been removed stays removed and counts nothing; the others share its probability."""
    submission.passes("top_p_filter", "removed")


def test_top_p_filter_precisions(submission):
    """The dtype stays as it is, and so do the logits that stay."""
    submission.passes("top_p_filter", "precisions")


def test_frequency_penalty_values(submission):
    """Each logit is lowered by f for every time that its token occurs; a negative f raises it."""
    submission.passes("frequency_penalty", "values")


def test_frequency_penalty_lengths(submission):
    """A text of one token counts, and one that is longer than the vocabulary; so do the first and last token."""
    submission.passes("frequency_penalty", "lengths")


def test_frequency_penalty_removed(submission):
    """A token that has been removed stays removed, whether it occurs or not."""
    submission.passes("frequency_penalty", "removed")


def test_sample_frequencies(submission):
    """Tokens come as often as the softmax of their row says, removed ones never, and each row is drawn on its own."""
    submission.passes("sample", "frequencies")


def test_sample_seeded(submission):
    """The generator decides: the same state gives the same tokens, it moves on, and another seed gives others."""
    submission.passes("sample", "seeded")


def test_sample_removed(submission):
    """A removed token is never drawn, in any precision, wherever it stands and however it was removed."""
    submission.passes("sample", "removed")


def test_sample_extremes(submission):
    """Logits of ten thousand, of either sign, are no trouble, and a single row is a batch of one."""
    submission.passes("sample", "extremes")


def test_generate_likeliest(submission):
    """At temperature 0 each row goes on with its likeliest token, again and again; n = 0 gives the prompts back."""
    submission.passes("generate", "likeliest")


def test_generate_long_text(submission):
    """The model reads the last n_ctx tokens, no more and no fewer, also when the prompt is longer than that."""
    submission.passes("generate", "long_text")


def test_generate_stopping(submission):
    """A row that has generated `stop` is filled with it to the end; the others go on; stop may be token 0."""
    submission.passes("generate", "stopping")


def test_generate_probabilities(submission):
    """At temperature 1, pairs of new tokens come as often as the model says, and each row is drawn on its own."""
    submission.passes("generate", "probabilities")


def test_generate_each_filter(submission):
    """top_k and top_p work each without the other, and top_k = 1 is greedy."""
    submission.passes("generate", "each_filter")


def test_generate_order_of_filters(submission):
    """The temperature comes first, then top-k, then top-p on what top-k has left."""
    submission.passes("generate", "order_of_filters")


def test_generate_seeded(submission):
    """The generator decides: the same state gives the same text, it moves on, and another seed gives others."""
    submission.passes("generate", "seeded")


def test_generate_modes(submission):
    """The model runs in evaluation mode and without gradients, and is then in the mode it was in."""
    submission.passes("generate", "modes")


def test_generate_precisions(submission):
    """A model may give logits of any precision."""
    submission.passes("generate", "precisions")


def test_beam_search_one_step(submission):
    """After one step the k likeliest tokens come back with their log-probabilities, the likeliest first."""
    submission.passes("beam_search", "one_step")


def test_beam_search_few(submission):
    """With a small k, the k best continuations of each step go on; k = 1 is greedy. At most k are read per step."""
    submission.passes("beam_search", "few")


def test_beam_search_exhaustive(submission):
    """With a k that leaves nothing out, every continuation comes back with its log-probability, the likeliest first."""
    submission.passes("beam_search", "exhaustive")


def test_beam_search_finished(submission):
    """A continuation that ends in `stop` is not continued, keeps competing for its place, and shows its `stop`."""
    submission.passes("beam_search", "finished")


def test_beam_search_penalised(submission):
    """The score is the log-probability over length ** length_penalty; new tokens count, `stop` too, the prompt not."""
    submission.passes("beam_search", "penalised")


def test_no_repeat_ngram_pairs(submission):
    """With n = 2, every token is removed that has followed the last token before."""
    submission.passes("no_repeat_ngram", "pairs")


def test_no_repeat_ngram_single(submission):
    """With n = 1, every token that occurs is removed."""
    submission.passes("no_repeat_ngram", "single")


def test_no_repeat_ngram_longer(submission):
    """With n = 3 and more, every token is removed that has followed the last n - 1 tokens, in their order."""
    submission.passes("no_repeat_ngram", "longer")


def test_no_repeat_ngram_random_texts(submission):
    """In a long text over few tokens, exactly the runs that have occurred are prevented."""
    submission.passes("no_repeat_ngram", "random_texts")


def test_no_repeat_ngram_removed(submission):
    """A token that has been removed before stays removed."""
    submission.passes("no_repeat_ngram", "removed")
