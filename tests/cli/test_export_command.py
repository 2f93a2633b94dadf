"""`orchestrator export`: what it hands over, says, and ends with."""

import hashlib
import io
import json
import sqlite3
from contextlib import closing

import pytest
from PIL import Image

from orchestrator.core.errors import ExitCode


@pytest.fixture
def chosen(shell):
    """Three stored pictures: one accepted, one accepted and flagged, one without a verdict."""
    shell("apply", shell.manifest(extra="recipes: {small: {width: 8, format: webp}}"))
    with closing(sqlite3.connect(shell.folder / "orchestrator.db")) as db, db:
        for job, scene, nsfw in ((1, "beach", 0), (2, "city", 1), (3, "forest", 0)):
            buffer = io.BytesIO()
            Image.new("RGB", (16, 16), (job, 0, 0)).save(buffer, "PNG")
            path = shell.folder / f"outputs/hero/{scene}-0.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(buffer.getvalue())
            db.execute(
                "UPDATE outputs SET state = 'stored', stored_path = path, sha256 = ?, "
                "media_type = 'image/png', width = 16, height = 16, nsfw = ? WHERE job_id = ?",
                (hashlib.sha256(buffer.getvalue()).hexdigest(), nsfw, job),
            )
        for job in (1, 2):
            db.execute("UPDATE jobs SET verdict = 'accepted' WHERE id = ?", (job,))
            db.execute(
                "INSERT INTO verdicts (job_id, at, verdict, who, host, source) "
                "VALUES (?, 1000, 'accepted', 'ada', 'here', 'command')",
                (job,),
            )
    return shell


def test_accepted_pictures_are_handed_over_and_flagged_ones_are_named(chosen):
    assert chosen("export", "--accepted", "shop") == ExitCode.DONE
    assert "1 picture written" in chosen.said
    assert "1 accepted picture left out: the provider flagged it; --flagged" in chosen.said
    assert sorted(path.name for path in (chosen.folder / "shop/hero").iterdir()) == ["beach-0.png"]
    assert chosen("export", "--accepted", "shop", "--flagged") == ExitCode.DONE
    assert "1 picture written, 1 there already" in chosen.said


def test_a_recipe_and_a_name_shape_what_is_handed_over(chosen):
    words = ("--recipe", "small", "--as", "{{ tags.client }}/{{ stem }}.{{ ext }}", "--json")
    assert chosen("export", "--accepted", "shop", *words) == ExitCode.DONE
    assert (chosen.document["written"], chosen.document["spends"]) == (1, False)
    with Image.open(chosen.folder / "shop/acme/beach-0.webp") as made:
        assert made.size == (8, 8)


def test_one_archive_in_place_of_a_folder(chosen):
    assert chosen("export", "--accepted", "shop", "--zip") == ExitCode.DONE
    assert (chosen.folder / "shop.zip").is_file()
    assert not (chosen.folder / "shop").exists()


def test_what_cannot_be_handed_over_is_said_with_the_command_that_helps(chosen):
    (chosen.folder / "outputs/hero/beach-0.png").unlink()
    assert chosen("export", "--accepted", "shop") == ExitCode.SOME_FAILED
    assert "not handed over: hero/beach-0.png (job 1)" in chosen.said
    assert "orchestrator outputs check --fetch" in chosen.said


def test_without_a_word_on_what_nothing_is_handed_over(chosen):
    assert chosen("export", "shop") == ExitCode.USAGE
    assert "orchestrator export --accepted shop" in chosen.said


def test_without_an_accepted_picture_it_says_how_to_accept_one(shell):
    shell("apply", shell.manifest())
    assert shell("export", "--accepted", "shop") == ExitCode.DONE
    assert "No picture is accepted, so nothing" in shell.said
    assert not (shell.folder / "shop").exists()


def test_a_bad_recipe_is_an_error_of_the_manifest(shell):
    name = shell.manifest(extra="recipes: {shop: {width: 0, fit: squeeze, background: nocolour, widht: 3}}")
    assert shell("plan", name) == ExitCode.USAGE
    for said in ("whole number from 1 to 20000", "inside", "a colour such as white", "unknown key"):
        assert said in shell.said


def because(shell, *words):
    assert shell("export", "--accepted", "shop", *words, "--json") in {ExitCode.DONE, ExitCode.SOME_FAILED}
    return shell.document["withdrawn_because"]


def test_what_is_taken_out_of_the_folder_is_said_with_its_true_reason(chosen):
    assert because(chosen, "--flagged") == {}
    assert because(chosen) == {"flagged": 1}
    assert because(chosen, "--recipe", "small") == {"renamed": 1}
    assert because(chosen, "--as", "{{ stem }}.{{ ext }}", "--flagged") == {"renamed": 1}
    assert because(chosen, "--as", "{{ stem }}.{{ ext }}", "--flagged", "1") == {"not_asked": 1}
    assert because(chosen, "--flagged", "2") == {"not_asked": 1}
    with closing(sqlite3.connect(chosen.folder / "orchestrator.db")) as db, db:
        db.execute("UPDATE jobs SET verdict = 'rejected' WHERE id = 2")
    assert because(chosen) == {"not_accepted": 1}
    assert sorted(path.name for path in (chosen.folder / "shop/hero").iterdir()) == ["beach-0.png"]


def test_the_words_of_another_recipe_are_not_those_of_a_lost_verdict(chosen):
    chosen("export", "--accepted", "shop")
    assert chosen("export", "--accepted", "shop", "--recipe", "small") == ExitCode.DONE
    assert "1 picture written, 1 removed under their former names" in chosen.said
    assert "no longer" not in chosen.said


def test_a_folder_of_an_older_version_says_no_reason_that_it_does_not_know(chosen):
    chosen("export", "--accepted", "shop")
    record = chosen.folder / "shop/.handover.json"
    entries = json.loads(record.read_text())
    for entry in entries["files"].values():
        del entry["job"], entry["picture"]
    record.write_text(json.dumps(entries))
    assert because(chosen, "--recipe", "small") == {"unknown": 1}


def test_when_nothing_is_accepted_any_longer_nothing_stays_in_the_folder(chosen):
    chosen("export", "--accepted", "shop")
    with closing(sqlite3.connect(chosen.folder / "orchestrator.db")) as db, db:
        db.execute("UPDATE jobs SET verdict = 'rejected'")
    assert chosen("export", "--accepted", "shop") == ExitCode.DONE
    assert "so nothing is handed over, 1 withdrawn, accepted no longer." in chosen.said
    assert not list((chosen.folder / "shop/hero").iterdir())
    assert chosen("export", "--accepted", "elsewhere") == ExitCode.DONE
    assert not (chosen.folder / "elsewhere").exists()
