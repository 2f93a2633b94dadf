"""The provider's stand-in: a real HTTP server on loopback, drawn pictures, a bill, and faults on demand."""

from orchestrator.sandbox.account.bill import Bill, BilledTask, Delivery, Post
from orchestrator.sandbox.account.recalling import Recalled
from orchestrator.sandbox.config import (
    ForeignImages,
    KeyState,
    Level,
    NoCredit,
    Overload,
    PriceUnit,
    RateUnit,
    SandboxConfig,
    with_changes,
)
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.faults.script import Faults, Scripted, parse_faults
from orchestrator.sandbox.http.server import Sandbox, SandboxThread, run_blocking, serve

__all__ = [
    "Bill",
    "BilledTask",
    "Delivery",
    "Fault",
    "Faults",
    "ForeignImages",
    "KeyState",
    "Level",
    "NoCredit",
    "Overload",
    "Post",
    "PriceUnit",
    "RateUnit",
    "Recalled",
    "Sandbox",
    "SandboxConfig",
    "SandboxThread",
    "Scripted",
    "parse_faults",
    "run_blocking",
    "serve",
    "with_changes",
]
