"""Full memory moves into large pages; what is nearly empty does not grow, and what was forbidden is forbidden again."""

import json
import subprocess
import sys

import pytest

from bot.large_pages import SIZE

MOVING = """
import ctypes, json, mmap
from bot.large_pages import SIZE, into_large_pages

def seen():
    with open("/proc/self/smaps_rollup") as file:
        found = dict(line.split()[:2] for line in file if line.endswith("kB\\n"))
    return {name: int(found[name + ":"]) * 1024 for name in ("Rss", "AnonHugePages")}

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # as the HTTP client's allocator does
full, sparse = (mmap.mmap(-1, 8 * SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(2))
full[:] = bytes(range(256)) * (len(full) // 256)
for place in range(0, len(sparse), SIZE):
    sparse[place] = 1
before, moved, after = seen(), into_large_pages(), seen()
print(json.dumps({
    "moved": moved, "grown": after["Rss"] - before["Rss"], "large": after["AnonHugePages"],
    "is_whole": full[:] == bytes(range(256)) * (len(full) // 256) and sum(sparse[::SIZE]) == 8,
    "is_forbidden": bool(ctypes.CDLL(None).prctl(42, 0, 0, 0, 0)),
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked for large pages")
def test_full_memory_moves_and_nothing_grows() -> None:
    done = subprocess.run([sys.executable, "-c", MOVING], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["is_whole"]
    assert found["is_forbidden"]
    assert found["grown"] < 2 * SIZE, "the sparse mapping would need eight"
    assert (found["moved"] > 0) == (found["large"] > 0)
