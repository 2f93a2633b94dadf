"""A plan in words: one screen, whatever its size."""

import click

from orchestrator.actions.planning.figures.planned import ManifestPlan, Plan
from orchestrator.cli.invocation import Asked
from orchestrator.cli.rendering.money.forecast_text import month_line
from orchestrator.cli.rendering.plans.cap_text import covered, whose_cap
from orchestrator.cli.rendering.plans.content_text import change_lines, content_lines
from orchestrator.cli.rendering.plans.left_out_text import left_out_lines
from orchestrator.cli.rendering.plans.nights_text import plan_lines
from orchestrator.cli.rendering.plans.stages_text import stage_lines
from orchestrator.cli.rendering.plans.unrequested_text import plan_others
from orchestrator.cli.rendering.words import bar, count, duration, percent, safe, table, unit_price, usd

MANIFESTS_SHOWN = 8
WARNINGS_SHOWN = 5
CAPS_SHOWN = 5
OTHERS_SHOWN = 2
NOTHING_ASKED = Asked()


def plan_text(plan: Plan, asked: Asked = NOTHING_ASKED, *, diff: bool = False) -> str:
    """At most 24 lines: manifests, money, budgets, time, what is asked for and what has changed (all of it
    with `diff`), what else waits, warnings. What was `asked` is for the commands that are shown.
    """
    left_out = left_out_lines([table for row in plan.manifests for table in row.left_out])
    notes = [*left_out, *_others(plan, asked), *_warnings(plan)]
    if not plan.total("to_submit"):
        if reused := plan_lines(plan):
            words = f"{plan.total('existing'):,} recorded already" if plan.total("existing") else "all served"
            return "\n".join([f"Nothing to pay: {words}.", *reused, *notes])
        everything = f"all {count(plan.total('existing'), 'job')} are recorded already"
        if copies := plan.total("copies"):
            made = f"{everything}; `run` or `work` makes {_copies(copies)}"
            return "\n".join([f"Nothing to pay: {made}.", *notes])
        return "\n".join([f"Nothing to do: {everything}.", *notes])
    blocks = [_manifests(plan), _money(plan)]
    told = [*content_lines(plan), *change_lines(plan, whole=diff)]
    waits = [*stage_lines(plan, asked), *plan_lines(plan), *_headroom(plan), *_month(plan), _time(plan)]
    return "\n".join([*blocks, *waits, *told, *notes])


def _manifests(plan: Plan) -> str:
    rows = [_row(item) for item in plan.manifests[:MANIFESTS_SHOWN]]
    if len(plan.manifests) > MANIFESTS_SHOWN:
        rows.append([f"... and {len(plan.manifests) - MANIFESTS_SHOWN} more", "", "", "", "", "", ""])
    if len(plan.manifests) > 1:
        total = [f"{plan.total(name):,}" for name in ("jobs", "images", "new", "existing")]
        rows.append(["total", "", *total, usd(plan.total("cost_micros"))])
    header = ["Plan", "run", "jobs", "images", "new", "existing", "cost"]
    return table(header, rows, right=frozenset({2, 3, 4, 5, 6}))


def _row(item: ManifestPlan) -> list[str]:
    run = f"{item.spec.campaign}/{item.spec.name}/{item.spec.run_key}"
    counts = [f"{value:,}" for value in (item.jobs, item.images, item.new, item.existing)]
    return [safe(item.path, 40), safe(run, 40), *counts, usd(item.cost_micros)]


def _money(plan: Plan) -> str:
    lines = [
        "",
        (
            f"To submit   {count(plan.total('to_submit'), 'job')}, "
            f"{count(plan.total('to_submit_images'), 'image')}, "
            f"{usd(plan.total('to_pay_micros'))}   {_prices(plan)}, each job once"
        ),
    ]
    if copies := plan.total("copies"):
        lines.append(f"            and {_copies(copies)} of these pictures, for nothing: see below")
    redone, waiting = plan.total("redone"), plan.total("waiting")
    if waiting > redone:
        earlier = usd(plan.total("waiting_micros") - plan.total("redone_micros"))
        lines.append(
            f"            of these {count(waiting - redone, 'job')} ({earlier}) were recorded earlier "
            "and are not paid yet"
        )
    if redone:
        lines.append(
            f"            of these {count(redone, 'job')} ({usd(plan.total('redone_micros'))}) "
            f"{'is another try' if redone == 1 else 'are other tries'}, by `redo`"
        )
    if others := plan.others_to_submit:
        lines.append(
            f"            of these {count(others.jobs, 'job')} ({usd(others.cost_micros)}) are not asked for "
            "here: see below"
        )
    return "\n".join([*lines, *_canaries(plan)])


