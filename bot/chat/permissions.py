"""Who may do what: one literal table. A route that is not in it does not exist; what it does not grant is denied (S2).

Roles change and phones are handed on, so a button that was drawn for somebody proves nothing. `allows` is asked inside
the transaction of every command and every tap, with the role as it is in the database at that moment. /help, the
command menu of each role and language, and the access matrix are made from this table. `bot/commands.py` binds each
route to its handler.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

from conversations.languages import phrases, phrases_of_all
from conversations.plan.model import ANSWERERS, Role
from conversations.routes import Route
from conversations.wording import wording

ENROLLED = frozenset(Role)
REPORTERS = frozenset({Role.FOCAL_POINT, Role.ALTERNATE})
ADMINS = frozenset({Role.ADMIN})
COORDINATORS = frozenset({Role.COORDINATOR})
OBSERVERS = frozenset({Role.OBSERVER})
CHIEFS = ADMINS | COORDINATORS
JUDGES = frozenset(ANSWERERS)
EXPORT_TAKERS = CHIEFS | frozenset({Role.OBSERVER, Role.READER})

Reach = Literal["self", "own_agency", "plan"]
"""How far a permission reaches: the person's own data and drafts, the items of their agency, or the whole plan."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One row: a route, who may take it, how far it reaches, and how it is found.

    `kind`: listed in Telegram's command menu and in /help, or only typed, or only a button. The words that people type
    for it are in the `language.po` of each language (`named.…`).
    """

    route: Route
    roles: frozenset[Role]
    reach: Reach
    kind: Literal["menu", "typed", "button"] = "menu"
    unlisted: frozenset[Role] = frozenset()
    """Roles that may use it, but need it too seldom for a line in their menu and help."""
    looks_people_up: bool = False
    """Whether a person's name may be typed here. Everywhere else, text with personal data is refused first."""
    also_contributors: bool = False
    """Whether an observer with the right to report may use it, for the indicators that their agency leads."""

    @property
    def is_typed(self) -> bool:
        return self.kind != "button"

    @property
    def in_menu(self) -> bool:
        return self.kind == "menu"

    def is_listed_for(self, role: str, *, is_contributor: bool = False) -> bool:
        """Whether the menu and help of this role list it."""
        is_used = role not in self.unlisted or (self.also_contributors and is_contributor)
        return self.in_menu and is_used and self.is_for(role, is_contributor=is_contributor)

    def is_for(self, role: str, *, is_contributor: bool = False) -> bool:
        """Whether somebody with this role may use it, with or without the right to report."""
        return role in self.roles or (self.also_contributors and is_contributor)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that people type for it, in all languages. Empty for a button."""
        return phrases_of_all(f"named.{self.route}") if self.is_typed else ()

    def name_in(self, language: str) -> str:
        """The word that people of this language type and that their menus show."""
        return phrases(language, f"named.{self.route}")[0]


class Member(Protocol):
    """A person who asks, with their present role in the plan."""

    @property
    def role(self) -> str: ...
    @property
    def agency_id(self) -> int | None: ...
    @property
    def is_contributor(self) -> bool: ...


PERMISSIONS: tuple[Permission, ...] = (
    Permission(Route.START, ENROLLED, "self"),
    Permission(Route.DUE, REPORTERS, "own_agency"),
    Permission(
        Route.REPORT,
        REPORTERS,
        "own_agency",
        also_contributors=True,
    ),
    Permission(Route.INDICATORS, REPORTERS, "own_agency", also_contributors=True),
    Permission(Route.HISTORY, REPORTERS, "own_agency", also_contributors=True),
    Permission(Route.CLOSE, REPORTERS, "own_agency"),
    Permission(Route.REFERRALS, REPORTERS, "own_agency"),
    Permission(Route.DIGEST, ENROLLED, "plan"),
    Permission(Route.DELEGATE, REPORTERS, "own_agency"),
    Permission(Route.QUEUE, COORDINATORS, "plan"),
    Permission(Route.STATUS, ADMINS, "plan"),
    Permission(Route.INVITE, ADMINS, "plan"),
    Permission(Route.PEOPLE, CHIEFS, "plan", looks_people_up=True),
    Permission(Route.SEARCH, EXPORT_TAKERS, "plan"),
    Permission(Route.CHASE, CHIEFS, "plan"),
    Permission(Route.PROGRESS, CHIEFS, "plan"),
    Permission(Route.LETTERS, COORDINATORS, "plan"),
    Permission(Route.SCHEDULES, ADMINS, "plan"),
    Permission(Route.EXPORT, EXPORT_TAKERS, "plan"),
    Permission(Route.TOKENS, ADMINS, "plan", kind="typed"),
    Permission(Route.HOLIDAYS, ADMINS, "plan"),
    Permission(Route.PERIODS, CHIEFS, "plan"),
    Permission(Route.AUDIT, REPORTERS | CHIEFS, "plan", unlisted=REPORTERS),
    Permission(Route.PAUSE, REPORTERS | CHIEFS, "plan"),
    Permission(Route.AGENCIES, ADMINS, "plan"),
    Permission(Route.FORMS, ADMINS | REPORTERS, "plan", unlisted=REPORTERS),
    Permission(Route.PLAN, ENROLLED, "plan", unlisted=REPORTERS),
    Permission(Route.RECEIVERS, ADMINS, "plan", kind="typed"),
    Permission(Route.RECEIVER, ADMINS, "plan", kind="button", looks_people_up=True),
    Permission(Route.BALANCE, ENROLLED, "plan", kind="typed"),
    Permission(Route.EVALUATE, JUDGES, "plan", kind="typed"),
    Permission(Route.END_PLAN, ADMINS, "plan", kind="button"),
    Permission(Route.IMPORT, ADMINS, "plan", kind="button"),
    Permission(Route.UNDO_IMPORT, ADMINS, "plan", kind="button"),
    Permission(Route.WORKBOOK, CHIEFS, "plan", kind="button"),
    Permission(Route.COMMENT, OBSERVERS, "plan"),
    Permission(Route.COMMENTS, OBSERVERS | {Role.COORDINATOR}, "plan"),
    Permission(Route.PROPOSE, REPORTERS, "own_agency", kind="button"),
    Permission(Route.CHANGES, COORDINATORS, "plan", kind="button"),
    Permission(Route.CONTRIBUTION, ADMINS, "plan", kind="button"),
    Permission(Route.PREFERENCES, ENROLLED, "self"),
    Permission(Route.MY_DATA, ENROLLED, "self"),
    Permission(Route.LANGUAGE, ENROLLED, "self"),
    Permission(Route.CANCEL, JUDGES, "self", unlisted=JUDGES - REPORTERS, also_contributors=True),
    Permission(Route.HELP, ENROLLED, "self"),
    Permission(Route.HOME, ENROLLED, "self", kind="typed"),
    Permission(Route.PLANS, ENROLLED, "self", kind="typed"),
    Permission(Route.BEGIN, REPORTERS, "own_agency", kind="button"),
    Permission(Route.POSTPONE, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Permission(Route.NOTHING_NEW, REPORTERS, "own_agency", kind="button"),
    Permission(Route.EXPLAIN, REPORTERS, "own_agency", kind="button"),
    Permission(Route.LEAVE_POST, REPORTERS, "own_agency", kind="button"),
    Permission(Route.RELIEVE, CHIEFS, "plan", kind="button"),
    Permission(Route.PROMOTE, CHIEFS, "plan", kind="button"),
    Permission(Route.SUCCEED, CHIEFS, "plan", kind="button"),
    Permission(Route.OFFERED_ROLE, ENROLLED, "self", kind="button"),
    Permission(Route.GO_ON, ENROLLED, "self", kind="button"),
    Permission(Route.ASK_REOPENING, REPORTERS, "own_agency", kind="button"),
    Permission(Route.REOPEN, CHIEFS, "plan", kind="button"),
    Permission(Route.MOVE_PERIOD, CHIEFS, "plan", kind="button"),
    Permission(Route.STOP_BROADCAST, CHIEFS, "plan", kind="button"),
    Permission(Route.RECEIPT, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Permission(Route.CORRECT, JUDGES, "own_agency", kind="button"),
    Permission(Route.CONTINUE, JUDGES, "self", kind="button"),
    Permission(Route.DISCARD, JUDGES, "self", kind="button"),
    Permission(Route.TAKE_OVER, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Permission(Route.VERSIONS, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Permission(Route.REPLY, REPORTERS, "own_agency", kind="button", also_contributors=True),
    Permission(Route.REMARK, COORDINATORS, "plan", kind="button"),
    Permission(Route.SENT_REPORT, COORDINATORS, "plan", kind="button"),
    Permission(Route.SENT_FILE, COORDINATORS, "plan", kind="button"),
    Permission(Route.VALIDATE, COORDINATORS, "plan", kind="button"),
    Permission(Route.SEND_BACK, COORDINATORS, "plan", kind="button"),
    Permission(Route.AGENCY_DIGEST, ENROLLED, "plan", kind="button"),
    Permission(Route.ACTIVITY, ENROLLED, "plan", kind="button"),
    Permission(Route.INDICATOR_DIGEST, frozenset(Role) - REPORTERS, "plan", kind="button"),
    Permission(Route.LATE, frozenset(Role) - REPORTERS, "plan", kind="button"),
    Permission(Route.EVIDENCE, ENROLLED, "plan", kind="button"),
    Permission(Route.DECISION, frozenset({Role.READER}), "plan", kind="button"),
    Permission(Route.VACANCY, COORDINATORS, "plan", kind="button"),
    Permission(Route.PERSON, CHIEFS, "plan", kind="button"),
    Permission(Route.CHANGE_ROLE, ADMINS, "plan", kind="button"),
    Permission(Route.SUSPEND, ADMINS, "plan", kind="button"),
    Permission(Route.RESTORE, ADMINS, "plan", kind="button"),
    Permission(Route.AGENCY, ADMINS, "plan", kind="button"),
    Permission(Route.SETTING, ADMINS, "plan", kind="button", looks_people_up=True),
    Permission(Route.LINKS, ADMINS, "plan", kind="button"),
    Permission(Route.ROLE_REQUESTS, ADMINS, "plan", kind="button"),
    Permission(Route.ROLE_REQUEST, ADMINS, "plan", kind="button"),
    Permission(Route.FORM, ADMINS, "plan", kind="button"),
    Permission(Route.PUBLISH, ADMINS, "plan", kind="button"),
    Permission(Route.FILL, REPORTERS, "own_agency", kind="button"),
    Permission(Route.PRIVACY, ENROLLED, "self", kind="button"),
)

_OF = {permission.route: permission for permission in PERMISSIONS}
_NAMED = {str(route): route for route in Route}


def permission_of(route: Route) -> Permission:
    """The row of a route."""
    return _OF[route]


def allows(route: Route, member: Member) -> bool:
    """Whether this member may take this route with the role that they have now."""
    permission = _OF[route]
    if permission.reach == "own_agency" and member.agency_id is None:
        return False
    return permission.is_for(member.role, is_contributor=member.is_contributor)


def find(word: str) -> Route | None:
    """The route that people mean by this word, in any language."""
    return _typed().get(word)


@cache
def _typed() -> Mapping[str, Route]:
    return {word: permission.route for permission in PERMISSIONS for word in permission.words}


def read_route(name: str) -> Route | None:
    """The route that a button names. None if no button of ours names it."""
    return _NAMED.get(name)


def menu_permissions(role: Role, *, is_contributor: bool = False) -> Iterator[Permission]:
    """The rows of the command menu of a role, in the table's order: what it does most comes first."""
    return (one for one in PERMISSIONS if one.is_listed_for(role, is_contributor=is_contributor))


def telegram_menu(role: Role, language: str, *, is_contributor: bool = False) -> list[tuple[str, str]]:
    """Telegram's command menu of a role in a language: (command, description)."""
    say = wording(language)
    listed = menu_permissions(role, is_contributor=is_contributor)
    return [(one.name_in(language), say(f"command.{one.route}")) for one in listed]


def menu_of(chat_id: int, role: Role, language: str, *, is_contributor: bool = False) -> dict[str, Any]:
    """Parameters of setMyCommands for one chat.

    The menu is set for the chat, not for a language: Telegram's apps have no Creole, and a person's choice here counts.
    """
    menu = telegram_menu(role, language, is_contributor=is_contributor)
    listed = [{"command": name, "description": what} for name, what in menu]
    return {"commands": listed, "scope": {"type": "chat", "chat_id": chat_id}}
