"""T11: of two replicas behind a balancer one dies, one stands still, one loses its database, while people report.

Telegram knows one address. The balancer passes each request to one of the two, and to the other if nobody is there or
nobody answers: so an update may reach both, and the one that stood still may go on with it when it is over.
"""

import asyncio
import contextlib
import random
import threading
import time
from itertools import cycle
from pathlib import Path

from tests.faults.deployment import Bot, Cast, Deployment, deployed, ports_of
from tests.faults.outcome import Outcome
from tests.ports import free_port

FAULTS = ("pause", "kill", "cut")
PATIENCE = 3.0
"""Seconds after which the balancer asks the other one; that it asks too early must do no harm."""


class Balancer:
    """Passes requests on, in a thread of its own."""

    def __init__(self, ports: list[int]) -> None:
        self.port = free_port()
        self.turned_to_the_other = 0
        self._turns = cycle(ports)
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        is_there = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            serving = asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
            self._server = self._loop.run_until_complete(serving)
            is_there.set()
            self._loop.run_forever()
            self._server.close()
            under_way = asyncio.all_tasks(self._loop)
            for task in under_way:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*under_way, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

        self._thread = threading.Thread(target=run, name="balancer", daemon=True)
        self._thread.start()
        is_there.wait()

    def send_all_to(self, *ports: int) -> None:
        self._ports, self._turns = list(ports), cycle(ports)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Ended with the balancer, it must not end as cancelled: asyncio's server asks such a task for its error.
        ends = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.closing(writer), contextlib.suppress(*ends):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
                body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
                writer.write(await self._pass(head, body))
                await writer.drain()

    async def _pass(self, head: bytes, body: bytes) -> bytes:
        first = next(self._turns)
        for port in (first, *(port for port in self._ports if port != first)):
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(PATIENCE):
                    return await _asked(port, head, body)
            self.turned_to_the_other += 1
        return b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"


async def _asked(port: int, head: bytes, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        for line in answer.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                answer += await reader.readexactly(int(line.split(b":")[1]))
        return answer
    finally:
        writer.close()


def balanced(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = True,
    cast: Cast = Cast(),
    rounds: int = 1,
    seconds: float = 2.0,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Each fault strikes one of the two; the other serves meanwhile, and nobody notices in the end (T11)."""
    from tests.faults.scenarios import answered, at_work, finish

    assert kind == "postgresql", "two replicas need it"
    assert webhook
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(deployed(folder, kind, cast, webhook=True, replicas=2))
        balancer = Balancer([bot.port for bot in deployment.bots])
        stack.callback(balancer.close)
        deployment.address = f"http://127.0.0.1:{balancer.port}/telegram"
        deployment.start(plant=plant)
        work = stack.enter_context(at_work(deployment, dice))
        for fault in FAULTS * rounds:
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + dice.randint(5, 30))
            if work.violations or outcome.violations:
                break
            victim = dice.choice(deployment.bots)
            began = time.monotonic()
            strike(fault, victim, deployment)
            outcome.counts[fault] += 1
            outcome.counts["deaths"] += 1
            outcome.violations += answered(deployment, work, work.answers + 10)
            if fault == "pause":
                time.sleep(max(0.0, seconds - (time.monotonic() - began)))  # how long it stands still is the fault
                victim.resume()
            elif fault == "kill":
                victim.start(plant=plant)
        outcome.counts["turned to the other"] = balancer.turned_to_the_other
        return finish(deployment, work, outcome, deaths=outcome.counts["deaths"])


def strike(fault: str, victim: Bot, deployment: Deployment) -> None:
    match fault:
        case "pause":
            victim.pause()
        case "kill":
            victim.kill()
        case _:
            assert victim.process is not None
            ports = ",".join(map(str, ports_of(victim.process.pid))) or "0"
            cut = deployment.rows(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port IN ({ports})"
            )
            assert cut, "it had no connection"
