"""Standard streams that are closed or full: one line, no traceback, no lost work, and the work's own exit
code."""

import subprocess
import sys

import pytest

CLI = f"{sys.executable} -m orchestrator.cli.main"
LOOKS = [("status",), ("--help",), ("jobs", "list"), ("jobs", "list", "--json"), ("plan", "hero.yaml")]
CLOSED = [">&-", "2>&-", ">&- 2>&-", ">&- 2>&- <&-"]
PAIRS = [
    *[(words, CLOSED[-1]) for words in LOOKS],
    *[(("status",), redirection) for redirection in CLOSED[:-1]],
    (("jobs", "list", "--json"), ">&-"),
    (("plan", "hero.yaml"), "2>&-"),
]
"""Each command without any stream, and each way to close them. Streams are replaced before the command is
known, so that not every pair needs a process of its own."""


def started(words, redirection):
    """The command in a shell with these redirections: its exit code and what it still said."""
    done = subprocess.run(
        ["sh", "-c", f"exec {CLI} {' '.join(words)} {redirection}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("words", "redirection"), PAIRS)
def test_a_command_without_its_streams_ends_as_it_would_with_them(shell, words, redirection):
    shell.manifest()
    shell("apply", "hero.yaml")
    code, _, err = started(words, redirection)
    assert code == 0
    assert "Traceback" not in err


def test_an_answer_that_cannot_be_written_is_one_line_and_1(shell):
    shell("apply", shell.manifest())
    code, _, err = started(("status",), ">/dev/full")
    assert code == 1
    assert "The answer could not be written: No space left on device" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("redirection", [">&- 2>&- <&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"])
def test_a_batch_is_bought_whole_and_ends_with_0_whoever_reads_it(shell, provider, redirection):
    code, _, err = started(("run", shell.manifest(), "--yes"), redirection)
    assert code == 0
    assert "Traceback" not in err
    assert provider.bill().post_count == 3
    shell("status", "--json")
    assert shell.document["runs"][0]["jobs"]["succeeded"] == 3


def test_the_database_never_gets_the_descriptor_of_a_closed_stream(shell):
    shell("apply", shell.manifest())
    before = (shell.folder / "orchestrator.db").read_bytes()
    code, _, _ = started(("jobs", "list", "--json"), ">&- 2>&- <&-")
    assert code == 0
    assert (shell.folder / "orchestrator.db").read_bytes() == before


def test_what_was_asked_for_goes_to_a_file_and_the_hints_do_not(shell):
    shell("apply", shell.manifest())
    code, out, err = started(("status",), "")
    assert code == 0
    assert "sale" in out
    assert "sale" not in err
