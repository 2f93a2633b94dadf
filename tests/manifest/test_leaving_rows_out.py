"""`skip`, `where` and --skip-bad-rows: which rows are left out, and what is said of it."""

import pytest
from manifest_files import BASE, folder, manifest, problems

SHOP = "sku,Foto,stock,Artikel-Nr.\nA,one.png,3,1\nB,,0,2\nC,gone.png,7,3\nD,two.png,0,4\n"
TEXT = BASE.replace("{{ product.photo }}", "{{ product.Foto }}").replace(
    "scene: [beach, city]", "scene: [beach]"
)


def source(rules):
    return TEXT.replace("{csv: products.csv}", f"{{csv: shop.csv, {rules}}}")


def kept(tmp_path, rules, shop=SHOP, **more):
    """The SKUs of the jobs, and number and reason of every row that is left out."""
    folder(tmp_path)
    (tmp_path / "shop.csv").write_text(shop)
    read = manifest(tmp_path, source(rules) if rules else TEXT.replace("products.csv", "shop.csv"), **more)
    skus = [job.output_paths[0].partition("/")[0] for job in read.jobs()]
    return skus, [(row.number, row.reason) for table in read.left_out for row in table.skipped]


def wrong(tmp_path, rules, shop=SHOP):
    folder(tmp_path)
    (tmp_path / "shop.csv").write_text(shop)
    return problems(tmp_path, source(rules))


def test_rows_are_skipped_by_number_by_empty_cell_and_by_missing_file(tmp_path):
    skus, rows = kept(tmp_path, "skip: [5, empty Foto, missing file Foto]")
    assert skus == ["A"]
    assert rows == [
        (3, "column Foto is empty"),
        (4, 'there is no file "photos/gone.png"'),
        (5, "left out by its number"),
    ]


def test_a_missing_file_includes_an_empty_cell(tmp_path):
    assert kept(tmp_path, "skip: [missing file Foto]")[0] == ["A", "D"]


@pytest.mark.parametrize(
    ("where", "skus"),
    [
        ("stock | int > 0 and Foto == 'one.png'", ["A"]),
        ("row['Artikel-Nr.'] | number <= 1", ["A"]),
        ("sku in ['A', 'D']", None),
        ("not (Foto == '' or sku == 'C')", ["A", "D"]),
    ],
)
def test_where_keeps_the_rows_for_which_it_holds(tmp_path, where, skus):
    if skus is None:
        assert "not accepted" in wrong(tmp_path, f'where: "{where}"')[0].message
    else:
        assert kept(tmp_path, f'where: "{where}"')[0] == skus


@pytest.mark.parametrize(
    ("rules", "message", "hint"),
    [
        ("skip: [99, empty Foto, missing file Foto]", "there is no row 99 in shop.csv", ""),
        ("skip: [empty Photo]", 'shop.csv has no column "Photo"', 'did you mean "Foto"?'),
        ("skip: [sometimes]", "expected rows to leave out", ""),
        ("skip: [missing file stock]", "no picture of `images` is named by product['stock']", "images"),
        ("where: \"stok == '1'\"", 'shop.csv has no column "stok"', 'did you mean "stock"?'),
        ('where: "stock > 3"', "cannot be filled in", "cells are text"),
        ("where: 3", "expected a condition over columns", ""),
        ('where: "1 +"', "is not a template", ""),
        ("where: \"sku == 'Z'\"", '"shop.csv": all of its 4 rows would be left out', ""),
        ("skp: [3]", "unknown key beside csv; allowed: delimiter, skip, where", 'did you mean "skip"?'),
    ],
)
def test_a_rule_that_cannot_be_meant_is_an_error(tmp_path, rules, message, hint):
    found = wrong(tmp_path, rules)
    assert any(message in problem.message and hint in problem.hint for problem in found), found


def test_a_row_that_is_skipped_by_its_number_may_be_ragged(tmp_path):
    shop = "sku,Foto\nA,one.png\nB\nD,two.png\n"
    assert kept(tmp_path, "skip: [3]", shop)[0] == ["A", "D"]


def test_bad_rows_are_left_out_on_demand_each_with_its_reason(tmp_path):
    shop = SHOP + "E\nA,two.png,1,9\n"
    skus, rows = kept(tmp_path, "", shop, skip_bad_rows=True)
    assert skus == ["A", "D"]
    assert rows == [
        (3, "column Foto is empty"),
        (4, 'there is no file "photos/gone.png"'),
        (6, "row 6 has 1 field, the header has 4 columns"),
        (7, "sku A stands in row 2 too"),
    ]


def test_a_table_of_nothing_but_bad_rows_is_reported_as_it_is(tmp_path):
    folder(tmp_path)
    (tmp_path / "shop.csv").write_text("sku,Foto\nA,gone.png\nB,away.png\n")
    found = problems(tmp_path, TEXT.replace("products.csv", "shop.csv"), skip_bad_rows=True)
    assert sorted(problem.row for problem in found) == [2, 3]


def test_what_is_wrong_with_the_manifest_itself_is_never_skipped(tmp_path):
    folder(tmp_path)
    text = TEXT.replace("photos/{{ product.Foto }}", "photos/none.png").replace("products.csv", "shop.csv")
    (tmp_path / "shop.csv").write_text(SHOP)
    assert "no file" in problems(tmp_path, text, skip_bad_rows=True)[0].message


def test_leaving_nothing_out_changes_no_key(tmp_path):
    folder(tmp_path)
    plain = [job.key for job in manifest(tmp_path).jobs()]
    assert [job.key for job in manifest(tmp_path, skip_bad_rows=True).jobs()] == plain
    assert manifest(tmp_path).left_out == []


def test_rows_of_an_inner_axis_are_left_out_too(tmp_path):
    folder(tmp_path)
    (tmp_path / "scenes.csv").write_text("scene\nbeach\n#REF!\n")
    text = BASE.replace("[beach, city]", "{csv: scenes.csv}").replace("{{ scene }}", "{{ scene.scene }}")
    assert "#REF!" in problems(tmp_path, text)[0].message
    assert len(list(manifest(tmp_path, text, skip_bad_rows=True).jobs())) == 2
