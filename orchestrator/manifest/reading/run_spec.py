"""What the rest of the program knows of a manifest's run."""

from pathlib import Path
from typing import Any

from orchestrator.core.specs import RunSpec
from orchestrator.manifest.shapes.choosing_shape import KEPT
from orchestrator.manifest.shapes.nights_shape import stable_index
from orchestrator.timetable.schedule_shape import run_budget


def run_spec(path: Path, fields: dict[str, Any], digest: str, *, max_attempts: int | None) -> RunSpec:
    """The run of a manifest whose `fields` were read; `digest` is of its text."""
    return RunSpec(
        campaign=fields["campaign"],
        name=fields["name"],
        run_key=fields["run"],
        model=fields["model"],
        manifest_path=str(path.resolve()),
        manifest_sha256=digest,
        priority=fields["priority"],
        max_attempts=fields["retry"]["max_attempts"] or max_attempts,
        budget_micros=run_budget(fields["budget"], fields["schedule"]),
        campaign_budget_micros=fields["campaign_budget"],
        chain_reserved=fields["reserve"] == "chain" and bool(fields["stages"]),
        settings={name: fields[name] for name in KEPT if fields[name]} | stable_index(fields),
    )
