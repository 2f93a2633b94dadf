"""The static page of some runs: by product, without a server and without a network. The same data gives the
same bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from orchestrator.core.report_seal import reference
from orchestrator.core.states import JobState
from orchestrator.pages import rendering
from orchestrator.pages.matrix import Matrix, build
from orchestrator.pages.reasons import Reasons
from orchestrator.pages.report_files import ReportFiles
from orchestrator.pages.sources import sources_of
from orchestrator.pages.static_links import BesideLinks, FolderLinks, StaticLinks
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.pictures.thumbnails import ThumbnailKind
from orchestrator.runtime import own_files
from orchestrator.store.choosing import acceptance
from orchestrator.store.db.database import Database
from orchestrator.store.db.identity import database_id
from orchestrator.store.views.jobs import products
from orchestrator.store.views.jobs.timings import timings
from orchestrator.store.views.jobs.waiting import waits
from orchestrator.store.views.runs.named_runs import path_of
from orchestrator.store.views.runs.overview import RunRow
from orchestrator.store.views.runs.progress import avoided_micros, reused_pictures, run_progress

PICTURES_MAX: Final = 2_000
PRODUCTS: Final = 100
VALUES_MAX: Final = 60
MARKS: Final = (
    '<meta name="generator" content="orchestrator report">',
    '<meta name="generator" content="orchestrator gallery">',
    "img-src data: &#39;self&#39; file:",
)
"""What a page of ours has near its beginning; the others are those of earlier versions."""


class Form(StrEnum):
    """Where the small pictures of the page are."""

    SINGLE = "single"  # in the page
    BESIDE = "beside"  # where they are kept: for a page that stays in the output folder
    FOLDER = "folder"  # in the folder of the page, with files of figures


LINKS: Final[dict[Form, type[StaticLinks]]] = {
    Form.SINGLE: StaticLinks,
    Form.BESIDE: BesideLinks,
    Form.FOLDER: FolderLinks,
}


@dataclass(frozen=True, slots=True)
class ReportWish:
    """What is wanted of a report. For clients it holds no prompt, price, command or id."""

    title: str
    form: Form = Form.SINGLE
    client: bool = False
    limit: int = PICTURES_MAX
    timezone: str = "UTC"


@dataclass(slots=True)
class ReportPage:
    """A written page: where it is, how many pictures there are, how many it shows, how many of their files
    are missing, how many jobs failed.
    """

    path: Path
    pictures: int = 0
    shown: int = 0
    missing: int = 0
    failed: int = 0
    is_cut: bool = False  # at the limit of pictures; further tries behind a shown one cut nothing
    parts: list[Markup] = field(default_factory=list)


def write_report(
    database: Database, root: Path, target: Path, runs: Sequence[RunRow], wish: ReportWish
) -> ReportPage:
    """Write the page of these runs at `target`; raises StorageError, also for a target that is anything but
    an earlier page of ours.
    """
    own_files.refuse_others(target, MARKS, "page")
    if wish.form is Form.FOLDER:
        own_files.make_folder(target.parent)
    links = LINKS[wish.form](ThumbnailShelf(root), root, page=target, originals=not wish.client)
    page = ReportPage(target)
    files = ReportFiles(client=wish.client)
    for run in runs:
        page.failed += run.jobs[JobState.FAILED]
        section = _Section(database, run, wish, page=page, links=links, files=files)
        page.parts.append(Markup(section.render()))  # noqa: S704 - rendered, and so escaped
    page.missing = links.missing
    html = rendering.render(
        "report.html.j2",
        title=wish.title,
        client=wish.client,
        parts=page.parts,
        page=page,
        policy=_policy(),
        style=rendering.inline("style.css"),
        script=rendering.inline("report.js"),
        about=_about(database, runs),
    )
    own_files.refuse_others(target, MARKS, "page")
    own_files.replace(target, html)
    if wish.form is Form.FOLDER:
        files.write(target.parent)
    return page


class _Section:
    """One run on the page."""

    def __init__(
        self,
        database: Database,
        run: RunRow,
        wish: ReportWish,
        *,
        page: ReportPage,
        links: StaticLinks,
        files: ReportFiles,
    ) -> None:
        self._database = database
        self._run = run
        self._wish = wish
        self._page = page
        self._links = links
        self._files = files
        self._pictures = 0  # of its own, and those of earlier runs that its reused jobs have

    def render(self) -> str:
        """Headline, products, tables."""
        with self._database.read() as tx:
            said = products.verdict_counts(tx, self._run.id)
            took = timings(tx, self._run.id)
            failures = run_progress(tx, [self._run.id]).failures
            total = acceptance.by_run(tx, [self._run.id]).get(self._run.id)
            by_value = acceptance.breakdown(tx, [self._run.id]) if total and not self._wish.client else []
            reused = reused_pictures(tx, [self._run.id])
            avoided = avoided_micros(tx, [self._run.id]) if reused else 0
        self._pictures = self._run.stored + reused
        self._page.pictures += self._pictures
        self._files.add_run(self._run, said)
        return rendering.render(
            "section.html.j2",
            run=self._run,
            name=path_of(self._run),
            rows=[Markup(rows) for rows in self._rows()],  # noqa: S704 - rendered, and so escaped
            said=said,
            pictures=self._pictures,
            reused=reused,
            avoided=avoided,
            timings=took,
            failures=failures,
            total=total,
            by_value=[each for each in by_value if each.kind != "prompt"][:VALUES_MAX],
            client=self._wish.client,
        )

    def _rows(self) -> Iterator[str]:
        after = None
        with self._database.read() as tx:
            reasons = Reasons(waits(tx, self._run.id, self._wish.timezone), for_clients=self._wish.client)
        while self._page.shown < self._wish.limit:
            with self._database.read() as tx:
                rows, after = products.page(
                    tx, products.ProductWish(self._run.id), after=after, products=PRODUCTS
                )
            whole = build(rows, reasons)
            matrix = _limited(whole, self._wish.limit - self._page.shown)
            self._page.is_cut |= len(matrix.rows) < len(whole.rows)
            if matrix.rows:
                self._page.shown += sum(row.pictures for row in matrix.rows)
                yield self._rendered(matrix, reasons)
            if after is None:
                return
        self._page.is_cut |= self._pictures > 0

    def _rendered(self, matrix: Matrix, reasons: Reasons) -> str:
        self._links.make_ready(matrix)
        self._files.add(self._run, matrix)
        return rendering.render(
            "rows.html.j2",
            matrix=matrix,
            links=self._links,
            client=self._wish.client,
            small=ThumbnailKind.SMALL,
            sources_of=sources_of,
            page_of=lambda each: self._links.full(each.pictures[0]),
            reasons=reasons,
            reference=lambda each: reference(self._run.id, each.id),
            live=False,
        )


def _limited(matrix: Matrix, most: int) -> Matrix:
    """As many products as hold that many pictures, and one at least."""
    rows, left = [], most
    for row in matrix.rows:
        if left <= 0:
            break
        rows.append(row)
        left -= row.pictures
    return Matrix(matrix.axes, matrix.columns, tuple(rows))


def _about(database: Database, runs: Sequence[RunRow]) -> dict[str, Any]:
    """What a file of verdicts names as its origin."""
    with database.read() as tx:
        return {"database": database_id(tx) or "", "runs": ",".join(str(run.id) for run in runs)}


def _policy() -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data: 'self' file:",
            f"style-src '{rendering.digest('style.css')}'",
            f"script-src '{rendering.digest('report.js')}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
