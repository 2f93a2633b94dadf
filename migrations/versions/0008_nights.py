"""Night after night: schedules and their ticks, months that are closed, notices that are to be delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    _reused_jobs()
    _stable_names()
    _schedules()
    _campaign_money()
    _notices()


def downgrade():
    op.drop_table("notices")
    op.drop_table("closed_months")
    op.drop_column("campaigns", "closed_at")
    op.drop_column("runs", "finish_by")
    op.drop_column("runs", "tick_id")
    op.drop_table("ticks")
    op.drop_table("schedules")
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
