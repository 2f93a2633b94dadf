"""One fork server for all of a process's tests."""

from collections.abc import Iterator

import pytest

from crashes.processes import Processes


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    with Processes() as server:
        yield server
