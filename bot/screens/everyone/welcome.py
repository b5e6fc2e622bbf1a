"""The first screens: the menu of a role, the language, the privacy notice, and help."""

from collections.abc import Mapping
from typing import Final

from bot.acts.people.oneself import accept_privacy, set_form_language, set_language
from bot.chat.contact import whom_to_ask
from bot.chat.exchange import Exchange
from bot.chat.permissions import REPORTERS, menu_of, menu_permissions
from bot.screens.everyone import home
from bot.screens.reports import own_reports
from bot.screens.reports.opening import resume
from conversations.card import Button, Card, bold, home_button, italic, line, paragraph
from conversations.languages import LANGUAGES, language_name, translated
from conversations.plan.model import Role
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.plan.plans import Plan


# ------------------------------------------------------------------ the first screen
def start(ex: Exchange) -> None:
    """Show the first screen.

    Telegram's own menu is set to the commands of the role, however the person got the role.
    """
    offer_menu(ex)
    menu(ex)


def menu(ex: Exchange, anew: str = "") -> None:
    """Show the first screen of a role. For a focal point it is the due list: reporting begins with one tap."""
    if anew == "new":
        ex.forget_card()
    if anew == "more":
        home.more(ex)
    elif ex.membership.role in REPORTERS:
        own_reports.pending(ex)
    else:
        home.home(ex)


# ------------------------------------------------------------------ oneself
def choose_language(ex: Exchange, argument: str, position: int = 0) -> None:
    """Change the language at any question. The open form goes on in it.

    `argument` is one of the bot's languages. Or it is a version of a form, and `position` is one of that form's
    languages. Then only forms are asked in that language.
    """
    of_forms = _only_in_forms(ex)
    chosen = of_forms.get((argument, position))
    if argument not in LANGUAGES and chosen is None:
        _offer_languages(ex, of_forms)
        return  # the open form stays open: the next typed text still answers it
    if chosen is None:
        set_language(ex.actor, argument)
        ex.language = argument
        offer_menu(ex)
        ex.toast = ex.say("language.changed")
    else:
        set_form_language(ex.actor, chosen[0])
        ex.toast = ex.say("language.forms_changed", language=chosen[1])
    ex.visit.person = ex.person._replace(language=ex.language, form_language=chosen[0] if chosen else "")
    if not ex.person.has_accepted_privacy:
        privacy(ex)
    elif ex.visit.session is not None:
        resume(ex, ex.visit.session)
    else:
        menu(ex)


def _offer_languages(ex: Exchange, of_forms: Mapping[tuple[str, int], tuple[str, str]]) -> None:
    lines = [line(ex.say("language.choose"))]
    rows = [(Button(language_name(code), tap(Route.LANGUAGE, code)),) for code in LANGUAGES]
    if of_forms:
        lines.append(line(italic(ex.say("language.of_forms"))))
        rows += [(Button(name[:30], tap(Route.LANGUAGE, *which)),) for which, (_, name) in of_forms.items()]
    ex.show(Card(tuple(lines), tuple(rows)), anew=ex.visit.session is not None)


def _only_in_forms(ex: Exchange) -> dict[tuple[str, int], tuple[str, str]]:
    """Languages that only published forms speak, each once.

    (version of a form, position of the language in it) → (code, name).
    """
    found: dict[str, tuple[tuple[str, int], str]] = {}
    for version in ex.unit.forms.list(ex.membership.plan_id):
        form = ex.house.forms.version(ex.unit, version.id)
        for language in form.only_its_own():
            which = (str(version.id), form.languages.index(language))
            found.setdefault(form.code_of(language) or language.casefold(), (which, language))
    return {which: (code, name) for code, (which, name) in found.items()}


def privacy(ex: Exchange, step: str = "") -> None:
    """Show the privacy notice before anything else: totals only, no names; and the data stored about the person."""
    if step == "accept":
        ex.pass_on(accept_privacy(ex.actor))
        menu(ex)
        return
    if step in ("data", "more"):
        lines = paragraph(ex.say("start.data_notice" if ex.is_reporter else "start.data_notice.reads"))
        rows = [(Button(ex.say("privacy.agree"), tap(Route.PRIVACY, "accept"), "primary"),)]
        if step == "more":
            lines += paragraph(ex.say("privacy.details"))
        else:
            rows.append((Button(ex.say("privacy.more"), tap(Route.PRIVACY, "more")),))
        ex.show(Card(lines, tuple(rows)))
        return
    lines = (*paragraph(_joined(ex)), line(""), *paragraph(ex.say("start.privacy")))
    ex.show(Card(lines, ((Button(ex.say("privacy.understood"), tap(Route.PRIVACY, "data"), "primary"),),)))


def welcome_words(role: str, plan: Plan, language: str) -> str:
    """Say what the bot is and does for this role, and ask for the language."""
    key = "start.welcome" if role in REPORTERS else f"start.welcome.{role}"
    return wording(language)(key, plan=translated(plan.name, language))


def _joined(ex: Exchange) -> str:
    membership = ex.membership
    agency = ex.unit.plans.agency_by_id(membership.agency_id) if membership.agency_id else None
    colleague = ex.say("joined.nobody")
    if membership.role in REPORTERS and membership.agency_id is not None:
        everybody = ex.unit.people.of_agency(membership.plan_id, membership.agency_id)
        others = (each.name for each in everybody if each.memberships[0].role in REPORTERS - {membership.role})
        colleague = next(others, colleague)
    return ex.say(
        f"joined.{membership.role}",
        name=ex.person.name,
        agency=agency.name.get(ex.language, agency.code) if agency else ex.say("unit.no_agency"),
        colleague=colleague,
    )


HELP_SHOWN: Final = 5
"""Commands on the first page of the help. With its other lines it has eight at most, which fit a small phone."""


def show_help(ex: Exchange, page: str = "", *, key: str = "help.title") -> None:
    """Show what this role does most, and behind *Más* its other commands. Both are made from the table of permissions.

    The person reads it on the first screen or a tap away from it, so it leaves out the commands of both.
    """
    role, is_contributor = Role(ex.membership.role), ex.membership.is_contributor
    listed = [
        f"/{one.name_in(ex.language)} · {ex.say(f'command.{one.route}')}"
        for one in menu_permissions(role, is_contributor=is_contributor)
        if ex.allows(one.route) and one.route not in (Route.START, Route.HELP)
    ]
    if page == "more":
        lines = [line(bold(ex.say("help.more"))), *map(line, listed[HELP_SHOWN:])]
        lines += [line(""), line(ex.say("help.form"))] if ex.is_reporter else []
        ex.offer(Card(tuple(lines), ((Button(ex.say("nav.back"), tap(Route.HELP)), home_button(ex.say)),)))
        return
    people = whom_to_ask(ex.unit, ex.language, ex.membership, ex.person.id)
    lines = [line(bold(ex.say(key))), *map(line, listed[:HELP_SHOWN])]
    lines += [line(""), line(ex.say("help.person", people=people))]
    ex.offer(Card(tuple(lines), ((Button(ex.say("home.more"), tap(Route.HELP, "more")), home_button(ex.say)),)))


def offer_menu(ex: Exchange) -> None:
    """Set the command menu of this chat in Telegram: the commands of the role, in the person's language."""
    role, is_contributor = Role(ex.membership.role), ex.membership.is_contributor
    ex.post("setMyCommands", menu_of(ex.chat_id, role, ex.language, is_contributor=is_contributor), kind="notice")
