"""`orchestrator budget apply`: make the caps what the files say."""

import sys
from pathlib import Path

import click

from orchestrator.actions.operator.fleet_words import FileWords, FleetDifference
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, Command
from orchestrator.cli.context import opened
from orchestrator.cli.deciding import file_words
from orchestrator.cli.rendering.words import count, safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.precedence import Weight
from orchestrator.store.db.schema import Scope
from orchestrator.store.money import budgets
from orchestrator.store.money.budgets import CapDifference

WEIGHTS = {
    Weight.FIRST: "new",
    Weight.STRICTER: "stricter",
    Weight.LOOSER: "looser",
    Weight.OVERRULED: "over what a person set",
}


@click.command("apply", cls=Command)
@click.argument(
    "manifests", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[MANIFEST]..."
)
@click.option("--run", "run_key", metavar="KEY", help="The run key of the manifests, instead of their own.")
@click.option("--yes", is_flag=True, help="Change them without asking.")
@why_option
@SANDBOX
def apply_budget(manifests: tuple[Path, ...], run_key: str | None, why: str | None, *, yes: bool) -> ExitCode:
    """Make every cap that the configuration names, and the caps of these MANIFESTs' runs, what the files say.

    Looser ones and ones that a person set count too: this is the decision that other commands ask for. What
    the files do not name stays. Shows what changes, and asks.
    """
    with opened(use=Use.MAKE) as app:
        loaded = load_manifests(manifests, app.settings, app.clock.now_ms(), run_key=run_key)
        words = file_words(app, loaded)
        found = _compare(app, words)
        changes = words.described(found)
        if not out.as_json() or not yes:
            _show(changes)
        if changes:
            _consent(len(changes), yes=yes)
            with app.database.write() as tx:
                agreed = {item.key: item.wanted_micros for item in found}
                budgets.agree(tx, agreed, signature_of("budget apply", why))
    if out.as_json():
        out.document({"changes": [_document(item) for item in changes]})
    elif changes:
        out.answer(f"{count(len(changes), 'cap')} changed; it holds for every worker from the next claim on.")
        out.next_steps([("orchestrator budget show", "shows every cap")])
    return ExitCode.DONE


def _compare(app: App, words: FileWords) -> list[CapDifference]:
    """What the files name otherwise. A run begins with `apply`, and so does its cap."""
    with app.database.read() as tx:
        found = budgets.compare(tx, words.caps)
        for item in found:
            scope, name, _ = item.key
            if scope is Scope.RUN and budgets.find_id(tx, scope, name) is None:
                raise UsageError(
                    f"There is no run {name!r} yet: its cap comes with `orchestrator apply`. Nothing was "
                    "changed."
                )
    return found


def _show(changes: list[FleetDifference]) -> None:
    if not changes:
        out.answer("Every cap that the files name is in force already.")
    for item in changes:
        before = item.in_force or "none"
        out.note(
            safe(f"  {item.subject}: {before} -> {item.wanted}   {WEIGHTS[item.weight]}; {item.said_by}")
        )


def _consent(number: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"This would change {count(number, 'cap')}, and there is no terminal to ask on. Add --yes to "
            "change them. Nothing was changed."
        )
    question = f"Change {count(number, 'cap')} for everybody? Type y to change"
    if click.prompt(question, default="n", show_default=False, err=True).strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was changed.")


def _document(item: FleetDifference) -> dict[str, str | None]:
    return {
        "subject": item.subject,
        "file": item.said_by,
        "old": item.in_force,
        "new": item.wanted,
        "change": item.weight.value,
    }
