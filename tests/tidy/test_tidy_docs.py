"""What the documentation says is what the code does."""

import re
from pathlib import Path

import click
import pytest
from docs_commands import leaves
from docs_folders import summary
from docs_keys import config_keys
from generate_docs import DOCS, MAKERS, PART, pages, refreshed
from sources import PACKAGE, ROOT, shown
from yaml import safe_load

from orchestrator.cli.root import cli
from orchestrator.core.errors import ExitCode
from orchestrator.manifest import load_manifest
from orchestrator.ports.artifacts import FETCH_FAULTS, FetchFault

TODAY = "2026-11-22"
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")
PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.[a-z]+)?)`")
CODE = re.compile(r"```.*?```", re.DOTALL)
YAML = re.compile(r"```yaml\n(version: 1\n.*?)```", re.DOTALL)
COMMANDS = {
    context.command_path: context.command for context in leaves(click.Context(cli, info_name="orchestrator"))
}

DOCUMENTED = [
    text
    for page in (ROOT / "README.md", DOCS / "manifest.md")
    for text in YAML.findall(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_generated_parts_are_fresh(page):
    text = page.read_text(encoding="utf-8")
    assert refreshed(text) == text, "run: make docs"


def test_every_maker_is_used():
    used = {part[2] for page in pages() for part in PART.finditer(page.read_text(encoding="utf-8"))}
    assert used == MAKERS.keys()


@pytest.mark.parametrize("folder", [path.parent for path in PACKAGE.rglob("__init__.py")], ids=shown)
def test_every_folder_says_in_a_sentence_what_is_in_it(folder):
    assert summary(folder).endswith(".")


def test_every_fault_of_a_download_says_what_happened_and_what_follows():
    assert FETCH_FAULTS.keys() == set(FetchFault)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_has_help(name):
    command = COMMANDS[name]
    assert command.help
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help and not p.hidden]
    assert silent == []


def test_every_exit_code_is_in_the_documentation():
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert [code for code in ExitCode if f"| {int(code)} |" not in text] == []


def test_every_setting_is_in_the_example_with_its_default():
    example = safe_load((ROOT / "config.example.yaml").read_text(encoding="utf-8"))
    missing = [key for key, _, _ in config_keys() if not has(example, key.split("."))]
    assert missing == []


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_manifest_is_valid(path):
    manifest = load_manifest(path, today=TODAY)
    manifest.check()
    assert manifest.size > 0


@pytest.mark.parametrize("text", DOCUMENTED)
def test_every_manifest_in_the_documentation_is_valid(text, tmp_path):
    for item in (ROOT / "jobs").iterdir():
        (tmp_path / item.name).symlink_to(item)
    path = tmp_path / "documented.yaml"
    path.write_text(text, encoding="utf-8")
    manifest = load_manifest(path, today=TODAY, input_roots=[ROOT / "jobs"])
    manifest.check()
    assert manifest.size > 0


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.glob("*.md")], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.glob("*.md")], ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path):
    named = PATH.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    made = {"quarantine/", "outputs/"}  # by the program, where it runs
    assert [
        path
        for path in named
        if path not in made and not any((root / path).exists() for root in (ROOT, PACKAGE))
    ] == []


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.glob("*.md")], ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path):
    named = re.findall(
        r"^(?:\$ )?orchestrator ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)",
        page.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    known = {name.removeprefix("orchestrator ") for name in COMMANDS}
    known.add("report")  # whose first word may be a run
    assert [name for name in named if name not in known and name.split()[0] not in known] == []


def has(document: object, keys: list[str]) -> bool:
    """Whether a key is in the example; what is below an empty mapping is up to the user."""
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True
