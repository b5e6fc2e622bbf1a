"""Files as answers: a file is offered, then fetched by a worker, then it is an answer."""

import re
from dataclasses import replace

from conversations.session.albums import fetch, free_instance, gathers, go_on, repeat_of
from conversations.session.effects import Answered, Ask, Notice, Reject, Stale, Withhold
from conversations.session.events import Fetched, FetchFailed, Offered
from conversations.session.questions import UPLOADS, is_asked, is_sending
from conversations.session.safeguards.characters import clean
from conversations.session.safeguards.guard import Kind, personal_data
from conversations.session.session import Gathering, Sent
from conversations.session.turn import Turn
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.limits import FILE_BYTES, FILE_MB

_MADE_BY_MACHINE = re.compile(
    r"(?:(?:img|vid|pxl|dsc|dscn|mvimg|scan|doc|image|photo|foto|video|audio|voice|ptt|document|file|screenshot"
    r"|camscanner|adobe scan|captura de pantalla|whatsapp (?:image|video|audio|ptt))?[-_ ]*)?"
    r"(?:[0-9]|[-_ .:()~]|at|de las|a las|a la\(s\)|am|pm|wa|[ap]\. ?m\.)*",
    re.IGNORECASE,
)
_BETWEEN_WORDS = re.compile(r"[_.+]+")


def offered(turn: Turn, offer: Offered) -> None:
    """Let a file be fetched, if the question takes such a file."""
    if why := _why_withheld(turn, offer):
        _refuse(turn, offer, turn.say(why))
        turn.effects.append(Withhold(offer.origin))
        return
    before = turn.session
    is_same_album = bool(offer.album) and offer.album == before.album
    node = _question_for(turn, offer, is_same_album=is_same_album)
    if is_same_album and (node is None or not gathers(turn, node)):
        if before.gathering is None:
            turn.set(gathering=Gathering(""))
            turn.effects.append(Notice("file.first_of_album"))
        elif before.gathering.repeat:
            turn.reject(turn.say("file.no_room", n=1))
        return
    if node is None or not _accepts(node.question.type, offer):
        key = f"err.{node.question.type}_expected" if node and node.question.type in UPLOADS else "err.file_unasked"
        _refuse(turn, offer, turn.say(key))
        return
    if offer.size is not None and offer.size > FILE_BYTES:
        _refuse(turn, offer, turn.say("report.file_big", max_mb=FILE_MB))
        return
    sent = Sent(offer.file_id, offer.unique_id, offer.name, offer.mime_type, offer.kind == "photo")
    turn.set(album=offer.album)
    known, repeat = before.gathering, repeat_of(node) if gathers(turn, node) else ""
    if repeat and before.fetching:
        known = known or Gathering(repeat)
        turn.look(gathering=replace(known, waiting=(*known.waiting, sent)))
        return
    is_more = is_same_album and known is not None and known.repeat == repeat
    turn.set(gathering=(known if is_more else Gathering(repeat)) if repeat else None)
    fetch(turn, node, sent)
    turn.effects.append(Ask(anew=True))


def _question_for(turn: Turn, offer: Offered, *, is_same_album: bool) -> Node | None:
    """Find the question that the file answers.

    The present one, the one behind a choice, or that of a new instance; at the end, one that still lacks its file.
    """
    node, stop, gathering = turn.current(), turn.stop(), turn.session.gathering
    if turn.session.fetching or (node is not None and _accepts(node.question.type, offer)):
        return node
    if is_same_album or stop is not None:
        repeat = gathering.repeat if is_same_album and gathering is not None else ""
        repeat = repeat or (stop.repeat if stop is not None else "")
        return free_instance(turn, repeat, lambda each: _accepts(each.question.type, offer)) or node
    if node is None or is_sending(node.question):
        return _question_left(turn, offer) or node
    if node.question.type == "select_one":
        return _question_behind(turn, node, offer) or node
    return node


def _question_left(turn: Turn, offer: Offered) -> Node | None:
    """Find the question for a file that comes when all is answered: nobody has to look for it in the list.

    None if a file is there already. Which one was meant is then said by tapping it.
    """
    asked = turn.nodes()
    if any(node.value for node in asked if node.question.type in UPLOADS):
        return None
    for node in asked:
        if _accepts(node.question.type, offer):
            turn.move(node.ref)
            return node
        is_choice = node.question.type == "select_one" and not is_sending(node.question)
        if is_choice and (found := _question_behind(turn, node, offer)):
            return found
    return None


