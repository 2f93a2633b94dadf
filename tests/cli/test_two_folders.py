"""Two folders with one database: whoever looks is told where the pictures are."""

import os

from orchestrator.core.errors import ExitCode


def test_a_folder_says_that_another_one_has_the_pictures(shell, provider, monkeypatch):
    manifest = shell.manifest()
    assert shell("run", manifest, "--yes") == ExitCode.DONE
    assert f"files     {shell.folder}/outputs\n" in shell.said
    first = shell.folder / "outputs"
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", f"sqlite:///{shell.folder}/orchestrator.db")
    second = shell.folder / "second"
    second.mkdir()
    for name in (manifest, "photo.png"):
        (second / name).write_bytes((shell.folder / name).read_bytes())
    monkeypatch.chdir(second)
    shell("run", manifest, "--yes", "--json")
    assert [(place["root"], place["jobs"]) for place in shell.document["places"]] == [(str(first), 3)]
    shell("jobs", "show", "1")
    assert f"{first}/hero/beach-0.png" in shell.said
    assert f"stored on {os.uname().nodename} by a worker with another output root" in shell.said
