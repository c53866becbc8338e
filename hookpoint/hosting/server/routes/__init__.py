"""The server's pages, one module for each group of them; each has a `router`. `server.app` lists them."""

__all__ = []
