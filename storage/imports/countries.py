"""Countries with their currency and regions, for plans of other countries."""

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
        """The name in that language, otherwise the name in CLDR. Most parts have one name for all languages there."""
        return translated(self.names, language) or self.code


@dataclass(frozen=True, slots=True)
class Country:
    """A country, its regions, and the provinces of the regions if they have any."""

    place: Place
    regions: tuple[Place, ...]
    provinces: tuple[Place, ...]
    """The finer division. Without one, the same as `regions`."""
    zones: tuple[str, ...]
    """Its time zones. The one where most people live comes first."""


def country(code: str) -> Country | None:
    """The country with this code, or None."""
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
