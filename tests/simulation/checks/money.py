"""Money: a reservation ends once, balances are the ledger's sums, no cap is passed, and what we count is
what the provider kept."""

from collections import Counter
from collections.abc import Sequence

from orchestrator.core.bill_size import PLAUSIBLE_FACTOR

from ..watch import Row
from .scene import Scene

Cap = tuple[str, int, str]
"""Scope, its id, and the window."""

SUMS = ("spent", "held", "refund_due")
WEAK_REASONS = {"prediction_missing", "written_off", "output_lost"}
"""Attempts whose task the provider stopped showing, or that a person gave up: their cost may be
over-reported."""


class MoneyChecks:
    """The ledger, entry by entry, and the provider's bill."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ledger_seen = 0
        self._sums: Counter[tuple[str, int, str, str]] = Counter()
        self._attempt_kinds: dict[int, list[str]] = {}
        self._replaying = False
        self.caps: dict[Cap, int] = {}
        self.lowered: set[Cap] = set()

    def restored(self) -> None:
        """Begin again from what a database that was put back says; what it spent nobody can take back."""
        self._ledger_seen = 0
        self._sums.clear()
        self._attempt_kinds.clear()
        self._replaying = True
        self.booked("backup")
        self._replaying = False
        self.caps = {
            (row["scope"], row["scope_id"], row["window"]): row["cap_micros"]
            for row in self._scene.rows('SELECT scope, scope_id, "window", cap_micros FROM budgets')
        }

    def booked(self, who: str) -> None:
        """Look at what the last transaction added to the ledger."""
        scene = self._scene
        rows = scene.rows("SELECT * FROM ledger WHERE id > ? ORDER BY id", self._ledger_seen)
        if not rows:
            return
        for row in rows:
            self._ledger_seen = row["id"]
            scene.timeline.mark(who, "ledger", row["kind"], row["attempt_id"], row["day"])
            self._entry(row)
        kept = {
            (row["scope"], row["scope_id"], row["period"], name): row[f"{name}_micros"]
            for row in scene.rows("SELECT * FROM balances")
            for name in SUMS
        }
        summed = {key: value for key, value in self._sums.items() if value}
        agree = {key: value for key, value in kept.items() if value} == summed
        scene.expect(agree, "7", "balances are not the ledger's sums")

    def _entry(self, row: Row) -> None:
        expect = self._scene.expect
        attempt, kind, day = row["attempt_id"], row["kind"], row["day"]
        kinds = self._attempt_kinds.setdefault(attempt, [])
        kinds.append(kind)
        self._scene.timeline.edges[f"ledger {kind}"] += 1
        if attempt is not None:
            expect(_legal(kinds), "5", f"attempt {attempt} booked {' '.join(kinds)}")
        for period in ("total", day[:7], day):
            for scope, scope_id in (("account", 0), ("campaign", row["campaign_id"]), ("run", row["run_id"])):
                for name in SUMS:
                    self._sums[scope, scope_id, period, name] += row[f"{name}_delta"]
                    left = self._sums[scope, scope_id, period, name]
                    expect(left >= 0, "5", f"{name} of {scope} {scope_id} in {period} is {left}")
        if kind == "reserve":
            expect(row["held_delta"] > 0, "5", f"attempt {attempt} was admitted at no price")
            # What is adopted was spent before anybody could ask.
            if row["note"] != "adopted by reconcile" and not self._replaying:
                self._under_caps(row)
        if kind == "refund_lapsed" and not self._replaying:
            self._lapsed(attempt, row)

    def _lapsed(self, attempt: int, row: Row) -> None:
        """Nothing is free that a bill read after the window shows to be kept."""
        plan, account = self._scene.plan, self._scene.account
        task = self._scene.row("SELECT prediction_id FROM attempts WHERE id = ?", attempt)["prediction_id"]
        self._scene.expect(
            row["spent_delta"] >= account.net(task) or not plan.bill_readable or plan.lasting == "bill",
            "1",
            f"attempt {attempt} lapses as {row['spent_delta']}, the provider keeps {account.net(task)}",
        )

    def _under_caps(self, row: Row) -> None:
        day = row["day"]
        for (scope, scope_id, window), cap in self.caps.items():
            mine = {"account": 0, "campaign": row["campaign_id"], "run": row["run_id"]}[scope]
            if scope_id != mine:
                continue
            period = {"total": "total", "month": day[:7], "day": day}[window]
            counted = sum(self._sums[scope, scope_id, period, name] for name in SUMS)
            self._scene.expect(
                counted <= cap,
                "1",
                f"{scope} {scope_id} {period}: {counted} of {cap} after attempt {row['attempt_id']}",
            )

    def provider_under_caps(self) -> None:
        """The provider's own bill against every cap that no person lowered since, but for what was charged
        beyond what was held before the bill could tell.
        """
        scene = self._scene
        for (scope, scope_id, window), cap in self.caps.items():
            lowered = (scope, scope_id, window) in self.lowered
            if window != "total" or lowered or scene.plan.on_failed != "hold":
                continue
            prefix = self._prefix(scope, scope_id)
            spent = scene.account.spent(prefix, scene.listed)
            scene.expect(
                spent - self._beyond_holds(prefix) <= cap or scene.uncertain,
                "1",
                f"the provider's bill for {scope} {prefix!r} is {spent} of {cap}",
            )

    def _beyond_holds(self, prefix: str) -> int:
        """What was charged beyond what was held: it is noticed, see `StateChecks`, and cannot be undone."""
        if self._scene.plan.charge_percent <= 100:
            return 0
        account = self._scene.account
        rows = self._scene.rows(
            "SELECT prediction_id, price_micros FROM attempts WHERE prediction_id IS NOT NULL"
        )
        held = {row["prediction_id"]: row["price_micros"] for row in rows}
        tasks = [task for task in account.ours() if task.prompt.startswith(prefix)]
        return sum(max(0, task.price - held.get(task.id, 0)) for task in tasks)

    def _prefix(self, scope: str, scope_id: int) -> str:
        """What the prompts begin with that count against a cap."""
        if scope == "account":
            return ""
        if scope == "campaign":
            name = self._scene.row("SELECT name FROM campaigns WHERE id = ?", scope_id)["name"]
            return f"{name}/"
        row = self._scene.row(
            "SELECT c.name AS campaign, r.name AS name FROM runs r JOIN campaigns c ON c.id = r.campaign_id "
            "WHERE r.id = ?",
            scope_id,
        )
        return f"{row['campaign']}/{row['name']}/"

    def nothing_paid_twice(self) -> None:
        scene = self._scene
        paid = Counter(task.prompt for task in scene.only_ours() if task.paid_for)
        for prompt, count in paid.items():
            allowed = scene.tasks_allowed(prompt)
            scene.expect(count <= allowed or scene.uncertain, "2", f"{prompt!r} was paid {count} times")

    def agrees(self, attempts: Sequence[Row]) -> None:
        """Attempt by attempt, then in total: what we count is what the provider kept."""
        scene = self._scene
        if scene.uncertain:
            return
        for row in attempts:
            if row["prediction_id"] is not None:
                self._attempt_agrees(row)
        counted = sum(self._sums["account", 0, "total", name] for name in SUMS)
        kept = scene.account.spent(without=scene.listed | (scene.contested() - scene.known()))
        scene.expect(
            counted >= kept - self._beyond_holds("") or bool(sum(scene.authorized.values())),
            "money",
            f"we count {counted}, the provider kept {kept}",
        )

    def _attempt_agrees(self, row: Row) -> None:
        scene = self._scene
        net = scene.account.net(row["prediction_id"])
        ours = self._attempt_sum(row["id"])
        small = net * PLAUSIBLE_FACTOR < row["price_micros"] or scene.plan.bill_percent != 100
        weak = (
            row["reason"] in WEAK_REASONS or small
        )  # what is billed is not believed, and what was held counts
        scene.expect(
            ours == net or (ours >= net and (weak or row["reservation"] in {"refund_due", "held"})),
            "money",
            f"attempt {row['id']} ({row['reason']}) counts {ours}, the provider kept {net}",
        )
        if (row["refunded_micros"] or 0) > (row["billed_micros"] or 0):
            told = scene.rows(
                "SELECT 1 FROM events WHERE kind = 'refund_surplus' AND attempt_id = ?", row["id"]
            )
            scene.expect(bool(told), "money", f"nobody says that attempt {row['id']} got too much back")

    def _attempt_sum(self, attempt: int) -> int:
        row = self._scene.row(
            "SELECT sum(spent_delta + held_delta + refund_due_delta) AS s FROM ledger WHERE attempt_id = ?",
            attempt,
        )
        return int(row["s"] or 0)


def _legal(kinds: list[str]) -> bool:
    """A reservation is made once and ends once; corrections by the bill may follow."""
    plain = [kind for kind in kinds if kind != "adjusted"]
    ends = {"settle", "release", "written_off", "refund_due"}
    match plain:
        case ["reserve"]:
            return kinds[0] == "reserve"
        case ["reserve", end]:
            return end in ends
        case ["reserve", "refund_due", end]:
            return end in {"refund_seen", "refund_lapsed", "settle"}
        case _:
            return False
