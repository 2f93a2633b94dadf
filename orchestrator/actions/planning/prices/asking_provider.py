"""Asking the provider for live prices from a thread that has no event loop."""

import asyncio
from collections.abc import Callable, Mapping

from orchestrator.actions.planning.prices.live_prices import Ask, PriceKey, Question, Quoted, ask_all
from orchestrator.ports import Clock, Provider


def asking_with(provider: Callable[[], Provider], clock: Clock, account: str) -> Ask:
    """What asks, over a connection of its own each time; `clock` says when the answers were given."""

    async def ask(questions: Mapping[PriceKey, Question]) -> Quoted:
        connection = provider()
        try:
            return await ask_all(connection, clock, questions, account=account)
        finally:
            await connection.aclose()

    return lambda questions: asyncio.run(ask(questions))
