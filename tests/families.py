"""Keys of the catalogues that code puts together, and everything that can stand in their gaps."""

from typing import get_args

from bot.acts.plan import periods
from bot.acts.upkeep.status import CHECKS, SHAPES
from bot.alarms import standing as alarms
from bot.chat.permissions import PERMISSIONS
from bot.schedule.jobs import JOBS
from bot.screens.calendar import reminders
from bot.workers.webhooks import REASONS as REASONS_TO_FAIL
from conversations.plan import review
from conversations.plan.calendar.agenda import NEEDS, Reason
from conversations.plan.calendar.ladder import FOR_COORDINATORS
from conversations.plan.calendar.working_time import WEEKDAYS
from conversations.plan.entering import Absence, Station
from conversations.plan.figures.annual import CALENDARS, PILLARS
from conversations.plan.figures.balance import Outcome
from conversations.plan.figures.lights import Light
from conversations.plan.messages import changes, plan_state
from conversations.plan.messages.reminders import STAGES
from conversations.plan.messages.week import CHANGED, Act
from conversations.plan.model import ROLE_TYPES, Role, ValidationState
from conversations.plan.periods import Frequency, PeriodStage, PlanPhase
from conversations.plan.sharing import export_request
from conversations.plan.sharing.events import KINDS as EVENT_KINDS
from conversations.session.profiles import FORM_OF
from conversations.session.questions import UPLOADS
from conversations.xforms.conformance import FEATURES
from storage.database.audit import AUDITED_ACTS, KINDS
from storage.exports.codes import WORDED
from storage.exports.exporters import EXPORTERS
from storage.exports.tables import Kind
from storage.imports.differences import DifferenceKind
from storage.imports.new_workbook import BEGUN, NOTED
from storage.imports.reading import read_plan
from storage.imports.sheets import without_language
from storage.people.joining import Decision
from storage.plan.settings import SETTINGS
from storage.reports.inspection import REASONS
from storage.seed import seed_workbook
from storage.upkeep.retention import RETENTION

PAUSED = ("everybody", "own")
PHASES = (PlanPhase.AHEAD, PlanPhase.OVER)


def families() -> dict[str, tuple[str, ...]]:
    """All of them. By what people are counted apart in any country is read in the seed's plan, when it is wanted."""
    of_code = (key.partition("/") for key in read_plan(seed_workbook()).rows["code"])
    apart = tuple(code for dimension, _, code in of_code if dimension in ("sex_age", "exploitation"))
    return {**FAMILIES, "table.category.{}": ("total", "unknown", "other", *apart)}


