"""A receiver whose database file is taken away."""

from pathlib import Path

import pytest

from orchestrator.store.db.schema import webhook_receipts


def test_a_database_file_that_was_taken_away_is_answered_503_and_written_to_no_more(world, exchange, doubted):
    if world.database.url.get_backend_name() != "sqlite":
        pytest.skip("a server's database is compared in every write")
    receipts = len(world.rows(webhook_receipts))

    async def main(post):
        Path(world.database.url.database).unlink()
        return await post.deliver(doubted[1])

    assert exchange(main) == 503
    assert len(world.rows(webhook_receipts)) == receipts
