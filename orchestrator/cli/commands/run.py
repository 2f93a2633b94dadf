"""`orchestrator run`: plan, ask, apply, work, sum up."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from orchestrator.actions.planning.apply import Pricing, Taking, apply
from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.set_apart import apart
from orchestrator.actions.planning.walking.flood import refuse_floods
from orchestrator.actions.planning.walking.found_pictures import refuse
from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.asking import asking, pricing
from orchestrator.cli.base import ACCEPT_CHANGES, BUY_AGAIN, PRUNE, manifest_options, options, remember
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import need_key, opened
from orchestrator.cli.deciding import agreed, file_words, tell
from orchestrator.cli.ending_page import page_of_runs
from orchestrator.cli.fetching import fetch_reused
from orchestrator.cli.given import given
from orchestrator.cli.invocation import Asked
from orchestrator.cli.rendering.display import choose
from orchestrator.cli.rendering.plans.cap_text import amount, question
from orchestrator.cli.rendering.plans.nights_text import flood_question, reused_words, tripped
from orchestrator.cli.rendering.plans.plan_text import plan_text
from orchestrator.cli.rendering.summary import summarize
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.cli.working import work_on
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.manifest import Manifest
from orchestrator.ports import Shelf
from orchestrator.store.stops.stops import survey
from orchestrator.store.views.runs.progress import is_finished, pending_cost


@declare("run", short_help="Apply manifests and work until they are finished.")
@manifest_options
@PRUNE
@BUY_AGAIN
@ACCEPT_CHANGES
@click.option("--yes", is_flag=True, help="Spend without asking.")
@click.option(
    "--sandbox",
    is_flag=True,
    is_eager=True,
    callback=remember,
    help="Use a stand-in for the provider: no key, no cost, its own folder.",
)
@why_option
def command(
    manifests: tuple[Path, ...],
    *,
    prune: bool,
    buy_again: bool,
    accept_changes: bool,
    yes: bool,
    sandbox: bool,
    why: str | None,
    **words: Any,
) -> ExitCode:
    """Apply MANIFESTs, or a saved plan, and work until their jobs are finished. Asks before it spends,
    and before a file raises a cap or a limit that is in force; --yes answers for spending only.

    Running it again goes on where it stopped, and pays only for what is new. What an earlier version of
    the manifest left waiting is made too, unless --prune cancels it; with a part (--limit, --sample) all
    others go on waiting. Pictures that are there already and that this database does not know are not
    bought again without --buy-again, also not with --yes (exit 5). Ctrl-C once: submit nothing more,
    collect what is in flight. Twice: leave now. Neither loses anything.
    """
    what = given(Asked(manifests, sandbox=sandbox, **words))
    wanted = Wanted(asked=what.meant, prune=prune, why=why)
    with opened(sandbox=sandbox, use=Use.MAKE) as app:
        if sandbox:
            where = app.output_root.parent
            out.note(
                "Sandbox: no key, no cost. Its database and pictures are kept apart from real ones, in "
                f"{where}"
            )
        loaded = what.load(app)
        raised = agreed(app, file_words(app, loaded), attended=not yes, sandbox=sandbox)
        shelf = None if buy_again or sandbox else app.shelf()
        planned = _planned(app, loaded, wanted, shelf=shelf, raised=raised, sealed=what.saved is not None)
        what.refuse_drift(planned)
        out.note(plan_text(planned, what.meant))
        _refuse_conflicts(planned)
        refuse(planned.found, planned.total("images"), planned.database_id)
        meant = accept_changes or changes_are_meant(planned, attended=not yes)
        shown = False
        if planned.total("to_submit") and not sandbox:
            need_key(app)
            shown = consent(planned, yes=yes)
        known = pricing(app, planned.prices, shown=shown)
        return carry_out(app, loaded, replace(wanted, accept_changes=meant), known=known, raised=raised)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs of the manifests are wanted, and how."""

    asked: Asked = field(default_factory=Asked)
    prune: bool = False
    why: str | None = None
    accept_changes: bool = True  # a person has agreed, or nothing is asked
    page: Path | None = None  # where the page of its pictures goes; None: into the output folder


def _planned(
    app: App,
    manifests: Sequence[Manifest],
    wanted: Wanted,
    *,
    shelf: Shelf | None,
    raised: frozenset[object],
    sealed: bool = False,
) -> Plan:
    """The plan, at live prices."""
    return plan(
        manifests,
        app.settings,
        app.database,
        part=wanted.asked.part,
        prune=wanted.prune,
        shelf=shelf,
        raised=raised,
        ask=asking(app, app.database.clock),
        sealed=sealed,
        addresses=app.addresses,
    )


