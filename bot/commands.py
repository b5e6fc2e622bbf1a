"""COMMANDS: everything a person can ask for, by typing or by button, and who may (S2).

One literal table, read from top to bottom: /help, the command menu of each role and language, and the access
matrix derive from it. What is not in it does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bot import (
    administration,
    agencies,
    auditing,
    digests,
    escalation,
    exporting,
    home,
    importing,
    notices,
    observing,
    own_reports,
    periods,
    planning,
    posts,
    preferences,
    returns,
    reviewing,
    schedules,
    status,
)
from bot.access import ENROLLED, REPORTERS, Reach, may
from bot.exchange import Exchange
from bot.publishing import decide, fill, show_form, show_forms
from bot.reporting import resume
from conversations.cards import Button, Card, Line, bold, line, paragraph
from conversations.plan import Role
from conversations.wording import LANGUAGE_NAMES, LANGUAGES, wording

Handler = Callable[[Exchange, str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One row: its name (Spanish), its aliases, who may, over what, and what it does.

    `kind`: listed in Telegram's command menu and in /help, or only typed as /name, or only a button.
    """

    name: str
    handler: Handler
    roles: frozenset[Role]
    reach: Reach
    aliases: tuple[str, ...] = ()
    kind: Literal["menu", "typed", "button"] = "menu"
    takes_words: bool = False
    """Whether what is typed after the name is for the handler; else only its buttons carry an argument."""
    hears: Callable[[Exchange, str, str], None] | None = None
    """Gets (exchange, argument, text) when the chat stands awaiting `name:argument` and somebody types."""
    looks_people_up: bool = False
    """Whether a name or number may be typed to it; everywhere else personal data is refused before it is heard."""
    also_contributors: bool = False
    """Whether an observer with the right to report may too, over the indicators that their agency leads."""

    @property
    def is_typed(self) -> bool:
        return self.kind != "button"

    @property
    def in_menu(self) -> bool:
        return self.kind == "menu"

    def is_for(self, role: str, *, is_contributor: bool = False) -> bool:
        """Whether somebody with this role, and that right, may."""
        return may(role, self.roles) or (self.also_contributors and is_contributor)

    def allows(self, ex: Exchange) -> bool:
        """Whether whoever is being answered may, by their role as it is now."""
        return self.is_for(ex.membership.role, is_contributor=ex.membership.is_contributor)


# ------------------------------------------------------------------ the first screen
def start(ex: Exchange, argument: str) -> None:
    """The first screen; and Telegram's own menu is what the role may do, however it came by its role."""
    offer_menu(ex)
    menu(ex)


def menu(ex: Exchange, argument: str = "") -> None:
    """The first screen of a role. A focal point's is the due list itself: reporting begins with one tap."""
    if argument == "new":
        ex.forget_card()
    if ex.membership.role in REPORTERS:
        own_reports.pending(ex, "")
        return
    home.home(ex, {command.name for command in COMMANDS if command.allows(ex)})


# ------------------------------------------------------------------ oneself
def choose_language(ex: Exchange, argument: str) -> None:
    """Change language, at any question: the open form goes on in it."""
    if argument not in LANGUAGES:
        rows = tuple((Button(LANGUAGE_NAMES[code], f"command:idioma:{code}"),) for code in LANGUAGES)
        ex.show(Card((line(ex.say("language.choose")),), rows), anew=ex.visit.session is not None)
        return  # the open form stays open: what is typed next still answers it
    ex.unit.people.set_language(ex.person.id, argument)
    ex.language = argument
    offer_menu(ex)
    ex.toast = ex.say("language.changed")
    if not ex.person.has_accepted_privacy:
        privacy(ex, "")
    elif ex.visit.session is not None:
        resume(ex, ex.visit.session)
    else:
        menu(ex)


