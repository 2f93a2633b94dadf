"""Jobs of later stages are recorded from sidecars with the picture that each was made of."""

from dataclasses import replace

import pytest
from support.staged import Staged, stage_spec
from support.world import MODEL, run_spec, spec

from orchestrator.actions.choosing.redo_specs import TryMaker
from orchestrator.actions.reconciling.sidecar_tasks import job_spec_of
from orchestrator.core.specs import PICTURE, JobSpec, LocalImage, Needs
from orchestrator.store.attempts import origins
from orchestrator.store.choosing import redo_sources
from orchestrator.store.db.schema import attempts, jobs
from orchestrator.store.doubts.paid_tasks import PaidPicture, PaidTask
from orchestrator.store.doubts.rebuilding import Recorded, record

BASE = spec(1)
TAKEN = LocalImage("hero/older.png", "b" * 64, bytes=10, media_type="image/png")
CUTOUT = replace(stage_spec(BASE, "cutout"), local_images={PICTURE: TAKEN})


def paid(name: str, job: JobSpec) -> PaidTask:
    (path,) = job.output_paths
    picture = PaidPicture(
        index=0, path=path, stored_path=path, sha256="a" * 64, bytes=10, media_type="image/png", width=1,
        height=1, nsfw=False, stored_at=5_000,
    )  # fmt: skip
    return PaidTask(
        run=run_spec(), job=job, number=1, prediction_id=name, day="2026-01-02", submitted_at=1_000,
        accepted_at=2_000, completed_at=5_000, inference_ms=900, pictures=(picture,), token=f"token-{name}",
    )  # fmt: skip


@pytest.fixture
def staged(world) -> Staged:
    return Staged(world)


def recorded(world, *tasks: PaidTask) -> None:
    with world.database.write() as tx:
        assert record(tx, tasks) == [Recorded.ADDED] * len(tasks)


def source_of(world, job_id: int) -> redo_sources.RedoSource:
    with world.database.read() as tx:
        return redo_sources.sources(tx, [job_id])[job_id]


def test_a_job_of_a_stage_is_recorded_with_the_picture_that_it_took_then(world, staged):
    recorded(world, paid("base", BASE), paid("cutout", CUTOUT))
    base, cutout = world.rows(jobs)
    found = cutout.needs_job, cutout.needs_index, cutout.needs_accepted, cutout.needs_sha256
    assert (*found, cutout.state) == (base.id, 0, True, "b" * 64, "succeeded")
    assert staged.images(cutout.id)[PICTURE]["sha256"] == "b" * 64
    assert source_of(world, cutout.id).stage == "cutout"
    world.check_money()


def test_a_job_that_waited_for_its_picture_has_taken_what_its_sidecar_tells(world, staged):
    staged.apply(2)
    recorded(world, replace(paid("cutout", CUTOUT), run=run_spec()))
    assert staged.cutout(1).needs_sha256 == "b" * 64
    assert staged.cutout(1).state == "succeeded"


def test_a_job_whose_source_is_lost_is_recorded_and_never_made_again_until_a_manifest_names_it(world, staged):
    recorded(world, paid("cutout", CUTOUT))
    (lost,) = world.rows(jobs)
    assert (lost.needs_job, lost.needs_sha256) == (None, "b" * 64)
    refused = TryMaker({}).spec(source_of(world, lost.id))
    assert "apply its manifest again" in refused.why
    world.apply([BASE, replace(CUTOUT, local_images={})])
    lost, base = world.rows(jobs)
    assert (lost.needs_job, lost.needs_index, lost.needs_accepted) == (base.id, 0, True)
    assert not source_of(world, lost.id).has_lost_source


def test_a_sidecar_tells_stage_and_source_and_is_read_so(world, staged):
    staged.apply(1, accepted=False)
    staged.make()
    staged.make()
    base, cutout = world.rows(jobs)
    made = world.rows(attempts)[1]
    with world.database.read() as tx:
        said = origins.origins_of(tx, [made.id], origins.paths_of(tx, [cutout.id]))[made.id]
    read = job_spec_of({**said, "params": {}, "model": MODEL, "price_micros": 1})
    assert (read.stage, read.needs) == ("cutout", Needs(base.key, 0, accepted=False))
