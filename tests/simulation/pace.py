"""How often idle workers look, and whether Python looks for garbage: a seed takes its own pace."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from orchestrator.worker import worker as worker_module
from orchestrator.worker.doubts import resolver
from orchestrator.worker.pipeline import claim
from orchestrator.worker.upkeep import rescue, upkeep

from .plan import SimulationPlan

PACES: list[tuple[Any, str]] = [
    (claim, "IDLE_SECONDS"),
    (rescue, "IDLE_SECONDS"),
    (worker_module, "DRAIN_SECONDS"),
    (upkeep, "UPKEEP_SECONDS"),
    (resolver, "IDLE_CHECK_SECONDS"),
    (resolver, "REPORTS_SECONDS"),
]


@contextmanager
def slower_idling(plan: SimulationPlan) -> Iterator[None]:
    """Idle looks cost real time and find nothing: a seed takes its own pace."""
    kept = [getattr(module, name) for module, name in PACES]
    idle = plan.idle_seconds
    idle_at((idle, idle, idle / 2, 60.0, idle, idle / 4))
    try:
        yield
    finally:
        idle_at(kept)


def idle_at(paces: Sequence[float]) -> None:
    for (module, name), seconds in zip(PACES, paces, strict=True):
        setattr(module, name, seconds)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """One seed leaves little behind; looking for it while it runs takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def calm() -> None:
    """Look once a minute: who waits for nothing but time may as well wait calmly."""
    idle_at([60.0] * len(PACES))
