"""`init --from`: what is guessed of a folder and a table, and that it plans at once."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.actions.setup.first_manifest import needs_conversion, write_first_manifest
from orchestrator.actions.setup.guesses import name_column
from orchestrator.core.errors import UsageError
from orchestrator.manifest import load_manifest

TODAY = "2026-11-28"
ODD = [
    "Lampe 001.jpg",
    "Lampe 002.JPG",
    'Größe "XL" Hut.jpeg',
    "Brötchen.png",
    "it's.png",
    "Tasse.webp",
    "Vase.tif",
]


def picture(kind: str, colour: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300), (colour, 90, 9)).save(buffer, kind)
    return buffer.getvalue()


BYTES = {kind: picture(kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF")}
KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF"}


@pytest.fixture
def shoot(tmp_path) -> Path:
    """A folder "Fotos Sommer" of pictures with odd names, one of them cut off."""
    folder = tmp_path / "Fotos Sommer"
    folder.mkdir()
    for number, name in enumerate(ODD):
        (folder / name).write_bytes(BYTES[KINDS[Path(name).suffix.lower()]] + bytes([number]))
    (folder / "kaputt.jpg").write_bytes(BYTES["JPEG"][:300])
    (folder / ".hidden.jpg").write_bytes(BYTES["JPEG"])
    (folder / "notes.txt").write_text("nothing")
    return tmp_path


def first(home: Path, table: str | None = None, *, normalize: bool = True, photos: str = "Fotos Sommer"):
    found = home / table if table else None
    return write_first_manifest(home, home / photos, found, today=TODAY, input_roots=[], normalize=normalize)


def jobs(written, *, normalize: bool = True):
    return list(load_manifest(written.path, today=TODAY, normalize=normalize).jobs())


def shop(home: Path, rows, name: str = "shop.csv", delimiter: str = ";", end: str = ";;;;\r\n") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    (home / name).write_text("\ufeff" + buffer.getvalue() + end, newline="")
    return name


ROWS = [
    ["Artikel-Nr.", "Bezeichnung", "Foto", "Preis", "Text"],
    ["SE-1", "Lampe rot", "Lampe 001.jpg", "12,50", "one\ntwo; three"],
    ["SE-2", "", "Lampe 002.JPG", "9,90", ""],
    ["SE-3", 'Hut "XL"', 'Größe "XL" Hut.jpeg', "1", ""],
    ["SE-4", "Brötchen", "Brötchen.png", "2", ""],
    ["SE-4", "Brötchen neu", "it's.png", "2", ""],
    ["SE-5", "Fehlt", "lampe 027.jpg", "3", ""],
    ["SE-6", "Leer", "", "3", ""],
    ["", "Ohne", "Lampe 001.jpg", "3", ""],
    ["SE-7", "Kaputt", "kaputt.jpg", "3", ""],
    ["SE-8", "Tasse", "Tasse.webp", "3", ""],
]


def test_a_messy_table_gives_a_manifest_that_plans_at_once(shoot):
    written = first(shoot, shop(shoot, ROWS))
    found = jobs(written)
    assert [job.tags["sku"] for job in found[::2]] == ["SE-1", "SE-2", "SE-3", "SE-4", "SE-8"]
    assert (written.jobs, written.micros) == (len(found), sum(job.price_micros for job in found))
    assert found[0].output_paths == ("fotos-sommer/se-1/sunlit-kitchen-table-0.png",)
    assert found[0].params["prompt"].startswith("Place the Lampe rot of @Image1 on a sunlit kitchen table")
    assert found[2].params["prompt"].startswith("Place the product of @Image1")
    words = "\n".join(written.words)
    assert 'separated by ";"' in words
    assert "Foto names the pictures, Artikel-Nr. the folders" in words
    for row in (6, 7, 8, 9, 10):
        assert f"row {row} is left out" in words


def test_the_cap_of_a_first_manifest_is_what_all_of_it_costs(shoot):
    written = first(shoot, shop(shoot, ROWS))
    spec = load_manifest(written.path, today=TODAY, normalize=True).spec
    assert written.micros <= spec.budget_micros < written.micros + 10_000


def test_a_folder_alone_is_taken_by_its_endings_without_what_cannot_be_used(shoot):
    written = first(shoot)
    assert len(jobs(written)) == 2 * len(ODD)
    assert "not a whole picture" in "\n".join(written.words)
    plain = shoot / "plain"
    plain.mkdir()
    (plain / "a.png").write_bytes(BYTES["PNG"])
    assert 'glob: "plain/*.png"' in first(shoot, photos="plain").path.read_text()


def test_without_conversion_other_formats_are_left_out(shoot):
    assert needs_conversion(shoot / "Fotos Sommer")
    assert len(jobs(first(shoot, normalize=False), normalize=False)) == 2 * 5
    (shoot / "fotos-sommer.yaml").unlink()
    written = first(shoot, shop(shoot, ROWS), normalize=False)
    assert "SE-8" not in {job.tags["sku"] for job in jobs(written, normalize=False)}


@pytest.mark.parametrize(("delimiter", "end"), [(",", ",,,,\n"), ("\t", ""), ("|", "")])
def test_the_separator_is_found(shoot, delimiter, end):
    written = first(shoot, shop(shoot, ROWS, delimiter=delimiter, end=end))
    assert len({job.tags["sku"] for job in jobs(written)}) == 5


def test_cells_that_lack_folder_and_ending_name_pictures_too(shoot):
    plain = shoot / "p"
    plain.mkdir()
    for name in ("A1", "A2"):
        (plain / f"{name}.jpg").write_bytes(BYTES["JPEG"] + name.encode())
    written = first(shoot, shop(shoot, [["sku", "titel"], ["A1", "x"], ["A2", "y"]], end=""), photos="p")
    assert 'images: ["p/{{ product.sku }}.jpg"]' in written.path.read_text()
    assert len(jobs(written)) == 4


def test_names_that_differ_in_their_ending_alone_keep_it(shoot):
    both = shoot / "both"
    both.mkdir()
    (both / "a.jpg").write_bytes(BYTES["JPEG"])
    (both / "a.png").write_bytes(BYTES["PNG"])
    assert len({job.output_paths for job in jobs(first(shoot, photos="both"))}) == 4


def test_pictures_in_folders_of_the_folder_are_found(shoot):
    (shoot / "deep" / "one").mkdir(parents=True)
    (shoot / "deep" / "one" / "a.png").write_bytes(BYTES["PNG"])
    assert len(jobs(first(shoot, photos="deep"))) == 2


def test_nothing_is_overwritten(shoot):
    (shoot / "fotos-sommer.yaml").write_text("mine")
    with pytest.raises(UsageError, match="is here already and stays as it is"):
        first(shoot)
    assert (shoot / "fotos-sommer.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["sku", "photo"], ["A", "gone.jpg"]], "No column of shop.csv names pictures"),
        ([["sku", "photo"]], "No column of shop.csv names pictures"),
    ],
)
def test_a_table_that_names_no_picture_is_refused_and_leaves_nothing(shoot, rows, words):
    with pytest.raises(UsageError, match=words):
        first(shoot, shop(shoot, rows, end=""))
    assert not (shoot / "fotos-sommer.yaml").exists()


def test_a_folder_elsewhere_is_refused_with_the_place_to_run_it(shoot):
    here = shoot / "here"
    here.mkdir()
    with pytest.raises(UsageError, match=f"cd {shoot}"):
        write_first_manifest(here, shoot / "Fotos Sommer", None, today=TODAY, input_roots=[], normalize=True)


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([{"titel": "a", "sku": "1"}, {"titel": "b", "sku": "2"}], "sku"),
        ([{"x": "same", "y": "1"}, {"x": "same", "y": "2"}], "y"),
        ([{"text": "t" * 80, "Artikel_Nr": "1"}], "Artikel_Nr"),
        ([{"text": "t" * 80}], None),
        ([], None),
    ],
)
def test_rows_are_told_apart_by_the_column_that_is_called_like_a_number(rows, name):
    assert name_column(rows, list(rows[0]) if rows else []) == name