def _canaries(plan: Plan) -> list[str]:
    """What is made before a run waits for approval."""
    found = [row for row in plan.manifests if row.canary is not None][:MANIFESTS_SHOWN]
    lines = []
    for at, row in enumerate(found):
        auto = row.spec.settings["canary"]["approve"] == "auto"
        then = "its thresholds let the rest run" if auto else "the rest waits for `orchestrator runs approve`"
        jobs = f"{count(row.canary or 0, 'job')} of {safe(row.spec.name, 40)} first"
        lines.append(f"{'' if at else 'Canary':<12}{jobs}; {then}")
    return lines


def _prices(plan: Plan) -> str:
    """Whose prices these are, and what the list says beside them."""
    if not plan.prices.complete:
        return "list price; the live price is asked before anything is bought"
    live, listed = plan.total("to_pay_micros"), plan.total("to_pay_list_micros")
    if live == listed:
        return "live price"
    off = round(abs(listed - live) * 100 / listed)
    word = f"your discount {off} %" if live < listed else f"dearer by {off} %"
    if plan.prices.single:
        each_listed, each = plan.prices.single
        return f"{unit_price(each)} a job (list {unit_price(each_listed)}, {word})"
    return f"live prices (list {usd(listed)}, {word})"


def _copies(number: int) -> str:
    return "1 further file, a copy" if number == 1 else f"{number:,} further files, copies"


def _headroom(plan: Plan) -> list[str]:
    lines, rows = [], plan.headroom
    for at, row in enumerate(rows[:CAPS_SHOWN]):
        cap = row.cap
        used = cap.counted_micros
        after = used + row.wanted_micros
        owner = "account" if cap.scope == "account" else f"{cap.scope} {safe(cap.name, 36)}"
        short = f"over by {usd(cap.over_micros)}" if cap.over_micros else ""
        short = short or ("" if row.fits else f"{usd(cap.remaining_micros)} left")
        fits = click.style(f"   {short}", fg="red") if short else ""
        share = percent(after, cap.cap_micros) if after <= cap.cap_micros else "over"
        lines.append(
            f"{'Budget' if at == 0 else '      '}      {owner} {cap.window}: {usd(used)} + "
            f"{usd(row.wanted_micros)} = {usd(after)} of {usd(cap.cap_micros)}   "
            f"{bar(after / cap.cap_micros if cap.cap_micros else 1)} {share}{fits}"
        )
    if not lines:
        lines.append(
            "Budget      no cap is set (see `budget:` in the manifest and `budgets:` in config.yaml)"
        )
    elif len(rows) > CAPS_SHOWN:
        lines.append(f"            and {count(len(rows) - CAPS_SHOWN, 'more cap')}")
    return lines + [f"            {text}" for text in (*covered(plan), *whose_cap(plan))]


def _month(plan: Plan) -> list[str]:
    """What this month comes to with these jobs, where something is known of it besides them."""
    told = [each for each in plan.forecasts if each.found.p50 is not None]
    return [f"Month       {month_line(each)}" for each in told]


def _time(plan: Plan) -> str:
    return f"Time        about {duration(plan.estimate.seconds)}   limit: {plan.estimate.bottleneck}"


def _others(plan: Plan, asked: Asked) -> list[str]:
    mark = click.style("!", fg="yellow")
    found = [text for row in plan.manifests for text in plan_others(row, asked)]
    lines = [f"{mark} {text}" for text in found[:OTHERS_SHOWN]]
    if len(found) > OTHERS_SHOWN:
        lines.append(
            f"{mark} and the same in {count(len(found) - OTHERS_SHOWN, 'more manifest')} (see --json)"
        )
    return lines


def _warnings(plan: Plan) -> list[str]:
    mark = click.style("!", fg="yellow")
    lines = [f"{mark} {safe(text)}" for text in plan.warnings[:WARNINGS_SHOWN]]
    if len(plan.warnings) > WARNINGS_SHOWN:
        lines.append(f"{mark} and {count(len(plan.warnings) - WARNINGS_SHOWN, 'more warning')} (see --json)")
    return lines
