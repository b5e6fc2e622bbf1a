"""The routes that a button can lead to, and how a button writes them.

A keyboard can be tapped for ever, on phones that we do not reach. So everything that a button carries is a promise: a
route's value never changes, and a button's pieces are read years later.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from typing import Literal, NewType, Protocol, cast

TapAction = Literal[
    "pick",  # choose the choice at this position (select_one), or the acknowledgement
    "on",  # mark a choice of a select_multiple; "off" takes the mark away. Both are idempotent
    "off",
    "done",  # the marked choices are the answer
    "page",  # show this page of choices, without changing anything
    "month",  # show this month of the calendar, YYYY-MM
    "day",  # answer with this date, YYYY-MM-DD
    "value",  # answer with this literal value (number buttons)
    "gather",  # the number a stepper shows now, or the hour of the day; nothing is answered yet
    "minute",  # answer with what was gathered and this minute
    "undo",  # take back what was gathered last: a rank, a point
    "add",  # one more instance of the repeat one stands behind
    "which",  # which instance to "edit" or to "remove"
    "change",  # the answers of the instance with this number
    "remove",  # the instance with this number, or the one the question stands in
    "read",  # of several ways to read what was typed, take this one
    "keep",  # the same as in the previous report
    "same",  # the whole report as the previous one
    "rest",  # leave the remaining numbers of the group as they are
    "skip",
    "back",
    "leave",  # keep the draft and go
    "list",  # from the review screen: which answer to change
    "edit",  # change the answer to the question with this number
    "review",  # back to the review screen
    "confirm",  # yes, change it, although other answers will no longer apply
    "cancel",  # no, leave it as it was
    "send",
]

ButtonTap = NewType("ButtonTap", str)
"""The act of a button, as text. Only the functions of this module make one."""
NO_TAP = ButtonTap("")
"""For a button that the phone itself answers."""
Part = str | int | date
"""One piece that a button carries. A day is written as YYYY-MM-DD."""


class Route(StrEnum):
    """Everything that a person can ask for outside a form. The value is the name of the command.

    The roles that may take a route, and its other names, are in `bot/chat/permissions.py`.
    """

    START = "start"
    DUE = "pendientes"
    REPORT = "reportar"
    INDICATORS = "indicadores"
    REFERRALS = "referimientos"
    HISTORY = "historial"
    CLOSE = "cerrar"
    DIGEST = "resumen"
    DELEGATE = "delegar"
    QUEUE = "revisar"
    PROGRESS = "progreso"
    CHASE = "recordar"
    LETTERS = "oficio"
    SCHEDULES = "programar"
    EXPORT = "exportar"
    TOKENS = "accesos"
    HOLIDAYS = "calendario"
    PERIODS = "periodo"
    STATUS = "estado"
    AUDIT = "auditoria"
    PAUSE = "pausar"
    PEOPLE = "personas"
    AGENCIES = "instituciones"
    INVITE = "invitar"
    FORMS = "formularios"
    PLAN = "plan"
    BALANCE = "balance"
    EVALUATE = "evaluar"
    END_PLAN = "fin"
    IMPORT = "importar"
    RECEIVERS = "receptores"
    RECEIVER = "receptor"
    UNDO_IMPORT = "deshacer"
    WORKBOOK = "libro"
    COMMENT = "comentar"
    COMMENTS = "comentarios"
    PROPOSE = "proponer"
    CHANGES = "cambios"
    CONTRIBUTION = "aporta"
    PREFERENCES = "ajustes"
    MY_DATA = "misdatos"
    LANGUAGE = "idioma"
    CANCEL = "cancelar"
    HELP = "ayuda"
    HOME = "menu"
    PLANS = "planes"
    SEARCH = "buscar"
    BEGIN = "empezar"
    POSTPONE = "posponer"
    NOTHING_NEW = "novedades"
    EXPLAIN = "explicar"
    LEAVE_POST = "relevo"
    RELIEVE = "relevar"
    PROMOTE = "suplente"
    SUCCEED = "sucesor"
    OFFERED_ROLE = "aceptar"
    GO_ON = "seguir"
    ASK_REOPENING = "reapertura"
    REOPEN = "reabrir"
    MOVE_PERIOD = "plazos"
    STOP_BROADCAST = "detener"
    RECEIPT = "recibo"
    CORRECT = "corregir"
    CONTINUE = "continuar"
    DISCARD = "descartar"
    TAKE_OVER = "tomar"
    VERSIONS = "versiones"
    REPLY = "responder"
    REMARK = "preguntar"
    SENT_REPORT = "revision"
    SENT_FILE = "prueba"
    VALIDATE = "validar"
    SEND_BACK = "devolver"
    AGENCY_DIGEST = "institucion"
    ACTIVITY = "avance"
    INDICATOR_DIGEST = "metas"
    LATE = "atrasadas"
    EVIDENCE = "evidencia"
    DECISION = "decision"
    VACANCY = "vacante"
    PERSON = "persona"
    CHANGE_ROLE = "funcion"
    SUSPEND = "suspender"
    RESTORE = "restaurar"
    AGENCY = "agencia"
    SETTING = "ajuste"
    LINKS = "enlaces"
    ROLE_REQUESTS = "solicitudes"
    ROLE_REQUEST = "solicitud"
    FORM = "formulario"
    PUBLISH = "publicar"
    FILL = "llenar"
    PRIVACY = "privacidad"


def tap(route: Route, *parts: Part) -> ButtonTap:
    """The tap of a button that leads to this route and carries these parts."""
    return ButtonTap(f"command:{awaiting(route, *parts)}")


def in_plan(made: ButtonTap, plan_id: int) -> ButtonTap:
    """The same tap, in this plan, wherever its button is shown."""
    return ButtonTap(made.replace("command:", f"command@{plan_id}:", 1))


class Taps(Protocol):
    """Makes the taps of one screen: `partial(tap, route, …)`, to which each button adds its own parts."""

    def __call__(self, *parts: Part) -> ButtonTap: ...


def awaiting(route: Route, *parts: Part) -> str:
    """The mark of a chat that waits for words. The next typed text goes to this route, with these parts."""
    return f"{route}:{'.'.join(map(str, parts))}"


def form_tap(action: TapAction, argument: str | int = "") -> ButtonTap:
    """The tap of a button of the form that is being filled."""
    return ButtonTap(f"form:{action}:{argument}" if argument != "" else f"form:{action}")


@dataclass(frozen=True, slots=True)
class FormTap:
    """The act of a button of the form that is being filled."""

    action: TapAction
    argument: str


@dataclass(frozen=True, slots=True)
class RouteTap:
    """The route of any other button, and the text that it carries. `read_parts` reads that text."""

    route: Route
    carried: str


@lru_cache(maxsize=1024)
def split_tap(made: ButtonTap) -> tuple[bool, str, str]:
    """Split a tap: whether it is of the form on the card; the plan, if it names one; and its action or route, a colon,
    and what it carries."""
    kind, _, rest = made.partition(":")
    return kind == "form", kind.partition("@")[2], rest if ":" in rest else f"{rest}:"


def read_tap(made: ButtonTap) -> FormTap | RouteTap:
    """Read a tap that `tap` or `form_tap` has written."""
    is_of_form, _, rest = split_tap(made)
    name, _, argument = rest.partition(":")
    return FormTap(cast(TapAction, name), argument) if is_of_form else RouteTap(Route(name), argument)


# ------------------------------------------------------------------ what a button carries
@dataclass(frozen=True, slots=True)
class Piece:
    """One piece that a button carries: its pattern, and the type that its handler gets.

    A piece with a `default` may be missing; then all pieces after it may be missing too.
    """

    pattern: str
    kind: Literal["int", "str", "int | str"]
    default: int | str | None = None
    is_optional: bool = False
    before: str = "."
    """The separator between this piece and the one before it."""

    def read(self, text: str | None) -> int | str | None:
        if text is None:
            return self.default
        is_number = self.kind == "int" or (self.kind == "int | str" and text.isascii() and text.isdecimal())
        return int(text) if is_number else text


def word(*words: str) -> Piece:
    """One of these words."""
    return Piece("|".join(map(re.escape, words)), "str")


def maybe(piece: Piece, default: int | str | None = None) -> Piece:
    """A piece that may be missing. By default a missing word is "", and a missing number is None."""
    return replace(piece, is_optional=True, default="" if piece.kind != "int" and default is None else default)


def number_or(piece: Piece) -> Piece:
    """A number, or words that match this piece. The handler distinguishes them by their type."""
    return Piece(f"{NUMBER.pattern}|(?![0-9]+(?:[.]|$))(?:{piece.pattern})", "int | str")


NUMBER = Piece("[0-9]{1,17}", "int")
PAGE = maybe(NUMBER, 0)
CODE = Piece(r"\S+?", "str")
"""A code of the plan, or a name of ours. Codes of activities may have dots in them."""
NAME = Piece(r"[^.\s]+", "str")
"""A name of ours, or a value, without a dot."""
CONTENT = Piece("[0-9a-f]{32}", "str")
"""The beginning of a content's number (a SHA-256), as much as a button has room for."""
TEXT = maybe(Piece(r".*", "str"))
"""Everything that is left: the handler reads it by itself."""
YES = maybe(word("yes"))

