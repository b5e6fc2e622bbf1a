"""A period as one agency sees it: reopened with a reason, for some days, and nobody else sees the difference."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from conversations.plan.periods import ReportingPeriod
from storage.errors import Conflict
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.agendas import outlook as outlook_of

NOW = datetime(2018, 10, 20, 13, 0, tzinfo=UTC)
TODAY = date(2018, 10, 20)
UNTIL = date(2018, 10, 24)
ZONE = ZoneInfo("America/Santo_Domingo")

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


def midnight(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=ZONE)


@pytest.fixture
def september(world: Any, apply: Apply) -> ReportingPeriod:
    """Locked since the fifteenth of October."""
    return apply(lambda unit: unit.plans.period(world.plan_id, "201809"))


def reopen(world: Any, period: ReportingPeriod, **values: Any) -> Callable[[UnitOfWork], Any]:
    standard: dict[str, Any] = {"reason": "correction", "now": NOW, "by": world.person_ids[2]}
    until_on = values.pop("until_on", UNTIL)
    agency_id = values.pop("agency_id", world.agency_ids[0])
    return lambda unit: unit.periods.reopen(world.plan_id, agency_id, period, until_on, **standard | values)


def seen(world: Any, on: date) -> Callable[[UnitOfWork], list[list[str]]]:
    """What is open that day, to everybody, to the first agency, to the second."""
    return lambda unit: [
        [period.code for period in unit.plans.open_periods(world.plan_id, on, agency_id)]
        for agency_id in (None, *world.agency_ids)
    ]


def acts(unit: UnitOfWork) -> list[str]:
    return [entry.act for entry in reversed(unit.audit.latest())]


def test_a_reopened_period_is_open_for_one_agency_until_its_day(world: Any, apply: Apply, september: Any) -> None:
    """In every way of asking for it; the day itself is the first on which it is locked again."""
    apply(reopen(world, september))
    assert apply(seen(world, TODAY)) == [[], ["201809"], []]
    assert apply(seen(world, UNTIL - timedelta(days=1))) == [[], ["201809"], []]
    assert apply(seen(world, UNTIL)) == [[], [], []]
    for found in (
        apply(lambda unit: unit.plans.period(world.plan_id, "201809", world.agency_ids[0])),
        apply(lambda unit: unit.plans.period_by_id(september.id, world.agency_ids[0])),
    ):
        assert (found.locks_on, found.is_reopened, found.stage(TODAY)) == (UNTIL, True, "late")

    other = apply(lambda unit: unit.plans.period_by_id(september.id, world.agency_ids[1]))
    assert (other, other.is_reopened) == (september, False)

    (entry,) = apply(lambda unit: unit.audit.latest())
    assert (entry.act, entry.details["agency"], entry.details["period"]) == ("period.reopened", "MINERD", "201809")
    assert (entry.details["reason"], entry.details["until"]) == ("correction", "2018-10-24")


def test_a_reopening_that_ends_before_the_lock_changes_nothing(world: Any, apply: Apply, september: Any) -> None:
    """It only ever adds days."""
    apply(reopen(world, september, until_on=date(2018, 10, 1)))
    found = apply(lambda unit: unit.plans.period_by_id(september.id, world.agency_ids[0]))
    assert (found.locks_on, found.is_reopened) == (september.locks_on, False)


def test_there_is_one_reopening_at_a_time_and_the_latest_holds(world: Any, apply: Apply, september: Any) -> None:
    """Reopened again, with fewer days or more: both are in the log, one is in force."""
    apply(reopen(world, september))
    apply(reopen(world, september, until_on=date(2018, 10, 22)))
    (standing,) = apply(lambda unit: unit.periods.reopenings(world.plan_id, TODAY))

    assert standing.until_on == date(2018, 10, 22)
    assert apply(seen(world, date(2018, 10, 22))) == [[], [], []]
    assert apply(acts) == ["period.reopened", "period.reopened"]


def test_a_reopening_without_a_reason_is_refused(world: Any, apply: Apply, september: Any) -> None:
    """The reason is part of the record."""
    with pytest.raises(ValueError, match="reason"):
        apply(reopen(world, september, reason=""))


def test_drafts_kept_since_the_lock_go_on_and_end_with_the_reopening(world: Any, apply: Apply, september: Any) -> None:
    """The agency's own drafts of that period; another agency's, another period's and free ones stay as they were."""
    lock = midnight(september.locks_on)
    ones = [
        apply(lambda unit, n=n, more=more: world.open(unit, f"uuid:{n}", expires_at=lock, **more)).id
        for n, more in enumerate(
            [
                {"reporting_period_id": september.id, "subject": "activity:A"},
                {"reporting_period_id": september.id, "subject": "activity:B", "agency_id": world.agency_ids[1]},
                {"reporting_period_id": world.period_ids[0], "subject": "activity:A"},
                {},
            ]
        )
    ]
    ends = lambda unit: [unit.sessions.get(one).expires_at for one in ones]  # noqa: E731
    standing = apply(reopen(world, september))
    assert apply(ends) == [midnight(UNTIL), lock, lock, lock]

    later = NOW + timedelta(hours=3)
    apply(lambda unit: unit.periods.end(standing, now=later, by=world.person_ids[2]))
    assert apply(ends) == [later, lock, lock, lock]
    assert apply(acts) == ["period.reopened", "period.locked_again"]

    with pytest.raises(Conflict):
        apply(lambda unit: unit.periods.end(standing, now=later, by=world.person_ids[2]))


