"""What many calls have brought, recorded at once: the rows that were sent, and the messages that cards have become.

Nearly every call succeeds, so a statement for each row was a quarter of all that an interaction asked PostgreSQL. One
does it there for all rows of a unit. SQLite is not asked over a network, and executes its statement for each row.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, DateTime, any_, bindparam, false, func, literal_column, null, select, update

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
_CALLED = func.unnest(_IDS, _TIMES).table_valued("id", "at").render_derived(name="called")
_SHOWN = func.unnest(_IDS, _NUMBERS).table_valued("id", "number").render_derived(name="shown")

_SENT = Prepared(update(_O).where(_O.c.id == bindparam("row"), _IS_OPEN).values(settled_at=bindparam("at"), **_IS_SENT))
# By ANY: a join would read all cards if its plan was made while there were few, and such a plan is kept.
_SENT_TOGETHER = Prepared(
    update(_O)
    .where(_O.c.id == any_(_IDS), _IS_OPEN)
    .values(settled_at=select(_CALLED.c.at).where(_CALLED.c.id == _O.c.id).scalar_subquery(), **_IS_SENT)
)
_STANDS = Prepared(
    update(_C).where(_C.c.id == bindparam("card")).values(message_id=bindparam("number"), is_gone=false())
)
_STAND_TOGETHER = Prepared(
    update(_C)
    .where(_C.c.id == any_(_IDS))
    .values(message_id=select(_SHOWN.c.number).where(_SHOWN.c.id == _C.c.id).scalar_subquery(), is_gone=false())
)


def record_sent(unit: Unit, sent: Mapping[int, datetime]) -> None:
    """Record when each of these rows of the outbox was sent. A row that was settled already stays as it is."""
    if unit.is_postgresql:
        unit.write(_SENT_TOGETHER, {"ids": [*sent], "times": [*sent.values()]})
    else:
        unit.write_each(_SENT, [{"row": row, "at": at} for row, at in sent.items()])


def record_cards(unit: Unit, cards: Mapping[int, int]) -> None:
    """Record which message each of these cards is."""
    if unit.is_postgresql:
        unit.write(_STAND_TOGETHER, {"ids": [*cards], "numbers": [*cards.values()]})
    else:
        unit.write_each(_STANDS, [{"card": card, "number": number} for card, number in cards.items()])
