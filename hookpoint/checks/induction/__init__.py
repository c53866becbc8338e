"""Checks of notebook 10, induction heads."""
