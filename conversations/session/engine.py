"""The conversation: `step(form, session, event)` gives the next session and what follows from it.

Laws:
* A step never raises for what a respondent types. A bad answer is a `Reject`, and the session is returned as it was.
* The same arguments always give the same step: no clock, no chance, no I/O. Identifiers arrive with events.
* A tap that was drawn in another turn is `Stale` and changes nothing.
* A stored answer has satisfied its constraint when it was given. Before sending, all answers are checked again.

The next question is computed from the state, not scripted: it is the first one, in the form's order, that is relevant
and not yet seen. So going back, correcting, and answers that open or close later questions need no rules of their own.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, assert_never

from conversations.session.effects import Ask, Reject
from conversations.session.events import (
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
from conversations.session.files import fetch_failed, fetched, offered
from conversations.session.places import located
from conversations.session.profiles import profile
from conversations.session.questions import is_sending, sending
from conversations.session.repeats import RepeatStop, is_stop, repeat_stop
from conversations.session.safeguards.known import Asked, nothing
from conversations.session.session import REVIEW, Listing, Session
from conversations.session.taps import tap
from conversations.session.turn import Step, Turn, restored
from conversations.session.typed import corrected, typed
from conversations.wording import wording
from conversations.xforms.evaluation.rules import MAX_REPEATS
from conversations.xforms.evaluation.state import path_of
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.limits import ANSWERING, MAX_TYPED, Exhausted, Limits


@dataclass(frozen=True, slots=True)
class Given:
    """What is known before the first question of a session."""

    values: Mapping[str, str] = field(default_factory=dict)
    """The bot's own answers, by question name. Names that the form does not have are left out."""
    previous: Mapping[str, str] = field(default_factory=dict)
    """The answers of the last report, by question name. They are offered as "the same as before"."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """The texts at the head of each card."""
    restricted: bool = False
    strict: bool = False
    """Texts are read by the strict rules, also in a form that is not strict itself."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Those of a submission, by ref. Then the session starts at the list of its answers, as a correction does."""
    only: Collection[str] = ()
    """The refs to ask again.

    Everything else stays as it was sent, except the consequences of new answers: questions that they open, and answers
    that no longer agree with them.
    """
    last_saved: Mapping[str, str] = field(default_factory=dict)
    """The answers, by ref, that `${last-saved#…}` reads."""
    asked_in: str = ""
    """The form's language, where the bot does not speak it."""


NOTHING_GIVEN: Final = Given()


def begin(form: Form, filling: Filling, given: Given = NOTHING_GIVEN, *, limits: Limits = ANSWERING) -> Step:
    """Start a session at its first question. Exhausted if the form needs more than `limits` at its start."""
    names = _names(form)
    values = {name: value for name, value in given.values.items() if name in names}
    known = profile(form.form_id)
    instance = Instance.start(
        form,
        filling._replace(language=form.language_for(given.asked_in, filling.language)),
        values=values,
        last_saved=given.last_saved,
        limits=limits,
    )
    session = Session(
        instance_id=filling.instance_id,
        language=filling.language,
        asked_in=given.asked_in,
        timezone=filling.timezone,
        state={},
        at=REVIEW,
        filled=frozenset(values),
        previous={n: v for n, v in given.previous.items() if n in names and n not in known.never_copied},
        about=dict(given.about),
        restricted=given.restricted,
        strict=known.strict or given.strict,
    )
    turn = Turn(form, session, instance, filling.now)
    if given.answers:
        load(turn, given.answers)
        restrict(turn, given.only)
    turn.advance()
    if given.answers and not turn.session.only and ((node := turn.current()) is None or is_sending(node.question)):
        turn.look(pending=Listing())  # what was sent, each answer a button; behind it the review
    return turn.finish()


@lru_cache(maxsize=256)
def _names(form: Form) -> frozenset[str]:
    """The names of the questions that every session has once."""
    return frozenset(question.name for question in form.outside_repeats.values())


