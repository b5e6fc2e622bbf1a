"""The bot's process beside the sandbox: started, watched, killed on request, and asked for its figures.

The page asks the bot what it did, but a killed bot forgets its counters. So the figures come from its `/metrics`, and
the counters of earlier processes are added here. No number on the page goes down.
"""

import http.client
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from bot.demo.reader import Reader
from bot.sandbox.telegram import World
from bot.settings import Settings, inherited_environment
from conversations.plan.periods import PeriodType, periods_between

PATIENCE: Final = 0.5
"""Seconds within which the bot must answer; otherwise there are no figures."""
COUNTED: Final = ("updates", "commits", "units", "sent", "retried", "ambiguous", "undeliverable", "fires")
"""Counters that only grow. `queued` and `sending` are present values."""
ACTS: Final = ("updates", "sent", "fires")
"""Counters that stand still while the bot does nothing: a reading at the data door is a unit and a commit too."""
GOODBYE: Final = 9.5
"""Seconds a bot has for an orderly end. It needs less (bot.stopping)."""
NINE: Final = time(9)
MIDNIGHT: Final = time(0)


class Supervisor:
    """Keeps the bot's process running. The page can kill it, start it, and see what it does."""

    def __init__(
        self, settings: Settings, world: World, data_token: str = "", holidays: Collection[date] = frozenset()
    ) -> None:
        self._settings = settings
        self._reader = Reader(free_port(), data_token)
        self._world = world
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._is_wanted = False
        self._lock = threading.Lock()
        self._port = 0
        self._since = world.now()
        self._counts = Counts()
        self._holidays = holidays
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def state(self) -> dict[str, object]:
        """Whether the bot runs, what it has done `since` (sandbox time), and the next moments of the plan.

        `reader` says what the reader at the data door has. `figures` is None if the bot does not answer; waiting for it
        may take half a second.
        """
        process = self._process
        pid = process.pid if process is not None and process.poll() is None else None
        now = datetime.fromtimestamp(self._world.now(), UTC)
        figures = None if pid is None else self._figures(pid)
        return {
            "running": pid is not None,
            "pid": pid,
            "figures": figures,
            "reader": None if pid is None else self._reader.look(figures and {name: figures[name] for name in ACTS}),
            "since": self._since,
            "moments": moments(now, ZoneInfo(self._settings.timezone), self._holidays),
        }

    def order(self, what: str) -> dict[str, object]:
        """`kill` sends SIGKILL, at any instruction. `start` starts the bot if it does not run."""
        with self._lock:
            if what == "kill":
                self._is_wanted = False
                if self._process is not None:
                    self._figures(self._process.pid)  # its last words
                    self._process.kill()
                    self._process.wait()
            elif what == "start" and not self._closing.is_set():
                self._is_wanted = True
                self._ensure()
        return self.state()

    def dismiss(self) -> None:
        """Ask the bot to end, without waiting: it ends quickly while its Telegram still answers."""
        self._closing.set()

    def close(self) -> None:
        """End the bot, in order if possible."""
        self.dismiss()
        self._watcher.join()

    def _ensure(self) -> None:
        if self._process is None or self._process.poll() is not None:
            clock = datetime.fromtimestamp(self._world.now(), UTC).isoformat()
            parent, ours = os.pipe()
            command = [sys.executable, "-m", "bot", "run", "--clock", clock, "--parent", str(parent)]
            self._port = free_port()
            given = environment(self._settings) | {
                "ENLACE_METRICS": f"127.0.0.1:{self._port}",
                "ENLACE_APP_URL": f"http://127.0.0.1:{self._reader.port}",
                "ENLACE_LISTEN": f"127.0.0.1:{self._reader.port}",
            }
            self._process = subprocess.Popen(command, env=given, pass_fds=(parent,))
            os.close(parent)
            self._hold(ours)

    def _hold(self, pipe: int) -> None:
        """Hold one end of a pipe. The bot learns from it that this process is gone, even if that was killed."""
        if self._pipe is not None:
            os.close(self._pipe)
        self._pipe = pipe

    def _watch(self) -> None:
        while not self._closing.wait(1.0):
            with self._lock:
                if self._is_wanted:
                    self._ensure()
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._is_wanted = False
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(GOODBYE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _figures(self, pid: int) -> dict[str, int] | None:
        text = scraped(self._port)
        return None if text is None else self._counts.total(pid, figures(text_string_to_metric_families(text)))


class Counts:
    """Sums of the counters of several processes, one after another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._last: Mapping[str, int] = {}
        self._before: Counter[str] = Counter()

    def total(self, pid: int, now: Mapping[str, int]) -> dict[str, int]:
        """`now`, plus the last known counters of all processes before `pid`."""
        with self._lock:
            if pid != self._pid:
                self._before.update({name: self._last.get(name, 0) for name in COUNTED})
                self._pid = pid
            self._last = now
            return {name: number + self._before[name] for name, number in now.items()}


def figures(families: Iterable[Metric]) -> dict[str, int]:
    """The page's figures, from the bot's metrics."""
    found = dict.fromkeys((*COUNTED, "queued", "sending"), 0)
    for family in families:
        for sample in family.samples:
            match sample.name, sample.labels:
                case "enlace_updates_total", _:
                    found["updates"] += int(sample.value)
                case "enlace_commit_seconds_count", _:
                    found["commits"] += int(sample.value)
                case "enlace_units_total", _:
                    found["units"] += int(sample.value)
                case "enlace_outbox_rows", {"state": state}:
                    found[state] += int(sample.value)
                case "enlace_deliveries_total", {"outcome": "sent" | "ambiguous" as outcome}:
                    found[outcome] += int(sample.value)
                case "enlace_deliveries_total", {"outcome": "undeliverable" | "unreachable"}:
                    found["undeliverable"] += int(sample.value)
                case "enlace_fires_total", {"outcome": "said"}:
                    found["fires"] += int(sample.value)
                case "enlace_delivery_retries_total", _:
                    found["retried"] += int(sample.value)
    return found


def moments(now: datetime, zone: ZoneInfo, holidays: Collection[date] = frozenset()) -> list[dict[str, Any]]:
    """The next opening, due day and lock of a monthly period, each at its hour (docs/domain.md#reminders).

    Opening and due day are announced at nine. A period is locked from the first minute of its day.
    """
    today = now.astimezone(zone).date()
    span = timedelta(days=62)
    near = periods_between(today - span, today + span, types=(PeriodType.MONTHLY,), holidays=holidays)
    days = [
        (name, on, hour)
        for period in near
        for name, on, hour in (
            ("opening", period.opens_on, NINE),
            ("due", period.due_on, NINE),
            ("locks", period.locks_on, MIDNIGHT),
        )
    ]
    coming: dict[str, datetime] = {}
    for name, on, hour in days:
        at = datetime.combine(on, hour, zone)
        if at > now and at < coming.get(name, datetime.max.replace(tzinfo=UTC)):
            coming[name] = at
    return [{"name": name, "at": at.timestamp()} for name, at in sorted(coming.items(), key=lambda each: each[1])]


def scraped(port: int) -> str | None:
    """The text of `/metrics`. None if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings) -> dict[str, str]:
    """The bot's environment: the machine's, with these settings and no others."""
    return inherited_environment() | {
        "ENLACE_TELEGRAM_TOKEN": settings.telegram_token.get_secret_value(),
        "ENLACE_TELEGRAM_API": settings.telegram_api,
        "ENLACE_DATABASE_URL": settings.database_url,
        "ENLACE_FILES": str(settings.files),
        "ENLACE_KEYS": str(settings.keys),
        "ENLACE_TIMEZONE": settings.timezone,
        "ENLACE_LANGUAGE": settings.language,
        "ENLACE_LOG_LEVEL": settings.log_level,
        "ENLACE_EVENTS_INSIDE": ",".join(map(str, settings.events_inside)),
        "ENLACE_EVENTS_PORTS": ",".join(map(str, settings.events_ports)),
    }
