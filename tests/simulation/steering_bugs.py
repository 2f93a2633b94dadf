"""Bugs planted in what people keep back."""

from orchestrator.store.claiming import selection
from orchestrator.store.db.schema import Queue
from orchestrator.store.runs import order

from .planting import Mutation, Patch


def gate_is_open(patch: Patch) -> None:
    """The claim takes any job of a run whose gate is closed."""
    patch(selection, "_READY_CANARY", selection._READY)


def held_is_ready(patch: Patch) -> None:
    """A held job has its reason, and stays where the claim finds it."""
    patch(order, "_HOLD", order._HOLD.values(queue=Queue.READY.value))


STEERING_BUGS = (
    Mutation("gate is open", gate_is_open, "steered"),
    Mutation("held is ready", held_is_ready, "steered"),
)
