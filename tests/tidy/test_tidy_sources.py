"""Style that no linter checks."""

import ast
import re
import sys
import tomllib
from collections import Counter

from sources import PACKAGE, ROOT, functions, modules, project_files, shown, tree

FILE_LINES = 300
FUNCTION_LINES = 60

LONGER_FILES = {
    "orchestrator/settings/shape.py": 320,
    "orchestrator/store/attempts/endings.py": 320,
    "orchestrator/store/db/schema.py": 480,
}
"""Files that may be longer, and how much: numbers here only go down, and a file that is short enough
leaves."""

# In two halves, so that this file does not find itself.
BANNED = tuple(
    a + b
    for a, b in (
        ("design", ".md"),
        ("provider", ".md"),
        ("../", "shared"),
        ("sub", "agent"),
        ("helper ", "agent"),
        ("/wo", "rk/"),
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X"),
    )
)
"""Leftovers of writing the project, which nobody who reads it later can use."""

GENERATED = {"uv.lock"}


def test_no_function_is_too_long():
    long = {
        f"{shown(path)}:{function.lineno} {function.name}": length
        for path in modules()
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_no_file_is_too_long():
    long = {
        shown(path): length
        for path in modules()
        if (length := len(path.read_text(encoding="utf-8").splitlines()))
        > LONGER_FILES.get(shown(path), FILE_LINES)
    }
    assert long == {}


def test_no_leftovers_are_in_any_file():
    pattern = re.compile("|".join(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])" for word in BANNED))
    found = [
        f"{shown(path)}:{number}: {line.strip()[:80]}"
        for path in project_files()
        if path.name not in GENERATED
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_core_imports_nothing_but_the_standard_library_and_itself():
    allowed = sys.stdlib_module_names | {"orchestrator.core"}
    foreign = {
        f"{shown(path)} imports {name}"
        for path in modules()
        if path.is_relative_to(PACKAGE / "core")
        for name in imported(tree(path))
        if name.split(".")[0] not in allowed and not name.startswith("orchestrator.core")
    }
    assert foreign == set()


def test_every_dependency_is_imported_and_every_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=\[~! ]", line)[0] for line in project["dependencies"]}
    named = {"pyyaml": "yaml", "pillow": "PIL", "zlib-ng": "zlib_ng"}
    comes_with = {"yarl": "aiohttp", "markupsafe": "jinja2"}  # each is part of the other's interface
    found = {
        name.split(".")[0]
        for path in (*modules(), ROOT / "migrations/env.py")
        for name in imported(tree(path))
    }
    foreign = found - sys.stdlib_module_names - {"orchestrator"} - comes_with.keys()
    data_only = {"tzdata"}
    assert foreign == {named.get(name, name) for name in declared} - data_only


def test_modules_of_tests_that_are_in_no_package_have_names_of_their_own():
    names = Counter(
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "conftest.py" and not (path.parent / "__init__.py").exists()
    )
    assert [name for name, times in names.items() if times > 1] == []


def imported(module: ast.Module) -> set[str]:
    """The absolute names of the modules that `module` imports, wherever it does."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names
