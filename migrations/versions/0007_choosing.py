"""Which picture is chosen: the order of a product's pictures, verdicts, tries of one cell, checks."""

import hashlib
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.add_column("runs", sa.Column("settings", sa.JSON()))
    op.add_column("workers", sa.Column("output_root", sa.Text()))
    op.add_column("job_specs", sa.Column("axes", sa.JSON()))
    _name_products()
    op.add_column("jobs", sa.Column("round", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.execute("UPDATE jobs SET round = variation")
    for name in ("verdict", "note"):
        op.add_column("jobs", sa.Column(name, sa.Text()))
    op.add_column("jobs", sa.Column("stars", sa.Integer()))
    op.add_column("jobs", sa.Column("redo_of", BigInt))
    op.add_column("jobs", sa.Column("redo_by", sa.Text()))
    _order_ready_jobs("round")
    _partial_index(
        "ix_jobs_verdict", "jobs", ["run_id", "verdict", "id", "images"], where="verdict IS NOT NULL"
    )
    _partial_index("ix_jobs_redo_of", "jobs", ["redo_of"], where="redo_of IS NOT NULL")
    _partial_index("ix_jobs_redone", "jobs", ["run_id", "state", "id"], where="redo_of IS NOT NULL")
    op.add_column("outputs", sa.Column("clean_path", sa.Text()))
    op.add_column("outputs", sa.Column("clean_key", sa.LargeBinary()))
    op.add_column("outputs", sa.Column("wanted_at", BigInt))
    op.add_column("outputs", sa.Column("moving_to", sa.Text()))
    op.add_column("outputs", sa.Column("moving_since", BigInt))
    op.add_column("outputs", sa.Column("moving_trouble", sa.Text()))
    _partial_index("ix_outputs_clean_key", "outputs", ["clean_key"], where="clean_key IS NOT NULL")
    _partial_index("ix_outputs_moving", "outputs", ["job_id", "idx"], where="moving_to IS NOT NULL")
    _tell_clean_names()
    op.create_table(
        "verdicts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("job_id", BigInt, nullable=False),
        sa.Column("at", BigInt, nullable=False),
        sa.Column("verdict", sa.Text()),
        sa.Column("stars", sa.Integer()),
        sa.Column("note", sa.Text()),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_verdicts_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    )
    op.create_index("ix_verdicts_job_id", "verdicts", ["job_id", "id"])
    op.create_table(
        "check_results",
        sa.Column("job_id", BigInt, nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", BigInt, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_check_results_job_id")),
        sa.PrimaryKeyConstraint("job_id", "idx", "name", name=op.f("pk_check_results")),
    )


def downgrade():
    op.drop_table("check_results")
    op.drop_index("ix_verdicts_job_id", table_name="verdicts")
    op.drop_table("verdicts")
    op.drop_index("ix_outputs_moving", table_name="outputs")
    op.drop_index("ix_outputs_clean_key", table_name="outputs")
    for name in ("moving_trouble", "moving_since", "moving_to", "wanted_at", "clean_key", "clean_path"):
        op.drop_column("outputs", name)
    op.drop_index("ix_jobs_redone", table_name="jobs")
    op.drop_index("ix_jobs_redo_of", table_name="jobs")
    op.drop_index("ix_jobs_verdict", table_name="jobs")
    _order_ready_jobs("variation")
    for name in ("redo_by", "redo_of", "stars", "note", "verdict", "round"):
        op.drop_column("jobs", name)
    op.drop_index("ix_job_specs_product", table_name="job_specs")
    for name in ("product", "run_id", "axes"):
        op.drop_column("job_specs", name)
    op.drop_column("workers", "output_root")
    op.drop_column("runs", "settings")


def _tell_clean_names():
    """Pictures that got a suffix, since an earlier job or attempt had the name, are tries of that name. Their
    files stay where they are.
    """
    conn = op.get_bind()
    changes = []
    for row in conn.execute(_SUFFIXED):
        own = hashlib.sha256(f"{row.run_key}\n{row.key}".encode()).hexdigest()[:8]
        clean = re.sub(
            rf"(?:~{own})?(?:~retry-{row.job_id}-[0-9]+)*(?=(?:\.[^./~]*)?\Z)", "", row.path, count=1
        )
        if clean != row.path:
            changes.append({"job": row.job_id, "idx": row.idx, "clean": clean, "clean_key": _path_key(clean)})
    for change in changes:
        conn.execute(_IS_A_TRY, change)


def _path_key(path):
    normal = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    folded = path.lower() if path.isascii() else normal
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:16]


_SUFFIXED = sa.text(
    "SELECT outputs.job_id, outputs.idx, outputs.path, jobs.key, runs.run_key FROM outputs"
    " JOIN jobs ON jobs.id = outputs.job_id JOIN runs ON runs.id = jobs.run_id WHERE outputs.path LIKE '%~%'"
)
_IS_A_TRY = sa.text(
    "UPDATE outputs SET clean_path = :clean, clean_key = :clean_key WHERE job_id = :job AND idx = :idx"
    " AND EXISTS (SELECT 1 FROM outputs AS holder WHERE holder.path_key = :clean_key)"
)


def _name_products():
    """Of jobs that have no axes yet: the first tag, the first picture, or their number."""
    op.add_column("job_specs", sa.Column("run_id", BigInt))
    op.add_column("job_specs", sa.Column("product", sa.Text()))
    if op.get_bind().dialect.name == "sqlite":
        tag = "(SELECT value FROM json_each(tags) LIMIT 1)"
        picture = "(SELECT key FROM json_each(local_images) WHERE json_type(local_images) = 'object' LIMIT 1)"
    else:
        tag = _first("tags", "json_each_text", "value")
        picture = _first("local_images", "json_object_keys", "json_object_keys")
    name = f"substr(coalesce({tag}, {picture}, 'job ' || (jobs.ordinal + 1)), 1, 120)"
    op.execute(
        f"UPDATE job_specs SET run_id = jobs.run_id, product = {name} "  # noqa: S608 - our own words
        "FROM jobs WHERE jobs.id = job_specs.job_id"
    )
    op.create_index("ix_job_specs_product", "job_specs", ["run_id", "product", "job_id"])


def _first(column, function, result):
    is_object = f"json_typeof({column}) = 'object'"
    return f"CASE WHEN {is_object} THEN (SELECT {result} FROM {function}({column}) LIMIT 1) END"  # noqa: S608


def _order_ready_jobs(column):
    op.drop_index("ix_jobs_ready", table_name="jobs")
    _partial_index("ix_jobs_ready", "jobs", ["lane_id", column, "id"], where="queue = 'ready'")


def _partial_index(name, table, columns, *, where):
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
