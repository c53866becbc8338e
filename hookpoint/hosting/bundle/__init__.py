"""All that learners need, in a folder for a stick: no laptop needs a network to install it.

`make` fills the folder, `check` verifies it, `install.py` is what runs on the learners' laptops.
"""

__all__: list[str] = []
