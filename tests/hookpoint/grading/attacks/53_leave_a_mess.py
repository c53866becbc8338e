# Leaves what is hard to clear: folders 3,000 deep, folders that nobody may enter, names that the clearing might use.
# ruff: noqa
# attacks: causal_mask
# %% exercise="causal_mask" minutes=0
import os

home, me = os.getcwd(), os.getppid()
for n in range(20):
    os.makedirs(f".emptying-{n}-{me}/x")
    os.makedirs(f"d{n}/x/y")
for n in range(2000):
    with open(f"file{n}", "w"):
        pass
for name in ("-rf", " ", "\n", "\udcff", "x" * 255):
    os.mkdir(name)
os.umask(0o777)
os.mkdir("locked")
with open("unreadable", "w"):
    pass
os.umask(0)
for _ in range(3_000):
    os.mkdir("deeper")
    os.chdir("deeper")
os.umask(0o777)


def causal_mask(n_queries, n_keys):
    return None
