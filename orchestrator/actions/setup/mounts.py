"""Which file system a path is on: SQLite must not be on a network one, and is refused there."""

from pathlib import Path
from typing import Final

from orchestrator.core.errors import UsageError
from orchestrator.store.db.database_url import parse_url, sqlite_path

NETWORK: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "fuse.sshfs",
        "9p",
        "afs",
        "ceph",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "glusterfs",
    }
)
MOUNTS: Final = Path("/proc/mounts")


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The kind of network file system `path` is on; None for a local one, or where that cannot be known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best, kind = "", ""
    resolved = path.resolve()
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, folder, kind
            continue
        folder = fields[1].replace("\\040", " ")
        if resolved.is_relative_to(folder) and len(folder) >= len(best):
            best, kind = folder, fields[2]
    return kind if kind in NETWORK else None


def refuse_network_file(url: str) -> None:
    """Raise UsageError when the database is a SQLite file on a network file system."""
    path = sqlite_path(parse_url(url))
    kind = network_file_system(path) if path is not None else None
    if kind is not None:
        raise UsageError(
            f"{path} is on a network file system ({kind}), where SQLite cannot lock its file safely: two "
            "workers might pay for the same job. Name a file on a disk of this machine in database_url, or "
            "use Postgres for several hosts."
        )
