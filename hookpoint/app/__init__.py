"""The learner's companion: Streamlit pages over modules that know nothing of Streamlit and are tested without it.

Pages read the course, the workspace and its progress. They never write a notebook and never import torch:
learner's code runs in a child process.
"""

__all__: list[str] = []
