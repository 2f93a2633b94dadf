"""A paid task as the sidecars of its pictures tell it. What they say is checked: anybody may edit a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from orchestrator.core.budget import day_of
from orchestrator.core.sidecar import NEWEST, SidecarError, key_of, run_of
from orchestrator.core.specs import NAME_PATTERN, JobSpec, LocalImage, Needs, RunSpec
from orchestrator.core.verdicts import VerdictSource
from orchestrator.ports import KeptPicture
from orchestrator.store.choosing.told_choices import told_choice
from orchestrator.store.choosing.verdicts import GivenVerdict
from orchestrator.store.doubts.paid_tasks import PaidPicture, PaidTask

Said = Mapping[str, Any]


def prediction_of(said: Said) -> str:
    """The task of a picture; raises SidecarError where this program cannot know what the sidecar means."""
    written = said.get("format", 1)
    if not isinstance(written, int) or written > NEWEST:
        raise SidecarError(
            f"its sidecar is of format {written}, made by a newer version: upgrade the program"
        )
    return _text(said, "prediction_id")


def run_spec_of(said: Said) -> RunSpec:
    """The run of a picture; raises SidecarError where it is not named."""
    run = run_of(said)
    if run is None:
        raise SidecarError(
            "its sidecar is of an older version and does not name its run: name the manifest with --manifest"
        )
    for name in (run.campaign, run.name, run.run_key):
        if re.fullmatch(NAME_PATTERN, name) is None:
            raise SidecarError(f"its sidecar names {name!r}, which is no name of a campaign or run")
    return RunSpec(
        campaign=run.campaign,
        name=run.name,
        run_key=run.run_key,
        model=_text(said, "model"),
        manifest_path=str(said.get("manifest", "")),
        manifest_sha256=str(said.get("manifest_sha256", "")),
        priority=_number(said, "priority", least=-(2**31), default=0),
        max_attempts=_number(said, "max_attempts", default=3),
    )


def job_spec_of(said: Said) -> JobSpec:
    """The job of a picture; raises SidecarError."""
    key = key_of(said)
    paths = said.get("paths")
    images = _number(said, "images")
    if key is None or not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise SidecarError("its sidecar names no job key or no planned paths")
    if len(paths) < images:
        raise SidecarError(f"its sidecar names {len(paths)} paths for {images} pictures")
    return JobSpec(
        key=key,
        ordinal=_number(said, "ordinal", least=0),
        variation=_number(said, "variation"),
        params=_object(said, "params"),
        local_images=_local_images(said),
        price_micros=_number(said, "price_micros"),
        images=images,
        output_paths=tuple(paths[:images]),
        tags={str(name): str(value) for name, value in _object(said, "tags").items()},
        axes=_axes(said),
        stage=_text(said, "stage") if said.get("stage") is not None else "",
        needs=_needs(said),
        model_revision=_number(said, "model_revision", default=1),
    )


def task_of(
    kept: Sequence[KeptPicture], run: RunSpec, job: JobSpec, *, token: str, timezone: str
) -> PaidTask:
    """The task of these pictures, which have it in common; raises SidecarError."""
    said = kept[0].said or {}
    accepted_at = _number(said, "accepted_at_ms")
    inference = said.get("inference_ms")
    inference_ms = inference if isinstance(inference, int) and inference >= 0 else None
    submitted_at = _number(said, "submitted_at_ms", default=accepted_at)
    completed_at = _number(said, "completed_at_ms", default=accepted_at + (inference_ms or 0))
    day = said.get("day")
    is_day = isinstance(day, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) is not None
    return PaidTask(
        run=run,
        job=job,
        number=_number(said, "number", default=1),
        prediction_id=prediction_of(said),
        day=str(day) if is_day else day_of(accepted_at, timezone),
        submitted_at=submitted_at,
        accepted_at=accepted_at,
        completed_at=completed_at,
        inference_ms=inference_ms,
        pictures=tuple(_picture(each, job, completed_at) for each in kept),
        token=token,
        **_tried(said),
    )


def newest_choice(kept: Sequence[KeptPicture]) -> GivenVerdict | None:
    """The newest word that a picture of the task tells; raises SidecarError."""
    told = [choice for each in kept if (choice := told_choice(each.said or {})) is not None]
    return max(told, key=lambda choice: choice.at, default=None)


def _tried(said: Said) -> dict[str, Any]:
    """Whose further try its job is."""
    of, by = said.get("redo_of"), said.get("redo_by")
    return {
        "redo_of": of if isinstance(of, str) else None,
        "redo_by": VerdictSource(by) if isinstance(by, str) and by in _SOURCES else VerdictSource.COMMAND,
    }


def _needs(said: Said) -> Needs | None:
    """The picture of another job that it was made of; which one that was is among its input pictures."""
    if said.get("needs_key") is None:
        return None
    index, accepted = _number(said, "needs_index", least=0), said.get("needs_accepted")
    return Needs(_text(said, "needs_key"), index, accepted=accepted is not False)


def _axes(said: Said) -> tuple[tuple[str, str], ...]:
    """Its values on the axes; sidecars of older versions have none."""
    axes = said.get("axes") or []
    known = axes if isinstance(axes, list) else []
    return tuple(
        (str(pair[0]), str(pair[1])) for pair in known if isinstance(pair, list) and len(pair) == _PAIR
    )


def index_of(said: Said) -> int:
    """Which output of its task a picture is; raises SidecarError."""
    return _number(said, "output_index", least=0)


def digest_of(said: Said) -> str:
    """The digest of a picture as it was stored; raises SidecarError."""
    digest = _text(said, "sha256")
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise SidecarError("its sidecar has no digest of the picture")
    return digest


def _picture(kept: KeptPicture, job: JobSpec, stored_at: int) -> PaidPicture:
    said = kept.said or {}
    index = index_of(said)
    sizes = {name: said.get(name) for name in ("bytes", "width", "height")}
    known = {name: value if isinstance(value, int) else None for name, value in sizes.items()}
    media_type, nsfw = said.get("media_type"), said.get("nsfw")
    return PaidPicture(
        index=index,
        path=job.output_paths[index] if index < len(job.output_paths) else kept.path,
        stored_path=kept.path,
        sha256=digest_of(said),
        media_type=media_type if isinstance(media_type, str) else None,
        nsfw=nsfw if isinstance(nsfw, bool) else None,
        stored_at=stored_at,
        **known,
    )


def _local_images(said: Said) -> dict[str, LocalImage]:
    files = said.get("local_files", {})
    found = {}
    for written, digest in _object(said, "local_images").items():
        file = files.get(written) if isinstance(files, dict) else None
        file = file if isinstance(file, dict) else {}
        said_of_it = {name: file[name] for name in _IMAGE_FIELDS if name in file}
        found[written] = LocalImage(**{**_UNSAID, "sha256": str(digest), **said_of_it})
    return found


_SOURCES: Final = frozenset(source.value for source in VerdictSource)
_PAIR: Final = 2  # the name of an axis and the label of its value
_IMAGE_FIELDS: Final = tuple(each.name for each in fields(LocalImage))
_UNSAID: Final = {"path": "", "bytes": 0, "media_type": "image/png"}
"""Of an input picture, where a sidecar of an older version says only its digest."""


def _text(said: Said, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise SidecarError(f"its sidecar has no `{name}`")
    return value


def _object(said: Said, name: str) -> dict[str, Any]:
    value = said.get(name, {})
    if not isinstance(value, dict):
        raise SidecarError(f"its sidecar has an odd `{name}`")
    return value


_MOST: Final = 2**53


def _number(said: Said, name: str, *, least: int = 1, default: int | None = None) -> int:
    value = said.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
        raise SidecarError(f"its sidecar has no `{name}` that can be one")
    return value
