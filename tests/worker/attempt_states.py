"""How attempts stand, in few words."""

from orchestrator.store.db.schema import attempts


def states(world):
    return [(row.state, row.reason) for row in world.rows(attempts)]
