"""The price guard: what an attempt holds must be what the provider would charge now.

| The provider says | Then |
|---|---|
| a price | it counts for all that waits; the attempt goes ahead when it holds just that |
| a price that cannot be held | the model stops |
| that it tells this key no price: 400, 403, 404 | what is known counts: there is nothing else |
| nothing, and has said a price within two minutes | that counts |
| nothing: 5xx, a broken connection, 429, 401 | nothing is sent: an old price may be less than the charge |

What is known of a price may be old, above all in a database that was put back from a backup.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.core.money import format_usd
from orchestrator.core.pricing import believed_micros
from orchestrator.ports import KeyRefused, Lost, NoPrice, NotSent, Quote, QuoteOutcome, Throttled
from orchestrator.store.account import pauses
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.db.schema import QuoteSource
from orchestrator.store.money import prices, quotes
from orchestrator.store.money.prices import PRICE_DRIFT, PRICE_UNANSWERED, PRICE_UNKNOWN
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import read_durably, write_durably
from orchestrator.worker.guards.account_pauses import begin_pause

FRESH_SECONDS: Final = 60.0
"""How long a quote is gone by before it is asked for again."""

AGAIN_SECONDS: Final = 30.0
"""How long before a question without an answer is asked again, and that about a price that has stopped a
model."""

UNANSWERED_SECONDS: Final = 2 * AGAIN_SECONDS
"""How long a model waits about whose price nothing is said: until after it is asked again."""

NOT_TOLD: Final = 403
"""The status by which a key that works may not ask."""

Trouble = NotSent | Throttled | KeyRefused
"""Answers to a question about a price that say why a request to buy would get none either."""

REPRICED: Final = "repriced"
"""Why an attempt is given back that holds another amount than its job costs now; claimed again, it holds the
right one."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about the price of one set of inputs; any attempt at such a job can ask it."""

    attempt: HeldAttempt
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a question."""

    seen: quotes.Seen | None  # None: no quote could be had
    learned: quotes.Learned | None
    until: float  # monotonic
    refusal: str | Trouble | None = None  # why nothing is to be sent


class PriceGuard:
    """Asks once for each set of inputs that decides a price, and again after a while."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._questions: dict[tuple[str, str], _Question] = {}
        self._answers: dict[tuple[str, str], asyncio.Task[_Answer]] = {}
        self._silent: dict[tuple[str, str], str] = {}  # about which nothing was said at the last question

    @property
    def unreadable(self) -> str:
        """About which price nothing is said, so that nothing is bought. Empty: about none."""
        return next(iter(self._silent.values()), "")

    async def refuses(self, attempt: HeldAttempt, inputs: dict[str, Any]) -> str | Trouble | None:
        """None when the attempt holds what the provider would charge; else why to give it back.

        A new price counts for all that waits before the attempt is given back, so it is claimed again at that
        price, or not before a person has accepted it.
        """
        key = (attempt.model, attempt.price_digest)
        self._questions.setdefault(key, _Question(attempt, inputs))
        answer = await self._answer(key)
        if answer.refusal is not None:
            return answer.refusal
        if (
            answer.seen is None
            or answer.learned is None
            or answer.learned.price_micros == attempt.price_micros
        ):
            return None
        learned = await self._learn(answer.seen, attempt.lane_id)  # for jobs that were added since, too
        if learned.drifted:
            return PRICE_DRIFT
        return None if learned.lane_micros == attempt.price_micros else REPRICED

    async def tick(self) -> float:
        """Ask again about prices that have stopped a model, because one that falls again ends the pause."""
        stopped = {
            pause.name
            for pause in await read_durably(self._deps, pauses.in_force)
            if pause.scope == "model" and pause.reason in {PRICE_DRIFT, PRICE_UNANSWERED, PRICE_UNKNOWN}
        }
        for key in [key for key in self._questions if key[0] in stopped or key in self._silent]:
            self._answers.pop(key, None)
            await self._answer(key)
        return AGAIN_SECONDS

    async def _answer(self, key: tuple[str, str]) -> _Answer:
        known = self._answers.get(key)
        if known is None or (known.done() and not _is_fresh(known, self._deps.clock.monotonic())):
            known = self._answers[key] = asyncio.ensure_future(self._ask(self._questions[key]))
        return await asyncio.shield(known)

    async def _ask(self, question: _Question) -> _Answer:
        attempt, clock = question.attempt, self._deps.clock
        asked_at = clock.now_ms()
        outcome = await self._deps.provider.quote(attempt.model, question.inputs)
        if not isinstance(outcome, Quote):
            return await self._without_quote(attempt, outcome)
        self._silent.pop((attempt.model, attempt.price_digest), None)
        seen = quotes.Seen(
            model=attempt.model,
            digest=attempt.price_digest,
            price_micros=believed_micros(outcome.micros, attempt.list_micros),
            source=QuoteSource.QUOTE,
            asked_at=asked_at,
            list_micros=outcome.list_micros,
            account=self._deps.account,
        )
        learned = await self._learn(seen, attempt.lane_id)
        if learned.moved:
            self._deps.notify(
                f"A job of {attempt.model} now costs ${format_usd(learned.price_micros)} "
                f"(list ${format_usd(attempt.list_micros)}): what waits is counted at that price."
            )
        return _Answer(seen, learned, clock.monotonic() + FRESH_SECONDS)

    async def _without_quote(self, attempt: HeldAttempt, outcome: QuoteOutcome) -> _Answer:
        """What counts when no quote was had, and for how long."""
        now, key = self._deps.clock.monotonic(), (attempt.model, attempt.price_digest)
        self._silent.pop(key, None)
        if isinstance(outcome, NoPrice):
            await self._pause_unknown(attempt.model, outcome.message)
            return _Answer(None, None, now + AGAIN_SECONDS, refusal=PRICE_UNKNOWN)
        if self._is_all_there_is(outcome):
            return _Answer(None, None, now + AGAIN_SECONDS)
        account = self._deps.account
        stands = await read_durably(self._deps, lambda tx: prices.stands_ms(tx, *key, account=account)) / 1000
        if stands:
            return _Answer(None, None, now + min(AGAIN_SECONDS, stands))
        if isinstance(outcome, Trouble):  # its pause tells how long to wait; then it is asked again
            return _Answer(None, None, now, refusal=outcome)
        self._silent[key] = await self._pause_unanswered(attempt.model, outcome)
        return _Answer(None, None, now + AGAIN_SECONDS, refusal=PRICE_UNANSWERED)

    def _is_all_there_is(self, outcome: QuoteOutcome) -> bool:
        """Whether what is known counts, because nothing more will be said, or by the settings."""
        if self._deps.settings.guards.unanswered_price == "known":
            return True
        if isinstance(outcome, KeyRefused):
            return outcome.http_status == NOT_TOLD
        return not isinstance(outcome, Trouble | Lost)

    async def _learn(self, seen: quotes.Seen, lane_id: int) -> quotes.Learned:
        drift = self._deps.settings.guards.price_drift_percent
        return await write_durably(self._deps, quotes.learn_all, quotes.ToLearn(seen, drift, lane_id))

    async def _pause_unknown(self, model: str, why: str) -> None:
        message = (
            f"The price of {model} is unknown: {why}. Nothing more of it is sent. To ask again at once: "
            f"orchestrator resume --model {model}"
        )
        pause = pauses.Pause(scope="model", name=model, reason=PRICE_UNKNOWN, message=message)
        await write_durably(self._deps, begin_pause, pause)

    async def _pause_unanswered(self, model: str, outcome: QuoteOutcome) -> str:
        """Stop the model until the provider says its price; returns the words for it."""
        why = outcome.message if isinstance(outcome, Lost) else "no answer"
        message = (
            f"The provider does not say what {model} costs now ({why}), so nothing more of it is sent. It is "
            "asked again every half a minute; to go on at the last known price, set "
            "guards.unanswered_price: known."
        )
        until = self._deps.clock.now_ms() + int(UNANSWERED_SECONDS * 1000)
        pause = pauses.Pause(scope="model", name=model, reason=PRICE_UNANSWERED, message=message, until=until)
        await write_durably(self._deps, begin_pause, pause)
        return message


def _is_fresh(known: "asyncio.Task[_Answer]", now: float) -> bool:
    failed = known.cancelled() or known.exception() is not None
    return not failed and now < known.result().until
