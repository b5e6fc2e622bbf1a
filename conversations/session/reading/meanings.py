"""What a text at rest may mean, as data: where each meaning leads, and what is special about some of them.

The words of each meaning are in the `language.po` of each language: `said.…`, and the names of commands.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from conversations.routes import Route


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a meaning leads. Of several routes, the first one that the person may take is used."""

    routes: tuple[Route, ...] = ()
    """Where a text that surely means it leads. Empty: it is answered in words."""
    button: tuple[Route, ...] = ()
    """Where the button leads that is offered if a text only seems to mean it."""
    is_told: bool = False
    """Whether words are the whole answer. If somebody meant something else, they do no harm."""


def _to(*routes: Route, button: tuple[Route, ...] = ()) -> Wish:
    return Wish(routes, button or routes)


def _answered(*button: Route) -> Wish:
    return Wish(button=button)


def _told(*button: Route) -> Wish:
    return Wish(button=button, is_told=True)


WISHES: Final[Mapping[str, Wish]] = {
    "pendientes": _to(Route.DUE, Route.INDICATORS, Route.PROGRESS, Route.DIGEST),
    "historial": _to(Route.HISTORY, Route.QUEUE, Route.DIGEST),
    "returned": _to(Route.HISTORY, Route.QUEUE),
    "progreso": _to(Route.PROGRESS, Route.DIGEST),
    "comentar": _to(Route.COMMENT, Route.EXPLAIN),
    "comentarios": _to(Route.COMMENTS, Route.COMMENT, Route.HISTORY),
    "calendario": _to(Route.HOLIDAYS, Route.PERIODS, Route.DUE),
    "indicadores": _to(Route.INDICATORS, Route.INDICATOR_DIGEST),
    "figures": _to(Route.INDICATOR_DIGEST, Route.HISTORY),
    "pausar": _to(Route.PAUSE, Route.PREFERENCES),
    "nothing_new": _to(Route.NOTHING_NEW),
    "buscar": _to(Route.SEARCH, Route.PLAN),
    "exportar": _to(Route.EXPORT, Route.HISTORY),
    "invitar": _to(Route.INVITE, Route.DELEGATE, button=(Route.INVITE, Route.DELEGATE, Route.PEOPLE)),
    "personas": _to(Route.PEOPLE, Route.DELEGATE),
    "delegar": _to(Route.DELEGATE, Route.PEOPLE),
    "revisar": _to(Route.QUEUE, Route.HISTORY, Route.PROGRESS),
    "cerrar": _to(Route.CLOSE, Route.PERIODS),
    "periodo": _to(Route.PERIODS, Route.DUE),
    "programar": _to(Route.SCHEDULES, Route.PREFERENCES),
    "auditoria": _to(Route.AUDIT, Route.DIGEST),
    "instituciones": _to(Route.AGENCIES, Route.PROGRESS, Route.DIGEST),
    "estado": _to(Route.STATUS, Route.HELP),
    "my_agency": _to(Route.DIGEST, Route.AGENCY_DIGEST, button=(Route.AGENCY_DIGEST, Route.DIGEST)),
    "late": _to(Route.DUE, Route.LATE),
    "recordar": _to(Route.CHASE, button=(Route.CHASE, Route.POSTPONE)),
    "greeting": _answered(),
    "thanks": _answered(),
    "agreed": _answered(),
    "chat": _answered(),
    "cancelar": _told(),
    "page": _answered(Route.EXPORT),
    "sent": _answered(Route.HISTORY, Route.QUEUE),
    "not_today": _answered(Route.POSTPONE),
    "away": _answered(Route.DELEGATE, Route.PAUSE),
    "not_me": _answered(Route.LEAVE_POST, Route.PEOPLE),
    "saved": _told(Route.HISTORY),
    "files": _told(Route.DUE),
    "told": _told(Route.DUE),
    "human": _told(Route.HELP),
    "access": _told(Route.HELP),
    "voice": _told(Route.HELP),
    "colours": _told(Route.DIGEST),
    "privacy": _told(Route.MY_DATA),
    "hours": _told(Route.PREFERENCES, Route.PAUSE),
    "erase": _told(Route.HISTORY),
    "victim": _told(Route.REFERRALS),
    "about": _told(Route.HELP, Route.MY_DATA),
}
"""Other meanings are the name of their route, and lead there alone."""


def wish_of(meaning: str) -> Wish:
    """Return where a meaning leads."""
    return WISHES.get(meaning) or _to(Route(meaning))


def is_harmless(meaning: str) -> bool:
    """Whether this meaning is answered in words that do no harm to who meant something else."""
    return wish_of(meaning).is_told or meaning in (HELP, MENU)


POLITE: Final = ("thanks", "greeting", "agreed")
"""If a text has several of these, the first one counts: "gracias, buenas tardes"."""
CHAT: Final = "chat"
"""What concerns nothing here."""
GREETING, AGREED, DONE = "greeting", "agreed", "told"
"""What asks how one is, if it is a question, agrees otherwise: "ça va". What was done, told where nothing is open."""
HELP, MENU = str(Route.HELP), str(Route.HOME)
"""Meanings with a route of their own that does no harm either."""
NOT_NOW: Final = ("not_today", "away")
"""Meanings with nearly the same answer: each offers a colleague, and tomorrow."""
OF_REPORTERS: Final = ("sent", "not_today", "saved", "files", "nothing_new")
"""Meanings that only somebody who reports can have."""
OF_OTHERS: Final = ("recordar", "invitar", "personas", "revisar", "exportar", "oficio", "periodo", "progreso")
"""Meanings that may concern an institution or activity named in the same text: both are offered."""
ABOUT_SOMEBODY: Final = ("victim", "told", "erase")
"""Meanings of texts that may name a victim."""
OF_AN_ITEM: Final = ("reportar", "buscar", "plan", "told")
"""Of these, what is wanted first is the activity that was named beside them."""
ABOUT_ITEMS: Final = ("reportar", "buscar", "plan", "pendientes", "historial")
"""Meanings that may be about an activity of which one word was said: "let me do the border one"."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a text. What they may do decides what they can mean."""

    allows: Callable[[Route], bool]
    is_reporter: bool

    def is_led_by(self, meaning: str) -> bool:
        """Whether a sentence with this meaning leads this person somewhere."""
        return not wish_of(meaning).routes or self.route_of(meaning) is not None

    def route_of(self, meaning: str) -> Route | None:
        """Return where this meaning leads this person. None if they may not go there, or it is answered in words."""
        return next(filter(self.allows, wish_of(meaning).routes), None)

    def may_do(self, meaning: str) -> bool:
        """Whether this person may do what the meaning is first of all about. A page is an export."""
        if meaning == "page":
            return self.allows(Route.EXPORT)
        return not wish_of(meaning).routes or self.allows(wish_of(meaning).routes[0])

    def apart(self, meanings: Iterable[str]) -> tuple[str, ...]:
        """Return these meanings without those that come to the same for this person as one before them."""
        once: dict[str, str] = {}
        for meaning in meanings:
            comes_to = NOT_NOW[0] if meaning in NOT_NOW else self.route_of(meaning) or meaning
            once.setdefault(comes_to, meaning)
        return tuple(once.values())
