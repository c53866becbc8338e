"""The store: what an event must not forget, in one database.

`models` says what is kept, `database` opens and upgrades it, `migrations` brings every older database up to date.
"""

__all__: list[str] = []
