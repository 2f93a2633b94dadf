"""Stages: jobs that take the picture of another job. What https inputs and the model were for a job."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.add_column(
        "runs", sa.Column("chain_reserved", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("jobs", sa.Column("needs_job", BigInt))
    op.add_column("jobs", sa.Column("needs_index", sa.Integer()))
    op.add_column("jobs", sa.Column("needs_accepted", sa.Boolean()))
    op.add_column("jobs", sa.Column("needs_sha256", sa.Text()))
    op.add_column("job_specs", sa.Column("stage", sa.Text()))
    op.add_column("job_specs", sa.Column("seen_urls", sa.JSON()))
    op.add_column("job_specs", sa.Column("model_revision", sa.Integer()))
    where = sa.text("needs_job IS NOT NULL")
    op.create_index(
        "ix_jobs_needs", "jobs", ["needs_job", "state", "id"], sqlite_where=where, postgresql_where=where
    )


def downgrade():
    op.drop_index("ix_jobs_needs", "jobs")
    op.drop_column("job_specs", "model_revision")
    op.drop_column("job_specs", "seen_urls")
    op.drop_column("job_specs", "stage")
    for name in ("needs_sha256", "needs_accepted", "needs_index", "needs_job"):
        op.drop_column("jobs", name)
    op.drop_column("runs", "chain_reserved")
