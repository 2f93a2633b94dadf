"""Alembic's entry point: the caller hands in an open connection, and the transaction is the caller's."""

from alembic import context

from orchestrator.store.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
