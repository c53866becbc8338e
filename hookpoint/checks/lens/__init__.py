"""Checks of notebook 11, logit lens and direct attribution: one module for each exercise."""
