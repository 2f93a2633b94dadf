"""`orchestrator sandbox`: a stand-in for the provider, on this machine."""

import json
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.sandbox import Fault, Level, SandboxConfig, parse_faults, run_blocking, with_changes


@declare("sandbox", short_help="Serve a stand-in for the provider on this machine.")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--port", default=8787, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one."
)
@click.option(
    "--latency",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Median seconds of a task.",
)
@click.option(
    "--level",
    default="silver",
    show_default=True,
    type=click.Choice([level.value for level in Level]),
    help="The account level: how many submits a minute, and how many at once.",
)
@click.option(
    "--discount-rate",
    default=100,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="Per cent of the list price that is charged: 50 is half of it.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of everything that is drawn by chance.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="NAME=RATE, NAME@N, NAME@FIRST-LAST or NAME%N, such as submit.drop_after=0.05; may repeat.",
)
@click.option("--list-faults", is_flag=True, help="Print the name of every fault and stop.")
@click.option(
    "--list-inputs",
    is_flag=True,
    help=(
        "Show inputs in the list of tasks, which lets lost replies be told apart; whether the provider "
        "does is not documented."
    ),
)
@click.option(
    "--switch",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Sets any other switch, such as charge_percent=200 (docs/sandbox.md); may repeat.",
)
@click.option("--fast", is_flag=True, help="Small cached pictures, for benchmarks.")
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append every task, charge and refund to FILE.",
)
def command(
    host: str, port: int, latency: float, faults: tuple[str, ...], changes: tuple[str, ...], **switches: Any
) -> ExitCode:
    """Serve the provider's API on loopback: real requests, drawn pictures, a bill, and faults on demand.
    Ctrl-C ends it.
    """
    if switches["list_faults"]:
        for fault in Fault:
            out.raw(fault.value)
        return ExitCode.DONE
    config = SandboxConfig(
        latency_median=latency,
        level=Level(switches["level"]),
        discount_rate=switches["discount_rate"],
        seed=switches["seed"],
        faults=parse_faults(faults),
        fast=switches["fast"],
        list_inputs=switches["list_inputs"],
        ledger=switches["ledger"],
    )
    config = with_changes(config, dict(map(_change, changes)))
    run_blocking(config, host=host, port=port, ready=lambda url: _announce(url, config))
    return ExitCode.DONE


def _change(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--switch takes NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _announce(url: str, config: SandboxConfig) -> None:
    key = config.api_keys[0]
    if out.as_json():
        out.document({"url": url, "key": key})
        return
    out.answer(
        f"The sandbox listens at {url} and takes the key {key}. Its bill: {url}/sandbox/bill. Ctrl-C ends it."
    )
    out.next_steps([(f"WAVESPEED_BASE_URL={url} WAVESPEED_API_KEY={key} orchestrator doctor", "talks to it")])
