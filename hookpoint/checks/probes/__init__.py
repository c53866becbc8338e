"""Checks of notebook 14, probes and CCS."""
