"""What is graded in notebook 00b, Autograd in a hundred lines: one function for each promise."""


def test_numerical_gradient_values(submission):
    """Each entry of x is moved a little up and a little down, all others stay: the slope of f along this entry."""
    submission.passes("numerical_gradient", "values")


def test_numerical_gradient_central(submission):
    """The quotient is (f(x + eps) - f(x - eps)) / (2 eps), whatever eps is; 1e-6 if nobody says."""
    submission.passes("numerical_gradient", "central")


def test_numerical_gradient_any_shape(submission):
    """x may have any shape, and need not lie contiguously in memory."""
    submission.passes("numerical_gradient", "any_shape")


def test_numerical_gradient_precise(submission):
    """The work is done in float64, also where x is float32."""
    submission.passes("numerical_gradient", "precise")


def test_unbroadcast_leading(submission):
    """Axes that broadcasting put in front are summed away."""
    submission.passes("unbroadcast", "leading")


def test_unbroadcast_stretched(submission):
    """Axes of length 1 that were stretched are summed, and keep their place with length 1."""
    submission.passes("unbroadcast", "stretched")


def test_unbroadcast_every_case(submission):
    """Both at once, neither, and the shape of a single number."""
    submission.passes("unbroadcast", "every_case")


def test_unbroadcast_torch_size(submission):
    """The shape may be a list as well as a tuple or a torch.Size."""
    submission.passes("unbroadcast", "torch_size")


def test_add_values(submission):
    """add gives a Value that holds the sum, and its pull gives the gradient of each parent."""
    submission.passes("add", "values")


def test_add_broadcast(submission):
    """Where broadcasting stretches a or b, the gradient has the shape that the Value had before."""
    submission.passes("add", "broadcast")


def test_add_itself(submission):
    """x + x has the gradient 2: both places count."""
    submission.passes("add", "itself")


def test_add_own_pull(submission):
    """Every result keeps a pull of its own, which can be called again."""
    submission.passes("add", "own_pull")


def test_mul_values(submission):
    """mul gives the product entry by entry, and the gradient of each factor is the other one's share."""
    submission.passes("mul", "values")


def test_mul_broadcast(submission):
    """Where broadcasting stretches a or b, the gradient has the shape that the Value had before."""
    submission.passes("mul", "broadcast")


def test_mul_zeros(submission):
    """A factor 0 has a gradient like any other."""
    submission.passes("mul", "zeros")


def test_mul_itself(submission):
    """x * x has the gradient 2x: both places count."""
    submission.passes("mul", "itself")


def test_mul_own_pull(submission):
    """Every result keeps a pull of its own, which can be called again."""
    submission.passes("mul", "own_pull")


def test_matmul_matrices(submission):
    """matmul gives the matrix product, and the gradient of each matrix has that matrix's shape."""
    submission.passes("matmul", "matrices")


def test_matmul_stacks(submission):
    """A stack of matrices is multiplied matrix by matrix."""
    submission.passes("matmul", "stacks")


def test_matmul_one_for_all(submission):
    """Where one matrix serves a whole stack, its gradient is the sum over the stack."""
    submission.passes("matmul", "one_for_all")


def test_matmul_itself(submission):
    """x @ x gets a gradient from both places."""
    submission.passes("matmul", "itself")


def test_matmul_own_pull(submission):
    """Every result keeps a pull of its own, which can be called again."""
    submission.passes("matmul", "own_pull")


def test_relu_values(submission):
    """relu keeps what is positive and gives 0 for the rest; the gradient passes where a is positive."""
    submission.passes("relu", "values")


def test_relu_at_zero(submission):
    """Where a is 0, the gradient is 0."""
    submission.passes("relu", "at_zero")


def test_relu_own_pull(submission):
    """Every result keeps a pull of its own, which can be called again and leaves its gradient as it is."""
    submission.passes("relu", "own_pull")


def test_exp_values(submission):
    """exp gives e to the power of each entry; its gradient is the result once more, times what comes in."""
    submission.passes("exp", "values")


def test_exp_own_pull(submission):
    """Every result keeps a pull of its own, which can be called again."""
    submission.passes("exp", "own_pull")


def test_sum_over_everything(submission):
    """Without dim, all entries are added up to a single number, and each of them gets that number's gradient."""
    submission.passes("sum_over", "everything")


def test_sum_over_along(submission):
    """With dim, that axis is summed away; dim counts from the end where it is negative."""
    submission.passes("sum_over", "along")


def test_sum_over_square(submission):
    """The gradient goes back along the axis that was summed, also where another axis is as long."""
    submission.passes("sum_over", "square")


def test_sum_over_kept_axes(submission):
    """With keepdim=True, what was summed stays as an axis of length 1."""
    submission.passes("sum_over", "kept_axes")


def test_sum_over_own_pull(submission):
    """Every result keeps a pull of its own, which can be called again."""
    submission.passes("sum_over", "own_pull")


def test_backward_line(submission):
    """The root's gradient is ones, and each step multiplies on the way down to the leaf, in the dtype of the data."""
    submission.passes("backward", "line")


def test_backward_branches(submission):
    """Every leaf gets its own gradient, be it 0, and a leaf that the root was not computed from gets none."""
    submission.passes("backward", "branches")


def test_backward_used_twice(submission):
    """A Value that is used several times gets the sum of what each use gives, however long the ways are."""
    submission.passes("backward", "used_twice")


def test_backward_again(submission):
    """A leaf's grad is added to, call after call, as in torch; what lies between starts anew in every call."""
    submission.passes("backward", "again")


def test_backward_leaf_grads(submission):
    """What a leaf's grad holds before counts; the root may be a leaf itself."""
    submission.passes("backward", "leaf_grads")


def test_backward_handed_on(submission):
    """Gradients from a pull may share memory, with each other and with what came in: they are never edited."""
    submission.passes("backward", "handed_on")


def test_backward_once(submission):
    """Each pull is called once, when the gradient of its Value is complete."""
    submission.passes("backward", "once")


def test_backward_deep(submission):
    """A chain of 5,000 Values is no deeper than Python can go."""
    submission.passes("backward", "deep")


def test_backward_data_stays(submission):
    """Only grad is written: the data of every Value stays what it was."""
    submission.passes("backward", "data_stays")


def test_sgd_plain(submission):
    """step() moves every parameter by lr against its gradient, in the dtype of its data."""
    submission.passes("sgd", "plain")


def test_sgd_with_momentum(submission):
    """With momentum the step follows a buffer: the first gradient, then momentum times the buffer plus the gradient."""
    submission.passes("sgd", "with_momentum")


def test_sgd_same_gradients(submission):
    """Gradients that nobody has replaced count again in the next step; step() leaves them as they are."""
    submission.passes("sgd", "same_gradients")


def test_sgd_without_gradient(submission):
    """A parameter whose grad is None stays where it is, and so does its buffer."""
    submission.passes("sgd", "without_gradient")


def test_sgd_any_iterable(submission):
    """params may be anything that can be gone through, also a generator that can be gone through only once."""
    submission.passes("sgd", "any_iterable")


def test_sgd_two_of_them(submission):
    """Two optimisers have nothing in common."""
    submission.passes("sgd", "two_of_them")


def test_sgd_zeroed(submission):
    """zero_grad() leaves None or zeros in every grad, and the data and the buffers as they are."""
    submission.passes("sgd", "zeroed")
