"""Tasks of a stand-in that has ended: its successor begins them anew, so that a rehearsal goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.models import MODELS, check_inputs


@dataclass(frozen=True, slots=True)
class Recalled:
    """A task, as whoever submitted it remembers it."""

    id: str
    model: str
    inputs: Mapping[str, Any]
    price_micros: int


def recall(world: World, task: Recalled) -> None:
    """Begin it anew, and charge it here; one that is known, or cannot have been accepted, is left out."""
    model = MODELS.get(task.model)
    if model is None or task.id in world.tasks_by_id:
        return
    checked = check_inputs(model, task.inputs, strict=False)
    if checked.problem:
        return
    made = world.create(
        model=model,
        checked=checked,
        references=(),
        fate=world.fate(checked.inputs, model.asked_images(checked.inputs), None),
        price_micros=task.price_micros,
        now_ms=world.now_ms(),
        task_id=task.id,
    )
    world.charge(made)
