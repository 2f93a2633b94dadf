"""Writing the sheet."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.gallery.thumbnails import Thumbnail, thumbnail
from orchestrator.gallery.tiles import Failure, GalleryPicture, Tile, failures, pictures
from orchestrator.runtime import own_files
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs import count_pictures
from orchestrator.store.views.walk import JobFilter

THUMBNAILS_MAX: Final = 2_000
THREADS: Final = 4
MARKS: Final = (
    '<meta name="generator" content="orchestrator gallery">',
    "img-src data: &#39;self&#39; file:",
)
"""What a page of ours has near its beginning; the second is that of pages from before the first."""

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """A written sheet: where it is, how many pictures there are, how many it shows, how many files are
    missing.
    """

    path: Path
    pictures: int
    shown: int
    missing: int
    failed: int


def write_gallery(
    database: Database,
    root: Path,
    target: Path,
    wanted: JobFilter,
    *,
    title: str,
    limit: int = THUMBNAILS_MAX,
) -> Page:
    """Write one HTML file at `target` with the first `limit` pictures below `root`; raises StorageError, also
    for a target that is anything but an earlier page of ours.

    Nothing in the page comes from another place: thumbnails are inside, full pictures are relative links. The
    same data gives the same bytes.
    """
    own_files.refuse_others(target, MARKS, "gallery page")
    with database.read() as tx:
        total = count_pictures(tx, wanted)
    chosen = list(islice(pictures(database=database, root=root, sheet=target, wanted=wanted), limit))
    failed = failures(database, wanted)
    tiles = _with_thumbnails(chosen)
    html = render(tiles, failed, title=title, total=total)
    own_files.refuse_others(target, MARKS, "gallery page")
    own_files.replace(target, html)
    missing = sum(1 for _, small in tiles if small.trouble)
    return Page(path=target, pictures=total, shown=len(tiles), missing=missing, failed=len(failed))


def render(tiles: list[Tile], failed: list[Failure], *, title: str, total: int) -> str:
    """The page as text."""
    style, script = _asset("style.css"), _asset("script.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src data: 'self' file:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=title,
        tiles=tiles,
        failed=failed,
        total=total,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
    )


def _with_thumbnails(chosen: list[GalleryPicture]) -> list[Tile]:
    def make(picture: GalleryPicture) -> Thumbnail:
        return thumbnail(picture.file, blurred=picture.output.nsfw is True)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="thumbnail") as pool:
        return list(zip(chosen, pool.map(make, chosen), strict=True))


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
