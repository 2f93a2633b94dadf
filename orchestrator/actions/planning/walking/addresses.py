"""What the https inputs of a command's jobs serve: asked once for each address, outside of transactions."""

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from orchestrator.catalogue import is_url
from orchestrator.core.specs import JobSpec
from orchestrator.core.url_inputs import GONE, SILENT, UNSTEADY, UNTOLD, differs, is_known
from orchestrator.ports import AskAddresses

NAMED_MAX: Final = 5


def https_inputs(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The addresses among the pictures of a job, which are in the parameter `name`."""
    return tuple(text for text in params.get(name) or () if isinstance(text, str) and is_url(text))


class Addresses:
    """What is known of the addresses of one command. Without anybody to ask, nothing is."""

    def __init__(self, ask: AskAddresses | None = None) -> None:
        self._ask = ask
        self._answers: dict[str, str] = {}
        self._late: set[int] = set()  # hashes of those that there was no time to ask: they may be a million
        self._sure: set[str] = set()  # asked a second time
        self._gone: dict[str, str] = {}  # what is gone, and the first row that asks for it

    def unasked(self, urls: Iterable[str]) -> list[str]:
        """Those that are still to be asked."""
        if self._ask is None:
            return []
        return [
            url for url in dict.fromkeys(urls) if url not in self._answers and hash(url) not in self._late
        ]

    def look(self, urls: Sequence[str]) -> None:
        """Ask what they serve."""
        found = self._ask(urls) if self._ask else {}
        self._answers.update(found)
        self._late.update(hash(url) for url in urls if url not in found)

    def unsure(self, urls: Iterable[str]) -> list[str]:
        """Those that were asked once alone."""
        return [url for url in dict.fromkeys(urls) if url not in self._sure]

    def look_again(self, urls: Sequence[str]) -> None:
        """Ask once more about those that seem to serve another picture: a host that answers each question
        otherwise, or whose machines do not agree, would have everything bought each night.
        """
        again = self._ask(urls) if self._ask else {}
        for url in urls:
            self._sure.add(url)
            if not is_known(again.get(url, UNTOLD)) or differs(self._answers[url], again[url]):
                self._answers[url] = UNSTEADY

    def seen(self, urls: Iterable[str]) -> dict[str, str]:
        """What each of them serves, as far as that is known."""
        return {url: self._answers.get(url, UNTOLD) for url in urls}

    def note_gone(self, specs: Iterable[JobSpec]) -> None:
        """Remember the first row of each address that is gone, to name it."""
        for spec in specs:
            for url, answer in spec.seen_urls.items():
                if answer == GONE:
                    self._gone.setdefault(url, _row(spec))

    def warnings(self) -> list[str]:
        """What a person should know before relying on it."""
        found = []
        if self._gone:
            named = [f"{_shown(url)} ({row})" for url, row in list(self._gone.items())[:NAMED_MAX]]
            more = len(self._gone) - len(named)
            listed = ", ".join(named) + (f" and {more:,} more" if more else "")
            found.append(
                f"nothing is there at {_addresses(len(self._gone))} (404 or 410), and their jobs are left "
                f"alone: {listed}. Correct them; the next time they are asked again"
            )
        if self._late:
            found.append(
                f"{_addresses(len(self._late))} {_was(self._late)} not asked, for want of time: what is "
                "unknown counts as unchanged"
            )
        for answer, words in _WORDS.items():
            urls = [url for url, given in self._answers.items() if given == answer]
            if urls:
                hosts = list(dict.fromkeys(urlsplit(url).hostname or "" for url in urls))
                listed = ", ".join(hosts[:NAMED_MAX]) + (" and others" if len(hosts) > NAMED_MAX else "")
                found.append(f"{_addresses(len(urls))} of {listed} {words}")
        return found


_WORDS: Final = {
    SILENT: "did not answer: what is unknown counts as unchanged",
    UNSTEADY: "answered each question otherwise: what is unknown counts as unchanged",
    UNTOLD: "told neither an ETag nor time of change and length: what is unknown counts as unchanged, until "
    "`older_than` makes it anew",
}


def _addresses(number: int) -> str:
    return "1 address" if number == 1 else f"{number:,} addresses"


def _was(these: Sized) -> str:
    return "was" if len(these) == 1 else "were"


def _row(spec: JobSpec) -> str:
    """What a person calls the row of a job."""
    return ", ".join(f"{axis} {value}" for axis, value in spec.axes) or f"job {spec.ordinal + 1:,} of the run"


def _shown(url: str) -> str:
    """An address without its query, which may hold a signature."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
