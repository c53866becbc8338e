"""Checks of notebook 09: hooks and caches."""
