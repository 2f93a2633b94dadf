"""The parts of the documents that are made from the package's folders and their docstrings."""

import ast
import tomllib
from pathlib import Path

from sources import PACKAGE, ROOT, plain


def folders() -> str:
    """Every package and what is in it, from the highest floor to the lowest."""
    floors = [floor.split(" | ") for floor in _layers("orchestrator")]
    rows = [
        f"| {number} | `{_place(PACKAGE / name)}` | {summary(PACKAGE / name)} |"
        for number, names in zip(range(len(floors), 0, -1), floors, strict=True)
        for name in names
    ]
    return "\n".join(["| Floor | Folder | What is in it |", "|--:|---|---|", *rows])


def rooms() -> str:
    """Every folder with the files in it, from the highest floor to the lowest."""
    rows = []
    for name in " | ".join(_layers("orchestrator")).split(" | "):
        package = PACKAGE / name
        if not package.is_dir():
            continue
        order = " | ".join(_layers(f"orchestrator.{name}")).split(" | ")
        inside = sorted(
            (path.parent for path in package.glob("*/__init__.py")),
            key=lambda path: (_rank(order, path.name), path.name),
        )
        rows += [f"| `{_place(room)}` | {summary(room)} | {_files(room)} |" for room in (package, *inside)]
    return "\n".join(["| Folder | What is in it | Files |", "|---|---|---|", *rows])


def _files(folder: Path) -> str:
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("__"))
    return ", ".join(f"`{name}`" for name in names)


def _layers(container: str) -> list[str]:
    """The floors of a package, highest first, as the import contracts have them; none where there is no
    contract.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    found = [each["layers"] for each in contracts if each.get("containers") == [container]]
    return found[0] if found else []


def _rank(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _place(path: Path) -> str:
    name = str(path.relative_to(PACKAGE))
    return f"{name}/" if path.is_dir() else f"{name}.py"


def summary(path: Path) -> str:
    """The first paragraph of the docstring of a module or a package."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return plain(words).split("\n\n", maxsplit=1)[0]
