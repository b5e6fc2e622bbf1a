"""People, periods and agendas of September 2018, for tests of who is told what."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from conversations.plan.calendar.agenda import Agenda, Recipient
from conversations.plan.calendar.ladder import Left, lapsed_steps, steps
from conversations.plan.calendar.notices import Say, Silence, decide
from conversations.plan.model import Activity, Role
from conversations.plan.periods import Frequency, reporting_period

SANTO_DOMINGO = ZoneInfo("America/Santo_Domingo")
NINE = time(9)
SEPTEMBER, THIRD_QUARTER = reporting_period("201809"), reporting_period("2018Q3")
ACTIVITY = Activity("PRE-101", "MMUJER", date(2018, 1, 1), date(2020, 12, 31), Frequency.MONTHLY, {"es": "Campaña"})
ANA = Recipient(1, 501, "Ana Martínez", "es", "America/Santo_Domingo", Role.FOCAL_POINT, "MMUJER")
LUIS = replace(ANA, person_id=2, chat_id=502, name="Luis Peña", role=Role.ALTERNATE)
CARMEN = replace(ANA, person_id=3, chat_id=503, name="Carmen Soto", role=Role.COORDINATOR, agency_code="MIREX")


def at(text: str, zone: ZoneInfo = SANTO_DOMINGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def agenda_on(text: str, **changes: object) -> Agenda:
    """As things stand that day, if PRE-101 of MMUJER is left for September."""
    today = date.fromisoformat(text)
    given_: dict[str, object] = {
        "today": today,
        "periods": (SEPTEMBER,),
        "steps": steps([SEPTEMBER], today, ()),
        "lapsed": lapsed_steps([SEPTEMBER], today, ()),
        "left": {"MMUJER": (Left(ACTIVITY, SEPTEMBER),)},
        "expecting": {"201809": frozenset({"MMUJER"})},
        "unclosed": {"201809": ("MMUJER",)},
        "with_focal_point": frozenset({"MMUJER"}),
    }
    return Agenda(**given_ | changes)  # type: ignore[arg-type]


def decided(agenda: Agenda, who: Recipient, when: str) -> Say | Silence:
    return decide(agenda, who, at(when), NINE, ZoneInfo(who.timezone))


QUARTERLY = replace(ACTIVITY, code="PER-201", frequency=Frequency.QUARTERLY)


# ------------------------------------------------------------------ nothing left but to close
def whole_on(day: str, **changes: object) -> Agenda:
    """As things stand that day, if MMUJER has sent everything and has not closed September."""
    return agenda_on(day, **({"left": {}} | changes))
