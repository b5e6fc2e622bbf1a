"""People who fill in real forms on their phones, and remember what they typed and what they were shown.

Each reads the bot's messages as they come, in order, and answers the question that is there. So each of them notices
what G3 and G5 forbid at the moment at which it happens: a question nobody expects, an earlier one after a later one,
an answer that the last screen does not show. What is theirs to prove afterwards stands in `Filled`.
"""

import random
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from bot.sandbox import people
from bot.sandbox.journal import Seen
from bot.sandbox.schema import Upload
from bot.sandbox.telegram import World

PRESS = "press:"
PHOTOGRAPH = "photograph"
NOT_STORED = re.compile(r"could not receive the file")
RECEIPT = re.compile(r"Receipt no\. (\d+)")


@dataclass(frozen=True, slots=True)
class Step:
    """A question, known by a regular expression; what is typed or pressed; and what is stored of it, by name."""

    asked: re.Pattern[str]
    answer: str
    stored: dict[str, str] = field(default_factory=dict)
    recalls: tuple[str, ...] = ()


def step(asked: str, answer: str, *recalls: str, **stored: str) -> Step:
    return Step(re.compile(asked), answer, stored, recalls)


@dataclass(frozen=True, slots=True)
class Form:
    """One form to be filled: how it is opened, and its questions in order."""

    form_id: str
    opens: str
    steps: tuple[Step, ...]
    subject: str | None = None
    photograph: bytes = b""

    @property
    def stored(self) -> dict[str, str]:
        return {name: value for each in self.steps for name, value in each.stored.items()}


def activity_report(dice: random.Random, code: str) -> Form:
    """The monthly report of one activity, from the due list; every number in it is this report's own."""
    women, men, girls, boys = (dice.randint(1, 99) for _ in range(4))
    total = women + men + girls + boys
    units, mark = dice.randint(1, 9_999), dice.randint(10_000, 99_999)
    next_step = f"the next {mark} spots go on air"
    return Form(
        "activity_report",
        "/pending",
        (
            step(r"left to report", f"{PRESS}^{code}\\b"),
            step(r"How is the activity going", f"{PRESS}In progress", status="in_progress"),
            step(r"What percentage is done", f"{PRESS}50", progress="50"),
            step(r"How many units so far", str(units), qty_done=f"{units}.0"),
            step(r"Did this activity reach people", f"{PRESS}Yes", reached="yes"),
            step(r"How many people in total", str(total), ben_total=str(total)),
            step(r"How many women", str(women), ben_women=str(women)),
            step(r"How many men", str(men), ben_men=str(men)),
            step(r"How many girls", str(girls), ben_girls=str(girls)),
            step(r"How many boys", str(boys), ben_boys=str(boys)),
            step(r"Whom did it mainly reach", f"{PRESS}Skip"),
            step(r"What evidence", f"{PRESS}later", evidence_type="later"),
            step(r"Where did it take place", f"{PRESS}Nationwide"),
            step(r"What is the next step", next_step, next_step=next_step),
            step(r"Please check", f"{PRESS}Send", next_step),
        ),
        f"activity:{code}",
    )


def with_photograph(form: Form, photograph: bytes) -> Form:
    """The same with evidence: it is fetched and opened after the answer, and may have to be sent again."""
    at = next(number for number, each in enumerate(form.steps) if "evidence" in each.asked.pattern)
    evidence = (
        step(r"What evidence", f"{PRESS}Photo", evidence_type="photo"),
        step(r"Send the photo", PHOTOGRAPH),
        step(r"confirm the photo shows", f"{PRESS}Understood"),
        step(r"What is it\?", "the minutes", evidence_desc="the minutes"),
    )
    return replace(form, steps=(*form.steps[:at], *evidence, *form.steps[at + 1 :]), photograph=photograph)


def referral(dice: random.Random) -> Form:
    """The monthly totals of referrals: sealed, and every text read for personal data."""
    parts = [dice.randint(1, 30) for _ in range(5)]
    outcome = [*parts[:3], sum(parts[3:])]
    return Form(
        "incident_free_text",
        "/referrals",
        (
            step(r"I will not write names", f"{PRESS}Understood"),
            step(r"From which region", f"{PRESS}Ozama"),
            step(r"How many people were referred", str(sum(parts)), ref_total=str(sum(parts))),
            step(
                r"Women \(18 or over\)",
                " ".join(map(str, parts)),
                **dict(zip(("rs_women", "rs_men", "rs_girls", "rs_boys", "rs_unknown"), map(str, parts), strict=True)),
            ),
            step(
                r"Already receive at least one service",
                " ".join(map(str, outcome)),
                **dict(zip(("out_served", "out_waiting", "out_declined", "out_lost"), map(str, outcome), strict=True)),
            ),
            step(r"Which services were activated", f"{PRESS}Health"),
            step(r"Which services were activated", f"{PRESS}Done", service_used="health"),
            step(r"Which were missing", f"{PRESS}Skip"),
            step(r"Who made the referrals", f"{PRESS}Police"),
            step(r"Who made the referrals", f"{PRESS}Done", ref_source="police"),
            step(r"What would improve the response", f"{PRESS}Skip"),
            step(r"What level of care", f"{PRESS}Restricted", sensitivity="restricted"),
            step(r"there are no names or data", f"{PRESS}Understood"),
            step(r"Please check", f"{PRESS}Send"),
        ),
    )