def step(
    form: Form,
    session: Session,
    event: Event,
    *,
    now: datetime,
    known: Asked = nothing,
    limits: Limits = ANSWERING,
    is_trial: bool = False,
) -> Step:
    """Apply one event to a session. The laws are at the top of the module. Source: docs/domain.md#a-report.

    `known` returns the names and numbers of the plan: they are no personal data, wherever they are typed. It is asked
    only if a free text is read. An event that needs more than `limits` is refused like any answer that cannot be taken.
    In a trial it is Exhausted.
    """
    try:
        return _step(form, session, event, now, limits, known)
    except Exhausted as limit:
        if is_trial:
            raise
        reason = f"err.too_much_{limit.measure}"
        if isinstance(event, Fetched):  # its question would wait for it for ever
            return step(form, session, FetchFailed(event.unique_id, reason), now=now, known=known, limits=limits)
        instance = restored(form, session, now, limits)
        return Step(session, (Reject(wording(session.language)(reason)),), instance)


def _step(form: Form, session: Session, event: Event, now: datetime, limits: Limits, known: Asked) -> Step:
    turn = Turn(form, session, restored(form, session, now, limits), now, known)
    match event:
        case Tap():
            tap(turn, event)
        case Typed(text) | Corrected(text) if len(text) > MAX_TYPED:
            turn.reject(turn.say("err.too_long", n=MAX_TYPED))
        case Typed(text, origin):
            typed(turn, text, origin)
        case Corrected(text, origin):
            corrected(turn, text, origin)
        case Located():
            located(turn, event)
        case Offered():
            offered(turn, event)
        case Fetched():
            fetched(turn, event)
        case FetchFailed():
            fetch_failed(turn, event)
        case Resumed():
            _resumed(turn)
        case LanguageChanged(language):
            _language_changed(turn, language)
        case _:
            assert_never(event)
    return turn.finish()


def load(turn: Turn, answers: Mapping[str, str]) -> None:
    """Load the answers of a submission that is being corrected.

    All questions count as seen, and the sending question is open again.
    """
    if turn.form.frame.repeats:
        _load_repeats(turn, answers)
    for ref, value in answers.items():
        try:
            node = turn.instance.node(ref)
        except KeyError:
            continue  # the form's present version no longer has it
        if node.question.is_asked and not is_sending(node.question):
            turn.instance.answer(ref, value)
            turn.instance.refill()  # each was an event of its own when it was given
    sends = sending(turn.form)
    turn.set(seen=frozenset(ref for ref in turn.stops() if path_of(ref) not in sends))


def restrict(turn: Turn, only: Collection[str]) -> None:
    """Ask only these questions again. If none of them is asked any more, ask everything."""
    asked = frozenset(only) & turn.session.seen
    if asked:
        rest = turn.session.seen - asked
        turn.set(only=asked, kept=rest, seen=rest)


def _load_repeats(turn: Turn, answers: Mapping[str, str]) -> None:
    """Give each open repeat as many instances as the submission has answers for."""
    wanted: dict[str, int] = {}
    for ref in answers:
        for at in (i for i, character in enumerate(ref) if character == "["):
            number, _, _ = ref[at + 1 :].partition("]")
            wanted[ref[:at]] = max(wanted.get(ref[:at], 0), int(number))
    done: set[str] = set()
    while stop := next((s for s in _open_repeats(turn) if s.repeat not in done), None):
        done.add(stop.repeat)
        for _ in range(len(stop.instances), min(wanted.get(stop.repeat, 0), MAX_REPEATS)):
            turn.instance.add(stop.repeat)
        for _ in range(wanted.get(stop.repeat, 0), len(stop.instances)):
            turn.instance.remove(stop.repeat)


def _open_repeats(turn: Turn) -> Iterator[RepeatStop]:
    return (repeat_stop(turn.instance, ref) for ref in turn.stops() if is_stop(ref))


def _resumed(turn: Turn) -> None:
    """Show the same question again. If it is no longer asked, go to the next one."""
    if turn.current() is None and turn.stop() is None:
        turn.advance()
    turn.is_changed = True  # cards drawn before are stale from now on
    turn.effects.append(Ask(anew=True))


def _language_changed(turn: Turn, language: str) -> None:
    turn.set(language=language)
    turn.say = wording(language)
    turn.instance.set_language(turn.form.language_for(turn.session.asked_in, language))
    turn.is_changed = True
    turn.effects.append(Ask(anew=True))


def filled_when(form: Form, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that say when and by whom the form was filled. The phone knows them, so nobody is asked."""
    preloads = {place.path for place, (kind, _) in form.preloads.items() if kind != "uid"}
    return {ref: value for ref, value in answers.items() if ref in preloads}
