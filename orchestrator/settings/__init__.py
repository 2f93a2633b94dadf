"""The configuration: `config.yaml`, the environment over it, defaults that just work under it."""

from orchestrator.settings.key import api_key, key_fingerprint, webhook_secrets
from orchestrator.settings.load import load_settings
from orchestrator.settings.model import (
    Budgets,
    Download,
    Guards,
    InDoubtSettings,
    Limits,
    Outputs,
    ProviderSettings,
    Retry,
    Settings,
    Webhook,
    WorkerSettings,
)
from orchestrator.settings.shape import config_json_schema

__all__ = [
    "Budgets",
    "Download",
    "Guards",
    "InDoubtSettings",
    "Limits",
    "Outputs",
    "ProviderSettings",
    "Retry",
    "Settings",
    "Webhook",
    "WorkerSettings",
    "api_key",
    "config_json_schema",
    "key_fingerprint",
    "load_settings",
    "webhook_secrets",
]
