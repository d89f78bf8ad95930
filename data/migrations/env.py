"""How Alembic runs a migration: on the connection that data.migrate hands over, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from data.migrate import compare_options
from data.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    **compare_options(),
)
with context.begin_transaction():
    context.run_migrations()
