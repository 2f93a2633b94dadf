"""Tables as shops and spreadsheets write them."""

import pytest
from manifest_files import BASE, PNG, folder, manifest, problems

from orchestrator.manifest.tables.csv_files import csv_table
from orchestrator.yamlio import ProblemsError

NAMED = BASE.replace("a {{ scene }}", "a {{ scene }} with {{ product.name }}")


def read(tmp_path, content, **more):
    """The rows of a CSV file."""
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode())
    return csv_table(path, **more)


def values(tmp_path, content, **more):
    return [dict(row.values) for row in read(tmp_path, content, **more).rows()]


def written(tmp_path, rows, text=NAMED, **more):
    """The manifest over the rows of another table."""
    folder(tmp_path)
    (tmp_path / "shop.csv").write_text(rows)
    return manifest(tmp_path, text.replace("products.csv", "shop.csv"), **more)


def wrong(tmp_path, rows, text=NAMED, **more):
    folder(tmp_path)
    (tmp_path / "shop.csv").write_text(rows)
    return problems(tmp_path, text.replace("products.csv", "shop.csv"), **more)


def test_rows_without_any_value_are_left_out_and_counted(tmp_path):
    table = read(tmp_path, "sku;photo\nA;a.png\n;\n  ; \u00a0\n\n   \nB;b.png\n;;;;;\n", delimiter=";")
    assert [row.number for row in table.rows()] == [2, 7]
    assert table.count() == 2
    assert table.blank == [3, 4, 5, 6, 8]


def test_cells_and_headers_are_trimmed_of_all_that_nobody_sees(tmp_path):
    (row,) = values(tmp_path, '\ufeff\ufeff sku\u200b ,"Image\u00a0Src"\n A-1\u00a0,\u200bmug.jpg \n')
    assert row == {"sku": "A-1", "Image Src": "mug.jpg"}


def test_joiners_inside_of_a_word_stay(tmp_path):
    (row,) = values(tmp_path, "a\n\u06a9\u062a\u0627\u0628\u200c\u0647\u0627\n")
    assert row["a"] == "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627"


def test_columns_without_name_and_value_are_dropped(tmp_path):
    assert values(tmp_path, "sku,,photo,,\nA,,a.png,,\nB,,b.png\n") == [
        {"sku": "A", "photo": "a.png"},
        {"sku": "B", "photo": "b.png"},
    ]


def test_a_line_that_names_the_separator_is_obeyed_and_counts_as_no_row(tmp_path):
    table = read(tmp_path, "sep=;\nsku;photo\nA;a.png\n")
    assert [(row.number, dict(row.values)) for row in table.rows()] == [(2, {"sku": "A", "photo": "a.png"})]


@pytest.mark.parametrize(
    ("separator", "word", "shown"),
    [("\t", "tabs", '"\\t"'), ("|", "bars", '"|"'), (";", "semicolons", '";"')],
)
def test_other_separators_are_named_with_what_to_write(tmp_path, separator, word, shown):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, f"sku{separator}photo\nA{separator}a.png\n")
    (found,) = caught.value.problems
    assert word in found.message
    assert f"delimiter: {shown}" in found.hint


def test_rows_that_do_not_come_apart_name_the_separator_too(tmp_path):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, "sku;name, long;photo\nA;x;a.png\n").count()
    (found,) = caught.value.problems
    assert found.message == "row 2 has 1 field, the header has 2 columns"
    assert "separated by semicolons" in found.hint


def test_all_rows_that_cannot_be_read_are_reported_at_once(tmp_path):
    found = wrong(tmp_path, "sku,photo\nA\nB,one.png\nC,one.png,x\n", BASE)
    assert [problem.row for problem in found] == [2, 4]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('a,b\n1,"x\n2,y\n', 'a quote (") opens a cell, and the file ends before it is closed'),
        ('a,b\n"x" y,2\n', 'there is text after the quote (") that closes a cell'),
    ],
)
def test_ragged_quotes_are_explained(tmp_path, content, words):
    with pytest.raises(ProblemsError, match="row 2 cannot be read") as caught:
        read(tmp_path, content).count()
    assert words in caught.value.problems[0].message


def test_two_stray_quotes_that_merge_rows_are_noticed(tmp_path):
    table = read(tmp_path, 'sku,name,photo\nA,"6 inch,a.png\nB,mug,b.png\nC,7 inch",c.png\nD,cup,d.png\n')
    assert table.count() == 2
    assert "row 2 holds line ends and looks like 3 rows in one" in table.notes[0]


def test_a_description_of_several_lines_is_no_merged_row(tmp_path):
    table = read(tmp_path, 'sku,name,photo\nA,"Soft, warm\nand cosy\nmade of wool",a.png\n')
    assert table.count() == 1
    assert table.notes == []


def test_an_empty_cell_that_a_template_uses_is_an_error_with_rows_jobs_and_dollars(tmp_path):
    rows = "sku,name,photo\nA,mug,one.png\nB,,one.png\nC, ,two.png\n"
    (found,) = wrong(tmp_path, rows)
    assert found.message == "column name is empty in rows 3, 4 of shop.csv; 4 jobs use it ($0.112)"
    assert 'skip: ["empty name"]' in found.hint
    assert "product.name | default" in found.hint
    assert (found.table, found.row, found.field) == ("shop.csv", 3, "name")
    assert dict(found.combination) == {"product.sku": "B", "scene": "beach"}


def test_an_empty_photo_cell_names_its_column(tmp_path):
    (found,) = wrong(tmp_path, "sku,photo\nA,one.png\nB,\n", BASE)
    assert "column photo is empty in row 3 of shop.csv" in found.message


