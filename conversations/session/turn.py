"""The working copy of a session during one step. `finish` turns it into a `Step`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import filterfalse
from typing import Any
from zoneinfo import ZoneInfo

from conversations.session.effects import Answered, Ask, Effect, Notice, Reject, Withhold
from conversations.session.profiles import Profile, profile
from conversations.session.questions import is_asked, sequence, stops
from conversations.session.reading.text import normalise
from conversations.session.repeats import RepeatStop, is_stop, repeat_stop
from conversations.session.safeguards.guard import personal_data, refusal
from conversations.session.safeguards.known import Asked, Known, nothing
from conversations.session.session import REVIEW, Confirming, Session
from conversations.session.words import words_for
from conversations.wording import wording
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form
from conversations.xforms.instance import Instance, Violation
from conversations.xforms.limits import Limits

_ORIGINS_KEPT = 60


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one event. `instance` is the session's instance afterwards; a card is drawn from it."""

    session: Session
    effects: tuple[Effect, ...]
    instance: Instance = field(compare=False, repr=False)


def restored(
    form: Form, session: Session, now: datetime, limits: Limits, state: Mapping[str, Any] | None = None
) -> Instance:
    """Return the instance of a session as it was stored, or as it is in this state."""
    return Instance.restore(
        form,
        session.state if state is None else state,
        now=now,
        timezone=session.timezone,
        language=form.language_for(session.asked_in, session.language),
        limits=limits,
    )


