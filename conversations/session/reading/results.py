"""The result of reading a text: one reading, several, or none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Understood:
    """There is one reading. `value` is as ODK stores it."""

    value: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """There are several readings, the likeliest first. Even a single reading must be confirmed: "did you mean …?"."""

    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """`reason` is a catalogue key, as err.number or err.choice."""

    reason: str


Read = Understood | Ambiguous | NotUnderstood


def values_of(read: Read) -> tuple[str, ...]:
    """The values of all readings."""
    match read:
        case Understood(value):
            return (value,)
        case Ambiguous(readings):
            return readings
        case NotUnderstood():
            return ()
