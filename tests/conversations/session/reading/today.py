"""The day on which these tests read, and what they say of an outcome."""

from datetime import date

from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood

WEDNESDAY = date(2018, 10, 3)


def shown(read: Read) -> str:
    """ "12" understood, "12|1.2" ambiguous, "?" ambiguous with one reading, "!reason" not understood."""
    match read:
        case Understood(value):
            return value
        case Ambiguous((only,)):
            return f"{only}?"
        case Ambiguous(readings):
            return "|".join(readings)
        case NotUnderstood(reason):
            return f"!{reason.removeprefix('err.')}"
