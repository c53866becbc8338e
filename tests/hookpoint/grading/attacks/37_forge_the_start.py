# Says over the socket that a cell runs which is not there, and ends.
# ruff: noqa
# attacks: causal_mask
# %%
import os
import stat
import struct

# %% exercise="causal_mask" minutes=0
for fd in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.write(fd, struct.pack("<i", 10**6))
    except OSError:
        pass
os._exit(0)


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return None
