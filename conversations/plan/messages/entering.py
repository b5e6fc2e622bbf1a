"""The words about people's way into a plan: where they stopped, and how many stand at each station."""

from zoneinfo import ZoneInfo

from conversations.dates import show_day
from conversations.plan.calendar.ledger import day_there
from conversations.plan.entering import Funnel, Station, UnusedLink, Way
from conversations.plan.figures.monitoring import AgencyStanding, Standing
from conversations.plan.messages.digest_words import day
from conversations.wording import Wording


def where_stopped(one: Way | UnusedLink, zone: ZoneInfo, say: Wording) -> str:
    """Say where somebody has stopped and since when: "abrió la invitación el 3 de octubre y no ha aceptado …"."""
    match one:
        case UnusedLink():
            where, since = str(Station.INVITED), one.created_at
        case Way(absence=("suspended" | "unreachable") as where):
            since = one.stopped_at
        case Way():
            where, since = str(one.station), one.stopped_at
    return say(f"entering.stopped.{where}", date=show_day(day_there(since, zone.key), say.language))


def vacancy_remark(agency: AgencyStanding, s: Standing, say: Wording) -> str:
    """Say since when an agency has no focal point whom messages reach, and what keeps the present one from them."""
    since = say("digest.from", date=day(agency.vacant_since, s, say)) if agency.vacant_since else ""
    why = say(f"due.reason.{agency.vacant_why}") if agency.vacant_why else ""
    return ", ".join(filter(None, (since, why)))


def funnel_in_words(found: Funnel, say: Wording) -> str:
    """Say in one line how many stand at each station."""
    return say("entering.funnel", **{str(station): found.at[station] for station in Station})
