"""Draw pages and pictures in a process of their own.

The libraries that draw a page take 33 MB, those that draw a picture 4 MB, and a process keeps them for its whole life
once they are imported. A bot draws a few times a week, and a new interpreter starts in less than a second.
"""

import pickle
import subprocess
import sys
from typing import Final

LIMIT: Final = 240.0
"""Seconds; for a machine that is busy. A page takes one."""
PROGRAM: Final = (
    "import pickle, sys; from {module} import {name}; sys.stdout.buffer.write({name}(*pickle.load(sys.stdin.buffer)))"
)


def draw_in_child(module: str, name: str, *given: object) -> bytes:
    """Return what this function of this module draws from `given`, in a child process.

    `given` must be made by us, because it travels pickled. The child has no environment, no folder and no secret of
    ours. ValueError if the drawing failed.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-X", "utf8", "-c", PROGRAM.format(module=module, name=name)],
            input=pickle.dumps(given),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"{module}.{name} has not ended in {LIMIT:g} s") from None
    if done.returncode != 0:
        raise ValueError(f"{module}.{name} ended with {done.returncode}")
    return done.stdout
