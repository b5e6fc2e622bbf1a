"""The small figures: what one answer costs, piece by piece, in microseconds of one core.

    python tests/benchmarks/micro.py [--seconds 1]

Each piece is repeated for so long in five parts, and the fastest part counts: what other processes take away only
makes it slower. The form is the shipped activity report in the middle of being filled.
"""

import argparse
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from pathlib import Path

import orjson
from emulator import FIRST_PERSON
from growth import typed
from houses import BEGINS, House, furnish

from bot.acts.reports.coverage import shipped_forms
from bot.chat.exchange import Deployment as Rules
from bot.chat.form_cache import FormCache
from bot.dispatch import Dispatch
from bot.open_storage import open_storage
from bot.telegram import render
from conversations.authoring.xlsform import read_xlsform
from conversations.session import engine
from conversations.session.cards.session_card import session_card
from conversations.session.engine import Given
from conversations.session.events import Event, Tap, Typed
from conversations.session.safeguards.guard import personal_data
from conversations.session.session import Session
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.xpath.values import pattern
from storage.unit_of_work import UnitOfWork
from tests.conversations.lists import LISTS

NOW = BEGINS.astimezone(UTC)
ZONE = "America/Santo_Domingo"
TEXT = "Se coordinó con la oficina provincial y quedan tres talleres para noviembre"
PARTS = 5

Piece = tuple[str, Callable[[], object]]


# ------------------------------------------------------------------ the engine
def of_the_engine() -> Iterator[Piece]:
    forms = {name: read_xlsform(data, name, media=LISTS).form for name, data in shipped_forms()}
    form = forms["activity_report.xlsx"]
    session = _half_filled(form)
    taken = engine.step(form, session, Typed("121", 99), now=NOW)
    stored = orjson.dumps(session.to_json())
    restore = partial(Instance.restore, form, session.state, now=NOW, timezone=ZONE, language=form.language_for("en"))
    instance = restore()
    node = next(node for node in instance.nodes() if node.ref == session.at)
    card = session_card(form, taken.session, taken.instance, now=NOW)

    yield "read a session from JSON", lambda: Session.from_json(orjson.loads(stored))
    yield "restore its instance", restore
    yield "answer one question (expressions that follow)", lambda: restore().answer(node.ref, "121")
    yield "write the session as JSON", lambda: orjson.dumps(taken.session.to_json())
    yield "a whole step: restore, answer, next question", lambda: engine.step(form, session, Typed("121", 99), now=NOW)
    yield "draw the card", lambda: session_card(form, taken.session, taken.instance, now=NOW)
    yield "render it for Telegram", lambda: render.message(card, "f:1:1:")
    searched = pattern(r"[\s\S]*[0-9]{3}[- .]?[0-9]{7}[- .]?[0-9][\s\S]*")
    yield "a regular expression of the form (RE2)", lambda: searched.search(TEXT)
    yield "read a text for personal data", lambda: personal_data(TEXT, strict=True)
    name, data = next((name, data) for name, data in shipped_forms() if name.startswith("activity"))
    yield "compile the form from its workbook", lambda: read_xlsform(data, name)


def _half_filled(form: Form) -> Session:
    """At the fourth question, as in a chat."""
    values = {"agency": "MMUJER", "period": "201809", "activity": "PRE-101", "prev_progress": "0", "restricted": "no"}
    taken = engine.begin(form, Filling("uuid:micro", NOW, ZONE, "en"), Given(values=values, about={"code": "PRE-101"}))
    for answer in ("in_progress", "50"):
        card = session_card(form, taken.session, taken.instance, now=NOW)
        event: Event = Typed(answer, 1)
        for row in card.rows:
            for button in row:
                if button.tap.endswith(f":{answer}"):
                    event = Tap(taken.session.turn, button.tap.split(":")[1], answer)  # type: ignore[arg-type]
        taken = engine.step(form, taken.session, event, now=NOW)
    return taken.session


# ------------------------------------------------------------------ units of work
@contextmanager
def deployment() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="enlace-micro-") as folder:
        house = House(Path(folder), f"sqlite:///{folder}/enlace.db")
        furnish(house, range(FIRST_PERSON, FIRST_PERSON + 50), "shipped")
        yield house


def units_per_second(house: House, seconds: float) -> Iterator[tuple[str, float]]:
    """Units a second, commits included: the cheapest there is, alone and many at once, and a real update."""
    numbers = itertools.count(10**6)
    rules = Rules(1, lambda: "bench_bot", "en", ZONE, FormCache(ZONE), lambda: f"uuid:{next(numbers)}")
    dispatch = Dispatch(rules)

    def small(number: int) -> Callable[[UnitOfWork], object]:
        return lambda unit: unit.inbox.first_sight(1, number, NOW)

    def update(number: int) -> Callable[[UnitOfWork], object]:
        raw = typed(FIRST_PERSON + number % 50, "/help")(number) | {"update_id": number}
        return lambda unit: dispatch.handle(unit, raw, NOW)

    with open_storage(house.settings) as database:
        for title, work, at_once in (
            ("one small unit after another", small, 1),
            ("small units, 64 waiting", small, 64),
            ("an update (/help), one after another", update, 1),
            ("updates (/help), 50 people waiting", update, 50),
        ):
            done = 0
            waiting = threading.Semaphore(at_once)
            begun = time.perf_counter()
            while time.perf_counter() - begun < seconds:
                waiting.acquire()
                number = next(numbers)
                key = number % 50
                database.units.submit(key, work(number)).add_done_callback(lambda _, own=waiting: own.release())
                done += 1
            for _ in range(at_once):
                waiting.acquire()
            yield title, done / (time.perf_counter() - begun)


# ------------------------------------------------------------------ measuring
def microseconds(piece: Callable[[], object], seconds: float) -> float:
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds / 20 or count < 3:
        piece()
        count += 1
    best = float("inf")
    for _ in range(PARTS):
        begun = time.perf_counter()
        for _ in range(count):
            piece()
        best = min(best, (time.perf_counter() - begun) / count)
    return best * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="spent on each piece")
    given = parser.parse_args()
    print("| piece | µs |\n|---|---|")
    for title, piece in of_the_engine():
        print(f"| {title} | {microseconds(piece, given.seconds):.1f} |", flush=True)
    print("\n| units of work on SQLite | a second |\n|---|---|")
    with deployment() as house:
        for title, rate in units_per_second(house, given.seconds):
            print(f"| {title} | {rate:.0f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
