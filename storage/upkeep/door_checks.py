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
from storage.upkeep.told import Difference, Told, compared, is_as_marked, opened, told

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


def _rows(unit: "UnitOfWork", of: Any) -> Any:
    return unit.connection.execute(select(of).order_by(of.c.id)).mappings()


def _links(unit: "UnitOfWork", now: datetime) -> Iterator[Difference]:
    """A link that was changed gives another role than the log says was offered; one that was used lets in another."""
    issued, withdrawn = told(unit, _LINKS, "invitation"), told(unit, _LINKS_WITHDRAWN, "invitation")
    left, used = _left(unit), told(unit, ("membership.granted",), "invitation")

    def wrong(row: Any, said: dict[str, Any]) -> str | None:
        is_open = row["accepted_at"] is None and row["revoked_at"] is None
        has_left = left.get((row["plan_id"], said["by"]), said)["entry"] > said["entry"]
        is_as_offered = (said["role"], said["agency_id"]) == (row["role"], row["agency_id"])
        if not is_as_offered or not is_as_marked(said, link_mark(unit.vault, row)):
            return "was altered"
        if (row["id"] in withdrawn and row["revoked_at"] is None) or (is_open and has_left):
            return "is not revoked"
        return "can be used again" if row["id"] in used and row["accepted_at"] is None else None

    rows = _rows(unit, _LINK)
    yield from compared(rows, issued, "link", wrong, may_be_gone=lambda said: now - said["at"] >= LINKS_KEPT)


def _tokens(unit: "UnitOfWork") -> Iterator[Difference]:
    def wrong(row: Any, said: dict[str, Any]) -> str | None:
        if said["plan_id"] != row["plan_id"]:
            return "was not made by this program"
        if said["audience"] != row["audience"]:
            return f"is for {row['audience']!r}, and the log says otherwise"
        if not is_as_marked(said, token_mark(unit.vault, row)):
            return "was altered"
        return _is_over(said["act"] == "token.revoked", row["revoked_at"], "revoked")

    yield from compared(_rows(unit, _TOKEN), told(unit, _TOKENS, "token"), "the token", wrong, key="prefix")


def _is_over(is_said: bool, at: datetime | None, word: str) -> str | None:
    """Return how a row differs from the entry that says whether it is revoked, paused or over."""
    return None if is_said == (at is not None) else f"is {'not ' * (at is None)}{word}"


def _endpoints(unit: "UnitOfWork") -> Iterator[Difference]:
    from storage.messages.endpoints import row as sealed_name

    paused, unmade = told(unit, _PAUSES, "endpoint"), "was not set up by this program, or was removed"

    def is_removed(said: dict[str, Any]) -> bool:
        return bool(said["act"] == "endpoint.removed")

    def wrong(row: Any, said: dict[str, Any]) -> str | None:
        if is_removed(said):
            return unmade
        kinds = len([kind for kind in row["kinds"].split(",") if kind])
        here = (row["plan_id"], row["host"], row["audience"], kinds)
        is_as_told = here == (said["plan_id"], said["host"], said["audience"], said["kinds"])
        target = opened(unit, row["sealed_target"], sealed_name(row["plan_id"], row["made_at"]))
        if not is_as_told or target is None or not is_as_marked(said, receiver_mark(unit.vault, row)):
            return "was altered"
        return _is_over(paused.get(row["id"], {}).get("act") in _PAUSES[:2], row["paused_at"], "paused")

    made = told(unit, _ENDPOINTS, "endpoint")
    yield from compared(_rows(unit, _ENDPOINT), made, "receiver", wrong, unmade=unmade, may_be_gone=is_removed)