def test_an_error_of_the_spreadsheet_is_no_text(tmp_path):
    (found,) = wrong(tmp_path, "sku,name,photo\nA,#REF!,one.png\n")
    assert "column name holds #REF!, an error of the spreadsheet in row 2" in found.message


@pytest.mark.parametrize(
    ("written_as", "text"),
    [
        ("{{ product.name | default('a thing') }}", "a thing"),
        ("{{ product.name if product.name else 'it' }}", "it"),
        ("{{ 'it' if product.name == '' else product.name }}", "it"),
    ],
)
def test_a_template_that_has_an_answer_for_an_empty_cell_is_sound(tmp_path, written_as, text):
    manifest_text = NAMED.replace("{{ product.name }}", written_as)
    jobs = list(written(tmp_path, "sku,name,photo\nA,,one.png\n", manifest_text).jobs())
    assert jobs[0].params["prompt"].endswith(f"with {text}")


@pytest.mark.parametrize("filters", ["| upper", "| trim | slug", "| replace('a', 'b')", "~ '!'", "+ '!'"])
def test_no_filter_makes_a_text_of_an_empty_cell(tmp_path, filters):
    text = NAMED.replace("product.name }}", f"product.name {filters} }}}}")
    (found,) = wrong(tmp_path, "sku,name,photo\nA,,one.png\n", text)
    assert "column name is empty in row 2" in found.message


def test_an_empty_column_that_no_template_uses_is_nobodys_business(tmp_path):
    assert wrong(tmp_path, "sku,name,photo\nA,,one.png\n", BASE) == []


def test_empty_text_of_a_jsonl_file_is_an_empty_cell_too(tmp_path):
    folder(tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"sku": "A", "name": "", "photo": "one.png"}\n')
    (found,) = problems(tmp_path, NAMED.replace("csv: products.csv", "jsonl: rows.jsonl"))
    assert "column name is empty in row 1 of rows.jsonl" in found.message


def test_a_row_that_stands_twice_is_said_once(tmp_path):
    rows = "sku,name,photo\nA,mug,one.png\nB,cup,two.png\nA,jug,two.png\n"
    (found,) = wrong(tmp_path, rows, NAMED.replace("[beach, city]", "[a, b, c, d, e, f]"))
    assert found.message.startswith(
        "sku A stands in rows 2 and 4 of shop.csv: 6 pictures would have a path twice"
    )
    assert "skip: [4]" in found.hint
    assert found.row == 4


def test_an_exact_repetition_names_its_rows(tmp_path):
    read_manifest = written(tmp_path, "sku,name,photo\nA,mug,one.png\nB,cup,two.png\nA,mug,one.png\n")
    assert len(list(read_manifest.jobs())) == 4
    assert "2 jobs ask for exactly what an earlier one asks for" in read_manifest.warnings[0]
    assert "(row 4 repeats row 2 of shop.csv)" in read_manifest.warnings[0]


def test_a_missing_picture_has_its_row_and_combination_as_data(tmp_path):
    (found,) = wrong(tmp_path, "sku,photo\nA,one.png\nB,tow.png\n", BASE)
    assert (found.table, found.row) == ("shop.csv", 3)
    assert dict(found.combination)["product.sku"] == "B"
    assert found.hint.endswith("two.png")


def test_an_unknown_axis_in_exclude_is_one_problem(tmp_path):
    text = BASE + 'exclude: [{product.photo: ""}]\n'
    (found,) = problems(tmp_path, text)
    assert "there is no axis of this name" in found.message
    assert found.hint == "write product: {photo: ...}"


def test_curly_quotes_around_a_prompt_are_warned_of(tmp_path):
    text = BASE.replace('"Place @Image1 on a {{ scene }}"', "\u201cPlace @Image1 on a {{ scene }}\u201d")
    read_manifest = manifest(tmp_path, text)
    assert len(list(read_manifest.jobs())) == 4
    assert sum("curly quotes" in warning for warning in read_manifest.warnings) == 1


@pytest.mark.parametrize("number", ["2,5", "2,0"])
def test_a_decimal_comma_where_a_number_is_expected_is_named(tmp_path, number):
    text = BASE.replace("params:", "params:\n  num_images: '{{ product.n | number }}'")
    (found,) = wrong(tmp_path, f'sku,photo,n\nA,one.png,"{number}"\n', text)
    assert found.message == f'"{number}" is not a number'
    assert "a decimal comma" in found.hint


def test_a_decimal_comma_in_a_parameter_of_whole_numbers_is_named(tmp_path):
    text = BASE.replace("params:", "params:\n  num_images: '{{ product.n }}'")
    (found,) = wrong(tmp_path, 'sku,photo,n\nA,one.png,"2,5"\n', text)
    assert "decimal comma" in found.hint


def test_a_picture_is_found_whatever_way_its_accents_are_written(tmp_path):
    folder(tmp_path)
    (tmp_path / "photos" / "Bro\u0308tchen.png").write_bytes(PNG)
    jobs = list(written(tmp_path, "sku,photo\nA,Br\u00f6tchen.png\n", BASE).jobs())
    assert len(jobs) == 2


def test_two_pictures_that_differ_in_their_accents_alone_are_not_guessed(tmp_path):
    folder(tmp_path)
    for name in ("Bro\u0308tchen.png", "Br\u00f6tchen.png"):
        (tmp_path / "photos" / name).write_bytes(PNG)
    found = wrong(tmp_path, "sku,photo\nA,Br\u00f6\u200btchen.png\n", BASE)
    assert len(found) == 1 or found == []
