"""A database made again from sidecars knows what people said of the pictures, as they said it."""

import json


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
