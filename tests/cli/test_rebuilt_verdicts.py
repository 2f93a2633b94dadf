"""A database made again from sidecars knows what people said of the pictures, as they said it."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

from support.world import MODEL

from orchestrator.catalogue import entries, get


def lose(shell) -> None:
    for path in shell.folder.glob("orchestrator.db*"):
        path.unlink()


def listed(shell, *names):
    shell("jobs", "list", "--json")
    return {
        tuple(str(output["path"]) for output in job["outputs"]): [job[name] for name in names]
        for job in shell.lines
    }


def test_verdicts_axes_and_whose_try_a_picture_is_come_back_with_the_rows(shell, provider):
    shell.manifest()
    shell("run", "hero.yaml", "--yes")
    shell("accept", "1", "--stars", "4", "--note", "crisp")
    shell("reject", "2", "--note", "too dark")
    shell("accept", "3")
    shell("accept", "3", "--clear")
    shell("redo", "2", "--prompt", "Brighter @Image1")
    assert shell("run", "hero.yaml", "--yes") == 0
    names = ("verdict", "stars", "note", "redo_of", "axes")
    before = listed(shell, *names)
    shell("jobs", "show", "1")
    story = [line for line in shell.said.splitlines() if line.startswith("verdict")]
    lose(shell)
    assert shell("db", "rebuild", "--from", "outputs", "--json") == 0
    assert shell.document["problems"] == 0
    assert listed(shell, *names) == before
    assert sorted(each[0] or "" for each in before.values()) == ["", "", "accepted", "rejected"]
    shell("jobs", "show", "1")
    assert [line for line in shell.said.splitlines() if line.startswith("verdict")] == story
    assert shell("export", "--accepted", "shop", "--json") == 0
    assert shell.document["written"] == 1


def test_the_revision_of_the_model_comes_back_so_that_no_night_makes_the_picture_anew(
    shell, provider, monkeypatch
):
    shell.manifest()
    with monkeypatch.context() as release:
        release.setitem(entries._MODELS, MODEL, replace(get(MODEL), revision=3))
        shell("run", "hero.yaml", "--yes")
    lose(shell)
    assert shell("db", "rebuild", "--from", "outputs") == 0
    with closing(sqlite3.connect(shell.folder / "orchestrator.db")) as file:
        assert file.execute("SELECT model_revision FROM job_specs").fetchall() == [(3,)] * 3


def test_an_odd_verdict_in_a_sidecar_is_told_and_its_picture_is_recorded_all_the_same(shell, provider):
    shell.manifest()
    shell("run", "hero.yaml", "--yes")
    shell("accept", "1")
    path = shell.folder / "outputs/hero/beach-0.png.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "choice": {"verdict": "lovely"}}))
    lose(shell)
    assert shell("db", "rebuild", "--from", "outputs", "--json") == 3
    assert (shell.document["pictures"], shell.document["problems"]) == (3, 1)
    assert "odd `choice`" in shell.said
