"""`orchestrator budget`: caps, what counts against them, and proof that the books agree."""

import shlex

import click

from orchestrator.actions.operator.fleet_words import caps_of
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.commands.budget_apply import apply_budget
from orchestrator.cli.commands.budget_move import move
from orchestrator.cli.commands.budget_show import show
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.documents import budget_document
from orchestrator.cli.rendering.money import audit_text
from orchestrator.cli.rendering.words import safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.budget import day_of
from orchestrator.core.errors import ExitCode, NotFoundError, UsageError
from orchestrator.core.money import MoneyError, parse_usd
from orchestrator.core.precedence import strictest
from orchestrator.settings import Settings
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money import budgets, ledger
from orchestrator.store.money.audit import audit
from orchestrator.store.money.budgets import Key
from orchestrator.store.money.cap_changes import OPERATOR, StandingCap, standing
from orchestrator.store.money.caps import Cap, caps_in_force
from orchestrator.store.money.decided_caps import decide_cap
from orchestrator.store.runs.campaigns import ensure_campaign, has_runs
from orchestrator.store.runs.runs import find_run

RUN_PARTS = 3


@group("budget", short_help="Caps: show, set, audit.")
def command() -> None:
    """Caps over the account, campaigns and runs: what they are, what counts against them, and whether the
    books agree.
    """


command.add_command(apply_budget)
command.add_command(move)
command.add_command(show)


@command.command("set")
@click.argument("scope", metavar="account|campaign:NAME|run:CAMPAIGN/NAME/KEY")
@click.option("--total", metavar="USD", help="Cap for ever; 'none' removes it.")
@click.option("--month", metavar="USD", help="Cap for each calendar month; 'none' removes it.")
@click.option("--day", metavar="USD", help="Cap for each calendar day; 'none' removes it.")
@why_option
@SANDBOX
def set_budget(
    scope: str, total: str | None, month: str | None, day: str | None, why: str | None
) -> ExitCode:
    """Set caps of SCOPE. A raised cap lets work go on at once; one below what is spent stops further
    spending.

    What is set here stands over what files say, until one says something stricter than all before; 'config'
    as the amount takes this file's cap, and lets files have their say again. Files alone only add caps and
    make them stricter.
    """
    wanted = {
        window: text
        for window, text in ((Window.TOTAL, total), (Window.MONTH, month), (Window.DAY, day))
        if text is not None
    }
    if not wanted:
        raise UsageError("Say what to set: --total, --month or --day with an amount in US dollars.")
    amounts = {window: _amount(text) for window, text in wanted.items() if not _is_config(text)}
    signed = signature_of("budget set", why)
    with opened(use=Use.MAKE) as app, app.database.write() as tx:
        kind, scope_id = _scope(tx, scope)
        early = kind is Scope.CAMPAIGN and not has_runs(tx, scope_id)
        files = caps_of(app.settings)
        new = {
            window: _decided(
                tx, files.get(_key(kind, scope, window)), (kind, scope_id, window), micros=micros
            )
            for window, micros in amounts.items()
        }
        for window in wanted.keys() - amounts.keys():
            new[window] = _as_configured(app.settings, scope, kind=kind, window=window)
        for window in wanted:
            decide_cap(tx, signed, scope=kind, scope_id=scope_id, window=window, new=new[window])
        rows = [
            cap
            for cap in caps_in_force(tx, day_of(tx.now, app.settings.budgets.timezone))
            if (cap.scope, cap.scope_id) == (kind, scope_id)
        ]
    if out.as_json():
        out.document({"budgets": [budget_document(row) for row in rows]})
    else:
        _tell(scope, rows, early=early)
    return ExitCode.DONE


def _tell(scope: str, rows: list[Cap], *, early: bool) -> None:
    """What the caps of a scope are from now on."""
    for row in rows:
        out.answer(f"{row.words} {row.standing}.")
    if not rows:
        out.answer(f"{safe(scope)} has no cap now.")
    if early:
        out.note(
            "No manifest of that campaign was applied yet: the cap waits for one. Is the name right? "
            "See: orchestrator campaigns list"
        )
    out.next_steps([("orchestrator budget show", "shows every cap")])


@command.command("audit")
@SANDBOX
def audit_books() -> ExitCode:
    """Recompute every balance, reservation and job's cost from the ledger. Exits with 1 on any difference,
    and with 5 when a cap was passed.
    """
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        found = audit(tx)
        caps = caps_in_force(tx, day_of(tx.now, app.settings.budgets.timezone))
    passed = [cap for cap in caps if cap.over_micros]
    if out.as_json():
        out.document(audit_text.document(found, passed))
    else:
        out.answer(audit_text.text(found, passed))
    if found.differences:
        return ExitCode.UNEXPECTED
    return ExitCode.OPERATOR if passed else ExitCode.DONE


def _key(kind: Scope, scope: str, window: Window) -> Key:
    return (kind, scope.partition(":")[2], window)


def _decided(
    tx: Tx, file_micros: int | None, place: tuple[Scope, int, Window], *, micros: int | None
) -> StandingCap | None:
    """The cap that a person sets, who knows what this file and those before it say."""
    if micros is None:
        return None
    scope, scope_id, window = place
    stands = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    known = strictest(file_micros, stands.word.files_said if stands else None)
    return StandingCap(micros, OPERATOR, known)


def _is_config(text: str) -> bool:
    return text.strip().lower() == budgets.CONFIG


def _as_configured(settings: Settings, scope: str, *, kind: Scope, window: Window) -> StandingCap | None:
    """The cap that this configuration names; the cap of a run comes back with its manifest, when that is
    applied.
    """
    if kind is Scope.RUN:
        return None
    micros = caps_of(settings).get(_key(kind, scope, window))
    if micros is None:
        raise UsageError(
            f"This configuration names no {window.value} cap of {safe(scope)}, so nothing was changed. To "
            f"have none: orchestrator budget set {shlex.quote(scope)} --{window.value} none"
        )
    return StandingCap(micros, budgets.CONFIG)


def _amount(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    try:
        return parse_usd(text.removeprefix("$"))
    except MoneyError as error:
        raise UsageError(f"{error}.") from None


def _scope(tx: Tx, text: str) -> tuple[Scope, int]:
    kind, _, name = text.partition(":")
    if kind == "account" and not name:
        return Scope.ACCOUNT, ledger.ACCOUNT_ID
    if kind == "campaign" and name:
        return Scope.CAMPAIGN, ensure_campaign(tx, name)
    if kind == "run" and name.count("/") >= RUN_PARTS - 1:
        campaign, run_name, key = name.split("/", RUN_PARTS - 1)
        run = find_run(tx=tx, campaign=campaign, name=run_name, run_key=key)
        if run is None:
            raise NotFoundError(f"There is no run {name!r}. See: orchestrator status")
        return Scope.RUN, run.id
    raise UsageError(f"{text!r} is no scope; write account, campaign:NAME or run:CAMPAIGN/NAME/KEY.")
