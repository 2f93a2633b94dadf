"""`orchestrator models`: what may be sent, and what it costs."""

from typing import Any

import click

from orchestrator import catalogue
from orchestrator.catalogue import Model
from orchestrator.cli import out
from orchestrator.cli.base import group
from orchestrator.cli.rendering.words import duration, table, unit_price
from orchestrator.core.errors import ExitCode
from orchestrator.core.money import format_usd


@group("models", short_help="The models, their parameters and prices.")
def command() -> None:
    """The models that manifests may name."""


@command.command("list")
def list_models() -> ExitCode:
    """Every model with its price for one picture. With --json one object a line."""
    models = catalogue.all_models()
    if out.as_json():
        for model in models:
            out.line(_document(model))
    else:
        out.answer(
            table(["model", "title", "price of a picture"], [[m.id, m.title, _price(m)] for m in models])
        )
        out.next_steps([(f"orchestrator models show {models[0].id}", "shows its parameters")])
    return ExitCode.DONE


@command.command("show")
@click.argument("model_id", metavar="MODEL")
def show(model_id: str) -> ExitCode:
    """The parameters of MODEL: what is allowed, what is the default."""
    model = catalogue.get(model_id)
    if out.as_json():
        out.document(_document(model))
        return ExitCode.DONE
    rows = [
        [
            item.name,
            "required" if item.required else f"default {item.default}",
            item.allowed_text(),
            item.description,
        ]
        for item in model.parameters
    ]
    slow = duration(model.latency.seconds_slow)
    out.answer(
        f"{model.id}: {model.title}\n\n"
        f"{table(['parameter', '', 'allowed', ''], rows)}\n\n"
        f"Input pictures: {model.inputs.words()} ({model.inputs.source})\n"
        f"Price of a picture: {_price(model)} ({model.price.source})\n"
        f"Usual time: {duration(model.latency.seconds_typical)}, nine of ten under {slow} "
        f"({model.latency.source})"
    )
    return ExitCode.DONE


def _price(model: Model) -> str:
    prices: dict[int, list[str]] = {}
    for value, micros in model.price.micros.items():
        prices.setdefault(micros, []).append(value)
    return ", ".join(f"{unit_price(micros)} at {' and '.join(values)}" for micros, values in prices.items())


def _document(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "title": model.title,
        "parameters": [
            {
                "name": item.name,
                "kind": str(item.kind),
                "required": item.required,
                "default": item.default,
                "allowed": item.allowed_text(),
                "description": item.description,
            }
            for item in model.parameters
        ],
        "inputs": {
            "media_types": list(model.inputs.media_types),
            "bytes_max": model.inputs.bytes_max,
            "side_min": model.inputs.side_min,
            "ratio_max": model.inputs.ratio_max,
            "source": model.inputs.source,
        },
        "price": {
            "by": model.price.by,
            "usd_per_image": {value: format_usd(micros) for value, micros in model.price.micros.items()},
            "source": model.price.source,
        },
        "latency_seconds": {
            "typical": model.latency.seconds_typical,
            "slow": model.latency.seconds_slow,
            "source": model.latency.source,
        },
    }
