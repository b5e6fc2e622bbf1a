"""What a text at rest may mean, as data: where each meaning leads, and what is special about some of them."""

from collections.abc import Mapping
from typing import Final

from conversations.routes import Route

ASKED: Mapping[str, tuple[Route, ...]] = {
    "pendientes": (Route.DUE, Route.INDICATORS, Route.PROGRESS, Route.DIGEST),
    "historial": (Route.HISTORY, Route.QUEUE, Route.DIGEST),
    "returned": (Route.HISTORY, Route.QUEUE),
    "progreso": (Route.PROGRESS, Route.DIGEST),
    "comentar": (Route.COMMENT, Route.EXPLAIN),
    "comentarios": (Route.COMMENTS, Route.COMMENT, Route.HISTORY),
    "calendario": (Route.HOLIDAYS, Route.PERIODS, Route.DUE),
    "indicadores": (Route.INDICATORS, Route.INDICATOR_DIGEST),
    "figures": (Route.INDICATOR_DIGEST, Route.HISTORY),
    "pausar": (Route.PAUSE, Route.PREFERENCES),
    "nothing_new": (Route.NOTHING_NEW,),
    "buscar": (Route.SEARCH, Route.PLAN),
    "exportar": (Route.EXPORT, Route.HISTORY),
    "invitar": (Route.INVITE, Route.DELEGATE),
    "personas": (Route.PEOPLE, Route.DELEGATE),
    "delegar": (Route.DELEGATE, Route.PEOPLE),
    "revisar": (Route.QUEUE, Route.HISTORY, Route.PROGRESS),
    "cerrar": (Route.CLOSE, Route.PERIODS),
    "periodo": (Route.PERIODS, Route.DUE),
    "programar": (Route.SCHEDULES, Route.PREFERENCES),
    "auditoria": (Route.AUDIT, Route.DIGEST),
    "instituciones": (Route.AGENCIES, Route.PROGRESS, Route.DIGEST),
    "estado": (Route.STATUS, Route.HELP),
    "my_agency": (Route.DIGEST, Route.AGENCY_DIGEST),
    "late": (Route.DUE, Route.LATE),
}
"""For each meaning, the routes it may lead to; the first that the person may take is used. Other meanings are the
name of their route.
"""
OF_OTHERS: Final = ("recordar", "invitar", "personas", "revisar", "exportar", "oficio", "periodo", "progreso")
"""Meanings that may concern an institution or activity named in the same text: both are offered."""

ANSWERED: Final = 0.9
"""The least weight of a wish in what looks like an answer: "I put 12, it should be 120"."""
CHAT: Final = "chat"
"""What concerns nothing here."""
GREETING, AGREED, DONE = "greeting", "agreed", "told"
"""What asks how one is, if it is a question, agrees otherwise: "ça va". What was done, told where nothing is open."""
NOT_NOW: Final = ("not_today", "away")
"""Meanings with nearly the same answer: each offers a colleague, and tomorrow."""
SELDOM: Final = 0.7
"""How much a meaning counts whose first route this reporter may not take."""
STATEMENT: Final = 5
"""Words that tell something at the least. What has fewer is a wish, or nothing."""
OF_REPORTERS: Final = ("sent", "not_today", "saved", "files", "nothing_new")
"""Meanings that only somebody who reports can have."""
ABOUT_SOMEBODY: Final = ("victim", "told", "erase")
"""Meanings of texts that may name a victim."""
OF_AN_ITEM: Final = ("reportar", "buscar", "plan", "told")
"""Of these, what is wanted first is the activity that was named beside them."""
ABOUT_ITEMS = ("reportar", "buscar", "plan", "pendientes", "historial")
"""Meanings that may be about an activity of which one word was said: "let me do the border one"."""

OFFERED: Mapping[str, tuple[Route, ...]] = {
    **ASKED,
    "not_me": (Route.LEAVE_POST, Route.PEOPLE),
    "sent": (Route.HISTORY, Route.QUEUE),
    "saved": (Route.HISTORY,),
    "not_today": (Route.POSTPONE,),
    "away": (Route.DELEGATE, Route.PAUSE),
    "files": (Route.DUE,),
    "human": (Route.HELP,),
    "access": (Route.HELP,),
    "colours": (Route.DIGEST,),
    "privacy": (Route.MY_DATA,),
    "recordar": (Route.CHASE, Route.POSTPONE),
    "my_agency": (Route.AGENCY_DIGEST, Route.DIGEST),
    "invitar": (Route.INVITE, Route.DELEGATE, Route.PEOPLE),
    "hours": (Route.PREFERENCES, Route.PAUSE),
    "erase": (Route.HISTORY,),
    "victim": (Route.REFERRALS,),
    "about": (Route.HELP, Route.MY_DATA),
    "told": (Route.DUE,),
    "voice": (Route.HELP,),
}
"""The routes that are offered if a text only seems to have this meaning."""
