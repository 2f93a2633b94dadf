"""Rows that ask for exactly the same billed work, and for files of their own."""

import pytest
from manifest_files import BASE, folder, manifest, problems

from orchestrator.core.specs import JobSpec, TwinSpec

SAME = BASE.replace("{{ product.photo }}", "one.png").replace("scene: [beach, city]", "scene: [beach]")


def entries(path, text=SAME, rows="A-1\nA-2\n", **more):
    """What a manifest over these rows gives, in short: a job's paths, and its twins' paths."""
    (path / "odd.csv").write_text("sku\n" + rows)
    read = manifest(path, text.replace("products.csv", "odd.csv"))
    found = [
        ("job" if isinstance(entry, JobSpec) else "first" if entry.first else "twin", entry.output_paths)
        for entry in read.entries(**more)
    ]
    return found, read.warnings


def test_a_row_that_differs_in_its_path_alone_shares_the_job_and_keeps_its_path(tmp_path):
    found, warnings = entries(tmp_path)
    assert found == [
        ("job", ("A-1/beach-0.png",)),
        ("twin", ("A-2/beach-0.png",)),
        ("first", ("A-1/beach-0.png",)),
    ]
    assert len(warnings) == 1
    assert "1 row asks for exactly the same work as an earlier one" in warnings[0]
    assert (
        "A-2/beach-0.png (product.sku=A-2 (odd.csv row 3), scene=beach) is a copy of A-1/beach-0.png "
        "(product.sku=A-1 (odd.csv row 2), scene=beach)"
    ) in warnings[0]


def test_twins_have_the_key_of_their_job_and_the_jobs_are_given_alone_too(tmp_path):
    (tmp_path / "odd.csv").write_text("sku\nA-1\nA-2\nA-3\n")
    read = manifest(tmp_path, SAME.replace("products.csv", "odd.csv"))
    assert len({entry.key for entry in read.entries()}) == 1
    assert [type(entry) for entry in read.entries()] == [JobSpec, *[TwinSpec] * 3]
    assert len(list(read.jobs())) == 1


def test_a_row_that_wants_the_same_file_too_is_merged_as_ever(tmp_path):
    text = SAME.replace("{{ product.sku }}/", "")
    found, warnings = entries(tmp_path, text)
    assert found == [("job", ("beach-0.png",))]
    assert "1 job asks for exactly what an earlier one asks for, and is made once" in warnings[0]


def test_rows_of_three_kinds_are_told_apart(tmp_path):
    found, warnings = entries(tmp_path, rows="A-1\nA-2\nA-1\nA-2\n")
    assert [kind for kind, _ in found] == ["job", "twin", "first"]
    assert ["2 jobs ask" in warnings[0], "1 row asks" in warnings[1]] == [True, True]


def test_every_picture_of_a_job_gets_its_further_name(tmp_path):
    text = SAME.replace("params:", "params:\n  num_images: 2")
    found, _ = entries(tmp_path, text)
    assert found[1] == ("twin", ("A-2/beach-0.png", "A-2/beach-1.png"))


def test_variations_have_twins_of_their_own(tmp_path):
    text = SAME.replace("params:", "variations: 2\nparams:").replace(
        "{{ index }}", "{{ index }}-{{ variation }}"
    )
    found, _ = entries(tmp_path, text)
    assert [kind for kind, _ in found] == ["job", "job", "twin", "twin", "first", "first"]
    assert found[2][1] == ("A-2/beach-0-1.png",)


def test_added_and_zipped_rows_are_alike(tmp_path):
    added = SAME + "add: [{product: {sku: X-9}, scene: beach}]\n"
    assert entries(tmp_path, added)[0][2] == ("twin", ("X-9/beach-0.png",))
    zipped = SAME.replace(
        "matrix:\n  product: {csv: products.csv}\n  scene: [beach]",
        "zip:\n  sku: [A, B]\n  scene: [beach, beach]",
    )
    zipped = zipped.replace("product.sku", "sku")
    assert [kind for kind, _ in entries(tmp_path, zipped)[0]] == ["job", "twin", "first"]


def test_a_path_that_another_job_has_is_a_collision_also_for_a_twin(tmp_path):
    (tmp_path / "odd.csv").write_text("sku,scene\nA,x\nB,y\nb,x\n")
    text = BASE.replace("{csv: products.csv}", "{csv: odd.csv}").replace("{{ product.photo }}", "one.png")
    text = text.replace("  scene: [beach, city]\n", "").replace("{{ scene }}", "{{ product.scene }}")
    text = text.replace("/{{ product.scene }}-", "-")
    (problem,) = problems(tmp_path, text)
    assert "sku b stands in rows 3 and 4 of odd.csv" in problem.message
    assert '"b-0.png"' in problem.message


def test_a_part_of_a_manifest_has_the_twins_between_its_jobs(tmp_path):
    rows = "".join(f"A-{number}\n" for number in range(4))
    text = SAME.replace("scene: [beach]", "scene: [beach, city]")
    found, _ = entries(tmp_path, text, rows, limit=2)
    assert [kind for kind, _ in found] == ["job", "job"]
    found, _ = entries(tmp_path, text, rows)
    assert [kind for kind, _ in found] == ["job", "job", *["twin"] * 6, "first", "first"]


def test_the_warning_names_the_first_and_counts_the_rest(tmp_path):
    _, (warning,) = entries(tmp_path, rows="".join(f"A-{number}\n" for number in range(9)))
    assert "8 rows ask for exactly the same work" in warning
    assert "8 files are made as copies" in warning
    assert "and 5 more" in warning


@pytest.mark.parametrize("again", [1, 2])
def test_every_walk_gives_the_same(tmp_path, again):
    folder(tmp_path)
    (tmp_path / "odd.csv").write_text("sku\nA-1\nA-2\n")
    read = manifest(tmp_path, SAME.replace("products.csv", "odd.csv"))
    whole = [list(read.entries()) for _ in range(again + 1)]
    assert whole[0] == whole[-1]
