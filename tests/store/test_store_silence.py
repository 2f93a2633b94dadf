"""A worker that falls silent inside a transaction does not hold up the others for ever."""

import pytest

from orchestrator.core.errors import DatabaseError
from orchestrator.store.account import rate_limits
from orchestrator.store.db import dialect


def test_a_transaction_whose_worker_is_frozen_is_undone_and_its_locks_are_free(
    database, open_database, monkeypatch
):
    if database.url.get_backend_name() == "sqlite":
        pytest.skip("a file has no server that could end a transaction; its writers are on one host")
    other = open_database()
    with database.write() as tx:
        rate_limits.configure(tx, concurrency=7, submits_per_minute=7)
    monkeypatch.setattr(dialect, "SILENT_MS", 50)

    def fall_silent() -> None:
        with database.write() as tx:
            rate_limits.configure(tx, concurrency=1, submits_per_minute=1)
            # The other waits here for the lock, until the server has ended the silent transaction.
            with other.write() as tx_of_other:
                assert rate_limits.allowance(tx_of_other).slots == 7

    with pytest.raises(DatabaseError) as late:
        fall_silent()
    assert late.value.transient
