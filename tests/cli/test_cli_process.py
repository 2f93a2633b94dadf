"""What only a real process shows: lazy imports, pipes, signals."""

import os
import signal
import subprocess
import sys
import time

CLI = [sys.executable, "-m", "orchestrator.cli.main"]


def test_help_imports_nothing_but_click():
    script = (
        "import sys\n"
        "from orchestrator.cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "heavy = {'sqlalchemy', 'rich', 'httpx', 'aiohttp', 'pydantic', 'PIL', 'yaml', 'jinja2', 'alembic', "
        "'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "Exit codes:" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(shell):
    shell("apply", shell.manifest())
    process = subprocess.Popen(
        [*CLI, "jobs", "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_the_first_interrupt_stops_new_submissions_and_says_so(shell, provider):
    provider.change(latency_median=0.5)
    path = shell.manifest()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*CLI, "run", path, "--yes", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        deadline = time.monotonic() + 60
        while provider.bill().post_count == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "Stopping: nothing new is submitted" in err
    assert "Traceback" not in err
    assert process.returncode in {0, 130}
    shell("status", "--json")
    assert shell.document["runs"][0]["jobs"]["running"] == 0
