"""A database with an output folder: pictures that are stored as a worker stores them, without a worker."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import update

from orchestrator.actions.choosing.moves import Performed, perform
from orchestrator.artifacts.files import RealFiles
from orchestrator.artifacts.mark import FOLDER
from orchestrator.artifacts.moving import FolderMover
from orchestrator.artifacts.places import TEMP_FOLDER
from orchestrator.artifacts.sidecars import encoded, sidecar_of
from orchestrator.ports import StoredArtifact, no_crash
from orchestrator.store.attempts import endings
from orchestrator.store.attempts import outputs as pictures
from orchestrator.store.choosing.moves import settle_choice
from orchestrator.store.db.schema import jobs, outputs, verdicts
from orchestrator.store.runs import adding, runs

from .world import World, run_spec, spec


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Studio:
    """One output folder, and the jobs whose pictures go there."""

    def __init__(self, world: World, root: Path) -> None:
        self.world = world
        self.root = root
        self.files = RealFiles()
        self.crashpoint = no_crash
        self.bought = 0
        root.mkdir(exist_ok=True)
        (root / TEMP_FOLDER).mkdir(exist_ok=True)

    def plan(self, wording: str, *paths: str, run_key: str = "main", **more: Any) -> int:
        """A job of the manifest; returns its id."""
        self.world.clock.advance(1)
        job = spec(1, prefix=wording, images=len(paths), output_paths=paths, **more)
        with self.world.database.write() as tx:
            run = runs.ensure_run(tx, run_spec(run_key=run_key))
            adding.add_jobs(tx, run, [job])
            return runs.existing_ids(tx, run.id, [job.key])[job.key]

    def make(self, job_id: int, *contents: bytes, flagged: bool = False, finish: bool = True) -> Any:
        """Buy the pictures of a waiting job, and store them."""
        self.world.clock.advance(1)
        held = self.world.lease()
        assert held.job_id == job_id
        self.world.send(held)
        self.world.accept(held)
        expected = self.world.complete(held, urls=len(contents))
        assert expected is not None
        stored = []
        for output, content in zip(expected, contents, strict=True):
            path = f"quarantine/{output.path}" if flagged else output.path
            stored.append((output.index, self.put(path, content, job_id)))
        row = pictures.Finish(
            attempt_id=held.attempt_id, epoch=held.epoch, stored=tuple(stored), expected=len(contents)
        )
        if finish:
            assert self.world.do(endings.finish, row)
        return row

    def put(self, path: str, content: bytes, job_id: int) -> StoredArtifact:
        """A picture and its sidecar, as the download leaves them; nothing is replaced."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(content)
        made = StoredArtifact(
            path=path, sha256=digest(content), bytes=len(content), media_type="image/png", width=1, height=1
        )
        sidecar_of(place).write_bytes(encoded({"job": job_id, "path": path, "sha256": made.sha256}))
        return made

    def edited(self, wording: str, content: bytes, path: str = "shop/mug.png", **more: Any) -> int:
        """A further try of a cell, from the edit to the stored picture."""
        job_id = self.plan(wording, path, **more)
        self.make(job_id, content)
        return job_id

    def judge(self, job_id: int, verdict: str | None) -> None:
        """Give a verdict and decide again, in one transaction, as the action does."""
        self.world.clock.advance(1)
        with self.world.database.write() as tx:
            tx.conn.execute(
                verdicts.insert().values(
                    job_id=job_id, at=tx.now, verdict=verdict, who="ada", host="here", source="command"
                )
            )
            tx.conn.execute(update(jobs).where(jobs.c.id == job_id).values(verdict=verdict))
            settle_choice(tx, [job_id])

    def move(self, job_ids: Sequence[int] | None = None) -> Performed:
        """Give the pictures their names."""
        mover = FolderMover(self.root, files=self.files, crashpoint=self.crashpoint)
        return asyncio.run(perform(self.world.database, mover, job_ids=job_ids, crashpoint=self.crashpoint))

    def disk(self, under: str = "") -> dict[str, bytes]:
        """Every picture that lies in the folder, or under one in it, by its path."""
        found = (path for path in (self.root / under).rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(found)
            if path.suffix != ".json" and not {TEMP_FOLDER, FOLDER} & set(path.parts)
        }

    def rows(self) -> dict[str, str]:
        """Where the database says that which picture lies."""
        stored = [row for row in self.world.rows(outputs) if row.state == "stored"]
        assert len({row.stored_path for row in stored}) == len(stored), "two rows say the same place"
        return {row.stored_path: row.sha256 for row in stored}

    def waits(self) -> list[str]:
        """The names that files are about to get."""
        return sorted(row.moving_to for row in self.world.rows(outputs) if row.moving_to)

    def agrees(self) -> None:
        """Every stored picture lies just where its row says, once, and its sidecar says so too."""
        on_disk = {path: digest(content) for path, content in self.disk().items()}
        rows = self.rows()
        assert {path: on_disk.get(path) for path in rows} == rows
        others = [on_disk[path] for path in on_disk if path not in rows]
        assert not set(others) & set(rows.values()), "a picture lies under another name too"
        for path, sha256 in rows.items():
            said = sidecar_of(self.root / path).read_text()
            assert sha256 in said
            assert f'"path": "{path}"' in said
