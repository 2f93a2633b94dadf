"""What `config.yaml` may hold, declared once: it reads the file and gives editors their schema."""

from typing import Final

from orchestrator.core.specs import JsonObject
from orchestrator.pictures.recipe_shape import RECIPES
from orchestrator.settings.money_shape import BUDGETS, GUARDS
from orchestrator.settings.notify_shape import NOTIFY
from orchestrator.settings.provider_shape import IN_DOUBT, LIMITS, PROVIDER, WEBHOOK
from orchestrator.settings.urls import database_url_problem
from orchestrator.settings.value_shapes import Url
from orchestrator.settings.work_shape import CHECKS, DOWNLOAD, INPUTS, OUTPUTS, RETRY, WORKER
from orchestrator.yamlio.shapes import DRAFT_07, Field, ListOf, Object, Text

CONFIG: Final = Object(
    (
        Field(
            name="database_url",
            shape=Url(problem_of=database_url_problem),
            doc="Where state is kept; a SQLite path is relative to this file.",
            default="sqlite:///orchestrator.db",
        ),
        Field(name="outputs", shape=OUTPUTS, doc="Where pictures go.", default={}),
        Field(
            name="input_roots",
            shape=ListOf(Text("a folder"), "a list of folders"),
            doc=(
                "Further folders that local input pictures may come from; each manifest's own folder "
                "always counts. An upload makes a picture public."
            ),
            default=[],
        ),
        Field(name="inputs", shape=INPUTS, doc="What is done with local input pictures.", default={}),
        Field(name="provider", shape=PROVIDER, doc="How the provider is reached.", default={}),
        Field(name="limits", shape=LIMITS, doc="The account's limits, shared by all workers.", default={}),
        Field(name="budgets", shape=BUDGETS, doc="Caps in US dollars.", default={}),
        Field(
            name="in_doubt",
            shape=IN_DOUBT,
            doc="Requests whose answer was lost.",
            default={},
        ),
        Field(
            name="webhook",
            shape=WEBHOOK,
            doc="How the provider reports by itself what a request created.",
            default={},
        ),
        Field(
            name="guards",
            shape=GUARDS,
            doc="What stops spending by itself when something is wrong.",
            default={},
        ),
        Field(
            name="retry",
            shape=RETRY,
            doc="Attempts after a failure that may pass.",
            default={},
        ),
        Field(
            name="worker",
            shape=WORKER,
            doc="The worker's own pace.",
            default={},
        ),
        Field(
            name="download",
            shape=DOWNLOAD,
            doc="Bounds of one download.",
            default={},
        ),
        Field(name="checks", shape=CHECKS, doc="What checks of a manifest may do here.", default={}),
        Field(
            name="recipes",
            shape=RECIPES,
            doc="How accepted pictures are changed when they are handed over: `export --recipe NAME`.",
            default={},
        ),
        Field(name="notify", shape=NOTIFY, doc="Who is told what happens, and how.", default={}),
    ),
    "a mapping of settings",
)


def config_json_schema() -> JsonObject:
    """JSON Schema (draft-07) of `config.yaml`."""
    return {"$schema": DRAFT_07, "title": "orchestrator configuration", **CONFIG.schema()}