CARRIES: Mapping[Route, tuple[Piece, ...]] = {
    Route.DUE: (PAGE,),
    Route.REPORT: (maybe(word("a", "i")), maybe(CODE), maybe(NAME)),
    Route.INDICATORS: (PAGE,),
    Route.REFERRALS: (maybe(CODE),),
    Route.HISTORY: (maybe(NUMBER),),
    Route.CLOSE: (maybe(CODE),),
    Route.DIGEST: (maybe(NUMBER), maybe(word("whole"))),
    Route.DELEGATE: (maybe(number_or(word("x", "end", "drafts"))), maybe(NUMBER)),
    Route.QUEUE: (PAGE, maybe(CODE)),
    Route.PROGRESS: (maybe(CODE),),
    Route.CHASE: (YES,),
    Route.LETTERS: (maybe(CODE), maybe(number_or(word("draft", "call", "later")))),
    Route.SCHEDULES: (maybe(number_or(word("new"))), maybe(NAME), maybe(NAME), TEXT),
    Route.EXPORT: (maybe(NAME), TEXT),
    Route.TOKENS: (maybe(word("new", "test", "end")), maybe(NAME), YES),
    Route.HOLIDAYS: (maybe(Piece("[+-]?[0-9]{4}-[0-9]{2}-[0-9]{2}", "str")),),
    Route.PERIODS: (maybe(CODE),),
    Route.STATUS: (maybe(word("resume")),),
    Route.AUDIT: (maybe(Piece("filter|person|day|[0-9]{0,17}-[a-z]*-[0-9]{0,17}-(?:[0-9]{8})?", "str")),),
    Route.PAUSE: (maybe(CODE),),
    Route.PEOPLE: (maybe(CODE), PAGE),
    Route.AGENCIES: (PAGE,),
    Route.INVITE: (maybe(CODE), maybe(CODE), maybe(word("observes", "reports"))),
    Route.PLAN: (maybe(word("A", "O", "I", "a", "i")), maybe(CODE), replace(PAGE, before="~")),
    Route.EVALUATE: (PAGE, maybe(CODE)),
    Route.END_PLAN: (maybe(word("until", "yes", "agree", "keep", "open", "drop", "carry")), maybe(CODE), PAGE),
    Route.IMPORT: (Piece("yes|no|same|another|p[0-9]{1,4}|f[0-9QS]{4,6}", "str"), CONTENT),
    Route.RECEIVER: (number_or(word("new")), maybe(NAME), maybe(NAME)),
    Route.UNDO_IMPORT: (YES, maybe(NUMBER)),
    Route.COMMENT: (maybe(CODE),),
    Route.COMMENTS: (maybe(number_or(Piece("r|x|p[0-9]{1,4}", "str"))), maybe(NUMBER)),
    Route.PROPOSE: (CODE, maybe(word("date", "target", "wording", "undo")), maybe(NUMBER)),
    Route.CHANGES: (maybe(number_or(Piece("yes|no|p[0-9]{1,4}", "str"))), maybe(NUMBER)),
    Route.CONTRIBUTION: (NUMBER, maybe(word("yes", "no"))),
    Route.PREFERENCES: (maybe(word("zone")), TEXT),
    Route.MY_DATA: (maybe(word("file", "kept")),),
    Route.LANGUAGE: (maybe(NAME), PAGE),
    Route.HELP: (maybe(word("more")),),
    Route.HOME: (maybe(word("new", "more")),),
    Route.BEGIN: (maybe(CODE),),
    Route.NOTHING_NEW: (maybe(CODE),),
    Route.EXPLAIN: (maybe(CODE),),
    Route.LEAVE_POST: (YES,),
    Route.RELIEVE: (NUMBER, YES),
    Route.PROMOTE: (CODE, maybe(NUMBER)),
    Route.SUCCEED: (CODE, maybe(CODE)),
    Route.OFFERED_ROLE: (NUMBER, word("yes", "no")),
    Route.GO_ON: (NUMBER, word("yes", "no")),
    Route.ASK_REOPENING: (CODE, maybe(CODE)),
    Route.REOPEN: (CODE, maybe(CODE), maybe(CODE), maybe(CODE)),
    Route.MOVE_PERIOD: (CODE, maybe(CODE), maybe(CODE)),
    Route.STOP_BROADCAST: (NUMBER,),
    Route.RECEIPT: (NUMBER,),
    Route.CORRECT: (NUMBER, maybe(NUMBER), TEXT),
    Route.CONTINUE: (NUMBER,),
    Route.DISCARD: (NUMBER, YES),
    Route.TAKE_OVER: (NUMBER,),
    Route.VERSIONS: (NUMBER,),
    Route.REPLY: (NUMBER,),
    Route.REMARK: (NUMBER,),
    Route.SENT_REPORT: (NUMBER, maybe(word("all", "see", "later", "leave"))),
    Route.SENT_FILE: (NUMBER, NUMBER),
    Route.VALIDATE: (number_or(NAME), maybe(NAME)),
    Route.SEND_BACK: (NUMBER, maybe(CODE), maybe(number_or(Piece("why|w[0-9]", "str")))),
    Route.AGENCY_DIGEST: (maybe(CODE), PAGE),
    Route.ACTIVITY: (CODE,),
    Route.INDICATOR_DIGEST: (PAGE,),
    Route.LATE: (PAGE,),
    Route.EVIDENCE: (CODE, NUMBER),
    Route.DECISION: (PAGE,),
    Route.VACANCY: (CODE,),
    Route.PERSON: (NUMBER,),
    Route.CHANGE_ROLE: (NUMBER, maybe(CODE), maybe(NUMBER), YES),
    Route.SUSPEND: (NUMBER, YES),
    Route.RESTORE: (NUMBER, YES),
    Route.AGENCY: (
        number_or(word("new", "create")),
        maybe(word("name", "type", "from", "end", "back")),
        maybe(NAME),
        YES,
    ),
    Route.SETTING: (maybe(CODE), TEXT),
    Route.LINKS: (maybe(NUMBER),),
    Route.ROLE_REQUEST: (NUMBER, word("yes", "no", "withdraw")),
    Route.FORM: (number_or(word("get")), maybe(NUMBER)),
    Route.PUBLISH: (word("yes", "no"), CONTENT),
    Route.FILL: (NUMBER,),
    Route.PRIVACY: (maybe(word("accept", "data", "more")),),
}
"""What the buttons of each route carry, in this order, with dots between; the routes that are missing carry nothing."""


