"""Checks for notebook 06, Training."""
