"""What the audit log told of each thing, for the checks that compare it with the rows (`storage.upkeep.data_check`)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from storage.database.models import AuditEntry, table
from storage.database.vault import VaultError

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_E = table(AuditEntry)
PAGE: Final = 500
TOLD: Final = (
    select(_E.c.plan_id, _E.c.act, _E.c.details)
    .where(_E.c.act.in_(bindparam("acts", expanding=True)))
    .order_by(_E.c.id)
)
_WITH_WHOM: Final = (
    select(_E.c.plan_id, _E.c.act, _E.c.details, _E.c.id, _E.c.actor_id, _E.c.at)
    .where(_E.c.act.in_(bindparam("acts", expanding=True)))
    .order_by(_E.c.id)
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that differs from what was written, by its id. None if the row is gone."""

    id: int | None
    text: str


Told = dict[Any, dict[str, Any]]


def told(unit: "UnitOfWork", acts: tuple[str, ...], *names: str, in_plan: bool = False) -> Told:
    """Return the id of each thing → all details of its entries together.

    `names` are the details that are its id: with several, or `in_plan`, it is a tuple. Entries without them are left
    out. The last entry about it is told too: as `act`, `plan_id`, `entry`, `by` and `at`.
    """
    found: Told = defaultdict(dict)
    for plan_id, act, details, entry, by, at in unit.connection.execute(_WITH_WHOM, {"acts": acts}):
        if not details.keys() >= set(names):
            continue
        key = (*([plan_id] if in_plan else []), *(details[name] for name in names))
        found[key if len(key) > 1 else key[0]] |= {
            **details, "plan_id": plan_id, "act": act, "entry": entry, "by": by, "at": at,
        }  # fmt: skip
    return found


def compared(
    rows: Iterable[Any],
    said: Told,
    what: str,
    wrong: Callable[[Any, dict[str, Any]], str | None],
    *,
    key: str = "id",
    unmade: str = "was not made by this program",
    may_be_gone: Callable[[dict[str, Any]], bool] = lambda entry: False,
) -> Iterator[Difference]:
    """Compare rows with their entries. Each row has an entry, and each entry has its row unless that `may_be_gone`.

    `wrong` returns what is wrong with a row that has an entry, if anything is. `unmade` is said of a row without one.
    """
    there = set()
    for row in rows:
        there.add(row[key])
        entry = said.get(row[key])
        if problem := unmade if entry is None else wrong(row, entry):
            yield Difference(row["id"], f"{what} {row[key]} {problem}")
    for name in sorted(said.keys() - there):
        if not may_be_gone(said[name]):
            yield Difference(None, f"{what} {name} is gone")


def is_as_marked(said: Mapping[str, Any], mark: str) -> bool:
    """Entries from before there were marks prove nothing."""
    return "mark" not in said or compare_digest(said["mark"], mark)


def opened(unit: "UnitOfWork", sealed: bytes | None, name: str, *, before: str = "") -> str | None:
    """Return the text. None if there is none, or if it does not open here."""
    if sealed is None:
        return None
    try:
        return unit.vault.open(bytes(sealed), name, before=before)
    except VaultError:
        return None


def by_id(unit: "UnitOfWork", statement: Any, id: Any) -> Iterator[Any]:
    """Return the rows by their id, a page at a time."""
    after = -(2**62)
    paged = statement.where(id > bindparam("after")).order_by(id).limit(PAGE)
    while found := unit.connection.execute(paged, {"after": after}).mappings().all():
        yield from found
        after = found[-1]["id"]
