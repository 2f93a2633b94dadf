"""The database is lost, and the pictures are there: nothing is bought twice, and the rows are made again."""

import json
import shutil
import sqlite3

import pytest


@pytest.fixture
def bought(shell, provider):
    """Three pictures, whose database is gone."""
    shell.manifest()
    assert shell("run", "hero.yaml", "--yes") == 0
    lose(shell)
    return provider


def lose(shell) -> None:
    for path in shell.folder.glob("orchestrator.db*"):
        path.unlink()


def tasks(provider) -> int:
    return provider.bill().post_count


def sidecars(shell):
    return sorted((shell.folder / "outputs").rglob("*.png.json"))


def edit(path, **values) -> None:
    """Change what a sidecar says; None takes an entry away."""
    said = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({name: value for name, value in said.items() if value is not None}))


def test_plan_says_that_the_pictures_are_here(shell, bought):
    assert shell("plan", "hero.yaml") == 5
    assert "3 of 3 pictures are here already, made by another database" in shell.said
    assert shell("plan", "hero.yaml", "--json") == 5
    assert shell.document["totals"]["found"] == {"jobs": 3, "images": 3, "cost_usd": "0.084"}
    assert not (shell.folder / "orchestrator.db").exists()


@pytest.mark.parametrize("words", [("run", "hero.yaml", "--yes"), ("apply", "hero.yaml")])
def test_nothing_is_bought_or_recorded_without_a_persons_word(shell, bought, words):
    assert shell(*words) == 5
    assert "orchestrator db rebuild --from outputs" in shell.said
    assert "--buy-again" in shell.said
    assert tasks(bought) == 3
    shell("jobs", "list", "--json")
    assert shell.lines == []


def test_what_a_person_wants_again_is_bought_beside_what_is_there(shell, bought):
    before = {path: path.read_bytes() for path in (shell.folder / "outputs").rglob("*.png")}
    assert shell("run", "hero.yaml", "--yes", "--buy-again") == 0
    assert tasks(bought) == 6
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list((shell.folder / "outputs").rglob("*.png"))) == 6


def test_after_a_rebuild_the_same_manifest_buys_nothing(shell, bought):
    assert shell("db", "rebuild", "--from", "outputs", "--json", "--why", "the disk died") == 0
    assert shell.document == {
        "tasks": 3, "pictures": 3, "cost_usd": "0.084", "known": 0, "problems": 0, "runs": 1,
    }  # fmt: skip
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(bought) == 3
    shell("jobs", "list", "--json")
    assert [(job["state"], job["cost_usd"], job["tags"]) for job in shell.lines] == [
        ("succeeded", "0.028", {"client": "acme"})
    ] * 3
    assert shell("budget", "audit") == 0


def test_after_a_rebuild_a_longer_manifest_buys_only_what_is_new(shell, bought):
    shell("db", "rebuild", "--from", "outputs")
    path = shell.folder / "hero.yaml"
    path.write_text(path.read_text().replace("forest]", "forest, desert]"))
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(bought) == 4


def test_a_rebuild_is_repeated_without_effect_and_completes_one_that_was_interrupted(shell, bought):
    away = shell.folder / "away"
    shutil.move(shell.folder / "outputs/hero/city-0.png.json", away)
    assert shell("db", "rebuild", "--from", "outputs") == 3  # a picture has no sidecar
    assert "city-0.png: it has no sidecar" in shell.said + shell.out
    shutil.move(away, shell.folder / "outputs/hero/city-0.png.json")
    assert shell("db", "rebuild", "--from", "outputs", "--json") == 0
    assert (shell.document["tasks"], shell.document["known"]) == (1, 2)
    assert shell("db", "rebuild", "--from", "outputs", "--json") == 0
    assert (shell.document["tasks"], shell.document["known"], shell.document["cost_usd"]) == (0, 3, "0.00")


def test_what_was_bought_counts_in_the_month_in_which_it_was(shell, bought):
    for path in sidecars(shell):
        edit(path, day="2020-02-03")
    shell("db", "rebuild", "--from", "outputs")
    with sqlite3.connect(shell.folder / "orchestrator.db") as conn:
        sums = conn.execute(
            "SELECT period, spent_micros, held_micros FROM balances WHERE scope = 'account' ORDER BY period"
        ).fetchall()
    assert sums == [("2020-02", 84_000, 0), ("2020-02-03", 84_000, 0), ("total", 84_000, 0)]


