"""Finding, reading and checking the configuration."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from orchestrator.settings import environment, notify_shape
from orchestrator.settings.model import (
    DEFAULT_LEVEL,
    PRESETS,
    Budgets,
    CheckSettings,
    Download,
    Guards,
    InDoubtSettings,
    InputSettings,
    Limits,
    Outputs,
    ProviderSettings,
    Retry,
    Settings,
    Webhook,
    WorkerSettings,
)
from orchestrator.settings.shape import CONFIG
from orchestrator.yamlio import Document, Node, Problem, ProblemReport, load, loads
from orchestrator.yamlio.shapes import Object, Reading

CONFIG_NAME: Final = "config.yaml"
_SECRET: Final = re.compile(r".*(key|token|secret|password)", re.IGNORECASE | re.DOTALL)
_CAMPAIGNS: Final = ("budgets", "campaigns")  # whose keys are names, such as monkey


def load_settings(path: Path | None, env: Mapping[str, str], cwd: Path) -> Settings:
    """The settings of `path`, else of `ORCHESTRATOR_CONFIG`, else of `config.yaml` in `cwd`, else the
    defaults.

    `ORCHESTRATOR_DATABASE_URL` (or the file that `ORCHESTRATOR_DATABASE_URL_FILE` names) and
    `WAVESPEED_BASE_URL` have precedence over the file. Relative paths are
    relative to the file's folder, those of the environment to `cwd`. Raises ProblemsError with everything
    that is wrong.
    """
    origin = _find(path, env, cwd)
    document = load(origin) if origin else loads(b"{}", CONFIG_NAME)
    base = origin.resolve().parent if origin else cwd
    report = ProblemReport()
    values = _read(document, report)
    database = environment.database_url(env, cwd, report)
    base_url = environment.base_url(env, report)
    report.raise_if_any()
    provider = values["provider"] | ({"base_url": base_url} if base_url else {})
    outputs, limits, budgets = values["outputs"], values["limits"], values["budgets"]
    return Settings(
        database_url=_database(database, cwd) if database else _database(values["database_url"], base),
        outputs=Outputs(**outputs | {"root": _folder(outputs["root"], base)}),
        input_roots=tuple(_folder(root, base) for root in values["input_roots"]),
        inputs=InputSettings(**values["inputs"]),
        provider=ProviderSettings(**_provider(provider, base)),
        limits=Limits(**_limits(limits)),
        budgets=Budgets(**_budgets(budgets)),
        in_doubt=InDoubtSettings(**values["in_doubt"]),
        webhook=Webhook(**_webhook(values["webhook"], base)),
        guards=Guards(**values["guards"]),
        retry=Retry(**values["retry"]),
        worker=WorkerSettings(**values["worker"]),
        download=Download(**values["download"]),
        checks=CheckSettings(**values["checks"]),
        recipes=values["recipes"],
        notify=notify_shape.targets(values["notify"], base),
        origin=origin,
    )


def _find(path: Path | None, env: Mapping[str, str], cwd: Path) -> Path | None:
    if path is not None:
        return cwd / path.expanduser()
    if named := env.get("ORCHESTRATOR_CONFIG"):
        return cwd / Path(named).expanduser()
    usual = cwd / CONFIG_NAME
    return usual if usual.exists() else None


def _read(document: Document, report: ProblemReport) -> dict[str, Any]:
    """Every value with its default; problems go to `report`."""
    root = document.root
    if root.value is None:
        root.value = {}
    _refuse_secrets(document, root, report)
    reading = Reading(document, report)
    values = CONFIG.read(root, reading)
    for field in CONFIG.fields:
        if isinstance(field.shape, Object) and not values[field.name]:
            values[field.name] = field.shape.read(Node((), {}, root.mark), reading)
    if not report.problems:
        _check_pairs(values, reading)
        notify_shape.check(values["notify"], reading)
    report.problems = _without_secrets(report.problems)
    return values


def _without_secrets(problems: list[Problem]) -> list[Problem]:
    """The same problems; a line that holds a key is not shown, whatever else is wrong on it."""
    secret = {problem.line for problem in problems if problem.source is None}
    return [replace(item, source=None) if item.line in secret else item for item in problems]


def _refuse_secrets(document: Document, node: Node, report: ProblemReport) -> None:
    """A key in the file is refused without showing it, and forgotten before anything else could show it."""
    for name, child in list(node.children.items()):
        if isinstance(name, str) and node.path != _CAMPAIGNS and _SECRET.fullmatch(name):
            problem = document.problem(
                child.path,
                "a key or secret is never written in this file, which tends to be copied and committed; set "
                "WAVESPEED_API_KEY or WAVESPEED_WEBHOOK_SECRET, or name another variable (api_key_env, "
                "secret_env) or a file (api_key_file, secret_file)",
                at_key=True,
            )
            report.add(
                Problem(
                    file=problem.file,
                    line=problem.line,
                    column=problem.column,
                    path=problem.path,
                    message=problem.message,
                )
            )
            del node.children[name]
        else:
            _refuse_secrets(document, child, report)


def _check_pairs(values: Mapping[str, Any], reading: Reading) -> None:
    for section, low, high in (
        ("worker", "poll_min_seconds", "poll_max_seconds"),
        ("retry", "backoff_base_seconds", "backoff_cap_seconds"),
    ):
        if values[section][low] > values[section][high]:
            reading.wrong(
                (section, low), f"is {values[section][low]:g}, more than {high}, {values[section][high]:g}"
            )


def _database(url: str, base: Path) -> str:
    """A relative SQLite path made absolute; `:memory:` and other databases stay."""
    prefix = "sqlite:///"
    rest = url.removeprefix(prefix)
    if not url.startswith(prefix) or rest.startswith((":memory:", "/")) or not rest:
        return url
    return f"{prefix}{_folder(rest, base)}"


def _folder(text: str, base: Path) -> str:
    if "://" in text:
        return text
    return os.path.normpath(base / Path(text).expanduser())


def _provider(found: dict[str, Any], base: Path) -> dict[str, Any]:
    key_file = found["api_key_file"]
    return found | {
        "base_url": found["base_url"].rstrip("/"),
        "api_key_file": _folder(key_file, base) if key_file else None,
    }


def _webhook(found: dict[str, Any], base: Path) -> dict[str, Any]:
    secret_file = found["secret_file"]
    return found | {"secret_file": _folder(secret_file, base) if secret_file else None}


def _limits(found: dict[str, Any]) -> dict[str, Any]:
    level = found["level"] or DEFAULT_LEVEL
    absent = {name: number for name, number in PRESETS[level]._asdict().items() if found[name] is None}
    defaulted = frozenset(absent) if found["level"] is None else frozenset[str]()
    return found | absent | {"level": level, "defaulted": defaulted}


def _budgets(found: dict[str, Any]) -> dict[str, Any]:
    def caps(windows: Mapping[str, int | None]) -> dict[str, int]:
        return {window: micros for window, micros in windows.items() if micros is not None}

    campaigns = {name: caps(windows) for name, windows in found["campaigns"].items()}
    return found | {"account": caps(found["account"]), "campaigns": campaigns}
