"""Checks of notebook 00, tensors."""
