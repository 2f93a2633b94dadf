"""Bugs planted in nights, one by one: `python -m tests.nights.bugs` reports how many months each took."""

from dataclasses import replace

from orchestrator.actions.planning import expand_tick
from orchestrator.core.states import TickEvent, TickState
from orchestrator.core.tick_decisions import Admission
from orchestrator.store.schedules import asking, ending, expanding, firing, schedules, ticks
from orchestrator.timetable import timetable
from tests.simulation.planting import Mutation, Patch, planted

from .command import month, stage

DAYS = 5
MONTHS_MAX = 30


def autumn_fires_twice(patch: Patch) -> None:
    """A time on the wall is taken for elapsed time: what comes twice fires twice."""
    patch(timetable, "_names_hours", lambda cron: False)


def spring_loses_a_night(patch: Patch) -> None:
    """What the clock skips never comes."""
    real = timetable.Timetable.after

    def after(self, ms):
        return (each for each in real(self, ms) if self.local(each.at) == each.local)

    patch(timetable.Timetable, "after", after)


def edit_starts_from_the_beginning(patch: Patch) -> None:
    """The new expression is held against the time before the edit."""
    real = schedules.put

    def put(tx, name, words, *, manifest_path):
        found = real(tx, name, words, manifest_path=manifest_path)
        if found.before is not None and found.schedule.revision > found.before.revision:
            past = schedules.schedules.c.id == found.schedule.id
            early = tx.now - 2 * 86_400_000
            tx.conn.execute(
                schedules.update(schedules.schedules).where(past).values(since=early, next_at=tx.now)
            )
        return found

    patch(schedules, "put", put)


def edit_forgets_what_was_due(patch: Patch) -> None:
    """What had come before an edit or a pause, and nobody had looked at, is dropped."""
    patch(firing, "fire_one", lambda tx, schedule: firing.Fired())


def missed_is_forgotten(patch: Patch) -> None:
    """A tick that nobody was there for leaves no row."""
    patch(firing, "_record_missed", lambda tx, schedule, late: 0)


def late_is_missed_at_once(patch: Patch) -> None:
    """A tick counts as missed a minute after its time."""
    real = firing.caught_up
    patch(firing, "caught_up", lambda found, now, words: real(found, now, replace(words, max_age_ms=10)))


def lease_never_ends(patch: Patch) -> None:
    """The tick of a worker that died is nobody's."""
    patch(expanding, "expire", lambda tx: 0)


def date_is_todays(patch: Patch) -> None:
    """A night that is made late is called by the day on which it is made."""
    real = expand_tick.load_manifests

    def load(paths, settings, now_ms, *, on):
        del on
        return real(paths, settings, now_ms)

    patch(expand_tick, "load_manifests", load)
    patch(expand_tick.TickExpander, "_night_of", lambda self, order: self.clock.now_ms())


def nights_overlap(patch: Patch) -> None:
    """A tick begins whatever is still at work."""

    def admissions(found, now, words):
        del words
        due = [each for each in found if each.state is TickState.DUE and each.due_at <= now]
        return [Admission(each, TickEvent.TAKEN) for each in due[:1]]

    patch(expanding, "admissions", admissions)


def budget_of_a_tick_is_a_wish(patch: Patch) -> None:
    """The run of a tick has no cap of its own."""
    from orchestrator.manifest.reading import run_spec

    patch(run_spec, "run_budget", lambda budget, words: None)


def guard_is_not_heard(patch: Patch) -> None:
    """What a guard holds goes on by itself."""
    patch(expanding.TickOrder, "approved", property(lambda self: True))


def resumed_makes_up(patch: Patch) -> None:
    """What a pause left out is fired when it ends."""
    real = schedules.resume

    def resume(tx, schedule):
        changed = real(tx, schedule)
        this = schedules.schedules.c.id == schedule.id
        values = {"since": schedule.since, "next_at": tx.now}
        tx.conn.execute(schedules.update(schedules.schedules).where(this).values(**values))
        return changed

    patch(schedules, "resume", resume)


