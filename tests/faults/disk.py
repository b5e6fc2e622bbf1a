"""T8: the disk is full, or takes nothing more, while people report and send photographs.

Small file systems of their own are mounted and filled to the last byte: on one lies the database (of PostgreSQL the
whole server), on another the evidence. One that has become read-only under a running process is the same to it as one
on which no file may grow: the kernel refuses every byte that the bot writes (RLIMIT_FSIZE). Where nothing can be
mounted, that is what strikes every time. What the bot logs is carried off by a pipe.
"""

import contextlib
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.faults import oracle
from tests.faults.deployment import Bot, Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Work, activity_report, with_photograph
from tests.faults.torn import cluster

FAULTS = ("full", "evidence full", "frozen", "full at a death")
SIZES = {"sqlite": "64m", "postgresql": "256m"}
PHOTOGRAPH = 80
"""KiB for each photograph, which takes 56. Where they do not all fit, somebody can never finish: a run has no end."""
HARD = resource.RLIM_INFINITY
OFTEN_ENOUGH = 5
"""Failures after which no refusal is waited for: when all wait for their photographs, nobody sends anything."""


class Disk:
    """A folder that can have no room left."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        self._ballast = self.folder / "ballast"
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "enlace", str(self.folder)]
        self.is_mounted = (
            shutil.which("mount") is not None and not subprocess.run(mount, capture_output=True).returncode
        )
        self.folder.chmod(0o755)

    def close(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self) -> None:
        """Not a byte is left."""
        for size in (1 << 20, 1 << 12):
            with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
                while ballast.write(bytes(size)):
                    pass
        assert os.statvfs(self.folder).f_bavail == 0

    def free(self) -> None:
        self._ballast.unlink()


@contextlib.contextmanager
def disk(folder: Path, size: str) -> Iterator[Disk]:
    made = Disk(folder, size)
    try:
        yield made
    finally:
        made.close()


def freeze(bot: Bot, *, is_frozen: bool) -> None:
    """Whether the kernel refuses every byte that this process wants to write to a file."""
    assert bot.process is not None
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (0 if is_frozen else HARD, HARD))


def photograph(dice: random.Random) -> bytes:
    """A real one; each of its own, for what is sent twice is stored once."""
    noise = Image.frombytes("L", (320, 240), dice.randbytes(320 * 240))
    buffer = BytesIO()
    noise.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def not_stored(deployment: Deployment) -> int:
    """How often a photograph could not be kept."""
    return deployment.bot.log().count("evidence.not_stored")


def failures_of(deployment: Deployment) -> int:
    """How often anything could not be written, whatever was made of that."""
    return not_stored(deployment) + deployment.bot.log().count('"database.unavailable"')


def exhausted(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    rounds: int = 1,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nothing is acknowledged that could not be stored; when there is room again, everything goes on (T8)."""
    from tests.faults.scenarios import answered, finish

    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        top = Path(tempfile.mkdtemp(prefix="enlace-disk-"))
        stack.callback(shutil.rmtree, top)
        room = stack.enter_context(disk(top, SIZES[kind]))
        url, server = "", None
        if kind == "postgresql" and room.is_mounted:
            server = stack.enter_context(cluster(room.folder))
            url = server.url
        place = top / "enlace"
        (place / "evidence").mkdir(parents=True)
        forms_in_all = cast.people * cast.activities
        cabinet = stack.enter_context(disk(place / "evidence", f"{PHOTOGRAPH * forms_in_all}k"))
        deployment = stack.enter_context(deployed(place, kind, cast, webhook=webhook, url=url))
        for bot in deployment.bots:
            bot.log_file, bot.is_log_carried = folder / bot.log_file.name, True

        def forms(person: int):  # type: ignore[no-untyped-def]
            own = random.Random(dice.random())
            return (with_photograph(activity_report(own, item), photograph(own)) for item in cast.items_of(person))

        work = stack.enter_context(Work(deployment.world, cast.numbers, forms))
        deployment.start(plant=plant, ENLACE_LOG_LEVEL="DEBUG")
        for fault in FAULTS * rounds:
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + dice.randint(5, 30))
            if work.violations or outcome.violations or work.is_over:
                break
            before, failures = deployment.refusals(), failures_of(deployment)
            is_frozen = fault == "frozen" or not room.is_mounted
            full = cabinet if fault == "evidence full" else room
            freeze(deployment.bot, is_frozen=True) if is_frozen else full.fill()

            def has_struck(failures: int = failures) -> bool:
                return failures_of(deployment) > failures or work.is_over

            def is_refused(before: float = before, failures: int = failures) -> bool:
                has_waited = failures_of(deployment) > failures + OFTEN_ENOUGH
                return deployment.refusals() > before or has_waited or work.is_over

            until(has_struck, deployment.bot.log)
            if full is room and not is_frozen and not plant:
                until(is_refused, deployment.bot.log)
            outcome.counts[f"disk {fault}"] += 1
            outcome.counts["refused"] += deployment.refusals() > before
            if fault == "full at a death":
                deployment.bot.kill()
                outcome.counts["deaths"] += 1
            elif is_frozen:
                freeze(deployment.bot, is_frozen=False)
            if not is_frozen:
                full.free()
            if server is not None:
                server.revive()
            if not deployment.bot.is_alive:
                outcome.violations += oracle.lost(deployment, work)
                deployment.bot.start(plant=plant, ENLACE_LOG_LEVEL="DEBUG")
        outcome.counts["evidence refused"] = not_stored(deployment)
        outcome.counts["photographs sent again"] = sum(each.resent for each in work.reporters.values())
        return finish(deployment, work, outcome, deaths=float("inf"))
