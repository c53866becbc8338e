# Hundreds of cells, each of which ends the process, after one that takes its time.
# ruff: noqa
# attacks: causal_mask
# %%
import time

time.sleep(0.3)

# %% exercise="causal_mask" minutes=0
import os

os._exit(1)

# %% exercise="causal_mask" minutes=0
import os

os._exit(2)

# %% exercise="causal_mask" minutes=0
import os

os._exit(3)

# %% exercise="causal_mask" minutes=0
import os

os._exit(4)

# %% exercise="causal_mask" minutes=0
import os

os._exit(5)

# %% exercise="causal_mask" minutes=0
import os

os._exit(6)

# %% exercise="causal_mask" minutes=0
import os

os._exit(7)

# %% exercise="causal_mask" minutes=0
import os

os._exit(8)

# %% exercise="causal_mask" minutes=0
import os

os._exit(9)

# %% exercise="causal_mask" minutes=0
import os

os._exit(10)

# %% exercise="causal_mask" minutes=0
import os

os._exit(11)

# %% exercise="causal_mask" minutes=0
import os

os._exit(12)

# %% exercise="causal_mask" minutes=0
import os

os._exit(13)

# %% exercise="causal_mask" minutes=0
import os

os._exit(14)

# %% exercise="causal_mask" minutes=0
import os

os._exit(15)

# %% exercise="causal_mask" minutes=0
import os

os._exit(16)

# %% exercise="causal_mask" minutes=0
import os

os._exit(17)

# %% exercise="causal_mask" minutes=0
import os

os._exit(18)

# %% exercise="causal_mask" minutes=0
import os

os._exit(19)

# %% exercise="causal_mask" minutes=0
import os

os._exit(20)

# %% exercise="causal_mask" minutes=0
import os

os._exit(21)

# %% exercise="causal_mask" minutes=0
import os

os._exit(22)

# %% exercise="causal_mask" minutes=0
import os

os._exit(23)

# %% exercise="causal_mask" minutes=0
import os

os._exit(24)

# %% exercise="causal_mask" minutes=0
import os

os._exit(25)

# %% exercise="causal_mask" minutes=0
import os

os._exit(26)

# %% exercise="causal_mask" minutes=0
import os

os._exit(27)

# %% exercise="causal_mask" minutes=0
import os

os._exit(28)

# %% exercise="causal_mask" minutes=0
import os

os._exit(29)

# %% exercise="causal_mask" minutes=0
import os

os._exit(30)

# %% exercise="causal_mask" minutes=0
import os

os._exit(31)

# %% exercise="causal_mask" minutes=0
import os

os._exit(32)

# %% exercise="causal_mask" minutes=0
import os

os._exit(33)

# %% exercise="causal_mask" minutes=0
import os

os._exit(34)

# %% exercise="causal_mask" minutes=0
import os

os._exit(35)

# %% exercise="causal_mask" minutes=0
import os

os._exit(36)

# %% exercise="causal_mask" minutes=0
import os

os._exit(37)

# %% exercise="causal_mask" minutes=0
import os

os._exit(38)

# %% exercise="causal_mask" minutes=0
import os

os._exit(39)

# %% exercise="causal_mask" minutes=0
import os

os._exit(40)

# %% exercise="causal_mask" minutes=0
import os

os._exit(41)

# %% exercise="causal_mask" minutes=0
import os

os._exit(42)

# %% exercise="causal_mask" minutes=0
import os

os._exit(43)

# %% exercise="causal_mask" minutes=0
import os

os._exit(44)

# %% exercise="causal_mask" minutes=0
import os

os._exit(45)

# %% exercise="causal_mask" minutes=0
import os

os._exit(46)

# %% exercise="causal_mask" minutes=0
import os

os._exit(47)

# %% exercise="causal_mask" minutes=0
import os

os._exit(48)

# %% exercise="causal_mask" minutes=0
import os

os._exit(49)

# %% exercise="causal_mask" minutes=0
import os

os._exit(50)

# %% exercise="causal_mask" minutes=0
import os

os._exit(51)

# %% exercise="causal_mask" minutes=0
import os

os._exit(52)

# %% exercise="causal_mask" minutes=0
import os

os._exit(53)

# %% exercise="causal_mask" minutes=0
import os

os._exit(54)

# %% exercise="causal_mask" minutes=0
import os

os._exit(55)

# %% exercise="causal_mask" minutes=0
import os

os._exit(56)

# %% exercise="causal_mask" minutes=0
import os

os._exit(57)

# %% exercise="causal_mask" minutes=0
import os

os._exit(58)

# %% exercise="causal_mask" minutes=0
import os

os._exit(59)

# %% exercise="causal_mask" minutes=0
import os

os._exit(60)


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return None
