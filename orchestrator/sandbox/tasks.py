"""Tasks: the provider's predictions. A task has no timer; what it is follows from its fate and the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from orchestrator.sandbox.fates import FLAGS, Fate

NEVER_MS: Final = 1 << 62
EXTENSIONS: Final[Mapping[str, str]] = {"png": "png", "jpeg": "jpeg", "webp": "webp"}
TERMINAL: Final = frozenset({"completed", "failed", "cancelled", "timeout", "deleted"})


@dataclass(frozen=True, slots=True)
class Reference:
    """An input picture the sandbox holds: a digest in the media store, or only a URL to draw a stand-in
    from.
    """

    url: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Served:
    """The bytes of an output, as first made."""

    sha256: str
    bytes: int


@dataclass(slots=True)
class Task:
    """An accepted task. Everything but the last block is fixed at acceptance; times are milliseconds."""

    number: int  # from 1, in order of acceptance
    id: str
    model: str
    inputs: dict[str, Any]  # defaults filled in, unknown keys gone
    dropped: tuple[str, ...]  # the unknown keys
    references: tuple[Reference, ...]
    price_micros: int
    fate: Fate
    created_ms: int
    started_ms: int
    finished_ms: int
    expires_ms: int

    deleted_ms: int | None = None
    url_version: int = 1
    url_issued_ms: int = 0
    dead_url_version: int = 0
    seen_ms: int | None = None  # when a result first showed that it had ended
    served: dict[int, Served] = field(default_factory=dict)

    @property
    def extension(self) -> str:
        """The ending of its outputs' names."""
        return EXTENSIONS.get(self.inputs.get("output_format", "png"), "png")

    def status(self, now_ms: int) -> str:
        """The provider's word for it now."""
        if self.deleted_ms is not None:
            return "deleted"
        if now_ms >= self.finished_ms:
            return self.fate.status
        return self.fate.running_word if now_ms >= self.started_ms else "created"

    def known(self, now_ms: int) -> bool:
        """Whether the API still knows it: not past retention, and not deleted after it ended."""
        if now_ms >= self.expires_ms:
            return False
        return self.deleted_ms is None or self.deleted_ms < self.finished_ms


def view(task: Task, now_ms: int, origin: str) -> dict[str, Any]:
    """The prediction object as the result and the list show it (docs: get result)."""
    status = task.status(now_ms)
    done = status == "completed"
    ended = status in TERMINAL
    shown = done and now_ms >= task.finished_ms + round(task.fate.late_seconds * 1000)
    inference = min(task.finished_ms, now_ms) - task.started_ms if ended else 0
    data: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "outputs": _outputs(task, origin) if shown else [],
        "urls": {"get": f"{origin}/api/v3/predictions/{task.id}/result"},
        "has_nsfw_contents": _flags(task.fate) if shown else [],
        "status": task.fate.word if ended and task.fate.word else status,
        "created_at": iso(task.created_ms),
        "error": task.fate.error if ended else task.fate.running_error,
        "executionTime": inference,
        "timings": {"inference": inference},
    }
    if ended and task.fate.code:
        data["code"] = task.fate.code
    return data


def created_view(task: Task, origin: str) -> dict[str, Any]:
    """The prediction object as the submit reply shows it: always `created`, whatever the latency (docs:
    submit task).
    """
    return {
        "id": task.id,
        "model": task.model,
        "outputs": [],
        "urls": {"get": f"{origin}/api/v3/predictions/{task.id}/result"},
        "has_nsfw_contents": [],
        "status": "created",
        "created_at": iso(task.created_ms),
        "error": "",
        "timings": {"inference": 0},
    }


def _outputs(task: Task, origin: str) -> list[Any]:
    urls = [
        f"{origin}/outputs/{task.id}/v{task.url_version}/{index}.{task.extension}"
        for index in range(task.fate.outputs)
    ]
    if task.fate.nested_outputs:
        return [[url] for url in urls]
    return [{"url": url} for url in urls] if task.fate.object_outputs else list(urls)


def _flags(fate: Fate) -> list[Any] | None:
    """The flags as the task writes them."""
    if fate.nsfw is None:
        return None
    words = FLAGS.get(fate.flags_as)
    return [flag if words is None else words[flag] for flag in fate.nsfw]


def iso(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
