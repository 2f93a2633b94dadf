"""What `pip install` of our wheel gives: everything the program needs, and nothing from the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of the working tree, built without a network: the builder is a development dependency."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory) -> Path:
    """A fresh environment with the wheel in it; the dependencies are borrowed from the one that runs this
    test."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    borrowed = next(path for path in map(Path, sys.path) if (path / "click").is_dir())
    (packages / "borrowed.pth").write_text(f"{borrowed}\n")
    pip = [sys._base_executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"{pip[0]} has no pip to install the wheel with")
    run(*pip, "--python", folder / "venv/bin/python", "install", "--no-deps", "--no-index", "--quiet", wheel)
    (folder / "work").mkdir()
    return folder


def test_the_wheel_carries_migrations_examples_and_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    scripts = {path.name for path in (ROOT / "migrations/versions").glob("*.py")}
    assert {f"orchestrator/migrations/versions/{name}" for name in scripts} <= names
    assert "orchestrator/migrations/env.py" in names
    examples = {str(path.relative_to(ROOT / "jobs")) for path in (ROOT / "jobs").rglob("*") if path.is_file()}
    assert "quickstart.yaml" in examples
    assert {f"orchestrator/examples/{name}" for name in examples} <= names
    assert "orchestrator/examples/config.example.yaml" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_carries_no_tests_caches_or_databases(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [
        name for name in names if name.startswith("tests") or name.endswith((".pyc", ".db", ".log"))
    ] == []


def test_the_installed_program_runs_from_the_wheel_and_not_from_the_checkout(elsewhere):
    module = run(
        elsewhere / "venv/bin/python", "-P", "-c", "import orchestrator; print(orchestrator.__file__)"
    )
    assert Path(module.strip()).is_relative_to(elsewhere / "venv")


def test_the_installed_program_creates_a_database_in_another_folder(elsewhere):
    program = elsewhere / "venv/bin/orchestrator"
    assert "0.1.0" in run(program, "--version", cwd=elsewhere / "work")
    run(program, "db", "upgrade", cwd=elsewhere / "work")
    assert (elsewhere / "work/orchestrator.db").stat().st_size > 0
    run(program, "db", "check", cwd=elsewhere / "work")


def test_the_installed_program_brings_its_example(elsewhere):
    program = elsewhere / "venv/bin/orchestrator"
    run(program, "init", cwd=elsewhere / "work")
    (manifest,) = (elsewhere / "work/jobs").glob("*.yaml")
    planned = json.loads(run(program, "plan", "--json", manifest, cwd=elsewhere / "work"))
    assert planned["totals"]["new"] > 0


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """The standard output of a command that must succeed."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORCHESTRATOR_", "WAVESPEED_"))
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=plain, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
