"""The paid POST of one process: refused, accepted, lost on either way, or acted on too late."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.ports import (
    Accepted,
    KeyRefused,
    Lost,
    NoCredit,
    NotSent,
    Prediction,
    Rejected,
    Status,
    SubmitOutcome,
    Throttled,
)

from .account import SimulatedAccount
from .bought import SimulatedTask
from .checker import Checker
from .lasting import refused_prompt
from .process import Process
from .transport import SUBMIT_SECONDS, Transport
from .webhooks import token_of


class Posting:
    """Sends requests, and tells the checker of each that has left."""

    def __init__(
        self, *, account: SimulatedAccount, process: Process, checker: Checker, transport: Transport
    ) -> None:
        self._account = account
        self._process = process
        self._checker = checker
        self._transport = transport
        self._refused = refused_prompt(account.plan)

    async def submit(
        self, model: str, inputs: Mapping[str, Any], *, webhook: str | None = None, still_valid: Any = None
    ) -> SubmitOutcome:
        """The paid POST."""
        account, process, prompt = self._account, self._process, str(inputs["prompt"])
        process.check()
        refused = await self._transport.connected(0.3)
        if refused is not None:
            return refused
        if still_valid is not None and not still_valid():
            return NotSent("held back", expired=True)
        self._checker.rate.leaves(process.name)
        token = token_of(webhook)
        attempt_id = self._checker.posted(process.name, inputs, token)
        if (refusal := self._refusal()) is not None:
            return await self._transport.reply(refusal)
        if account.strike("throttled"):
            return await self._transport.reply(
                Throttled(account.uniform(0.5, 20) if account.uniform(0, 1) < 0.5 else None)
            )
        if (rejected := self._rejection(prompt)) is not None:
            self._checker.states.refusals += 1
            return await self._transport.reply(rejected)
        if account.strike("lost_not_created"):
            return await self._transport.reply(self._lost("HTTP 502"), account.uniform(0, SUBMIT_SECONDS))
        if account.strike("lost_created_late"):
            self._create_later(inputs, attempt_id, token)
            return await self._transport.reply(Lost("the connection was reset"), account.uniform(0, 5))
        task = self._create(inputs, attempt_id, token)
        if account.strike("lost_created"):
            return await self._transport.reply(
                self._lost("no reply in time"), account.uniform(0, SUBMIT_SECONDS)
            )
        slow = (
            account.uniform(5, SUBMIT_SECONDS - 1)
            if account.strike("slow_reply")
            else account.uniform(0.1, 2)
        )
        shown = Prediction(task.id, Status.RUNNING, "created", created_at_ms=account.stamp(task.created))
        reply = await self._transport.reply(Accepted(replace(shown, model=model)), slow)
        if isinstance(reply, Accepted):
            self._checker.posts.delivered(task.id, process.name, prompt)
        return reply

    def _refusal(self) -> KeyRefused | NoCredit | None:
        """Why nothing of this process is taken now."""
        if (keyless := self._transport.keyless()) is not None:
            return keyless
        return NoCredit("insufficient credits") if self._account.mood() == "no_credit" else None

    def _lost(self, message: str) -> Lost:
        """Nothing tells what became of the request; but an error of the provider itself ends it."""
        if self._account.answers():
            self._account.timeline.fault("provider", "lost_answered")
            return Lost("HTTP 500", answered=True)
        return Lost(message)

    def _rejection(self, prompt: str) -> Rejected | None:
        if prompt == self._refused and self._account.lasts("input"):
            return Rejected("images[0] cannot be read", 400)
        if self._account.strike("rejected"):
            return Rejected("aspect_ratio is invalid", 422, 1401)
        return None

    def _create(self, inputs: Mapping[str, Any], attempt_id: int | None, token: str | None) -> SimulatedTask:
        task = self._account.create(inputs, token=token)
        task.attempt_id = attempt_id
        self._checker.created(task)
        return task

    def _create_later(self, inputs: Mapping[str, Any], attempt_id: int | None, token: str | None) -> None:
        """The provider acts on the request after we have given up on the reply."""
        seconds = self._account.uniform(1, 60)
        entry = (str(inputs["prompt"]), self._account.now() + seconds)
        self._account.pending.append(entry)

        def act() -> None:
            self._account.pending.remove(entry)
            self._create(inputs, attempt_id, token)

        asyncio.get_running_loop().call_later(seconds, act)
