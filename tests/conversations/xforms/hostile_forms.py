"""Forms that ask for more than a machine has."""

import pytest

HEAD = "| survey |\n| | type | name | label | calculation | repeat_count | constraint |\n"


def rows(*lines: str) -> bytes:
    return (HEAD + "".join(f"| | {line} |\n" for line in lines)).encode()


def doubling(first: str) -> tuple[str, ...]:
    each = (f"calculate | c{n} | | concat(${{c{n - 1}}}, ${{c{n - 1}}}) | |" for n in range(1, 41))
    return ("text | q | ¿Qué? | | |", f"calculate | c0 | | {first} | |", *each)


def nested(count: str) -> tuple[str, ...]:
    begins = (f"begin repeat | r{n} | R | | {count} |" for n in range(5))
    return ("integer | n | ¿Cuántos? | | |", *begins, "text | q | ¿Qué? | | |", *["end repeat | | | | |"] * 5)


PEOPLE = ("begin repeat | a | A | | 500 |", "calculate | x | | position(..) | |", "end repeat | | | | |")

HOSTILE = {
    "text": doubling("'ab'"),
    "join": ("text | q | ¿Qué? | | |", *PEOPLE, "calculate | j | | join(concat(" + ", ".join(["'" + 'x' * 90 + "'"] * 9)
             + "), ${x}, ${x}) | |"),
    "nodes": nested("1000"),
    "pairs": ("text | q | ¿Qué? | | |", *PEOPLE,
              "calculate | s | | count(/data/a[count(/data/a[count(/data/a) > 0]) > 0]) | |"),
}  # fmt: skip


def try_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms are published without being begun: neither filled, nor asked which of their questions can be answered."""
    for name in ("try_form", "never_answered"):
        monkeypatch.setattr(f"conversations.authoring.xlsform.{name}", lambda _form: ())
