"""What a process did to files and sockets, in order: strace's log as events."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat,open,creat,close,write,pwrite64,writev,pwritev,ftruncate,truncate,fsync,fdatasync,"
    "sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "dup,dup2,dup3,lseek,sendto,sendmsg,recvfrom,recvmsg"
)
TEXT_MAX = 1 << 20

_LINE = re.compile(r"^(\d+) +(.*)$", re.DOTALL)
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+|\?)", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True)
class Call:
    """One system call that succeeded. `began` and `ended` are places in the log: threads overlap."""

    name: str
    words: str  # its arguments, without the texts
    texts: tuple[bytes, ...]
    result: int
    began: int
    ended: int

    def numbers(self) -> list[int]:
        """The arguments that are plain numbers, in order."""
        return [int(word) for word in re.findall(r"(?<![\w.])-?\d+(?![\w.])", self.words)]


def why_not() -> str:
    """Why nothing can be traced here; empty when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install strace)"
    probe = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False
    )
    return "" if probe.returncode == 0 else f"strace cannot trace here: {probe.stderr.strip()[:200]}"


def traced(
    command: Sequence[str], log: Path, folder: Path, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a command whose calls go to the log."""
    tracer = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-xx",
        "-s",
        str(TEXT_MAX),
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
    ]
    with (folder / "commands.log").open("ab") as output:
        return subprocess.Popen(
            [*tracer, "-o", str(log), *command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def calls(log: Path) -> Iterator[Call]:
    """The calls of a log, in the order in which they ended."""
    started: dict[str, tuple[int, str]] = {}
    with log.open(encoding="ascii") as lines:
        for place, line in enumerate(lines):
            match = _LINE.match(line.rstrip("\n"))
            if match is None:
                continue
            thread, said = match.groups()
            if said.endswith(_UNFINISHED):
                started[thread] = (place, said.removesuffix(_UNFINISHED))
                continue
            began, resumed = place, _RESUMED.match(said)
            if resumed is not None:
                began, first_half = started.pop(thread)
                said = first_half + resumed.group(2)
            if (call := _call(said, began, place)) is not None:
                yield call


def _call(said: str, began: int, ended: int) -> Call | None:
    match = _CALL.match(said)
    if match is None or not match.group(3).isdecimal():
        return None
    texts = _TEXT.findall(match.group(2))
    assert not any(cut for _, cut in texts), f"a text was cut: {match.group(1)}"
    return Call(
        name=match.group(1),
        words=_TEXT.sub('""', match.group(2)),
        texts=tuple(bytes.fromhex(text.replace("\\x", "")) for text, _ in texts),
        result=int(match.group(3)),
        began=began,
        ended=ended,
    )
