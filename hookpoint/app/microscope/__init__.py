"""What the page Microscope computes, in a process of its own, and how the page asks for it.

catalogue.py, client.py and views/ belong to the app and never import torch. All else runs in the process that
serve.py starts: reader.py turns text into tokens, families.py knows prompts like the one that is shown, subject.py
holds a model with both, and lens.py, writers.py, patching.py, ablation.py, circuits.py and training.py look inside.
"""

__all__: list[str] = []
