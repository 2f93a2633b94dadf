"""Another copy of the store that lives: whoever begins where it bought must see that first."""

from ..bought import SimulatedTask
from .scene import Scene


class CopyChecks:
    """What each worker could see of others' buying when it began."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        # process -> what must stop it, and when the newest task of ours was accepted (ms)
        self._seen_of_copy: dict[str, tuple[set[str], int]] = {}
        # processes that begin on tasks bought before, and never can read the list
        self._blind: set[str] = set()

    def born(self, who: str) -> None:
        """A worker begins. What a copy bought by now, newer than all that our database knows, must stop
        it."""
        scene = self._scene
        if scene.plan.unknown_tasks != "stop":
            return
        if scene.plan.lasting == "list" and self._newest_accepted() is not None:
            self._blind.add(who)
        newest = self._newest_of_ours() if scene.plan.copy_buys else None
        if newest is None:
            return
        now, known = scene.account.now(), scene.known()
        found = {
            task.id
            for task in scene.account.of_copy()
            if task.id not in known
            and task.visible <= now
            and not scene.account.expired(task)
            and self._is_newer(task, newest)
        }
        self._seen_of_copy[who] = found, newest
        scene.timeline.edges["start sees a copy"] += bool(found)

    def looks(self, who: str) -> None:
        """The list is shown to a worker, maybe long after its birth: what our database knows has become
        newer since."""
        found, since = self._seen_of_copy.get(who, (set(), 0))
        if not found:
            return
        newest = self._newest_of_ours()
        tasks = self._scene.account.tasks
        left = {name for name in found if newest and self._is_newer(tasks[name], newest)}
        self._seen_of_copy[who] = left, since

    def sees(self, who: str, prompt: str) -> None:
        """A worker sends: it was able to read the list before."""
        self._scene.expect(
            who not in self._blind,
            "44",
            f"a POST for {prompt!r} by {who}, which never saw what else was bought",
        )

    def is_known(self, who: str) -> None:
        """A worker sends: what a copy had bought is adopted or noted by now, or explained by others'
        POSTs."""
        shown, since = self._seen_of_copy.get(who, (set(), 0))
        if not shown:
            return
        left = shown - self._scene.known()
        others = self._scene.row(
            "SELECT count(*) AS n FROM attempts WHERE submitted_at > ? AND worker <> ?",
            since,
            self._scene.workers[who],
        )
        self._scene.expect(
            len(left) <= others["n"],
            "44",
            f"a POST by {who}, and a copy had bought {sorted(left)} before it began",
        )

    def _newest_of_ours(self) -> int | None:
        """When the newest task of our database was accepted; None also while a lost reply might explain
        another."""
        return None if self._scene.doubts() else self._newest_accepted()

    def _newest_accepted(self) -> int | None:
        newest: int | None = self._scene.row("SELECT max(accepted_at) AS at FROM attempts")["at"]
        return newest

    def _is_newer(self, task: SimulatedTask, at_ms: int) -> bool:
        plan = self._scene.plan
        return plan.start_ms + task.created * 1000 + plan.clock_skew_ms > at_ms
