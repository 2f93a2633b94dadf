"""A sandbox in a thread, with switches and faults as the test says."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sandbox_api import Api, StillClock

from orchestrator.sandbox import Level, SandboxConfig, SandboxThread, parse_faults

Start = Callable[..., Api]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a sandbox: fault words, then switches. Tasks finish at once and pictures are small unless
    told."""
    with ExitStack() as stack:

        def begin(*faults: str, **switches: Any) -> Api:
            quick = {"latency_median": 0.0, "latency_sigma": 0.0, "fast": True, "level": Level.UNLIMITED}
            config = SandboxConfig(**{**quick, **switches}, faults=parse_faults(faults))
            api = Api(stack.enter_context(SandboxThread(config, clock=StillClock())))
            stack.callback(api.http.close)
            return api

        yield begin
