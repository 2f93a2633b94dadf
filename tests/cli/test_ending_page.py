"""`run` ends with a page of its pictures; what keeps that from being written changes nothing of its end."""

import pytest

from orchestrator.cli import ending_page
from orchestrator.core.errors import ExitCode


def test_run_ends_with_the_page_of_its_pictures_and_names_it(shell, provider):
    assert shell("run", shell.manifest(), "--yes") == ExitCode.DONE
    (page,) = (shell.folder / "outputs").glob("*.html")
    assert f"page      {page.as_uri()}" in shell.said
    assert ".orchestrator/thumbnails/" in page.read_text()
    assert shell("run", shell.manifest(), "--yes", "--json") == ExitCode.DONE
    assert shell.document["page"] == str(page)


@pytest.mark.parametrize("error", [OSError("no space"), RuntimeError("a fault of the page")])
def test_a_page_that_cannot_be_written_changes_nothing_of_how_a_run_ends(shell, provider, monkeypatch, error):
    def fail(*_words, **_more):
        raise error

    monkeypatch.setattr(ending_page, "write_report", fail)
    assert shell("run", shell.manifest(), "--yes") == ExitCode.DONE
    assert "Finished" in shell.said
    assert f"The page of the pictures was not written: {error}" in shell.said


def test_a_file_of_somebody_else_in_its_place_is_left_alone(shell, provider):
    shell("run", shell.manifest(), "--yes")
    (page,) = (shell.folder / "outputs").glob("*.html")
    page.write_text("mine")
    assert shell("run", shell.manifest(word="another"), "--yes") == ExitCode.DONE
    assert page.read_text() == "mine"
    assert "is no page of this program" in shell.said
