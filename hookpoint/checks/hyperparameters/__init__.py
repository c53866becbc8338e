"""Checks of notebook 06b, hyperparameters."""
