"""The conversation: `step(form, session, event)` gives the next session and what follows from it.

Laws:
* A step never raises for what a respondent types. A bad answer is a `Reject`, and the session comes back
  as it was.
* The same arguments always give the same step: no clock, no chance, no I/O; identifiers arrive with events.
* A tap drawn in another turn is `Stale` and changes nothing.
* What is stored always satisfies its question's constraint at the time of answering; before sending all are
  checked again together.

Where the session stands is derived, not scripted: the next question is the first one, in the form's order,
that is relevant and not yet seen. Going back, correcting, and answers that open or close later questions
need no rules of their own.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, assert_never
from zoneinfo import ZoneInfo

from conversations import reading, safeguards
from conversations.effects import (
    Added,
    Answered,
    Ask,
    Effect,
    Fetch,
    Leave,
    Notice,
    Reject,
    Removed,
    Stale,
    Submit,
    Withhold,
)
from conversations.events import (
    Corrected,
    Event,
    Fetched,
    FetchFailed,
    LanguageChanged,
    Located,
    Offered,
    Resumed,
    Tap,
    Typed,
)
from conversations.form import Form, Question
from conversations.instance import MAX_REPEATS, Instance, Node
from conversations.repeats import (
    RepeatStop,
    Stop,
    address,
    instance_ref,
    is_stop,
    open_instance,
    renumbered,
    stops_of,
)
from conversations.reports import Profile, profile
from conversations.session import REVIEW, Choosing, Confirming, Listing, Pending, Reading, Removing, Session
from conversations.wording import wording

FILE_LIMIT = 20_000_000
"""Bytes a bot may download (Bot API, getFile)."""

PLACES = frozenset({"geopoint", "geotrace", "geoshape"})
PICTURES = frozenset({"image", "video"})
MOMENTS = frozenset({"time", "dateTime"})
LINES = frozenset({"geotrace", "geoshape"})
UPLOADS = frozenset({"image", "audio", "video", "file"})
NUMBERS = frozenset({"integer", "decimal", "range"})
LEAST_POINTS = {"geotrace": 2, "geoshape": 3}
MAX_POINTS = 500
"""Points of one line: more than anybody sends one by one, and few enough to keep in a session."""
_ORIGINS_KEPT = 60
_NUMBERS_SEEN = 16
"""Numbers in one message, up to which they are seen to be numbers although nobody asked for so many."""
_DIGITS = re.compile(r"\d+")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_SUGGESTED = 8
"""Choices offered when what was typed may mean several."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one event led to. `instance` is the session's tree as it now stands, for whoever draws the card."""

    session: Session
    effects: tuple[Effect, ...]
    instance: Instance = field(compare=False, repr=False)


def begin(
    form: Form,
    *,
    instance_id: str,
    language: str,
    timezone: str,
    now: datetime,
    values: Mapping[str, str] | None = None,
    previous: Mapping[str, str] | None = None,
    about: Mapping[str, Any] | None = None,
    restricted: bool = False,
    answers: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    username: str = "",
    last_saved: Mapping[str, str] | None = None,
) -> Step:
    """A new session, standing at its first question.

    `values` is what the bot fills in, by question name; names the form does not have are left out. With
    `answers` (a submission's, by ref) the session begins at the review: that is how a correction starts. With
    `only` besides (refs), these are asked again and all else stays as it was sent, but for what follows from the
    new answers: questions they open, and those whose answer no longer agrees with them.
    `last_saved` are the answers, by ref, that `${last-saved#…}` reads.
    """
    names = {question.name for question in form.questions if question.place.frame is form.frame}
    given = {name: value for name, value in (values or {}).items() if name in names}
    known = profile(form.form_id)
    instance = Instance.start(
        form,
        now=now,
        timezone=timezone,
        language=form.language_for(language),
        instance_id=instance_id,
        username=username,
        values=given,
        last_saved=last_saved,
    )
    session = Session(
        instance_id=instance_id,
        language=language,
        timezone=timezone,
        state={},
        at=REVIEW,
        filled=frozenset(given) & (known.filled | frozenset(given)),
        previous={n: v for n, v in (previous or {}).items() if n in names and n not in known.never_copied},
        about=dict(about or {}),
        restricted=restricted,
        strict=known.strict,
    )
    turn = _Turn(form, session, instance, now)
    if answers:
        turn.load(answers)
        turn.restrict(only)
    turn.advance()
    return turn.finish()


def step(form: Form, session: Session, event: Event, *, now: datetime) -> Step:
    """Apply one event to a session (see the module's laws). Source: DESIGN §4."""
    instance = Instance.restore(
        form, session.state, now=now, timezone=session.timezone, language=form.language_for(session.language)
    )
    turn = _Turn(form, session, instance, now)
    match event:
        case Tap():
            turn.tap(event)
        case Typed(text, origin):
            turn.typed(text, origin)
        case Corrected(text, origin):
            turn.corrected(text, origin)
        case Located():
            turn.located(event)
        case Offered():
            turn.offered(event)
        case Fetched():
            turn.fetched(event)
        case FetchFailed():
            turn.fetch_failed(event)
        case Resumed():
            turn.resumed()
        case LanguageChanged(language):
            turn.language_changed(language)
        case _:
            assert_never(event)
    return turn.finish()


def sequence(form: Form, session: Session, instance: Instance) -> list[Node]:
    """The questions this session asks as things stand, in the form's order; the sending question is the last."""
    nodes = [node for node in instance.asked() if not _is_withheld(session, node.question)]
    return [node for node in nodes if node.ref not in session.kept] if session.kept else nodes


def stops(form: Form, session: Session, nodes: Sequence[Node], instance: Instance) -> Sequence[Stop]:
    """What one stands at one after the other: these questions, and the stop behind every open repeat."""
    if not form.frame.repeats:
        return nodes
    return [stop for stop in stops_of(instance, nodes) if stop.ref not in session.kept]


def filled_when(form: Form, answers: Mapping[str, str]) -> dict[str, str]:
    """Of these answers what tells when and by whom the form was filled: nobody is asked for it, the phone knows."""
    preloads = {place.path for place, logic in form.logic.items() if logic.preload[0] not in ("", "uid")}
    return {ref: value for ref, value in answers.items() if ref in preloads}


def is_sending(question: Question) -> bool:
    """Whether this question is the form's own review screen: send it, or keep it as a draft."""
    return question.type == "select_one" and question.name == "send_action"


def batch(session: Session, nodes: Sequence[Node], ref: str) -> list[Node]:
    """The run of whole-number questions of one group that begins at `ref`: they may be answered in one message."""
    run: list[Node] = []
    for node in nodes:
        if node.ref == ref or run:
            question = node.question
            is_first = not run
            if question.type != "integer" or (not is_first and question.group is not run[0].question.group):
                break
            if not is_first and node.frame is not run[0].frame:
                break
            if question.group is None or (not is_first and node.ref in session.seen):
                break
            run.append(node)
    return run


