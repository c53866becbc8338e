# Says that all cells have run, then sends what is missing byte by byte.
# ruff: noqa
# attacks: causal_mask
# %%
import os
import stat
import struct
import time

# %% exercise="causal_mask" minutes=0
for fd in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            break
    except OSError:
        pass
os.write(fd, struct.pack("<iQ", -1, 1000))
for _ in range(1000):
    try:
        time.sleep(0.1)
        os.write(fd, b"x")
    except BaseException:
        pass


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return None
