"""Checks for the exercises of notebook 00b, Autograd in a hundred lines."""
