"""Campaigns have weights and take turns; workers can be drained, and are noticed when they are lost."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BUSY = ("campaigns", "workers")  # as in 0002: rows that every claim or heartbeat changes
BUSY_SETTINGS = {
    "fillfactor": "50",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_scale_factor": "0",
}
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        words = ", ".join(f"{name} = {value}" for name, value in BUSY_SETTINGS.items())
        for table in BUSY:
            op.execute(f"ALTER TABLE {table} SET ({words})")
    op.add_column("campaigns", sa.Column("weight", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.add_column("campaigns", sa.Column("served", BIG, nullable=False, server_default=sa.text("0")))
    op.add_column("workers", sa.Column("version", sa.Text()))
    op.add_column("workers", sa.Column("lease_ms", BIG, nullable=False, server_default=sa.text("60000")))
    op.add_column("workers", sa.Column("draining_at", BIG))
    op.add_column("workers", sa.Column("lost_at", BIG))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in BUSY:
            op.execute(f"ALTER TABLE {table} RESET ({', '.join(BUSY_SETTINGS)})")
    for table, columns in (
        ("workers", ("lost_at", "draining_at", "lease_ms", "version")),
        ("campaigns", ("served", "weight")),
    ):
        for column in columns:
            op.drop_column(table, column)