ODD = {
    "no JSON": (lambda path: path.write_text("{"), "no JSON"),
    "no object": (lambda path: path.write_text("[]"), "no JSON object"),
    "of a newer version": (lambda path: edit(path, format=3), "newer version"),
    "without a task": (lambda path: edit(path, prediction_id=None), "prediction_id"),
    "with an odd price": (lambda path: edit(path, price_micros=-1), "price_micros"),
    "with an odd name": (lambda path: edit(path, campaign="../x"), "no name of a campaign"),
    "with odd paths": (lambda path: edit(path, paths=[]), "paths for 1 pictures"),
    "without a digest": (lambda path: edit(path, sha256="xyz"), "digest"),
}


@pytest.mark.parametrize("how", ODD)
def test_a_sidecar_that_cannot_be_used_is_named_and_the_others_are_recorded(shell, bought, how):
    spoil, words = ODD[how]
    spoil(sidecars(shell)[0])
    assert shell("db", "rebuild", "--from", "outputs", "--json") == 3
    assert (shell.document["tasks"], shell.document["problems"]) == (2, 1)
    assert words in shell.said
    assert "hero/beach-0.png" in shell.said


@pytest.mark.parametrize(("bytes_now", "words"), [(None, "the file is gone"), (b"else", "other bytes")])
def test_a_picture_that_is_gone_or_changed_is_recorded_and_named(shell, bought, bytes_now, words):
    """It was paid for: without a row it would be bought again, although it may still be fetched."""
    picture = shell.folder / "outputs/hero/beach-0.png"
    picture.unlink() if bytes_now is None else picture.write_bytes(bytes_now)
    assert shell("db", "rebuild", "--from", "outputs") == 3
    assert words in shell.said + shell.out
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(bought) == 3


def test_another_picture_of_that_name_is_no_reason_to_stop(shell, bought):
    for path in sidecars(shell):
        edit(path, key="0" * 32)
    assert shell("plan", "hero.yaml") == 0
    assert "3 planned file names have a picture already" in shell.said
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(bought) == 6


def test_a_new_run_of_the_same_manifest_is_bought(shell, bought):
    assert shell("run", "hero.yaml", "--yes", "--run", "tuesday") == 0
    assert tasks(bought) == 6


def test_pictures_of_an_older_version_are_seen_and_recorded_with_their_manifest(shell, bought):
    new = (
        "format",
        "campaign",
        "name",
        "run",
        "key",
        "ordinal",
        "variation",
        "images",
        "tags",
        "paths",
        "day",
    )
    for path in sidecars(shell):
        edit(path, **dict.fromkeys((*new, "database", "number", "local_files", "submitted_at_ms")))
    assert shell("run", "hero.yaml", "--yes") == 5
    assert "--manifest MANIFEST" in shell.said
    assert shell("db", "rebuild", "--from", "outputs") == 3
    assert "name the manifest with --manifest" in shell.said + shell.out
    assert shell("db", "rebuild", "--from", "outputs", "--manifest", "hero.yaml") == 0
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(bought) == 3


def test_a_rebuild_into_a_database_that_has_planned_the_jobs_ends_them(shell, bought):
    assert shell("apply", "hero.yaml", "--buy-again") == 0
    assert shell("db", "rebuild", "--from", "outputs") == 0
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(bought) == 3


def test_two_databases_may_share_an_output_folder_for_different_work(shell, provider):
    shell.manifest("hero")
    shell.manifest("autumn")
    assert shell("run", "hero.yaml", "--yes") == 0
    lose(shell)
    assert shell("run", "autumn.yaml", "--yes") == 0
    assert tasks(provider) == 6


def test_jobs_that_a_restored_backup_believes_to_wait_are_not_bought_again(shell, provider):
    shell.manifest()
    shell("apply", "hero.yaml")
    database, backup = shell.folder / "orchestrator.db", shell.folder / "backup"
    shutil.copyfile(database, backup)
    assert shell("run", "hero.yaml", "--yes") == 0
    lose(shell)
    backup.rename(database)
    assert shell("plan", "hero.yaml") == 5
    assert "made by this database before it was restored from a backup" in shell.said
    assert shell("run", "hero.yaml", "--yes") == 5
    assert shell("db", "rebuild", "--from", "outputs") == 0
    assert shell("run", "hero.yaml", "--yes") == 0
    assert tasks(provider) == 3
