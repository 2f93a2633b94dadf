"""What another try of a job would send: decided from what the job was and what is to be different."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from orchestrator import catalogue
from orchestrator.catalogue import Kind, Model, Severity
from orchestrator.core.errors import NotFoundError, UsageError
from orchestrator.core.specs import JobSpec
from orchestrator.core.states import JobState
from orchestrator.core.taxonomy import PaidReason, Reason
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.store.choosing.redo_sources import RedoSource
from orchestrator.store.choosing.verdicts import NotJudged

JOBS_NAMED: Final = 5
_ROOT: Final = Path("/")


@dataclass(slots=True)
class RedoProblems:
    """What is wrong with the values that are to be different, each with the jobs that it is wrong for."""

    found: dict[str, list[int]] = field(default_factory=dict)
    warnings: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self) -> None:
        """Raise UsageError with all of them at once."""
        if self.found:
            raise UsageError(
                "\n".join([*sentences(self.found), "Nothing was changed and nothing was spent."])
            )


def sentences(found: Mapping[str, Sequence[int]]) -> list[str]:
    """Each problem or warning once, with its first jobs."""
    return [f"{message}{_jobs(ids)}" for message, ids in found.items()]


def _jobs(ids: Sequence[int]) -> str:
    named = ", ".join(map(str, ids[:JOBS_NAMED]))
    more = f" and {len(ids) - JOBS_NAMED:,} more" if len(ids) > JOBS_NAMED else ""
    return f" (job{'s' if len(ids) > 1 else ''} {named}{more})"


class TryMaker:
    """Makes the specs of further tries; every input picture is looked at once."""

    def __init__(self, changes: Mapping[str, str]) -> None:
        self._changes = changes
        self._pictures: dict[tuple[str, bool], Pictures] = {}
        self.problems = RedoProblems()

    def spec(self, source: RedoSource) -> JobSpec | NotJudged:
        """What to send, without key and paths; the reason where no other try can be made of this job.

        A value that cannot be sent is added to the problems, and makes no refusal of its own.
        """
        try:
            model = catalogue.get(source.model)
            why = _why_not(source, changed=bool(self._changes)) or self._missing_picture(source, model)
        except NotFoundError as error:
            why = str(error)
        if why:
            return NotJudged(source.job_id, why)
        params = {**source.params, **self._values(model)}
        wrong = self._check(source, model, params)
        priced = source.params if wrong else params
        digest = model.price_digest(priced)
        return JobSpec(
            key="",
            ordinal=source.ordinal,
            variation=source.variation,
            params=params,
            local_images=source.own_images,
            price_micros=model.price_micros(priced),
            images=source.images,
            output_paths=(),
            tags=source.tags,
            price_digest=source.digest if digest == model.price_digest(source.params) else digest,
            axes=source.axes,
            stage=source.stage,
            needs=source.needs,
            model_revision=model.revision,
        )

    def _values(self, model: Model) -> dict[str, Any]:
        return {name: model.coerce(name, text) for name, text in self._changes.items()}

    def _check(self, source: RedoSource, model: Model, params: Mapping[str, Any]) -> bool:
        """Note what is wrong with the values that are different; whether anything is."""
        fixed = {name: why for name in self._changes if (why := _fixed(model, name))}
        wrong = [f"{name} {why}" for name, why in fixed.items()]
        wrong += [
            f"{name} is filled in by nobody here: write the text as it is to be sent, without {{{{ }}}}"
            for name, text in self._changes.items()
            if "{{" in text
        ]
        for issue in model.validate(params):
            if issue.name in fixed:
                continue
            hint = f"; {issue.hint}" if issue.hint else ""
            if issue.severity is Severity.ERROR:
                wrong.append(f"{issue.name}: {issue.message}{hint}")
            elif issue.name in self._changes:
                self.problems.warnings.setdefault(f"{issue.name}: {issue.message}{hint}", []).append(
                    source.job_id
                )
        for message in wrong:
            self.problems.found.setdefault(message, []).append(source.job_id)
        if source.reason == Reason.MODERATED and not self._changes:
            message = "the provider refused this prompt or picture, and likely will again: add --prompt TEXT"
            self.problems.warnings.setdefault(message, []).append(source.job_id)
        return bool(wrong)

    def _missing_picture(self, source: RedoSource, model: Model) -> str | None:
        """What is wrong with the local pictures that are sent, as they are on disk now."""
        for image in source.own_images.values():
            normalize = bool(image.recipe)
            pictures = self._pictures.get((model.id, normalize))
            if pictures is None:
                pictures = Pictures(_ROOT, (), model.inputs, normalize=normalize)
                self._pictures[model.id, normalize] = pictures
            try:
                found = pictures.find(image.path)
            except TemplateProblem as problem:
                return problem.message
            if found.sha256 != image.sha256:
                return (
                    f"its picture {image.path} has changed since: apply the manifest to use it as it is now"
                )
        return None


def _fixed(model: Model, name: str) -> str | None:
    """Why another try cannot have another value of this parameter; None where it can."""
    parameter = model.by_name.get(name)
    if parameter is not None and parameter.kind is Kind.IMAGES:
        return "stay those of the job: change them in the manifest"
    if name in {model.count_param, model.format_param}:
        return "decides which files there are, and stays that of the job: change it in the manifest"
    return None


def _why_not(source: RedoSource, *, changed: bool) -> str | None:
    """Why no other try of a job is made now; None where it is."""
    job_id = source.job_id
    if source.has_lost_source:
        return "it was made of the picture of a job that is not known here: apply its manifest again"
    match source.state:
        case JobState.PENDING:
            return "it waits, and has no picture yet that another could be better than"
        case JobState.RUNNING:
            return "it is being made, and has no picture yet that another could be better than"
        case JobState.CANCELLED:
            return f"it was cancelled, and never made: `orchestrator jobs retry {job_id}` queues it again"
        case JobState.FAILED if not changed and source.reason in set(PaidReason):
            return f"its task was paid for: `orchestrator jobs retry {job_id}` looks at it before it buys"
        case _:
            return None
