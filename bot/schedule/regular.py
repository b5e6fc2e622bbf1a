"""A job that sends the same kind of message in each of its windows, such as a weekly digest."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from bot.schedule.agenda import outlook_of
from bot.schedule.job import Compose, Message, Moment, Planned, Scan
from conversations.plan.calendar.agenda import Agenda, Reason, Recipient
from conversations.plan.calendar.notices import WAITED_FOR, is_held_over, regular_silence, why_no_window, windows_now
from conversations.plan.calendar.working_time import has_begun, is_quiet, is_too_late
from conversations.plan.model import Role
from storage.calendar.ledger import StoredFire
from storage.calendar.schedules import StoredSchedule
from storage.plan.past_limits import changed_at
from storage.unit_of_work import UnitOfWork


def regular(
    compose: Compose,
    roles: frozenset[Role],
    nothing: Reason = "nothing_to_tell",
    *,
    among: Callable[[UnitOfWork, Moment], Collection[int]] | None = None,
    sees: Callable[[Recipient], Recipient] = lambda who: who,
) -> Scan:
    """Return the scan of a job that says the same kind of thing in each window: a digest, a monthly card.

    After an outage or a pause only the latest window is said, and only for two working days. Earlier windows are
    recorded as told later. If the latest is too late, that is recorded. `nothing` is the reason that is recorded for
    people who have nothing to be told. `sees`: as in `Job.sees`.

    `among` returns the people who have something to be told. Such a job looks on every day and is silent on most, so
    only what is said is recorded.
    """

    def scan(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
        planned: list[Planned] = []
        holidays = unit.holidays.days(moment.plan_id)
        wanted = schedule.among(roles)
        outlook: Agenda | None = None
        concerned: Collection[int] | None = None
        for name in unit.recipients.zones(moment.plan_id):
            own = ZoneInfo(name)
            if is_quiet(moment.now, own, holidays):
                continue
            windows = windows_now(schedule.recurrence, own, moment.now, holidays)
            if windows and among is not None and concerned is None:
                concerned = among(unit, moment)
            if not windows or (concerned is not None and not concerned):
                continue
            untold = [sees(who) for who in _untold(unit, schedule, moment, name, windows[-1], wanted, holidays)]
            if concerned is not None:
                untold = [who for who in untold if who.person_id in concerned]
            if not untold:
                continue
            outlook = outlook or outlook_of(unit, moment, schedule.ledger)
            reasons = {
                who: regular_silence(outlook, who, moment.now, windows[-1], is_by_hand=moment.is_by_hand)
                for who in untold
                if who.person_id not in outlook.waiting
            }
            told = [who for who, reason in reasons.items() if reason is None]
            messages = compose(unit, moment, told) if told else {}
            for who, reason in reasons.items():
                if reason in WAITED_FOR:
                    continue  # a pause that ends in time must not drop the week
                said = messages.get(who.person_id, ())
                if concerned is None:
                    planned.append(_planned(schedule, who, windows, said, reason, nothing, moment.day_of(who)))
                elif said:
                    planned.append(Planned(who, windows[-1], tuple(said), ledger=schedule.ledger))
        return planned

    return scan


def _untold(
    unit: UnitOfWork,
    schedule: StoredSchedule,
    moment: Moment,
    zone: str,
    window: date,
    roles: Collection[Role],
    holidays: Collection[date],
) -> list[Recipient]:
    """Return the people in a zone who have not been told. If it is too late, only those without a row in the ledger."""
    today = moment.now.astimezone(ZoneInfo(zone)).date()
    is_late = is_too_late(window, today, holidays)
    ignored = () if is_late else moment.replaceable_states
    found = unit.recipients.not_told(moment.plan_id, schedule.ledger, zone, window, roles, ignore_states=ignored)
    return [who for who in found if has_begun(who.since, window, today)]


def _planned(
    schedule: StoredSchedule,
    who: Recipient,
    windows: Sequence[date],
    messages: Sequence[Message],
    reason: Reason | None,
    nothing: Reason,
    today: date,
) -> Planned:
    return Planned(
        who,
        windows[-1],
        tuple(messages),
        reason or ("" if messages else nothing),
        rungs=tuple(rung for message in messages for rung in message.rungs),
        missed=tuple(day for day in windows[-3:-1] if has_begun(who.since, day, today)) if messages else (),
        ledger=schedule.ledger,
    )


def why_not(
    unit: UnitOfWork, schedule: StoredSchedule, everybody: Collection[Recipient], moment: Moment
) -> Mapping[int, str]:
    """Return, by `person_id`, why a `regular` job says nothing at that moment to people who are not planned for."""
    outlook = outlook_of(unit, moment, schedule.ledger)
    return {who.person_id: why_no_window(outlook, schedule.recurrence, who, moment.now) for who in everybody}


def as_planned(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, told: Sequence[tuple[StoredFire, Recipient]]
) -> Mapping[int, Message | str | None]:
    """Look again, for a job whose words stay valid for the whole day.

    A message that was held until a later day is dropped. If its window is not too late then, the window is sent with
    that day's figures. So is a message from before the plan was changed: it may say what is restricted since then. A
    change that lies ahead of now was written under another clock, before this message.
    """
    last_change = changed_at(unit, moment.plan_id)
    return {
        fire.id: "held_over"
        for fire, who in told
        if is_held_over(who, moment.now, fire.fired_at, is_by_hand=fire.is_by_hand)
        or fire.fired_at < last_change <= moment.now
    }