def comes_back_with_what_it_missed(patch: Patch) -> None:
    """A schedule that was removed, and is added again, makes up for the time in between."""
    real = schedules.put

    def put(tx, name, words, *, manifest_path):
        table = schedules.schedules
        old = tx.conn.execute(schedules.select(table).where(table.c.name == name)).one_or_none()
        found = real(tx, name, words, manifest_path=manifest_path)
        if old is not None and old.removed_at is not None:
            values = {"since": old.since, "next_at": tx.now}
            tx.conn.execute(schedules.update(table).where(table.c.id == old.id).values(**values))
        return found

    patch(schedules, "put", put)


def removal_leaves_what_waits(patch: Patch) -> None:
    """What a removed schedule has not begun is made all the same."""

    def remove(tx, schedule):
        this = schedules.schedules.c.id == schedule.id
        values = {"removed_at": tx.now, "next_at": None}
        tx.conn.execute(schedules.update(schedules.schedules).where(this).values(**values))

    patch(asking, "remove", remove)


def end_is_not_noticed(patch: Patch) -> None:
    """A tick whose work is over stays at work."""
    patch(ending, "end_of", lambda work: None)


def begun_run_is_left(patch: Patch) -> None:
    """A tick whose worker died after it had recorded jobs may be overtaken."""
    patch(ticks.Tick, "open", property(lambda self: replace(ticks_open(self), begun=False)))


ticks_open = ticks.Tick.open.fget


def run_key_is_new(patch: Patch) -> None:
    """A run is made under a key of its own each time that it is begun."""
    real = expand_tick.load_manifests

    def load(paths, settings, now_ms, *, on):
        manifests = real(paths, settings, now_ms, on=on)
        for each in manifests:
            each.spec = replace(each.spec, run_key=f"{each.spec.run_key}-{now_ms % 97}")
        return manifests

    patch(expand_tick, "load_manifests", load)


BUGS = (
    Mutation("autumn fires twice", autumn_fires_twice, "nights"),
    Mutation("spring loses a night", spring_loses_a_night, "nights"),
    Mutation("an edit starts from the beginning", edit_starts_from_the_beginning, "nights"),
    Mutation(name="an edit forgets what was due", apply=edit_forgets_what_was_due, theme="nights", first=2),
    Mutation(name="what is missed is forgotten", apply=missed_is_forgotten, theme="nights", first=2),
    Mutation("late is missed at once", late_is_missed_at_once, "nights"),
    Mutation("a lease never ends", lease_never_ends, "nights"),
    Mutation("the date is today's", date_is_todays, "nights"),
    Mutation(name="nights overlap", apply=nights_overlap, theme="nights", first=2),
    Mutation("the budget of a tick is a wish", budget_of_a_tick_is_a_wish, "nights"),
    Mutation(name="a guard is not heard", apply=guard_is_not_heard, theme="nights", first=2),
    Mutation(name="resuming makes up for the pause", apply=resumed_makes_up, theme="nights", first=2),
    Mutation(
        name="it comes back with what it missed",
        apply=comes_back_with_what_it_missed,
        theme="nights",
        first=2,
    ),
    Mutation(name="removal leaves what waits", apply=removal_leaves_what_waits, theme="nights", first=2),
    Mutation("an end is not noticed", end_is_not_noticed, "nights"),
    Mutation(name="a begun run is left", apply=begun_run_is_left, theme="nights", first=4),
    Mutation("a run key is new each time", run_key_is_new, "nights"),
)


def noticed(bug: Mutation, bench, months_max: int) -> tuple[int, str] | None:
    """How many months it took to notice the bug, and by what; None when they did not."""
    with planted(bug):
        for months in range(1, months_max + 1):
            failure, _found = month(bug.first + months - 1, bench, days=DAYS)
            if failure is not None:
                return months, failure
    return None


def main() -> int:
    """Print what each planted bug took to be noticed; 1 when one was not."""
    missed = 0
    with stage("sqlite") as bench:
        for bug in BUGS:
            found = noticed(replace(bug, first=1), bench, MONTHS_MAX)
            missed += found is None
            months, by = found or (MONTHS_MAX, "not noticed")
            print(f"{bug.name:<40} {months:>4}  {by.splitlines()[0][:90]}", flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
