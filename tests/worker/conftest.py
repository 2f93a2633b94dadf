"""A workshop for every test of the worker."""

import pytest
from support.workshop import Workshop


@pytest.fixture
def shop(sqlite_world, provider, artifacts) -> Workshop:
    return Workshop(sqlite_world, provider, artifacts)


@pytest.fixture
def world(sqlite_world):
    """The worker's tests run on SQLite; the store's own run on both."""
    return sqlite_world
