"""What the decoders of pictures raise for content that is off, whether it goes in or comes out."""

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
