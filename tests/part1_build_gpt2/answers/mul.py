# %% right="nested def, the factors' data captured at once"
def mul(a, b):
    left, right = a.data, b.data

    def pull(grad):
        return unbroadcast(grad * right, left.shape), unbroadcast(grad * left, right.shape)

    return Value(left * right, (a, b), pull)


# %% right="loop over pairs, list, keywords"
def mul(a, b):
    def pull(grad):
        gradients = []
        for own, other in ((a, b), (b, a)):
            gradients.append(unbroadcast(grad.clone().mul_(other.data), own.data.shape))
        return gradients

    return Value(pull=pull, parents=(a, b), data=a.data.mul(b.data))


# %% right="einsum-free, torch's sum_to_size, x * x has one parent"
def mul(a, b):
    if a is b:
        return Value(a.data.square(), (a,), lambda g: [2 * a.data * g])
    return Value(
        a.data * b.data,
        (a, b),
        lambda g: [(g * b.data).sum_to_size(a.data.shape), (g * a.data).sum_to_size(b.data.shape)],
    )


# %% right="both stretched first, as Values of their own"
import torch


def stretched(v, shape):
    return Value(v.data.expand(shape), (v,), lambda grad: (unbroadcast(grad, v.data.shape),))


def mul(a, b):
    a, b = (stretched(v, torch.broadcast_shapes(a.data.shape, b.data.shape)) for v in (a, b))
    return Value(a.data * b.data, (a, b), lambda grad: (grad * b.data, grad * a.data))


# %% right="squares: ab = ((a + b)^2 - (a - b)^2) / 4, gradients by hand"
def mul(a, b):
    plus, minus = a.data + b.data, a.data - b.data

    def pull(grad):
        return (
            unbroadcast(grad * (plus - minus) / 2, a.data.shape),
            unbroadcast(grad * (plus + minus) / 2, b.data.shape),
        )

    return Value((a.data * b.data), (a, b), pull)


# %% wrong="the gradient is multiplied in place"
def mul(a, b):
    def pull(grad):
        first = unbroadcast(grad * b.data, a.data.shape)
        grad *= a.data
        return first, unbroadcast(grad, b.data.shape)

    return Value(a.data * b.data, (a, b), pull)


# %% wrong="un-broadcasts to the result's shape"
def mul(a, b):
    out = a.data * b.data
    return Value(out, (a, b), lambda g: (unbroadcast(g * b.data, out.shape), unbroadcast(g * a.data, out.shape)))


# %% wrong="shapes swapped"
def mul(a, b):
    def pull(g):
        return unbroadcast(g * b.data, b.data.shape), unbroadcast(g * a.data, a.data.shape)

    return Value(a.data * b.data, (a, b), pull)


# %% wrong="only the gradient of a"
def mul(a, b):
    return Value(a.data * b.data, (a, b), lambda g: (unbroadcast(g * b.data, a.data.shape),))


# %% wrong="gradients summed to numbers"
def mul(a, b):
    return Value(a.data * b.data, (a, b), lambda g: ((g * b.data).sum(), (g * a.data).sum()))


# %% wrong="a square counts once"
def mul(a, b):
    if a is b:
        return Value(a.data**2, (a,), lambda g: (g * a.data,))
    return Value(
        a.data * b.data,
        (a, b),
        lambda g: (unbroadcast(g * b.data, a.data.shape), unbroadcast(g * a.data, b.data.shape)),
    )


# %% wrong="broadcasts b only"
def mul(a, b):
    def pull(g):
        grad_b = g * a.data
        if grad_b.shape != b.data.shape:
            grad_b = unbroadcast(grad_b, b.data.shape)
        return g * b.data, grad_b

    return Value(a.data * b.data, (a, b), pull)


# %% wrong="the mean over the copies"
def mul(a, b):
    def back(x, shape):
        while x.ndim > len(shape):
            x = x.mean(0)
        for axis, size in enumerate(shape):
            if size == 1:
                x = x.mean(axis, keepdim=True)
        return x

    return Value(a.data * b.data, (a, b), lambda g: (back(g * b.data, a.data.shape), back(g * a.data, b.data.shape)))


# %% wrong="python numbers for scalars"
def mul(a, b):
    def pull(g):
        parts = unbroadcast(g * b.data, a.data.shape), unbroadcast(g * a.data, b.data.shape)
        return tuple(part.item() if part.numel() == 1 else part for part in parts)

    return Value(a.data * b.data, (a, b), pull)


# %% wrong="one memory for all results"
memory = {}


def mul(a, b):
    memory["factors"] = (a.data, b.data)

    def pull(g):
        left, right = memory["factors"]
        return unbroadcast(g * right, a.data.shape), unbroadcast(g * left, b.data.shape)

    return Value(a.data * b.data, (a, b), pull)


# %% wrong="of several stretched axes only the first is summed"
def one_axis(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            return grad.sum(axis, keepdim=True)
    return grad


def mul(a, b):
    def pull(grad):
        return one_axis(grad * b.data, a.data.shape), one_axis(grad * a.data, b.data.shape)

    return Value(a.data * b.data, (a, b), pull)


# %% wrong="of several axes in front only the first is summed"
def one_front(grad, shape):
    if not len(shape):
        return grad.sum()
    if grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def mul(a, b):
    def pull(grad):
        return one_front(grad * b.data, a.data.shape), one_front(grad * a.data, b.data.shape)

    return Value(a.data * b.data, (a, b), pull)


# %% right="einsum over letters"
import torch


def _back(grad, shape):
    front = grad.ndim - len(shape)
    letters = "abcdefgh"[: grad.ndim]
    kept = "".join(l for l, s in zip(letters[front:], shape) if s != 1)
    summed = torch.einsum(f"{letters}->{kept}", grad) if grad.ndim else grad
    return summed.reshape(tuple(shape))


def mul(a, b):
    def pull(grad):
        return _back(grad * b.data, a.data.shape), _back(grad * a.data, b.data.shape)

    return Value(a.data * b.data, (a, b), pull)
