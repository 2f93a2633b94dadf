"""`orchestrator run`: plan, ask, apply, work, sum up."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from orchestrator.actions.planning.apply import Pricing, apply
from orchestrator.actions.planning.manifests import load_manifests
from orchestrator.actions.planning.part import Part, refuse_others_beside_a_part
from orchestrator.actions.planning.plan import Plan, plan
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.asking import asking, pricing
from orchestrator.cli.base import PRUNE, manifest_options, options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import need_key, opened, take_caps
from orchestrator.cli.rendering.display import choose
from orchestrator.cli.rendering.plan_text import plan_text
from orchestrator.cli.rendering.summary import summarize
from orchestrator.cli.rendering.words import count, usd
from orchestrator.cli.working import work_on
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.manifest import Manifest
from orchestrator.store.views.progress import pending_cost


@declare("run", short_help="Apply manifests and work until they are finished.")
@manifest_options
@PRUNE
@click.option("--yes", is_flag=True, help="Spend without asking.")
@click.option(
    "--sandbox", is_flag=True, help="Use a stand-in for the provider: no key, no cost, its own folder."
)
def command(
    manifests: tuple[Path, ...],
    run_key: str | None,
    limit: int | None,
    sample: int | None,
    *,
    prune: bool,
    yes: bool,
    sandbox: bool,
) -> ExitCode:
    """Apply MANIFESTs and work until their jobs are finished. Asks before it spends.

    Running it again goes on where it stopped, and pays only for what is new. What an earlier version of the
    manifest left waiting is made too, unless --prune cancels it; a part (--limit, --sample) is refused beside
    it. Ctrl-C once: submit nothing more, collect what is in flight. Twice: leave now. Neither loses anything.
    """
    with opened(sandbox=sandbox) as app:
        if sandbox:
            where = app.output_root.parent
            out.note(
                "Sandbox: no key, no cost. Its database and pictures are kept apart from real ones, in "
                f"{where}"
            )
        loaded = load_manifests(manifests, app.settings, app.clock.now_ms(), run_key=run_key)
        ask = asking(app, app.database.clock)
        planned = plan(loaded, app.settings, app.database, limit=limit, sample=sample, prune=prune, ask=ask)
        if Part(limit, sample).partial:
            refuse_others_beside_a_part([row.others for row in planned.manifests])
        out.note(plan_text(planned, run_key=run_key, sandbox=sandbox))
        _refuse_conflicts(planned)
        shown = False
        if planned.total("to_submit") and not sandbox:
            need_key(app)
            shown = consent(planned, yes=yes)
        known = pricing(app, planned.prices, shown=shown)
        return carry_out(app, loaded, known, limit=limit, sample=sample, prune=prune, sandbox=sandbox)


def carry_out(
    app: App,
    manifests: Sequence[Manifest],
    known: Pricing,
    *,
    limit: int | None = None,
    sample: int | None = None,
    prune: bool = False,
    sandbox: bool = False,
) -> ExitCode:
    """Apply planned manifests, work until their runs are finished, print the summary."""
    take_caps(app)
    applied = apply(
        app.database,
        manifests,
        limit=limit,
        sample=sample,
        checked=True,
        prune=prune,
        alone=True,
        pricing=known,
    )
    run_ids = frozenset(item.run_id for item in applied)
    display = choose(quiet=options().quiet, clock=app.clock)
    label = manifests[0].spec.name if len(manifests) == 1 else f"{len(manifests)} manifests"
    done = work_on(app=app, run_ids=run_ids, display=display, label=label)
    return summarize(done, app.output_root, extra=_unpaid(app, done.code, run_ids), sandbox=sandbox)


def consent(planned: Plan, *, yes: bool) -> bool:
    """Ask on a terminal, unless --yes; refuse where nobody can answer. Whether a person was asked."""
    if yes:
        return False
    amount = usd(planned.total("to_pay_micros"))
    others = planned.others_to_submit
    if others:
        amount += (
            f" ({count(others.jobs, 'job')} of it for {usd(others.cost_micros)} not in the manifest any more)"
        )
    if not sys.stdin.isatty():
        raise UsageError(
            f"This would spend {amount}, and there is no terminal to ask on. Add --yes to spend it. "
            "Nothing was written and nothing was spent."
        )
    question = f"\nSubmit {count(planned.total('to_submit'), 'job')} for {amount}? Type y to spend it"
    if click.prompt(question, default="n", show_default=False, err=True).strip().lower() not in {"y", "yes"}:
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
    jobs, micros = sum(item[0] for item in left), sum(item[2] for item in left)
    return [f"  unpaid    {count(jobs, 'job')} wait; they would cost {usd(micros)}. Raise the cap to go on"]
