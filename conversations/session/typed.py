"""Read what is typed for the present question. A text that may mean something else is never taken at once."""

import re
from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from conversations.session.acts import back, edit, send, send_or_leave, settle_confirming, skip, take_meant
from conversations.session.effects import Answered, Ask, Leave, Notice, Reject, Withhold
from conversations.session.markup import spoken
from conversations.session.places import has_place, refuses_places, typed_line, typed_place
from conversations.session.questions import batch, is_asked, is_sending, stop_label
from conversations.session.reading.choices import Choices, match_choice, match_choices, search_choices
from conversations.session.reading.dates import read_date, read_month
from conversations.session.reading.numbers import read_number, read_numbers
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood
from conversations.session.reading.text import normalise
from conversations.session.reading.times import read_datetime, read_time
from conversations.session.repeat_acts import add, change, choose, no_more, remove, settle_removing
from conversations.session.repeats import RepeatStop, address, stop_at
from conversations.session.safeguards.characters import clean
from conversations.session.safeguards.emergencies import emergency
from conversations.session.safeguards.guard import Kind, personal_data, refusal, tells_of_shelter
from conversations.session.safeguards.known import NOTHING, Known
from conversations.session.session import Choosing, Confirming, Listing, Reading, Removing
from conversations.session.shown import calendar_of, shown, told
from conversations.session.turn import Turn
from conversations.session.words import whole_number
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Question

NUMBERS = frozenset({"integer", "decimal", "range"})
_NUMBERS_SEEN = 16
"""So many numbers in one message are recognised as numbers, even if fewer were asked for."""
_DIGITS = re.compile(r"\d+")
_SUGGESTED = 8
"""The number of choices that are offered when a text may mean several."""


def typed(turn: Turn, text: str, origin: int) -> None:
    """Handle typed text: first as the answer to an open question about an act, then for the form's question or at the
    stop of a repeat.
    """
    text = clean(text)
    node = turn.current()
    if emergency(text):
        turn.effects += [Notice("err.emergency"), Ask(anew=True)]
        return
    if turn.session.pending is not None and _typed_about_act(turn, node, text, origin):
        return
    if node is not None:
        _typed_at(turn, node, text, origin)
    elif (stop := turn.stop()) is not None:
        _typed_at_stop(turn, stop, text, origin)
    else:
        _typed_at_review(turn, text, origin)


def _typed_about_act(turn: Turn, node: Node | None, text: str, origin: int) -> bool:
    """Read an answer to the open question about an act.

    Return False if the text is not one. Then the text is meant for the form, and the question is no longer open. Only
    the question which instance of a repeat is meant stays open.
    """
    pending = turn.session.pending
    if isinstance(pending, Reading):
        return node is not None and _typed_reading(turn, node, text, origin)
    if isinstance(pending, Confirming | Removing) and (answer := turn.word(normalise(text), "sure")):
        settle = settle_removing if isinstance(pending, Removing) else settle_confirming
        settle(turn, answer == "yes", origin)
        return True
    if isinstance(pending, Listing) and _typed_in_listing(turn, pending, text, origin):
        return True
    if not isinstance(pending, Choosing):
        turn.set(pending=None)
    return False


def _typed_at_review(turn: Turn, text: str, origin: int) -> None:
    match turn.navigation(text):
        case "send":
            send(turn)
        case "leave":
            turn.effects.append(Leave())
        case _:
            turn.not_understood(text, origin, turn.say("form.review_help"))


def _typed_reading(turn: Turn, node: Node, text: str, origin: int) -> bool:
    """Read an answer to "which one did you mean?". Return False if the text is not one.

    The choices on the card count, not the list that they come from.
    """
    pending = turn.session.pending
    assert isinstance(pending, Reading)
    said = normalise(text)
    labels = [normalise(shown(turn.instance, node, turn.session.language, v)) for v in pending.values]
    position = labels.index(said) if said in labels else -1
    is_yes = said in {normalise(word) for word in turn.say("words.yes").split("|")}
    if is_yes and len(pending.values) == 1:
        position = 0
    elif position < 0 and 0 < whole_number(text.strip()) <= len(pending.values):
        if node.question.type in NUMBERS:
            # "1" may be the first of them or a new number: asked as well.
            turn.set(pending=Reading((*pending.values, text.strip()), origin))
            turn.is_changed = True
            turn.effects.append(Ask(anew=True))
            return True
        position = whole_number(text.strip()) - 1
    if position < 0:
        turn.set(pending=None)
        return False
    turn.set(pending=None)
    take_meant(turn, node, pending.values[position], origin)
    return True


