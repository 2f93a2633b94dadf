"""The store in few words: make runs and move attempts; what comes of it is looked at as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.keys import job_key
from orchestrator.core.provider_facts import REFUND_MS
from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.account import rate_limits
from orchestrator.store.attempts import endings, leases, lifecycle
from orchestrator.store.attempts import outputs as pictures
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.claiming import claim as claims
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money import refunds
from orchestrator.store.money.caps import set_cap
from orchestrator.store.runs import adding, runs

from .artifacts import picture
from .rows import Rows
from .times import FakeClock, FakeEntropy

MODEL = "kwaivgi/kling-image-o3/edit"
PRICE = 28_000
LEASE_MS = 60_000


def spec(
    number: int, *, price: int = PRICE, images: int = 1, variation: int = 1, prefix: str = "hero", **more: Any
) -> JobSpec:
    """One job to be; `number` makes its prompt, its key and its paths."""
    params = {"prompt": f"{prefix} {number}", "images": ["https://in.example/a.png"], "num_images": images}
    return JobSpec(
        **{
            "key": job_key(MODEL, params, variation),
            "ordinal": number,
            "variation": variation,
            "params": params,
            "local_images": {},
            "price_micros": price,
            "images": images,
            "output_paths": tuple(f"{prefix}/{number}-v{variation}-{index}.png" for index in range(images)),
            **more,
        }
    )


def run_spec(campaign: str = "spring", name: str = "hero", run_key: str = "main", **more: Any) -> RunSpec:
    """One application of a manifest."""
    return RunSpec(
        **{
            "campaign": campaign,
            "name": name,
            "run_key": run_key,
            "model": MODEL,
            "manifest_path": f"jobs/{name}.yaml",
            "manifest_sha256": "0" * 64,
            **more,
        }
    )


@dataclass(frozen=True)
class Held:
    """An attempt as a worker remembers it."""

    attempt_id: int
    epoch: int
    job_id: int


class World(Rows):
    """One database on a fake clock, with wide limits unless told."""

    def __init__(self, database: Database, clock: FakeClock, entropy: FakeEntropy) -> None:
        super().__init__(database)
        self.clock = clock
        self.entropy = entropy
        self._predictions = 0
        self.limit(concurrency=1000, submits_per_minute=1000)

    def limit(self, *, concurrency: int = 1000, submits_per_minute: int = 1000) -> None:
        with self.database.write() as tx:
            rate_limits.configure(tx, concurrency=concurrency, submits_per_minute=submits_per_minute)

    def apply(self, specs: Sequence[JobSpec], **run: Any) -> adding.Added:
        with self.database.write() as tx:
            return adding.add_jobs(tx, runs.ensure_run(tx, run_spec(**run)), specs)

    def run(self, jobs: int = 1, *, price: int = PRICE, images: int = 1, **run: Any) -> runs.Run:
        """A run with equal jobs, whose paths are named by campaign, name and key."""
        named = run_spec(**run)
        prefix = f"{named.campaign}/{named.name}/{named.run_key}/{price}"
        with self.database.write() as tx:
            stored = runs.ensure_run(tx, named)
            adding.add_jobs(
                tx,
                stored,
                [spec(number, price=price, images=images, prefix=prefix) for number in range(jobs)],
            )
        return stored

    def cap(
        self, micros: int, scope: Scope = Scope.ACCOUNT, scope_id: int = 0, window: Window = Window.TOTAL
    ) -> None:
        with self.database.write() as tx:
            set_cap(
                tx=tx, scope=scope, scope_id=scope_id, window=window, cap_micros=micros, source="operator"
            )

    def do(self, operation: Any, row: Any) -> Any:
        """One operation on one row, in a transaction of its own."""
        with self.database.write() as tx:
            (answer,) = operation(tx, [row])
        return answer

    def request(self, want: int = 100, worker: str = "w1", **more: Any) -> claims.ClaimRequest:
        return claims.ClaimRequest(
            **{
                "worker": worker,
                "want": want,
                "lease_ms": LEASE_MS,
                "timezone": "UTC",
                "token": self.entropy.token,
                **more,
            }
        )

    def claim(self, want: int = 100, worker: str = "w1", **more: Any) -> tuple[HeldAttempt, ...]:
        return self.do(claims.claim, self.request(want, worker, **more)).claimed

    def lease(self, worker: str = "w1") -> Held:
        (claimed,) = self.claim(1, worker)
        return Held(claimed.attempt_id, claimed.epoch, claimed.job_id)

    def send(self, held: Any) -> lifecycle.Send:
        return self.do(lifecycle.begin_submit, lifecycle.BeginSubmit(held.attempt_id, held.epoch))

    def accept(self, held: Any, prediction_id: str | None = None, worker: str = "w1") -> int | None:
        self._predictions += 1
        chosen = prediction_id or f"p{self._predictions}"
        row = lifecycle.Accept(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            worker=worker,
            prediction_id=chosen,
            status="created",
            lease_ms=LEASE_MS,
        )
        return self.do(lifecycle.accept, row)

    def complete(self, held: Any, urls: int = 1) -> list[pictures.ExpectedOutput] | None:
        outputs = tuple((f"https://out.example/{held.attempt_id}/{index}.png", None) for index in range(urls))
        return self.do(
            lifecycle.complete,
            lifecycle.Complete(
                attempt_id=held.attempt_id,
                epoch=held.epoch,
                status="completed",
                outputs=outputs,
                inference_ms=900,
            ),
        )

    def finish(self, held: Any, stored: int = 1, *, expected: int = 1, lost: tuple = ()) -> bool:
        kept = tuple((index, picture(f"stored/{held.job_id}-{index}.png")) for index in range(stored))
        return self.do(
            endings.finish,
            pictures.Finish(
                attempt_id=held.attempt_id, epoch=held.epoch, stored=kept, lost=lost, expected=expected
            ),
        )

    def fail(
        self, held: Any, *, delay_ms: int | None = 0, refund_ms: int = REFUND_MS, charged: bool = False
    ) -> bool:
        return self.do(
            endings.fail,
            endings.Fail(
                attempt_id=held.attempt_id,
                epoch=held.epoch,
                reason="provider_error",
                message="it failed",
                status="failed",
                code=5000,
                retry_delay_ms=delay_ms,
                refund_window_ms=refund_ms,
                charged=charged,
            ),
        )

    def give_back(
        self, held: Any, event: AttemptEvent = AttemptEvent.RELEASED, delay_ms: int | None = 0
    ) -> bool:
        row = endings.GiveBack(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            event=event,
            delay_ms=delay_ms,
            reason=event.value,
            message="given back",
        )
        return self.do(endings.give_back, row)

    def reject(self, held: Any) -> bool:
        return self.do(
            endings.reject,
            endings.Reject(
                attempt_id=held.attempt_id, epoch=held.epoch, reason="bad_input", message="no", code=1401
            ),
        )

    def doubt(self, held: Any) -> bool:
        return self.do(
            lifecycle.mark_in_doubt, lifecycle.MarkInDoubt(held.attempt_id, held.epoch, "the reply was lost")
        )

    def rescue(self, worker: str = "w2") -> leases.Rescued:
        return self.do(leases.rescue, leases.Rescue(worker, LEASE_MS))

    def lapse(self) -> int:
        with self.database.write() as tx:
            return refunds.lapse(tx)

    def until(self, state: AttemptState, worker: str = "w1") -> Held:
        """A freshly claimed attempt, taken on the shortest way to `state`."""
        held = self.lease(worker)

        def accept(held: Held) -> None:
            self.accept(held, worker=worker)

        steps = {
            AttemptState.LEASED: [],
            AttemptState.SUBMITTING: [self.send],
            AttemptState.IN_DOUBT: [self.send, self.doubt],
            AttemptState.IN_FLIGHT: [self.send, accept],
            AttemptState.FETCHING: [self.send, accept, self.complete],
            AttemptState.SUCCEEDED: [self.send, accept, self.complete, self.finish],
            AttemptState.FAILED: [self.send, self.reject],
            AttemptState.ABANDONED: [self.give_back],
        }
        for step in steps[state]:
            step(held)
        assert self.attempt(held).state == state
        return held
