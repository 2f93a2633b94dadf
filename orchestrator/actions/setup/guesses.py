"""What a folder of pictures and a table of products are made of, guessed from what is in them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from orchestrator.catalogue import is_url
from orchestrator.manifest.tables.csv_files import SEPARATORS, csv_table
from orchestrator.manifest.tables.globs import in_order
from orchestrator.manifest.tables.nearest_files import same_but_for_unicode
from orchestrator.manifest.tables.tables import Table, jsonl_table
from orchestrator.manifest.tables.xlsx_files import xlsx_table
from orchestrator.manifest.templating.template_problems import Hole
from orchestrator.yamlio import ProblemsError

PICTURES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".gif", ".avif"}
)
_ROWS_MAX: Final = 5_000
"""How many rows are looked at: a guess needs no million of them."""

_NAME_WORDS: Final = re.compile(
    r"\b(sku|artikel|article|art|item|handle|code|ean|gtin|nr|no|id|nummer|number)\b", re.IGNORECASE
)
_TITLE_WORDS: Final = re.compile(
    r"\b(name|title|titel|bezeichnung|produkt|product|description|beschreibung)\b", re.IGNORECASE
)
_NAME_CHARS_MAX: Final = 60
_UNIQUE_MIN: Final = 0.9


@dataclass(frozen=True)
class PhotoColumn:
    """The column that names pictures: before and after its cells stand the same words in every path."""

    name: str
    before: str
    after: str
    found: int  # cells that name a picture that is there


@dataclass(frozen=True)
class TableGuess:
    """A table: how it is read, and what its columns are for."""

    kind: str  # csv, jsonl or xlsx
    delimiter: str | None  # of a CSV file, when it is no comma
    columns: Sequence[str]
    rows: int
    photo: PhotoColumn
    name: str  # the column that tells the rows apart
    title: str | None  # the column that says what is on the picture


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, or, when it has none itself, of the folders in it; sorted."""
    found = [path for path in sorted(folder.iterdir(), key=in_order) if _is_picture(path)]
    return found or [path for path in sorted(folder.rglob("*"), key=in_order) if _is_picture(path)]


def guess_table(path: Path, *, home: Path, photos: Path) -> TableGuess | None:
    """What a table is; None when no column names pictures of `photos`. Paths are relative to `home`. Raises
    ProblemsError for a file that is no table.
    """
    table, kind, delimiter = _opened(path)
    rows: list[dict[str, Any]] = []
    number = 0
    for row in _sound(table):
        number += 1
        if len(rows) < _ROWS_MAX:
            rows.append(row)
    columns = table.columns or tuple(dict.fromkeys(name for row in rows for name in row))
    photo = photo_column(rows, columns, home=home, photos=photos)
    if photo is None:
        return None
    name = name_column(rows, columns) or photo.name
    rest = [column for column in columns if column not in {photo.name, name}]
    return TableGuess(
        kind=kind,
        delimiter=delimiter,
        columns=columns,
        rows=number,
        photo=photo,
        name=name,
        title=next((column for column in rest if _TITLE_WORDS.search(column)), None),
    )


def photo_column(
    rows: Sequence[dict[str, Any]], columns: Iterable[str], *, home: Path, photos: Path
) -> PhotoColumn | None:
    """The column most of whose cells name pictures that are there: as they stand, below `photos`, or with an
    ending that all of them lack.
    """
    folder = photos.relative_to(home).as_posix()
    below = "" if folder == "." else f"{folder}/"
    endings = sorted({path.suffix for path in pictures_in(photos)})
    best: PhotoColumn | None = None
    for column in columns:
        cells = [text for row in rows if (text := _text(row.get(column)))]
        for before in dict.fromkeys((below, "")):
            for after in ("", *endings):
                found = sum(_names_picture(cell, f"{before}{cell}{after}", home=home) for cell in cells)
                if found and (best is None or found > best.found):
                    best = PhotoColumn(column, before, after, found=found)
    return best


def name_column(rows: Sequence[dict[str, Any]], columns: Iterable[str]) -> str | None:
    """The column that tells rows apart: nearly all of its cells are there, short and different; one that is
    called like a number of an article before any other.
    """
    fitting: list[tuple[bool, float, str]] = []
    for column in columns:
        cells = [text for row in rows if (text := _text(row.get(column)))]
        if not cells or max(map(len, cells)) > _NAME_CHARS_MAX:
            continue
        share = len(set(cells)) / max(1, len(rows))
        called = bool(_NAME_WORDS.search(column.replace("_", " ").replace("-", " ")))
        if share >= _UNIQUE_MIN or called:
            fitting.append((called and share >= _UNIQUE_MIN / 2, share, column))
    return max(fitting, key=lambda one: one[:2])[2] if fitting else None


def _text(cell: Any) -> str:
    """The text of a cell; none for a hole, and for what is no plain value."""
    if isinstance(cell, Hole) or not isinstance(cell, (str, int, float)):
        return ""
    return str(cell)


def _names_picture(cell: str, text: str, *, home: Path) -> bool:
    if is_url(cell):
        return text == cell
    if "\x00" in text or PurePath(text).is_absolute():
        return False
    path = home / text
    return _is_picture(path) or same_but_for_unicode(path) is not None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.name[0] != "." and path.is_file()


def _opened(path: Path) -> tuple[Table, str, str | None]:
    suffix = path.suffix.lower()
    if suffix in {".xlsx", ".xlsm"}:
        return xlsx_table(path), "xlsx", None
    if suffix in {".jsonl", ".ndjson"}:
        return jsonl_table(path), "jsonl", None
    found: list[tuple[float, Table, str | None]] = []
    problem: ProblemsError | None = None
    for separator in (None, *(char for char in SEPARATORS if char != ",")):
        try:
            table = csv_table(path, separator)
            table.lenient = True
            sound = table.count()
        except ProblemsError as error:
            problem = problem or error
            continue
        share = sound / max(1, sound + len(table.skipped))
        found.append((len(table.columns or ()) * share, table, separator))
    if not found:
        assert problem is not None
        raise problem
    _score, table, separator = max(found, key=lambda one: one[0])
    return table, "csv", separator


def _sound(table: Table) -> Iterable[dict[str, Any]]:
    """The rows that can be read."""
    table.lenient = True
    table.count()
    return (row.values for row in table.rows())
