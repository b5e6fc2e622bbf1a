"""The handler of each route: the one place where routes and screens meet.

Who may take a route is in `bot/chat/permissions.py`. Every route has exactly one handler here, and a test says so. A
route in HEARS also takes the words that are typed while the chat awaits them for it.
"""

from collections.abc import Callable, Mapping

from bot.chat.exchange import Exchange
from bot.screens.calendar import letters, reminders, schedules
from bot.screens.everyone import home, preferences, unasked, welcome
from bot.screens.people import agencies, contributors, people, posts
from bot.screens.plan import digests, ending, imports, late, periods, plan, settings
from bot.screens.reports import changes, comments, evaluating, forms, own_plans, own_reports, returned, review
from bot.screens.sharing import exports, receivers, tokens
from bot.screens.upkeep import audit, status
from conversations.plan.model import Care
from conversations.routes import Route

HANDLERS: Mapping[Route, Callable[..., None]] = {
    Route.START: welcome.start,
    Route.DUE: own_reports.pending,
    Route.REPORT: own_reports.report,
    Route.INDICATORS: own_reports.indicators,
    Route.REFERRALS: own_reports.referrals,
    Route.HISTORY: own_reports.history,
    Route.CLOSE: own_reports.close,
    Route.DIGEST: digests.summary,
    Route.DELEGATE: posts.delegate,
    Route.QUEUE: review.queue,
    Route.PROGRESS: home.progress,
    Route.CHASE: reminders.chase,
    Route.LETTERS: letters.escalate,
    Route.SCHEDULES: schedules.schedules,
    Route.EXPORT: exports.export,
    Route.TOKENS: tokens.tokens,
    Route.HOLIDAYS: schedules.calendar,
    Route.PERIODS: periods.periods,
    Route.STATUS: status.status,
    Route.AUDIT: audit.log,
    Route.PAUSE: reminders.pause,
    Route.PEOPLE: people.people,
    Route.AGENCIES: agencies.agencies,
    Route.INVITE: people.invite,
    Route.FORMS: forms.show_forms,
    Route.PLAN: plan.plan,
    Route.RECEIVERS: receivers.receivers,
    Route.RECEIVER: receivers.receiver,
    Route.BALANCE: ending.balance,
    Route.EVALUATE: evaluating.evaluate,
    Route.END_PLAN: ending.end_plan,
    Route.IMPORT: imports.decide,
    Route.UNDO_IMPORT: imports.undo,
    Route.WORKBOOK: imports.download,
    Route.COMMENT: comments.comment,
    Route.COMMENTS: comments.comments,
    Route.PROPOSE: changes.propose,
    Route.CHANGES: changes.changes,
    Route.CONTRIBUTION: contributors.contribution,
    Route.PREFERENCES: preferences.preferences,
    Route.MY_DATA: preferences.my_data,
    Route.LANGUAGE: welcome.choose_language,
    Route.CANCEL: own_reports.cancel,
    Route.HELP: welcome.show_help,
    Route.HOME: welcome.menu,
    Route.PLANS: own_plans.plans,
    Route.SEARCH: unasked.search,
    Route.BEGIN: reminders.begin,
    Route.POSTPONE: reminders.postpone,
    Route.NOTHING_NEW: reminders.nothing_new,
    Route.EXPLAIN: reminders.explain,
    Route.LEAVE_POST: posts.leave_post,
    Route.RELIEVE: posts.relieve,
    Route.PROMOTE: posts.promote,
    Route.SUCCEED: posts.succeed,
    Route.OFFERED_ROLE: posts.decide_offer,
    Route.GO_ON: posts.go_on,
    Route.ASK_REOPENING: periods.ask,
    Route.REOPEN: periods.reopen,
    Route.MOVE_PERIOD: periods.move,
    Route.STOP_BROADCAST: reminders.stop,
    Route.RECEIPT: own_reports.receipt,
    Route.CORRECT: own_reports.correction,
    Route.CONTINUE: own_reports.go_on,
    Route.DISCARD: own_reports.discard,
    Route.TAKE_OVER: own_reports.take,
    Route.VERSIONS: own_reports.versions,
    Route.REPLY: returned.reply,
    Route.REMARK: review.remark,
    Route.SENT_REPORT: review.item,
    Route.SENT_FILE: review.evidence,
    Route.VALIDATE: review.validate,
    Route.SEND_BACK: review.send_back,
    Route.AGENCY_DIGEST: digests.agency,
    Route.ACTIVITY: digests.activity,
    Route.INDICATOR_DIGEST: digests.indicators,
    Route.LATE: late.late,
    Route.EVIDENCE: digests.evidence,
    Route.DECISION: digests.decision,
    Route.VACANCY: digests.vacancy,
    Route.PERSON: people.person,
    Route.CHANGE_ROLE: people.change_role,
    Route.SUSPEND: people.suspend,
    Route.RESTORE: people.restore,
    Route.AGENCY: agencies.agency,
    Route.SETTING: settings.settings,
    Route.LINKS: people.links,
    Route.ROLE_REQUESTS: people.requests,
    Route.ROLE_REQUEST: people.decide,
    Route.FORM: forms.show_form,
    Route.PUBLISH: forms.decide,
    Route.FILL: forms.fill,
    Route.PRIVACY: welcome.privacy,
}
"""Each gets the exchange and what its route carries (`CARRIES`), already read, one parameter for each piece."""

WORDS: Mapping[Route, Callable[[Exchange, str], None]] = {
    Route.REPORT: own_reports.report_typed,
    Route.EXPORT: exports.export_typed,
    Route.HOLIDAYS: schedules.calendar,
    Route.AUDIT: audit.log_typed,
    Route.COMMENT: comments.comment_typed,
    Route.LANGUAGE: welcome.choose_language,
}
"""Each gets the exchange and the words typed behind the command. Words behind other commands are not read."""

HEARS: Mapping[Route, Callable[..., None]] = {
    Route.DELEGATE: posts.delegate_until,
    Route.SCHEDULES: schedules.hear_zone,
    Route.HOLIDAYS: schedules.hear_day,
    Route.AUDIT: audit.hear_day,
    Route.PEOPLE: people.search,
    Route.COMMENT: comments.hear_comment,
    Route.COMMENTS: comments.hear_answer,
    Route.PROPOSE: changes.hear_change,
    Route.CHANGES: changes.hear_why_not,
    Route.PREFERENCES: preferences.hear_zone,
    Route.ASK_REOPENING: periods.ask_because,
    Route.REOPEN: periods.reopen_because,
    Route.REPLY: returned.hear_reply,
    Route.REMARK: review.hear_remark,
    Route.SEND_BACK: review.hear_why,
    Route.AGENCY: agencies.hear,
    Route.SETTING: settings.hear,
    Route.END_PLAN: ending.hear_reason,
    Route.RECEIVER: receivers.hear,
}
"""Each gets the exchange, the pieces that the chat stored for it (`AWAITS`), one parameter each, and the typed text."""

CARE_OF: Mapping[Route, Callable[..., Care]] = {
    Route.COMMENT: comments.care_of_comment,
    Route.COMMENTS: comments.care_of_answer,
    Route.PROPOSE: changes.care_of_change,
    Route.CHANGES: changes.care_of_decision,
    Route.REPLY: returned.care,
    Route.REMARK: returned.care,
    Route.SEND_BACK: returned.care,
}
"""How what is written for a route is treated, by what it is about. Called as in HEARS; "" for what is not text.

No other route takes words about a single report or item of the plan.
"""
