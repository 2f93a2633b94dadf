"""A shop's export as it comes: photos in every format, and a table that a spreadsheet has been at.

`make_shop(folder, products)` writes `folder/photos/` and `folder/products.csv`: a mark before the header,
semicolons, quoted line breaks, empty cells, a number that stands twice, decimal commas, photos that are not
there, and a blank last row. The same every time.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

SIDE: Final = 320  # pixels: a little above what the model takes
HEADER: Final = ("Artikel-Nr.", "Bezeichnung", "Foto", "Preis", "Beschreibung", "")
NAMES: Final = (
    "Tasse",
    "Lampe",
    "Brötchen",
    "Stuhl",
    'Bild "Meer"',
    "Decke",
    "Vase",
    "Uhr",
    "Glas & Krug",
    "Kissen",
)
FORMATS: Final = (
    ("jpg", "JPEG"),
    ("JPG", "JPEG"),
    ("jpeg", "JPEG"),
    ("png", "PNG"),
    ("webp", "WEBP"),
    ("tif", "TIFF"),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """Where the files are, and what is wrong with the table on purpose."""

    folder: Path
    table: Path
    products: int  # rows that name a product with a photo that is there
    missing: tuple[str, ...]  # article numbers whose photo is not there
    nameless: tuple[str, ...]  # article numbers without a name
    twice: str  # the article number that stands in two rows


def make_shop(folder: Path, products: int = 300) -> Shop:
    """Write the photos and the table."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    rows: list[list[str]] = []
    for number in range(1, products + 1):
        name = NAMES[number % len(NAMES)]
        extension, kind = FORMATS[number % len(FORMATS)]
        photo = f"{name.split()[0].lower()} {number:03}.{extension}"
        _photo(number, kind).save(photos / photo, kind)
        note = 'Zwei Zeilen,\nund ein "Wort"' if number % 7 == 0 else "Aus Ton"
        rows.append([f"SE-{1000 + number}", name, photo, f"{number % 90 + 9},50", note, ""])
    missing = [rows[index] for index in (10, 57, 111) if index < products]
    for row in missing:
        (photos / row[2]).unlink()
    nameless = [rows[index] for index in (20, 21) if index < products]
    for row in nameless:
        row[1] = ""
    rows.append([rows[5][0], "Noch einmal", rows[6][2], "1,00", "", ""])
    table = folder / "products.csv"
    table.write_bytes(_written(rows))
    return Shop(
        folder=folder,
        table=table,
        products=products - len(missing),
        missing=tuple(row[0] for row in missing),
        nameless=tuple(row[0] for row in nameless),
        twice=rows[5][0],
    )


def _photo(number: int, kind: str) -> Image.Image:
    """A picture of few bytes that no other product has."""
    mode = "CMYK" if kind == "JPEG" and number % 12 == 0 else "RGB"
    picture = Image.new("RGB", (SIDE, SIDE), (number % 256, number * 7 % 256, number // 256 * 40))
    picture.paste((255, 255, 255), (40, 40, 40 + number % 200, 200))
    return picture.convert(mode)


def _written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, delimiter=";", lineterminator="\r\n")
    lines.writerow(HEADER)
    lines.writerows(rows)
    text.write(";" * (len(HEADER) - 1) + "\r\n")
    return b"\xef\xbb\xbf" + text.getvalue().encode()
