"""Live prices for planned jobs: one question for each set of inputs that decides a price."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.core.money import format_usd
from orchestrator.core.pricing import asked_inputs, believed_micros
from orchestrator.core.specs import JobSpec
from orchestrator.ports import Clock, NoPrice, Provider, Quote
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import QuoteSource
from orchestrator.store.money import prices, quotes

ASK_SECONDS: Final = 5.0
"""How long all questions together may take: a plan must not hang."""

ASKED_MAX: Final = 40
"""More sets of inputs than this are shown at list prices; each is asked about before it is bought."""

PriceKey = tuple[str, str]
"""Model, and the digest of the inputs that decide the price."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a job with these inputs would be charged."""

    list_micros: int
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LivePrice:
    """What the provider quoted."""

    micros: int
    list_micros: int | None
    asked_at: int  # ms


@dataclass(frozen=True, slots=True)
class Quoted:
    """The answers to some questions; those without one are left out."""

    found: Mapping[PriceKey, LivePrice] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)  # models whose price cannot be held, and why
    account: str = ""  # whose prices they are


Ask = Callable[[Mapping[PriceKey, Question]], Quoted]


async def ask_all(
    provider: Provider, clock: Clock, questions: Mapping[PriceKey, Question], *, account: str
) -> Quoted:
    """Ask all at once; what is not answered in time stays without an answer."""
    asked_at = clock.now_ms()
    asked = {
        key: asyncio.ensure_future(provider.quote(key[0], question.inputs))
        for key, question in list(questions.items())[:ASKED_MAX]
    }
    if asked:
        await asyncio.wait(asked.values(), timeout=ASK_SECONDS)
    for task in asked.values():
        task.cancel()
    await asyncio.gather(*asked.values(), return_exceptions=True)
    answers = {key: task.result() for key, task in asked.items() if _is_answered(task)}
    return Quoted(
        {
            key: LivePrice(
                believed_micros(answer.micros, questions[key].list_micros), answer.list_micros, asked_at
            )
            for key, answer in answers.items()
            if isinstance(answer, Quote)
        },
        {key[0]: answer.message for key, answer in answers.items() if isinstance(answer, NoPrice)},
        account,
    )


def _is_answered(task: "asyncio.Future[Any]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


class LivePrices:
    """Collects the questions of all the jobs of a command, asks them once, and says what each job costs."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask
        self._questions: dict[PriceKey, Question] = {}
        self._known: dict[PriceKey, int] = {}
        self._accepted: dict[PriceKey, int] = {}
        self.quoted: Quoted | None = None

    def note(self, model: str, specs: Iterable[JobSpec]) -> None:
        """Have the prices of these jobs asked for."""
        questions = self._questions
        for spec in specs:
            key = (model, spec.priced_by)
            if key not in questions:
                questions[key] = Question(spec.price_micros, asked_inputs(spec.params, spec.local_images))

    def ask(self) -> None:
        """Ask once; without anybody to ask, list prices stand."""
        if self.quoted is None:
            self.quoted = self._ask(self._questions) if self._ask and self._questions else Quoted()

    def heed(self, tx: Tx) -> None:
        """Take in what this database knows beside the answers: a bill unlike the quote is what will be
        held, so it is what must be shown; and what a person has accepted already.
        """
        account = self.quoted.account if self.quoted else ""
        for model, digest in self._questions:
            self._known[model, digest] = prices.known_beside(tx, model, digest, account=account)
            self._accepted[model, digest] = prices.accepted(tx, model, digest) or 0

    def micros(self, model: str, digest: str, otherwise: int) -> int:
        """What a job costs now: by the answer, or by the bill where that is dearer."""
        found = self.quoted.found.get((model, digest)) if self.quoted else None
        return max(found.micros if found else otherwise, self._known.get((model, digest), 0))

    @property
    def complete(self) -> bool:
        """Whether every price that was asked for is a live one."""
        return self.quoted is not None and self._questions.keys() <= self.quoted.found.keys()

    @property
    def nobody_answered(self) -> bool:
        """Whether all prices are those of the list."""
        return self.quoted is None or not self.quoted.found

    def knows(self, model: str, digest: str) -> bool:
        """Whether the live price is known."""
        return self.quoted is not None and (model, digest) in self.quoted.found

    @property
    def single(self) -> tuple[int, int] | None:
        """List price and live price of one job, where all jobs have the same."""
        found = {
            (question.list_micros, self.micros(model, digest, question.list_micros))
            for (model, digest), question in self._questions.items()
        }
        return found.pop() if len(found) == 1 else None

    def warnings(self, drift_percent: float) -> list[str]:
        """What a price will stop, before it does."""
        found = [
            f"the price of {model} is unknown: {why}. Nothing of it will be sent"
            for model, why in (self.quoted.unknown.items() if self.quoted else ())
        ]
        for (model, digest), question in self._questions.items():
            live, listed = self.micros(model, digest, 0), question.list_micros
            most = max(listed, self._accepted.get((model, digest), 0))
            if live * 100 > most * (100 + drift_percent):
                found.append(
                    f"a job of {model} now costs ${format_usd(live)}, and ${format_usd(listed)} by the list. "
                    "Answer y to buy at this price. With --yes, and in unattended work, it stops before "
                    f"money moves, until: orchestrator resume --model {model}"
                )
        return found

    def agreed(self, tx: Tx, model: str, *, shown: bool) -> dict[str, int]:
        """The prices of a model's jobs that count as agreed to, by digest. Where nobody was shown them who
        could say no, a price dearer than the list, or than what was accepted before, is not agreed to.
        """
        found: dict[str, int] = {}
        for (owner, digest), question in self._questions.items():
            if owner != model:
                continue
            live = self.micros(model, digest, question.list_micros)
            most = max(question.list_micros, prices.accepted(tx, model, digest) or 0)
            found[digest] = live if shown else min(live, most)
        return found

    def seen(self, model: str) -> Sequence[quotes.Seen]:
        """The answers about a model, to be recorded."""
        quoted = self.quoted or Quoted()
        return [
            quotes.Seen(
                model=model,
                digest=digest,
                price_micros=live.micros,
                source=QuoteSource.QUOTE,
                asked_at=live.asked_at,
                list_micros=live.list_micros,
                account=quoted.account,
            )
            for (owner, digest), live in quoted.found.items()
            if owner == model
        ]