def _refuse(turn: Turn, offer: Offered, message: str) -> None:
    """Refuse a file. If it is one of several, the refusal is repeated after the others have arrived."""
    turn.reject(message)
    gathering, node = turn.session.gathering, turn.current()
    is_running = bool(turn.session.fetching) or (bool(offer.album) and offer.album == turn.session.album)
    if gathering is not None and gathering.repeat and is_running:
        turn.set(gathering=replace(gathering, lost=(*gathering.lost, message)))
    elif offer.album and node is not None and gathers(turn, node):
        turn.set(album=offer.album, gathering=Gathering(repeat_of(node), lost=(message,)))


def _why_withheld(turn: Turn, offer: Offered) -> str:
    """Return the sentence for a file that leaves the chat: its name or caption has personal data, or it is a picture
    for a restricted report. Blank if it may stay.
    """
    if kind := _personal_data(turn, offer):
        return "err.pii_shelter" if kind == "shelter" else "err.pii_file"
    is_picture = offer.kind in ("photo", "video") or offer.mime_type.startswith(("image/", "video/"))
    return "report.evidence_sensitive" if turn.session.restricted and is_picture else ""


def _personal_data(turn: Turn, offer: Offered) -> Kind | None:
    """Return the kind of personal data that a file's name or caption contains, or None.

    A name made by a camera or a scanner is a time and a number, so it names nobody.
    """
    stem, _, ending = offer.name.rpartition(".")
    name = (stem or ending) if len(ending) <= 5 else offer.name
    said = "" if _MADE_BY_MACHINE.fullmatch(name) else _BETWEEN_WORDS.sub(" ", name)
    texts = (clean(text) for text in (said, offer.caption) if text)
    found = (personal_data(text, strict=turn.is_strict, known=turn.known) for text in texts)
    return next(filter(None, found), None)


def _question_behind(turn: Turn, node: Node, offer: Offered) -> Node | None:
    """Find the file question behind a choice, if somebody sends a photo while asked what they will send.

    That choice is taken.
    """
    before = node.value
    for choice in turn.instance.choices(node):
        if turn.instance.check(node, choice.value) is not None:
            continue
        changes = turn.instance.answer(node.ref, choice.value)
        for ref in changes.now_relevant:
            opened = turn.instance.node(ref)
            if is_asked(turn.form, turn.session, opened) and _accepts(opened.question.type, offer):
                turn.set(seen=turn.session.seen | {node.ref})
                turn.move(opened.ref)
                return opened
        turn.instance.answer(node.ref, before)
    return None


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


def fetched(turn: Turn, file: Fetched) -> None:
    """Take the file as the answer, if the respondent still waits for it."""
    node = turn.current()
    if node is None or turn.session.fetching != file.unique_id:
        turn.effects.append(Stale())  # they went back or sent another one meanwhile
        return
    violation = turn.instance.check(node, file.file_name)
    if violation is not None:
        _missed(turn, node, turn.why_refused(node, file.file_name, violation))
        return
    if file.is_compressed and node.question.type == "file":
        turn.effects.append(Notice("file.compressed"))
    gathering, left = turn.session.gathering, turn.session.coming - 1
    turn.set(fetching="", gathering=None)
    if not turn.take(node, file.file_name):
        if left:
            turn.effects.append(Notice("file.left_behind", (("n", str(left)),)))
        return
    node = turn.instance.node(node.ref)
    turn.effects.append(Answered(label=turn.instance.label(node), shown=file.shown_name))
    if gathering is not None and gathering.repeat:
        go_on(turn, node, replace(gathering, taken=gathering.taken + 1), is_taken=True)
        return
    turn.advance()
    turn.set(gathering=gathering)
    turn.effects.append(Ask())


def fetch_failed(turn: Turn, failure: FetchFailed) -> None:
    node = turn.current()
    if node is None or turn.session.fetching != failure.unique_id:
        turn.effects.append(Stale())
        return
    _missed(turn, node, turn.say(failure.reason, **dict(failure.values)))


def _missed(turn: Turn, node: Node, message: str) -> None:
    """Say why the file did not become an answer, and leave its question open."""
    gathering = turn.session.gathering
    turn.set(fetching="")
    turn.is_changed = True
    if gathering is not None and gathering.repeat:
        go_on(turn, node, replace(gathering, lost=(*gathering.lost, message)), is_taken=False)
        return
    turn.set(album="", gathering=None)
    turn.effects += [Reject(message), Ask()]
