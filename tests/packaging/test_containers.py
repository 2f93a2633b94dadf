"""The files for containers name what exists: no engine is needed to see that."""

import re
from pathlib import Path

import click
import pytest
import yaml

from orchestrator.cli.root import cli

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" in service])
def test_every_service_of_the_program_runs_a_command_that_exists(name):
    group: click.Command = cli
    context = click.Context(cli)
    for word in SERVICES[name]["command"]:
        assert isinstance(group, click.Group)
        found = group.get_command(context, word)
        assert found is not None, word
        group = found


def test_every_service_waits_for_one_that_exists_and_keeps_data_in_a_volume_that_exists():
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service["volumes"]
        if not volume.startswith((".", "/"))
    }
    assert named == set(COMPOSE["volumes"])


def test_nothing_is_published_and_no_secret_is_written_down():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert "ports" not in text
    assert re.findall(r"(?:PASSWORD|API_KEY): (?!\$\{)", text) == []


def test_the_image_is_built_from_everything_that_the_wheel_needs():
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    _, _, included = project.partition("force-include]\n")
    wanted = set(re.findall(r'^"([^"]+)" = ', included.split("\n\n")[0], re.MULTILINE))
    assert wanted | {"orchestrator", "README.md", "LICENSE", "pyproject.toml"} == kept
