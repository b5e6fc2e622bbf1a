"""Whether what lets somebody in or data out, or lets somebody act for another or late, stands as the audit log says.

Links, tokens, receivers, delegations, roles that wait for a second admin, reopened periods. Each row has its entry, and
each entry its row until retention deletes it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from storage.database.marks import link_mark, receiver_mark, token_mark
from storage.database.models import (
    Agency,
    DataToken,
    Delegation,
    Endpoint,
    Invitation,
    Membership,
    Reopening,
    ReportingPeriod,
    RoleRequest,
    table,
)
from storage.upkeep.told import Difference, Told, is_as_marked, opened, told

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_M, _AGENCY, _PERIOD = map(table, (Membership, Agency, ReportingPeriod))
_TOKEN, _ENDPOINT, _DELEGATION, _LINK = map(table, (DataToken, Endpoint, Delegation, Invitation))
_REQUEST, _REOPENING = map(table, (RoleRequest, Reopening))

LINKS_KEPT: Final = timedelta(days=90)
"""How long a link is kept after it has lapsed."""

_TOKENS = ("token.made", "token.revoked")
_PAUSES = ("endpoint.paused", "endpoint.gone", "endpoint.resumed")
_ENDPOINTS = ("endpoint.added", "endpoint.changed", *_PAUSES, "endpoint.removed")
_LINKS = ("invitation.issued",)
_LINKS_WITHDRAWN = ("invitation.revoked", "invitation.declined")
_DELEGATIONS = ("delegation.begun", "delegation.ended")
_DECISIONS = {"role.granted": "granted", "role.refused": "refused", "role.withdrawn": "withdrawn"}
_REOPENINGS = ("period.reopening_asked", "period.reopening_refused", "period.reopened", "period.locked_again")


def differences(unit: "UnitOfWork", now: datetime) -> Iterator[Difference]:
    yield from _links(unit, now)
    yield from _tokens(unit)
    yield from _endpoints(unit)
    yield from _delegations(unit)
    yield from _requests(unit)
    yield from _reopenings(unit)
    yield from _moved_periods(unit)


def _gone(said: Told, there: set[Any], what: str) -> Iterator[Difference]:
    for key in sorted(said.keys() - there):
        yield Difference(None, f"{what} {key} is gone")


def _left(unit: "UnitOfWork") -> Told:
    """Return (plan, person) → the last entry that ended a role of theirs, and with it the links and requests under it.

    A role that another takes the place of ends too.
    """
    left = told(unit, ("membership.ended", "person.suspended"), "person", in_plan=True)
    changed = told(unit, ("membership.granted",), "person", "instead_of", in_plan=True)
    for (plan_id, person_id, _), said in changed.items():
        if said["entry"] > left.get((plan_id, person_id), {"entry": 0})["entry"]:
            left[plan_id, person_id] = said
    return left


def _links(unit: "UnitOfWork", now: datetime) -> Iterator[Difference]:
    """A link that was changed gives another role than the log says was offered; one that was used lets in another."""
    issued, withdrawn = told(unit, _LINKS, "invitation"), told(unit, _LINKS_WITHDRAWN, "invitation")
    left, used = _left(unit), told(unit, ("membership.granted",), "invitation")
    there = set()
    for row in unit.connection.execute(select(_LINK).order_by(_LINK.c.id)).mappings():
        there.add(row["id"])
        said, what = issued.get(row["id"]), f"link {row['id']}"
        if said is None:
            yield Difference(row["id"], f"{what} was not made by this program")
            continue
        is_open = row["accepted_at"] is None and row["revoked_at"] is None
        has_left = left.get((row["plan_id"], said["by"]), said)["entry"] > said["entry"]
        if (said["role"], said["agency_id"]) != (row["role"], row["agency_id"]) or not is_as_marked(
            said, link_mark(unit.vault, row)
        ):
            yield Difference(row["id"], f"{what} was altered")
        elif (row["id"] in withdrawn and row["revoked_at"] is None) or (is_open and has_left):
            yield Difference(row["id"], f"{what} is not revoked")
        elif row["id"] in used and row["accepted_at"] is None:
            yield Difference(row["id"], f"{what} can be used again")
    kept = {id: said for id, said in issued.items() if now - said["at"] < LINKS_KEPT}
    yield from _gone(kept, there, "link")


def _tokens(unit: "UnitOfWork") -> Iterator[Difference]:
    made, there = told(unit, _TOKENS, "token"), set()
    for row in unit.connection.execute(select(_TOKEN).order_by(_TOKEN.c.id)).mappings():
        there.add(row["prefix"])
        said = made.get(row["prefix"])
        what = f"the token {row['prefix']}"
        if said is None or said["plan_id"] != row["plan_id"]:
            yield Difference(row["id"], f"{what} was not made by this program")
        elif said["audience"] != row["audience"]:
            yield Difference(row["id"], f"{what} is for {row['audience']!r}, and the log says otherwise")
        elif not is_as_marked(said, token_mark(unit.vault, row)):
            yield Difference(row["id"], f"{what} was altered")
        elif (said["act"] == "token.revoked") != (row["revoked_at"] is not None):
            yield Difference(row["id"], f"{what} is {'not ' * (row['revoked_at'] is None)}revoked")
    yield from _gone(made, there, "the token")


def _endpoints(unit: "UnitOfWork") -> Iterator[Difference]:
    from storage.messages.endpoints import row as sealed_name

    paused = told(unit, _PAUSES, "endpoint")
    made, there = told(unit, _ENDPOINTS, "endpoint"), set()
    for row in unit.connection.execute(select(_ENDPOINT).order_by(_ENDPOINT.c.id)).mappings():
        there.add(row["id"])
        said = made.get(row["id"])
        what = f"receiver {row['id']}"
        if said is None or said["act"] == "endpoint.removed":
            yield Difference(row["id"], f"{what} was not set up by this program, or was removed")
            continue
        kinds = len([kind for kind in row["kinds"].split(",") if kind])
        here = (row["plan_id"], row["host"], row["audience"], kinds)
        is_as_told = here == (said["plan_id"], said["host"], said["audience"], said["kinds"])
        target = opened(unit, row["sealed_target"], sealed_name(row["plan_id"], row["made_at"]))
        is_paused = paused.get(row["id"], {}).get("act") in _PAUSES[:2]
        if not is_as_told or target is None or not is_as_marked(said, receiver_mark(unit.vault, row)):
            yield Difference(row["id"], f"{what} was altered")
        elif is_paused != (row["paused_at"] is not None):
            yield Difference(row["id"], f"{what} is {'not ' * (row['paused_at'] is None)}paused")
    kept = {id: said for id, said in made.items() if said["act"] != "endpoint.removed"}
    yield from _gone(kept, there, "receiver")


def _delegations(unit: "UnitOfWork") -> Iterator[Difference]:
    begun, there = told(unit, _DELEGATIONS, "delegation"), set()
    codes = _codes(unit, _AGENCY)
    in_agency = set(map(tuple, unit.connection.execute(select(_M.c.agency_id, _M.c.person_id))))
    for row in unit.connection.execute(select(_DELEGATION).order_by(_DELEGATION.c.id)).mappings():
        there.add(row["id"])
        said = begun.get(row["id"])
        what = f"delegation {row['id']}"
        if said is None or "until" not in said:
            yield Difference(row["id"], f"{what} was not given through this program")
        elif (
            (row["plan_id"], codes.get(row["agency_id"]), row["person_id"], row["until_on"].isoformat())
            != (said["plan_id"], said["agency"], said["person"], said["until"])
            or said["deputy"] not in (None, row["deputy_id"])
            or (row["deputy_id"] is not None and (row["agency_id"], row["deputy_id"]) not in in_agency)
        ):
            yield Difference(row["id"], f"{what} was altered")
        elif (said["act"] == "delegation.ended") != (row["ended_at"] is not None):
            yield Difference(row["id"], f"{what} is {'not ' * (row['ended_at'] is None)}over")
    yield from _gone(begun, there, "delegation")


def _requests(unit: "UnitOfWork") -> Iterator[Difference]:
    """A role that waits for a second admin. Whoever writes another name into it is the second admin of their own.

    Requests of somebody who leaves are withdrawn with them, without an entry of their own.
    """
    asked, decided = told(unit, ("role.requested",), "request"), told(unit, tuple(_DECISIONS), "request")
    left, there = _left(unit), set()
    for row in unit.connection.execute(select(_REQUEST).order_by(_REQUEST.c.id)).mappings():
        there.add(row["id"])
        said, what = asked.get(row["id"]), f"the request {row['id']} for a role"
        if said is None:
            yield Difference(row["id"], f"{what} was not made through this program")
            continue
        here = tuple(row[name] for name in ("plan_id", "person_id", "role", "agency_id", "requested_by_id"))
        is_as_asked = here == (said["plan_id"], said["person"], said["role"], said["agency_id"], said["by"])
        decision = decided.get(row["id"])
        concerned = ((row["plan_id"], row["requested_by_id"]), (row["plan_id"], row["person_id"]))
        has_left = any(left.get(person, said)["entry"] > said["entry"] for person in concerned)
        if not is_as_asked or row["requested_at"] != said["at"]:
            yield Difference(row["id"], f"{what} was altered")
        elif decision is not None and (row["decision"], row["decided_by_id"]) != (
            _DECISIONS[decision["act"]],
            decision["by"],
        ):
            yield Difference(row["id"], f"{what} is not decided as the log says")
        elif decision is None and row["decision"] != ("withdrawn" if has_left else ""):
            yield Difference(row["id"], f"{what} is {row['decision']!r}, and the log says otherwise")
    yield from _gone(asked, there, "the request for a role")


def _reopenings(unit: "UnitOfWork") -> Iterator[Difference]:
    """A period that one agency may report on again. One that another takes the place of ends without an entry."""
    decided, there = told(unit, _REOPENINGS, "reopening"), set()
    agencies, periods = _codes(unit, _AGENCY), _codes(unit, _PERIOD)
    for row in unit.connection.execute(select(_REOPENING).order_by(_REOPENING.c.id)).mappings():
        there.add(row["id"])
        said, what = decided.get(row["id"]), f"reopening {row['id']}"
        if said is None:
            yield Difference(row["id"], f"{what} was not given through this program")
            continue
        until = None if row["until_on"] is None else row["until_on"].isoformat()
        here = (row["plan_id"], agencies.get(row["agency_id"]), periods.get(row["reporting_period_id"]), until)
        is_as_told = here == (said["plan_id"], said["agency"], said["period"], said.get("until"))
        if not is_as_told or row["reason"] != said["reason"] or (row["opened_at"] is None) != (until is None):
            yield Difference(row["id"], f"{what} was altered")
        elif said["act"] in ("period.reopening_refused", "period.locked_again") and row["ended_at"] is None:
            yield Difference(row["id"], f"{what} is not over")
    yield from _gone(decided, there, "reopening")


def _moved_periods(unit: "UnitOfWork") -> Iterator[Difference]:
    """The days that somebody set by hand. All others follow from the calendar, which puts them back each day."""
    moved = told(unit, ("period.moved",), "period", in_plan=True)
    for row in unit.connection.execute(select(_PERIOD).order_by(_PERIOD.c.id)).mappings():
        said, what = moved.get((row["plan_id"], row["code"])), f"the days of the period {row['code']}"
        days = {name: row[name].isoformat() for name in ("opens_on", "due_on", "grace_until_on", "locks_on")}
        if row["is_moved"] != (said is not None):
            yield Difference(row["id"], f"{what} are {'not ' * (said is not None)}set by hand, the log says otherwise")
        elif said is not None and not days.items() <= said.items():
            yield Difference(row["id"], f"{what} were altered")


def _codes(unit: "UnitOfWork", of: Any) -> dict[int, str]:
    return dict(map(tuple, unit.connection.execute(select(of.c.id, of.c.code))))
