"""Jobs that would write the file of another job, above all those of stages: which, and what would tell them
apart.
"""

from typing import Final

from orchestrator.manifest.combining.combinations import Combinations
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.expanding.findings import Findings, described
from orchestrator.manifest.expanding.repeats import explain_collisions, missing_axes, rows_apart, values_at
from orchestrator.manifest.expanding.stage_jobs import StageJobs

_NAMED_MAX: Final = 3


def explain_paths(findings: Findings, blueprint: Blueprint, stages: StageJobs | None) -> None:
    """Say of all pictures that would have one path which they are."""
    combinations, variations = blueprint.combinations, blueprint.variations
    if stages is not None:
        _explain_stages(findings, stages, combinations, variations=variations)
    explain_collisions(
        findings,
        combinations,
        output=blueprint.output,
        columns=blueprint.output_columns,
        variations=variations,
    )


def _explain_stages(
    findings: Findings, stages: StageJobs, combinations: Combinations, *, variations: int
) -> None:
    """Report every collision that a job of a stage has a part in, and take it off the list: the others are
    explained by `explain_collisions`. One that follows from rows whose own pictures collide is not said.
    """
    size = combinations.size * variations
    mine = [each for each in findings.collisions if max(each[:2]) >= size]
    if not mine:
        return
    rest = [each for each in findings.collisions if max(each[:2]) < size]
    told = {each[:2] for each in rest}
    findings.collisions[:] = rest
    roots = [(stages.root(one), stages.root(other)) for one, other, _path in mine]
    found = values_at(combinations, variations, {root for pair in roots for root in pair})
    named: dict[str, int] = {}
    for (first, second, path), (one, other) in zip(mine, roots, strict=True):
        pair = rows_apart(found.get(one, ()), found.get(other, ()))
        if (one, other) in told or (
            pair and findings.skip(pair.second, "its names are those of another row")
        ):
            continue
        stage = stages.collided.get(second)
        at = (*stage.at, "output") if stage else ("output",)
        named[str(at)] = named.get(str(at), 0) + 1
        if named[str(at)] > _NAMED_MAX:
            continue
        which = {described(found.get(root, ())) or "one job" for root in (one, other)}
        of = " and ".join(sorted(which))
        message = f'two pictures would have the path "{path}" (capitals do not count): {of}'
        findings.wrong_always(at, message, _hint(stages, combinations, pair=(first, second), size=size))


def _hint(stages: StageJobs, combinations: Combinations, *, pair: tuple[int, int], size: int) -> str:
    first, second = pair
    stage = stages.collided.get(second)
    if stage is None or first < size:
        return 'another stage has it: add "-{{ stage }}", or a folder of its own'
    if "picture" not in stage.output.own and stages.root(first) == stages.root(second):
        return 'add "-{{ picture }}", or "-{{ stage }}" where it is another stage that has it'
    return missing_axes(combinations, stage.output)
