"""The example manifests and pictures that come with the program."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.core.errors import StorageError

CONFIG_EXAMPLE = "config.example.yaml"
QUICKSTART = "quickstart.yaml"


@dataclass(slots=True)
class Written:
    """Which files were made, and which were there already and left alone."""

    made: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)


def examples_folder() -> Path:
    """Inside an installed package, or `jobs/` next to it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "examples"
    return inside if inside.is_dir() else package.parent / "jobs"


def config_example() -> Path:
    """The commented configuration."""
    package = Path(__file__).parents[2]
    inside = package / "examples" / CONFIG_EXAMPLE
    return inside if inside.is_file() else package.parent / CONFIG_EXAMPLE


def copy_quickstart(target: Path, written: Written) -> Path:
    """Copy the quickstart manifest with its data and pictures below `target`; returns the manifest's path.

    A file that is there already is left as it is.
    """
    source = examples_folder()
    for path in sorted(source.rglob("*")):
        if path.is_file() and (path.name == QUICKSTART or path.suffix not in {".yaml", ".yml", ".md"}):
            copy_once(path, target / path.relative_to(source), written)
    return target / QUICKSTART


def copy_once(source: Path, target: Path, written: Written) -> None:
    """Copy one file unless something is there; raises StorageError when the folder cannot be written."""
    if target.exists() or target.is_symlink():
        written.kept.append(target)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}. Choose a folder that this user may "
            "write to."
        ) from None
    written.made.append(target)


def copy_config(target: Path, written: Written, *, normalize: bool) -> None:
    """Copy the commented configuration unless one is there; with `inputs.normalize` on where it is wanted."""
    there = target.exists() or target.is_symlink()
    copy_once(config_example(), target, written)
    if normalize and not there:
        text = target.read_text(encoding="utf-8")
        target.write_text(text.replace("normalize: false", "normalize: true", 1), encoding="utf-8")
