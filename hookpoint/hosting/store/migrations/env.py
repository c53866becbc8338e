"""What Alembic runs: the migrations, on the connection and in the transaction that `Database.upgrade` opened.

A migration is written by hand in `versions/` and imports nothing of ours, for it must do the same in every later
version of the code; a test holds the models and the last migration together. There is one line of versions.
"""

from alembic import context

opened = context.config.attributes
# SQLite alters few things in place: Alembic's batches copy the table. `audit_entry` would lose its triggers that way.
context.configure(
    connection=opened["connection"], version_table=opened["version_table"], render_as_batch=True, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
