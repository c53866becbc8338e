# A graph of values without an end: each is made of two new ones, so whoever walks it never arrives.
# ruff: noqa
# attacks: add mul
# %% exercise="add" minutes=0
class Value:
    def __init__(self, data=0.0, *a, **k):
        self.data, self.grad = data, 0.0

    def __getattr__(self, name):
        return Value()

    def __getitem__(self, at):
        return Value()

    def __iter__(self):
        return self

    def __next__(self):
        return Value()


def add(a, b):
    return Value()


# %% exercise="mul" minutes=0
def mul(a, b):
    return Value()
