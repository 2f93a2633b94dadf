"""Night after night: schedules, ticks, closed months, notices; the order of jobs, and canaries."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    _schedules()
    _campaign_money()
    _notices()
    _gates()


def downgrade():
    op.drop_index("ix_runs_gate", "runs")
    op.drop_index("ix_jobs_canary", "jobs")
    op.drop_column("jobs", "canary")
    for name in ("approved_at", "gate_closed_at", "operator_priority"):
        op.drop_column("runs", name)
    op.drop_table("notices")
    op.drop_table("closed_months")
    op.drop_column("campaigns", "closed_at")
    op.drop_column("runs", "finish_by")
    op.drop_column("runs", "tick_id")
    op.drop_table("ticks")
    op.drop_table("schedules")


def _schedules():
    op.create_table(
        "schedules",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("manifest_path", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("since", BigInt, nullable=False),
        sa.Column("next_at", BigInt),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("paused_at", BigInt),
        sa.Column("paused_why", sa.Text()),
        sa.Column("created_at", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("name", name=op.f("uq_schedules_name")),
    )
    op.create_table(
        "ticks",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("schedule_id", BigInt, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", BigInt, nullable=False),
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_expires_at", BigInt),
        sa.Column("run_id", BigInt),
        sa.Column("created_at", BigInt, nullable=False),
        sa.Column("finished_at", BigInt),
        sa.CheckConstraint(
            "\"state\" IN ('applied', 'done', 'due', 'expanding', 'failed', 'missed', 'skipped', "
            "'superseded', 'waiting_approval', 'working')",
            name=op.f("ck_ticks_state"),
        ),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_ticks_schedule_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_ticks_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticks")),
        sa.UniqueConstraint("schedule_id", "key", name=op.f("uq_ticks_schedule_id_key")),
    )
    op.create_index("ix_ticks_state", "ticks", ["state", "at"])
    op.add_column("runs", sa.Column("tick_id", BigInt))
    op.add_column("runs", sa.Column("finish_by", BigInt))


def _campaign_money():
    op.add_column("campaigns", sa.Column("closed_at", BigInt))
    op.create_table(
        "closed_months",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("ledger_from", BigInt, nullable=False),
        sa.Column("ledger_to", BigInt, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("closed_at", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_months")),
    )


def _notices():
    op.create_table(
        "notices",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", BigInt, nullable=False),
        sa.Column("next_try_at", BigInt),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_expires_at", BigInt),
        sa.Column("trouble", sa.Text()),
        sa.Column("delivered_at", BigInt),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("target", "subject", name=op.f("uq_notices_target_subject")),
    )
    where = sa.text("next_try_at IS NOT NULL")
    op.create_index("ix_notices_due", "notices", ["next_try_at"], sqlite_where=where, postgresql_where=where)


def _gates():
    op.add_column("runs", sa.Column("operator_priority", sa.Integer()))
    op.add_column("runs", sa.Column("gate_closed_at", BigInt))
    op.add_column("runs", sa.Column("approved_at", BigInt))
    canary = sa.Column("canary", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    op.add_column("jobs", canary)
    where = sa.text("canary")
    columns = ["run_id", "lane_id", "round", "id"]
    op.create_index("ix_jobs_canary", "jobs", columns, sqlite_where=where, postgresql_where=where)
    where = sa.text("gate_closed_at IS NOT NULL")
    op.create_index("ix_runs_gate", "runs", ["id"], sqlite_where=where, postgresql_where=where)
