"""Calls of our own code: more than three arguments are named, because the type checker cannot see a swap."""

import ast
from functools import cache
from pathlib import Path

from sources import ROOT, shown, tree

POSITIONAL_MAX = 3
PASS_ON = {"partial", "to_thread"}
"""They call their first argument with the others."""


def test_no_call_of_our_own_code_passes_more_than_three_arguments_by_position():
    found = [
        f"{shown(path)}:{call.lineno} {ast.unparse(call.func)} gets {given} by position"
        for path in every_file()
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and (given := by_position(path, call)) > POSITIONAL_MAX
    ]
    assert sorted(found) == []


def test_the_rule_knows_what_functions_methods_classes_and_records_take():
    written = (
        "def plain(a, b, /, c, d, *, e): ...\n"
        "async def waits(a, b, c, *rest): ...\n"
        "class Made:\n"
        "    def __init__(self, a, b, c, d): ...\n"
        "    def method(self, a, b, c, d): ...\n"
        "    @staticmethod\n"
        "    def static(a, b, c, d): ...\n"
        "class Row(NamedTuple):\n"
        "    a: int\n    b: int\n    c: int\n    d: int = 0\n"
    )
    expected = {name: [4] for name in ("plain", "Made", "method", "static", "Row")}
    assert parameters(ast.parse(written)) == expected | {"waits": [3]}


def by_position(path: Path, call: ast.Call) -> int:
    """How many parameters of ours a call fills by position. What a `*args` takes does not count."""
    called, given = call.func, call.args
    if name_of(called) in PASS_ON and given:
        called, *given = given
    plain = sum(not isinstance(each, ast.Starred) for each in given)
    return min(plain, max(meant(path, called), default=0)) if plain > POSITIONAL_MAX else 0


def meant(path: Path, called: ast.expr) -> list[int]:
    """What the things take that a call may mean: what its file defines or imports under the name, else all of
    ours that have it.
    """
    name = name_of(called)
    holder = (
        called.value.id if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) else ""
    )
    module, original = imports(path).get(holder or name, ("", ""))
    if module and module.split(".")[0] not in first_names():
        return []
    source = modules_by_name().get(f"{module}.{original}" if holder else module, path)
    if here := defined(source).get(name if holder or not original else original):
        return here
    return takers().get(name, [])


def name_of(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


@cache
def modules_by_name() -> dict[str, Path]:
    """Every file of ours, by the names under which others import it."""
    found = {}
    for part, roots in (("orchestrator", [ROOT]), ("benchmarks", [ROOT]), ("tests", [ROOT, ROOT / "tests"])):
        for path in sorted((ROOT / part).rglob("*.py")):
            names = {".".join(path.relative_to(root).with_suffix("").parts) for root in roots}
            found |= dict.fromkeys(names | ({path.stem} if part == "tests" else set()), path)
    return found


@cache
def every_file() -> frozenset[Path]:
    return frozenset(modules_by_name().values())


@cache
def first_names() -> frozenset[str]:
    """What the name of a module of ours can begin with."""
    return frozenset(name.split(".")[0] for name in modules_by_name())


@cache
def takers() -> dict[str, list[int]]:
    """What all things of ours take, by their names."""
    found: dict[str, list[int]] = {}
    for path in every_file():
        for name, taking in defined(path).items():
            found.setdefault(name, []).extend(taking)
    return found


@cache
def imports(path: Path) -> dict[str, tuple[str, str]]:
    """Module and name there, by the name that a file gives to what it imports."""
    return {
        alias.asname or alias.name.split(".")[0]: (getattr(node, "module", None) or alias.name, alias.name)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


@cache
def defined(path: Path) -> dict[str, list[int]]:
    return parameters(tree(path))


def parameters(module: ast.Module) -> dict[str, list[int]]:
    """How many positional parameters the things of a module take, without `self`: a number for each thing."""
    found: dict[str, list[int]] = {}
    methods: set[ast.stmt] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            methods |= {each for each in node.body if not is_static(each)}
            made = next((each for each in node.body if getattr(each, "name", "") == "__init__"), None)
            fields = sum(isinstance(each, ast.AnnAssign) for each in node.body)
            found.setdefault(node.name, []).append(taken(made) - 1 if made else fields)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            found.setdefault(node.name, []).append(taken(node) - (node in methods))
    return found


def taken(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return len(function.args.posonlyargs) + len(function.args.args)


def is_static(function: ast.stmt) -> bool:
    return any(name_of(each) == "staticmethod" for each in getattr(function, "decorator_list", []))
