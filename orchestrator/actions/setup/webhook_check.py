"""The webhook: is it complete, and can the provider call it?"""

from orchestrator.actions.setup.check import Check, CheckResult, Patient
from orchestrator.core.errors import OrchestratorError
from orchestrator.settings import webhook_secrets


def examine(patient: Patient) -> Check:
    """Whether reports of the provider can arrive, and be believed."""
    webhook = patient.settings.webhook
    if webhook.url is None:
        return Check(
            "webhook", CheckResult.OK, "off: what a lost reply created is looked for in the provider's list"
        )
    try:
        secrets = webhook_secrets(patient.settings, patient.env)
    except OrchestratorError as error:
        return Check(
            name="webhook",
            verdict=CheckResult.FAIL,
            message=str(error),
            fix=f"Set {webhook.secret_env}, or mend webhook.secret_file.",
        )
    if not secrets:
        fix = (
            f"Set {webhook.secret_env} where `orchestrator serve` runs, to the answer of GET "
            "/api/v3/webhook/secret."
        )
        return Check(
            name="webhook",
            verdict=CheckResult.WARN,
            message=f"{webhook.secret_env} is not set: no report is believed",
            fix=fix,
        )
    if not webhook.url.startswith("https:"):
        fix = "Give it a public https address; this one is for trying things with the sandbox."
        return Check(
            name="webhook",
            verdict=CheckResult.WARN,
            message=f"only this machine can call {webhook.url}",
            fix=fix,
        )
    return Check(
        "webhook", CheckResult.OK, f"{webhook.url}, received by `orchestrator serve` at {webhook.listen}"
    )
