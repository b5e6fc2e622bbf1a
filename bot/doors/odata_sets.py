"""Datasets in OData: entity sets with typed properties, and the document that describes them.

OData wants an identifier as name, a type for each column, and a key for each row. If a column of numbers has a word in
place of a protected number, the property is null, and `_words` has the word: `women=protected`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from pydantic import BaseModel, Field

from bot.doors.odata_filter import BOOLEAN, DAY, INSTANT, NUMBER, STRING
from bot.doors.parameters import TABULAR
from bot.doors.reading import Reader, extract_of
from storage.exports.formats.dictionary import MAY_BE_WORDS
from storage.exports.tables import Cell, Column, Kind, Table
from storage.unit_of_work import UnitOfWork

NAMESPACE: Final = "Enlace"
TYPES: Final[Mapping[Kind, tuple[str, str, tuple[type, ...]]]] = {
    Kind.TEXT: ("Edm.String", STRING, (str,)),
    Kind.CODE: ("Edm.String", STRING, (str,)),
    Kind.ANY: ("Edm.String", STRING, (str,)),
    Kind.WHOLE: ("Edm.Int64", NUMBER, (int,)),
    Kind.DECIMAL: ("Edm.Double", NUMBER, (int, float)),
    Kind.FLAG: ("Edm.Boolean", BOOLEAN, (bool,)),
    Kind.DAY: ("Edm.Date", DAY, (date,)),
    Kind.INSTANT: ("Edm.DateTimeOffset", INSTANT, (datetime,)),
}
"""For each kind of column: its type in OData, its type in a `$filter`, and the types of its cells."""
KEYS: Final[Mapping[str, str]] = {"reports": "root_receipt", "answers": "_key"}
"""The key of a row. In the other datasets, which are read whole, it is the row's number in the answer."""
ROW, WORDS = "_row", "_words"
ANSWERS: Final = "answers_"


@dataclass(frozen=True, slots=True)
class Property:
    """A column, and its name in OData."""

    name: str
    edm: str
    value_type: str
    cells: tuple[type, ...]
    about: str = ""

    def value(self, cell: Cell) -> Cell:
        """The cell as a value of this property. ValueError for a word in a column of numbers."""
        if cell is None:
            return None
        if self.value_type == STRING:
            return cell if isinstance(cell, str) else str(cell)
        if not isinstance(cell, self.cells) or (isinstance(cell, bool) and self.value_type == NUMBER):
            raise ValueError(cell)
        return cell


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A table of a dataset, and its name in OData."""

    name: str
    title: str
    dataset: str
    form_id: str
    table: str
    key: str
    properties: tuple[Property, ...]
    """One for each column, in their order."""

    @property
    def types(self) -> dict[str, str]:
        """The type of each property in a `$filter`, by name."""
        found = {each.name: each.value_type for each in self.properties} | {WORDS: STRING}
        return found | ({ROW: NUMBER} if self.key == ROW else {})

    def entity(self, cells: Sequence[Cell], number: int) -> dict[str, Any]:
        made: dict[str, Any] = {ROW: number} if self.key == ROW else {}
        words = []
        for each, cell in zip(self.properties, cells, strict=True):
            try:
                made[each.name] = each.value(cell)
            except ValueError:
                made[each.name] = None
                words.append(f"{each.name}={cell}")
        made[WORDS] = " ".join(words) or None
        return made


def dataset_of(name: str) -> str:
    """The dataset that a set of this name belongs to; "" if none."""
    named = {_identifier(dataset, set()): dataset for dataset in TABULAR}
    return "answers" if name.startswith(ANSWERS) else named.get(name, "")


def entity_sets(unit: UnitOfWork, reader: Reader, datasets: Iterable[str]) -> tuple[EntitySet, ...]:
    """The sets of these datasets: one for each; of answers, one for each form and each repeat."""
    made: list[EntitySet] = []
    taken: set[str] = set()
    for dataset in datasets:
        forms = [each.form_id for each in unit.forms.list(reader.token.plan_id)] if dataset == "answers" else []
        if dataset == "answers" and not forms:
            continue
        for table in extract_of(unit, dataset, reader.wanted({})).tables:
            form_id = max((each for each in forms if _is_of(table.name, each)), key=len, default="")
            key = KEYS.get(dataset, ROW)
            said = f"{ANSWERS}{table.name}" if form_id else table.name
            name = _identifier(said, taken)
            made.append(EntitySet(name, table.title, dataset, form_id, table.name, key, _properties(table)))
    return tuple(made)


def _is_of(table: str, form_id: str) -> bool:
    return table == form_id or table.startswith(f"{form_id}.")


def _properties(table: Table) -> tuple[Property, ...]:
    taken = {ROW, WORDS}
    return tuple(_property(column, _identifier(column.name, taken)) for column in table.columns)


def _property(column: Column, name: str) -> Property:
    edm, value_type, cells = TYPES[Kind.TEXT if column.name in MAY_BE_WORDS else column.kind]
    return Property(name, edm, value_type, cells, " · ".join(filter(None, (column.label, column.note))))


def _identifier(text: str, taken: set[str]) -> str:
    """A name that OData accepts and no other set has: letters, digits and _, not beginning with a digit."""
    name = re.sub(r"\W", "_", text)[:120]
    name = name if re.match(r"[^\W\d]", name) else f"_{name}"
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


# ------------------------------------------------------------------ documents
class Document(BaseModel):
    """An answer in OData: sets, or rows of one."""

    context: str = Field(serialization_alias="@odata.context")
    value: tuple[dict[str, Any], ...]


def service_document(sets: Iterable[EntitySet], base: str) -> str:
    value = ({"name": each.name, "kind": "EntitySet", "url": each.name, "title": each.title} for each in sets)
    return Document(context=f"{base}/$metadata", value=tuple(value)).model_dump_json(by_alias=True)


def metadata(sets: Sequence[EntitySet]) -> str:
    """The service description in CSDL (OData Common Schema Definition Language XML 4.01)."""
    types, members = [], []
    for each in sets:
        named = f"{each.name}_row"
        key = [f'<Property Name="{ROW}" Type="Edm.Int64" Nullable="false"/>'] if each.key == ROW else []
        properties = [_csdl(one, is_key=one.name == each.key) for one in each.properties]
        types.append(
            f"<EntityType Name={quoteattr(named)}><Key><PropertyRef Name={quoteattr(each.key)}/></Key>"
            f'{"".join((*key, *properties))}<Property Name="{WORDS}" Type="Edm.String"/></EntityType>'
        )
        members.append(f"<EntitySet Name={quoteattr(each.name)} EntityType={quoteattr(f'{NAMESPACE}.{named}')}/>")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'{"".join(types)}<EntityContainer Name="Data">{"".join(members)}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>\n"
    )


def _csdl(one: Property, *, is_key: bool) -> str:
    must = ' Nullable="false"' if is_key else ""
    about = _clean(one.about)
    inside = f'<Annotation Term="Org.OData.Core.V1.Description" String={quoteattr(about)}/>' if about else ""
    return f'<Property Name={quoteattr(one.name)} Type="{one.edm}"{must}>{inside}</Property>'


def _clean(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", " ", text)
