"""A shop's run, with real pictures: products x scenes, so that pages have something to show."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import update

from orchestrator.core.keys import job_key
from orchestrator.core.specs import JobSpec, LocalImage
from orchestrator.ports import StoredArtifact
from orchestrator.store.attempts import endings, lifecycle
from orchestrator.store.attempts import outputs as pictures
from orchestrator.store.db.schema import jobs, outputs

from .world import MODEL, PRICE, World

COLOURS = ("#b33", "#3b3", "#33b", "#bb3", "#3bb", "#b3b")


class Showroom:
    """One run, and what becomes of its jobs. Job ids are in the order of products, then scenes."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.database = world.database
        self.root = folder / "outputs"
        self.photos = folder / "photos"
        self.photos.mkdir()
        self.root.mkdir()

    def photo(self, product: str) -> LocalImage:
        path = self.photos / f"{len(list(self.photos.iterdir()))}.png"
        Image.new("RGB", (600, 400), COLOURS[len(product) % len(COLOURS)]).save(path)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return LocalImage(str(path), digest, bytes=len(content), media_type="image/png")

    def apply(self, products: Sequence[str], scenes: Sequence[str], **run: Any) -> None:
        """Add a job for each product and scene."""
        specs = []
        for product in products:
            photo = self.photo(product)
            for scene in scenes:
                params = {"prompt": f"{product} at the {scene}", "images": [f"photos/{product}.png"]}
                spec = JobSpec(
                    key=job_key(MODEL, params, 1),
                    ordinal=len(specs),
                    variation=1,
                    params=params,
                    local_images={f"photos/{product}.png": photo},
                    price_micros=PRICE,
                    images=1,
                    output_paths=(f"{run.get('name', 'shop')}/{len(specs)}.png",),
                )
                specs.append(replace(spec, axes=(("product", product), ("scene", scene))))
        self.world.apply(specs, **run)

    def make(self, *job_ids: int, flagged: bool = False) -> None:
        """Make the pictures of these jobs, of those that wait."""
        held = {each.job_id: each for each in self.world.claim()}
        for job_id, attempt in held.items():
            if job_id not in job_ids:
                self.world.give_back(attempt)
                continue
            self._finish(attempt, flagged=flagged)

    def fail(
        self, job_id: int, reason: str = "moderated", message: str = "The content check refused it."
    ) -> None:
        with self.database.write() as tx:
            ended = {"state": "failed", "queue": None, "finished_at": tx.now}
            told = {"reason": reason, "message": message}
            tx.conn.execute(update(jobs).where(jobs.c.id == job_id).values(**ended, **told))

    def set(self, job_id: int, **values: Any) -> None:
        with self.database.write() as tx:
            tx.conn.execute(update(jobs).where(jobs.c.id == job_id).values(**values))

    def path(self, job_id: int) -> Path:
        (row,) = self.world.outputs(job_id)
        return self.root / row.stored_path

    def sha256(self, job_id: int) -> str:
        (row,) = self.world.outputs(job_id)
        return row.sha256

    def _finish(self, attempt: Any, *, flagged: bool) -> None:
        name = f"{'quarantine/' if flagged else ''}shop/{attempt.job_id}.png"
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (400, 300), COLOURS[attempt.job_id % len(COLOURS)]).save(path)
        with Image.open(path) as made:
            made.putpixel((0, 0), (attempt.job_id % 256, attempt.job_id // 256, 0))
            made.save(path)
        content = path.read_bytes()
        stored = StoredArtifact(
            path=name,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            media_type="image/png",
            width=400,
            height=300,
        )
        self.world.do(lifecycle.begin_submit, lifecycle.BeginSubmit(attempt.attempt_id, attempt.epoch))
        self.world.accept(attempt)
        self.world.complete(attempt)
        self.world.do(
            endings.finish,
            pictures.Finish(
                attempt_id=attempt.attempt_id,
                epoch=attempt.epoch,
                stored=((0, stored),),
                lost=(),
                expected=1,
                flagged=int(flagged),
            ),
        )
        if flagged:
            with self.database.write() as tx:
                tx.conn.execute(update(outputs).where(outputs.c.job_id == attempt.job_id).values(nsfw=True))