@dataclass(slots=True)
class Filled:
    """A form that was begun: what was done in it, and what the phone has shown of it."""

    form: Form
    done: list[int] = field(default_factory=list)
    """Of each act, in order, the number of its update."""
    shown: int = 0
    """How many of these acts the bot has answered by showing what comes next."""
    receipt: int | None = None


def button(message: dict[str, Any], asked: Step) -> str | None:
    """What the button says to the bot that answers this question; None if it is not there."""
    wanted = re.compile(asked.answer.removeprefix(PRESS))
    rows = message.get("reply_markup", {}).get("inline_keyboard", ())
    return next((str(each["callback_data"]) for row in rows for each in row if wanted.search(each["text"])), None)


def buttons_of(message: dict[str, Any]) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", ())
    return [str(each["callback_data"]) for row in rows for each in row if "callback_data" in each]


Mischief = Callable[["Reporter", dict[str, Any], str | None], None]
"""What somebody does right after an answer, besides: the message it was for, and the button if one was tapped."""


def behave(reporter: "Reporter", message: dict[str, Any], data: str | None) -> None:
    """Nothing."""


class Reporter:
    """One person and their phone."""

    def __init__(self, work: "Work", number: int, forms: Iterator[Form]) -> None:
        self.work, self.number, self.forms = work, number, forms
        self.filled: list[Filled] = []
        self.violations: list[str] = []
        self.repeats = 0
        """New messages that said again what had been said."""
        self.resent = 0
        """Photographs that the bot could not fetch or keep, and said so."""
        self.tapped: str | None = None
        """What the button said with which the last question was answered."""
        self.cards: list[tuple[int, str]] = []
        """Buttons of this form that were drawn: the message, and what each says to the bot."""
        self.is_idle = True

    def begin(self) -> None:
        form = next(self.forms, None)
        if form is None or self.work.is_ending:
            self.is_idle = True
            return
        self.is_idle = False
        self.filled.append(Filled(form))
        self._act(lambda: people.say(self.work.world, self.number, form.opens))

    def heard(self, seen: Seen) -> None:
        """Something new on the phone: answer it if it is the next question, note it if it should not be there."""
        message = seen.message or {}
        text = str(message.get("text", ""))
        self.cards += [(message["message_id"], data) for data in buttons_of(message)]
        if "reply_markup" not in message and (seen.what == "edit" or text.startswith("✓ ")):
            # The card before, shrunk to its answer; anew where whoever sent that card died before noting its number.
            self.repeats += seen.what == "send"
            return
        current = self.filled[-1] if self.filled else None
        if current is None:
            return self.violations.append(f"{self.number} was told, unasked: {text!r}")
        if current.receipt is not None:
            return self._after_the_end(current, seen, text)
        at = len(current.done) - 1
        steps = current.form.steps
        if at >= 1 and at <= len(steps) and steps[at - 1].answer == PHOTOGRAPH and NOT_STORED.search(text):
            self.repeats += seen.what == "send"
            self.resent += 1
            with self.work.world.lock:
                self._send_photograph()
                current.done[-1] = self.work.world.bot.next_update_id - 1
            return None
        if "⚠️" in text:
            return self.violations.append(f"{self.number} was refused an answer: {text!r}")
        if at < len(steps) and steps[at].asked.search(text) and not self._is_repeated(current, at, message, text):
            if missing := [words for words in steps[at].recalls if words not in text]:
                self.violations.append(f"{self.number}: {missing} is not on the last screen: {text!r}")
            current.shown = len(current.done)
            return self._answer(steps[at], message)
        if at == len(steps) and (found := RECEIPT.search(text)):
            current.shown, current.receipt = len(current.done), int(found[1])
            self.work.finished += 1
            return self.begin()
        if (at >= 1 and steps[at - 1].asked.search(text)) or (
            at == 0 and (self.work.mischief is not behave or self._is_last_receipt(text))
        ):
            # Between two forms a tap on an old card is answered with where one stands: the list of what is due. And
            # whoever sent a receipt may have died before noting that: it comes again when the next form is asked for.
            self.repeats += seen.what == "send"
            anew = button(message, steps[at - 1]) if at >= 1 and steps[at - 1].answer.startswith(PRESS) else None
            if anew is not None and self.tapped not in (None, anew):
                # Drawn anew meanwhile: what was tapped may have been stale, and whoever sees the question taps again.
                self.tapped = anew
                with self.work.world.lock:
                    people.tap(self.work.world, self.number, message["message_id"], data=anew)
                    current.done[-1] = self.work.world.bot.next_update_id - 1
            return None
        self.violations.append(f"{self.number} was asked out of order, after {at} answers: {text!r}")

    @staticmethod
    def _is_repeated(current: Filled, at: int, message: dict[str, Any], text: str) -> bool:
        """Whether this is the question before, said again: some are answered by several taps on one question."""
        steps = current.form.steps
        return at >= 1 and bool(steps[at - 1].asked.search(text)) and button(message, steps[at]) is None

    def _is_last_receipt(self, text: str) -> bool:
        found = RECEIPT.search(text)
        return found is not None and len(self.filled) > 1 and int(found[1]) == self.filled[-2].receipt

    def _after_the_end(self, current: Filled, seen: Seen, text: str) -> None:
        found = RECEIPT.search(text)
        if self.work.mischief is not behave or (found is not None and int(found[1]) == current.receipt):
            self.repeats += seen.what == "send"
        else:
            self.violations.append(f"{self.number}, after receipt {current.receipt}: {text!r}")

    def _answer(self, asked: Step, message: dict[str, Any]) -> None:
        if asked.answer == PHOTOGRAPH:
            self.tapped = None
            return self._act(self._send_photograph)
        if not asked.answer.startswith(PRESS):
            self.tapped = None
            self._act(lambda: people.say(self.work.world, self.number, asked.answer))
            return self.work.mischief(self, message, None)
        data = button(message, asked)
        if data is None:
            return self.violations.append(f"{self.number}: no button {asked.answer!r} under {message.get('text')!r}")
        self.tapped = data
        self._act(lambda: people.tap(self.work.world, self.number, message["message_id"], data=data))
        self.work.mischief(self, message, data)

    def _send_photograph(self) -> None:
        photograph = Upload("photo.jpg", self.filled[-1].form.photograph)
        people.send_files(self.work.world, self.number, "photo", [photograph])

    def _act(self, act: Callable[[], object]) -> None:
        world = self.work.world
        with world.lock:
            act()
            self.filled[-1].done.append(world.bot.next_update_id - 1)


