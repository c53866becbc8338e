"""What is graded in notebook 06b, Hyperparameters: one function for each promise."""


def test_smoothed_values(submission):
    """It is the mean of the last tenth of the losses, rounded down to whole steps."""
    submission.passes("smoothed", "values")


def test_smoothed_short_runs(submission):
    """Of a run of less than twenty steps it is the last loss: one step at least, never none."""
    submission.passes("smoothed", "short_runs")


def test_smoothed_by_hand(submission):
    """Of twenty losses the last two count."""
    submission.passes("smoothed", "by_hand")


def test_smoothed_divergence(submission):
    """If NaN or infinity is among the losses that count, the run has diverged and the result is infinity."""
    submission.passes("smoothed", "divergence")


def test_smoothed_no_losses(submission):
    """A run without any loss is an error: it must not look like the best of all."""
    submission.passes("smoothed", "no_losses")


def test_lr_range_test_one_run_each(submission):
    """Every learning rate is run once, under the name lr, and every run with the same seed."""
    submission.passes("lr_range_test", "one_run_each")


def test_lr_range_test_divergence(submission):
    """A run that diverges stays in the curve with the loss infinity, and the others are as they would be without it."""
    submission.passes("lr_range_test", "divergence")


def test_lr_range_test_order(submission):
    """The rows come in the order of the learning rates."""
    submission.passes("lr_range_test", "order")


def test_lr_range_test_seeded(submission):
    """The seed that it is given is the seed of every run."""
    submission.passes("lr_range_test", "seeded")


def test_sweep_every_combination(submission):
    """Every combination of the grid's values is run once, and every run with the same seed."""
    submission.passes("sweep", "every_combination")


def test_sweep_divergence(submission):
    """A run that diverges stays in the table with the loss infinity, and the others are as they would be without it."""
    submission.passes("sweep", "divergence")


def test_sweep_seeded(submission):
    """The seed that it is given is the seed of every run."""
    submission.passes("sweep", "seeded")


def test_fit_power_law_exact(submission):
    """Points that lie on y = a * x**b give back a and b, and r2 = 1."""
    submission.passes("fit_power_law", "exact")


def test_fit_power_law_scattered(submission):
    """For points that lie off the line it is the line of least squares on logarithmic axes, and the r2 of that line."""
    submission.passes("fit_power_law", "scattered")


def test_fit_power_law_two_points(submission):
    """Through two points the line is exact."""
    submission.passes("fit_power_law", "two_points")


def test_fit_power_law_not_positive(submission):
    """Zero and negative numbers have no logarithm: they are an error, in x and in y."""
    submission.passes("fit_power_law", "not_positive")
