"""Verdicts from a report come back: all of them or, with --skip, those that are right."""

import json

import pytest
from support.showroom import Showroom
from support.times import FakeClock, FakeEntropy
from support.world import World

from orchestrator.core.errors import ExitCode
from orchestrator.core.report_seal import reference, seal
from orchestrator.store.db.database import Database
from orchestrator.store.db.identity import database_id


@pytest.fixture
def shop(shell):
    shell("init")
    database = Database.open(
        f"sqlite:///{shell.folder}/orchestrator.db", FakeClock(), clock_from_server=False
    )
    with database.write() as tx:
        from orchestrator.store.db.identity import ensure

        ensure(tx)
    folder = shell.folder / "shop"
    folder.mkdir()
    made = Showroom(World(database, FakeClock(), FakeEntropy()), folder)
    made.apply(["MUG", "SHOE"], ["beach"])
    made.make(1, 2)
    yield made
    database.close()


@pytest.fixture
def file(shell, shop):
    """Writes a file as the page does; `changes` are made after it was sealed."""

    def write(*entries, change=lambda document: None, **top):
        verdicts = [
            {"ref": reference(1, job), "sha256": shop.sha256(job), "verdict": verdict, "note": note, **more}
            for job, verdict, note, more in entries
        ]
        with shop.database.read() as tx:
            database = database_id(tx)
        document = {
            "kind": "orchestrator verdicts", "version": 1, "database": database, "runs": "1",
            "verdicts": verdicts, **top,
        }  # fmt: skip
        records = [(each["ref"], each["sha256"], each["verdict"], each["note"]) for each in verdicts]
        document["seal"] = seal(document["database"], document["runs"], records)
        change(document)
        (shell.folder / "verdicts.json").write_text(json.dumps(document))
        return "verdicts.json"

    return write


def verdicts(shop):
    return [shop.world.job(job).verdict for job in (1, 2)]


GOOD = [(1, "accepted", "", {}), (2, "rejected", "zu dunkel – bitte heller", {})]


def test_verdicts_from_a_report_are_recorded_with_their_notes(shell, shop, file):
    assert shell("review", "import", file(*GOOD)) == ExitCode.DONE
    assert "Judged 2 jobs." in shell.said
    assert verdicts(shop) == ["accepted", "rejected"]
    assert shop.world.job(2).note == "zu dunkel – bitte heller"
    assert shell("review", "import", file(*GOOD)) == ExitCode.DONE
    assert "2 jobs stood like this already" in shell.said


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ((1, "accepted", "", {"ref": "0" * 16}), "names no picture of these runs"),
        ((1, "perhaps", "", {}), "'perhaps' is no verdict on job 1"),
        ((1, "accepted", "", {"sha256": "a" * 64}), "job 1 has another picture now"),
        ((2, "accepted", "", {}), "it speaks of job 2 once more"),
        ((1, "accepted", "x" * 2000, {}), "longer than 1,000 characters"),
    ],
)
def test_one_entry_that_is_off_keeps_all_from_being_taken_unless_it_is_skipped(
    shell, shop, file, entry, words
):
    name = file(GOOD[1], entry)
    assert shell("review", "import", name) == ExitCode.USAGE
    assert words in shell.said
    assert "nothing was changed" in shell.said
    assert verdicts(shop) == [None, None]
    assert shell("review", "import", name, "--skip") == ExitCode.DONE
    assert verdicts(shop) == [None, "rejected"]


def test_a_file_that_was_edited_by_hand_is_not_taken_without_a_word(shell, shop, file):
    def turn(document):
        document["verdicts"][0]["verdict"] = "rejected"

    name = file(*GOOD, change=turn)
    assert shell("review", "import", name) == ExitCode.USAGE
    assert "was edited after the page had saved it" in shell.said
    assert verdicts(shop) == [None, None]


@pytest.mark.parametrize("top", [{"database": "other"}, {"runs": "99"}, {"runs": "x"}, {"runs": ""}])
def test_a_file_of_another_run_is_refused_whole(shell, shop, file, top):
    assert shell("review", "import", file(*GOOD, **top), "--skip") == ExitCode.USAGE
    assert "of another run than any in this database" in shell.said
    assert verdicts(shop) == [None, None]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"kind": "orchestrator verdicts", "version": 9}']
)
def test_what_is_no_file_of_verdicts_is_refused(shell, shop, content):
    (shell.folder / "x.json").write_bytes(content)
    assert shell("review", "import", "x.json") == ExitCode.USAGE
    assert "verdicts" in shell.said
    assert shell("review", "import", "gone.json") == ExitCode.USAGE


def test_a_note_with_half_a_character_is_taken_without_it(shell, shop, file):
    assert shell("review", "import", file((1, "accepted", "a\ufffdb\U0001f600", {}))) == 0
    half = file(
        (1, "rejected", "c\ufffd", {}), change=lambda said: said["verdicts"][0].update(note="c\ud800")
    )
    assert shell("review", "import", half) == 0, "as the page seals it"
    assert (shop.world.job(1).verdict, shop.world.job(1).note) == ("rejected", "c\ufffd")


def test_a_word_on_a_picture_of_an_earlier_night_is_taken_from_the_page_that_showed_it(shell, shop, file):
    shop.apply(["MUG"], ["beach"], run_key="n2")
    shop.set(3, state="reused", queue=None, reused_from=1, finished_at=0)
    name = file((3, "rejected", "too dark", {"ref": reference(2, 3), "sha256": shop.sha256(1)}), runs="2")
    assert shell("review", "import", name) == ExitCode.DONE
    assert verdicts(shop) == ["rejected", None]
