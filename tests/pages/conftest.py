"""Pages are about SQL that the store's tests try on both databases: here one kind is enough."""

import pytest
from support.showroom import Showroom
from support.world import World

from orchestrator.store.db.database import Database


@pytest.fixture
def shop(sqlite_url, clock, entropy, tmp_path):
    database = Database.open(sqlite_url, clock, clock_from_server=False)
    yield Showroom(World(database, clock, entropy), tmp_path)
    database.close()
