"""Tables written as classes with typed columns, and declared to SQLAlchemy's Core.

SQLAlchemy's own declarative classes import its object mapper. That costs memory and a part of every start, but the bot
maps no object (docs/performance.md).
"""

from types import NoneType
from typing import Any, ClassVar, get_args

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.types import TypeEngine


def column(*given: Any, **options: Any) -> Any:
    """Declare a column. Its name, and what is not given here, come from its place in a class."""
    return Column(*given, **options)


class Declared:
    """The base class of tables.

    class Plan(Base):
        __tablename__ = "plan"
        id: Column[int] = column(Id, primary_key=True)
        imported_at: Column[datetime | None]

    A column without a type has that of its annotation (`types`); a foreign key, that of the column it refers to. It
    takes NULL if its annotation says so.
    """

    metadata: ClassVar[MetaData]
    types: ClassVar[dict[Any, TypeEngine[Any]]]
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]] = ()
    __table__: ClassVar[Table]

    def __init_subclass__(cls) -> None:
        if "__tablename__" not in vars(cls):
            return  # the base of a family: its metadata and types
        own = {name: _placed(cls, name, annotation) for name, annotation in cls.__annotations__.items()}
        columns = cls.first_columns() | own
        for name, each in columns.items():
            each.name = each.key = name
        options = [each for each in cls.__table_args__ if isinstance(each, dict)]
        rest = [each for each in cls.__table_args__ if not isinstance(each, dict)]
        cls.__table__ = Table(
            cls.__tablename__, cls.metadata, *columns.values(), *rest, **(options[0] if options else {})
        )

    @classmethod
    def first_columns(cls) -> dict[str, Column[Any]]:
        """Return the columns that each table of a family begins with."""
        return {}


def _placed(cls: type[Declared], name: str, annotation: Any) -> Column[Any]:
    (stated,) = get_args(annotation)
    kinds = [each for each in get_args(stated) if each is not NoneType] if NoneType in get_args(stated) else [stated]
    given: Column[Any] = vars(cls).get(name, Column())
    if given.type._isnull and not given.foreign_keys:
        given.type = cls.types[kinds[0]]
    if not given.primary_key:
        given.nullable = kinds[0] is not stated
    return given


def in_columns(record: Any, of: Table, *, but: str = "") -> dict[str, Any]:
    """Return the fields of a record that are columns of a table under the same name, `but` for one.

    So a new column is named in the record and in the table, and nowhere between them.
    """
    names = [column.name for column in of.columns if column.name != but and hasattr(record, column.name)]
    return {name: getattr(record, name) for name in names}
