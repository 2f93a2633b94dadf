"""`orchestrator outputs check`: what is missing or changed is seen, and fetched while that can be done."""

import json
import sqlite3

import pytest


@pytest.fixture
def stored(shell, provider):
    """Three stored pictures; one is missing, one was changed by a person."""
    shell.manifest()
    assert shell("run", "hero.yaml", "--yes") == 0
    folder = shell.folder / "outputs/hero"
    before = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    (folder / "beach-0.png").unlink()
    (folder / "city-0.png").write_bytes(b"a retouch")
    return folder, before


def standings(shell) -> dict[str, str]:
    return {line["path"]: line["standing"] for line in shell.lines[:-1]}


def test_pictures_that_are_as_they_were_stored_are_all_right(shell, provider):
    shell.manifest()
    shell("run", "hero.yaml", "--yes")
    assert shell("outputs", "check", "--json") == 0
    assert shell.lines == [
        {"checked": 3, "missing": 0, "changed": 0, "unreadable": 0, "fetched": 0, "without_sidecar": 0}
    ]


def test_what_is_missing_or_changed_is_named_and_left_alone(shell, stored):
    assert shell("outputs", "check", "--json") == 3
    assert standings(shell) == {"hero/beach-0.png": "missing", "hero/city-0.png": "changed"}
    assert (stored[0] / "city-0.png").read_bytes() == b"a retouch"
    assert shell("outputs", "check") == 3
    assert "orchestrator outputs check --fetch" in shell.said


def test_fetching_brings_the_recorded_bytes_back_and_keeps_what_a_person_made(shell, stored, provider):
    folder, before = stored
    assert shell("outputs", "check", "--fetch", "--json") == 0
    assert standings(shell) == {"hero/beach-0.png": "fetched", "hero/city-0.png": "fetched"}
    after = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    assert after == {**before, "city-0~changed-1.png": b"a retouch"}
    assert shell("outputs", "check") == 0
    assert provider.bill().post_count == 3


def test_a_sidecar_that_is_gone_with_its_picture_comes_back_with_it(shell, stored):
    sidecar = stored[0] / "beach-0.png.json"
    before = json.loads(sidecar.read_text())
    sidecar.unlink()
    shell("outputs", "check", "--fetch")
    after = json.loads(sidecar.read_text())
    assert before.keys() == after.keys()
    of_the_database = {"accepted_at_ms": after["accepted_at_ms"]}  # its clock, not the worker's
    assert {**before, **of_the_database} == after


def test_what_the_provider_does_not_keep_any_more_is_named_with_the_reason(shell, stored, provider):
    provider.advance(8 * 86_400)
    assert shell("outputs", "check", "--fetch", "--json") == 3
    assert set(standings(shell).values()) == {"missing", "changed"}
    assert all("does not have it any more" in line["message"] for line in shell.lines[:-1])
    assert (stored[0] / "city-0.png").read_bytes() == b"a retouch"


def test_other_bytes_than_were_stored_are_not_taken(shell, stored, provider):
    """The provider answers with another picture: the changed file keeps its name, and nothing new appears."""
    with sqlite3.connect(shell.folder / "orchestrator.db") as conn:
        conn.execute("UPDATE outputs SET sha256 = ?", ("0" * 64,))
    names = sorted(path.name for path in stored[0].iterdir())
    assert shell("outputs", "check", "--fetch", "--json") == 3
    assert any("has other bytes now" in line["message"] for line in shell.lines[:-1])
    assert sorted(path.name for path in stored[0].iterdir()) == names
    assert (stored[0] / "city-0.png").read_bytes() == b"a retouch"


def test_a_quick_check_sees_sizes_alone(shell, stored):
    folder, before = stored
    (folder / "city-0.png").write_bytes(bytes(len(before["city-0.png"])))
    assert shell("outputs", "check", "--quick", "--json") == 3
    assert standings(shell) == {"hero/beach-0.png": "missing"}
    assert shell("outputs", "check", "--json") == 3
    assert standings(shell) == {"hero/beach-0.png": "missing", "hero/city-0.png": "changed"}


def test_filters_and_ids_narrow_the_check(shell, stored):
    assert shell("outputs", "check", "--state", "failed", "--json") == 0
    assert shell.lines[-1]["checked"] == 0
    assert shell("outputs", "check", "3", "--json") == 0
    assert shell.lines[-1]["checked"] == 1


@pytest.mark.parametrize(
    "named", [["99999"], ["--campaign", "her"], ["--run", "nightly"], ["--campaign", "sale", "--run", "x"]]
)
def test_what_does_not_exist_is_never_said_to_be_well(shell, stored, named):
    """A misspelt name matches nothing, and "all as they were stored" would be read as an answer."""
    assert shell("outputs", "check", *named) == 2
    assert "There is no " in shell.said
    if named[0].startswith("--"):
        assert shell("jobs", "list", *named) == 2
        assert shell("jobs", "cancel", *named) == 2


def test_a_run_is_named_as_status_names_it(shell, stored):
    assert shell("outputs", "check", "--run", "sale/hero/main", "--json") == 3
    assert shell.lines[-1]["checked"] == 3


def test_doctor_looks_at_the_newest_pictures(shell, stored):
    shell("doctor", "--json")
    (check,) = [check for check in shell.document["checks"] if check["name"] == "pictures"]
    assert check["verdict"] == "warn"
    assert check["message"] == "3 stored ones looked at: 2 are gone or have another size"
