"""A plan in a file, to be applied later just as it was shown, or not at all.

What a plan stands on is sealed: the manifests, their tables, the bytes of every input picture, the jobs with
their paths, and the price of each kind of job.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path
from typing import Any, Final

from orchestrator.actions.planning.walking.part import Part
from orchestrator.core.errors import UsageError
from orchestrator.core.money import format_usd
from orchestrator.core.specs import JobSpec

SUFFIX: Final = ".plan"
VERSION: Final = 1
NAMED_MAX: Final = 5_000
"""So many pictures are sealed by name, to say which one has changed; all count in the digest of the jobs."""

SHOWN_MAX: Final = 5


@dataclass(slots=True)
class Seal:
    """What one manifest stood on when it was planned."""

    manifest: str = ""  # digest of the file
    run_key: str = ""
    tables: dict[str, str] = field(default_factory=dict)  # digests by name
    pictures: dict[str, str] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)  # of one job in micros, by what decides it
    jobs: str = ""  # digest over the keys and paths of all jobs, in order
    bought: int = 0  # jobs that the run had not, and that no earlier run served
    _hash: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, specs: Iterable[JobSpec]) -> None:
        """See some jobs go by, in order."""
        for spec in specs:
            self._hash.update("\0".join([spec.key, *spec.output_paths, "\n"]).encode())
            self.prices.setdefault(spec.priced_by, spec.price_micros)
            for written, image in spec.local_images.items():
                if len(self.pictures) < NAMED_MAX:
                    self.pictures.setdefault(written, image.content)

    def close(
        self, *, manifest: str, run_key: str, tables: Sequence[Path], prices: Mapping[str, int]
    ) -> None:
        """The rest, once all jobs have gone by; `prices` are those that count now."""
        self.manifest, self.run_key = manifest, run_key
        self.tables = {path.name: _digest(path) for path in tables}
        self.prices.update(prices)
        self.jobs = self._hash.hexdigest()

    def drift(self, now: "Seal", name: str) -> list[str]:
        """What has changed since, as sentences; nothing while the same jobs cost no more than planned."""
        found = [f"{name} has changed"] if now.manifest != self.manifest else []
        found += _changed("the table", self.tables, now.tables)
        found += _changed("the picture", self.pictures, now.pictures)
        for digest, before in self.prices.items():
            if (micros := now.prices.get(digest, before)) > before:
                found.append(f"a job costs ${format_usd(micros)} now, and cost ${format_usd(before)} then")
        if now.bought > self.bought:
            found.append(f"{name} would buy {now.bought:,} jobs now, and {self.bought:,} then")
        if not found and now.jobs != self.jobs:
            found.append(f"{name} gives other jobs or paths, by another configuration or release")
        return found


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A whole plan: what was asked for, and the seal of each manifest by its path."""

    made_at: int  # ms; `date` in templates is that day
    part: Part
    seals: dict[Path, Seal]
    skip_bad_rows: bool = False
    at: str | None = None  # the moment that was typed; `date` in templates is its day
    regenerate: str | None = None  # said instead of the manifests' words

    def refuse_drift(self, now: Sequence[Seal]) -> None:
        """Raise UsageError unless everything is as it was."""
        found = [
            sentence
            for (path, seal), seen in zip(self.seals.items(), now, strict=True)
            for sentence in seal.drift(seen, path.name)
        ]
        if found:
            more = f"; and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
            raise UsageError(
                f"The saved plan is out of date: {'; '.join(found[:SHOWN_MAX])}{more}. Plan again, and look "
                "at it: orchestrator plan MANIFEST -o FILE. Nothing was written and nothing was spent."
            )

    def write(self, path: Path) -> None:
        """Save it; raises UsageError rather than overwrite a file that is no saved plan."""
        if path.exists() and not _is_saved(path):
            raise UsageError(f"{path} exists and is no saved plan; it was not overwritten.")
        body = {
            "orchestrator_plan": VERSION,
            "made_at": self.made_at,
            "limit": self.part.limit,
            "sample": self.part.sample,
            "unmade": self.part.unmade,
            "skip_bad_rows": self.skip_bad_rows,
            **({"at": self.at} if self.at is not None else {}),
            "regenerate": self.regenerate,
            "manifests": [
                {"path": Path(relpath(manifest, path.parent)).as_posix(), **_words(seal)}
                for manifest, seal in self.seals.items()
            ],
        }
        text = json.dumps({**body, "sealed": _sealed(body)}, ensure_ascii=False, indent=1)
        try:
            path.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def read_saved(path: Path) -> SavedPlan:
    """The plan in a file; raises UsageError where it is none, or was edited."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no saved plan"
        raise UsageError(f"{path} cannot be read: {reason}.") from None
    if not isinstance(found, dict) or found.get("orchestrator_plan") != VERSION:
        raise UsageError(
            f"{path} is no saved plan of this release. Make one: orchestrator plan MANIFEST -o FILE"
        )
    if found.pop("sealed", None) != _sealed(found):
        raise UsageError(
            f"{path} was edited after it was saved. Plan again: orchestrator plan MANIFEST -o FILE"
        )
    seals = {
        path.parent / each.pop("path"): Seal(**{name: each[name] for name in _NAMES})
        for each in found["manifests"]
    }
    return SavedPlan(
        found["made_at"],
        Part(found["limit"], found["sample"], found["unmade"]),
        seals=seals,
        skip_bad_rows=found["skip_bad_rows"],
        at=found.get("at"),
        regenerate=found["regenerate"],
    )


_NAMES: Final = ("manifest", "run_key", "tables", "pictures", "prices", "jobs", "bought")


def _words(seal: Seal) -> dict[str, Any]:
    return {name: getattr(seal, name) for name in _NAMES}


def _sealed(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _is_saved(path: Path) -> bool:
    try:
        return '"orchestrator_plan"' in path.read_text(encoding="utf-8")[:200]
    except (OSError, ValueError):
        return False


def _changed(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{what} {name} has changed" for name, digest in before.items() if now.get(name, digest) != digest
    ]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""
