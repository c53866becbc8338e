# Reads the answer out of the library's text, or out of its compiled file.
# ruff: noqa
# attacks: attention
# outside: it succeeds
# %% exercise="attention" minutes=0
import glob
import marshal
from pathlib import Path

import hookpoint

folder = Path(hookpoint.__file__).parent / "model"
names = {"__name__": "hookpoint.model.copy", "__package__": "hookpoint.model"}
try:
    exec(compile((folder / "gpt2.py").read_text(), "copy", "exec", dont_inherit=True), names)
except OSError:
    for path in glob.glob(str(folder / "__pycache__" / "gpt2.*.pyc")):
        exec(marshal.loads(Path(path).read_bytes()[16:]), names)


class Attention(names["Attention"]):
    pass
