"""Words inside a picture's file, as XMP: what IPTC photo metadata is written as in JPEG, PNG and WebP alike.

Properties are those of the IPTC Photo Metadata Standard 2025.1; the source types are its NewsCodes.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape, quoteattr


class SourceType(StrEnum):
    """How a picture came about, by the names of the IPTC's digital source types."""

    NONE = "none"  # say nothing
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"  # a photo that a model has edited
    GENERATED = "trainedAlgorithmicMedia"  # made by a model alone


SOURCE_TYPES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True, slots=True)
class Words:
    """What is written into a file; empty: nothing."""

    title: str = ""
    description: str = ""
    creator: str = ""
    credit: str = ""
    copyright: str = ""
    keywords: tuple[str, ...] = ()
    source_type: SourceType = SourceType.NONE


NO_WORDS: Final = Words()


def packet(words: Words) -> bytes:
    """The XMP packet; empty when there is nothing to say."""
    inner = "".join(
        (
            _in_languages("dc:title", words.title),
            _in_languages("dc:description", words.description),
            _in_languages("dc:rights", words.copyright),
            _list("dc:creator", "Seq", (words.creator,) if words.creator else ()),
            _list("dc:subject", "Bag", words.keywords),
            f"<photoshop:Credit>{_text(words.credit)}</photoshop:Credit>" if words.credit else "",
        )
    )
    kind = ""
    if words.source_type is not SourceType.NONE:
        kind = f" Iptc4xmpExt:DigitalSourceType={quoteattr(SOURCE_TYPES + words.source_type.value)}"
    if not inner and not kind:
        return b""
    return f"{_HEAD}{kind}>{inner}{_TAIL}".encode()


def _in_languages(name: str, text: str) -> str:
    return (
        f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{_text(text)}</rdf:li></rdf:Alt></{name}>'
        if text
        else ""
    )


def _list(name: str, kind: str, items: tuple[str, ...]) -> str:
    lines = "".join(f"<rdf:li>{_text(item)}</rdf:li>" for item in items)
    return f"<{name}><rdf:{kind}>{lines}</rdf:{kind}></{name}>" if lines else ""


def _text(text: str) -> str:
    """Escaped, without what XML cannot hold."""
    return escape(_NOT_XML.sub("", text))


_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
)
_TAIL: Final = '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
