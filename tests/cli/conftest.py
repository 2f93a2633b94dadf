"""A folder with a manifest and a picture, and a way to run commands in it without a process."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.cli import main
from orchestrator.store.db import migrate

MANIFEST = """\
version: 1
name: {name}
campaign: sale
model: kwaivgi/kling-image-o3/edit
{extra}
matrix:
  scene: [beach, city, forest]
params:
  prompt: "Place @Image1 on a {{{{ scene }}}}{word}"
  images: [photo.png]
output: "{{{{ name }}}}/{{{{ scene }}}}-{{{{ index }}}}.{{{{ ext }}}}"
tags: {{client: acme}}
"""


@dataclass
class Shell:
    """Runs commands in `folder` and keeps what the last one printed: `out` is stdout alone, and `said` all
    that it said to people, which is stdout and stderr, or with `--json` stderr alone."""

    folder: Path
    capsys: pytest.CaptureFixture
    out: str = ""
    said: str = ""

    def __call__(self, *words: str) -> int:
        self.capsys.readouterr()
        code = main.run(words)
        captured = self.capsys.readouterr()
        self.out = captured.out
        self.said = captured.err if "--json" in words else captured.out + captured.err
        return code

    @property
    def document(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def manifest(self, name: str = "hero", *, extra: str = "", word: str = "") -> str:
        path = self.folder / f"{name}.yaml"
        path.write_text(MANIFEST.format(name=name, extra=extra, word=word))
        return path.name


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    for name in (
        "WAVESPEED_API_KEY",
        "WAVESPEED_BASE_URL",
        "ORCHESTRATOR_DATABASE_URL",
        "ORCHESTRATOR_CONFIG",
        "SSL_CERT_FILE",  # of this machine; reading it costs each command 30 ms
        "SSL_CERT_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (400, 400), "red").save(tmp_path / "photo.png")
    return Shell(tmp_path, capsys)


@pytest.fixture(autouse=True)
def _new_databases_are_copies(monkeypatch, _sqlite):
    """Of a migrated one; what a process makes that a test starts is migrated by that."""
    monkeypatch.setattr(migrate, "upgrade", _sqlite.upgrade)


class Keyboard(io.StringIO):
    """A keyboard at which these answers are typed."""

    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    """What is typed at the terminal from now on."""
    return lambda text: monkeypatch.setattr("sys.stdin", Keyboard(text))


@pytest.fixture
def provider(shell, monkeypatch):
    """A sandbox that answers at once, configured for the shell's folder."""
    from orchestrator.sandbox import SandboxConfig, SandboxThread

    (shell.folder / "config.yaml").write_text(
        "limits: {level: gold}\nworker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}\n"
    )
    with SandboxThread(SandboxConfig(latency_median=0, fast=True)) as sandbox:
        monkeypatch.setenv("WAVESPEED_BASE_URL", sandbox.url)
        monkeypatch.setenv("WAVESPEED_API_KEY", "sandbox-key")
        yield sandbox
