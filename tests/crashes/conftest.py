"""One fork server for all of a process's tests."""

from collections.abc import Iterator

import pytest

from crashes.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as server:
        yield server