def privacy(ex: Exchange, argument: str) -> None:
    """The notice before anything else: totals only, no names; then what is kept about oneself."""
    if argument == "accept":
        ex.unit.people.accept_privacy(ex.person.id, ex.now)
        menu(ex)
        return
    if argument in ("data", "more"):
        lines = paragraph(ex.say("start.data_notice"))
        rows = [(Button(ex.say("privacy.agree"), "command:privacidad:accept", "primary"),)]
        if argument == "more":
            lines += paragraph(ex.say("privacy.details"))
        else:
            rows.append((Button(ex.say("privacy.more"), "command:privacidad:more"),))
        ex.show(Card(lines, tuple(rows)))
        return
    lines = (*paragraph(_joined(ex)), line(""), *paragraph(ex.say("start.privacy")))
    ex.show(Card(lines, ((Button(ex.say("privacy.understood"), "command:privacidad:data", "primary"),),)))


def _joined(ex: Exchange) -> str:
    membership = ex.membership
    agency = ex.unit.plans.agency_by_id(membership.agency_id) if membership.agency_id else None
    colleague = ex.say("joined.nobody")
    if membership.role in REPORTERS and membership.agency_id is not None:
        everybody = ex.unit.people.of_agency(membership.plan_id, membership.agency_id)
        others = (each.name for each in everybody if each.memberships[0].role != membership.role)
        colleague = next(others, colleague)
    return ex.say(
        f"joined.{membership.role}",
        name=ex.person.name,
        agency=agency.name.get(ex.language, agency.code) if agency else ex.say("unit.no_agency"),
        colleague=colleague,
    )


def show_help(ex: Exchange, argument: str) -> None:
    """What this role can do, from the table itself."""
    key = {"unknown": "help.unknown"}.get(argument, "help.title")
    lines: list[Line] = [line(bold(ex.say(key)))]
    for command in COMMANDS:
        if command.in_menu and command.allows(ex):
            lines.append(line(f"/{shown_name(command, ex.language)} · {ex.say(f'command.{command.name}')}"))
    if ex.is_reporter:
        lines += [line(""), line(ex.say("help.form"))]
    rows = ((Button(ex.say("menu.home"), "command:menu:"),),)
    ex.show(Card(tuple(lines), rows))
    ex.stand(None)


_ADMINS = frozenset({Role.ADMIN})
_COORDINATORS = frozenset({Role.COORDINATOR})
_OBSERVERS = frozenset({Role.OBSERVER})
_CHIEFS = frozenset({Role.ADMIN, Role.COORDINATOR})

