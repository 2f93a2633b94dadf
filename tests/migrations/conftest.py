"""Databases without any table, one of each kind."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import create_engine, text


@pytest.fixture(params=["sqlite", "postgres"])
def empty_urls(request: pytest.FixtureRequest, tmp_path) -> Iterator[tuple[str, str]]:
    """The URLs of two databases that hold nothing; the test runs once on each kind."""
    names = ("one", "two")
    if request.param == "sqlite":
        yield tuple(f"sqlite+pysqlite:///{tmp_path / name}.db" for name in names)
        return
    server = request.getfixturevalue("_postgres")
    if isinstance(server, str):
        pytest.skip(server)
    with ExitStack() as stack:
        urls = [stack.enter_context(server.fresh_url()) for _ in names]
        for url in urls:
            _empty(url)
        yield tuple(urls)


@pytest.fixture
def empty_url(empty_urls: tuple[str, str]) -> str:
    return empty_urls[0]


def _empty(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
    engine.dispose()
