"""What the small models are trained and asked on: generators of sequences and images whose labels are exact."""

__all__: list[str] = []
