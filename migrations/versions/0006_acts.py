"""What operators decided, whose word a limit is, and what keeps an attempt from going on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "acts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("at", BigInt, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("old", sa.Text()),
        sa.Column("new", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.Column("job_id", BigInt),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_job_id", "acts", ["job_id"])
    op.add_column("attempts", sa.Column("trouble", sa.Text()))
    op.add_column(
        "attempts", sa.Column("trouble_count", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("attempts", sa.Column("next_try_at", BigInt))
    op.add_column("attempts", sa.Column("answered_at", BigInt))
    op.add_column("attempts", sa.Column("overdue_at", BigInt))
    op.add_column("workers", sa.Column("clock_offset_ms", BigInt))
    for name in ("concurrency_source", "submits_per_minute_source"):
        op.add_column(
            "limits", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("'config'"))
        )
    sqlite = op.get_bind().dialect.name == "sqlite"
    made = "lower(hex(randomblob(16)))" if sqlite else "replace(gen_random_uuid()::text, '-', '')"
    op.execute(f"INSERT INTO meta (key, value) VALUES ('database_id', {made})")  # noqa: S608


def downgrade():
    op.execute("DELETE FROM meta WHERE key = 'database_id'")
    op.drop_column("limits", "submits_per_minute_source")
    op.drop_column("limits", "concurrency_source")
    op.drop_column("workers", "clock_offset_ms")
    for name in ("overdue_at", "answered_at", "next_try_at", "trouble_count", "trouble"):
        op.drop_column("attempts", name)
    op.drop_index("ix_acts_job_id", table_name="acts")
    op.drop_table("acts")
