"""A file is offered, then fetched by a worker, then it is an answer."""

import re

from conversations.session.effects import Answered, Ask, Fetch, Notice, Reject, Stale, Withhold
from conversations.session.events import Fetched, FetchFailed, Offered
from conversations.session.questions import UPLOADS, is_asked
from conversations.session.safeguards.characters import clean
from conversations.session.safeguards.guard import personal_data
from conversations.session.turn import Turn
from conversations.xforms.evaluation.texts import Node

FILE_LIMIT = 20_000_000
"""The bytes that a bot may download (Bot API, getFile)."""
_MADE_BY_MACHINE = re.compile(
    r"(?:(?:img|vid|pxl|dsc|dscn|mvimg|scan|doc|image|photo|foto|video|audio|voice|ptt|document|file|screenshot"
    r"|camscanner|adobe scan|captura de pantalla|whatsapp (?:image|video|audio|ptt))?[-_ ]*)?"
    r"(?:[0-9]|[-_ .:()~]|at|de las|a las|a la\(s\)|am|pm|wa|[ap]\. ?m\.)*",
    re.IGNORECASE,
)
_BETWEEN_WORDS = re.compile(r"[_.+]+")


def offered(turn: Turn, offer: Offered) -> None:
    """Let a file be fetched, if the question takes such a file."""
    if _names_somebody(turn, offer):
        turn.reject(turn.say("err.pii_file"))
        turn.effects.append(Withhold(offer.origin))
        return
    is_picture = offer.kind in ("photo", "video") or offer.mime_type.startswith(("image/", "video/"))
    if turn.session.restricted and is_picture:
        turn.reject(turn.say("report.evidence_sensitive"))
        turn.effects.append(Withhold(offer.origin))
        return
    if offer.album and offer.album == turn.session.album:
        turn.effects.append(Notice("file.first_of_album"))
        return
    node = turn.current()
    if node is not None and node.question.type == "select_one":
        node = _question_behind(turn, node, offer) or node
    if node is None or not _accepts(node.question.type, offer):
        key = f"err.{node.question.type}_expected" if node and node.question.type in UPLOADS else "err.file_unasked"
        turn.reject(turn.say(key))
        return
    if offer.size is not None and offer.size > FILE_LIMIT:
        turn.reject(turn.say("report.file_big", max_mb=FILE_LIMIT // 1_000_000))
        return
    turn.set(fetching=offer.unique_id, album=offer.album)
    turn.is_changed = True
    pixels = node.question.parameters.get("max-pixels", "")
    turn.effects += [
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


def _names_somebody(turn: Turn, offer: Offered) -> bool:
    """Say whether the name of a file, or what was written with it, holds personal data.

    A name that a camera or a scanner gave is a time and a number, and names nobody.
    """
    stem, _, ending = offer.name.rpartition(".")
    name = (stem or ending) if len(ending) <= 5 else offer.name
    said = "" if _MADE_BY_MACHINE.fullmatch(name) else _BETWEEN_WORDS.sub(" ", name)
    return any(
        personal_data(clean(text), strict=turn.is_strict, known=turn.known) for text in (said, offer.caption) if text
    )


def _question_behind(turn: Turn, node: Node, offer: Offered) -> Node | None:
    """Someone sends a photo while asked what they will send: take the choice that opens a question for it."""
    before = node.value
    for choice in turn.instance.choices(node):
        if turn.instance.check(node, choice.value) is not None:
            continue
        changes = turn.instance.answer(node.ref, choice.value)
        for ref in changes.now_relevant:
            opened = turn.instance.node(ref)
            if is_asked(turn.session, opened) and _accepts(opened.question.type, offer):
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
    if file.is_compressed and node.question.type == "file":
        turn.effects.append(Notice("file.compressed"))
    turn.set(fetching="")
    if not turn.take(node, file.file_name):
        return
    node = turn.instance.node(node.ref)
    turn.effects.append(Answered(turn.instance.label(node), file.shown_name))
    turn.advance()
    turn.effects.append(Ask())


def fetch_failed(turn: Turn, failure: FetchFailed) -> None:
    if turn.session.fetching != failure.unique_id:
        turn.effects.append(Stale())
        return
    turn.set(fetching="", album="")
    turn.is_changed = True
    turn.effects += [Reject(turn.say(failure.reason, **dict(failure.values))), Ask()]
