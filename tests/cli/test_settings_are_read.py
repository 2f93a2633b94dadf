"""Every documented setting is read by something: a day's commands read each of them."""

import dataclasses
import sqlite3
import sys
from pathlib import Path

import pytest

from orchestrator.core.specs import MAX_ATTEMPTS
from orchestrator.sandbox import parse_faults
from orchestrator.settings import config_json_schema, model

PACKAGE = str(Path(model.__file__).parents[1])
LOADER = str(Path(model.__file__).parent / "load.py")

CONFIG = """\
outputs: {root: pictures, nsfw: keep, sidecar: false}
input_roots: [more]
provider: {api_key_file: key, include_inputs: false}
limits: {level: gold, downloads: 3, uploads: 2}
budgets: {account: {total: 9, month: 8, day: 7}, campaigns: {sale: {total: 5}}, on_failed: hold}
in_doubt: {settle_seconds: 0.2}
webhook: {url: "http://127.0.0.1:9/hook", secret_file: secret, wait_seconds: 0.1}
guards: {failure_rate: 0.9, nsfw_rate: 0.9, min_jobs: 100}
retry: {max_attempts: 2, backoff_base_seconds: 0.01, backoff_cap_seconds: 0.02}
worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2, stop_grace_seconds: 1}
download: {separate_process: false}
"""


READ_ELSEWHERE = {
    "checks.commands",  # where a manifest names some
    "guards.unanswered_price",  # where the price is asked for in vain
    "recipes",  # by `export`
    "webhook.listen",  # by `serve`, which does not end
    "outputs.nsfw_unknown",  # when the provider's flag cannot be read
    "worker.stop_grace_seconds",  # when a signal comes
}
"""What has tests of its own."""


def documented(schema, prefix=""):
    """Every key that holds a value, as `section.key`; what is below a mapping of names is that mapping's."""
    for name, value in schema["properties"].items():
        if "properties" in value and prefix.count(".") < 1:
            yield from documented(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def section_of(kind):
    """The name of the section that a class of settings holds; empty for the whole."""
    return {field.type: field.name for field in dataclasses.fields(model.Settings)}.get(kind, "")


@pytest.fixture
def read(monkeypatch):
    """The keys that the program reads, whichever part of it; loading and copying do not count."""
    found = set()

    def record(kind):
        section = section_of(kind)

        def reading(self, name):
            asker = sys._getframe(1).f_code.co_filename
            if asker.startswith(PACKAGE) and asker != LOADER:
                found.add(f"{section}.{name}" if section else name)
            return object.__getattribute__(self, name)

        monkeypatch.setattr(kind, "__getattribute__", reading, raising=False)

    for kind in vars(model).values():
        if dataclasses.is_dataclass(kind):
            record(kind)
    return found


def test_a_days_commands_read_every_documented_setting(shell, provider, read, monkeypatch):
    monkeypatch.delenv("WAVESPEED_API_KEY")
    for name, word in (("key", "sandbox-key"), ("secret", "whsec_word")):
        (shell.folder / name).write_text(word)
        (shell.folder / name).chmod(0o600)
    (shell.folder / "config.yaml").write_text(CONFIG)
    provider.use_faults(parse_faults(["submit.drop_after=0.4", "task.failed=0.5"]))
    shell("run", shell.manifest(), "--yes")
    for words in (["doctor"], ["status"], ["reconcile"]):
        shell(*words)
    assert set(documented(config_json_schema())) - read == READ_ELSEWHERE


@pytest.mark.parametrize(
    ("extra", "config", "tries"),
    [
        ("", "retry: {max_attempts: 1}", 1),
        ("retry: {max_attempts: 2}", "retry: {max_attempts: 1}", 2),
        ("", "{}", MAX_ATTEMPTS),
    ],
)
def test_a_job_has_the_tries_of_its_manifest_else_of_the_configuration(shell, extra, config, tries):
    (shell.folder / "config.yaml").write_text(config)
    shell("apply", shell.manifest(extra=extra))
    assert tries_of_new_jobs(shell) == {tries}


def test_a_configuration_that_names_no_number_of_tries_leaves_that_of_another(shell):
    (shell.folder / "strict.yaml").write_text("retry: {max_attempts: 1}")
    shell("apply", shell.manifest(), "--config", "strict.yaml")
    shell("apply", shell.manifest(word=" at night"))
    assert tries_of_new_jobs(shell) == {1}


def tries_of_new_jobs(shell):
    """How many attempts the jobs in the folder's database have."""
    with sqlite3.connect(shell.folder / "orchestrator.db") as connection:
        return {row[0] for row in connection.execute("SELECT tries_left FROM jobs")}
