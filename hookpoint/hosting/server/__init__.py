"""The event's web server: pages for people and projector, one stream, a JSON API. `app.create_app` makes it."""

__all__ = []
