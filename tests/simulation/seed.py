"""One seed: drawn, run on a database of its own, and what became of it."""

import traceback
from dataclasses import dataclass, field

from .bench import benches
from .drawing import draw
from .loop import HangError, run_virtual
from .pace import no_garbage_collection, slower_idling
from .plan import SimulationPlan
from .simulation import Simulation
from .staged import pictures_on_disk
from .timeline import Timeline, ViolationError

VIRTUAL_LIMIT = 40 * 86_400.0
"""Seconds; no seed lasts so long unless it hangs."""


@dataclass
class Result:
    """What became of one seed."""

    seed: int
    plan: SimulationPlan
    timeline: Timeline
    failure: str | None = None
    detail: str = ""
    misadopted: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    posts: int = 0
    virtual_seconds: float = 0.0
    uncertain: bool = False


def simulate(
    seed: int, theme: str | None = None, plan: SimulationPlan | None = None, *, database: str = "sqlite"
) -> Result:
    """Run one seed; a failure is in the result, with its timeline."""
    plan = plan or draw(seed, theme)
    stage = benches.get(database)
    stage.wipe()
    simulation = Simulation(plan, stage)
    result = Result(seed, plan, simulation.timeline)
    with slower_idling(plan), no_garbage_collection(), pictures_on_disk(simulation):
        try:
            run_virtual(simulation.run, VIRTUAL_LIMIT)
        except (ViolationError, HangError) as error:
            first = simulation.checker.failure
            result.failure = str(first or f"invariant 10: {error}")
        except Exception as error:
            result.failure = f"the simulation broke: {error!r}"
            result.detail = traceback.format_exc()
    result.misadopted = simulation.checker.states.misadopted
    result.uncertain = simulation.checker.scene.uncertain
    result.posts = sum(simulation.checker.posts.posts.values())
    result.virtual_seconds = simulation.timeline.events[-1][0] if simulation.timeline.events else 0.0
    return result
