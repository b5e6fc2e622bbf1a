"""Points, lines and shapes: shared from the map, or typed as coordinates."""

import re
from collections.abc import Sequence

from conversations.session.effects import Withhold
from conversations.session.events import Located
from conversations.session.questions import LINES, points_of
from conversations.session.reading.text import normalise
from conversations.session.safeguards.guard import tells_of_shelter
from conversations.session.turn import Turn
from conversations.xforms.evaluation.texts import Node

LEAST_POINTS = {"geotrace": 2, "geoshape": 3}
CHOSEN = frozenset({"select_one", "select_multiple", "rank"})
MAX_POINTS = 500
"""Points of one line. Nobody sends more one by one, and a session can keep so many."""
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def located(turn: Turn, place: Located) -> None:
    """Take a shared place as the answer, or as the next point of a line."""
    node = turn.current()
    if refuses_places(turn, place.origin):
        return
    point = f"{place.latitude} {place.longitude} 0 {place.accuracy or 0:g}"
    if node is not None and node.question.type == "geopoint":
        turn.answer(node, point, place.origin)
    elif node is not None and node.question.type in LINES:
        _add_points(turn, node, [point])
    elif node is None or node.question.type != "select_one" or not _take_with_choice(turn, node, point, place.origin):
        is_list = node is not None and node.question.type in CHOSEN
        turn.reject(turn.say("err.place_chosen" if is_list else "err.place_unasked"))


def refuses_places(turn: Turn, origin: int) -> bool:
    """Withhold a place where none may be kept: about a restricted activity, and where a shelter is spoken of."""
    if not turn.session.restricted and not _speaks_of_shelter(turn):
        return False
    turn.reject(turn.say("err.place_restricted" if turn.session.restricted else "err.pii_shelter"))
    turn.effects.append(Withhold(origin))
    return True


def _speaks_of_shelter(turn: Turn) -> bool:
    about = turn.session.about
    titles = (each for key in ("name", "title") for each in about.get(key, {}).values())
    answers = (node.value for node in turn.nodes() if node.question.type == "text")
    return any(tells_of_shelter(text) for text in (turn.form.title, *titles, *answers) if text)


def has_place(turn: Turn) -> bool:
    """Say whether a place on the map has been answered."""
    return any(node.value and node.question.type in ("geopoint", *LINES) for node in turn.nodes())


def _take_with_choice(turn: Turn, node: Node, point: str, origin: int) -> bool:
    """Take a place as the answer to a question such as "¿Dónde se hizo?": a choice leads to a question for a place.

    That choice is taken, and the place. False, and nothing has changed, if no choice of this question leads to a place.
    """
    ref, before, asked = node.ref, turn.instance.dump(), {*turn.questions()}
    for choice in turn.instance.choices(node):
        if turn.instance.check(node, choice.value) is None:
            turn.instance.answer(ref, choice.value)
            opened = (each for each in turn.nodes() if each.question.type == "geopoint" and each.ref not in asked)
            there = next((each.ref for each in opened), "")
            turn.restore(before)
            node = turn.instance.node(ref)
            if there:
                if turn.take(node, choice.value):
                    turn.answer(turn.instance.node(there), point, origin)
                return True
    return False


def _add_points(turn: Turn, node: Node, points: Sequence[str]) -> None:
    gathered = (*points_of(turn.session, node), *points)
    if len(gathered) > MAX_POINTS:
        turn.reject(turn.say("err.points_full", n=MAX_POINTS))
        return
    turn.look(anew=True, marks=gathered)


def finish_line(turn: Turn, node: Node, origin: int = 0) -> None:
    """Take the points that were gathered as the line, as ODK writes it. A shape ends at its first point."""
    points = points_of(turn.session, node)
    least = LEAST_POINTS[node.question.type]
    if not points and not node.is_required:
        turn.answer(node, "", origin)
    elif len(points) < least:
        turn.reject(turn.say("err.points_few", n=least))
    else:
        is_closed = node.question.type != "geoshape" or points[-1] == points[0]
        turn.answer(node, ";".join(points if is_closed else (*points, points[0])), origin)


def typed_line(turn: Turn, node: Node, text: str, origin: int) -> None:
    """Read coordinates of one or several points. Each message adds points until the respondent says that it is done."""
    word = turn.word(normalise(text), "line")
    if word == "done":
        finish_line(turn, node, origin)
    elif word == "undo":
        turn.look(anew=True, marks=points_of(turn.session, node)[:-1])
    elif points := _typed_points(text):
        if not refuses_places(turn, origin):
            _add_points(turn, node, points)
    else:
        turn.not_understood(text, origin, turn.say("err.points_expected"))


def typed_place(text: str) -> str:
    """Read "18.47, -69.9" as a geopoint. "" if it is not one."""
    parts = text.replace(",", " ").replace(";", " ").split()
    if len(parts) != 2:
        return ""
    try:
        latitude, longitude = float(parts[0]), float(parts[1])
    except ValueError:
        return ""
    return f"{latitude} {longitude} 0 0" if abs(latitude) <= 90 and abs(longitude) <= 180 else ""


def _typed_points(text: str) -> list[str]:
    """Read points, one on each line or between semicolons, as people or ODK write them. Empty if one cannot be read."""
    points = []
    for part in re.split(r"[;\n]+", text):
        if not part.strip():
            continue
        numbers = part.split()
        point = typed_place(part)
        if not point and 2 <= len(numbers) <= 4 and (found := typed_place(" ".join(numbers[:2]))):
            rest = numbers[2:] if all(_DECIMAL.fullmatch(number) for number in numbers[2:]) else ["", ""]
            point = " ".join([*found.split()[:2], *rest])
        if not point.strip() or point.endswith(" "):
            return []
        points.append(point)
    return points
