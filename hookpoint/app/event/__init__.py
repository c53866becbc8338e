"""The event one has joined, seen from one's own laptop: `line` is the connection, `panels` what is drawn of it."""

__all__: list[str] = []
