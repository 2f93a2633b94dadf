"""What the decoders of pictures raise for content that is off, whether it goes in or comes out."""

import re
import struct
import zlib
from typing import Final

DECODER_ERRORS: Final = (
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""OSError is not among them: where a file is read it may be of the disk, and each caller decides."""

_PROGRAMMERS: Final = re.compile(r"\bunpack|\bbuffer\b.*\bbytes\b|index out of range")
"""How the reading of a number fails where there are no bytes left: words about code, not about a picture."""


def decoder_words(error: Exception) -> str:
    """What a decoder says, for the person who has the picture: its own words where it has some, never the
    name of a class of errors.
    """
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, OSError | SyntaxError | ValueError) and (words := str(error).strip()):
        return words if not _PROGRAMMERS.search(words) else "it ends too early"
    return "its data is damaged or breaks off"
