"""T7: PostgreSQL goes away under load; a connection breaks when COMMIT was sent, and nobody hears what came of it.

A proxy stands between the bot and its database. It reads what passes: the answer to a COMMIT it can keep to itself,
or the COMMIT; and for a while it can let nobody through, as a server that is being restarted. In the long version there
is a server that is really restarted, of its own, in a folder that is gone afterwards.
"""

import contextlib
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import make_url

from bot.sandbox import people
from bot.sandbox.telegram import Person
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.ports import free_port
from tests.storage.database import scratch

COMMIT = b"COMMIT"
STRANGER = 800_000
CUTS = ("answer", "request")
"""What of a COMMIT is lost: the bot cannot know which, and it was carried out in one case only."""


class Proxy:
    """Carries bytes to PostgreSQL and back, until it is told to break something."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.cut_next = ""
        self.cuts = dict.fromkeys(CUTS, 0)
        self.refused = 0
        self.is_down = False
        self.flows = threading.Event()
        """While it is not set, who connects is let in, and nothing is carried."""
        self.flows.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._letting_in = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._letting_in.start()

    def url_for(self, url: str) -> str:
        """The address of the same database by way of this proxy."""
        through = make_url(url).set(host="127.0.0.1", port=self.port).update_query_dict({"sslmode": "disable"})
        return through.render_as_string(hide_password=False)

    def close(self) -> None:
        """Returns when nobody accepts any more.

        A socket that is only closed is still waited at: whoever waits would accept, and refuse, at the next socket that
        has its number, as soon as the process has been stopped for a moment.
        """
        _shut(self._listening)
        self._letting_in.join()
        self.flows.set()
        self.go_down()

    def go_down(self) -> int:
        """Break every connection, and let nobody in; how many there were."""
        with self._lock:
            self.is_down = True
            broken = list(self._open)
        for end in broken:
            _shut(end)
        return len(broken) // 2

    def come_back(self) -> None:
        self.is_down = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                self.refused += 1
                client.close()
                continue
            with self._lock:
                if self.is_down:
                    self.refused += 1
                    _shut(client)
                    _shut(server)
                    continue
                self._open |= {client, server}
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = _Wire(self, client, server)
            for work in (wire.up, wire.down):
                threading.Thread(target=work, name="proxy", daemon=True).start()

    def count(self, said: bytes) -> None:
        """Called before anything is carried to the server."""

    def forget(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            _shut(end)

    def takes(self, cut: str) -> bool:
        """Whether this is to be lost; once."""
        with self._lock:
            if self.cut_next != cut:
                return False
            self.cut_next = ""
            self.cuts[cut] += 1
            return True


class _Wire:
    """One connection."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.is_cut = False

    def up(self) -> None:
        with contextlib.suppress(OSError):
            while said := self.client.recv(1 << 16):
                if COMMIT in said:
                    if self.proxy.takes("request"):
                        break
                    self.is_cut = self.is_cut or self.proxy.takes("answer")
                self.proxy.flows.wait()
                self.proxy.count(said)
                self.server.sendall(said)
        if not self.is_cut:
            self.proxy.forget(self.client, self.server)

    def down(self) -> None:
        with contextlib.suppress(OSError):
            while said := self.server.recv(1 << 16):
                if self.is_cut and COMMIT in said:  # it has been carried out
                    break
                self.proxy.flows.wait()
                self.client.sendall(said)
        self.proxy.forget(self.client, self.server)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


# ------------------------------------------------------------------ a server of its own
class Cluster:
    """A PostgreSQL that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._bin = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name))
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
            folder.chmod(0o755)
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "enlace", "--no-sync")
        self.control("start")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://enlace@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)

    def control(self, act: str) -> None:
        options = ["-o", f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"]
        log = ["-l", str(self.folder / "log")]
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", *options, *log, act)

    def revive(self) -> None:
        """Start it if it has given up: it does where it cannot write its log."""
        try:
            self._run("pg_ctl", "-D", str(self.folder / "data"), "status")
        except subprocess.CalledProcessError:
            self.control("start")


@contextlib.contextmanager
def cluster(folder: Path | None = None) -> Iterator[Cluster]:
    own = Path(tempfile.mkdtemp(prefix="enlace-cluster-")) if folder is None else folder
    made = Cluster(own)
    try:
        yield made
    finally:
        made.control("stop")
        if folder is None:
            shutil.rmtree(own)


# ------------------------------------------------------------------ the scenario
def torn(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = True,
    cast: Cast = Cast(),
    faults: int = 4,
    cuts: Sequence[str] = CUTS,
    is_restarted: bool = False,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Everybody reports, and between two answers the database goes away, or a COMMIT is never answered (T7)."""
    from tests.faults.scenarios import answered, at_work, finish

    assert kind == "postgresql"
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(cluster()) if is_restarted else None
        url = server.url if server else stack.enter_context(scratch.schema_or_skip("enlace_faults", bots=1))
        proxy = Proxy(make_url(url).port or 5432)
        stack.callback(proxy.close)
        deployment = stack.enter_context(deployed(folder, kind, cast, webhook=webhook, url=url))
        deployment.url_of_bots = proxy.url_for(url)
        deployment.world.add_person(Person(STRANGER, "Nadie"), started=True)
        work = stack.enter_context(at_work(deployment, dice))
        deployment.start(plant=plant)
        for number in range(faults):
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + dice.randint(5, 30))
            if work.violations or outcome.violations or not deployment.bot.is_alive:
                break
            if number % 2 == 0:
                go_away(proxy, server, deployment, outcome)
            else:
                lose_a_commit(proxy, cuts[0] if number == 1 else dice.choice(cuts), outcome)
        if not deployment.bot.is_alive:
            outcome.violations.append(f"the bot has died: {deployment.bot.log()[-500:]}")
        outcome.counts["commits cut"] = sum(proxy.cuts.values())
        outcome.counts["answers of a commit lost"] = proxy.cuts["answer"]
        return finish(deployment, work, outcome, deaths=outcome.counts["deaths"])


def go_away(proxy: Proxy, server: Cluster | None, deployment: Deployment, outcome: Outcome) -> None:
    """Nobody reaches the database, until the bot has said so to Telegram (or, polling, has tried again).

    A stranger writes: whoever reports may be waiting for an answer at that moment, and then nobody would.
    """
    refused = proxy.refused
    broken = proxy.go_down()
    assert broken > 0
    people.say(deployment.world, STRANGER, "/help")
    if server is not None:
        server.control("restart")
        outcome.counts["restarts"] += 1
    webhook = deployment.world.bot.webhook
    until(
        lambda: proxy.refused > refused and (webhook is None or "503" in webhook.last_error),
        lambda: f"{proxy.refused} refused, {webhook and webhook.last_error}\n{deployment.bot.log()[-2000:]}",
    )
    outcome.counts["503"] += webhook is not None
    if webhook is not None:
        webhook.last_error = ""
    outcome.counts["deaths"] += 1
    proxy.come_back()


def lose_a_commit(proxy: Proxy, what: str, outcome: Outcome) -> None:
    """The next COMMIT, or what is said to it, does not arrive."""
    done = proxy.cuts[what]
    proxy.cut_next = what
    until(lambda: proxy.cuts[what] > done, lambda: "no COMMIT passes")
    outcome.counts["deaths"] += 1