def _delegations(unit: "UnitOfWork") -> Iterator[Difference]:
    codes, unmade = _codes(unit, _AGENCY), "was not given through this program"
    in_agency = set(map(tuple, unit.connection.execute(select(_M.c.agency_id, _M.c.person_id))))

    def wrong(row: Any, said: dict[str, Any]) -> str | None:
        if "until" not in said:
            return unmade
        here = (row["plan_id"], codes.get(row["agency_id"]), row["person_id"], row["until_on"].isoformat())
        is_as_told = here == (said["plan_id"], said["agency"], said["person"], said["until"])
        is_deputy = row["deputy_id"] is None or (row["agency_id"], row["deputy_id"]) in in_agency
        if not is_as_told or not is_deputy or said["deputy"] not in (None, row["deputy_id"]):
            return "was altered"
        return _is_over(said["act"] == "delegation.ended", row["ended_at"], "over")

    begun = told(unit, _DELEGATIONS, "delegation")
    yield from compared(_rows(unit, _DELEGATION), begun, "delegation", wrong, unmade=unmade)


def _requests(unit: "UnitOfWork") -> Iterator[Difference]:
    """A role that waits for a second admin. Whoever writes another name into it is the second admin of their own.

    Requests of somebody who leaves are withdrawn with them, without an entry of their own.
    """
    asked, decided = told(unit, ("role.requested",), "request"), told(unit, tuple(_DECISIONS), "request")
    left = _left(unit)

    def wrong(row: Any, said: dict[str, Any]) -> str | None:
        here = tuple(row[name] for name in ("plan_id", "person_id", "role", "agency_id", "requested_by_id"))
        is_as_asked = here == (said["plan_id"], said["person"], said["role"], said["agency_id"], said["by"])
        if not is_as_asked or row["requested_at"] != said["at"]:
            return "was altered"
        if decision := decided.get(row["id"]):
            as_told = (_DECISIONS[decision["act"]], decision["by"])
            return None if as_told == (row["decision"], row["decided_by_id"]) else "is not decided as the log says"
        concerned = ((row["plan_id"], row["requested_by_id"]), (row["plan_id"], row["person_id"]))
        has_left = any(left.get(person, said)["entry"] > said["entry"] for person in concerned)
        is_as_told = row["decision"] == ("withdrawn" if has_left else "")
        return None if is_as_told else f"is {row['decision']!r}, and the log says otherwise"

    what, unmade = "the request for a role", "was not made through this program"
    yield from compared(_rows(unit, _REQUEST), asked, what, wrong, unmade=unmade)


def _reopenings(unit: "UnitOfWork") -> Iterator[Difference]:
    """A period that one agency may report on again. One that another takes the place of ends without an entry."""
    agencies, periods = _codes(unit, _AGENCY), _codes(unit, _PERIOD)

    def wrong(row: Any, said: dict[str, Any]) -> str | None:
        until = None if row["until_on"] is None else row["until_on"].isoformat()
        here = (row["plan_id"], agencies.get(row["agency_id"]), periods.get(row["reporting_period_id"]), until)
        is_as_told = here == (said["plan_id"], said["agency"], said["period"], said.get("until"))
        if not is_as_told or row["reason"] != said["reason"] or (row["opened_at"] is None) != (until is None):
            return "was altered"
        is_said = said["act"] in ("period.reopening_refused", "period.locked_again")
        return "is not over" if is_said and row["ended_at"] is None else None

    decided, unmade = told(unit, _REOPENINGS, "reopening"), "was not given through this program"
    yield from compared(_rows(unit, _REOPENING), decided, "reopening", wrong, unmade=unmade)


def _moved_periods(unit: "UnitOfWork") -> Iterator[Difference]:
    """The days that somebody set by hand. All others follow from the calendar, which puts them back each day."""
    moved = told(unit, ("period.moved",), "period", in_plan=True)
    for row in _rows(unit, _PERIOD):
        said, what = moved.get((row["plan_id"], row["code"])), f"the days of the period {row['code']}"
        days = {name: row[name].isoformat() for name in ("opens_on", "due_on", "grace_until_on", "locks_on")}
        if row["is_moved"] != (said is not None):
            yield Difference(row["id"], f"{what} are {'not ' * (said is not None)}set by hand, the log says otherwise")
        elif said is not None and not days.items() <= said.items():
            yield Difference(row["id"], f"{what} were altered")


def _codes(unit: "UnitOfWork", of: Any) -> dict[int, str]:
    return dict(map(tuple, unit.connection.execute(select(of.c.id, of.c.code))))
