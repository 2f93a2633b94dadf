"""Jobs of a run in a state are found in order of id, and Postgres tidies its busiest tables early."""

from alembic import op

revision = "0002"
down_revision = "0001"

# Rows that every transaction changes: room on their page keeps a change out of the indexes, and what is left
# behind by a thousand changes is tidied at once, not after a fifth of the table.
BUSY = ("balances", "lanes", "limits", "rate_grants", "runs")
BUSY_SETTINGS = {
    "fillfactor": "50",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_scale_factor": "0",
}

# Large tables where each row changes a few times: the claim reads an index from its front, where the entries
# of jobs that are taken lie until they are tidied.
LARGE = ("attempts", "jobs", "outputs")
LARGE_SETTINGS = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"}


def upgrade():
    op.create_index("ix_jobs_run_id_state_id", "jobs", ["run_id", "state", "id"])
    op.drop_index("ix_jobs_run_id_state", table_name="jobs")
    if op.get_bind().dialect.name == "postgresql":
        for tables, settings in ((BUSY, BUSY_SETTINGS), (LARGE, LARGE_SETTINGS)):
            words = ", ".join(f"{name} = {value}" for name, value in settings.items())
            for table in tables:
                op.execute(f"ALTER TABLE {table} SET ({words})")


def downgrade():
    if op.get_bind().dialect.name == "postgresql":
        for tables, settings in ((BUSY, BUSY_SETTINGS), (LARGE, LARGE_SETTINGS)):
            for table in tables:
                op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
    op.create_index("ix_jobs_run_id_state", "jobs", ["run_id", "state"])
    op.drop_index("ix_jobs_run_id_state_id", table_name="jobs")