def _is_asked(session: Session, node: Node) -> bool:
    question = node.question
    if not question.is_asked or question.type == "note" or _is_withheld(session, question):
        return False
    if session.kept and node.ref in session.kept:
        return False
    return node.is_relevant and not node.is_readonly


def _is_withheld(session: Session, question: Question) -> bool:
    """What this session never asks: what the bot has filled in; photo and place of a restricted activity (S10)."""
    if question.name in session.filled:
        return True
    if question.appearances and "label" in question.appearances and question.type.startswith("select"):
        return True  # the head of a table of selects: its choices are labels over those of the others
    return session.restricted and (question.type in PLACES or question.type in PICTURES)


class _Turn:
    """One step in the making: the working copy that `finish` turns into a `Step`."""

    def __init__(self, form: Form, session: Session, instance: Instance, now: datetime) -> None:
        self.form = form
        self.before = session
        self.session = session
        self.instance = instance
        self.now = now
        self.effects: list[Effect] = []
        self.is_changed = False
        self.say = wording(session.language)

    # -------------------------------------------------------------- where it stands
    @property
    def profile(self) -> Profile:
        return profile(self.form.form_id)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.session.timezone)).date()

    def nodes(self) -> list[Node]:
        return sequence(self.form, self.session, self.instance)

    def stops(self) -> Sequence[Stop]:
        return stops(self.form, self.session, self.nodes(), self.instance)

    def stop(self) -> RepeatStop | None:
        """The repeat one stands behind; None at a question or the review."""
        if not is_stop(self.session.at):
            return None
        found = (stop for stop in self.stops() if stop.ref == self.session.at)
        return next((stop for stop in found if isinstance(stop, RepeatStop)), None)

    def current(self) -> Node | None:
        """The node of the question asked now; None at the built-in review, or if it is no longer relevant."""
        if self.session.at == REVIEW:
            return None
        try:
            node = self.instance.node(self.session.at)
        except KeyError:
            return None
        return node if _is_asked(self.session, node) else None

    def set(self, **changes: Any) -> None:
        self.session = replace(self.session, **changes)

    def move(self, at: str) -> None:
        """Stand at this question: whatever was half done at the last one is over."""
        self.set(at=at, pending=None, page=0, month="", marks=None, fetching="")
        self.is_changed = True

    def advance(self) -> None:
        """Stand at the first question that is still open, or at the review."""
        for stop in self.stops():
            if stop.ref not in self.session.seen:
                self.move(stop.ref)
                return
        self.move(REVIEW)

    def finish(self) -> Step:
        session = self.session
        if self.is_changed:
            session = replace(session, turn=session.turn + 1, state=self.instance.dump())
        return Step(session, tuple(self.effects), self.instance)

    def load(self, answers: Mapping[str, str]) -> None:
        """Answers of a submission that is being corrected: all seen, the sending question open again."""
        if self.form.frame.repeats:
            self._load_repeats(answers)
        for ref, value in answers.items():
            try:
                node = self.instance.node(ref)
            except KeyError:
                continue  # the form's present version no longer has it
            if node.question.is_asked and not is_sending(node.question):
                self.instance.answer(ref, value)
        seen = {stop.ref for stop in self.stops() if isinstance(stop, RepeatStop) or not is_sending(stop.question)}
        self.set(seen=frozenset(seen))

    def restrict(self, only: Collection[str]) -> None:
        """Ask these again and leave the rest; of what is not asked any more nothing is left to restrict to."""
        asked = frozenset(only) & self.session.seen
        if asked:
            rest = self.session.seen - asked
            self.set(only=asked, kept=rest, seen=rest)

    def _load_repeats(self, answers: Mapping[str, str]) -> None:
        """As many instances of the open repeats as the submission has answers in; those it has none in go."""
        wanted: dict[str, int] = {}
        for ref in answers:
            for at in (i for i, character in enumerate(ref) if character == "["):
                number, _, _ = ref[at + 1 :].partition("]")
                wanted[ref[:at]] = max(wanted.get(ref[:at], 0), int(number))
        done: set[str] = set()
        while stop := next((s for s in self._open_repeats() if s.repeat not in done), None):
            done.add(stop.repeat)
            for _ in range(len(stop.instances), min(wanted.get(stop.repeat, 0), MAX_REPEATS)):
                self.instance.add(stop.repeat)
            for _ in range(wanted.get(stop.repeat, 0), len(stop.instances)):
                self.instance.remove(stop.repeat)

    def _open_repeats(self) -> Iterator[RepeatStop]:
        return (stop for stop in self.stops() if isinstance(stop, RepeatStop))

    # -------------------------------------------------------------- answering
    def reject(self, message: str) -> None:
        """The one way to refuse an answer: nothing of the session changes."""
        self.session = self.before
        if self.is_changed:
            self._restore()
            self.is_changed = False
        self.effects.append(Reject(message))

    def take(self, node: Node, value: str, origin: int = 0, *, is_confirmed: bool = False) -> bool:
        """Store this answer if the form accepts it, and say so; False if it was refused or needs a yes first."""
        violation = self.instance.check(node, value)
        if violation is not None:
            self.reject(violation.message or self.say("err.constraint"))
            return False
        before = node.value
        has_repeats = bool(self.form.frame.repeats)
        state = self.instance.dump() if has_repeats and not is_confirmed else None
        changes = self.instance.answer(node.ref, value)
        lost = [ref for ref in changes.now_irrelevant if ref in self.session.seen]
        if has_repeats:
            lost += [ref for ref, _ in changes.cleared if ref in self.session.seen and not self._exists(ref)]
        if lost and not is_confirmed:
            if state is not None:  # instances that went with a lower count do not come back by themselves
                self._restore(state)
                node = self.instance.node(node.ref)
            else:
                self.instance.answer(node.ref, before)  # a node shows its answer only while it is relevant
            if shown_lost := [ref for ref in lost if self._is_answered(ref)]:
                self.set(pending=Confirming(node.ref, value, tuple(shown_lost), origin))
                self.is_changed = True
                self.effects.append(Ask(anew=bool(origin)))
                return False
            changes = self.instance.answer(node.ref, value)
        gone = {ref for ref, _ in changes.cleared} | set(lost)
        seen = (self.session.seen - gone) | {node.ref}
        origins = {k: v for k, v in self.session.origins.items() if v != (node.ref,)}
        if origin:
            origins[str(origin)] = (*origins.get(str(origin), ()), node.ref)
            origins = dict(list(origins.items())[-_ORIGINS_KEPT:])
        kept = self.session.kept - gone
        if has_repeats:
            kept = frozenset(ref for ref in kept if is_stop(ref) or self._exists(ref))
            seen &= {stop.ref for stop in self.stops()} | kept
            # A message whose answer went with its instance answers nothing any more.
            origins = {message: refs for message, refs in origins.items() if all(map(self._exists, refs))}
        self.set(seen=seen, kept=kept, origins=origins)
        self.is_changed = True
        return True

    def _exists(self, ref: str) -> bool:
        try:
            self.instance.node(ref)
        except KeyError:
            return False
        return True

    def _is_answered(self, ref: str) -> bool:
        node = self.instance.node(ref)
        return bool(node.value) and node.question.is_asked and node.question.name not in self.session.filled

    def answer(self, node: Node, value: str, origin: int = 0, *, is_confirmed: bool = False) -> None:
        """Take an answer and go on to what is next."""
        if not self.take(node, value, origin, is_confirmed=is_confirmed):
            return
        if self.form.frame.repeats:
            node = self.instance.node(node.ref)  # what was confirmed or refused meanwhile may have made it anew
        self.effects.append(Answered(self.instance.label(node), shown(self.instance, node, self.session.language)))
        self.advance()
        self.effects.append(Ask(anew=bool(origin)))

    def look(self, **changes: Any) -> None:
        """Change only what the card shows (a page, a month, marks): its other buttons stay valid."""
        self.set(**changes)
        self.effects.append(Ask())

    # -------------------------------------------------------------- taps
    def tap(self, tap: Tap) -> None:
        if tap.turn != self.session.turn:
            self.effects.append(Stale())
            return
        node = self.current()
        match tap.action:
            case "confirm" | "cancel":
                if isinstance(self.session.pending, Removing):
                    self._settle_removing(tap.action == "confirm")
                else:
                    self._settle_confirming(tap.action == "confirm")
                return
            case "read":
                self._settle_reading(node, tap.argument)
                return
            case "leave":
                self.effects.append(Leave())
                return
            case "back":
                self._back()
                return
            case "list":
                self.look(pending=Listing(), page=0)
                return
            case "add" | "which" | "change":
                self._at_stop(tap)
                return
            case "remove":
                self._remove(tap.argument)
                return
            case "done" if (stop := self.stop()) is not None:
                self._no_more(stop)
                return
            case "review":
                self.advance()
                self.effects.append(Ask())
                return
            case "page":
                self.look(page=_number(tap.argument))
                return
            case "edit":
                self._edit(tap.argument)
                return
            case "send":
                if node is None:
                    self._send()
                return
            case _:
                pass
        if node is None:
            self.effects.append(Stale())
            return
        match tap.action:
            case "pick":
                self._pick(node, tap.argument)
            case "on" | "off":
                self._mark(node, tap.argument, tap.action == "on")
            case "done":
                marks = self._marks(node)
                if node.question.type in LINES:
                    self._finish_line(node)
                elif not marks and node.is_required:
                    self.reject(self.instance.required_message(node) or self.say("err.choose"))
                else:
                    self.answer(node, " ".join(marks))
            case "month":
                self.look(month=tap.argument)
            case "day" if node.question.type == "dateTime":
                self.look(marks=(tap.argument,))
            case "day" | "value":
                self.answer(node, tap.argument)
            case "gather":
                self._gather(node, tap.argument)
            case "minute":
                self._minute(node, tap.argument)
            case "undo":
                self.look(marks=self._marks(node)[: max(_number(tap.argument), 0)])
            case "keep":
                kept = suggestion(self.session, node)
                if kept:
                    self.answer(node, kept)
            case "same":
                self._same()
            case "rest":
                self._rest(node)
            case "skip":
                self._skip(node)
            case _:
                assert_never(tap.action)

    def _gather(self, node: Node, argument: str) -> None:
        """An hour for the day that was chosen, or what a stepper shows: drawn, and not yet the answer."""
        match node.question.type:
            case "time":
                self.look(marks=(argument,))
            case "dateTime" if self.session.marks:
                self.look(marks=(self.session.marks[0], argument))
            case "range":
                self.look(marks=(argument,))
            case _:
                self.effects.append(Stale())

    def _minute(self, node: Node, argument: str) -> None:
        """The last piece of a time: with the hour, and the day of a dateTime, that were chosen before."""
        day, hour = ("", *(self.session.marks or ()))[-2:] if self.session.marks else ("", "")
        try:
            wall = datetime.fromisoformat(f"{day or '2000-01-01'}T{int(hour):02d}:{int(argument):02d}")
        except ValueError:
            wall = None
        if wall is None or bool(day) != (node.question.type == "dateTime") or node.question.type not in MOMENTS:
            self.effects.append(Stale())
        elif day:
            self.answer(node, wall.isoformat(timespec="milliseconds") + self.instance.offset_of(wall))
        else:
            self.answer(node, f"{wall:%H:%M}")

    def _pick(self, node: Node, argument: str) -> None:
        if node.question.type == "acknowledge":
            self.answer(node, "OK")
            return
        choices = self.instance.choices(node)
        position = _number(argument)
        if not 0 <= position < len(choices):
            self.effects.append(Stale())
            return
        value = choices[position].value
        if is_sending(node.question):
            if value == "send":
                self._send(node)
            else:
                self.effects.append(Leave())
            return
        if node.question.type == "rank":
            self._mark(node, argument, True)
            return
        self.answer(node, value)

    def _marks(self, node: Node) -> tuple[str, ...]:
        return tuple(node.value.split()) if self.session.marks is None else self.session.marks

    def _mark(self, node: Node, argument: str, is_on: bool) -> None:
        choices = self.instance.choices(node)
        position = _number(argument)
        if not 0 <= position < len(choices):
            self.effects.append(Stale())
            return
        value, marks = choices[position].value, self._marks(node)
        order = [choice.value for choice in choices]
        kept = [mark for mark in marks if mark in order and (is_on or mark != value)]
        if is_on and value not in kept:
            kept.append(value)
        if node.question.type != "rank":
            kept.sort(key=order.index)
        elif len(kept) == len(order):
            self.answer(node, " ".join(kept))
            return
        self.look(marks=tuple(kept))

    def _skip(self, node: Node) -> None:
        if node.is_required:
            self.reject(self.instance.required_message(node) or self.say("err.required"))
            return
        self.answer(node, "")

    def _back(self) -> None:
        """To the question before this one. Nothing is forgotten: its answer is shown and can be kept."""
        if self.session.pending is not None:
            self.look(pending=None)
            self.is_changed = True
            return
        node = self.current()
        if self.session.marks and node is not None and node.question.type in MOMENTS:
            self.look(marks=self.session.marks[:-1] or None)
            self.is_changed = True
            return
        if node is not None and self.form.frame.repeats and self._take_back_added(node):
            return
        earlier = ""
        for stop in self.stops():
            if stop.ref == self.session.at:
                break
            if stop.ref in self.session.seen:
                earlier = stop.ref
        if not earlier:
            self.effects += [Notice("form.first_question"), Ask()]
            return
        self.move(earlier)
        self.effects.append(Ask())

    def _edit(self, argument: str) -> None:
        for stop in self.stops():
            if address(self.instance, stop) == argument and stop.ref in self.session.seen:
                if isinstance(stop, RepeatStop):
                    self.set(seen=self.session.seen - {stop.ref})
                self.move(stop.ref)
                self.effects.append(Ask())
                return
        self.effects.append(Stale())

    # -------------------------------------------------------------- repeats
    def _at_stop(self, tap: Tap) -> None:
        stop = self.stop()
        if stop is None:
            self.effects.append(Stale())
        elif tap.action == "add":
            self._add(stop)
        elif tap.action == "change":
            self._change(stop, _number(tap.argument))
        else:
            self._choose(stop, "remove" if tap.argument == "remove" else "edit")

    def _add(self, stop: RepeatStop, origin: int = 0) -> None:
        """One more instance, and its first question."""
        if len(stop.instances) >= MAX_REPEATS:
            self.reject(self.say("err.repeat_full", n=MAX_REPEATS))
            return
        self.instance.add(stop.repeat)
        self.set(seen=self.session.seen - {stop.ref})
        self.advance()
        self.effects += [Added(stop.repeat), Ask(anew=bool(origin))]

    def _no_more(self, stop: RepeatStop, origin: int = 0) -> None:
        self.set(seen=self.session.seen | {stop.ref})
        label = self.instance.group_label(stop.group, stop.frame)
        self.effects.append(Answered(label, str(len(stop.instances))))
        self.advance()
        self.effects.append(Ask(anew=bool(origin)))

    def _choose(self, stop: RepeatStop, act: Literal["edit", "remove"], origin: int = 0) -> None:
        """Which instance; where there is one, that one."""
        if not stop.instances:
            self.reject(self.say("err.repeat_none"))
        elif len(stop.instances) > 1:
            self.look(pending=Choosing(act), page=0)
            self.is_changed = self.is_changed or bool(origin)
        elif act == "edit":
            self._change(stop, 1, origin)
        else:
            self._remove("1", origin)

    def _change(self, stop: RepeatStop, number: int, origin: int = 0) -> None:
        """What has been answered in an instance, to choose from; if that is one thing, its question."""
        if not 1 <= number <= len(stop.instances):
            self.effects.append(Stale())
            return
        self.set(seen=self.session.seen - {stop.ref})
        within = f"{stop.repeat}[{number}]"
        seen = [
            each.ref for each in self.stops() if each.ref.startswith(f"{within}/") and each.ref in self.session.seen
        ]
        if len(seen) == 1 and not is_stop(seen[0]):
            self.move(seen[0])
        else:
            self.set(pending=Listing(within), page=0)
            self.is_changed = True
        self.effects.append(Ask(anew=bool(origin)))

    def _remove(self, argument: str, origin: int = 0) -> None:
        """An instance goes: at once if it holds nothing, else what it holds is shown first."""
        stop, node = self.stop(), self.current()
        ref = ""
        if stop is not None and 1 <= _number(argument) <= len(stop.instances):
            ref = f"{stop.repeat}[{_number(argument)}]"
        elif node is not None and not argument and (frame := open_instance(self.instance, node.frame)) is not None:
            ref = instance_ref(frame)
        if not ref:
            self.effects.append(Stale())
            return
        inside = f"{ref}/"
        lost = [each.ref for each in self.nodes() if each.ref.startswith(inside) and each.value]
        if lost:
            self.set(pending=Removing(ref, tuple(lost)))
            self.is_changed = True
            self.effects.append(Ask(anew=bool(origin)))
        else:
            self._remove_now(ref)
            self.effects.append(Ask(anew=bool(origin)))

    def _settle_removing(self, is_confirmed: bool, origin: int = 0) -> None:
        pending = self.session.pending
        assert isinstance(pending, Removing)
        self.set(pending=None)
        self.is_changed = True
        if is_confirmed:
            self._remove_now(pending.ref)
        self.effects.append(Ask(anew=bool(origin)))

    def _remove_now(self, ref: str) -> None:
        """Take the instance away and stand behind its repeat; what lies after it is renumbered wherever it is named."""
        repeat, _, number = ref.removesuffix("]").rpartition("[")
        self.instance.remove(ref)
        gone = int(number)
        remaining = (renumbered(seen, repeat, gone) for seen in self.session.seen)
        kept = {new for old in self.session.kept if (new := renumbered(old, repeat, gone)) is not None}
        origins = {
            origin: tuple(new for old in refs if (new := renumbered(old, repeat, gone)) is not None)
            for origin, refs in self.session.origins.items()
        }
        stop = f"{repeat}[+]"
        seen = frozenset(new for new in remaining if new is not None) - {stop}
        self.set(kept=frozenset(kept) - {stop}, origins={k: v for k, v in origins.items() if v})
        self.set(seen=seen & ({each.ref for each in self.stops()} | kept))
        self.effects.append(Removed(ref))
        if any(each.ref == stop for each in self.stops()):
            self.move(stop)
        else:
            self.advance()

    def _take_back_added(self, node: Node) -> bool:
        """Back from the first question of an instance that has just been added takes it away again."""
        frame = open_instance(self.instance, node.frame)
        if frame is None or frame.index == 0:
            return False
        ref = instance_ref(frame)
        assert frame.parent is not None
        assert frame.type.place is not None
        is_last = frame.index + 1 == len(frame.parent.repeats[frame.type.place.slot])
        if not is_last or any(seen.startswith(f"{ref}/") for seen in self.session.seen):
            return False
        self._remove_now(ref)
        self.effects.append(Ask())
        return True

    def _typed_at_stop(self, stop: RepeatStop, text: str, origin: int) -> None:
        """ "otra", "editar 2", "quitar 1", "listo": whatever a tap does can be said."""
        said = reading.normalise(text)
        words, _, last = said.rpartition(" ")
        number = _number(last)
        act = self._word(said, "another")
        if isinstance(self.session.pending, Choosing) and said.isdecimal():
            act = self.session.pending.act
        elif not act and number >= 0:
            act = self._word(words, "another")
        self.set(pending=None)
        if act == "done":
            self._no_more(stop, origin)
        elif act == "add" and number < 0:
            self._add(stop, origin)
        elif act in ("edit", "remove") and number >= 0:
            if not 1 <= number <= len(stop.instances):
                self.reject(self.say("err.repeat_number", n=len(stop.instances)))
            elif act == "edit":
                self._change(stop, number, origin)
            else:
                self._remove(str(number), origin)
        elif act in ("edit", "remove"):
            self._choose(stop, "edit" if act == "edit" else "remove", origin)
        else:
            match self._navigation(text):
                case "back":
                    self._back()
                case "leave":
                    self.effects.append(Leave())
                case "skip":
                    self._no_more(stop, origin)
                case _:
                    self._not_understood(text, origin, self.say("err.another"))

    def _word(self, said: str, about: str) -> str:
        return _words(self.session.language, about).get(said, "")

    def _typed_in_listing(self, listing: Listing, text: str, origin: int) -> bool:
        """The answer to change, by the words of its question."""
        labels = [
            (address(self.instance, stop), stop_label(self.instance, stop))
            for stop in self.stops()
            if stop.ref in self.session.seen and stop.ref.startswith(f"{listing.within}/")
        ]
        match reading.match_choice(text, labels):
            case reading.Matched(value) if not text.strip().isdecimal():
                self._edit(value)
                self.effects = [Ask(anew=True) if isinstance(effect, Ask) else effect for effect in self.effects]
                return True
            case _:
                return False

    def _settle_confirming(self, is_confirmed: bool, origin: int = 0) -> None:
        pending = self.session.pending
        if not isinstance(pending, Confirming):
            self.effects.append(Stale())
            return
        self.set(pending=None)
        if is_confirmed:
            self.answer(self.instance.node(pending.ref), pending.value, origin, is_confirmed=True)
            return
        self.set(seen=self.session.seen | {pending.ref})
        self.advance()
        self.effects.append(Ask(anew=bool(origin)))

    def _settle_reading(self, node: Node | None, argument: str) -> None:
        pending = self.session.pending
        position = _number(argument)
        if node is None or not isinstance(pending, Reading) or not 0 <= position < len(pending.values):
            self.effects.append(Stale())
            return
        self.set(pending=None)
        self._take_meant(node, pending.values[position])

    def _take_meant(self, node: Node, value: str, origin: int = 0) -> None:
        """What was meant is the answer; of a select_multiple it is one more mark, and "done" is said later."""
        if node.question.type != "select_multiple":
            self.answer(node, value, origin)
            return
        marks = {*self._marks(node), value}
        order = [choice.value for choice in self.instance.choices(node)]
        self.look(marks=tuple(name for name in order if name in marks))
        self.is_changed = True
        self.effects[-1] = Ask(anew=bool(origin))

    def _rest(self, node: Node) -> None:
        """Leave the remaining numbers of the group as they stand, if the form accepts them so."""
        for member in batch(self.session, self.nodes(), node.ref):
            value = member.value or ("" if not member.is_required else "0")
            if not self.take(member, value):
                return
        self.advance()
        self.effects.append(Ask())

    def _same(self) -> None:
        """ "Igual que el reporte anterior": what may be copied is, what must be asked is asked (DESIGN §4)."""
        known = self.profile
        for _ in range(len(self.form.questions)):
            node = next((n for n in self.nodes() if n.ref not in self.session.seen), None)
            if node is None or is_sending(node.question) or node.question.name in known.same_asks:
                break
            name = node.question.name
            if name in known.same_sets:
                value = known.same_sets[name]
            elif name in known.same_copies or node.is_required:
                value = self.session.previous.get(name, "")
                if not value and node.is_required:
                    break
            else:
                value = ""
            if self.instance.check(node, value) is not None:
                break  # no longer acceptable today (a date that has passed): ask it
            self.instance.answer(node.ref, value)
            self.set(seen=self.session.seen | {node.ref})
        self.advance()
        self.effects.append(Ask())

    def _send(self, node: Node | None = None) -> None:
        """Send, if everything holds together; else stand at the first question that does not."""
        if node is not None:
            self.instance.answer(node.ref, "send")
        seen = {n.ref: n for n in self.nodes()}
        for ref, violation in self.instance.violations():
            if (ref in seen or ref in self.session.kept) and ref != (node.ref if node else ""):
                if node is not None:
                    self.instance.answer(node.ref, "")
                self.set(seen=self.session.seen - {ref}, kept=self.session.kept - {ref})
                self.move(ref)
                self.effects += [Reject(violation.message or self.say("err.constraint")), Ask()]
                return
        self.is_changed = True
        self.effects.append(Submit())

    # -------------------------------------------------------------- what is typed
    def typed(self, text: str, origin: int) -> None:
        text = safeguards.clean(text)
        node = self.current()
        if safeguards.emergency(text):
            self.effects += [Notice("err.emergency"), Ask(anew=True)]
            return
        if isinstance(self.session.pending, Reading) and node is not None and self._typed_reading(node, text, origin):
            return
        if isinstance(self.session.pending, Confirming | Removing) and (
            answer := self._word(reading.normalise(text), "sure")
        ):
            if isinstance(self.session.pending, Removing):
                self._settle_removing(answer == "yes", origin)
            else:
                self._settle_confirming(answer == "yes", origin)
            return
        if isinstance(self.session.pending, Listing) and self._typed_in_listing(self.session.pending, text, origin):
            return
        if isinstance(self.session.pending, Confirming | Listing | Removing):
            self.set(pending=None)
        if (stop := self.stop()) is not None:
            self._typed_at_stop(stop, text, origin)
            return
        if node is None:
            word = self._navigation(text)
            if word == "send":
                self._send()
            elif word == "leave":
                self.effects.append(Leave())
            else:
                self._not_understood(text, origin, self.say("form.review_help"))
            return
        self._typed_at(node, text, origin)

    def _typed_reading(self, node: Node, text: str, origin: int) -> bool:
        """An answer to "which one did you mean?": what is shown counts, not the list behind it. False if it is none."""
        pending = self.session.pending
        assert isinstance(pending, Reading)
        said = reading.normalise(text)
        labels = [reading.normalise(shown(self.instance, node, self.session.language, v)) for v in pending.values]
        position = labels.index(said) if said in labels else -1
        is_yes = said in {reading.normalise(word) for word in self.say("words.yes").split("|")}
        if is_yes and len(pending.values) == 1:
            position = 0
        elif position < 0 and 0 < _number(text.strip()) <= len(pending.values):
            if node.question.type in NUMBERS:
                # "1" may be the first of them or a new number: asked as well.
                self.set(pending=Reading((*pending.values, text.strip()), origin))
                self.is_changed = True
                self.effects.append(Ask(anew=True))
                return True
            position = _number(text.strip()) - 1
        if position < 0:
            self.set(pending=None)
            return False
        self.set(pending=None)
        self._take_meant(node, pending.values[position], origin)
        return True

    def _typed_at(self, node: Node, text: str, origin: int) -> None:
        question = node.question
        kind = question.type
        if kind in ("select_one", "select_one_from_file"):
            self._typed_choice(node, text, origin)
            return
        if kind in ("select_multiple", "rank"):
            self._typed_choices(node, text, origin)
            return
        if word := self._navigation(text):
            match word:
                case "back":
                    self._back()
                case "skip":
                    self._skip(node)
                case "send":
                    self.reject(self.say("form.send_later"))
                case _:
                    self.effects.append(Leave())
            return
        match kind:
            case "integer" | "decimal" | "range":
                self._typed_number(node, text, origin)
            case "date" | "time" | "dateTime":
                self._typed_date(node, text, origin)
            case "acknowledge":
                if reading.normalise(text) in {reading.normalise(w) for w in self.say("words.yes").split("|")}:
                    self.answer(node, "OK", origin)
                else:
                    self._not_understood(text, origin, self.say("err.acknowledge"))
            case "image" | "audio" | "video" | "file":
                self._not_understood(text, origin, self.say(f"err.{kind}_expected"))
            case "geopoint":
                if place := _typed_place(text):
                    self.answer(node, place, origin)
                else:
                    self._not_understood(text, origin, self.say("err.place_expected"))
            case "geotrace" | "geoshape":
                self._typed_line(node, text, origin)
            case _:
                self._typed_text(node, text, origin)

    def _navigation(self, text: str) -> str:
        """Which navigation word this is, in the respondent's language or in Spanish; "" if none."""
        return _navigation_words(self.session.language).get(reading.normalise(text), "")

    def _not_understood(self, text: str, origin: int, message: str) -> None:
        """Refuse what was typed; if it carries personal data, it goes from the chat as well."""
        if safeguards.personal_data(text, strict=self.before.strict):
            self.reject(self.say("err.pii"))
            self.effects.append(Withhold(origin))
            return
        self.reject(message)

    def _typed_choice(self, node: Node, text: str, origin: int) -> None:
        choices = self.instance.choices(node)
        match reading.match_choice(text, [(choice.value, choice.label) for choice in choices]):
            case reading.Matched(value):
                if is_sending(node.question):
                    if value == "send":
                        self._send(node)
                    else:
                        self.effects.append(Leave())
                else:
                    self.answer(node, value, origin)
            case reading.Several(values):
                self._ask_which(values, origin)
            case reading.NoMatch():
                word = self._navigation(text)
                if word == "back":
                    self._back()
                elif word == "skip":
                    self._skip(node)
                elif word == "leave":
                    self.effects.append(Leave())
                elif found := reading.search_choices(text, [(c.value, c.label) for c in choices], _SUGGESTED):
                    self._ask_which([value for value, _ in found], origin)
                else:
                    self._not_understood(text, origin, self.say("err.choice"))

    def _typed_choices(self, node: Node, text: str, origin: int) -> None:
        choices = self.instance.choices(node)
        match reading.match_choices(text, [(choice.value, choice.label) for choice in choices]):
            case reading.Chosen(values):
                self.answer(node, " ".join(values), origin)
            case reading.Several(values) if node.question.type == "select_multiple":
                self._ask_which(values, origin)
            case _:
                word = self._navigation(text)
                if word == "back":
                    self._back()
                elif word == "skip":
                    self._skip(node)
                elif word == "leave":
                    self.effects.append(Leave())
                elif node.question.type == "select_multiple" and (
                    found := reading.search_choices(text, [(c.value, c.label) for c in choices], _SUGGESTED)
                ):
                    self._ask_which([value for value, _ in found], origin)
                else:
                    self._not_understood(text, origin, self.say("err.choices"))

    def _typed_number(self, node: Node, text: str, origin: int) -> None:
        run = batch(self.session, self.nodes(), node.ref) if node.question.type == "integer" else []
        if len(run) > 1:
            labels = [self.instance.label(member) for member in run]
            for count in range(len(run), 1, -1):
                if numbers := reading.read_numbers(text, count, labels=labels[:count]):
                    self._take_numbers(run[:count], numbers, origin)
                    return
        # One run of digits is one number at most: nearly every answer is, and need not be read so many ways.
        may_be_more = sum(1 for _ in _DIGITS.finditer(text)) > 1
        if may_be_more and any(
            reading.read_numbers(text, count) for count in range(max(2, len(run) + 1), _NUMBERS_SEEN)
        ):
            self.reject(self.say("err.numbers_count", n=len(run)) if len(run) > 1 else self.say("err.number"))
            return
        is_integer = node.question.type == "integer" or node.question.value_type == "int"
        self._take_reading(
            node, reading.read_number(text, integer=is_integer, language=self.session.language), text, origin
        )

    def _take_numbers(self, run: Sequence[Node], numbers: Sequence[str], origin: int) -> None:
        """Several numbers in one message: all or none (each constraint in order, then the one that adds up)."""
        labels: list[str] = []
        for member, number in zip(run, numbers, strict=True):
            violation = self.instance.check(member, number)
            if violation is not None:
                label = self.instance.label(member)
                self.reject(f"{label} · {number}: {violation.message}")
                return
            if not self.take(member, number, origin):
                if self.session.pending is not None:  # it would drop other answers, which one is asked about singly
                    self.effects.clear()
                    self.reject(self.say("err.one_by_one"))
                return
            member = self.instance.node(member.ref)
            labels.append(f"{self.instance.label(member)} {number}")
        self.effects.append(Answered(self.instance.group_label(run[0]) or labels[0], ", ".join(numbers)))
        self.advance()
        self.effects.append(Ask(anew=True))

    def _restore(self, state: Mapping[str, Any] | None = None) -> None:
        """Back to the tree as it was before this step, or in this state."""
        self.instance = Instance.restore(
            self.form,
            self.before.state if state is None else state,
            now=self.now,
            timezone=self.before.timezone,
            language=self.form.language_for(self.before.language),
        )

    def _take_reading(self, node: Node, read: reading.Read, text: str, origin: int) -> None:
        match read:
            case reading.Understood(value):
                self.answer(node, value, origin)
            case reading.Ambiguous(values):
                self._ask_which(values, origin)
            case reading.NotUnderstood(reason):
                own_words = self.instance.constraint_message(node)
                self._not_understood(text, origin, f"{self.say(reason)} {own_words}".strip())

    def _ask_which(self, values: Sequence[str], origin: int) -> None:
        """What was typed may mean one of these: nothing is taken until the respondent says which."""
        self.set(pending=Reading(tuple(values[:_SUGGESTED]), origin))
        self.is_changed = True
        self.effects.append(Ask(anew=True))

    def _typed_date(self, node: Node, text: str, origin: int) -> None:
        language, today = self.session.language, self.today
        match node.question.type:
            case "date":
                is_past = self.instance.check(node, today.isoformat()) is None
                prefer: Literal["past", "future"] = "past" if is_past else "future"
                read = reading.read_date(text, today=today, language=language, prefer=prefer)
                if calendar_of(node.question) in ("year", "month-year") and (
                    month := reading.read_month(text, language, is_year=calendar_of(node.question) == "year")
                ):
                    read = reading.Understood(month)
            case "time":
                read = reading.read_time(text, language=language)
            case _:
                zone = ZoneInfo(self.session.timezone)
                read = reading.read_datetime(text, today=today, language=language, zone=zone)
        self._take_reading(node, read, text, origin)

    def _typed_text(self, node: Node, text: str, origin: int) -> None:
        is_code = node.question.type == "barcode"  # digits are what was asked for
        if not is_code and not _is_link(node, text) and safeguards.personal_data(text, strict=self.session.strict):
            self.reject(self.say("err.pii"))
            self.effects.append(Withhold(origin))
            return
        self.answer(node, text, origin)

    def corrected(self, text: str, origin: int) -> None:
        """The respondent edited an earlier message: that answer changes, the conversation stays where it is."""
        text = safeguards.clean(text)
        refs = self.session.origins.get(str(origin), ())
        nodes = [self.instance.node(ref) for ref in refs if self._exists(ref)]
        if len(nodes) < len(refs) or not nodes or not all(_is_asked(self.session, node) for node in nodes):
            self._not_understood(text, origin, self.say("form.edit_unknown"))
            return
        standing = self.session.at
        if len(nodes) > 1:
            labels = [self.instance.label(node) for node in nodes]
            numbers = reading.read_numbers(text, len(nodes), labels=labels)
            if numbers is None:
                self._not_understood(text, origin, self.say("err.number"))
                return
            self._take_numbers(nodes, numbers, origin)
        else:
            self.set(at=nodes[0].ref, pending=None)
            self._typed_at(nodes[0], text, origin)
        if isinstance(self.session.pending, Reading | Confirming) or any(isinstance(e, Reject) for e in self.effects):
            return
        self.effects = [
            Notice("form.corrected", (("label", e.label), ("shown", e.shown))) if isinstance(e, Answered) else e
            for e in self.effects
        ]
        if standing in {stop.ref for stop in self.stops()} and standing not in refs:
            self.set(at=standing)

    # -------------------------------------------------------------- places and files
    def located(self, place: Located) -> None:
        node = self.current()
        if self.session.restricted:
            self.reject(self.say("err.place_restricted"))
            self.effects.append(Withhold(place.origin))
            return
        point = f"{place.latitude} {place.longitude} 0 {place.accuracy or 0:g}"
        if node is not None and node.question.type == "geopoint":
            self.answer(node, point, place.origin)
        elif node is not None and node.question.type in LINES:
            self._add_points(node, [point])
        else:
            self.reject(self.say("err.place_unasked"))

    def _add_points(self, node: Node, points: Sequence[str]) -> None:
        gathered = (*points_of(self.session, node), *points)
        if len(gathered) > MAX_POINTS:
            self.reject(self.say("err.points_full", n=MAX_POINTS))
            return
        self.look(marks=gathered)
        self.effects[-1] = Ask(anew=True)

    def _finish_line(self, node: Node, origin: int = 0) -> None:
        """What has been gathered is the line; a shape is closed by itself."""
        points = points_of(self.session, node)
        least = LEAST_POINTS[node.question.type]
        if not points and not node.is_required:
            self.answer(node, "", origin)
        elif len(points) < least:
            self.reject(self.say("err.points_few", n=least))
        else:
            self.answer(node, line_of(node, points), origin)

    def _typed_line(self, node: Node, text: str, origin: int) -> None:
        """Coordinates, one point or several; "otro" needs no word: the next point is the next message."""
        word = self._word(reading.normalise(text), "line")
        if word == "done":
            self._finish_line(node, origin)
        elif word == "undo":
            self.look(marks=points_of(self.session, node)[:-1])
            self.effects[-1] = Ask(anew=True)
        elif points := _typed_points(text):
            self._add_points(node, points)
        else:
            self._not_understood(text, origin, self.say("err.points_expected"))

    def offered(self, offer: Offered) -> None:
        is_picture = offer.kind in ("photo", "video") or offer.mime_type.startswith(("image/", "video/"))
        if self.session.restricted and is_picture:
            self.reject(self.say("report.evidence_sensitive"))
            self.effects.append(Withhold(offer.origin))
            return
        if offer.album and offer.album == self.session.album:
            self.effects.append(Notice("file.first_of_album"))
            return
        node = self.current()
        if node is not None and node.question.type == "select_one":
            node = self._question_behind(node, offer) or node
        if node is None or not _accepts(node.question.type, offer):
            key = f"err.{node.question.type}_expected" if node and node.question.type in UPLOADS else "err.file_unasked"
            self.reject(self.say(key))
            return
        if offer.size is not None and offer.size > FILE_LIMIT:
            self.reject(self.say("report.file_big", max_mb=FILE_LIMIT // 1_000_000))
            return
        self.session = replace(self.session, fetching=offer.unique_id, album=offer.album)
        self.is_changed = True
        pixels = node.question.parameters.get("max-pixels", "")
        self.effects += [
            Fetch(
                file_id=offer.file_id,
                unique_id=offer.unique_id,
                ref=node.ref,
                name=offer.name,
                mime_type=offer.mime_type,
                accept=node.question.type,
                max_pixels=int(pixels) if pixels.isdigit() else None,
                is_compressed=offer.kind == "photo",
            ),
            Ask(anew=True),
        ]

    def _question_behind(self, node: Node, offer: Offered) -> Node | None:
        """A photo sent while asking *what* will be sent picks the choice that leads to a question for it."""
        before = node.value
        for choice in self.instance.choices(node):
            if self.instance.check(node, choice.value) is not None:
                continue
            changes = self.instance.answer(node.ref, choice.value)
            for ref in changes.now_relevant:
                opened = self.instance.node(ref)
                if _is_asked(self.session, opened) and _accepts(opened.question.type, offer):
                    self.set(seen=self.session.seen | {node.ref})
                    self.move(opened.ref)
                    return opened
            self.instance.answer(node.ref, before)
        return None

    def fetched(self, file: Fetched) -> None:
        node = self.current()
        if node is None or self.session.fetching != file.unique_id:
            self.effects.append(Stale())  # they went back or sent another one meanwhile
            return
        if file.is_compressed and node.question.type == "file":
            self.effects.append(Notice("file.compressed"))
        self.set(fetching="")
        if not self.take(node, file.file_name):
            return
        node = self.instance.node(node.ref)
        self.effects.append(Answered(self.instance.label(node), file.shown_name))
        self.advance()
        self.effects.append(Ask())

    def fetch_failed(self, failure: FetchFailed) -> None:
        if self.session.fetching != failure.unique_id:
            self.effects.append(Stale())
            return
        self.set(fetching="", album="")
        self.is_changed = True
        self.effects += [Reject(self.say(failure.reason, **dict(failure.values))), Ask()]

    # -------------------------------------------------------------- coming back
    def resumed(self) -> None:
        """The same question, nothing re-asked. A question that fell away meanwhile gives way to the next."""
        if self.current() is None and self.stop() is None:
            self.advance()
        self.is_changed = True  # cards drawn before are stale from now on
        self.effects.append(Ask(anew=True))

    def language_changed(self, language: str) -> None:
        self.set(language=language)
        self.say = wording(language)
        self.instance.set_language(self.form.language_for(language))
        self.is_changed = True
        self.effects.append(Ask(anew=True))


# ------------------------------------------------------------------ small pure helpers
@cache
def _navigation_words(language: str) -> Mapping[str, str]:
    """What means going back, skipping, leaving and sending, in a language and in Spanish."""
    known: dict[str, str] = {}
    for action in ("back", "skip", "leave", "send"):
        for say in (wording(language), wording("es")):
            for word in say(f"words.{action}").split("|"):
                known.setdefault(reading.normalise(word), action)
    return known


@cache
def _words(language: str, about: str) -> Mapping[str, str]:
    """What people say for each thing they may do here, in a language and in Spanish: word → action."""
    actions = {"another": ("done", "add", "edit", "remove"), "sure": ("yes", "no"), "line": ("done", "undo")}[about]
    known: dict[str, str] = {}
    for say in (wording(language), wording("es")):
        for action in actions:
            for word in say(f"words.{action}").split("|"):
                known.setdefault(reading.normalise(word), action)
    if about == "another":
        for answer, action in _words(language, "sure").items():
            known.setdefault(answer, {"yes": "add", "no": "done"}[action])
    return known


def suggestion(session: Session, node: Node) -> str:
    """What can be kept with one tap: what stands there now, else the previous report's answer."""
    return node.value or session.previous.get(node.question.name, "")


def shown(instance: Instance, node: Node, language: str, value: str | None = None) -> str:
    """An answer as people read it: labels instead of codes, dates in the reader's order."""
    say = wording(language)
    raw = node.value if value is None else value
    if not raw:
        return say("form.no_answer")
    match node.question.type:
        case "select_one" | "select_multiple" | "rank" | "select_one_from_file":
            labels = {choice.value: choice.label for choice in instance.choices(node)}
            return ", ".join(labels.get(v, v) for v in ([raw] if "select_one" in node.question.type else raw.split()))
        case "acknowledge":
            return say("form.acknowledged")
        case "date":
            return _show_date(node.question, raw, language)
        case "dateTime":
            return f"{show_date(raw, language)}, {raw[11:16]}"
        case "time":
            return raw[:5]
        case "integer" | "decimal" | "range":
            number = raw.removesuffix(".0")
            return _grouped(number) if "thousands-sep" in node.question.appearances else number
        case "geopoint":
            latitude, longitude, *rest = raw.split()
            accuracy = rest[1].removesuffix(".0") if len(rest) > 1 else "0"
            return f"📍 {latitude}, {longitude}" + (f" (±{accuracy} m)" if accuracy != "0" else "")
        case "geotrace" | "geoshape":
            points = raw.split(";")
            return say("form.points", n=len(points) - (node.question.type == "geoshape"))
        case "image":
            return say("form.photo_received")
        case "file" | "audio" | "video":
            return say("form.file_received")
        case _:
            return raw


def show_date(value: str, language: str) -> str:
    """A stored date as day, short month, year: `30 oct 2018`; what is no date is shown as it is."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return value
    return f"{day.day} {wording(language)('months.short').split('|')[day.month - 1]} {day.year}"


def calendar_of(question: Question) -> str:
    """Which calendar a date is chosen from: "year", "month-year", "no-calendar", else ""."""
    return next((a for a in question.appearances if a in ("year", "month-year", "no-calendar")), "")


def _show_date(question: Question, raw: str, language: str) -> str:
    match calendar_of(question):
        case "year":
            return raw[:4]
        case "month-year":
            return show_date(raw, language).partition(" ")[2]
        case _:
            return show_date(raw, language)


def _grouped(number: str) -> str:
    """A number with a comma between thousands, as the Dominican Republic writes it."""
    whole, point, fraction = number.partition(".")
    return f"{int(whole):,}{point}{fraction}" if whole.lstrip("-").isdecimal() else number


def _accepts(kind: str, offer: Offered) -> bool:
    match kind:
        case "image":
            return offer.kind == "photo" or (offer.kind == "document" and offer.mime_type.startswith("image/"))
        case "audio":
            return offer.kind in ("audio", "voice") or offer.mime_type.startswith("audio/")
        case "video":
            return offer.kind == "video" or offer.mime_type.startswith("video/")
        case "file":
            return offer.kind in ("photo", "document", "video", "audio", "voice")
        case _:
            return False


def _is_link(node: Node, text: str) -> bool:
    """Whether this answers a question for a link: digits and @ in an address are not personal data by themselves."""
    return text.startswith(("http://", "https://")) and " " not in text and "http" in node.question.constraint_source


def _typed_place(text: str) -> str:
    """ "18.47, -69.9" as a geopoint; "" if it is none."""
    parts = text.replace(",", " ").replace(";", " ").split()
    if len(parts) != 2:
        return ""
    try:
        latitude, longitude = float(parts[0]), float(parts[1])
    except ValueError:
        return ""
    return f"{latitude} {longitude} 0 0" if abs(latitude) <= 90 and abs(longitude) <= 180 else ""


def _typed_points(text: str) -> list[str]:
    """Points one a line or between semicolons, as people write them or as ODK does; [] if any is none."""
    points = []
    for part in re.split(r"[;\n]+", text):
        if not part.strip():
            continue
        numbers = part.split()
        point = _typed_place(part)
        if not point and 2 <= len(numbers) <= 4 and (found := _typed_place(" ".join(numbers[:2]))):
            rest = numbers[2:] if all(_DECIMAL.fullmatch(number) for number in numbers[2:]) else ["", ""]
            point = " ".join([*found.split()[:2], *rest])
        if not point.strip() or point.endswith(" "):
            return []
        points.append(point)
    return points


def points_of(session: Session, node: Node) -> tuple[str, ...]:
    """The points gathered so far; of a shape without the last, which is the first again."""
    if session.marks is not None:
        return session.marks
    points = tuple(node.value.split(";")) if node.value else ()
    return points[:-1] if node.question.type == "geoshape" else points


def line_of(node: Node, points: Sequence[str]) -> str:
    """Points as ODK writes a line; a shape ends where it began."""
    closing = [points[0]] if node.question.type == "geoshape" and points[-1] != points[0] else []
    return ";".join([*points, *closing])


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else -1


def stop_label(instance: Instance, stop: Stop) -> str:
    """The words of a question, or of the repeat one stands behind."""
    return instance.label(stop) if isinstance(stop, Node) else instance.group_label(stop.group, stop.frame)


def answered(session: Session, nodes: Sequence[Node]) -> Iterator[Node]:
    """The questions that have an answer, in order: what a review shows and offers to change."""
    for node in nodes:
        if node.ref in session.seen and not is_sending(node.question):
            yield node


__all__ = [
    "FILE_LIMIT",
    "LEAST_POINTS",
    "LINES",
    "Pending",
    "Step",
    "answered",
    "batch",
    "begin",
    "calendar_of",
    "filled_when",
    "is_sending",
    "points_of",
    "sequence",
    "show_date",
    "shown",
    "step",
    "stop_label",
    "stops",
    "suggestion",
]
