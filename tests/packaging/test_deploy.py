"""Recipes for schedulers: what they start exists, and their own checkers take them."""

import ast
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import kubernetes_validate
import pytest
import yaml

from orchestrator.cli.root import cli
from orchestrator.core.errors import ExitCode
from orchestrator.core.moments import parse_at

DEPLOY = Path(__file__).parents[2] / "deploy"
RECIPES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
UNITS = [path for path in RECIPES if path.suffix in {".service", ".timer"}]
KUBERNETES = [path for path in RECIPES if path.name.startswith("kubernetes")]
COMMAND = re.compile(r"(?:^|[\s\"=/])orchestrator ((?:run|work)\b[^|>&\n\"]*)")
"""A command of ours, as far as it goes."""

FILLED_IN = re.compile(r"\"[^\"\n]*\$[^\"\n]*\"|\{\{[^}]*\}\}")
"""What a shell or a scheduler puts a moment for."""


def text(path):
    """What a recipe says, without its remarks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def commands(path):
    found = [match.strip() for match in COMMAND.findall(FILLED_IN.sub("2026-11-28", text(path)))]
    if path.name == "kubernetes-worker.yaml":
        found += [" ".join(each["args"]) for each in containers(yaml.safe_load(path.read_text()))]
    return found


def containers(document):
    spec = document["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    return template["spec"]["containers"]


@pytest.mark.parametrize(
    "path", [path for path in RECIPES if path.suffix != ".timer"], ids=lambda path: path.name
)
def test_every_command_of_a_recipe_can_be_typed(path):
    found = commands(path)
    assert found
    for line in found:
        words = shlex.split(line)
        command = cli.get_command(click.Context(cli), words[0])
        context = command.make_context(words[0], words[1:], parent=click.Context(cli))
        if words[0] == "run":
            assert context.params["yes"], "nobody is there to ask"
            assert str(context.params["manifests"][0]) == "jobs/nightly.yaml"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(path, tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze on this machine")
    for unit in UNITS:  # a timer is looked at with its service; our paths and user are not this machine's
        said = (
            unit.read_text()
            .replace("/usr/local/bin/orchestrator", "/bin/true")
            .replace("/srv/orchestrator", "/")
        )
        (tmp_path / unit.name).write_text(said.replace("User=orchestrator", "User=root"))
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    done = subprocess.run(
        [program, "verify", "--man=no", str(tmp_path / path.name)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    ours = [line for line in done.stderr.splitlines() if path.stem in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize(
    "path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name
)
def test_a_unit_knows_which_exit_codes_a_new_start_does_not_change(path):
    settings = dict(line.split("=", 1) for line in text(path).splitlines() if "=" in line)
    assert {int(code) for code in settings["RestartPreventExitStatus"].split()} == {
        ExitCode.USAGE,
        ExitCode.OPERATOR,
    }
    assert {int(code) for code in settings["SuccessExitStatus"].split()} == {
        ExitCode.INTERRUPTED,
        ExitCode.SOME_FAILED,
        ExitCode.BUDGET,
    }
    assert int(settings["TimeoutStopSec"]) > 8 + 10, "a worker is given its time to hand over"


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_takes_the_resources(path):
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_night_of_kubernetes_is_started_once_and_not_again():
    spec = yaml.safe_load((DEPLOY / "kubernetes-nightly.yaml").read_text())["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 60


def test_the_date_of_a_night_of_kubernetes_is_that_of_its_schedule(tmp_path):
    (container,) = containers(yaml.safe_load((DEPLOY / "kubernetes-nightly.yaml").read_text()))
    program = tmp_path / "orchestrator"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [*container["command"], *container["args"]],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB_NAME": "orchestrator-nightly-29930490"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = done.stdout.split()
    assert words[:3] == ["run", "jobs/nightly.yaml", "--yes"]
    assert parse_at(words[-1]).timestamp() == 29930490 * 60


def test_the_workflow_and_the_dag_can_be_read():
    workflow = yaml.safe_load((DEPLOY / "github-nightly.yml").read_text(encoding="utf-8"))
    assert workflow["concurrency"] == {"group": "nightly", "cancel-in-progress": False}
    ast.parse((DEPLOY / "airflow_nightly.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_no_recipe_holds_a_secret(path):
    assert not re.search(r"(KEY|PASSWORD)\s*[=:]\s*[\"']?[A-Za-z0-9]{8}", text(path))
