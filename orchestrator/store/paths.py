"""Output paths: one owner each, over all manifests and runs."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from sqlalchemy import select

from orchestrator.core.errors import UsageError
from orchestrator.core.specs import JobSpec
from orchestrator.store.database import Tx
from orchestrator.store.lookups import chunks
from orchestrator.store.schema import campaigns, jobs, outputs, runs

CONFLICTS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class PathConflict:
    """An output path that another manifest's job owns."""

    path: str
    campaign: str
    name: str
    run_key: str
    job_id: int


class PathTakenError(UsageError):
    """Output paths of this manifest belong to jobs of another one."""

    def __init__(self, conflicts: Sequence[PathConflict]) -> None:
        self.conflicts = tuple(conflicts)
        shown = "\n".join(
            f"  {c.path}  is owned by job {c.job_id} of {c.campaign}/{c.name}, run {c.run_key}"
            for c in conflicts[:CONFLICTS_SHOWN]
        )
        more = (
            f"\n  ... and {len(conflicts) - CONFLICTS_SHOWN} more" if len(conflicts) > CONFLICTS_SHOWN else ""
        )
        super().__init__(
            f"{len(conflicts)} output path(s) belong to another manifest's jobs; nothing is ever overwritten:\n"
            f"{shown}{more}\nChange `output:` so that it names this manifest, for example with {{{{ name }}}}."
        )


def foreign(tx: Tx, campaign: str, name: str, specs: Sequence[JobSpec]) -> list[PathConflict]:
    """Paths of these specs that belong to jobs of another manifest than `campaign`/`name`."""
    wanted = {path_key(path): path for spec in specs for path in spec.output_paths}
    return [
        PathConflict(wanted[key], owner.campaign, owner.name, owner.run_key, owner.job_id)
        for key, owner in _owners(tx, list(wanted)).items()
        if (owner.campaign, owner.name) != (campaign, name)
    ]


def path_key(path: str) -> bytes:
    """What makes two output paths the same file on some file system: 16 bytes over the folded path."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:16]


@dataclass(frozen=True, slots=True)
class _Owner:
    campaign: str
    name: str
    run_key: str
    job_id: int


def _owners(tx: Tx, keys: Sequence[bytes]) -> dict[bytes, _Owner]:
    found: dict[bytes, _Owner] = {}
    for chunk in chunks(keys):
        query = (
            select(
                outputs.c.path_key,
                outputs.c.job_id,
                runs.c.name,
                runs.c.run_key,
                campaigns.c.name.label("campaign"),
            )
            .join_from(outputs, jobs)
            .join(runs)
            .join(campaigns)
            .where(outputs.c.path_key.in_(chunk))
        )
        for row in tx.conn.execute(query):
            found[row.path_key] = _Owner(row.campaign, row.name, row.run_key, row.job_id)
    return found


def assign(
    tx: Tx, campaign: str, name: str, run_key: str, specs: Sequence[JobSpec]
) -> tuple[dict[tuple[str, int], str], list[tuple[str, str]]]:
    """The path of every output of new specs, by (job key, index), and which had to be renamed (wanted, given).

    Raises PathTakenError for a path of another manifest. One that an earlier job of the same manifest owns (an edited
    prompt, another run key) gets a suffix made from this job, so that both pictures are kept.
    """
    if taken := foreign(tx, campaign, name, specs):
        raise PathTakenError(taken)
    owned = _owners(tx, [path_key(path) for spec in specs for path in spec.output_paths])
    given: dict[tuple[str, int], str] = {}
    renamed: list[tuple[str, str]] = []
    for spec in specs:
        for index, path in enumerate(spec.output_paths):
            own = path if path_key(path) not in owned else _suffixed(path, run_key, spec)
            if own != path:
                renamed.append((path, own))
            given[spec.key, index] = own
    return given, renamed


def _suffixed(path: str, run_key: str, spec: JobSpec) -> str:
    digest = hashlib.sha256(f"{run_key}\n{spec.key}".encode()).hexdigest()[:8]
    pure = PurePosixPath(path)
    return str(pure.with_name(f"{pure.stem}~{digest}{pure.suffix}"))
