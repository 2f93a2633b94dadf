"""Every POST: an attempt said so before, durably, and has not sent yet; its price is known; no other task of
the same job can still be paid for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..plan import UNIT
from ..watch import Row
from .scene import Scene

DRIFT_PERCENT = 1.0
"""How much dearer than agreed stops nobody: the default of `guards.price_drift_percent`."""


class PostChecks:
    """Requests that buy, and the replies that say what was bought."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.posts: Counter[str] = Counter()  # by prompt
        self._sent: set[str] = set()  # tokens of attempts
        self._delivered: dict[str, str] = {}  # prediction -> the process that was handed its id
        self._handed: dict[str, float] = {}  # prediction -> when, in virtual seconds

    def restored(self) -> None:
        """Begin again from what a database that was put back says."""
        self.posts.clear()
        for row in self._scene.rows("SELECT job_id FROM attempts WHERE submitted_at IS NOT NULL"):
            self.posts[self._scene.prompt_of[row["job_id"]]] += 1

    def posted(self, who: str, inputs: Mapping[str, Any], token: str | None = None) -> int:
        """A POST arrives: exactly one attempt must have said so before, durably. A token tells which."""
        scene, prompt = self._scene, str(inputs["prompt"])
        jobs = scene.job_ids_of.get(prompt, [])
        marks = ",".join("?" * len(jobs))
        rows = scene.rows(
            f"SELECT id, job_id, state, price_micros, token FROM attempts WHERE job_id IN ({marks}) "
            "AND state IN ('submitting', 'in_doubt') ORDER BY state DESC, id",
            *jobs,
        )
        begun = scene.row(
            f"SELECT count(*) AS n FROM attempts WHERE job_id IN ({marks}) AND submitted_at IS NOT NULL",
            *jobs,
        )["n"]
        states = [(row["id"], row["job_id"], row["state"]) for row in rows]
        scene.timeline.mark(who, "POST", prompt, states)
        self.posts[prompt] += 1
        scene.expect(
            bool(rows) and self.posts[prompt] <= begun,
            "2",
            f"a POST for {prompt!r} ({who}) and no attempt that is submitting and unsent",
        )
        attempt = self._sender(token, rows) if token else rows[0]  # variations ask alike: any is as good
        scene.expect(bool(attempt["price_micros"]), "5", f"attempt {attempt['id']} has no price")
        self._holds_the_price(inputs, attempt)
        self._no_second_task(prompt)
        return int(attempt["id"])

    def _holds_the_price(self, inputs: Mapping[str, Any], attempt: Row) -> None:
        """What is held covers what is charged, and nobody buys above a price that a person agreed to."""
        scene, held = self._scene, attempt["price_micros"]
        price = scene.account.prices.charged(inputs)
        if scene.account.now() >= scene.plan.charged_from:  # a bill may be of less than the quote
            price = price * min(100, scene.plan.charge_percent) // 100
        scene.expect(held >= price, "1", f"attempt {attempt['id']} holds {held} of {price} that it costs")
        listed = UNIT[inputs["resolution"]] * int(inputs["num_images"])
        scene.expect(
            held * 100 <= listed * (scene.agreed_percent + DRIFT_PERCENT),
            "5",
            f"attempt {attempt['id']} holds {held}, and {scene.agreed_percent} % of {listed} was agreed to",
        )

    def _sender(self, token: str, rows: Sequence[Row]) -> Row:
        """The attempt whose token the URL for webhooks carries: it sends now, and never did before."""
        expect = self._scene.expect
        expect(token not in self._sent, "2", "two POSTs carry the token of the same attempt")
        self._sent.add(token)
        mine = [row for row in rows if row["token"] == token]
        expect(bool(mine), "2", "a POST carries the token of no attempt that is submitting")
        return mine[0]

    def _no_second_task(self, prompt: str) -> None:
        """Tasks that live, succeeded, or are still to appear: one for each job, and one for each decision
        of a person."""
        scene = self._scene
        now = scene.account.now()
        live = [
            task
            for task in scene.only_ours()
            if task.prompt == prompt and (now < task.ends or task.fate == "completed")
        ]
        to_appear = [waiting for waiting, _ in scene.account.pending if waiting == prompt]
        possible = len(live) + len(to_appear)
        scene.expect(
            possible < scene.tasks_allowed(prompt) or scene.uncertain,
            "2",
            f"a POST for {prompt!r} while {possible} paid task(s) may exist for "
            f"{len(scene.job_ids_of.get(prompt, []))} job(s)",
        )

    def delivered(self, prediction: str, who: str, prompt: str) -> None:
        """A worker holds a reply with an id in its hands."""
        self._delivered[prediction] = who
        self._handed[prediction] = self._scene.account.now()
        self._scene.timeline.mark(who, "reply", prediction, prompt)

    def thawed(self, who: str) -> None:
        """What this worker held in its hands while it was frozen, it holds since now."""
        for prediction, owner in self._delivered.items():
            if owner == who:
                self._handed[prediction] = self._scene.account.now()

    def polled(self, who: str, prediction: str) -> None:
        """Whoever was handed an id must have stored it before anything else happens to it."""
        now = self._scene.account.now()
        if self._delivered.get(prediction) == who and now - self._handed[prediction] > 1.0:
            self._scene.expect(
                self._scene.held(prediction),
                "3",
                f"{prediction} was accepted, is polled, and is not in the database",
            )

    def nothing_lost(self, attempts: Sequence[Row]) -> None:
        """At the end every task is held, noted, or in a doubt that waits for a person."""
        scene = self._scene
        held = {row["prediction_id"] for row in attempts if row["prediction_id"]}
        noted = scene.noted()
        doubted = {scene.prompt_of[row["job_id"]] for row in attempts if row["state"] == "in_doubt"}
        # A doubt is to be resolved before reconcile can take tasks in.
        waits = scene.stopped_for_a_gap() and bool(doubted)
        written_off = {scene.prompt_of[row["job_id"]] for row in attempts if row["reason"] == "written_off"}
        contested = scene.contested()
        for task in scene.account.ours():
            known = task.id in held or task.id in noted or task.id in contested or waits
            scene.expect(
                known or task.prompt in doubted | written_off or scene.uncertain,
                "3",
                f"{task.id} for {task.prompt!r} is paid and nothing of ours knows it",
            )
        for prediction, who in self._delivered.items():
            task = scene.account.tasks[prediction]
            known = prediction in held | noted or waits
            scene.expect(
                known or task.prompt in doubted | written_off or scene.uncertain,
                "3",
                f"{prediction} was delivered to {who} and is not in the database",
            )
