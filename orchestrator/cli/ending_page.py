"""The page that `run` ends with."""

from collections.abc import Collection
from pathlib import Path

from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.rendering.words import safe
from orchestrator.manifest.templating.filters import slug
from orchestrator.pages.report import Form, ReportWish, write_report
from orchestrator.store.views.runs.overview import RunRow, runs


def page_of_runs(app: App, run_ids: Collection[int], target: Path | None) -> Path | None:
    """Write the page of these runs, into the output folder where nothing else is said; None where there is
    nothing to show. What keeps it from being written is told, and changes nothing of how the run ended.
    """
    try:
        with app.database.read() as tx:
            found = runs(tx, list(run_ids))
        if not any(run.stored or run.jobs["failed"] or run.jobs["reused"] for run in found):
            return None
        page = target or app.output_root / f"{_name(found)}.html"
        wish = ReportWish(_title(found), form=Form.BESIDE, timezone=app.settings.budgets.timezone)
        return write_report(app.database, app.output_root, page, runs=found, wish=wish).path
    except Exception as error:  # noqa: BLE001 - money was spent, and how is what matters now
        out.note(safe(f"The page of the pictures was not written: {error}"))
        return None


def _title(found: list[RunRow]) -> str:
    return f"{found[0].campaign}/{found[0].name}" if len(found) == 1 else f"{len(found)} runs"


def _name(found: list[RunRow]) -> str:
    if len(found) > 1:
        return "gallery"
    run = found[0]
    words = (run.campaign, run.name, *(() if run.run == "main" else (run.run,)))
    return slug("-".join(dict.fromkeys(words)))
