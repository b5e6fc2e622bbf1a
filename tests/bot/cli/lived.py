"""A bot's whole life in this process, before bots are forked from it: what any life compiles is there then.

SQL, forms, words of all languages, tables of phrases: of the processor that a bot needs to start, to answer a few
people and to end, three quarters went there, and the suites start hundreds. It is lived over a database of its own, and
nothing else of it is left: no thread, no loop, no handler, no hook.
"""

import asyncio
import contextlib
import gc
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from bot import app
from bot.acts.people.enrolment import Newcomer, enrol
from bot.demo.cast import BEGINS
from bot.open_storage import open_storage
from bot.sandbox import people
from bot.sandbox.server import running_sandbox
from bot.sandbox.telegram import Person, World
from bot.signals import SIGNALS
from conversations.plan.model import Role
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import settings_in
from tests.deadlines import wait_until
from tests.faults.people_at_work import Form, Work, activity_report, referral
from tests.ports import free_port

REPORT = range(100_001, 100_003)
"""Who fills in a form, in English: one each. They are of the town over which it is lived (`deployment.furnish`)."""
ASK = {501: Role.FOCAL_POINT, 502: Role.COORDINATOR, 503: Role.ADMIN}
"""Who asks in Spanish for what is in the menu, and writes what is no command: it is looked up in tables of phrases."""
ASKED = ("/menu", "/pendientes", "/estado", "hola")


def live_once(folder: Path, url: str = "") -> None:
    """Serve until everybody has what they wanted, and end."""
    with as_before(), running_sandbox(start=BEGINS.timestamp()) as sandbox:
        settings = settings_in(folder, sandbox.url, url).model_copy(update={"metrics": f"127.0.0.1:{free_port()}"})
        for number in (*REPORT, *ASK):
            sandbox.world.add_person(Person(number, f"P{number}"), started=True)
        ends, held_open = os.pipe()
        visitors = Visitors(sandbox.world, held_open)
        with open_storage(settings) as database, asyncio.Runner(loop_factory=app._loop_factory()) as runner:
            database.units.submit(None, enrol_all).result()
            visitors.start()
            runner.run(app.run(settings, app.StartedClock(BEGINS), database, ends))
            visitors.join()
        os.close(ends)
    assert visitors.is_content


def compile_forms(folder: Path) -> None:
    with open_storage(settings_in(folder)) as database, database.view() as unit:
        for form in unit.forms.list(unit.plans.only().id):
            unit.forms.form(form.id)


def enrol_all(unit: UnitOfWork) -> None:
    for number, role in ASK.items():
        enrol(
            unit, Newcomer(number, f"Person {number}", role, "" if role is Role.ADMIN else "B000", "es"), BEGINS, "UTC"
        )


class Visitors(threading.Thread):
    """Everybody who wants something of it; in the end they let go of the pipe without which it ends."""

    def __init__(self, world: World, held_open: int) -> None:
        super().__init__(name="visitors")
        self.world, self.held_open, self.is_content = world, held_open, False

    def run(self) -> None:
        with open(self.held_open, "wb"), Work(self.world, REPORT, self.forms) as work:
            for number, words in ((number, words) for words in ASKED for number in ASK):
                people.say(self.world, number, words)
            wait_until(lambda: work.violations or (work.is_over and self.are_answered()), "everybody has been answered")
            self.is_content = not work.violations

    def forms(self, number: int) -> Iterator[Form]:
        dice = random.Random(number)
        yield referral(dice) if number % 2 else activity_report(dice, f"B{number - REPORT[0]:03d}-000")

    def are_answered(self) -> bool:
        return all(
            sum(seen.what == "send" for seen in self.world.ledger.since(0, chat=number)) >= len(ASKED) for number in ASK
        )


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """What the bot changes in its process is afterwards as it was."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    hooks, of_threads = (sys.excepthook, sys.unraisablehook), threading.excepthook
    threshold = gc.get_threshold()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        yield
    finally:
        structlog.reset_defaults()
        gc.set_threshold(*threshold)
        (sys.excepthook, sys.unraisablehook), threading.excepthook = hooks, of_threads
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in threading.enumerate():
            if isinstance(each, threading.Timer):  # it limits how long an end may take
                each.cancel()
                each.join()
