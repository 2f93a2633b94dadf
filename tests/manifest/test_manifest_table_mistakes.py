"""Mistakes in tables and whatever else a manifest names."""

import os

import pytest
from manifest_files import BASE, PNG, folder, manifest, problems

from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.yamlio import ProblemsError

HEAD = "version: 1\nmodel: kwaivgi/kling-image-o3/edit\n"


PARAMS = 'params: {prompt: hello, images: ["photos/one.png"]}\n'


@pytest.mark.parametrize(
    ("content", "line", "fragment"),
    [
        ("", 1, "is empty"),
        ("sku,photo\n", None, "holds no rows"),
        ("sku,photo\nA-1,one.png\nA-2\n", 3, "row 3 has 1 field, the header has 2 columns"),
        ("sku,photo\nA-1,one.png,x\n", 2, "row 2 has 3 fields"),
        ("sku,sku\nA-1,one.png\n", 1, 'names the column "sku" twice'),
        ("sku,photo,\nA-1,one.png,x\n", 2, "row 2 has a value in column 3, which has no name"),
        ("sku;photo\nA-1;one.png\n", 1, "separated by semicolons"),
        ('sku,photo\n"A-1,one.png\n', 2, "row 2 cannot be read"),
        ("sku,photo\nA-\x00,one.png\n", 2, "NUL"),
        ("sku,photo\n" + "A" * 200_000 + ",one.png\n", 2, "a cell is longer than 131,072 characters"),
    ],
)
def test_a_bad_table_is_reported_with_its_row(tmp_path, content, line, fragment):
    folder(tmp_path)
    (tmp_path / "other.csv").write_bytes(content.encode())
    found = problems(tmp_path, BASE.replace("products.csv", "other.csv"))
    assert fragment in found[0].message
    if line is not None:
        assert found[0].file.endswith("other.csv")
        assert found[0].line == line


def test_a_table_in_utf_16_is_refused(tmp_path):
    (tmp_path / "other.csv").write_bytes("sku,photo\n".encode("utf-16"))
    assert "UTF-8" in problems(tmp_path, BASE.replace("products.csv", "other.csv"))[0].message


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("[1]\n", "row 1 is not a JSON object"),
        ('{"a": 1}\n{"a"\n', "row 2 is not JSON"),
        ('{"a": NaN}', "row 1"),
        ("[" * 100_000, "row 1"),
    ],
)
def test_a_bad_jsonl_file_is_reported_with_its_row(tmp_path, content, fragment):
    (tmp_path / "rows.jsonl").write_text(content)
    found = problems(tmp_path, BASE.replace("csv: products.csv", "jsonl: rows.jsonl"))
    assert fragment in found[0].message


def test_a_missing_picture_names_the_row_of_the_table(tmp_path):
    folder(tmp_path)
    (tmp_path / "other.csv").write_text("sku,photo\nA-1,one.png\nA-2,tow.png\n")
    (found,) = problems(tmp_path, BASE.replace("products.csv", "other.csv"))
    assert found.path == "params.images[0]"
    assert "product.sku=A-2" in found.notes[0]
    assert "other.csv row 3" in found.notes[0]
    assert "two.png" in found.hint


def test_a_link_that_leads_out_is_refused_and_an_input_root_lets_it_in(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    folder(inside)
    (outside / "secret.png").write_bytes(PNG)
    (inside / "photos" / "link.png").symlink_to(outside / "secret.png")
    text = BASE.replace("photos/{{ product.photo }}", "photos/link.png")
    assert "outside" in problems(inside, text)[0].message
    assert problems(inside, text, input_roots=[outside]) == []


def test_a_pipe_is_not_opened(tmp_path):
    folder(tmp_path)
    os.mkfifo(tmp_path / "photos" / "pipe.png")
    text = BASE.replace("photos/{{ product.photo }}", "photos/pipe.png")
    assert "not a regular file" in problems(tmp_path, text)[0].message


def test_a_picture_above_the_size_limit_is_refused(tmp_path):
    folder(tmp_path)
    with (tmp_path / "photos" / "big.png").open("wb") as stream:
        stream.write(PNG)
        stream.truncate(10_000_001)
    text = BASE.replace("photos/{{ product.photo }}", "photos/big.png")
    assert "at most 10 MB" in problems(tmp_path, text)[0].message


def test_a_product_beyond_the_limit_is_refused_with_its_size(tmp_path):
    axes = "".join(f"  a{n}: {{range: [1, 1000]}}\n" for n in range(3))
    text = HEAD + "matrix:\n" + axes + PARAMS
    (found,) = problems(tmp_path, text)
    assert "1,000 a0 x 1,000 a1 x 1,000 a2 x 1 variations = 1,000,000,000 jobs" in found.message


def test_the_limit_can_be_configured(tmp_path):
    found = problems(tmp_path, BASE, jobs_max=3)
    assert "= 4 jobs; at most 3" in found[0].message


def test_the_error_ends_the_command_with_the_code_for_usage(tmp_path):
    with pytest.raises(ProblemsError) as caught:
        manifest(tmp_path, "version: 3\n")
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(caught.value).endswith("Nothing was written and nothing was spent.")


def test_several_pictures_a_job_need_an_index_in_the_path(tmp_path):
    text = BASE.replace("-{{ index }}", "").replace("output:", "  num_images: 2\noutput:")
    assert "has no index" in problems(tmp_path, text)[0].message


def test_paths_that_differ_in_case_only_collide(tmp_path):
    text = BASE.replace("[beach, city]", "[Beach, beach]")
    found = problems(tmp_path, text)
    assert "would have the path" in found[0].message
    assert "capitals do not count" in found[0].message


@pytest.mark.parametrize("key", ["a b", "../x", "", "x" * 200])
def test_a_run_key_that_cannot_name_a_folder_is_refused(tmp_path, key):
    if key:
        with pytest.raises(UsageError, match="run key"):
            manifest(tmp_path, run_key=key)
    else:
        with pytest.raises(UsageError):
            manifest(tmp_path, run_key=key)


@pytest.mark.parametrize("text", ["", "[]", "hello", "- a\n", "1"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "expected a manifest" in problems(tmp_path, text)[0].message
