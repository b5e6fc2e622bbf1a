"""Read a dataset page by page, and later what has changed in it. No row is missed, and none comes twice.

A reader that keeps a copy reads in rounds. The first round has everything, by the number of the submission. Each later
round has what has changed since the round before. A round shows the state of one moment. A report that changes later
belongs to the next round. So a row comes once for each state, while people go on reporting.

The reader's `Place` is in the cursor that the reader keeps; nothing is kept here. Law: a cursor is valid for the
dataset, audience and filters for which it was made, until the plan's own rows change or the database is restored. Then
`Stale` is raised, and the reader begins again.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, func, select

from storage.database.facts import HELD
from storage.database.models import Submission, table
from storage.errors import StorageError
from storage.exports.choosing import allowed, matching
from storage.exports.codes import plans_own
from storage.exports.datasets.answers import chosen_forms, of_chosen_forms
from storage.exports.datasets.reports import ABOUT_ACTIVITIES
from storage.exports.wanted import Wanted, with_filters
from storage.plan.past_rows import PastRows
from storage.reports.standing import CHANGE, Moment, StandingChanges
from storage.unit_of_work import UnitOfWork
from storage.upkeep.lineage import FACT as LINEAGE

_S = table(Submission)
_LATER = CHANGE.alias("later")

MOST: Final = 10_000
"""The most reports on a page."""


class NoCursor(StorageError):
    """The text is not one of our cursors, or belongs to another dataset, audience or filter."""


class Stale(StorageError):
    """The plan has changed since the cursor was made, or the database was restored. The reader must begin again."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a reader: how many rounds are finished, and how far it is in the round about `upto`."""

    seen: str
    """The moment of the last finished round; "" in the first."""
    upto: str
    """The moment of the present round; "" between two rounds."""
    after: int
    """The last submission (first round) or change (later rounds) that was read in this round."""


