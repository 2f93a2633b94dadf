"""The caps of a configuration, and what becomes of them in a database that other configurations may share."""

import shlex

from orchestrator.core.money import format_usd
from orchestrator.settings import Settings
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money import budgets
from orchestrator.store.money.budgets import Key, Overruled
from orchestrator.store.money.caps import cap_words


def caps_of(settings: Settings) -> dict[Key, int]:
    """Every cap that the configuration names, in micros."""
    caps = {
        (Scope.ACCOUNT, "", Window(window)): micros for window, micros in settings.budgets.account.items()
    }
    for name, windows in settings.budgets.campaigns.items():
        caps.update({(Scope.CAMPAIGN, name, Window(window)): micros for window, micros in windows.items()})
    return caps


def take_configured_caps(database: Database, settings: Settings) -> list[str]:
    """Let the configuration's caps count, as far as they may; a sentence for each that does not.

    For commands that make or do work. One that only looks leaves caps alone: it may run anywhere, with any
    file.
    """
    return [_sentence(row) for row in budgets.take_configured(database, caps_of(settings))]


def _sentence(row: Overruled) -> str:
    scope, name, window = row.key
    words = cap_words(scope=scope, name=name, window=window, cap_micros=row.cap_micros)
    owner = "account" if scope is Scope.ACCOUNT else shlex.quote(f"campaign:{name}")
    wanted = format_usd(row.wanted_micros)
    change = f"orchestrator budget set {owner} --{window.value}"
    if row.source == budgets.CONFIG:
        return (
            f"{words} stays, although this configuration says ${wanted}: a configuration makes a cap "
            f"stricter, never looser. To raise it for everybody: {change} {wanted}"
        )
    return (
        f"{words} was set with `budget set` and stands over this configuration's ${wanted}. "
        f"To let the configuration decide: {change} config"
    )