class Turn:
    """The working copy of a session during one step."""

    def __init__(self, form: Form, session: Session, instance: Instance, now: datetime, known: Asked = nothing) -> None:
        self.form = form
        self.before = session
        self.session = session
        self.instance = instance
        self.now = now
        self._known = known
        self.effects: list[Effect] = []
        self.is_changed = False
        self.say = wording(session.language)

    @property
    def profile(self) -> Profile:
        return profile(self.form.form_id)

    @property
    def known(self) -> Known:
        """The names and numbers of the plan."""
        return self._known()

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.session.timezone)).date()

    def questions(self) -> Sequence[str]:
        """The refs of the questions that are asked now."""
        return sequence(self.form, self.session, self.instance)

    def nodes(self) -> list[Node]:
        return [self.instance.node(ref) for ref in self.questions()]

    def stops(self) -> Sequence[str]:
        """The refs of everything at which the session can stand now."""
        questions = sequence(self.form, self.session, self.instance)
        return stops(self.form, self.session, questions, self.instance) if self.form.frame.repeats else questions

    def stop(self) -> RepeatStop | None:
        """Return the stop of a repeat at which the session stands. None at a question or at the review."""
        if not is_stop(self.session.at) or self.session.at not in self.stops():
            return None
        return repeat_stop(self.instance, self.session.at)

    def current(self) -> Node | None:
        """Return the question that is asked now.

        None at the built-in review, or if the question is no longer relevant.
        """
        if self.session.at == REVIEW:
            return None
        try:
            node = self.instance.node(self.session.at)
        except KeyError:
            return None
        return node if is_asked(self.form, self.session, node) else None

    def set(self, **changes: Any) -> None:
        self.session = self.session.changed(**changes)

    def move(self, at: str) -> None:
        """Stand at this question or stop.

        An open question about the last one is dropped. Files that were sent for it and have not arrived are dropped
        too, and the person is told.
        """
        if (coming := self.session.coming) and at != self.session.at:
            self.effects.append(Notice("file.left_behind", (("n", str(coming)),)))
            self.set(gathering=None, album="")
        self.set(at=at, pending=None, page=0, month="", marks=None, fetching="")
        self.is_changed = True

    def advance(self) -> None:
        """Stand at the first question that is not seen, or at the review."""
        self.move(next(filterfalse(self.session.seen.__contains__, self.stops()), REVIEW))

    def finish(self) -> Step:
        session = self.session
        if self.is_changed:
            session = session.changed(turn=session.turn + 1, state=self.instance.dump())
        return Step(session, tuple(self.effects), self.instance)

    def reject(self, message: str) -> None:
        """Refuse an answer. Nothing in the session changes. There is no other way to refuse."""
        self.session = self.before
        if self.is_changed:
            self.restore()
            self.is_changed = False
        self.effects.append(Reject(message))

    def not_understood(self, text: str, origin: int, message: str) -> None:
        """Refuse typed text. If it contains personal data, also delete it from the chat."""
        kind = personal_data(text, strict=self.is_strict, known=self.known)
        if kind is None:
            self.reject(message)
            return
        self.reject(self.say(refusal(kind)))
        self.effects.append(Withhold(origin))

    @property
    def is_strict(self) -> bool:
        """Whether texts are read by the strict rules (`conversations.plan.model.Care`)."""
        return self.before.strict or self.before.restricted

    def why_refused(self, node: Node, value: str, violation: Violation) -> str:
        """Return the refusal in the form's own words.

        A number that ODK cannot store as an integer has its own sentence.
        """
        if violation.message:
            return violation.message
        is_whole = node.question.value_type in ("int", "integer", "long") and re.fullmatch(r"-?\d{10,}", value)
        return self.say("err.too_big") if violation.kind == "type" and is_whole else self.say("err.constraint")

    def take(self, node: Node, value: str, origin: int = 0, *, is_confirmed: bool = False) -> bool:
        """Store an answer if the form accepts it.

        Return False if it was refused, or if the respondent must confirm first.

        They must confirm if other answers would be lost with it.
        """
        ref, before = node.ref, node.value
        has_repeats = bool(self.form.frame.repeats)
        state = self.instance.dump() if has_repeats and not is_confirmed else None
        changes = self.instance.take(node, value)
        if isinstance(changes, Violation):
            self.reject(self.why_refused(node, value, changes))
            return False
        lost = list(filter(self.session.seen.__contains__, changes.now_irrelevant))
        if has_repeats:
            lost += [each for each, _ in changes.cleared if each in self.session.seen and not self.exists(each)]
        if lost and not is_confirmed:
            if state is not None:  # instances that went with a lower count do not come back by themselves
                self.restore(state)
            else:
                self.instance.answer(ref, before)  # a node shows its answer only while it is relevant
            if shown_lost := [each for each in lost if self._is_answered(each)]:
                self.set(pending=Confirming(ref, value, tuple(shown_lost), origin))
                self.is_changed = True
                self.effects.append(Ask(anew=bool(origin)))
                return False
            changes = self.instance.answer(ref, value)
        self._remember(ref, {*lost, *dict(changes.cleared)}, origin)
        return True

    def _remember(self, ref: str, gone: Collection[str], origin: int) -> None:
        """Note that this was answered, by this message, and that these answers are gone."""
        seen = self.session.seen.difference(gone) | {ref}
        kept = self.session.kept.difference(gone)
        # An earlier message that answered this alone answers nothing any more.
        origins = {message: refs for message, refs in self.session.origins.items() if refs != (ref,)}
        if origin:
            origins = {**origins, str(origin): (*origins.get(str(origin), ()), ref)}
            origins = dict([*origins.items()][-_ORIGINS_KEPT:])
        if self.form.frame.repeats:
            kept = frozenset(each for each in kept if is_stop(each) or self.exists(each))
            seen &= {*self.stops()} | kept
            # Neither does one whose answer was removed with its instance.
            origins = {message: refs for message, refs in origins.items() if all(map(self.exists, refs))}
        self.set(seen=seen, kept=kept, origins=origins)
        self.is_changed = True

    def exists(self, ref: str) -> bool:
        try:
            self.instance.node(ref)
        except KeyError:
            return False
        return True

    def _is_answered(self, ref: str) -> bool:
        node = self.instance.node(ref)
        return bool(node.value) and node.question.is_asked and node.question.name not in self.session.filled

    def answer(self, node: Node, value: str, origin: int = 0, *, is_confirmed: bool = False) -> None:
        """Take an answer and go on to the next question."""
        if not self.take(node, value, origin, is_confirmed=is_confirmed):
            return
        if self.form.frame.repeats:
            node = self.instance.node(node.ref)  # a confirmation or refusal meanwhile may have made the instance anew
        self.effects.append(Answered(node.ref))
        self.go_on(origin)

    def go_on(self, origin: int = 0) -> None:
        """Ask what is not seen: below the message that was answered, if it was typed."""
        self.advance()
        self.effects.append(Ask(anew=bool(origin)))

    def look(self, *, anew: bool = False, **changes: Any) -> None:
        """Change only what the card shows: a page, a month, marks. Its other buttons stay valid."""
        self.set(**changes)
        self.effects.append(Ask(anew=anew))

    def restore(self, state: Mapping[str, Any] | None = None) -> None:
        """Return to the instance as it was before this step, or to this state."""
        self.instance = restored(self.form, self.before, self.now, self.instance.limits, state)

    def word(self, said: str, about: str) -> str:
        """The action that this word means about something, in the respondent's language or in Spanish; "" if none."""
        return words_for(self.session.language, about).get(said, "")

    def navigation(self, text: str) -> str:
        return self.word(normalise(text), "navigation")
