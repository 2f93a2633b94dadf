"""Cells with several tries, and moves of them that end at any step."""

import asyncio
import itertools
from collections.abc import Iterator

from sqlalchemy import select, update

from orchestrator.artifacts.moving import FolderMover
from orchestrator.core.paths import name_of_superseded, path_key, places_of_download
from orchestrator.ports import no_crash
from orchestrator.store.choosing import moves
from orchestrator.store.choosing.moves import MoveDone
from orchestrator.store.db.schema import outputs

from .breaking import CutAt, DiesInMove, LinklessFiles, QuickFiles
from .studio import Studio, digest


class FilesThatEnd(QuickFiles):
    """Files whose process ends before the n-th change of a name."""

    def __init__(self, steps: int, *, links: bool = True) -> None:
        super().__init__()
        self.left, self._links = steps, links

    def link(self, source, final):
        """A second name, where there are any."""
        self._count()
        return super().link(source, final) if self._links else LinklessFiles.link(self, source, final)

    def publish(self, temp, final):
        """As a link."""
        self._count()
        return super().publish(temp, final)

    def replace(self, temp, final):
        """A name instead."""
        self._count()
        super().replace(temp, final)

    def remove(self, path):
        """A name less."""
        self._count()
        super().remove(path)

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise DiesInMove


class StudioCells:
    """Further and further cells of one studio, each with tries A, B and C."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._numbers = itertools.count()

    def lay(self, layout: str) -> None:
        """The tries, as far as they are named; a space says that those before it have moved already."""
        self.clean = f"shop/{next(self._numbers)}/mug.png"
        self.jobs: dict[str, int] = {}
        self.foreign: set[str] = set()
        self.studio.files, self.studio.crashpoint = QuickFiles(), no_crash
        for each in layout:
            if each == " ":
                self.studio.move()
            else:
                wording = f"{each} {self.clean}"
                self.jobs[each] = self.studio.edited(wording, wording.encode(), self.clean)

    def choose(self, word: str) -> str:
        """`+A` accepts A, `-A` rejects it."""
        verdict = {"+": "accepted", "-": "rejected"}[word[0]]
        self.studio.judge(self.jobs[word[1]], verdict)
        return word

    def breaks_off(self, steps: int, *, links: bool = True) -> bool:
        """Move until the n-th change of a name, or until all is on the disk and nothing is recorded; whether
        there were so many.
        """
        files = self.studio.files = FilesThatEnd(steps, links=links)
        self.studio.crashpoint = CutAt("move.moved")
        try:
            self.studio.move()
        except DiesInMove:
            self.nothing_is_lost()
        return files.left <= 0

    def settles(self, *, links: bool = True) -> None:
        """Those who come next move whatever is left."""
        self.studio.files, self.studio.crashpoint = FilesThatEnd(0, links=links), no_crash
        for _ in range(3):
            self.studio.move()

    def carrying_out(self) -> Iterator[None]:
        """A mover that nobody keeps out, step by step: it decides, moves, records."""
        key = path_key(self.clean)
        decided = self.studio.world.do(moves.decide, [key])
        yield
        mover = FolderMover(self.studio.root, files=QuickFiles())
        done = [MoveDone(wanted, asyncio.run(mover.move(wanted))) for wanted in decided]
        yield
        for each in done:
            self.studio.world.do(moves.record, each)
        yield

    def take_superseded_names(self) -> None:
        """Somebody has files that are called as these pictures will be."""
        for job in self.jobs.values():
            place = self.studio.root / name_of_superseded(self.clean, job_id=job, attempt=1)
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(b"somebody's " + place.name.encode())
            self.foreign.add(str(place.relative_to(self.studio.root)))

    def clean_is_somebody_elses(self, name: str) -> None:
        """The download of the holder found a file of somebody under the clean name, and went beside it."""
        beside = places_of_download(self.clean, job_id=self.jobs[name])[1]
        clean = self.studio.root / self.clean
        clean.rename(self.studio.root / beside)
        clean.write_bytes(b"a retouch")
        with self.studio.world.database.write() as tx:
            tx.conn.execute(
                update(outputs).where(outputs.c.job_id == self.jobs[name]).values(stored_path=beside)
            )

    def nothing_is_lost(self) -> None:
        """Every picture of the cell is on the disk, and the clean name is a picture of it."""
        lie = self.lie()
        assert {f"{name} {self.clean}".encode() for name in self.jobs} <= set(lie.values())
        assert self.foreign <= lie.keys()
        assert self.clean in lie

    def agrees(self, chosen: str | None = None) -> None:
        """Each row says where its picture lies; nothing waits; the clean name is that of the choice."""
        self.nothing_is_lost()
        lie = {path: held for path, held in self.lie().items() if path not in self.foreign}
        assert self.rows_lie() == lie
        rows = self._rows()
        assert [row.moving_to for row in rows if row.moving_to] == []
        holder = next(row for row in rows if row.clean_path is None)
        assert (holder.path, holder.stored_path) == (self.clean, self.clean)
        if chosen is not None:
            assert holder.job_id == self.jobs[chosen]

    def lie(self) -> dict[str, bytes]:
        """Every file of the cell."""
        return self.studio.disk(self.clean.rpartition("/")[0])

    def rows_lie(self) -> dict[str, bytes]:
        """What the rows say to lie where."""
        content = {digest(each): each for each in (f"{name} {self.clean}".encode() for name in self.jobs)}
        return {row.stored_path: content[row.sha256] for row in self._rows()}

    def _rows(self):
        with self.studio.world.database.read() as tx:
            ids = outputs.c.job_id.in_(self.jobs.values())
            return tx.conn.execute(select(outputs).where(ids)).all()
