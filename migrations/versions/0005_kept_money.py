"""A reservation says `settled` exactly when money was kept. What the bill said later was written into the
cost alone; the ledger and the balances had it right, and stay as they are.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade():
    op.execute(
        "UPDATE attempts SET reservation = 'settled' WHERE reservation = 'released' AND cost_micros > 0"
    )
    op.execute(
        "UPDATE attempts SET reservation = 'released', cost_micros = NULL "
        "WHERE reservation = 'settled' AND (cost_micros IS NULL OR cost_micros = 0)"
    )
    op.execute("UPDATE attempts SET cost_micros = NULL WHERE reservation = 'released' AND cost_micros = 0")


def downgrade():
    """The older program reads what this one writes: there is nothing to take back."""
