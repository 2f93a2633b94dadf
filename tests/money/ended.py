"""Attempts that have ended, and what the books say of them."""

from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import ledger


def succeeded(world):
    world.run(1)
    return world.until(AttemptState.SUCCEEDED)


def failed(world, **options):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    world.fail(held, delay_ms=None, **options)
    return held


def standing(world, held):
    row = world.attempt(held)
    return row.reservation, row.cost_micros


def kinds(world):
    return [row.kind for row in world.rows(ledger)]
