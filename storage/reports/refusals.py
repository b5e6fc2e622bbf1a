"""Why a file is not taken, and how much of one is opened."""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_PIXELS = 50_000_000
"""A decoded picture takes 4 bytes a pixel, and drawing it anew takes them twice."""
MAX_PAGES = 50


@dataclass(frozen=True, slots=True)
class Refused:
    """`reason` is one of REASONS; `values` fill its sentence."""

    reason: str
    values: Mapping[str, object] = field(default_factory=dict)


# ------------------------------------------------------------------ pictures
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)
"""What decoders raise on damaged files. Pillow's `UnidentifiedImageError` is an OSError."""
