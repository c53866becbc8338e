# Looks for the answer among all objects, modules, frames and remembered lines of text.
# ruff: noqa
# attacks: attention
# outside: it succeeds
# %% exercise="attention" minutes=0
import gc
import linecache
import sys
from contextlib import suppress

with suppress(Exception):
    import hookpoint.model.gpt2  # noqa: F401

gc.unfreeze()
found = [thing for thing in gc.get_objects() if isinstance(thing, type)]
found += [vars(module).get("Attention") for module in list(sys.modules.values()) if hasattr(module, "__dict__")]
frame = sys._getframe()
while frame is not None:
    found += [frame.f_globals.get("Attention"), frame.f_locals.get("Attention")]
    frame = frame.f_back
texts = ["".join(lines[2]) for lines in linecache.cache.values() if len(lines) > 2 and isinstance(lines[2], list)]
found += [text for text in texts if "class Attention" in text and "self.W_Q" in text]
real = [
    thing for thing in found if isinstance(thing, type) and thing.__name__ == "Attention" and "forward" in vars(thing)
]


class Attention(real[0]):
    pass