def _typed_at_stop(turn: Turn, stop: RepeatStop, text: str, origin: int) -> None:
    """Read "otra", "editar 2", "quitar 1", "listo": everything that can be tapped at a stop can also be typed."""
    said = normalise(text)
    words, _, last = said.rpartition(" ")
    number = whole_number(last)
    act = turn.word(said, "another")
    if isinstance(turn.session.pending, Choosing) and said.isdecimal():
        act = turn.session.pending.act
    elif not act and number >= 0:
        act = turn.word(words, "another")
    turn.set(pending=None)
    if act == "done":
        no_more(turn, stop, origin)
    elif act == "add" and number < 0:
        add(turn, stop, origin)
    elif act in ("edit", "remove") and number >= 0:
        if not 1 <= number <= len(stop.instances):
            turn.reject(turn.say("err.repeat_number", n=len(stop.instances)))
        elif act == "edit":
            change(turn, stop, number, origin)
        else:
            remove(turn, str(number), origin)
    elif act in ("edit", "remove"):
        choose(turn, stop, "edit" if act == "edit" else "remove", origin)
    else:
        match turn.navigation(text):
            case "back":
                back(turn)
            case "leave":
                turn.effects.append(Leave())
            case "skip":
                no_more(turn, stop, origin)
            case _:
                turn.not_understood(text, origin, turn.say("err.another"))


def _typed_in_listing(turn: Turn, listing: Listing, text: str, origin: int) -> bool:
    """Read the label of a question, and go to its answer. Return False if the text is not a label."""
    labels = [
        (address(turn.instance, stop), stop_label(turn.instance, stop))
        for stop in (stop_at(turn.instance, ref) for ref in turn.stops() if ref in turn.session.seen)
        if stop.ref.startswith(f"{listing.within}/")
    ]
    match match_choice(text, labels):
        case Understood(value) if not text.strip().isdecimal():
            edit(turn, value)
            turn.effects = [Ask(anew=True) if isinstance(effect, Ask) else effect for effect in turn.effects]
            return True
        case _:
            return False


def _typed_at(turn: Turn, node: Node, text: str, origin: int) -> None:
    question = node.question
    kind = question.type
    if kind in ("select_one", "select_one_from_file"):
        _typed_choice(turn, node, text, origin)
        return
    if kind in ("select_multiple", "rank"):
        _typed_choices(turn, node, text, origin)
        return
    if word := turn.navigation(text):
        match word:
            case "back":
                back(turn)
            case "skip":
                skip(turn, node)
            case "send":
                turn.reject(turn.say("form.send_later"))
            case _:
                turn.effects.append(Leave())
        return
    match kind:
        case "integer" | "decimal" | "range":
            _typed_number(turn, node, text, origin)
        case "date" | "time" | "dateTime":
            _typed_date(turn, node, text, origin)
        case "acknowledge":
            if normalise(text) in {normalise(w) for w in turn.say("words.yes").split("|")}:
                turn.answer(node, "OK", origin)
            else:
                turn.not_understood(text, origin, turn.say("err.acknowledge"))
        case "image" | "audio" | "video" | "file":
            turn.not_understood(text, origin, turn.say(f"err.{kind}_expected"))
        case "geopoint":
            if place := typed_place(text):
                if not refuses_places(turn, origin):
                    turn.answer(node, place, origin)
            else:
                turn.not_understood(text, origin, turn.say("err.place_expected"))
        case "geotrace" | "geoshape":
            typed_line(turn, node, text, origin)
        case _:
            _typed_text(turn, node, text, origin)


def _goes_elsewhere(turn: Turn, node: Node, text: str) -> bool:
    """Go where a word of navigation leads: back, past the question, or out of the form. False for other words."""
    match turn.navigation(text):
        case "back":
            back(turn)
        case "skip":
            skip(turn, node)
        case "leave":
            turn.effects.append(Leave())
        case _:
            return False
    return True


