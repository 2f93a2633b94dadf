"""What a plan is about, in words: its axes, an example, its jobs, and what an edit has changed."""

from collections.abc import Sequence

from orchestrator.actions.planning.figures.changes import FieldChange, differing
from orchestrator.actions.planning.figures.content import ShownJob
from orchestrator.actions.planning.figures.cuts import STAGE
from orchestrator.actions.planning.figures.planned import ManifestPlan, Plan
from orchestrator.cli.rendering.words import count, safe, table, unit_price, usd

CHANGES_SHOWN = 3
VALUES_SHOWN = 4
PROMPT_CHARS = 160
NEW = "new"


def shape_words(row: ManifestPlan) -> str:
    """Such as `297 products x 3 scenes x 2 variations`."""
    parts = [count(size, safe(name, 40), plural(name)) for name, size in row.shape]
    parts += [count(row.variations, "variation")] if row.variations > 1 or not parts else []
    return " x ".join(parts) + row.besides


def plural(name: str) -> str:
    """The name of an axis for several of its values."""
    shown = safe(name, 40)
    return shown if shown.endswith("s") or " " in shown else f"{shown}s"


def content_lines(plan: Plan) -> list[str]:
    """What is asked for, one example of it, and what each value costs; of the only manifest."""
    if len(plan.manifests) != 1:
        return []
    (row,) = plan.manifests
    lines = [f"Asks for    {shape_words(row)}"] if row.shape else []
    if row.content.example is not None:
        spec = row.content.example
        lines.append(f"Example     {safe(str(spec.params.get('prompt', '')), PROMPT_CHARS)}")
        lines.append(f"            -> {safe(spec.output_paths[0] if spec.output_paths else '', 120)}")
    if costs := _costs(row):
        lines.append(f"Costs       {costs}")
    return lines


def _costs(row: ManifestPlan) -> str:
    """What each value costs, where there is more than one."""
    parts = []
    for axis, values in row.costs.items():
        if len(values) < 2:  # noqa: PLR2004 - with one value there is nothing to choose
            continue
        if axis == STAGE and row.stages:  # said with what comes after what
            continue
        if len(set(values.values())) == 1:
            parts.append(f"each {safe(axis, 40)} {usd(next(iter(values.values())))}")
        elif len(values) <= VALUES_SHOWN:
            parts += [f"{safe(axis, 40)} {safe(value, 40)} {usd(micros)}" for value, micros in values.items()]
    asked = row.cost_micros + row.waiting_micros
    for value, micros in row.instead.items():
        by = next(iter(row.fixed))
        sign = "+" if micros > asked else "-"
        if micros != asked:
            parts.append(f"{safe(by)} {safe(value)} instead {sign}{usd(abs(micros - asked))}")
    return "; ".join(parts)


def change_lines(plan: Plan, *, whole: bool = False) -> list[str]:
    """What an edit has changed in each manifest, and what it leaves behind; the `whole` of it for --diff."""
    lines = []
    for row in plan.manifests:
        changes, left = row.content.changes, row.content.left
        shown = changes.fields if whole else changes.fields[:CHANGES_SHOWN]
        sizes = {name: size for names, size in row.shape for name in names.split(" + ")}
        lines += [_change(change, sizes, row.content.lines) for change in shown]
        if len(changes.fields) > len(shown):
            lines.append(f"and {count(len(changes.fields) - len(shown), 'more parameter')} (see --diff)")
        if changes.added and (changes.fields or changes.removed):
            lines.append(f"{count(changes.added, 'job')} of combinations that were not recorded before")
        if changes.removed:
            lines.append(f"{count(changes.removed, 'job')} of combinations that are not asked for any more")
        if left.made or left.running or left.failed:
            lines.append(
                f"{count(left.made + left.running, 'job')} of an earlier version, made for "
                f"{usd(left.spent_micros)}: the pictures stay, and are not in this manifest any more"
            )
    return [f"{'Changed' if at == 0 else '       '}     {line}" for at, line in enumerate(lines)]


def _change(change: FieldChange, sizes: dict[str, int], places: dict[str, int]) -> str:
    before, after = differing(change.before, change.after)
    line = f" (line {places[change.name]})" if change.name in places else ""
    where = change.where(sizes)
    about = f" of {safe(where, 60)}" if where else ""
    return (
        f"{safe(change.name, 60)}{line}{about}, {count(change.jobs, 'job')}: "
        f'"{safe(before, 70)}" -> "{safe(after, 70)}"'
    )


def listing(plan: Plan) -> str:
    """The jobs that were kept to be shown, one a line."""
    rows = [_listed(item) for row in plan.manifests for item in row.content.listed]
    left = plan.total("jobs") - len(rows)
    more = f"\nand {count(left, 'more job')}" if left > 0 and rows else ""
    return table(["job", "variation", "state", "price", "path"], rows, right=frozenset({1, 3})) + more


def _listed(item: ShownJob) -> Sequence[str]:
    spec = item.spec
    return [
        safe(", ".join(label for _axis, label in spec.axes) or str(spec.ordinal + 1), 60),
        str(spec.variation),
        item.state or NEW,
        unit_price(spec.price_micros),
        safe(spec.output_paths[0] if spec.output_paths else "", 100),
    ]


def markdown(plan: Plan) -> str:
    """The plan for a comment of a change: a table, what the caps let through, what has changed."""
    header = ["manifest", "run", "jobs", "new", "existing", "to pay"]
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    for row in plan.manifests:
        cells = [
            _cell(row.path),
            _cell(f"{row.spec.campaign}/{row.spec.name}/{row.spec.run_key}"),
            f"{row.jobs:,}",
            f"{row.new:,}",
            f"{row.existing:,}",
            usd(row.to_pay_micros),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"**{count(plan.jobs_to_submit, 'job')}, {usd(plan.micros_to_pay)}**"]
    found = plan.affordable
    if found is not None and found.jobs < plan.jobs_to_submit:
        lines[-1] += f"; the caps let {found.jobs:,} through ({usd(found.cost_micros)})"
    told = [*content_lines(plan), *change_lines(plan, whole=True)]
    if told:
        lines += ["", "```text", *(text.replace("`", "'") for text in told), "```"]
    lines += [f"- {_cell(text)}" for text in plan.warnings]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return safe(text).replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").replace("<", "&lt;")