def carry_out(
    app: App,
    manifests: Sequence[Manifest],
    wanted: Wanted,
    *,
    known: Pricing,
    raised: frozenset[object] = frozenset(),
) -> ExitCode:
    """Apply planned manifests, work until their runs are finished, print the summary."""
    words = file_words(app, manifests)
    applied = apply(
        app.database,
        manifests,
        part=wanted.asked.part,
        checked=True,
        prune=signature_of("run --prune", wanted.why) if wanted.prune else None,
        taking=Taking(words=words, signed=signature_of("run", wanted.why), raised=raised, tell=tell),
        pricing=known,
        accept_changes=wanted.accept_changes,
        addresses=app.addresses,
    )
    run_ids = frozenset(item.run_id for item in applied)
    fetch_reused(app, sorted(run_ids))  # also after a run that was interrupted, which adds none now
    if not out.as_json():
        for item in applied:
            if said := reused_words(item):
                out.note(f"{safe(item.manifest.spec.name)}: {said}")
    if (
        not wanted.asked.sandbox
        and not out.as_json()
        and not any(item.new or item.reused for item in applied)
    ):
        with app.database.read() as tx:
            if is_finished(tx, run_ids):
                return ExitCode.DONE  # the plan has said so, in one line
    display = choose(quiet=options().quiet, clock=app.clock)
    label = manifests[0].spec.name if len(manifests) == 1 else f"{len(manifests)} manifests"
    alone = apart(app.database, applied) if wanted.asked.part.partial else None
    done = work_on(app=app, run_ids=run_ids, display=display, label=label, alone=alone)
    unpaid = _unpaid(app, done.code, run_ids)
    asked = wanted.asked
    rest = [(asked.command("run", whole=True), "asks, then makes the rest")] if alone else []
    page = page_of_runs(app, run_ids, wanted.page)
    return summarize(done, app.output_root, extra=unpaid, rest=rest, page=page)


def consent(planned: Plan, *, yes: bool) -> bool:
    """Ask on a terminal, unless --yes; refuse where nobody can answer. Whether a person was asked."""
    if yes:
        return False
    if not sys.stdin.isatty():
        raise UsageError(
            f"This would spend {amount(planned)}, and there is no terminal to ask on. Add --yes to spend it. "
            "Nothing was written and nothing was spent."
        )
    asked = f"\n{question(planned)}"
    if click.prompt(asked, default="n", show_default=False, err=True).strip().lower() not in {"y", "yes"}:
        raise UsageError("Not run. Nothing was written and nothing was spent.")
    return True


def changes_are_meant(planned: Plan, *, attended: bool) -> bool:
    """Whether a person agrees that so much has changed; raises ChangeFloodError where nobody can be asked."""
    floods = tripped(planned)
    if not floods or not attended or not sys.stdin.isatty():
        refuse_floods(floods)
        return False
    answer = click.prompt(flood_question(floods), default="n", show_default=False, err=True)
    if answer.strip().lower() not in {"y", "yes"}:
        raise UsageError("Not run. Nothing was written and nothing was spent.")
    return True


def _refuse_conflicts(planned: Plan) -> None:
    if planned.conflicts:
        shown = "\n".join(f"  {sentence}" for sentence in planned.conflicts[:10])
        raise UsageError(
            f"Output paths collide; nothing is ever overwritten:\n{shown}\n"
            "Change `output:` so that it names the manifest, for example with {{ name }}. "
            "Nothing was written and nothing was spent."
        )


def _unpaid(app: App, code: ExitCode, run_ids: frozenset[int]) -> list[str]:
    """What the rest would cost, when a budget has stopped the work."""
    if code is not ExitCode.BUDGET:
        return []
    with app.database.read() as tx:
        left = [pending_cost(tx, run_id) for run_id in run_ids]
        stopped = survey(tx, app.settings.budgets.timezone).stops
    jobs, micros = sum(item[0] for item in left), sum(item[2] for item in left)
    if not any(stop.cap for stop in stopped):
        return [f"  unpaid    {count(jobs, 'job')} wait; they would cost {usd(micros)}"]
    return [f"  unpaid    {count(jobs, 'job')} wait; they would cost {usd(micros)}. Raise the cap to go on"]
