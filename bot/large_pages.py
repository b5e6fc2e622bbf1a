"""Move the memory of a started bot into pages of 2 MB (Linux).

An answer touches some fifty megabytes of objects. With pages of 4 KB the processor must look up most of their addresses
in tables, and in a virtual machine in two sets of tables. With large pages it finds them at once.

Nothing grows: only ranges that are nearly full already are moved. Where the kernel cannot do it (before 6.1), or finds
no room, the memory stays as it is.
"""

import ctypes
import sys
from collections.abc import Iterator
from typing import Any, Final

SIZE: Final = 2 * 1024 * 1024
PAGE: Final = 4096
FULL: Final = SIZE // PAGE * 7 // 8
"""How many small pages of a range are in memory before it is moved."""

# Numbers of the kernel's interface (madvise(2), prctl(2)).
_COLLAPSE: Final = 25
_SET_DISABLED, _GET_DISABLED = 41, 42


def into_large_pages() -> int:
    """Move what this process has in memory, and return how many bytes were moved. It takes some milliseconds."""
    if sys.platform != "linux":
        return 0
    system: Any = ctypes.CDLL(None)
    system.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    system.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    # The HTTP client's allocator forbids large pages to the whole process. What it allocates later stays forbidden.
    was_disabled = system.prctl(_GET_DISABLED, 0, 0, 0, 0)
    system.prctl(_SET_DISABLED, 0, 0, 0, 0)
    try:
        full = [start for start in _ranges() if _is_full(system, start)]
        return SIZE * [system.madvise(start, SIZE, _COLLAPSE) for start in full].count(0)
    finally:
        system.prctl(_SET_DISABLED, max(0, was_disabled), 0, 0, 0)


def _ranges() -> Iterator[int]:
    """The addresses of all ranges of private memory that a large page could hold."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        lines = file.readlines()
    for line in lines:
        addresses, access, _, _, _, *path = line.split(maxsplit=5)
        if access == "rw-p" and (not path or path[0].strip() == "[heap]"):
            start, end = (int(each, 16) for each in addresses.split("-"))
            yield from range(-(-start // SIZE) * SIZE, end - SIZE + 1, SIZE)


def _is_full(system: Any, start: int) -> bool:
    found = ctypes.create_string_buffer(SIZE // PAGE)
    is_mapped: bool = system.mincore(start, SIZE, found) == 0
    return is_mapped and SIZE // PAGE - found.raw.count(0) >= FULL
