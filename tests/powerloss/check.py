"""What every disk image must show, whatever the moment the power went."""

import hashlib
import json
import random
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from powerloss.disk import Disk, Image
from powerloss.trace import Call

SUBMIT = b"POST /api/v3/kwaivgi/"
LOOK = re.compile(rb"GET /api/v3/predictions/([0-9a-f]{32})/result")
SENDS = frozenset({"sendto", "sendmsg"})
"""They count from their beginning: what is synced while they run may be too late."""

NO_PICTURES = {".orchestrator-tmp", ".orchestrator"}
"""Folders of what is not finished yet, and of marks, which are promised to nobody."""

ID = re.compile(rb'"id": ?"([0-9a-f]{32})"')


@dataclass
class LossFindings:
    """What was looked at, and what was wrong."""

    problems: Counter[str] = field(default_factory=Counter)
    images: int = 0
    moments: int = 0
    posts: int = 0
    answers: int = 0


@dataclass
class _World:
    """What other machines have seen of the process so far."""

    sent: Counter[str] = field(default_factory=Counter)  # prompt -> requests that left
    answered: list[str] = field(default_factory=list)  # prediction ids that arrived
    acted_on: set[str] = field(default_factory=set)  # and were followed by a request
    posting: dict[int, bool] = field(default_factory=dict)  # descriptor -> waits for the answer to a submit


def check(
    calls: Iterable[Call], disk: Disk, root: Path, pictures: set[str], *, torn: int, seed: int
) -> LossFindings:
    """Play the calls; look at the disk before each sync and request (torn), and after it (bare: without what
    was not synced).

    `pictures` are the digests of everything the provider has made. A prediction id counts as acted on when
    the process looks at it, or sends another paid request after its answer: with one task at a time both must
    wait for its commit.
    """
    found, world, dice = LossFindings(), _World(), random.Random(seed)
    seen: set[str] = set()
    for call in sorted(calls, key=lambda call: call.began if call.name in SENDS else call.ended):
        told = _told_others(call, world, found)
        images = [disk.torn(dice) for _ in range(torn)] if told or disk.is_sync(call) else []
        if disk.play(call) or told:
            images.append(disk.dropped())
            found.moments += 1
        for image in images:
            fingerprint = _fingerprint(image, world)
            if fingerprint not in seen:
                seen.add(fingerprint)
                found.images += 1
                found.problems.update(set(_problems(image=image, root=root, world=world, pictures=pictures)))
    return found


def _told_others(call: Call, world: _World, found: LossFindings) -> bool:
    """Note what leaves and what arrives; True when a request leaves that depends on earlier facts."""
    data = b"".join(call.texts)
    if call.name in {"recvfrom", "recvmsg"}:
        descriptor = call.numbers()[0]
        if world.posting.get(descriptor) and (match := ID.search(data)):
            world.posting[descriptor] = False
            world.answered.append(match.group(1).decode())
            found.answers += 1
        return False
    if call.name not in SENDS:
        return False
    if data.startswith(SUBMIT):
        world.sent[json.loads(data[data.index(b"\r\n\r\n") + 4 :])["prompt"]] += 1
        world.posting[call.numbers()[0]] = True
        world.acted_on.update(world.answered)
        found.posts += 1
        return True
    if match := LOOK.match(data):
        world.acted_on.add(match.group(1).decode())
        return True
    return False


def _problems(image: Image, root: Path, world: _World, pictures: set[str]) -> Iterator[str]:
    outputs = root / "outputs"
    for path, content in image.items():
        if path.is_relative_to(outputs) and not NO_PICTURES & set(path.parts):
            if path.parent == outputs and ".html" in path.suffixes:
                continue  # the page of a run, which is written anew each time
            if path.suffix == ".json":
                if not _is_json(content):
                    yield "a sidecar is not whole"
            elif hashlib.sha256(content).hexdigest() not in pictures:
                yield "a picture with a final name is not whole"
    with _database(image, root) as conn:
        try:
            yield from _database_problems(conn=conn, image=image, outputs=outputs, world=world)
        except sqlite3.DatabaseError as error:
            yield f"the database cannot be read: {error}"


def _database_problems(conn: sqlite3.Connection, image: Image, outputs: Path, world: _World) -> Iterator[str]:
    (answer,) = conn.execute("PRAGMA integrity_check").fetchone()
    if answer != "ok":
        yield f"integrity_check: {answer}"
    if conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempts'").fetchone() is None:
        if world.sent:
            yield "a request left before there were tables"
        return
    yield from _unkept_promises(conn, world)
    if conn.execute(_UNBALANCED).fetchone() is not None:
        yield "the balance is not the sum of the ledger"
    for stored_path, digest in conn.execute("SELECT stored_path, sha256 FROM outputs WHERE state = 'stored'"):
        content = image.get(outputs / stored_path)
        if content is None:
            yield "a stored picture has no name"
        elif hashlib.sha256(content).hexdigest() != digest:
            yield "a stored picture is not whole"


def _unkept_promises(conn: sqlite3.Connection, world: _World) -> Iterator[str]:
    intended: Counter[str] = Counter()
    reserved: Counter[str] = Counter()
    for prompt, kinds in conn.execute(_ATTEMPTS):
        intended[prompt] += 1
        reserved[prompt] += "reserve" in (kinds or "")
    if any(count > intended[prompt] for prompt, count in world.sent.items()):
        yield "a request left whose intent is not durable"
    if any(count > reserved[prompt] for prompt, count in world.sent.items()):
        yield "a request left whose reservation is not durable"
    known = {row[0] for row in conn.execute("SELECT prediction_id FROM attempts")}
    if world.acted_on - known:
        yield "a prediction that was acted on is not durable"


_ATTEMPTS = """
SELECT json_extract(job_specs.params, '$.prompt'), group_concat(ledger.kind)
FROM attempts JOIN job_specs USING (job_id) LEFT JOIN ledger ON ledger.attempt_id = attempts.id
WHERE attempts.submitted_at IS NOT NULL GROUP BY attempts.id
"""
_UNBALANCED = """
SELECT 1 FROM balances, (SELECT total(held_delta) AS held, total(spent_delta) AS spent FROM ledger) AS sums
WHERE scope = 'account' AND period = 'total' AND (held_micros <> sums.held OR spent_micros <> sums.spent)
"""


@contextmanager
def _database(image: Image, root: Path) -> Iterator[sqlite3.Connection]:
    """The image's database, opened as the next process would; an absent one is empty."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        for name in ("orchestrator.db", "orchestrator.db-wal", "orchestrator.db-journal"):
            if (content := image.get(root / name)) is not None:
                Path(folder, name).write_bytes(content)
        with closing(sqlite3.connect(Path(folder, "orchestrator.db"))) as conn:
            yield conn


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _fingerprint(image: Image, world: _World) -> str:
    digest = hashlib.blake2b(repr((sorted(world.sent.items()), sorted(world.acted_on))).encode())
    for path, content in sorted(image.items()):
        digest.update(str(path).encode() + b"\0" + len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True
