"""A fork server: the program is imported once, and every process of a test is a fork of that.

Importing takes a second, forking a hundredth of it. The server is a process of its own without threads,
because a test runner must not be forked. A child that has ended stays unreaped until it is waited for, so its
number cannot be given to another process before that; and it is waited for at once, so that a killed worker
is gone for the next one too.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
WAIT_SECONDS_MAX = 90.0


class Child:
    """A process that the process server started."""

    def __init__(self, processes: "Processes", pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self._processes = processes

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.code is None:
            self.code = self._processes.ask({"do": "poll", "pid": self.pid})["code"]
        return self.code

    def wait(self, seconds: float = WAIT_SECONDS_MAX) -> int:
        """The exit code; AssertionError (and the child is killed) when it does not end in time."""
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                self.kill()
                raise AssertionError(f"process {self.pid} did not end within {seconds:g} s")
            time.sleep(0.004)
        assert self.code is not None
        return self.code

    def kill(self) -> int:
        """SIGKILL, unless it has ended; returns the exit code."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()


class Processes:
    """Starts processes: `with Processes() as processes: processes.start("cli", ...)`."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )

    @property
    def pid(self) -> int:
        """Of the server, the parent of all that it starts."""
        return self._server.pid

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()  # the server ends its children and itself
        self._server.wait()
        self._server.stdout.close()

    def start(
        self,
        what: str,
        arguments: Sequence[object],
        folder: Path,
        *,
        log: str,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Fork: `cli` runs a command line, `sandbox` serves a sandbox; what it prints goes to the log."""
        answer = self.ask(
            {
                "do": "start",
                "what": what,
                "arguments": list(arguments),
                "folder": str(folder),
                "log": log,
                "env": dict(env or {}),
            }
        )
        return Child(self, answer["pid"])

    def ask(self, order: Mapping[str, object]) -> dict:
        """One order, one answer."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline()
        assert line, "the process server has died; see its messages on stderr"
        return json.loads(line)


# --- the server ---------------------------------------------------------------------------------------------


def _serve() -> None:
    _import_everything()
    children: set[int] = set()
    for line in sys.stdin.buffer:
        order = json.loads(line)
        if order["do"] == "start":
            pid = os.fork()
            if pid == 0:
                _become(order)
            children.add(pid)
            _answer({"pid": pid})
        else:
            ended, status = os.waitpid(order["pid"], os.WNOHANG)
            children.discard(ended)
            _answer({"code": os.waitstatus_to_exitcode(status) if ended else None})
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _answer(answer: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _import_everything() -> None:
    """All of the program, so that every fork runs the same code at once, and what it imports only when
    needed."""
    import importlib
    import pkgutil

    import PIL.Image

    import orchestrator

    ours = (module.name for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."))
    sys.path.insert(0, str(ROOT / "tests"))
    importlib.import_module("crashes.hooks")
    for name in ("alembic.command", "alembic.config", "httpx", "psycopg", *ours):
        importlib.import_module(name)
    PIL.Image.init()
    _read_what_every_run_reads()
    gc.collect()
    gc.freeze()  # what the forks share stays shared: the garbage collector of none looks at it


def _read_what_every_run_reads() -> None:
    """Certificates and the templates of the page at its end: a tenth of what a run takes."""
    from orchestrator.pages import rendering
    from orchestrator.runtime import network

    network.from_env(os.environ).ssl_context()
    environment = rendering._environment()
    for template in environment.list_templates():
        environment.get_template(template)


def _become(order: dict) -> None:
    """The child: never returns."""
    code = 70
    try:
        os.chdir(order["folder"])
        os.environ.update(order["env"])
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = _cli(order["arguments"]) if order["what"] == "cli" else _sandbox(order["arguments"][0])
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _cli(arguments: list[str]) -> int:
    from crashes.hooks import ALTERATIONS
    from orchestrator.cli.main import run

    for name, alter in ALTERATIONS.items():
        if word := os.environ.get(name):
            alter(word)
    return run(arguments)


def _sandbox(switches: dict) -> int:
    """Serve; the address is in the file `url` when it listens."""
    from orchestrator.sandbox import SandboxConfig, parse_faults, run_blocking

    faults = parse_faults(switches.pop("faults", []))

    def ready(url: str) -> None:
        Path("url.new").write_text(url)
        Path("url.new").rename("url")

    run_blocking(
        SandboxConfig(**{**switches, "ledger": Path("ledger.jsonl"), "faults": faults}),
        host="127.0.0.1",
        port=0,
        ready=ready,
    )
    return 0


if __name__ == "__main__":
    _serve()
