"""The output folder: can it be written, and is there room?"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.actions.setup.check import Check, CheckResult, Patient

DISK_WARN_BYTES: Final = 5 * 1000**3
DISK_FAIL_BYTES: Final = 200 * 1000**2


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
