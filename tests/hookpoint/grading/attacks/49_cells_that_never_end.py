# Cells that cannot be stopped from within, more of them than there is time for.
# ruff: noqa
# attacks: causal_mask apply_mask
# %%
import re

# %% exercise="causal_mask" minutes=0
re.match("(a|a)*$", "a" * 60 + "b")

# %% exercise="apply_mask" minutes=0
re.match("(a|a)*$", "a" * 60 + "b")

# %%
import re

re.match("(a|a)*$", "a" * 60 + "c")

# %%
import re

re.match("(a|a)*$", "a" * 60 + "d")

# %%
import re

re.match("(a|a)*$", "a" * 60 + "e")

# %%
import re

re.match("(a|a)*$", "a" * 60 + "f")


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return None
