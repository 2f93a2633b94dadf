"""A worker whose schema becomes newer."""

import sqlite3

import pytest

from orchestrator.core.errors import SchemaVersionError
from orchestrator.store.db import schema_version


def test_a_worker_stops_when_the_schema_becomes_newer_and_one_that_knows_it_goes_on(
    harness, world, monkeypatch
):
    world.run(9)
    harness.change("limits", concurrency=3)
    harness.provider.latency = 60.0

    def migrated(_stop):
        with sqlite3.connect(world.database.url.database) as conn:
            conn.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaVersionError, match="newer"):
        harness.run_for(300, (30.0, migrated))
    posts = len(harness.provider.posts)
    assert (posts, world.attempts()) == (3, {"in_flight": 3})
    assert harness.clock.monotonic() < 60
    monkeypatch.setattr(schema_version, "HEAD", "9999")
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 9}, 9)
