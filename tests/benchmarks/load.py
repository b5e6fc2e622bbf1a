"""A Telegram on loopback and any number of people who talk to a bot through it, with a stopwatch.

    python tests/benchmarks/load.py --talk form --users 50 --seconds 5 \
        --env BENCH_API={api} --env BENCH_TOKEN={token} -- python tests/benchmarks/peers/ptb.py

An interaction is an update, from its delivery until the bot's message or edit with the next question is here. Who
edits the answered card first is not done with that. CPU and memory are the bot process's own, from /proc (Linux).
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulator import FIRST_PERSON, SECRET, TOKEN, Connection, Json, Person, Telegram, now
from share import held_to
from talks import PRESS, TALKS, Rule, Talk


# ------------------------------------------------------------------ people
class Crowd:
    """People who begin their talk again as soon as it has ended, and what was seen of the bot meanwhile."""

    def __init__(self, telegram: Telegram, plan: "Plan") -> None:
        self.telegram, self.talk, self.plan = telegram, plan.talk, plan
        self.people = {FIRST_PERSON + number: Person(FIRST_PERSON + number) for number in range(plan.users)}
        self.rules = self.talk.compiled()
        self.done = re.compile(self.talk.done)
        self.dice = random.Random(plan.seed)
        self.completed = 0
        self.failures: Counter[str] = Counter()
        self.first_failure = ""
        self.waits: list[float] | None = None
        """Seconds of each interaction; None while nothing is measured."""
        telegram.hear = self.heard

    def begin(self, person: Person) -> None:
        person.position, person.told = 0, []
        self._say(person, self.talk.start)

    def heard(self, chat_id: int, message: Json, is_edit: bool) -> None:
        """The bot wrote in this chat, or edited. An edit without buttons only tidies up."""
        person = self.people.get(chat_id)
        if person is None or person.position < 0:
            return
        text = message["text"]
        if self.plan.trace:
            buttons = [button["text"] for button in _buttons(message)]
            print(f"{chat_id} < {'edit' if is_edit else 'send'} {text!r} {buttons}", file=sys.stderr)
        if is_edit and "reply_markup" not in message:
            return
        if person.update is None:
            self.fail(person, "a message nobody asked for", text)
            return
        expected = self.rules[person.position] if person.position < len(self.rules) else None
        if expected is None and self.done.search(text):
            self._lap(person)
            self.completed += 1
            person.position = -1
            self._soon(self.begin, person)
        elif expected is not None and expected[0].search(text):
            rule = expected[1]
            if rule.recalls and (missing := [word for word in person.told if word not in text]):
                self.fail(person, f"an answer forgotten at {rule.asked}", f"no {missing[0]!r} in {text!r}")
                return
            self._lap(person)
            person.position += 1
            self._soon(self._answer, person, rule, message)
        else:
            wanted = "the end" if expected is None else expected[1].asked
            self.fail(person, f"something else instead of {wanted}", text)

    def _soon(self, act: Callable[..., None], *given: object) -> None:
        self.telegram.loop.call_later(self.plan.pause, act, *given)

    def _lap(self, person: Person) -> None:
        if self.waits is not None and person.delivered_at:
            self.waits.append(now() - person.delivered_at)
        person.update = None

    def _answer(self, person: Person, rule: Rule, message: Json) -> None:
        if rule.answer.startswith(PRESS):
            wanted = rule.answer[len(PRESS) :]
            data = next((b["callback_data"] for b in _buttons(message) if re.search(wanted, b["text"])), None)
            if data is None:
                self.fail(person, f"no button {wanted!r} at {rule.asked}", message["text"])
                return
            if self.plan.trace:
                print(f"{person.id} > [{wanted}]", file=sys.stderr)
            person.acted_at = now()
            self.telegram.press(person, message, data)
            return
        answer = rule.answer.format(n=self.dice.randrange(1, 1000))
        if "{n}" in rule.answer:
            person.told.append(answer)
        self._say(person, answer)

    def _say(self, person: Person, text: str) -> None:
        if self.plan.trace:
            print(f"{person.id} > {text}", file=sys.stderr)
        person.acted_at = now()
        self.telegram.say(person, text)

    def fail(self, person: Person, reason: str, text: str = "") -> None:
        self.failures[reason] += 1
        self.first_failure = self.first_failure or f"{reason}: {text[:300]!r}"
        person.position, person.update = -1, None
        # Not at once: a bot that answers everything wrongly would keep the driver busy and the clock still.
        self.telegram.loop.call_later(0.5, self.begin, person)

    def sweep(self) -> None:
        """Whoever has waited in vain has failed."""
        for person in self.people.values():
            if person.position >= 0 and person.update is not None and now() - person.acted_at > self.plan.patience:
                self.fail(person, "no answer in time")


def _buttons(message: Json) -> list[Json]:
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", ()) for button in row]


# ------------------------------------------------------------------ measuring
@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. Templates of the environment may name {api}, {token}, {secret}, {hook_url}, {hook_port}."""

    talk: Talk
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    users: int = 50
    seconds: float = 5.0
    ramp: float = 1.0
    """Seconds over which people begin: all at once, they would walk in step."""
    warmup: float = 1.0
    """Seconds after the ramp that are not measured."""
    rounds: int = 0
    """Conversations after which to stop, instead of after `seconds`; for tests."""
    latency: float = 0.0
    """Seconds until the Bot API answers."""
    pause: float = 0.0
    """Seconds for which people look at a question before they answer."""
    patience: float = 10.0
    pin: tuple[int, int] | None = None
    """The cores of the bot and of the driver."""
    log: Path | None = None
    trace: bool = False
    seed: int = 1
    hook_ports: Sequence[int] = (0,)
    """One for each replica of the bot."""
    share: float = 0.0
    """Of a core, to which each replica is held. 0: to none."""
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen. Of the measured seconds only; but failures, calls and errors of the whole run."""

    label: str
    users: int
    seconds: float
    interactions: int
    interactions_per_s: float
    conversations: int
    failed: int
    failures: dict[str, int]
    first_failure: str
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: float
    """Of the bot, an interaction."""
    cpu_percent: float
    driver_percent: float
    """Near 100, the driver is what was measured."""
    peak_rss_mb: float
    start_s: float
    """From the start of the process to its first getUpdates, or 0.3 s after setWebhook."""
    calls_per_interaction: float
    calls: dict[str, int]
    errors: dict[str, int]


async def measure(plan: Plan) -> Report:
    """Start the bot, let the people talk to it, stop it. RuntimeError if it never comes or dies."""
    loop = asyncio.get_running_loop()
    telegram = Telegram(plan.latency, loop, [port for port in plan.hook_ports if port])
    crowd = Crowd(telegram, plan)
    server = await loop.create_server(lambda: Connection(telegram), "127.0.0.1", 0, backlog=1024)
    api = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    started_at = now()
    limits = contextlib.ExitStack()
    bots = [_launch(plan, api, port, limits) for port in plan.hook_ports]
    try:
        await _until_ready(telegram, bots)
        start_s = now() - started_at
        for number, person in enumerate(crowd.people.values()):
            loop.call_later(number * plan.ramp / plan.users, crowd.begin, person)
        await _watch(crowd, bots, 0 if plan.rounds else plan.ramp + plan.warmup)
        crowd.waits, completed, calls_before = [], crowd.completed, telegram.calls.total()
        before = (now(), _cpu(bots), time.process_time())
        await _watch(crowd, bots, plan.seconds, rounds=plan.rounds)
        after = (now(), _cpu(bots), time.process_time())
        waits, crowd.waits, calls = crowd.waits, None, telegram.calls.total() - calls_before
        span, cpu, own = (later - earlier for later, earlier in zip(after, before, strict=True))
        waits.sort()
        count = max(len(waits), 1)
        return Report(
            label=plan.label,
            users=plan.users,
            seconds=round(span, 2),
            interactions=len(waits),
            interactions_per_s=round(len(waits) / span, 1),
            conversations=crowd.completed - completed,
            failed=crowd.failures.total(),
            failures=dict(crowd.failures),
            first_failure=crowd.first_failure,
            p50_ms=_percentile(waits, 0.5),
            p99_ms=_percentile(waits, 0.99),
            max_ms=_percentile(waits, 1.0),
            cpu_ms=round(1000 * cpu / count, 3),
            cpu_percent=round(100 * cpu / span, 1),
            driver_percent=round(100 * own / span, 1),
            peak_rss_mb=max(_peak(bot.pid) for bot in bots),
            start_s=round(start_s, 2),
            calls_per_interaction=round(calls / count, 2),
            calls=dict(telegram.calls.most_common()),
            errors=dict(telegram.errors),
        )
    finally:
        await asyncio.gather(*map(_stop, bots))
        limits.close()
        server.close()


def _launch(plan: Plan, api: str, hook_port: int, limits: contextlib.ExitStack) -> subprocess.Popen[bytes]:
    names = {
        "api": api,
        "token": TOKEN,
        "secret": SECRET,
        "hook_port": hook_port,
        "hook_url": f"http://127.0.0.1:{plan.hook_ports[0]}/telegram",
    }
    environment = os.environ | {name: value.format_map(names) for name, value in plan.environment.items()}
    log = plan.log.open("ab") if plan.log is not None else subprocess.DEVNULL
    if plan.pin is not None:
        os.sched_setaffinity(0, {plan.pin[0]})  # the child inherits it, from its first instruction
    bot = subprocess.Popen(plan.command, env=environment, stdout=log, stderr=log, cwd=plan.folder)
    if plan.pin is not None:
        os.sched_setaffinity(0, {plan.pin[1]})
    if plan.share:
        limits.enter_context(held_to(plan.share)).write_text(str(bot.pid))
    return bot


async def _until_ready(telegram: Telegram, bots: "Sequence[subprocess.Popen[bytes]]") -> None:
    deadline = now() + 60
    while not telegram.is_ready.is_set():
        if any(bot.poll() is not None for bot in bots) or now() > deadline:
            raise RuntimeError("the bot did not come: it called neither getUpdates nor setWebhook")
        await asyncio.sleep(0.01)


async def _watch(crowd: Crowd, bots: "Sequence[subprocess.Popen[bytes]]", seconds: float, *, rounds: int = 0) -> None:
    deadline = now() + seconds
    while rounds or (left := deadline - now()) > 0:
        if rounds and crowd.completed + crowd.failures.total() >= rounds:
            return
        await asyncio.sleep(0.02 if rounds else min(left, 0.25))
        crowd.sweep()
        if ended := [bot.returncode for bot in bots if bot.poll() is not None]:
            raise RuntimeError(f"the bot ended with {ended[0]}")


async def _stop(bot: subprocess.Popen[bytes]) -> None:
    if bot.poll() is None:
        bot.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(bot.wait, 10)
    except subprocess.TimeoutExpired:
        bot.kill()
        await asyncio.to_thread(bot.wait)


def _percentile(waits: list[float], part: float) -> float:
    return round(1000 * waits[min(len(waits) - 1, int(len(waits) * part))], 2) if waits else 0.0


def _cpu(bots: "Sequence[subprocess.Popen[bytes]]") -> float:
    """Seconds of processor these processes and all their threads have used."""
    each = [Path(f"/proc/{bot.pid}/stat").read_text().rpartition(")")[2].split() for bot in bots]
    return sum(int(fields[11]) + int(fields[12]) for fields in each) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """The most memory the process has had, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1000, 1) if found else 0.0


