"""A form is filled on trial before people fill it. Its author is told what would stop a conversation.

Reading a form proves that its expressions compile, not that they are affordable or that every card can be drawn. So a
form about to be published is filled to its end by three kinds of person: one who takes the first of everything, one who
takes the last, one who skips. Each of its texts is drawn in each language: labels, hints, guidance, messages, choices,
groups, the review. Each failure is a problem at its row.

The trial has a smaller budget than a real answer (`limits.PUBLISHING`) and ends after a number of events. The same form
is always tried in the same way.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from conversations.languages import FIRST
from conversations.session import engine
from conversations.session.cards.session_card import session_card
from conversations.session.effects import Reject, Submit
from conversations.session.events import Event, Tap, Typed
from conversations.session.repeats import is_stop
from conversations.session.turn import Step
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form, Text
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.limits import PUBLISHING, Exhausted
from conversations.xforms.nodes import Frame, Place
from conversations.xforms.problems import Problem

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
MAX_EVENTS = 400
"""Events of one filling. Texts of later questions are drawn anyway."""
MAX_WORK = 20_000_000
"""Steps of all fillings together."""
NODE = 20
"""What an event costs for each node of the instance, in steps: it is restored, looked through, drawn and stored."""
Taste = Literal["first", "last", "skip"]
TASTES: tuple[Taste, ...] = ("first", "last", "skip")
_COLUMNS = ("label", "hint", "guidance", "required_message", "constraint_message")


def try_form(form: Form) -> tuple[Problem, ...]:
    """Return what stops this form from being filled, each problem with its node and column; () if nothing does."""
    found: dict[tuple[str, str, str], Problem] = {}
    work = MAX_WORK
    for taste in TASTES:
        trial = _Trial(form, taste)
        for problem in trial.run(work):
            found.setdefault((problem.code, str(problem.values["node"]), str(problem.values["column"])), problem)
        work -= trial.work
        if found or work <= 0:
            break
    return tuple(found.values())


class _Trial:
    def __init__(self, form: Form, taste: Taste) -> None:
        self.form = form
        self.taste = taste
        self.work = 0
        self.most = MAX_WORK
        self.at: tuple[Place, str] = (form.root, "")

    def run(self, work: int) -> Iterator[Problem]:
        """Fill the form once and return its problem.

        It ends at the first one, because later ones may follow from it.
        """
        self.most = work
        try:
            self.fill()
        except Exhausted as limit:
            place, column = (limit.place, limit.column) if limit.place is not None else self.at
            yield self.problem(f"trial.{limit.measure}", place, column, limit=getattr(PUBLISHING, limit.measure))
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError) as error:
            yield self.problem("trial.failed", *self.at, detail=type(error).__name__)

    def problem(self, code: str, place: Place, column: str, **values: object) -> Problem:
        return Problem(code, values={"node": place.path, "column": column, "found": place.name, **values})

    def refill(self, instance: Instance) -> None:
        """Begin a new budget. What was spent of the last one counts as work, and so does the size of the instance."""
        self.work += PUBLISHING.steps - max(instance.steps, 0) + NODE * instance.count_nodes()
        instance.refill()

    @property
    def is_enough(self) -> bool:
        return self.work > self.most

    def fill(self) -> None:
        form = self.form
        filling = Filling("uuid:trial", NOW, "UTC", form.default_language or FIRST)
        taken = engine.begin(form, filling, limits=PUBLISHING)
        self.say_everything(taken.instance)
        for number in range(MAX_EVENTS):
            self.draw(taken)
            event = self.event(taken, number)
            self.refill(taken.instance)
            taken = engine.step(form, taken.session, event, now=NOW, limits=PUBLISHING, is_trial=True)
            refused = any(isinstance(effect, Reject) for effect in taken.effects)
            if refused or self.is_enough or any(isinstance(effect, Submit) for effect in taken.effects):
                break
        self.draw(taken)
        self.say_everything(taken.instance)

    def draw(self, taken: Step) -> None:
        self.at = (self.place_of(taken), "label")
        session_card(self.form, taken.session, taken.instance, now=NOW, is_trial=True)

    def place_of(self, taken: Step) -> Place:
        try:
            return taken.instance.node(taken.session.at).place
        except KeyError:
            return self.form.places.get(taken.session.at.partition("[")[0], self.form.root)

    # -------------------------------------------------------------- what a person does
    def event(self, taken: Step, number: int) -> Event:
        """Return the next act of a respondent of this kind.

        If the form refuses an answer, another kind has to find one.
        """
        at, turn = taken.session.at, taken.session.turn
        if is_stop(at):
            return Tap(turn, "done")
        try:
            node = taken.instance.node(at)
        except KeyError:
            return Tap(turn, "send")
        if self.taste == "skip" and not node.is_required:
            return Tap(turn, "skip")
        value = next((each for each in self.answers(taken.instance, node) if is_taken(taken.instance, node, each)), "")
        match node.question.type:
            case "select_one" if value:
                names = [choice.value for choice in taken.instance.choices(node)]
                return Tap(turn, "pick", str(names.index(value)))
            case "acknowledge":
                return Tap(turn, "pick", "0")
            case _ if value:
                return Tap(turn, "value", value)
            case _:
                return Tap(turn, "skip") if not node.is_required else Typed("texto", number + 1)

    def answers(self, instance: Instance, node: Node) -> Iterator[str]:
        """Values of the question's type, the likeliest first."""
        today = NOW.date()
        match node.question.type:
            case "select_one" | "select_multiple" | "rank" | "select_one_from_file":
                names = [choice.value for choice in instance.choices(node)]
                if node.question.type == "rank":
                    yield " ".join(names)
                    return
                yield from names if self.taste != "last" else reversed(names)
            case "integer" | "decimal" | "range":
                bounds = (node.question.parameters.get("start", ""), node.question.parameters.get("end", ""))
                yield from ("3", "1", "0", "10", "50", "100", *filter(None, bounds))
            case "date":
                days = (today, today - timedelta(days=1), today + timedelta(days=30), date(1990, 1, 1))
                yield from map(date.isoformat, days)
            case "time":
                yield from ("12:00", "08:00", "20:00")
            case "dateTime":
                yield from ("2026-01-15T12:00", "2026-01-14T08:00", "2026-02-15T12:00")
            case "geopoint":
                yield "18.47 -69.9 0 0"
            case "geotrace":
                yield "18.47 -69.9 0 0;18.48 -69.9 0 0"
            case "geoshape":
                yield "18.47 -69.9 0 0;18.48 -69.9 0 0;18.48 -69.8 0 0;18.47 -69.9 0 0"
            case _:
                yield from ("Ana Pérez " * (20 if self.taste == "last" else 1), "texto", "1", "12345", "https://a.do/b")

    # -------------------------------------------------------------- what a form says
    def say_everything(self, instance: Instance) -> None:
        """Draw every text of the form in every language, even if its question is not asked now."""
        spoken = instance.language
        for language in self.form.languages or (spoken,):
            self.refill(instance)
            instance.set_language(language)
            for node in instance.nodes():
                if self.is_enough:
                    break
                self.say_node(instance, node)
            for group in self.form.groups:
                if group.place is not None:
                    self.say(instance, group.label, group.place, "label", instance.root)
        self.refill(instance)
        instance.set_language(spoken)

    def say_node(self, instance: Instance, node: Node) -> None:
        logic = self.form.logic[node.place]
        for column in _COLUMNS:
            self.say(instance, getattr(logic, column), node.place, column, node.frame)
        self.at = (node.place, "type")
        self.refill(instance)
        instance.media(node)
        instance.choices(node)
        self.at = (node.place, "required")
        self.refill(instance)
        _ = (node.is_required, node.is_readonly)
        if (group := node.question.group) is not None:
            self.say(instance, group.label, group.place or node.place, "label", node.frame)

    def say(self, instance: Instance, text: Text, place: Place, column: str, frame: Frame) -> None:
        if text:
            self.at = (place, column)
            self.refill(instance)
            text.fill(instance.language, instance, frame)


def is_taken(instance: Instance, node: Node, value: str) -> bool:
    """Whether the form accepts this answer. Each check has its own budget."""
    instance.refill()
    return instance.check(node, value) is None