def test_an_answer_that_is_being_applied_cannot_put_the_old_end_back(world: Any, apply: Apply, september: Any) -> None:
    """It was loaded before the period was reopened: its save is a Conflict, and is tried anew."""
    lock = midnight(september.locks_on)
    loaded = apply(
        lambda unit: world.open(unit, reporting_period_id=september.id, subject="activity:A", expires_at=lock)
    )
    apply(reopen(world, september))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.sessions.save(loaded, NOW))

    assert apply(lambda unit: unit.sessions.get(loaded.id)).expires_at == midnight(UNTIL)


def test_an_agency_asks_once_and_what_is_granted_is_what_it_asked(world: Any, apply: Apply, september: Any) -> None:
    """A request opens nothing; granted it keeps who asked, refused it is over and may be asked again."""
    ask = lambda unit: unit.periods.ask(  # noqa: E731
        world.plan_id, world.agency_ids[0], september, "missing", now=NOW, by=world.person_ids[0], today=TODAY
    )
    asked = apply(ask)
    assert asked.is_asked
    assert apply(ask) is None
    assert apply(seen(world, TODAY)) == [[], [], []]

    apply(lambda unit: unit.periods.end(asked, now=NOW, by=world.person_ids[2]))
    again = apply(ask)
    assert again.id != asked.id

    granted = apply(reopen(world, september, reason=again.reason))
    assert (granted.id, granted.asked_by_id, granted.is_asked) == (again.id, world.person_ids[0], False)
    assert apply(ask) is None
    assert apply(acts) == [
        "period.reopening_asked",
        "period.reopening_refused",
        "period.reopening_asked",
        "period.reopened",
    ]


def test_days_moved_for_everybody_move_every_draft_and_stay_against_holidays(
    world: Any, apply: Apply, september: Any
) -> None:
    """The drafts of an agency for which it is reopened longer keep the later day."""
    lock = midnight(september.locks_on)
    ones = [
        apply(
            lambda unit, n=n: world.open(
                unit,
                f"uuid:{n}",
                expires_at=lock,
                subject=f"activity:{n}",
                reporting_period_id=september.id,
                agency_id=world.agency_ids[n],
            )
        ).id
        for n in (0, 1)
    ]
    apply(reopen(world, september))
    moved = replace(september, locks_on=date(2018, 10, 23))
    apply(lambda unit: unit.periods.set_days(moved, now=NOW, by=world.person_ids[2]))
    ends = apply(lambda unit: [unit.sessions.get(one).expires_at for one in ones])
    assert ends == [midnight(UNTIL), midnight(date(2018, 10, 23))]

    found = apply(lambda unit: unit.plans.period_by_id(september.id))
    assert (found.locks_on, found.is_moved) == (date(2018, 10, 23), True)
    assert apply(acts) == ["period.reopened", "period.moved"]


def test_the_server_decides_days_as_a_person_does_and_holidays_only_roll_them(
    world: Any, apply: Apply, september: Any
) -> None:
    """What the calendar moves is nobody's decision: no mark and no entry; what the server moves has both."""
    rolled = replace(september, locks_on=date(2018, 10, 22))
    apply(lambda unit: unit.periods.roll(rolled, now=NOW))
    found = apply(lambda unit: unit.plans.period_by_id(september.id))
    assert (found.locks_on, found.is_moved, apply(acts)) == (date(2018, 10, 22), False, [])

    moved = replace(september, locks_on=date(2018, 10, 23))
    apply(lambda unit: unit.periods.set_days(moved, now=NOW, by=None))
    found = apply(lambda unit: unit.plans.period_by_id(september.id))
    assert (found.locks_on, found.is_moved, apply(acts)) == (date(2018, 10, 23), True, ["period.moved"])


def test_a_draft_of_a_reopened_period_is_announced_before_it_ends(world: Any, apply: Apply, september: Any) -> None:
    """Of a locked one nothing is announced any more."""
    apply(
        lambda unit: world.open(
            unit,
            reporting_period_id=september.id,
            subject="activity:PRE-102",
            expires_at=midnight(september.locks_on),
        )
    )
    lapsing = lambda unit: outlook_of(unit, world.plan_id, TODAY).lapsing  # noqa: E731
    assert apply(lapsing) == {}

    apply(reopen(world, september))
    ((draft,),) = apply(lapsing).values()
    assert (draft.code, draft.on) == ("PRE-102", UNTIL)


def test_who_refuses_what_was_granted_meanwhile_is_told_so(world: Any, apply: Apply, september: Any) -> None:
    """Two coordinators read the same request: what the first one decides stands, whichever it is."""
    agency_id, by = world.agency_ids[0], world.person_ids[0]
    ask = lambda unit: unit.periods.ask(  # noqa: E731
        world.plan_id, agency_id, september, "missing", now=NOW, by=by, today=TODAY
    )
    asked = apply(ask)
    apply(reopen(world, september))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.periods.end(asked, now=NOW, by=by))
    [standing] = apply(lambda unit: unit.periods.reopenings(world.plan_id, TODAY))
    assert not standing.is_asked

    apply(lambda unit: unit.periods.end(standing, now=NOW, by=by))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.periods.end(standing, now=NOW, by=by))
    assert apply(acts)[-2:] == ["period.reopened", "period.locked_again"]


def test_two_who_reopen_it_at_once_leave_one_reopening(world: Any, apply: Apply, database: Any, september: Any) -> None:
    """Whoever is second is told so, or comes after: never two that hold."""
    done = [database.units.submit(str(n), reopen(world, september)) for n in range(6)]
    outcomes = [one.exception(PATIENCE) for one in done]
    assert {type(outcome) for outcome in outcomes} <= {type(None), Conflict}
    assert len(apply(lambda unit: unit.periods.reopenings(world.plan_id, TODAY))) == 1