FAMILIES: dict[str, tuple[str, ...]] = {
    "alarm.{}": (*alarms.KINDS, "other"),
    "alarm.{}.title": (*alarms.KINDS, "other"),
    "agencies.type.{}": ROLE_TYPES,
    "audit.{}": AUDITED_ACTS,
    "audit.kind.{}": tuple(KINDS),
    "change.ask.{}": changes.FIELDS,
    "change.field.{}": changes.FIELDS,
    "change.outcome.{}": changes.OUTCOMES,
    "coverage.{}": ("no_form", "not_listed"),
    "form_title.{}": tuple(FORM_OF.values()),
    "closing.{}": tuple(FOR_COORDINATORS),
    "closing.{}_then": tuple(FOR_COORDINATORS),
    "command.{}": tuple(one.route for one in PERMISSIONS if one.in_menu),
    "digest.trend_{}": ("up", "down"),
    "digest.trend_{}_one": ("up", "down"),
    "week.{}": CHANGED,
    "week.act.{}": tuple(Act),
    "week.waits.{}": tuple(Act),
    "due.reason.{}": (*get_args(Reason), "no_window", "not_exported"),
    "entering.nudge.{}": (Station.OPENED, Station.ACCEPTED),
    "entering.stopped.{}": (Station.INVITED, Station.OPENED, Station.ACCEPTED, "unreachable", "suspended"),
    "err.{}_expected": (*UPLOADS, "place"),
    "event.{}": EVENT_KINDS,
    "event.why.{}": REASONS_TO_FAIL,
    "export.{}": (
        "cancelled",
        "revoked",
        "gone",
        "too_large",
        "failed",
        *export_request.PREVIOUS,
        *export_request.MORE,
    ),
    "export.ask.{}": ("what", "who", "when", "where", "as", "more", *export_request.MORE),
    "export.audience.{}": export_request.AUDIENCES,
    "export.audience.{}.is": export_request.AUDIENCES,
    "export.data.{}": tuple(each.dataset for each in EXPORTERS),
    "export.format.{}": tuple(each.format for each in EXPORTERS),
    "export.refused.{}": ("audience", "filter", "form", "validation"),
    "export.status.{}": export_request.STATUSES,
    "export.validation.{}": export_request.SENT,
    "file.{}": REASONS,
    "form.send_{}": tuple(UPLOADS),
    "balance.{}": (*Outcome, "obstacles", "dropped", "none"),
    "history.{}": tuple(ValidationState),
    "job.{}": tuple(job.what for job in JOBS),
    "joined.{}": tuple(Role),
    "menu.plan_{}": PHASES,
    "menu.plan_{}_ask": PHASES,
    "menu.plan_{}_way": PHASES,
    "nothing.reason.{}": reminders.REASONS,
    "kept.{}": tuple(rule.name for rule in RETENTION),
    "pause.{}.begun": PAUSED,
    "pause.{}.begun_unlimited": PAUSED,
    "pause.{}.choose": PAUSED,
    "pause.{}.ended": PAUSED,
    "people.mark.{}": get_args(Absence),
    "people.{}_count": ("suspended", "unreachable"),
    "periods.{}": ("opens", "due", "grace", "locks"),
    "periods.stage.{}": get_args(PeriodStage),
    "plan.difference.{}": get_args(DifferenceKind),
    "plan.summary.{}": get_args(DifferenceKind),
    "plan.direction.{}": ("increase", "decrease", "contextual"),
    "plan.frequency.{}": tuple(Frequency),
    "plan.light.{}": tuple(Light),
    "plan.month.{}": tuple(str(month) for month in range(1, 13)),
    "plan.period.half.{}": ("1", "2"),
    "plan.period.quarter.{}": ("1", "2", "3", "4"),
    "receivers.for.{}": export_request.AUDIENCES,
    "receivers.list.{}": ("told", "dead"),
    "receivers.refused.{}": ("scheme", "inside", "login", "long", "url"),
    "plan.unit.{}": ("people", "count", "percent"),
    "plan.table.{}": (
        "plan",
        "strategic_area",
        "objective",
        "agency",
        "unit",
        "indicator",
        "activity",
        "code",
        "reporting_period",
    ),
    "problem.{}": (),  # told by code: see below
    "recurrence.{}": ("daily", "workdays"),
    "remedy.{}": (),
    "remind.{}": STAGES,
    "remind.{}_one": STAGES,
    "remind.need.{}": NEEDS,
    "requests.was_{}": get_args(Decision),
    "requests.{}": get_args(Decision),
    "reopening.reason.{}": periods.REASONS,
    "role.{}": tuple(Role),
    "settings.{}": (*(setting.name for setting in SETTINGS), "yes", "no"),
    "settings.{}.default": tuple(setting.name for setting in SETTINGS if not setting.default),
    "settings.{}.what": tuple(setting.name for setting in SETTINGS),
    "state.{}": plan_state.WORDS,
    "status.{}": tuple(name for name, _ in CHECKS),
    "status.{}_{}": (),
    "status.ago.{}": ("days", "hours", "minutes"),
    "status.all.{}": tuple(SHAPES),
    "status.word.{}": ("warn", "bad"),
    "review.{}": review.REASONS,
    "book.note.{}": (*sorted(NOTED), "other"),
    "book.example.{}": tuple(
        f"{sheet_of.name}.{without_language(one.header)[0]}"
        for sheet_of in BEGUN
        for one in sheet_of.fields
        if one.language
    ),
    "table.audience.{}": export_request.AUDIENCES,
    "tokens.audience.{}": export_request.AUDIENCES,
    **{f"{prefix}{{}}": codes for prefix, codes in WORDED.values() if prefix.startswith("table.code.")},
    "table.calendar.{}": tuple(CALENDARS),
    "table.column.{}": (),  # the tests of the exports read every label
    "table.definition.{}": ("label", "name", "kind", "note"),
    "table.filter.{}": export_request.FILTERS,
    "table.kind.{}": tuple(Kind),
    "table.pillar.{}": PILLARS,
    "table.{}": (),
    "way.{}": tuple({each.way for each in FEATURES if each.way} | {"unknown"}),
    "weekday.{}": WEEKDAYS,
    "err.too_much_{}": ("steps", "text", "nodes", "size"),
    "words.{}": ("back", "skip", "leave", "send", "yes", "no", "add", "edit", "remove", "done", "undo"),
}
"""Keys that code puts together, and everything that can stand in the gap; categories are in the plan's own lists."""
