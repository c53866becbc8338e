"""Checks of notebook 05: weights from elsewhere, the proof that they arrived, and checkpoints of one's own."""

__all__: list[str] = []
