"""A process held to a share of one core, by a control group of Linux (version 1 or 2). It needs root."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

CONTROLLERS = Path("/sys/fs/cgroup")
PERIOD = 100_000
"""Microseconds, the usual one. In shorter ones threads are stopped so often that an act costs twice as much."""


@contextlib.contextmanager
def held_to(share: float) -> Iterator[Path]:
    """A file to write process numbers into: all of them together have so much of a core. OSError where it cannot be."""
    is_unified = (CONTROLLERS / "cgroup.controllers").exists()
    group = (CONTROLLERS if is_unified else CONTROLLERS / "cpu") / f"enlace-bench-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    try:
        quota = int(PERIOD * share)
        if is_unified:
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        yield group / "cgroup.procs"
    finally:
        group.rmdir()  # its processes have ended
