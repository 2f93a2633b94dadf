"""Judging: stored pictures are held against the checks of their manifest, beside everything else.

A check costs nothing and decides nothing: what it finds is a suggestion. No trouble with one touches a
picture or the work; a picture that is not on this host, or cannot be read, is left to another worker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from PIL import Image

from orchestrator.catalogue import revisions
from orchestrator.core.decoding import DECODER_ERRORS
from orchestrator.pictures.checks import CheckAnswer, CheckedPicture, judge
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing import checks
from orchestrator.store.choosing.checked_tries import CheckedJob, redo_failed
from orchestrator.store.choosing.checks import CheckFound, UnjudgedPicture
from orchestrator.store.db.database import Tx
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.upkeep.check_commands import CheckCommands

LOOK_SECONDS: Final = 5.0
UNREADABLE: Final = (OSError, *DECODER_ERRORS)
SIBLINGS_MAX: Final = 20

in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread
Rules = dict[int, tuple[dict[str, Any], int]]


class PictureJudge:
    """Applies the checks to pictures that none has looked at."""

    def __init__(self, deps: Deps, *, worker_id: str, run_ids: Collection[int] | None) -> None:
        self._deps = deps
        self._signed = Signature("checks", worker_id, "redo_failed")
        self._run_ids = run_ids
        self._root = Path(deps.settings.outputs.root)
        self._passed_over: set[tuple[int, int, str]] = set()  # job, index and place: it may be moved
        self._programs = CheckCommands()
        self._done_at: dict[int, int] = {}  # run: pictures stored when all of them had been looked at

    async def tick(self) -> float:
        """Look at some; returns the delay to the next look."""
        with self._deps.database.read() as tx:
            behind = bool(self._behind(tx))
        pictures = await in_thread(self._read_unjudged) if behind else []
        for picture in pictures:
            try:
                found = await in_thread(self._judged, picture)
            except asyncio.CancelledError:  # the worker leaves: it must not wait for a program that hangs
                self._programs.stop()
                raise
            if found is None:
                self._passed_over.add((picture.job_id, picture.index, picture.path))
                continue
            for each in found:
                await write_durably(self._deps, checks.record, each)
            if any(each.passed is False for each in found):
                await self._again(picture)
        return 0.0 if pictures else LOOK_SECONDS

    async def _again(self, picture: UnjudgedPicture) -> None:
        """Another try, where the manifest allows one."""
        checked = CheckedJob(picture.job_id, self._signed, revisions())
        made = await write_durably(self._deps, redo_failed, checked)
        if made is not None:
            self._deps.notify(f"Job {picture.job_id} fails a check, and is made again as job {made}.")

    def settled(self, tx: Tx) -> bool:
        """Whether every picture that is here has been looked at."""
        return not self._unjudged(tx)

    def _read_unjudged(self) -> list[UnjudgedPicture]:
        with self._deps.database.read() as tx:
            return self._unjudged(tx)

    def _behind(self, tx: Tx) -> Rules:
        """The rules of runs that have stored pictures since all of theirs had been looked at."""
        rules = checks.rules_of_runs(tx, self._run_ids)
        return {run: each for run, each in rules.items() if self._done_at.get(run) != each[1]}

    def _unjudged(self, tx: Tx) -> list[UnjudgedPicture]:
        behind = self._behind(tx)
        found = checks.unjudged(tx, {run: said for run, (said, _) in behind.items()}, self._passed_over)
        if not found:
            self._done_at.update({run: stored for run, (_, stored) in behind.items()})
        return found

    def _judged(self, picture: UnjudgedPicture) -> list[CheckFound] | None:
        """What the checks say; None where the picture is not here."""
        file = self._root / picture.path
        with ExitStack() as stack:
            try:
                opened = stack.enter_context(Image.open(file))
                opened.load()
            except UNREADABLE:
                return None
            subject = CheckedPicture(
                opened,
                asked_ratio=str(picture.params.get("aspect_ratio", "")),
                sources=self._sources(picture, stack),
                siblings=self._siblings(picture, stack),
            )
            said = judge(subject, picture.rules)
        said += self._commands(file, picture.rules.get("commands") or {})
        return [
            CheckFound(
                job_id=picture.job_id,
                index=picture.index,
                sha256=picture.sha256,
                name=each.name,
                passed=each.passed,
                reason=each.reason,
            )
            for each in said or [CheckAnswer("none", passed=None, reason="the manifest names no check")]
        ]

    def _sources(self, picture: UnjudgedPicture, stack: ExitStack) -> list[Image.Image]:
        if not picture.rules.get("like_source"):
            return []
        paths = [self._root / image["path"] for image in picture.local_images.values()]
        return _opened(paths, stack)

    def _siblings(self, picture: UnjudgedPicture, stack: ExitStack) -> list[tuple[str, Image.Image]]:
        if not picture.rules.get("like_sibling"):
            return []
        with self._deps.database.read() as tx:
            near = checks.siblings(tx, picture, SIBLINGS_MAX)
        found = []
        for each in near:
            found += [(f"job {each.job_id}", opened) for opened in _opened([self._root / each.path], stack)]
        return found

    def _commands(self, file: Path, commands: Mapping[str, Mapping[str, Any]]) -> list[CheckAnswer]:
        allowed = self._deps.settings.checks.commands
        return [
            self._programs.answer(name, said, file)
            if allowed
            else CheckAnswer(
                name, passed=None, reason="this worker runs no commands: checks.commands of its config.yaml"
            )
            for name, said in commands.items()
        ]


def _opened(paths: Sequence[Path], stack: ExitStack) -> list[Image.Image]:
    found: list[Image.Image] = []
    for path in paths:
        try:
            opened = stack.enter_context(Image.open(path))
            opened.load()
            found.append(opened)
        except UNREADABLE:
            continue
    return found
