"""Night after night: reused jobs, schedules, ticks, closed months, notices; the order of jobs, canaries.

Long because a migration is read with its way back, in one place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    _reused_jobs()
    _stable_names()
    _missing_pictures()
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
    op.drop_index("ix_outputs_missing", table_name="outputs")
    op.drop_column("outputs", "missing_since")
    op.drop_table("stable_tries")
    op.drop_table("stable_names")
    _no_reused_jobs()


def _stable_names():
    op.create_table(
        "stable_names",
        sa.Column("path_key", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("campaign_id", BigInt, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run_id", BigInt, nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("dirty_at", BigInt),
        sa.Column("job_id", BigInt),
        sa.Column("idx", sa.Integer()),
        sa.Column("sha256", sa.Text()),
        sa.Column("place", sa.Text()),
        sa.Column("switched_at", BigInt),
        sa.Column("trouble", sa.Text()),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_stable_names_campaign_id")),
        sa.PrimaryKeyConstraint("path_key", name=op.f("pk_stable_names")),
    )
    where = sa.text("dirty_at IS NOT NULL")
    op.create_index(
        "ix_stable_names_dirty", "stable_names", ["path_key"], sqlite_where=where, postgresql_where=where
    )
    op.create_index("ix_stable_names_manifest", "stable_names", ["campaign_id", "name", "run_id"])
    op.create_table(
        "stable_tries",
        sa.Column("path_key", sa.LargeBinary(), nullable=False),
        sa.Column("job_id", BigInt, nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("run_id", BigInt, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_stable_tries_job_id")),
        sa.PrimaryKeyConstraint("path_key", "job_id", name=op.f("pk_stable_tries")),
    )
    op.create_index("ix_stable_tries_job_id", "stable_tries", ["job_id"])


_CHECKS = {
    "ck_jobs_state": "\"state\" IN ('cancelled', 'failed', 'pending', 'running', 'succeeded')",
    "ck_jobs_finished_when_final": (
        "(state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)"
    ),
}
_NEW_CHECKS = {
    "ck_jobs_state": "\"state\" IN ('cancelled', 'failed', 'pending', 'reused', 'running', 'succeeded')",
    "ck_jobs_finished_when_final": (
        "(state IN ('succeeded', 'failed', 'cancelled', 'reused')) = (finished_at IS NOT NULL)"
    ),
    "ck_jobs_reused_from_another": "(state = 'reused') = (reused_from IS NOT NULL)",
    "ck_jobs_reused_is_free": "state <> 'reused' OR (cost_micros = 0 AND attempts = 0)",
}


def _reused_jobs():
    op.add_column("jobs", sa.Column("reused_from", BigInt))
    _replace_checks(_CHECKS, _NEW_CHECKS)
    where = sa.text("state = 'succeeded'")
    columns = ["key", "id", "run_id", "verdict"]
    op.create_index("ix_jobs_made", "jobs", columns, sqlite_where=where, postgresql_where=where)


def _missing_pictures():
    op.add_column("outputs", sa.Column("missing_since", BigInt))
    where = sa.text("missing_since IS NOT NULL")
    op.create_index(
        "ix_outputs_missing", "outputs", ["job_id", "idx"], sqlite_where=where, postgresql_where=where
    )


def _no_reused_jobs():
    """An older program knows no such job: it only pointed at another one, which stays."""
    op.drop_index("ix_jobs_made", table_name="jobs")
    op.execute("DELETE FROM job_specs WHERE job_id IN (SELECT id FROM jobs WHERE state = 'reused')")
    op.execute("DELETE FROM jobs WHERE state = 'reused'")
    _replace_checks(_NEW_CHECKS, _CHECKS)
    op.drop_column("jobs", "reused_from")


def _replace_checks(old, new):
    """SQLite cannot drop a check: there the table is made again with its own words but for these, and with
    each of its indexes. Its rows are referred to all the while; that is checked when the transaction ends,
    through the keys and indexes of the tables that refer to it.
    """
    if op.get_bind().dialect.name != "sqlite":
        for name in old:
            op.drop_constraint(op.f(name), "jobs")
        for name, words in new.items():
            op.create_check_constraint(op.f(name), "jobs", words)
        return
    bind = op.get_bind()
    read = "SELECT sql FROM sqlite_master WHERE tbl_name = 'jobs' AND type = :type AND sql IS NOT NULL"
    (table,) = bind.execute(sa.text(read), {"type": "table"}).scalars()
    indexes = bind.execute(sa.text(f"{read} ORDER BY name"), {"type": "index"}).scalars().all()
    for name, words in old.items():
        clause = f"CONSTRAINT {name} CHECK ({words})"
        assert clause in table, clause
        if name in new:
            table = table.replace(clause, f"CONSTRAINT {name} CHECK ({new[name]})", 1)
        else:
            table = table.replace(f"{clause}, ", "", 1)
    for name in new.keys() - old.keys():
        first = f"CONSTRAINT {next(iter(old))} "
        table = table.replace(first, f"CONSTRAINT {name} CHECK ({new[name]}), {first}", 1)
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMP TABLE jobs_before AS SELECT * FROM jobs")
    op.drop_table("jobs")
    for statement in (table, *indexes):
        bind.exec_driver_sql(statement)
    op.execute("INSERT INTO jobs SELECT * FROM jobs_before")
    op.execute("DROP TABLE jobs_before")


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
