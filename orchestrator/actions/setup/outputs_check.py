"""The output folder: can it be written, is there room, and are the newest pictures there?"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.actions.setup.check import Check, CheckResult, Patient
from orchestrator.core.errors import OrchestratorError
from orchestrator.ports import PictureState
from orchestrator.store.db import migrate
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import parse_url, sqlite_path
from orchestrator.store.views.jobs import stored_pictures

DISK_WARN_BYTES: Final = 5 * 1000**3
DISK_FAIL_BYTES: Final = 200 * 1000**2
PICTURES_LOOKED_AT: Final = 500
"""Of the newest: `outputs check` compares all of them, with their bytes."""


def examine(patient: Patient) -> Iterator[Check]:
    """Whether pictures can be written, and how much room there is for them."""
    root = patient.output_root
    if trouble := patient.check_writable():
        yield Check(
            name="outputs",
            verdict=CheckResult.FAIL,
            message=trouble,
            fix="Give this user write permission, or change outputs.root.",
        )
    else:
        yield Check("outputs", CheckResult.OK, f"{root} can be written")
    yield _space(root)
    yield from _pictures(patient)


def _space(root: Path) -> Check:
    existing = next((path for path in (root, *root.parents) if path.exists()), Path("/"))
    free = shutil.disk_usage(existing).free
    message = f"{free / 1000**3:.1f} GB free at {existing}"
    if free >= DISK_WARN_BYTES:
        return Check("space", CheckResult.OK, message)
    verdict = CheckResult.FAIL if free < DISK_FAIL_BYTES else CheckResult.WARN
    return Check(
        name="space", verdict=verdict, message=message, fix="Free some space: a 4k picture takes up to 20 MB."
    )


def _pictures(patient: Patient) -> Iterator[Check]:
    """Whether the newest stored pictures are there, with their sizes. Nothing where there is no database that
    can be read, which another check says.
    """
    url = patient.settings.database_url
    try:
        path = sqlite_path(parse_url(url))
        if path is not None and not path.exists():
            return
        migrate.check(url)
        database = Database.open(url, patient.clock)
    except OrchestratorError:
        return
    try:
        with database.read() as tx:
            newest = stored_pictures.newest(tx, PICTURES_LOOKED_AT)
            stored = stored_pictures.count(tx)
    except OrchestratorError:
        return
    finally:
        database.close()
    states = [
        patient.shelf.state(picture.path, sha256=picture.sha256, size=picture.bytes, quick=True)
        for picture in newest
    ]
    wrong = sum(state is not PictureState.SAME for state in states)
    looked = f"{len(newest):,} of {stored:,}" if len(newest) < stored else f"{stored:,}"
    if not wrong:
        yield Check(
            "pictures", CheckResult.OK, f"{looked} stored ones looked at: each is there with its size"
        )
        return
    yield Check(
        name="pictures",
        verdict=CheckResult.WARN,
        message=f"{looked} stored ones looked at: {wrong:,} are gone or have another size",
        fix="See: orchestrator outputs check; --fetch gets them again while the provider keeps them.",
    )