class Work:
    """Everybody at work, in a thread that reads what phones are shown. `finish` lets what is begun be finished."""

    def __init__(
        self,
        world: World,
        numbers: range,
        forms: Callable[[int], Iterator[Form]],
        mischief: Mischief = behave,
    ) -> None:
        self.world = world
        self.mischief = mischief
        self.is_ending = False
        self.finished = 0
        self._read = world.ledger.entries.total
        self._is_reading = False
        self._news = threading.Event()
        self._stopped = threading.Event()
        self.reporters = {number: Reporter(self, number, forms(number)) for number in numbers}
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)
        self.failure: BaseException | None = None

    def __enter__(self) -> "Work":
        self._unlisten = self.world.listen(lambda _: self._news.set())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._news.set()
        self._thread.join()
        self._unlisten()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            for reporter in self.reporters.values():
                reporter.begin()
            while not self._stopped.is_set():
                self._news.wait(1.0)
                self._news.clear()
                self.read()
        except BaseException as error:
            self.failure = error

    def read(self) -> None:
        with self.world.lock:
            news = list(self.world.ledger.since(self._read))
            self._read = self.world.ledger.entries.total
            self._is_reading = True
        for seen in news:
            if seen.what in ("send", "edit") and seen.chat in self.reporters:
                self.reporters[seen.chat].heard(seen)
        self._is_reading = False

    @property
    def is_over(self) -> bool:
        return self.failure is not None or all(each.is_idle for each in self.reporters.values())

    @property
    def has_read_all(self) -> bool:
        """Whether nothing has been shown that nobody has reacted to; to be asked while the world is locked."""
        return self._read == self.world.ledger.entries.total and not self._is_reading

    @property
    def in_flight(self) -> int:
        return sum(not each.is_idle for each in self.reporters.values())

    @property
    def violations(self) -> list[str]:
        return [violation for each in self.reporters.values() for violation in each.violations]

    @property
    def answers(self) -> int:
        """Acts that the bot has answered."""
        return sum(each.shown for reporter in self.reporters.values() for each in reporter.filled)
