"""What operators decided, whose word a limit is, and what keeps an attempt from going on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    _create_quotes()
    _key_lanes_by_digest()
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
        sa.Column("campaign_id", BigInt),
        sa.Column("run_id", BigInt),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_job_id", "acts", ["job_id"])
    op.add_column("events", sa.Column("campaign_id", BigInt))
    op.add_column("events", sa.Column("run_id", BigInt))
    op.add_column("attempts", sa.Column("trouble", sa.Text()))
    op.add_column(
        "attempts", sa.Column("trouble_count", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("attempts", sa.Column("next_try_at", BigInt))
    op.add_column("attempts", sa.Column("answered_at", BigInt))
    op.add_column("attempts", sa.Column("overdue_at", BigInt))
    op.add_column("attempts", sa.Column("agreed_billed_micros", BigInt))
    op.add_column("attempts", sa.Column("agreed_charge_micros", BigInt))
    op.add_column("attempts", sa.Column("agreed_refunded_micros", BigInt))
    op.add_column("workers", sa.Column("clock_offset_ms", BigInt))
    op.add_column("budgets", sa.Column("overruled_micros", BigInt))
    op.add_column("outputs", sa.Column("unproven_path", sa.Text()))
    copies = sa.text("idx >= 1000000000 AND state = 'planned'")
    op.create_index(
        "ix_outputs_copies", "outputs", ["job_id", "idx"], sqlite_where=copies, postgresql_where=copies
    )
    for name in ("concurrency_source", "submits_per_minute_source"):
        op.add_column(
            "limits", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("'config'"))
        )
    for name in ("concurrency_overruled", "submits_per_minute_overruled"):
        op.add_column("limits", sa.Column(name, sa.Integer()))
    sqlite = op.get_bind().dialect.name == "sqlite"
    made = "lower(hex(randomblob(16)))" if sqlite else "replace(gen_random_uuid()::text, '-', '')"
    op.execute(f"INSERT INTO meta (key, value) VALUES ('database_id', {made})")  # noqa: S608


def downgrade():
    op.execute("DELETE FROM meta WHERE key = 'database_id'")
    for name in ("submits_per_minute_overruled", "concurrency_overruled"):
        op.drop_column("limits", name)
    op.drop_table("quotes")
    _key_lanes_by_price()
    op.drop_column("limits", "submits_per_minute_source")
    op.drop_column("limits", "concurrency_source")
    op.drop_index("ix_outputs_copies", table_name="outputs")
    op.drop_column("outputs", "unproven_path")
    op.drop_column("budgets", "overruled_micros")
    op.drop_column("workers", "clock_offset_ms")
    for name in ("agreed_refunded_micros", "agreed_charge_micros", "agreed_billed_micros"):
        op.drop_column("attempts", name)
    for name in ("overdue_at", "answered_at", "next_try_at", "trouble_count", "trouble"):
        op.drop_column("attempts", name)
    op.drop_column("events", "run_id")
    op.drop_column("events", "campaign_id")
    op.drop_index("ix_acts_job_id", table_name="acts")
    op.drop_table("acts")


def _create_quotes():
    op.create_table(
        "quotes",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("list_micros", BigInt),
        sa.Column("price_micros", BigInt, nullable=False),
        sa.Column("asked_at", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("model", "digest", "source", "account", name=op.f("pk_quotes")),
        sa.CheckConstraint("price_micros > 0", name=op.f("ck_quotes_priced")),
    )


def _key_lanes_by_digest():
    """Which inputs priced the jobs of an older lane is not recorded: their equal list price stands for
    them.
    """
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_lanes(
            columns=[
                sa.Column("price_digest", sa.Text(), nullable=False),
                sa.Column("list_micros", BigInt, nullable=False),
                sa.Column("planned_micros", BigInt, nullable=False),
            ],
            unique="price_digest",
            selected="id, run_id, 'list:' || price_micros, price_micros, price_micros, price_micros, "
            "priority, idle",
        )
        return
    op.add_column("lanes", sa.Column("price_digest", sa.Text()))
    for name in ("list_micros", "planned_micros"):
        op.add_column("lanes", sa.Column(name, BigInt))
    op.execute(
        "UPDATE lanes SET price_digest = 'list:' || price_micros, list_micros = price_micros, "
        "planned_micros = price_micros"
    )
    for name in ("price_digest", "list_micros", "planned_micros"):
        op.alter_column("lanes", name, nullable=False)
    op.drop_constraint(op.f("uq_lanes_run_id_price_micros"), "lanes")
    op.create_unique_constraint(op.f("uq_lanes_run_id_price_digest"), "lanes", ["run_id", "price_digest"])


def _key_lanes_by_price():
    """Lanes of a run that have the same price become one again."""
    first = (
        "SELECT min(same.id) FROM lanes AS mine JOIN lanes AS same ON same.run_id = mine.run_id "
        "AND same.price_micros = mine.price_micros WHERE mine.id = "
    )
    op.execute(f"UPDATE jobs SET lane_id = ({first} jobs.lane_id)")  # noqa: S608 - constants of ours
    op.execute(
        "DELETE FROM lanes WHERE EXISTS (SELECT 1 FROM lanes AS same WHERE same.run_id = lanes.run_id "
        "AND same.price_micros = lanes.price_micros AND same.id < lanes.id)"
    )
    op.execute("UPDATE lanes SET idle = false")  # a claim closes those that are
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_lanes(
            columns=[],
            unique="price_micros",
            selected="id, run_id, price_micros, priority, idle",
        )
        return
    op.drop_constraint(op.f("uq_lanes_run_id_price_digest"), "lanes")
    for name in ("planned_micros", "list_micros", "price_digest"):
        op.drop_column("lanes", name)
    op.create_unique_constraint(op.f("uq_lanes_run_id_price_micros"), "lanes", ["run_id", "price_micros"])


def _rebuild_lanes(columns, unique, selected):
    """SQLite cannot drop a constraint. The jobs refer to the lanes all the while: their references are
    checked when the transaction ends, and found by an index that is there only for that.
    """
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE INDEX jobs_by_lane ON jobs (lane_id)")
    op.execute(f"CREATE TEMP TABLE lanes_before AS SELECT {selected} FROM lanes")  # noqa: S608 - the same
    op.drop_table("lanes")
    op.create_table(
        "lanes",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("run_id", BigInt, nullable=False),
        *columns,
        sa.Column("price_micros", BigInt, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("idle", sa.Boolean(), nullable=False),
        sa.CheckConstraint("price_micros > 0", name=op.f("ck_lanes_priced")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_lanes_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lanes")),
        sa.UniqueConstraint("run_id", unique, name=op.f(f"uq_lanes_run_id_{unique}")),
    )
    op.create_index("ix_lanes_open", "lanes", ["priority", "id"], sqlite_where=sa.text("NOT idle"))
    op.execute("INSERT INTO lanes SELECT * FROM lanes_before")
    op.execute("DROP TABLE lanes_before")
    op.execute("DROP INDEX jobs_by_lane")