def _typed_choice(turn: Turn, node: Node, text: str, origin: int) -> None:
    choices = _as_typed(turn, node)
    match match_choice(text, choices):
        case Understood(value):
            if is_sending(node.question):
                send_or_leave(turn, node, value)
            else:
                turn.answer(node, value, origin)
        case Ambiguous(values):
            _ask_which(turn, values, origin)
        case NotUnderstood(reason):
            if len(meant := _as_yes_or_no(turn, text, choices)) == 1:
                turn.answer(node, meant[0], origin)
            elif _goes_elsewhere(turn, node, text):
                return
            elif found := search_choices(text, choices, _SUGGESTED):
                _ask_which(turn, [value for value, _ in found], origin)
            else:
                turn.not_understood(text, origin, turn.say(reason))


def _as_typed(turn: Turn, node: Node) -> Choices:
    """The choices of a question with the words by which they are typed."""
    return [(choice.value, spoken(choice.label)) for choice in turn.instance.choices(node)]


def _as_yes_or_no(turn: Turn, text: str, choices: Choices) -> list[str]:
    """Return the choices that say yes, or no, as this text does in other words: "claro", "nope"."""
    meant = turn.word(normalise(text), "sure")
    return [value for value, label in choices if meant and turn.word(normalise(label), "sure") == meant]


def _typed_choices(turn: Turn, node: Node, text: str, origin: int) -> None:
    choices = _as_typed(turn, node)
    match match_choices(text, choices):
        case Understood(value):
            turn.answer(node, value, origin)
        case Ambiguous(values) if node.question.type == "select_multiple":
            _ask_which(turn, values, origin)
        case _:
            if _goes_elsewhere(turn, node, text):
                return
            if node.question.type == "select_multiple" and (found := search_choices(text, choices, _SUGGESTED)):
                _ask_which(turn, [value for value, _ in found], origin)
            else:
                turn.not_understood(text, origin, turn.say("err.choices"))


def _typed_number(turn: Turn, node: Node, text: str, origin: int) -> None:
    """Read one number, or as many as the group asks for."""
    run = batch(turn.session, turn.instance, turn.questions(), node) if node.question.type == "integer" else []
    if len(run) > 1:
        labels = [turn.instance.label(member) for member in run]
        for count in range(len(run), 1, -1):
            if numbers := read_numbers(text, count, labels=labels[:count]):
                _take_numbers(turn, run[:count], numbers, origin)
                return
    # One run of digits is one number at most: nearly every answer is, and need not be read so many ways.
    may_be_more = sum(1 for _ in _DIGITS.finditer(text)) > 1
    if may_be_more and any(read_numbers(text, count) for count in range(max(2, len(run) + 1), _NUMBERS_SEEN)):
        turn.reject(turn.say("err.numbers_count", n=len(run)) if len(run) > 1 else turn.say("err.number"))
        return
    is_integer = node.question.type == "integer" or node.question.value_type == "int"
    _take_reading(turn, node, read_number(text, integer=is_integer, language=turn.session.language), text, origin)


def _take_numbers(turn: Turn, run: Sequence[Node], numbers: Sequence[str], origin: int) -> None:
    """Take several numbers of one message: all or none. Each must satisfy its constraint, in order."""
    labels: list[str] = []
    for member, number in zip(run, numbers, strict=True):
        violation = turn.instance.check(member, number)
        if violation is not None:
            label = turn.instance.label(member)
            turn.reject(f"{label} · {number}{turn.say.colon}{turn.why_refused(member, number, violation)}")
            return
        if not turn.take(member, number, origin):
            if turn.session.pending is not None:  # it would drop other answers; that is asked for one number at a time
                turn.effects.clear()
                turn.reject(turn.say("err.one_by_one"))
            return
        member = turn.instance.node(member.ref)
        labels.append(f"{turn.instance.label(member)} {number}")
    label = turn.instance.group_label(run[0]) or labels[0]
    turn.effects.append(Answered(label=label, shown=", ".join(numbers)))
    turn.go_on(origin)


