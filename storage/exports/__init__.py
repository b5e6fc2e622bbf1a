"""EXPORTERS: what can be taken out, in which format, and for whom.

One literal table. What an audience is not listed for, it does not get (S12); every export leaves an audit entry
before its file does; an exporter writes in constant memory, one page of rows after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from storage.exports.instances import write_instances
from storage.exports.wanted import Progress, Wanted, Written
from storage.files import FileStore
from storage.unit_of_work import UnitOfWork

Write = Callable[[UnitOfWork, FileStore, Wanted, BinaryIO, Progress], Written]


@dataclass(frozen=True, slots=True)
class Exporter:
    """One dataset in one format."""

    dataset: str
    format: str
    write: Write
    audiences: frozenset[str] = field(default=frozenset({"internal"}))


EXPORTERS: tuple[Exporter, ...] = (Exporter("submissions", "xml-zip", write_instances),)


def exporter(dataset: str, format: str, audience: str) -> Exporter | None:
    """The row of the table, or None: nothing is exported that is not declared."""
    for each in EXPORTERS:
        if (each.dataset, each.format) == (dataset, format) and audience in each.audiences:
            return each
    return None


def record_export(
    unit: UnitOfWork, used: Exporter, audience: str, wanted: Wanted, actor: int | None, now: datetime
) -> None:
    """The audit entry: who took what, for whom. Committed before anything is written."""
    details = {"dataset": used.dataset, "format": used.format, "audience": audience}
    details |= {"form_id": wanted.form_id, "period": wanted.period}
    unit.audit.record("exported", actor, wanted.plan_id, details, now)
