"""What a manifest says of its earlier runs: what is made anew, and what stays."""

import re
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.catalogue import get
from orchestrator.core.nights import Leftovers, NightRule, OnModelChange, Orphans, Regenerate, finish_at
from orchestrator.core.specs import JsonObject
from orchestrator.core.url_inputs import UrlInputs
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.durations import Duration
from orchestrator.yamlio.shapes import Choice, Field, Money, Reading, Text, described

_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*%")


WHOLE: Final = 100  # per cent


@dataclass(frozen=True)
class _Flood:
    """A share of all jobs, or an amount of money: beyond it a person decides."""

    def read(self, node: Node, reading: Reading) -> dict[str, int | float] | None:
        """`{"percent": ...}` or `{"micros": ...}`."""
        found = _SHARE.fullmatch(node.value.strip()) if isinstance(node.value, str) else None
        if found and 0 < float(found[1]) <= WHOLE:
            return {"percent": float(found[1])}
        if found or (isinstance(node.value, str) and not re.fullmatch(r"[\d.]+", node.value)):
            reading.wrong(node.path, f"expected a share such as 20%, or US dollars, got {described(node)}")
            return None
        micros = Money().read(node, reading)
        return None if micros is None else {"micros": micros}

    def schema(self) -> JsonObject:
        """A share, or an amount."""
        share = {"type": "string", "pattern": f"^{_SHARE.pattern}$"}
        return {"anyOf": [share, *Money().schema()["anyOf"]]}


NIGHTS: Final = (
    Field(
        "regenerate",
        Choice(tuple(Regenerate)),
        "Which jobs are made anew where an earlier run of this manifest has made them; all when absent.",
    ),
    Field(
        "older_than",
        Duration("12h, 30d or 8w"),
        "With `regenerate: changed`: pictures older than this are made anew, such as 30d.",
    ),
    Field(
        "leftovers",
        Choice(tuple(Leftovers)),
        "What becomes of jobs that wait in earlier runs: cancel (with `regenerate`), carry, or keep.",
    ),
    Field(
        "finish_by",
        Text("a time of day such as 06:00", r"(?:[01]\d|2[0-3]):[0-5]\d"),
        "Nothing is submitted after this time of day; what runs is collected.",
    ),
    Field(
        "compare",
        Choice(("bytes", "pixels")),
        "What makes an input picture another one: its bytes, or its pixels, so that metadata do not count.",
        default="bytes",
    ),
    Field(
        "url_inputs",
        Choice(tuple(UrlInputs)),
        "What makes a picture at an https address another one: what its host tells of it (etag), its address "
        "alone (url), or each night (always).",
        default=UrlInputs.ETAG.value,
    ),
    Field(
        "on_model_change",
        Choice(tuple(OnModelChange)),
        "With `regenerate: changed`: pictures of an older revision of the model stay, or are made anew.",
        default=OnModelChange.KEEP.value,
    ),
    Field(
        "latest",
        Text(),
        "A stable name for each picture, relative to the output root: it is always the newest good one.",
    ),
    Field(
        "orphans",
        Choice(tuple(Orphans)),
        "Stable names whose row is gone from the data: keep, or retire, which takes them away.",
        default=Orphans.KEEP.value,
    ),
    Field(
        "max_changed",
        _Flood(),
        "More new or lost jobs than this share, or new ones for more US dollars, need a person's word.",
    ),
)


def night_rule(fields: dict[str, Any], asked: Regenerate | None = None) -> NightRule:
    """The rule of a manifest, with the word that a command says instead of it."""
    said = fields["regenerate"]
    word = asked or (Regenerate(said) if said else Regenerate.ALL)
    looks = asked is not None or said is not None or fields.get("schedule") is not None
    default = Leftovers.CANCEL if looks else Leftovers.KEEP
    urls = UrlInputs(fields["url_inputs"] or UrlInputs.ETAG)
    remade = word is Regenerate.CHANGED and fields["on_model_change"] == OnModelChange.REGENERATE
    # Asked also by a run that makes all anew, where the next one may look back at it.
    nightly = fields.get("schedule") is not None or {word, said} - {Regenerate.ALL, None}
    return NightRule(
        regenerate=word,
        older_than_ms=fields["older_than"] if word is Regenerate.CHANGED else None,
        leftovers=Leftovers(fields["leftovers"] or default),
        url_inputs=urls,
        model_revision=get(fields["model"]).revision if remade else None,
        asks=urls is UrlInputs.ETAG and bool(nightly),
    )


def check_night(fields: dict[str, Any], reading: Reading) -> None:
    """Report words that go with others."""
    if fields["latest"] is not None and fields["latest"] == fields["output"]:
        reading.wrong(("latest",), "is the same as `output`", "give it a folder of its own, such as latest/")
    if fields["older_than"] is not None and fields["regenerate"] != Regenerate.CHANGED:
        reading.wrong(
            ("older_than",), "says when pictures are made anew", "write `regenerate: changed` beside it"
        )
    remade = fields["on_model_change"] == OnModelChange.REGENERATE
    if remade and fields["regenerate"] != Regenerate.CHANGED:
        reading.wrong(
            ("on_model_change",), "says when pictures are made anew", "write `regenerate: changed` beside it"
        )


def night_words(
    fields: dict[str, Any], asked: Regenerate | None, *, now_ms: int, timezone: str
) -> dict[str, Any]:
    """What a run keeps of them, by field of its spec; times are those of a zone, counted from now."""
    by = fields["finish_by"]
    return {
        "night": night_rule(fields, asked),
        "finish_by": finish_at(by, now_ms, timezone) if by else None,
        "max_changed": fields["max_changed"],
        "retires": fields["orphans"] == Orphans.RETIRE,
    }


def stable_index(fields: dict[str, Any]) -> dict[str, str]:
    """Where the list of the stable names of a run goes: into the folder that they share."""
    text = fields["latest"]
    if not text:
        return {}
    folder = text.partition("{")[0].rpartition("/")[0]
    name = f"{fields['campaign']}.{fields['name']}.{fields['run']}.jsonl"
    return {"latest_index": f"{folder}/{name}" if folder else name}
