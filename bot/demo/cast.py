"""Who has a phone on the demonstration's page, when their story begins, and what the page must be told of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.wording import wording

BEGINS = datetime(2018, 10, 3, 8, 0, tzinfo=ZoneInfo("America/Santo_Domingo"))


@dataclass(frozen=True, slots=True)
class Cast:
    """A person with a phone on the page."""

    telegram_id: int
    name: str
    role: Role
    agency: str
    language: str

    @property
    def title(self) -> dict[str, str]:
        """Return what stands above the phone, in each language of the page: the role, and what it does with the bot."""
        return {language: self._title(language) for language in LANGUAGES}

    def _title(self, language: str) -> str:
        say = wording(language)
        post = " · ".join(filter(None, [say(f"role.{self.role}"), self.agency]))
        does = DOES[self.role].get(language)
        return f"{post}{say.colon}{does}" if does else post


DOES: Final[Mapping[Role, Mapping[str, str]]] = {
    Role.FOCAL_POINT: {"es": "reporta", "en": "reports", "fr": "informe", "ht": "rapòte"},
    Role.ALTERNATE: {"es": "releva", "en": "stands in", "fr": "remplace", "ht": "ranplase"},
    Role.COORDINATOR: {
        "es": "revisa", "en": "reviews", "fr": "vérifie", "ht": "revize",
    },
    Role.ADMIN: {"es": "da acceso", "en": "gives access", "fr": "donne accès", "ht": "bay aksè"},
    Role.OBSERVER: {"es": "ve totales", "en": "sees totals", "fr": "voit totaux", "ht": "wè total yo"},
    Role.READER: {"es": "una página", "en": "one page", "fr": "une page", "ht": "li yon paj"},
}  # fmt: skip


CAST = (
    Cast(501, "Ana Martínez", Role.FOCAL_POINT, "MMUJER", "es"),
    Cast(502, "Luis Peña", Role.ALTERNATE, "MMUJER", "es"),
    Cast(505, "Carmen Soto", Role.COORDINATOR, "MIREX", "es"),
    Cast(506, "Pedro Núñez", Role.ADMIN, "", "es"),
    Cast(507, "Grace Miller", Role.OBSERVER, "IJM", "en"),
    Cast(503, "Rosa Díaz", Role.FOCAL_POINT, "PGR", "es"),
    Cast(504, "Jean Baptiste", Role.FOCAL_POINT, "DGP", "ht"),
)
MINISTER = Cast(509, "Rafael Castillo", Role.READER, "", "es")
PHONES = (*CAST, MINISTER)


class Furnished(NamedTuple):
    """What the page must know of what is in place."""

    start: datetime
    """When the demo goes on."""
    data_token: str
    """The token of the reader at the data door."""
    holidays: Collection[date]