AWAITS: Mapping[Route, tuple[Piece, ...]] = {
    Route.DELEGATE: (number_or(word("x")),),
    Route.SCHEDULES: (NUMBER, word("zone")),
    Route.HOLIDAYS: (word("day"),),
    Route.AUDIT: (word("day"),),
    Route.PEOPLE: (),
    Route.COMMENT: (maybe(CODE),),
    Route.COMMENTS: (word("r"), NUMBER),
    Route.PROPOSE: (CODE, word("date", "target", "wording")),
    Route.CHANGES: (word("no"), NUMBER),
    Route.PREFERENCES: (word("zone"),),
    Route.ASK_REOPENING: (CODE,),
    Route.REOPEN: (CODE, CODE, NUMBER),
    Route.REPLY: (NUMBER,),
    Route.REMARK: (NUMBER,),
    Route.SEND_BACK: (NUMBER, maybe(CODE)),
    Route.AGENCY: (number_or(word("new")), maybe(word("name", "from", "end")), maybe(NAME)),
    Route.SETTING: (CODE,),
    Route.END_PLAN: (CODE,),
    Route.RECEIVER: (word("new"), NAME, maybe(NAME)),
}
"""The pieces that a chat stores while it awaits words for a route (`awaiting`), in this order.

No other route takes words.
"""


