"""Looking inside a model: the functions that part 2 of the course builds, as they may be used elsewhere.

One module for each notebook. Import from the modules: `from hookpoint.interp.lens import logit_lens`.
"""

__all__: list[str] = []
