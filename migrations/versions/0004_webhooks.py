"""What signed webhooks said."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade():
    op.create_table(
        "webhook_receipts",
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prediction_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_webhook_receipts_attempt_id")),
        sa.PrimaryKeyConstraint("attempt_id", "prediction_id", name=op.f("pk_webhook_receipts")),
    )
    op.create_index("ix_webhook_receipts_prediction_id", "webhook_receipts", ["prediction_id"])


def downgrade():
    op.drop_index("ix_webhook_receipts_prediction_id", table_name="webhook_receipts")
    op.drop_table("webhook_receipts")