BEGIN: Final = Place("", "", 0)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the submissions whose rows are on it, and the receipts of reports that have left the dataset."""

    ids: tuple[int, ...]
    removed: tuple[int, ...]
    next: Place
    has_more: bool
    """Whether this round goes on. If not, `next` is the place to ask with later."""


def _about_activities(_: UnitOfWork, __: Wanted) -> ColumnElement[bool]:
    return ABOUT_ACTIVITIES


def _of_forms(unit: UnitOfWork, wanted: Wanted) -> ColumnElement[bool]:
    published = [form.form_id for form in unit.forms.list(wanted.plan_id)]
    return of_chosen_forms(wanted, chosen_forms(wanted, published))


FOLLOWED: Final[Mapping[str, Callable[[UnitOfWork, Wanted], ColumnElement[bool]]]] = {
    "reports": _about_activities,
    "answers": _of_forms,
}
"""The datasets that can be read by pages, and which submissions each is about. A report has one row or more."""


def page(unit: UnitOfWork, dataset: str, wanted: Wanted, place: Place, limit: int) -> Page:
    """The page at this place, of at most `limit` reports, as this transaction sees them."""
    changes = unit.of(StandingChanges)
    about = FOLLOWED[dataset](unit, wanted)
    upto = Moment(place.upto) if place.upto else changes.now()
    if place.seen:
        return _changed(unit, wanted, about, replace(place, upto=upto), limit)
    changed_later = select(CHANGE.c.id).where(CHANGE.c.root_id == _S.c.root_id, changes.unseen_in(upto)).exists()
    found = unit.connection.execute(
        select(_S.c.id)
        .where(*allowed(unit, wanted), about, _S.c.id > place.after, ~changed_later)
        .order_by(_S.c.id)
        .limit(limit + 1)
    ).scalars()
    ids = tuple(found)
    if len(ids) > limit:
        return Page(ids[:limit], (), Place("", upto, ids[limit - 1]), has_more=True)
    return Page(ids, (), Place(upto, "", 0), has_more=False)


def _changed(unit: UnitOfWork, wanted: Wanted, about: ColumnElement[bool], place: Place, limit: int) -> Page:
    """Return what changed between two moments. Each report comes once, at its last change.

    A report that changed later waits for the next round.
    """
    changes = unit.of(StandingChanges)
    seen, upto = Moment(place.seen), Moment(place.upto)
    last = func.max(CHANGE.c.id)
    changed_later = (
        select(_LATER.c.id).where(_LATER.c.root_id == CHANGE.c.root_id, changes.unseen_in(upto, _LATER)).exists()
    )
    found = unit.connection.execute(
        select(CHANGE.c.root_id, last)
        .where(CHANGE.c.plan_id == wanted.plan_id, changes.unseen_in(seen), changes.seen_in(upto), ~changed_later)
        .group_by(CHANGE.c.root_id)
        .having(last > place.after)
        .order_by(last)
        .limit(limit + 1)
    ).all()
    has_more, found = len(found) > limit, found[:limit]
    roots = [root_id for root_id, _ in found]
    there = {
        root_id: id
        for id, root_id in unit.connection.execute(
            select(_S.c.id, _S.c.root_id).where(*allowed(unit, wanted), about, _S.c.root_id.in_(roots))
        )
    }
    next = replace(place, after=found[-1][1]) if has_more else Place(upto, "", 0)
    gone = _removed(unit, wanted, about, [root_id for root_id in roots if root_id not in there])
    return Page(tuple(sorted(there.values())), gone, next, has_more)


def _removed(unit: UnitOfWork, wanted: Wanted, about: ColumnElement[bool], roots: Sequence[str]) -> tuple[int, ...]:
    """Root receipts of reports that were in the dataset and are not in it now: a copy deletes them."""
    # Status and state may be those of a version that was replaced; everything else is the same in every version.
    fixed = matching(unit, replace(wanted, status="", validation="", since=""))
    return tuple(
        unit.connection.execute(
            select(_S.c.receipt_number)
            .where(_S.c.plan_id == wanted.plan_id, _S.c.instance_id == _S.c.root_id, _S.c.root_id.in_(roots), about)
            .where(*fixed)
            .order_by(_S.c.receipt_number)
        ).scalars()
    )


# ------------------------------------------------------------------ cursors
def cursor(unit: UnitOfWork, dataset: str, wanted: Wanted, place: Place, *, after: str = "") -> str:
    """The cursor for this place: opaque, and only this keyring can make one.

    `after` is the cursor before it, if it has been read in this same view: then the plan is still what it was there.
    """
    said = [
        dataset,
        wanted.audience,
        wanted.language,
        wanted.filters,
        list(asdict(place).values()),
        _said(after)[-1] if after else _plan(unit, wanted),
    ]
    packed = base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip("=")
    return f"{packed}.{_mark(unit, wanted, packed)}"


def read_cursor(unit: UnitOfWork, text: str, dataset: str, wanted: Wanted) -> tuple[Wanted, Place]:
    """The request with the cursor's filters, and the reader's place. Raises NoCursor or Stale."""
    packed, _, mark = text.partition(".")
    if not hmac.compare_digest(mark.encode(), _mark(unit, wanted, packed).encode()):
        raise NoCursor("it is not a cursor of this plan")
    try:
        of, audience, language, filters, place, plan = _said(text)
    except (ValueError, binascii.Error):
        raise NoCursor("it is not a cursor of this version") from None
    if (of, audience) != (dataset, wanted.audience):
        raise NoCursor(f"it is a cursor of {of} for {audience}")
    asked = wanted.filters
    if asked and asked != filters:
        raise NoCursor("it was made with other filters, and brings its own")
    wanted = with_filters(replace(wanted, language=language), filters)
    if plan != _plan(unit, wanted):
        raise Stale("the plan has changed since, or the database was put back")
    return wanted, Place(*place)


def _said(text: str) -> list[Any]:
    """Return what a cursor says. ValueError if it is none of ours."""
    said: list[Any] = orjson.loads(base64.urlsafe_b64decode(text.partition(".")[0] + "=" * 3))
    return said


def _mark(unit: UnitOfWork, wanted: Wanted, packed: str) -> str:
    return unit.vault.mac(f"{wanted.plan_id}:{packed}".encode(), "data cursor")[:32]


def _plan(unit: UnitOfWork, wanted: Wanted) -> str:
    """Return a number for everything, except reports, that rows are made from.

    While it is the same, the rows of earlier pages are still true.
    """
    plans, id = unit.plans, wanted.plan_id
    known = (
        plans.by_id(id),
        plans.activities(id, include_retired=True),
        plans.indicators(id, include_retired=True),
        unit.of(PastRows).of_plan(id),
        plans.strategic_areas(id),
        plans.agencies(id),
        [(each.code, each.start_on, each.end_on, each.due_on) for each in plans.periods(id)],
        plans.code_list(id, "activity_status"),
        plans_own(unit, id, wanted.language),
        [(form.form_id, form.id) for form in unit.forms.list(id)],
        wanted.timezone,
        [unit.facts.get(fact) for fact in (HELD,)],
        (orjson.loads(unit.facts.get(LINEAGE) or "{}")).get("name"),
    )
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]
