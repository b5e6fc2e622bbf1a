"""What many calls have brought, recorded at once: the rows that were sent, and the messages that cards have become.

Nearly every call succeeds, so a statement for each row was a quarter of all that an interaction asked PostgreSQL. One
does it there for all rows of a unit. SQLite is not asked over a network, and executes its statement for each row.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    any_,
    bindparam,
    false,
    func,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.sql.elements import Grouping

from storage.database.models import Card, OutboxMessage, table
from storage.database.statements import Prepared
from storage.database.unit import Unit

_O, _C = table(OutboxMessage), table(Card)

# The states are written out: because of the index of open rows, SQLite would prepare it anew each time.
_IS_OPEN = (_O.c.state == literal_column("'queued'")) | (_O.c.state == literal_column("'sending'"))
_IS_SENT = {
    "state": literal_column("'sent'"),
    "payload": null(),
    "sealed_payload": null(),
    "lease_until": null(),
    "error": literal_column("''"),
}
_IDS = bindparam("ids", type_=ARRAY(BigInteger))
_TIMES = bindparam("times", type_=ARRAY(DateTime(timezone=True)))
_NUMBERS = bindparam("numbers", type_=ARRAY(BigInteger))
_ATTEMPTS = bindparam("claims", type_=ARRAY(BigInteger))
_ROWS = bindparam("rows", type_=ARRAY(BigInteger))


def _of_its(array: Any, number: Any) -> Any:
    """Return what this array holds for the row with this number.

    By its place: a subquery over the arrays would go through all of them for each row.
    """
    return Grouping(array)[func.array_position(_IDS, number)]


def _is_still_told_by(row: Any, attempt: Any) -> Any:
    """Whether the card is what this claim of the row has made it. After another claim, the phone has a later message.

    Without a row (NULL) it is. The row's own value is asked for: of NOT EXISTS, PostgreSQL makes a join that reads the
    whole outbox, and it keeps that plan.
    """
    is_overtaken = (_O.c.attempts > attempt) | (_O.c.error == literal_column("'overtaken'"))
    of_the_row = select(is_overtaken).where(_O.c.id == row).correlate(_C).scalar_subquery()
    return ~func.coalesce(of_the_row, false())


_SENT = Prepared(
    update(_O)
    .where(_O.c.id == bindparam("row"), _IS_OPEN, _O.c.attempts == bindparam("attempt"))
    .values(settled_at=bindparam("at"), **_IS_SENT)
)
# By ANY: a join would read all cards if its plan was made while there were few, and such a plan is kept.
_SENT_TOGETHER = Prepared(
    update(_O)
    .where(_O.c.id == any_(_IDS), _IS_OPEN, _O.c.attempts == _of_its(_ATTEMPTS, _O.c.id))
    .values(settled_at=_of_its(_TIMES, _O.c.id), **_IS_SENT)
)
_STANDS = Prepared(
    update(_C)
    .where(_C.c.id == bindparam("card"), _is_still_told_by(bindparam("row"), bindparam("attempt")))
    .values(message_id=bindparam("number"), is_gone=false())
)
_STAND_TOGETHER = Prepared(
    update(_C)
    .where(_C.c.id == any_(_IDS), _is_still_told_by(_of_its(_ROWS, _C.c.id), _of_its(_ATTEMPTS, _C.c.id)))
    .values(message_id=_of_its(_NUMBERS, _C.c.id), is_gone=false())
)


class Shown(NamedTuple):
    """The message that a card has become, and by which attempt of which row. None: by none that matters."""

    number: int
    row: int | None = None
    attempt: int | None = None


def record_sent(unit: Unit, sent: Collection[tuple[int, int, datetime]]) -> None:
    """Record which rows of the outbox were sent, by which of their attempts, and when.

    A row that was settled already, or claimed again, stays as it is.
    """
    if unit.is_postgresql:
        ids, attempts, times = zip(*sent, strict=True)
        unit.write(_SENT_TOGETHER, {"ids": ids, "times": times, "claims": attempts})
    else:
        unit.write_each(_SENT, [{"row": id, "attempt": attempt, "at": at} for id, attempt, at in sent])


def record_cards(unit: Unit, cards: Mapping[int, Shown]) -> None:
    """Record which message each of these cards is, after the rows that made it so."""
    if unit.is_postgresql:
        numbers, rows, attempts = zip(*cards.values(), strict=True)
        unit.write(_STAND_TOGETHER, {"ids": [*cards], "numbers": numbers, "rows": rows, "claims": attempts})
    else:
        each = [
            {"card": card, "number": number, "row": row, "attempt": attempt}
            for card, (number, row, attempt) in cards.items()
        ]
        unit.write_each(_STANDS, each)
