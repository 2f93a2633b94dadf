"""Workbooks as tables: what a person sees in a cell."""

import datetime as dt
import sys

import pytest
from manifest_files import BASE, folder, manifest, problems
from openpyxl import Workbook

from orchestrator.manifest.tables.xlsx_files import xlsx_table
from orchestrator.yamlio import ProblemsError


@pytest.fixture
def book(tmp_path):
    """Saves rows as book.xlsx; gives its path."""

    def save(*rows, title="Summer", formats=None):
        made = Workbook()
        made.active.title = "Notes"
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cell, shown_as in (formats or {}).items():
            sheet[cell].number_format = shown_as
        path = tmp_path / "book.xlsx"
        made.save(path)
        return path

    return save


def values(path, sheet="Summer"):
    return [(row.number, dict(row.values)) for row in xlsx_table(path, sheet).rows()]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12.5, "12.5"),
        (12.500000000000002, "12.5"),
        (0.1 + 0.2, "0.3"),
        (3.0, "3"),
        (4006381333931, "4006381333931"),
        (1.23457e12, "1234570000000"),
        (0.00001, "0.00001"),
        ("007", "007"),
        ("12,50", "12,50"),
        (True, "TRUE"),
        (dt.date(2026, 11, 28), "2026-11-28"),
        (dt.datetime.fromisoformat("2026-11-28T09:30"), "2026-11-28 09:30:00"),
        (dt.time(9, 30), "09:30:00"),
        (" A-1\u00a0", "A-1"),
    ],
)
def test_a_cell_is_the_text_that_a_person_sees(book, value, shown):
    assert values(book(["a", "b"], [value, "x"])) == [(2, {"a": shown, "b": "x"})]


def test_a_number_that_is_shown_with_leading_zeros_has_them(book):
    path = book(["sku", "b"], [7, "x"], formats={"A2": "00000"})
    assert values(path)[0][1]["sku"] == "00007"


def test_rows_count_as_the_sheet_shows_them_and_blank_ones_are_left_out(book):
    path = book([None, None], ["sku", "photo"], ["A", "a.png"], [None, None], ["B", None])
    table = xlsx_table(path, "Summer")
    assert [row.number for row in table.rows()] == [3, 5]
    assert table.count() == 2
    assert table.blank == [4]


def test_the_value_of_a_formula_is_taken_and_one_that_was_never_computed_is_empty(book):
    assert values(book(["a", "b"], ["=1+1", "x"])) == [(2, {"a": "", "b": "x"})]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["a", "a"], ["1", "2"]], 'names the column "a" twice'),
        ([["a", None], ["1", "2"]], "row 2 has a value in column 2, which has no name"),
        ([], "is empty"),
    ],
)
def test_a_sheet_that_is_no_table_is_explained(book, rows, words):
    with pytest.raises(ProblemsError, match=words):
        xlsx_table(book(*rows), "Summer").count()


def test_a_sheet_is_named_and_an_unknown_one_is_an_error_that_lists_them(book):
    with pytest.raises(ProblemsError, match="sheets: Notes, Summer") as caught:
        xlsx_table(book(["a"], ["1"]), "Sumer")
    assert caught.value.problems[0].hint == 'did you mean "Summer"?'


def test_a_workbook_is_an_axis_like_any_table(book, tmp_path):
    book(["sku", "photo"], ["A", "one.png"], ["B", None])
    folder(tmp_path)
    source = "{xlsx: book.xlsx, sheet: Summer, skip: [empty photo]}"
    read = manifest(tmp_path, BASE.replace("{csv: products.csv}", source))
    assert [job.output_paths[0] for job in read.jobs()] == ["A/beach-0.png", "A/city-0.png"]
    assert [row.number for table in read.left_out for row in table.skipped] == [3]


def test_a_workbook_that_is_called_a_csv_file_is_named_with_what_to_write(book, tmp_path):
    book(["sku"], ["A"])
    (found, *_) = problems(tmp_path, BASE.replace("products.csv", "book.xlsx"))
    assert found.hint == "write {xlsx: book.xlsx}"


def test_a_file_that_is_no_workbook_is_an_error(tmp_path):
    (tmp_path / "book.xlsx").write_text("sku,photo\n")
    with pytest.raises(ProblemsError, match="is not an XLSX workbook that can be read"):
        xlsx_table(tmp_path / "book.xlsx")


def test_without_the_library_the_extra_is_named(book, monkeypatch):
    path = book(["a"], ["1"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ProblemsError, match="no library for it is installed") as caught:
        xlsx_table(path)
    assert "orchestrator[xlsx]" in caught.value.problems[0].hint
