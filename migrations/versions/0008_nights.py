"""Night after night: schedules, ticks, closed months, notices; the order of jobs, and canaries."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    _schedules()
    _campaign_money()
    _bill()
    _thresholds()
    _notices()
    _gates()


def downgrade():
    op.drop_index("ix_runs_gate", "runs")
    op.drop_index("ix_jobs_canary", "jobs")
    op.drop_column("jobs", "canary")
    for name in ("approved_at", "gate_closed_at", "operator_priority"):
        op.drop_column("runs", name)
    op.drop_table("notices")
    op.drop_table("passed_thresholds")
    op.drop_table("balance_days")
    op.drop_table("bill_entries")
    op.drop_index("ix_attempts_refunded", "attempts")
    op.drop_column("attempts", "refunded_at")
    op.drop_column("attempts", "charged_at")
    op.drop_index("ix_ledger_odd", "ledger")
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
        sa.Column("removed_at", BigInt),
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
        sa.Column("due_at", BigInt, nullable=False),
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_expires_at", BigInt),
        sa.Column("run_id", BigInt),
        sa.Column("created_at", BigInt, nullable=False),
        sa.Column("taken_at", BigInt),
        sa.Column("approved_at", BigInt),
        sa.Column("stuck_since", BigInt),
        sa.Column("finished_at", BigInt),
        sa.Column("code", sa.Integer()),
        sa.Column("ping_owed", sa.Text()),
        sa.Column("ping_at", BigInt),
        sa.Column("ping_tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
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
    owed = sa.text("ping_owed IS NOT NULL")
    op.create_index("ix_ticks_ping_at", "ticks", ["ping_at"], sqlite_where=owed, postgresql_where=owed)
    op.add_column("runs", sa.Column("tick_id", BigInt))
    op.add_column("runs", sa.Column("finish_by", BigInt))


def _campaign_money():
    op.add_column("campaigns", sa.Column("closed_at", BigInt))
    op.create_table(
        "closed_months",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("ledger_from", BigInt, nullable=False),
        sa.Column("ledger_to", BigInt, nullable=False),
        sa.Column("lines", BigInt, nullable=False),
        sa.Column("spent_micros", BigInt, nullable=False),
        sa.Column("open_micros", BigInt, nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("closed_at", BigInt, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_months")),
    )


def _bill():
    odd = sa.text("kind IN ('adjusted', 'refund_lapsed', 'refund_seen', 'written_off')")
    op.create_index("ix_ledger_odd", "ledger", ["day", "id"], sqlite_where=odd, postgresql_where=odd)
    op.add_column("attempts", sa.Column("charged_at", BigInt))
    op.add_column("attempts", sa.Column("refunded_at", BigInt))
    refunded = sa.text("refunded_micros > 0")
    op.create_index(
        "ix_attempts_refunded",
        "attempts",
        ["refunded_at"],
        sqlite_where=refunded,
        postgresql_where=refunded,
    )
    op.create_table(
        "bill_entries",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", BigInt, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("attempt_id", BigInt),
        sa.Column("prediction_id", sa.Text()),
        sa.Column("charged_micros", BigInt, nullable=False),
        sa.Column("refunded_micros", BigInt, nullable=False),
        sa.CheckConstraint(
            "\"what\" IN ('other_charge', 'other_task', 'part')", name=op.f("ck_bill_entries_what")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_bill_entries")),
    )
    op.create_index("ix_bill_entries_at", "bill_entries", ["at"])
    op.create_table(
        "balance_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("first_at", BigInt, nullable=False),
        sa.Column("first_micros", BigInt, nullable=False),
        sa.Column("last_at", BigInt, nullable=False),
        sa.Column("last_micros", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_balance_days")),
    )


def _thresholds():
    op.create_table(
        "passed_thresholds",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("scope_id", BigInt, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("cap_micros", BigInt, nullable=False),
        sa.Column("at", BigInt, nullable=False),
        sa.PrimaryKeyConstraint(
            "scope", "scope_id", "period", "percent", "cap_micros", name=op.f("pk_passed_thresholds")
        ),
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
