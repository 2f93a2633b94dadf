"""What `config.yaml` says of those who are told what happens."""

from pathlib import Path
from typing import Any, Final

from orchestrator.core.notices import NoticeKind
from orchestrator.settings.model import NotifyTarget
from orchestrator.settings.urls import listen_problem, notify_url_problem
from orchestrator.settings.value_shapes import Url, VariableName
from orchestrator.yamlio.shapes import Choice, Field, ListOf, MapOf, Nullable, Object, Reading, Text

KINDS: Final = tuple(kind.value for kind in NoticeKind if kind is not NoticeKind.TEST)
_FILE: Final = Nullable(Text("a file"))
_TARGET: Final = Object(
    (
        Field(
            name="via",
            shape=Choice(("webhook", "slack", "email", "apprise")),
            doc="How it is told; apprise needs the extra: pip install 'orchestrator[notify]'.",
            required=True,
        ),
        Field("url", Nullable(Url(problem_of=notify_url_problem)), "Where a webhook is posted to."),
        Field("url_env", Nullable(VariableName()), "Name of the environment variable that holds the URL."),
        Field("url_file", _FILE, "File that holds the URL, readable by you alone."),
        Field(
            "secret_env",
            Nullable(VariableName()),
            "Name of the environment variable that holds the secret that a webhook is signed with.",
        ),
        Field("secret_file", _FILE, "File that holds that secret, readable by you alone."),
        Field("to", ListOf(Text("an e-mail address")), "Who gets an e-mail.", default=[]),
        Field("from", Nullable(Text("an e-mail address")), "Who an e-mail is from."),
        Field("smtp", Nullable(Url(problem_of=listen_problem)), "The mail server, as HOST:PORT."),
        Field(
            "security",
            Choice(("starttls", "tls", "none")),
            "How the connection to the mail server is protected.",
            default="starttls",
        ),
        Field("user", Nullable(Text("a user")), "Who logs in to the mail server; none: nobody."),
        Field("password_env", Nullable(VariableName()), "Name of the variable that holds the password."),
        Field("password_file", _FILE, "File that holds the password, readable by you alone."),
        Field("events", Nullable(ListOf(Choice(KINDS))), "What it is told; none: everything."),
        Field(
            "campaigns",
            Nullable(ListOf(Text("a campaign"))),
            "The campaigns that it is told of, beside the account; none: all.",
        ),
    ),
    "a mapping that says how to tell somebody",
)
NOTIFY: Final = MapOf(
    _TARGET,
    "names, each with how it is told",
    name_pattern=r"[A-Za-z0-9_-]{1,40}",
    name_what="a plain name",
)
_NEEDS: Final = {
    "slack": "its address is a secret, so name a variable (url_env) or a file (url_file)",
    "apprise": "its address is a secret, so name a variable (url_env) or a file (url_file)",
}


def targets(found: dict[str, dict[str, Any]], base: Path) -> dict[str, NotifyTarget]:
    """The targets, with files relative to `base`."""

    def whole(said: dict[str, Any]) -> NotifyTarget:
        files = {
            name: str(base / Path(said[name]).expanduser())
            for name in ("url_file", "secret_file", "password_file")
            if said[name]
        }
        lists = {name: tuple(said[name]) for name in ("to", "events", "campaigns") if said[name] is not None}
        rest = {name: value for name, value in said.items() if name != "from"}
        return NotifyTarget(**rest | files | lists | {"sender": said["from"]})

    return {name: whole(said) for name, said in found.items()}


def check(found: dict[str, dict[str, Any]], reading: Reading) -> None:
    """Report what a target cannot do without."""
    for name, said in found.items():
        addresses = [key for key in ("url", "url_env", "url_file") if said[key]]
        where = ("notify", name)
        if said["via"] == "email":
            missing = [key for key in ("smtp", "from", "to") if not said[key]]
            if missing:
                reading.wrong(where, f"an e-mail needs {', '.join(missing)}")
        elif said["via"] in _NEEDS and (said["url"] or not addresses):
            reading.wrong(where, _NEEDS[said["via"]])
        elif len(addresses) != 1:
            reading.wrong(where, "name one of url, url_env and url_file")
