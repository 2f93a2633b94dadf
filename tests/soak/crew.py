"""The workers: started, killed, frozen, and started again as a supervisor would."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass

from crashes.processes import Child

from soak.site import Line, Site

CLOCKS = ("", "", "", "90", "-90", "3600")
"""By how many seconds a worker's own clock is wrong."""

BACK_SECONDS = (0.3, 4.0)
LEAVE_SECONDS_MAX = 120.0


@dataclass
class WorkerSlot:
    """A place for one worker."""

    number: int
    line: Line
    child: Child | None = None
    back_at: float = 0.0
    frozen_until: float = 0.0


class Crew:
    """Keeps every post filled."""

    def __init__(self, site: Site, dice: random.Random) -> None:
        self.posts = [WorkerSlot(number, line) for number, line in enumerate(site.lines)]
        self.deeds: Counter[str] = Counter()
        self.stuck = 0  # did not leave when asked
        self._site = site
        self._dice = dice

    def tend(self) -> None:
        """Thaw who has been frozen long enough; start who is due; note who left unasked."""
        now = time.monotonic()
        for post in self.posts:
            if post.child is None:
                if now >= post.back_at:
                    self._start(post)
                continue
            if post.frozen_until and now >= post.frozen_until:
                self._thaw(post)
            code = post.child.poll()
            if code is not None:
                self.deeds[f"left by itself with {code}"] += 1
                self._vacant(post)

    def kill(self) -> None:
        """SIGKILL for one of them, whatever it is doing."""
        post = self._anyone()
        if post is not None and post.child is not None:
            post.child.kill()
            self.deeds["killed"] += 1
            self._vacant(post)

    def freeze(self, seconds: float) -> None:
        """SIGSTOP for one of them; it wakes up after its lease is gone."""
        post = self._anyone()
        if post is not None and post.child is not None and not post.frozen_until:
            os.kill(post.child.pid, signal.SIGSTOP)
            post.frozen_until = time.monotonic() + seconds
            self.deeds["frozen"] += 1

    def dismiss(self) -> None:
        """SIGTERM for all: finish what is in flight, then leave."""
        for post in self.posts:
            if post.child is None:
                continue
            self._thaw(post)
            if post.child.poll() is None:
                os.kill(post.child.pid, signal.SIGTERM)
        for post in self.posts:
            if post.child is not None:
                self.deeds[f"dismissed with {self._gone(post.child)}"] += 1
                post.child = None

    def _gone(self, child: Child) -> object:
        """The code of one that was asked to leave; one that does not is made to tell where it is, and
        killed."""
        until = time.monotonic() + LEAVE_SECONDS_MAX
        while time.monotonic() < until:
            if (code := child.poll()) is not None:
                return code
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGUSR1)
        time.sleep(1.0)
        child.kill()
        self.stuck += 1
        return "force"

    @property
    def pids(self) -> list[int]:
        """Of those who are there."""
        return [post.child.pid for post in self.posts if post.child is not None]

    def _start(self, post: WorkerSlot) -> None:
        variables = {"CLAIM_TIMES": str(self._site.folder / "claims.txt"), "TELL_ON_SIGNAL": "1"}
        if ahead := self._dice.choice(CLOCKS):
            variables["CLOCK_AHEAD_SECONDS"] = ahead
            self.deeds["started with a wrong clock"] += 1
        post.child = self._site.start(f"worker-{post.number}.log", "work", line=post.line, **variables)
        self.deeds["started"] += 1

    def _vacant(self, post: WorkerSlot) -> None:
        post.child, post.frozen_until = None, 0.0
        post.back_at = time.monotonic() + self._dice.uniform(*BACK_SECONDS)

    def _thaw(self, post: WorkerSlot) -> None:
        if post.child is not None and post.frozen_until:
            post.frozen_until = 0.0
            if post.child.poll() is None:
                os.kill(post.child.pid, signal.SIGCONT)

    def _anyone(self) -> WorkerSlot | None:
        there = [post for post in self.posts if post.child is not None]
        return self._dice.choice(there) if there else None
