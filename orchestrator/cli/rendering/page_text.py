"""A written page in words and as a JSON document."""

from typing import Any

from orchestrator.cli.rendering.words import count
from orchestrator.pages.report import ReportPage


def page_text(page: ReportPage) -> str:
    """What is on it, and its address."""
    missing = f", {page.missing:,} missing on disk" if page.missing else ""
    failed = f", {count(page.failed, 'failed job')} explained" if page.failed else ""
    return f"{count(page.shown, 'picture')}{missing}{failed}\nOpen  {page.path.as_uri()}"


def page_document(page: ReportPage) -> dict[str, Any]:
    """The same for programs."""
    return {
        "path": str(page.path),
        "pictures": page.pictures,
        "shown": page.shown,
        "missing": page.missing,
        "failed": page.failed,
    }
