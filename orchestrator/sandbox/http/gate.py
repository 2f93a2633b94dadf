"""What every endpoint does first and last: count the request, check the key, and break the reply if a
fault says so.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.config import KeyState
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.replies import (
    drop,
    halved,
    plain_fault,
    refusal,
    role_denied,
    suspended,
    unauthorized,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


def refused_key(world: World, request: web.Request) -> web.Response | None:
    """None for a request with an accepted key; else its 401 or 403."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or key.strip() not in world.config.api_keys:
        return unauthorized()
    match world.config.key_state:
        case KeyState.ACTIVE:
            return None
        case KeyState.SUSPENDED:
            return suspended()
        case KeyState.ROLE_DENIED:
            return role_denied()


def note_leak(world: World, request: web.Request) -> bool:
    """Whether a request that must not carry a key carries one; it is written down."""
    leaked = "Authorization" in request.headers
    if leaked:
        world.leaks.append(f"{request.method} {request.path}")
    return leaked


def guarded(world: World, endpoint: str, operation: str, handler: Handler) -> Handler:
    """`handler` behind the key check, counted under `endpoint`, with the faults of `operation`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        world.requests[endpoint] += 1
        refused = refused_key(world, request)
        if refused is not None:
            return refused
        fault = world.faults.pick(operation)
        if fault is None:
            return await handler(request)
        return await spoiled(world=world, request=request, fault=fault, handler=handler)

    return handle


async def spoiled(world: World, request: web.Request, fault: Fault, handler: Handler) -> web.StreamResponse:
    """The reply under a fault. What the handler does is done when the fault only spoils the way back."""
    plain = plain_fault(fault.manner, world.config.retry_after)
    if plain is not None:
        await request.read()
        return plain
    match fault.manner:
        case "drop":
            await request.read()
            return drop(request)
        case "truncated_json":
            response = await handler(request)
            return halved(response) if isinstance(response, web.Response) else response
        case "slow":
            await world.clock.sleep(world.config.slow_seconds)
            return await handler(request)
        case _:
            return refusal(500, f"the sandbox does not know how to {fault}")
