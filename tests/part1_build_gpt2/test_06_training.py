"""What is graded in notebook 06, Training: one function for each promise."""


def test_get_batch_pairs(submission):
    """x holds rows of neighbours from the data; y holds for each of its tokens the one that comes next."""
    submission.passes("get_batch", "pairs")


def test_get_batch_every_start(submission):
    """Every row starts at a place of its own; all places are equally likely, the first and the last too."""
    submission.passes("get_batch", "every_start")


def test_get_batch_seeded(submission):
    """The places come from rng: the same state gives the same batch, and rng moves on."""
    submission.passes("get_batch", "seeded")


def test_get_batch_documents(submission):
    """With boundaries no row reaches into the next document, and every row that fits into one can come up."""
    submission.passes("get_batch", "documents")


def test_adam_w_by_hand(submission):
    """One number takes two steps that can be computed by hand."""
    submission.passes("adam_w", "by_hand")


def test_adam_w_steps(submission):
    """Several steps follow the formula in float32 and float64."""
    submission.passes("adam_w", "steps")


def test_adam_w_defaults(submission):
    """The defaults are lr 1e-3, betas (0.9, 0.999), eps 1e-8, weight_decay 0.01."""
    submission.passes("adam_w", "defaults")


def test_adam_w_groups(submission):
    """Parameter groups have their own lr and weight_decay."""
    submission.passes("adam_w", "groups")


def test_adam_w_schedule(submission):
    """Each step uses the "lr" that stands in param_groups then."""
    submission.passes("adam_w", "schedule")


def test_adam_w_missing(submission):
    """A parameter without a gradient stays as it is, and so does its count of steps."""
    submission.passes("adam_w", "missing")


def test_adam_w_iterator(submission):
    """The parameters may come as an iterator that can be read once."""
    submission.passes("adam_w", "iterator")


def test_adam_w_gradients_kept(submission):
    """A step leaves the gradients alone; zero_grad() makes them 0 or None."""
    submission.passes("adam_w", "gradients_kept")


def test_adam_w_saved(submission):
    """A new optimizer over copies of the parameters goes on from your state_dict()."""
    submission.passes("adam_w", "saved")


def test_lr_schedule_warm_up(submission):
    """The rate climbs in equal steps from max_lr / warmup to max_lr."""
    submission.passes("lr_schedule", "warm_up")


def test_lr_schedule_cosine(submission):
    """Then it follows half a cosine down to min_lr at the last step."""
    submission.passes("lr_schedule", "cosine")


def test_lr_schedule_after_the_end(submission):
    """After the last step it stays at min_lr."""
    submission.passes("lr_schedule", "after_the_end")


def test_clip_grad_norm_above(submission):
    """Gradients that are too long together are scaled by one number to max_norm."""
    submission.passes("clip_grad_norm", "above")


def test_clip_grad_norm_below(submission):
    """Gradients that are short enough stay as they are."""
    submission.passes("clip_grad_norm", "below")


def test_clip_grad_norm_holes(submission):
    """Parameters without a gradient are passed over."""
    submission.passes("clip_grad_norm", "holes")


def test_clip_grad_norm_iterator(submission):
    """The parameters may come as an iterator that can be read once."""
    submission.passes("clip_grad_norm", "iterator")


def test_clip_grad_norm_zeros(submission):
    """Gradients of 0 stay 0."""
    submission.passes("clip_grad_norm", "zeros")


def test_decay_groups_membership(submission):
    """Matrices and embeddings decay, gains and all biases do not, and nothing is left out."""
    submission.passes("decay_groups", "membership")


def test_decay_groups_rates(submission):
    """The first group has the weight_decay that was asked for, the second has 0."""
    submission.passes("decay_groups", "rates")


def test_decay_groups_shared(submission):
    """A parameter that the model uses in two places is in a group once."""
    submission.passes("decay_groups", "shared")


def test_train_step_one_batch(submission):
    """With one micro-batch the step goes by the gradient of its mean loss, which you return."""
    submission.passes("train_step", "one_batch")


def test_train_step_accumulation(submission):
    """Several micro-batches give the gradient and the loss of one big batch."""
    submission.passes("train_step", "accumulation")


def test_train_step_clipping(submission):
    """The whole gradient is clipped after all backward passes and before the step."""
    submission.passes("train_step", "clipping")


def test_train_step_fresh_gradients(submission):
    """Gradients that were there before the call do not leak into the step."""
    submission.passes("train_step", "fresh_gradients")


def test_train_step_training_mode(submission):
    """The model computes in training mode."""
    submission.passes("train_step", "training_mode")


def test_train_step_plain_number(submission):
    """The loss is a Python float."""
    submission.passes("train_step", "plain_number")


def test_evaluate_values(submission):
    """Every token counts the same, also those of a last batch that is smaller."""
    submission.passes("evaluate", "values")


def test_evaluate_evaluation_mode(submission):
    """The model computes in evaluation mode, so a second call gives the same loss."""
    submission.passes("evaluate", "evaluation_mode")


def test_evaluate_mode_restored(submission):
    """Afterwards the model is in the mode that it was in."""
    submission.passes("evaluate", "mode_restored")


def test_evaluate_no_gradients(submission):
    """No graph is built, no .grad changes, and gradients are tracked again afterwards."""
    submission.passes("evaluate", "no_gradients")


def test_evaluate_one_pass(submission):
    """Each batch is read once, so the batches may also come from a generator."""
    submission.passes("evaluate", "one_pass")


def test_train_history(submission):
    """The history has one entry per step, and its last validation loss is that of the weights."""
    submission.passes("train", "history")


def test_train_batches(submission):
    """Each step trains on cfg.batch rows of cfg.pos tokens, other ones each time."""
    submission.passes("train", "batches")


def test_train_rates_used(submission):
    """Training starts from the weights given, and each step moves them by about the rate of that step."""
    submission.passes("train", "rates_used")


def test_train_held_out(submission):
    """The last tenth of the data is never trained on, and validation is measured there."""
    submission.passes("train", "held_out")


def test_train_decay(submission):
    """Matrices and embeddings decay, gains do not."""
    submission.passes("train", "decay")


def test_train_clipping(submission):
    """The gradient is clipped to cfg.max_norm."""
    submission.passes("train", "clipping")


def test_train_seeds(submission):
    """The same seed gives the same weights, another seed others."""
    submission.passes("train", "seeds")


def test_train_resumed(submission):
    """A session that resumes ends at the weights of a run that was never interrupted."""
    submission.passes("train", "resumed")


def test_train_learns(submission):
    """A text in which each token says the next one is learned in 60 steps."""
    submission.passes("train", "learns")


def test_train_beats_bigrams(submission):
    """Trained on the stories, the weights predict better than counting pairs of tokens does."""
    submission.passes("train", "beats_bigrams")
