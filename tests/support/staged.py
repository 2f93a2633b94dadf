"""Runs with stages, in few words: jobs whose pictures other jobs take."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from orchestrator.core.keys import job_key
from orchestrator.core.specs import PICTURE, JobSpec, Needs
from orchestrator.core.verdicts import JobVerdict, Opinion, VerdictSource
from orchestrator.ports import StoredArtifact
from orchestrator.store.account.acts import Signature
from orchestrator.store.attempts import endings
from orchestrator.store.attempts import outputs as pictures
from orchestrator.store.choosing import new_tries, redo_sources, verdicts
from orchestrator.store.choosing.new_tries import WantedTry
from orchestrator.store.db.schema import job_specs, jobs, runs
from orchestrator.store.runs.adding import Added, add_encoded
from orchestrator.store.runs.new_jobs import encode
from orchestrator.store.runs.runs import ensure_run, run_by_id

from .world import MODEL, PRICE, World, run_spec, spec

SIGNED = Signature(who="ada", host="here", command="jobs")


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def stage_spec(of: JobSpec, stage: str, *, index: int = 0, accepted: bool = True, **more: Any) -> JobSpec:
    """A job of a stage that takes one picture of another."""
    params = {"prompt": f"{stage} it", "images": [PICTURE], "num_images": 1}
    key = job_key(MODEL, {**params, "images": [f"job:{of.key}#{index}"]}, 1)
    path = of.output_paths[index].replace(".png", f"-{stage}.png")
    return JobSpec(
        **{
            "key": key,
            "ordinal": of.ordinal + 1000,
            "variation": 1,
            "params": params,
            "local_images": {},
            "price_micros": PRICE,
            "images": 1,
            "output_paths": (path,),
            "stage": stage,
            "needs": Needs(of.key, index, accepted),
            **more,
        }
    )


class Staged:
    """A world whose runs have stages. What a job has made is digested from the number of its attempt."""

    def __init__(self, world: World) -> None:
        self.world = world

    def specs(
        self,
        products: int,
        *,
        stages: Sequence[str] = ("cutout",),
        accepted: bool = True,
        prefix: str = "hero",
        images: int = 1,
    ) -> list[JobSpec]:
        found = []
        for number in range(products):
            made = spec(number, prefix=prefix, images=images)
            found.append(made)
            for stage in stages:
                following = [
                    stage_spec(made, stage, index=index, accepted=accepted) for index in range(made.images)
                ]
                found += following
                made = following[0]
        return found

    def apply(
        self,
        products: int,
        *,
        run_key: str = "main",
        rule: Any = None,
        chain_reserved: bool = False,
        **more: Any,
    ) -> Added:
        """Each run names its files by its key."""
        specs = [
            encode(each)._replace(
                paths=tuple(f"{run_key}/{path}" for path in each.output_paths),
                model_revision=(rule.model_revision if rule else None) or 1,
            )
            for each in self.specs(products, **more)
        ]
        with self.world.database.write() as tx:
            run = ensure_run(tx, run_spec(run_key=run_key, chain_reserved=chain_reserved))
            return add_encoded(tx, run, specs, rule=rule)

    def run(self) -> Any:
        return self.world.rows(runs)[0]

    def base(self, number: int) -> Any:
        return [row for row in self.world.rows(jobs) if row.needs_job is None][number]

    def cutout(self, number: int) -> Any:
        return [row for row in self.world.rows(jobs) if row.needs_job is not None][number]

    def images(self, job_id: int) -> dict[str, Any]:
        with self.world.database.read() as tx:
            query = select(job_specs.c.local_images).where(job_specs.c.job_id == job_id)
            return tx.conn.execute(query).scalar_one()

    def sha_of(self, number: int) -> str:
        """The digest of the first picture of the job made as the n-th."""
        return digest(f"attempt {number + 1}, picture 0")

    def make(self, worker: str = "w1") -> int:
        """Make the next job; returns its id."""
        held = self.world.lease(worker)
        self.world.send(held)
        self.world.accept(held, worker=worker)
        images = self.world.job(held).images
        self.world.complete(held, images)
        self.finish(held, images)
        return held.job_id

    def finish(self, held: Any, images: int = 1, *, flagged: tuple[int, ...] = (), expected: int = 0) -> None:
        kept = tuple((index, _picture(held, index, flagged=index in flagged)) for index in range(images))
        row = pictures.Finish(
            attempt_id=held.attempt_id, epoch=held.epoch, stored=kept, lost=(), expected=expected or images
        )
        assert self.world.do(endings.finish, row)

    def say(self, verdict: JobVerdict, *job_ids: int) -> None:
        with self.world.database.write() as tx:
            judged, refused = verdicts.judge(
                tx, job_ids, Opinion(verdict), signed=SIGNED, source=VerdictSource.COMMAND
            )
        assert len(judged) == len(job_ids), refused

    def redo(self, job_id: int, *, revision: int = 1) -> int:
        """A further try, which waits; returns its id."""
        with self.world.database.write() as tx:
            new_tries.lock(tx)
            source = redo_sources.sources(tx, [job_id], locked=True)[job_id]
            run = run_by_id(tx, source.run_id)
            wanted = WantedTry(source, source.same_again({MODEL: revision}))
            (made,) = new_tries.add_tries(tx, run, [wanted], agreed={}, signed=SIGNED)
        return made.job_id


def _picture(held: Any, index: int, *, flagged: bool) -> StoredArtifact:
    return StoredArtifact(
        path=f"{'quarantine' if flagged else 'stored'}/{held.attempt_id}-{index}.png",
        sha256=digest(f"attempt {held.attempt_id}, picture {index}"),
        bytes=8,
        media_type="image/png",
        width=4,
        height=4,
    )
