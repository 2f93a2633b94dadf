"""What stands beside a report in a folder: its figures for programs, and a table of its pictures."""

import csv
import io
import json
from pathlib import Path
from typing import Any, Final

from orchestrator.core.money import format_usd
from orchestrator.pages.matrix import Matrix, ShownTry
from orchestrator.runtime import own_files
from orchestrator.store.views.runs.named_runs import path_of
from orchestrator.store.views.runs.overview import RunRow

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_SHARED: Final = (
    "run",
    "product",
    "cell",
    "variation",
    "state",
    "verdict",
    "stars",
    "width",
    "height",
    "sha256",
)
_OURS: Final = ("job", "path", "price_usd", "prompt")


def guarded(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) else text


class ReportFiles:
    """Gathers what the page shows."""

    def __init__(self, *, client: bool) -> None:
        self._names = _SHARED if client else (*_SHARED, *_OURS)
        self._client = client
        self._runs: list[dict[str, Any]] = []
        self._pictures: list[dict[str, Any]] = []

    def add_run(self, run: RunRow, said: dict[str, int]) -> None:
        """One run's figures."""
        money = {"spent_usd": format_usd(run.spent_micros), "held_usd": format_usd(run.held_micros)}
        self._runs.append(
            {
                "run": path_of(run),
                "jobs": run.jobs,
                "pictures": run.stored,
                "flagged": run.nsfw,
                "verdicts": dict(sorted(said.items())),
                **({} if self._client else money),
            }
        )

    def add(self, run: RunRow, matrix: Matrix) -> None:
        """The pictures of some products."""
        for row in matrix.rows:
            for cell in row.cells:
                if cell.choice is not None:
                    self._pictures += self._of(run, cell.choice, product=row.product)

    def write(self, folder: Path) -> None:
        """`report.json` and `images.csv`. Raises StorageError."""
        document = {"runs": self._runs, "images": len(self._pictures)}
        own_files.replace(folder / "report.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self._names)
        writer.writerows([guarded(each.get(name)) for name in self._names] for each in self._pictures)
        own_files.replace(folder / "images.csv", buffer.getvalue())

    @staticmethod
    def _of(run: RunRow, shown: ShownTry, *, product: str) -> list[dict[str, Any]]:
        row = shown.row
        about = {
            "run": path_of(run),
            "product": product,
            "cell": " · ".join(label for _, label in row.axes[1:]),
            "variation": row.variation,
            "state": row.state,
            "verdict": row.verdict,
            "stars": row.stars or None,
            "job": row.id,
            "price_usd": format_usd(row.price_micros),
            "prompt": row.params.get("prompt"),
        }
        pictures: list[dict[str, Any]] = [
            {
                "sha256": each.output.sha256,
                "width": each.output.width,
                "height": each.output.height,
                "path": each.output.path,
            }
            for each in shown.pictures
        ]
        return [{**about, **each} for each in pictures or [{}]]
