"""Cells that a spreadsheet has written over are told where they are used; files stand as people count."""

from pathlib import Path

import pytest
from manifest_files import BASE, folder, manifest

from orchestrator.manifest.tables.globs import found_files, in_order

NAMED = BASE.replace("a {{ scene }}", "a {{ scene }} with {{ product.name }}").replace(
    "products.csv", "shop.csv"
)


def warnings(tmp_path, rows, text=NAMED):
    folder(tmp_path)
    (tmp_path / "shop.csv").write_text(rows)
    read = manifest(tmp_path, text)
    read.check()
    return read.warnings


def test_a_number_that_lost_its_digits_and_the_word_for_nothing_are_told_with_their_rows(tmp_path):
    rows = "sku,photo,name\nA,one.png,4.00638E+12\nB,one.png,nan\nC,one.png,Mug\nD,one.png,NaN\n"
    first, second = warnings(tmp_path, rows)
    assert 'shop.csv: column name holds "4.00638E+12" in row 2: a spreadsheet' in first
    assert 'column name holds "nan" in rows 3, 5' in second


@pytest.mark.parametrize("text", ["1E5", "E-12", "12,50", "nan bread", "Nancy", "1.2.3", "5e", "0049 89"])
def test_what_only_looks_like_it_is_no_warning(tmp_path, text):
    assert warnings(tmp_path, f'sku,photo,name\nA,one.png,"{text}"\n') == []


def test_a_column_that_no_template_uses_is_nobodys_concern(tmp_path):
    assert warnings(tmp_path, "sku,photo,name,ean\nA,one.png,Mug,4.0E+12\n") == []


def test_files_stand_in_the_order_in_which_people_count(tmp_path):
    for name in ("img10.png", "img2.png", "img02.png", "img1.png", "a.png", "b7/img3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    names = [row["path"] for row in found_files(tmp_path, "**/*.png").rows]
    assert names == ["a.png", "b7/img3.png", "img1.png", "img02.png", "img2.png", "img10.png"]


def test_numbers_of_any_length_have_a_place(tmp_path):
    paths = [Path(f"{'9' * 5000}.png"), Path("x\u0661.png"), Path("1.png"), Path("1")]
    found = sorted(paths, key=in_order)
    assert found[:2] == [Path("1"), Path("1.png")]
    assert sorted(set(paths), key=in_order) == found