COMMANDS: tuple[Command, ...] = (
    Command("start", start, ENROLLED, "self"),
    Command("pendientes", own_reports.pending, REPORTERS, "own_agency", ("pending", "rete")),
    Command(
        "reportar",
        own_reports.report,
        REPORTERS,
        "own_agency",
        ("report", "rapote"),
        takes_words=True,
        also_contributors=True,
    ),
    Command(
        "indicadores",
        own_reports.indicators,
        REPORTERS,
        "own_agency",
        ("indicators", "endikate"),
        also_contributors=True,
    ),
    Command("referimientos", own_reports.referrals, REPORTERS, "own_agency", ("referrals", "referans")),
    Command("historial", own_reports.history, REPORTERS, "own_agency", ("history", "istwa"), also_contributors=True),
    Command("cerrar", own_reports.close, REPORTERS, "own_agency", ("close", "femen")),
    Command("resumen", digests.summary, ENROLLED, "plan", ("summary", "rezime")),
    Command("delegar", posts.delegate, REPORTERS, "own_agency", ("delegate", "delege"), hears=posts.delegate_until),
    Command("revisar", reviewing.queue, _COORDINATORS, "plan", ("review", "revize")),
    Command("progreso", home.progress, _CHIEFS, "plan", ("progress", "pwogre")),
    Command("recordar", notices.chase, _CHIEFS, "plan", ("remind", "raple")),
    Command("oficio", escalation.escalate, _COORDINATORS, "plan", ("letters", "let")),
    Command("programar", schedules.schedules, _ADMINS, "plan", ("schedule", "pwograme"), hears=schedules.hear_zone),
    Command("exportar", exporting.export, exporting.TAKERS, "plan", ("export", "ekspote"), takes_words=True),
    Command(
        "calendario",
        schedules.calendar,
        _ADMINS,
        "plan",
        ("calendar", "kalandriye"),
        takes_words=True,
        hears=schedules.hear_day,
    ),
    Command("periodo", periods.periods, _CHIEFS, "plan", ("period", "peryod")),
    Command("estado", status.status, _ADMINS, "plan", ("status", "eta")),
    Command(
        "auditoria",
        auditing.log,
        REPORTERS | _CHIEFS,
        "plan",
        ("auditlog", "jounal"),
        takes_words=True,
        hears=auditing.hear_day,
    ),
    Command("pausar", notices.pause, REPORTERS | _CHIEFS, "plan", ("pause", "poze")),
    Command(
        "personas",
        administration.people,
        _CHIEFS,
        "plan",
        ("people", "moun"),
        hears=administration.search,
        looks_people_up=True,
    ),
    Command("instituciones", agencies.agencies, _ADMINS, "plan", ("agencies", "enstitisyon")),
    Command("invitar", administration.invite, _ADMINS, "plan", ("invite", "envite")),
    Command("formularios", show_forms, _ADMINS | REPORTERS, "plan", ("forms", "fomile")),
    Command("plan", planning.plan, ENROLLED, "plan", ("workplan", "plan_aksyon")),
    Command("importar", importing.decide, _ADMINS, "plan", kind="button"),
    Command("deshacer", importing.undo, _ADMINS, "plan", kind="button"),
    Command("libro", importing.download, importing.CHIEFS, "plan", kind="button"),
    Command(
        "comentar",
        observing.comment,
        _OBSERVERS,
        "plan",
        ("comment", "komante"),
        takes_words=True,
        hears=observing.hear_comment,
    ),
    Command(
        "comentarios",
        observing.comments,
        _OBSERVERS | {Role.COORDINATOR},
        "plan",
        ("comments", "komante_yo"),
        hears=observing.hear_answer,
    ),
    Command("aporta", observing.contribution, _ADMINS, "plan", kind="button"),
    Command("ajustes", preferences.preferences, ENROLLED, "self", ("settings", "reglaj"), hears=preferences.hear_zone),
    Command("misdatos", preferences.my_data, ENROLLED, "self", ("mydata", "donem")),
    Command("idioma", choose_language, ENROLLED, "self", ("language", "lang"), takes_words=True),
    Command("cancelar", own_reports.cancel, REPORTERS, "self", ("cancel", "anile"), also_contributors=True),
    Command("ayuda", show_help, ENROLLED, "self", ("help", "ed")),
    Command("menu", menu, ENROLLED, "self", ("meni",), kind="typed"),
    Command("empezar", notices.begin, REPORTERS, "own_agency", kind="button"),
    Command("posponer", notices.postpone, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Command("novedades", notices.nothing_new, REPORTERS, "own_agency", kind="button"),
    Command("explicar", notices.explain, REPORTERS, "own_agency", kind="button"),
    Command("relevo", posts.leave_post, REPORTERS, "own_agency", kind="button"),
    Command("relevar", posts.relieve, _CHIEFS, "plan", kind="button"),
    Command("suplente", posts.promote, _CHIEFS, "plan", kind="button"),
    Command("sucesor", posts.succeed, _CHIEFS, "plan", kind="button"),
    Command("aceptar", posts.decide_offer, ENROLLED, "self", kind="button"),
    Command("reapertura", periods.ask, REPORTERS, "own_agency", kind="button", hears=periods.ask_because),
    Command("reabrir", periods.reopen, _CHIEFS, "plan", kind="button", hears=periods.reopen_because),
    Command("plazos", periods.move, _CHIEFS, "plan", kind="button"),
    Command("detener", notices.stop, _CHIEFS, "plan", kind="button"),
    Command("recibo", own_reports.receipt, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Command("corregir", own_reports.correction, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Command("continuar", own_reports.go_on, REPORTERS, "self", kind="button", also_contributors=True),
    Command("descartar", own_reports.discard, REPORTERS, "self", kind="button", also_contributors=True),
    Command("tomar", own_reports.take, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Command("versiones", own_reports.versions, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Command(
        "responder",
        returns.reply,
        REPORTERS,
        "own_agency",
        kind="button",
        also_contributors=True,
        hears=returns.hear_reply,
    ),
    Command("revision", reviewing.item, _COORDINATORS, "plan", kind="button"),
    Command("prueba", reviewing.evidence, _COORDINATORS, "plan", kind="button"),
    Command("validar", reviewing.validate, _COORDINATORS, "plan", kind="button"),
    Command("devolver", reviewing.send_back, _COORDINATORS, "plan", kind="button", hears=reviewing.hear_why),
    Command("institucion", digests.agency, ENROLLED, "plan", kind="button"),
    Command("avance", digests.activity, ENROLLED, "plan", kind="button"),
    Command("metas", digests.indicators, frozenset(Role) - REPORTERS, "plan", kind="button"),
    Command("evidencia", digests.evidence, ENROLLED, "plan", kind="button"),
    Command("decision", digests.decision, frozenset({Role.READER}), "plan", kind="button"),
    Command("vacante", digests.vacancy, _COORDINATORS, "plan", kind="button"),
    Command("persona", administration.person, _CHIEFS, "plan", kind="button"),
    Command("funcion", administration.change_role, _ADMINS, "plan", kind="button"),
    Command("suspender", administration.suspend, _ADMINS, "plan", kind="button"),
    Command("restaurar", administration.restore, _ADMINS, "plan", kind="button"),
    Command("agencia", agencies.agency, _ADMINS, "plan", kind="button", hears=agencies.hear),
    Command(
        "ajuste",
        preferences.settings,
        _ADMINS,
        "plan",
        kind="button",
        hears=preferences.hear_setting,
        looks_people_up=True,
    ),
    Command("enlaces", administration.links, _ADMINS, "plan", kind="button"),
    Command("solicitudes", administration.requests, _ADMINS, "plan", kind="button"),
    Command("solicitud", administration.decide, _ADMINS, "plan", kind="button"),
    Command("formulario", show_form, _ADMINS, "plan", kind="button"),
    Command("publicar", decide, _ADMINS, "plan", kind="button"),
    Command("llenar", fill, REPORTERS, "own_agency", kind="button"),
    Command("privacidad", privacy, ENROLLED, "self", kind="button"),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


def find(name: str) -> Command | None:
    """The command of this name or alias."""
    return _BY_NAME.get(name)


def shown_name(command: Command, language: str) -> str:
    """The name people of this language type: Spanish, or its English or Creole alias."""
    position = LANGUAGES.index(language) if language in LANGUAGES else 0
    names = (command.name, *command.aliases)
    return names[position] if position < len(names) else command.name


def offer_menu(ex: Exchange) -> None:
    """Telegram's own command menu of this chat: what the role may do, in the person's language."""
    role, is_contributor = Role(ex.membership.role), ex.membership.is_contributor
    ex.post("setMyCommands", menu_of(ex.chat_id, role, ex.language, is_contributor=is_contributor), kind="notice")


def menu_of(chat_id: int, role: Role, language: str, *, is_contributor: bool = False) -> dict[str, Any]:
    """Parameters of setMyCommands for one chat.

    Of the chat, not of a language of Telegram's apps: they have no Creole, and who chose Spanish here reads Spanish.
    """
    menu = telegram_menu(role, language, is_contributor=is_contributor)
    listed = [{"command": name, "description": what} for name, what in menu]
    return {"commands": listed, "scope": {"type": "chat", "chat_id": chat_id}}


def telegram_menu(role: Role, language: str, *, is_contributor: bool = False) -> list[tuple[str, str]]:
    """Telegram's command menu of a role in a language: (command, description)."""
    say = wording(language)
    return [
        (shown_name(command, language), say(f"command.{command.name}"))
        for command in COMMANDS
        if command.in_menu and command.is_for(role, is_contributor=is_contributor)
    ]