def _pattern(pieces: tuple[Piece, ...]) -> str:
    """Make one pattern for all pieces. A piece that may be missing takes all later pieces with it."""
    made = ""
    for at in range(len(pieces) - 1, -1, -1):
        made = f"{re.escape(pieces[at].before) if at else ''}({pieces[at].pattern}){made}"
        made = f"(?:{made})?" if pieces[at].is_optional else made
    return made


@cache  # compiled when they are needed: there are sixty, and most processes need a few
def _carried_by(route: Route) -> re.Pattern[str]:
    return re.compile(_pattern(CARRIES.get(route, ())), re.ASCII | re.DOTALL)


@cache
def _kept_for(route: Route) -> re.Pattern[str]:
    return re.compile(_pattern(AWAITS[route]), re.ASCII | re.DOTALL)


def read_awaited(awaits: str) -> tuple[Route, tuple[int | str | None, ...]] | None:
    """The route that awaits the next typed text, and the pieces that it stored. None if no route does."""
    name, _, kept = awaits.partition(":")
    route = _HEARING.get(name)
    found = None if route is None else _kept_for(route).fullmatch(kept.rstrip("."))
    if route is None or found is None:
        return None
    return route, tuple(piece.read(text) for piece, text in zip(AWAITS[route], found.groups(), strict=True))


_HEARING = {route.value: route for route in AWAITS}


def read_parts(route: Route, carried: str) -> tuple[int | str | None, ...] | None:
    """Read the pieces that a button of this route carries. None if no button of ours carries this.

    Callback data is input like any other (S3): a handler never sees a piece that is not declared.
    """
    found = _carried_by(route).fullmatch(carried.rstrip("."))
    if found is None:
        return None
    return tuple(piece.read(text) for piece, text in zip(CARRIES.get(route, ()), found.groups(), strict=True))
