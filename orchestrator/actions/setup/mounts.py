"""Which file system a path is on: SQLite must not be on a network one."""

from pathlib import Path
from typing import Final

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
