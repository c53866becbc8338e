"""The models of the zoo that read no tokens: toy bottlenecks, sparse autoencoders, a vision transformer."""

__all__: list[str] = []
