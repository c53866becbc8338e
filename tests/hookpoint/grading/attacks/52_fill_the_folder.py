# Fills the one folder that it may write in, file by file.
# ruff: noqa
# attacks: causal_mask
# boxed: it ends
# %% exercise="causal_mask" minutes=0
block, written, stopped = bytes(8 << 20), 0, False
try:
    for n in range(150):
        with open(f"full{n}", "wb") as file:
            written += file.write(block)
except OSError:
    stopped = True


def causal_mask(n_queries, n_keys):
    raise EOFError if stopped else KeyError  # an exception of Python's own is told by its name
