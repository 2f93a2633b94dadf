"""Databases without any table, one of each kind."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_urls(request: pytest.FixtureRequest, tmp_path) -> Iterator[tuple[str, ...]]:
    """The URLs of two databases that hold nothing; the test runs once on each kind."""
    names = [f"orchestrator_empty_{os.getpid()}_{word}" for word in ("one", "two")]
    if request.param == "sqlite":
        yield tuple(f"sqlite+pysqlite:///{tmp_path / name}.db" for name in names)
        return
    server = request.getfixturevalue("_postgres")
    if isinstance(server, str):
        pytest.skip(server)
    for name in names:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
    url = make_url(server._test_url)
    yield tuple(url.set(database=name).render_as_string(hide_password=False) for name in names)
    for name in names:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_url(empty_urls: tuple[str, ...]) -> str:
    return empty_urls[0]
