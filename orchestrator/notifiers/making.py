"""Which messenger a target of the configuration gets."""

from collections.abc import Mapping

from orchestrator.core.errors import UsageError
from orchestrator.core.notices import signing_key
from orchestrator.notifiers.dispatcher import Dispatcher, Messenger, TargetPost, Unusable
from orchestrator.notifiers.email import EmailMessenger, MailServer
from orchestrator.notifiers.others import AppriseMessenger
from orchestrator.notifiers.over_http import SlackMessenger, WebhookMessenger
from orchestrator.ports import Clock, NoticeWish
from orchestrator.runtime.network import Network
from orchestrator.settings.model import NotifyTarget
from orchestrator.settings.notify_secrets import NotifySecrets, notify_secrets
from orchestrator.settings.urls import notify_url_problem, split_listen


def make_dispatcher(
    targets: Mapping[str, NotifyTarget], env: Mapping[str, str], *, network: Network, clock: Clock
) -> Dispatcher:
    """One messenger for each target. One that cannot be used says so whenever it is to tell something, and
    nothing else fails for it.
    """
    return Dispatcher(
        {
            name: _post(name, target, env, network=network, clock=clock)
            for name, target in sorted(targets.items())
        }
    )


def _post(
    name: str, target: NotifyTarget, env: Mapping[str, str], *, network: Network, clock: Clock
) -> TargetPost:
    wish = NoticeWish(
        kinds=None if target.events is None else frozenset(target.events),
        campaigns=None if target.campaigns is None else frozenset(target.campaigns),
    )
    try:
        secrets = notify_secrets(target, env)
        messenger = _messenger(name, target, secrets, network=network, clock=clock)
    except UsageError as error:
        return TargetPost(Unusable(str(error)), wish)
    hidden = [word for word in (secrets.url, secrets.secret, secrets.password) if word]
    return TargetPost(messenger, wish, hidden)


def _messenger(
    name: str, target: NotifyTarget, secrets: NotifySecrets, *, network: Network, clock: Clock
) -> Messenger:
    if target.via == "email":
        host, port = split_listen(target.smtp or "")
        server = MailServer(
            host=host,
            port=int(port),
            security=target.security,
            user=target.user,
            password=secrets.password,
        )
        return EmailMessenger(server, network.ssl_context, sender=target.sender or "", to=target.to)
    url = secrets.url or ""
    if target.via == "apprise":
        return AppriseMessenger(name, url)
    if problem := notify_url_problem(url):
        raise UsageError(f"its URL is none: {problem}")
    if target.via == "slack":
        return SlackMessenger(url, network)
    key = None if secrets.secret is None else signing_key(secrets.secret)
    return WebhookMessenger(url, network, key=key, now_seconds=lambda: clock.now_ms() / 1000)
