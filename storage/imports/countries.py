"""Countries, their currency and their regions: what a plan of another country begins with."""

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from conversations.languages import translated

_COLUMNS: Final = ("es", "en", "fr")
"""The languages of the names in countries.csv, from its fourth column on."""


@dataclass(frozen=True, slots=True)
class Place:
    """A country or a part of one, by its ISO 3166 code."""

    code: str
    part_of: str
    currency: str
    names: dict[str, str]

    def name(self, language: str) -> str:
        """In that language, else as CLDR has it: of most parts it has one name for all languages."""
        return translated(self.names, language) or self.code


@dataclass(frozen=True, slots=True)
class Country:
    """A country with the parts it is divided into, and with the parts of these where it has them."""

    place: Place
    regions: tuple[Place, ...]
    provinces: tuple[Place, ...]
    """The finer division; where there is only one, the same as `regions`."""
    zones: tuple[str, ...]
    """Its time zones, the one of most people first."""


def country(code: str) -> Country | None:
    """None for what is no code of a country."""
    places = [place for place in _places() if place.code == code or place.code.startswith(f"{code}-")]
    if not places or places[0].code != code or places[0].part_of:
        return None
    first = tuple(place for place in places if place.part_of == code)
    second = tuple(place for place in places[1:] if place.part_of != code)
    return Country(places[0], first, second or first, zones_of(code))


def zones_of(code: str) -> tuple[str, ...]:
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = (row.split("\t") for row in table.splitlines() if not row.startswith("#"))
    return tuple(row[2] for row in rows if row[0] == code)


def _places() -> list[Place]:
    lines = (files("storage") / "imports" / "countries.csv").read_text("utf-8").splitlines()
    return [
        Place(code, part_of, currency, {language: name for language, name in zip(_COLUMNS, names, strict=True) if name})
        for code, part_of, currency, *names in csv.reader(line for line in lines if not line.startswith("#"))
    ]
