"""Checks for notebook 01 of part 1: a byte-pair tokenizer from text to ids and back."""

__all__: list[str] = []