# ------------------------------------------------------------------ command line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talk", choices=TALKS, default="form", help="what people say; see talks.py")
    parser.add_argument("--start", default="", help="begin with this instead")
    parser.add_argument("--done", default="", help="regular expression of the message that ends a conversation")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--ramp", type=float, default=1.0, help="seconds over which people begin")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds after the ramp left out")
    parser.add_argument("--rounds", type=int, default=0, help="stop after so many conversations instead")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds until the Bot API answers")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds after which a silent bot has failed")
    parser.add_argument("--pin", default="", metavar="BOT:DRIVER", help="cores, such as 0:1")
    parser.add_argument("--hook-port", type=int, default=0, help="for {hook_port} and {hook_url}")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=TEMPLATE", help="for the bot; " + Plan.__doc__
    )
    parser.add_argument("--log", type=Path, help="the bot's own output")
    parser.add_argument("--trace", action="store_true", help="print the conversations")
    parser.add_argument("command", nargs="+", help="starts the bot")
    given = parser.parse_args()
    talk = TALKS[given.talk]
    if given.start or given.done:
        talk = dataclasses.replace(talk, start=given.start or talk.start, done=given.done or talk.done)
    plan = Plan(
        talk=talk,
        command=given.command,
        environment=dict(item.split("=", 1) for item in given.env),
        users=given.users,
        seconds=given.seconds,
        ramp=given.ramp,
        warmup=given.warmup,
        rounds=given.rounds,
        latency=given.latency / 1000,
        patience=given.patience,
        pin=tuple(map(int, given.pin.split(":"))) if given.pin else None,
        log=given.log,
        trace=given.trace,
        hook_ports=(given.hook_port,),
    )
    print(json.dumps(dataclasses.asdict(run(plan)), indent=1, ensure_ascii=False))


def run(plan: Plan) -> Report:
    """`measure` on the fastest loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(measure(plan))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(plan))


if __name__ == "__main__":
    main()
