"""Jobs that are equal."""

from manifest_files import BASE, manifest


def test_equal_jobs_are_made_once_and_said(tmp_path):
    text = BASE.replace("on a {{ scene }}", "here").replace("{{ scene }}-", "")
    found = manifest(tmp_path, text)
    assert [spec.ordinal for spec in found.jobs()] == [0, 2]
    assert "2 jobs ask for exactly what an earlier one asks for" in found.warnings[0]
