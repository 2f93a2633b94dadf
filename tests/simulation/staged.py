"""Manifests with a later stage: what it asks for, where its pictures lie, and who applies them again."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.core.keys import job_key
from orchestrator.core.specs import PICTURE, JobSpec, LocalImage, Needs
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing.made_again import make_again
from orchestrator.store.db.database import Database
from orchestrator.worker.pipeline import prepare, taken_pictures

from .plan import MODEL, UNIT, SimulationPlan

if TYPE_CHECKING:
    from .disk import SimulatedDisk
    from .simulation import Simulation

ROOT = "/outputs"
PERSON = Signature(who="eve", host="a desk", command="the simulation", why="a picture was chosen anew")


def following(plan: SimulationPlan, specs: Sequence[JobSpec]) -> list[JobSpec]:
    """One job of the stage `cutout` for each picture of the others, where a plan has stages."""
    return (
        [_cutout(plan, spec, index) for spec in specs for index in range(spec.images)] if plan.staged else []
    )


def _cutout(plan: SimulationPlan, of: JobSpec, index: int) -> JobSpec:
    prompt = f"cutout {index} of {of.params['prompt']} v{of.variation}"
    params = {"prompt": prompt, "resolution": "1k", "num_images": 1, "output_format": "png"}
    return JobSpec(
        key=job_key(MODEL, {**params, "images": [f"job:{of.key}#{index}"]}, 1),
        ordinal=10_000 + 10 * of.ordinal + index,
        variation=1,
        params={**params, "images": [PICTURE]},
        local_images={},
        price_micros=UNIT["1k"],
        images=1,
        output_paths=(of.output_paths[index].replace(".png", "-cutout.png"),),
        stage="cutout",
        needs=Needs(of.key, index, accepted=plan.staged == "accepted"),
    )


@contextmanager
def pictures_on_disk(simulation: "Simulation") -> Iterator[None]:
    """The pictures that are taken lie on the simulated disk; what is there is whole."""
    if not simulation.plan.staged:
        yield
        return

    def changed(image: LocalImage) -> str | None:
        disk: SimulatedDisk = simulation.disk
        path = str(PurePosixPath(image.path).relative_to(ROOT))
        return None if disk.files.get(path) == image.sha256 else f"{path} is not there"

    kept = taken_pictures.changed, prepare.changed
    taken_pictures.changed = prepare.changed = changed
    try:
        yield
    finally:
        taken_pictures.changed, prepare.changed = kept


class Again:
    """Somebody applies a manifest again after pictures were chosen anew; now and then two do at once."""

    def __init__(self, simulation: "Simulation", database: Database) -> None:
        self._simulation = simulation
        self._database = database
        self._dice = random.Random(f"again {simulation.plan.seed}")

    def act(self) -> None:
        """Apply one run, with what follows from choices."""
        simulation = self._simulation
        run = self._dice.choice(simulation.plan.runs)
        simulation.operator.apply(run)
        run_id = simulation.checker.scene.row("SELECT id FROM runs WHERE name = ?", run.name)["id"]
        with self._database.write() as tx:
            made = make_again(tx, run_id, PERSON, revisions={})
        with self._database.write() as tx:
            twice = make_again(tx, run_id, PERSON, revisions={})
        simulation.checker.learn_jobs()
        simulation.checker.expect(twice == 0, "7", f"applying {run.name} twice made {twice} jobs again twice")
        simulation.timeline.mark("operator", "makes again", run.name, made)
        simulation.timeline.edges["made again"] += made
