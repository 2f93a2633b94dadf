"""Rows that share a job of a manifest with stages: what follows from them."""

from manifest_files import BASE, folder, manifest

from orchestrator.core.specs import JobSpec, TwinSpec

TWO = BASE.replace('"]\noutput', '"]\n  num_images: 2\noutput')
CUTOUT = """\
stages:
  cutout:
    params: {prompt: "Remove the background of @Image1"}
    output: "{{ product.sku }}/{{ scene }}-{{ picture }}-{{ stage }}.{{ ext }}"
"""


def stage(specs, name):
    return [spec for spec in specs if spec.stage == name]


def row_twice(path, text):
    """The manifest, with a second row that asks for the same picture under another SKU."""
    folder(path)
    found = manifest(path, text)
    (path / "products.csv").write_text("sku,photo\nA-1,one.png\nA-2,one.png\n")
    return found.__class__(found.path, found.spec, found._blueprint)  # noqa: SLF001 - reads the table again


def test_what_follows_from_a_row_that_shares_a_job_shares_what_is_made_of_it(tmp_path):
    entries = list(row_twice(tmp_path, TWO + CUTOUT).entries())
    specs = [entry for entry in entries if isinstance(entry, JobSpec)]
    assert [len(stage(specs, name)) for name in ("", "cutout")] == [2, 4]
    twins = {entry.output_paths: entry for entry in entries if isinstance(entry, TwinSpec)}
    cut = stage(specs, "cutout")[1]
    assert twins["A-2/beach-1-cutout.png",] == TwinSpec(cut.key, ("A-2/beach-1-cutout.png",))
    assert twins["A-1/beach-1-cutout.png",] == TwinSpec(cut.key, ("A-1/beach-1-cutout.png",), first=True)
    assert len(twins) == len([entry for entry in entries if isinstance(entry, TwinSpec)]) == 12


def test_a_shared_job_is_said_once_with_all_the_files_that_are_copies(tmp_path):
    found = row_twice(tmp_path, TWO + CUTOUT)
    found.check()
    (words,) = found.warnings
    assert "2 rows ask for exactly the same work" in words
    assert "8 files are made as copies" in words


def test_a_row_that_shares_a_job_has_a_stage_of_its_own_where_the_stage_tells_them_apart(tmp_path):
    specs = list(row_twice(tmp_path, TWO + CUTOUT.replace("@Image1", "@Image1 of {{ product.sku }}")).jobs())
    assert [len(stage(specs, name)) for name in ("", "cutout")] == [2, 8]
    sources = {spec.key for spec in stage(specs, "")}
    assert {spec.needs.key for spec in stage(specs, "cutout")} == sources
    assert all(spec.round for spec in specs)


def test_equal_rows_have_what_follows_once(tmp_path):
    found = row_twice(
        tmp_path, TWO.replace("{{ product.sku }}/", "") + CUTOUT.replace("{{ product.sku }}/", "")
    )
    assert [len(stage(list(found.jobs()), name)) for name in ("", "cutout")] == [2, 4]
