"""Style that no linter checks."""

import ast
import re
import sys
import tomllib
from collections import Counter

import pytest
from sources import PACKAGE, ROOT, every_module, functions, lines, modules, project_files, shown, tree

LINE_LENGTH = 110
FILE_LINES = 250
FUNCTION_LINES = 50
REASON = "Long because "
"""How the docstring of a longer file begins its reason."""

STATEMENTS = {"select", "insert", "update", "delete", "union", "union_all", "exists", "text", "case", "func"}
"""Functions that an SQL statement begins with."""

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


def test_no_line_is_too_long():
    long = [
        f"{shown(path)}:{number}"
        for path in every_module()
        for number, line in enumerate(lines(path), 1)
        if len(line) > LINE_LENGTH
    ]
    assert long == []


def test_no_function_is_too_long():
    """A migration is one function, of any length."""
    long = {
        f"{shown(path)} {function.name}"
        for path in every_module()
        if not path.is_relative_to(ROOT / "migrations/versions")
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES
    }
    assert long == set()


def test_a_file_that_is_too_long_says_why_in_its_docstring():
    long = {
        shown(path)
        for path in every_module()
        if len(lines(path)) > FILE_LINES and REASON not in (ast.get_docstring(tree(path)) or "")
    }
    assert long == set()


def test_a_file_that_says_why_it_is_long_is_long():
    short = [
        shown(path)
        for path in every_module()
        if REASON in (ast.get_docstring(tree(path)) or "") and len(lines(path)) <= FILE_LINES
    ]
    assert short == []


def test_no_two_public_classes_outside_the_sandbox_have_one_name():
    """The sandbox shares nothing with what it tests, and has words of its own."""
    homes: dict[str, list[str]] = {}
    for path in every_module():
        if not path.is_relative_to(PACKAGE / "sandbox"):
            for node in tree(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith(("_", "Test")):
                    homes.setdefault(node.name, []).append(shown(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


@pytest.mark.parametrize("path", sorted((PACKAGE / "store").rglob("*.py")), ids=shown)
def test_statements_of_a_store_file_stand_all_above_or_all_below_their_users(path):
    body = tree(path).body
    statements = {
        target.id: node.lineno
        for node in body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and is_statement(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    users = [
        (statements[name.id], node.lineno)
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and name.id in statements
    ]
    assert len({statement < user for statement, user in users}) <= 1, sorted(statements.items())


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
    extras = project["optional-dependencies"]
    # psycopg, the third extra, is named in the URL and imported by nobody.
    lines = [*project["dependencies"], *extras["heic"], *extras["xlsx"]]
    declared = {re.split(r"[<>=\[~! ]", line)[0] for line in lines}
    named = {"pyyaml": "yaml", "pillow": "PIL", "pillow-heif": "pillow_heif", "zlib-ng": "zlib_ng"}
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


def is_statement(value: ast.expr) -> bool:
    """Whether an expression is an SQL statement: a chain of calls that begins with one of its words."""
    while isinstance(value, ast.Call | ast.Attribute):
        value = value.func if isinstance(value, ast.Call) else value.value
    return isinstance(value, ast.Name) and value.id in STATEMENTS


def imported(module: ast.Module) -> set[str]:
    """The absolute names of the modules that `module` imports, wherever it does."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names
