"""One starter for each family of problems: a zoo model that fits, and the first measurement that most of them need."""

__all__: list[str] = []