def _typed_date(turn: Turn, node: Node, text: str, origin: int) -> None:
    """Read a date or time. If the form accepts today, the past is preferred."""
    language, today = turn.session.language, turn.today
    match node.question.type:
        case "date":
            is_past = turn.instance.check(node, today.isoformat()) is None
            prefer: Literal["past", "future"] = "past" if is_past else "future"
            read = read_date(text, today=today, language=language, prefer=prefer)
            if calendar_of(node.question) in ("year", "month-year") and (
                month := read_month(text, language, is_year=calendar_of(node.question) == "year")
            ):
                read = Understood(month)
        case "time":
            read = read_time(text, language=language)
        case _:
            zone = ZoneInfo(turn.session.timezone)
            read = read_datetime(text, today=today, language=language, zone=zone)
    _take_reading(turn, node, read, text, origin)


def _typed_text(turn: Turn, node: Node, text: str, origin: int) -> None:
    kind = withheld_kind(node.question, text, strict=turn.is_strict, known=turn.known)
    if kind is None and has_place(turn) and tells_of_shelter(text):
        kind = "shelter"
    if kind:
        turn.reject(turn.say(refusal(kind)))
        turn.effects.append(Withhold(origin))
        return
    turn.answer(node, text, origin)


def withheld_kind(question: Question, text: str, *, strict: bool, known: Known = NOTHING) -> Kind | None:
    """Return the kind of personal data because of which this text is refused as an answer, or None.

    A question with `bind::enlace:contact` asks for an institution's contact and may accept it. No other rule of the
    form matters.
    """
    if question.type == "barcode" or _is_link(question, text):  # digits, or an address, are what was asked for
        return None
    may_give_contact = question.extras.get("contact") == "yes"
    return personal_data(text, strict=strict, known=known, may_give_contact=may_give_contact)


def _is_link(question: Question, text: str) -> bool:
    """Whether the question asks for a link and this is one. Its digits and @ are no personal data."""
    return text.startswith(("http://", "https://")) and " " not in text and "http" in question.constraint_source


def _take_reading(turn: Turn, node: Node, read: Read, text: str, origin: int) -> None:
    match read:
        case Understood(value):
            turn.answer(node, value, origin)
        case Ambiguous(values):
            _ask_which(turn, values, origin)
        case NotUnderstood(reason):
            own_words = turn.instance.constraint_message(node)
            turn.not_understood(text, origin, f"{turn.say(reason)} {own_words}".strip())


def _ask_which(turn: Turn, values: Sequence[str], origin: int) -> None:
    """Ask which of these was meant. Nothing is taken before the respondent answers."""
    turn.set(pending=Reading(tuple(values[:_SUGGESTED]), origin))
    turn.is_changed = True
    turn.effects.append(Ask(anew=True))


def _corrected(turn: Turn, answered: Answered) -> Notice:
    label, text = told(turn.instance, answered, turn.session.language)
    return Notice("form.corrected", (("label", label), ("shown", text)))


def corrected(turn: Turn, text: str, origin: int) -> None:
    """Change the answer whose message the respondent edited, and stay at the present question."""
    text = clean(text)
    refs = turn.session.origins.get(str(origin), ())
    nodes = [turn.instance.node(ref) for ref in refs if turn.exists(ref)]
    if len(nodes) < len(refs) or not nodes or not all(is_asked(turn.form, turn.session, node) for node in nodes):
        turn.not_understood(text, origin, turn.say("form.edit_unknown"))
        return
    standing = turn.session.at
    if len(nodes) > 1:
        labels = [turn.instance.label(node) for node in nodes]
        numbers = read_numbers(text, len(nodes), labels=labels)
        if numbers is None:
            turn.not_understood(text, origin, turn.say("err.number"))
            return
        _take_numbers(turn, nodes, numbers, origin)
    else:
        turn.set(at=nodes[0].ref, pending=None)
        _typed_at(turn, nodes[0], text, origin)
    if isinstance(turn.session.pending, Reading | Confirming) or any(isinstance(e, Reject) for e in turn.effects):
        return
    turn.effects = [_corrected(turn, effect) if isinstance(effect, Answered) else effect for effect in turn.effects]
    if standing in turn.stops() and standing not in refs:
        turn.set(at=standing)
