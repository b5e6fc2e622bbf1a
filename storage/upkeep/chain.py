"""The chain through the audit log: it shows a change by somebody who has access to the database (S13).

The administrator of the server can open the database and rewrite what they did, but the change can be found. Every
entry has a mark made with a key that is not in the database, and every entry's hash covers the entry before it.

The laws:
* One sealer works at a time, whichever process it is in (an advisory lock; on SQLite there is one writer anyway). So
  the chain never forks. Acts commit without waiting for it.
* Entries are linked in the order in which they are seen committed, and `position` records it. PostgreSQL gives ids out
  before the commit, and a lower id that appears later must not be left out.
* The head (position and hash of the last entry) is kept under a key too, and moves in the transaction that seals. If
  somebody cuts entries off the end, the head has no entry. If somebody empties the log and removes the head, `verify`
  notices it as soon as anybody has a role. If somebody puts back yesterday's whole database, or begins the log anew,
  only a head that was noted elsewhere shows it (`/estado`, the log, a backup's line).
* The keys of the chain are not those that rotate. So sealed entries stay verifiable, and cannot be sealed anew.

For some seconds, between the commit of an act and the sealer's next look, an entry can still be removed unnoticed. A
command at the server links its entries before it ends.
"""

import hmac
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from sqlalchemy import bindparam, func, select, text, tuple_, update

from storage.database.audit import COLUMNS, NONCE, StoredAuditEntry
from storage.database.models import AuditEntry, Membership, table
from storage.database.vault import Vault
from storage.errors import StorageError
from storage.upkeep import data_check

if TYPE_CHECKING:
    from storage.reports.files import FileStore
    from storage.unit_of_work import UnitOfWork

_E = table(AuditEntry)

HEAD: Final = "chain.head"
BEFORE_THE_FIRST: Final = "0" * 64
SHORTEST_NOTE: Final = 12
PAGE: Final = 1000
TOLD: Final = 50
FIRST: Final = -(2**62)
"""A number below every position and every id of an entry."""

_ONE_SEALER = text("SELECT pg_try_advisory_xact_lock(CAST(CAST(to_regclass('audit_entry') AS oid) AS integer), 0)")
"""A lock for this schema's log. Another deployment in the same database seals its own log."""
_ANYBODY = select(table(Membership).c.id).limit(1)
_UNSEALED = select(*COLUMNS, _E.c.mark).where(_E.c.hash.is_(None)).order_by(_E.c.id)
_UNMARKED = select(*COLUMNS).where(_E.c.mark.is_(None), _E.c.id > bindparam("after")).order_by(_E.c.id).limit(PAGE)
_MARK = update(_E).where(_E.c.id == bindparam("key")).values(mark=bindparam("new_mark"))
_SEAL = (
    update(_E).where(_E.c.id == bindparam("key")).values(position=bindparam("new_position"), hash=bindparam("new_hash"))
)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the chain: its position and its hash."""

    position: int
    hash: str
    has_marked_data: bool = field(default=True, compare=False)
    """Roles and submissions have marks already, so a row without a mark was not written by this program."""

    def __str__(self) -> str:
        return f"{self.position}.{self.hash}"

    @property
    def note(self) -> str:
        """Return the head, short enough to be written down; `audit verify --head` reads it."""
        return f"{self.position}.{self.hash[:SHORTEST_NOTE]}"

    @classmethod
    def read(cls, noted: str) -> "Head":
        """Read a head that somebody noted, with its whole hash or the beginning of it.

        StorageError if the text is not one.
        """
        position, _, digits = noted.strip().partition(".")
        is_hash = SHORTEST_NOTE <= len(digits) <= 64 and not set(digits) - set("0123456789abcdef")
        if not (position.isascii() and position.isdecimal() and len(position) < 18 and is_hash):
            raise StorageError(f"{noted!r} is not a head of the audit log such as 1234.0a1b2c3d4e5f")
        return cls(int(position), digits)


Kind = Literal["altered", "foreign", "copied", "moved", "missing", "truncated", "emptied", "head", "noted", "data"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the log differs from what was written."""

    kind: Kind
    position: int | None
    id: int | None
    text: str


@dataclass(slots=True)
class Verdict:
    """The result of checking the whole log. `findings` holds the first findings, `found` counts all."""

    sealed: int = 0
    unsealed: int = 0
    head: Head | None = None
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.found == 0

    def add(self, kind: Kind, position: int | None, id: int | None, text: str) -> None:
        self.found += 1
        if len(self.findings) < TOLD:
            self.findings.append(Finding(kind, position, id, text))


# ------------------------------------------------------------------ sealing
def seal(unit: "UnitOfWork", *, limit: int = 200) -> Head | None:
    """Link up to `limit` entries to the chain. Return the new head.

    None if there is nothing to link, or if somebody else is linking. StorageError if the head was changed by hand: then
    nothing is linked, so that `verify` still sees it.
    """
    if unit.is_postgresql and not unit.connection.scalar(_ONE_SEALER):
        return None
    head = stored_head(unit)
    if head is None:
        if unit.connection.scalar(select(func.count()).where(_E.c.hash.is_not(None))):
            raise StorageError("the audit log has lost its head: run 'enlace audit verify'")
        _mark_what_was_there(unit)
    if head is None or not head.has_marked_data:
        data_check.mark_what_was_there(unit)
    rows = unit.connection.execute(_UNSEALED.limit(limit)).all()
    if not rows:
        if head is not None and not head.has_marked_data and (learnt_at := unit.facts.learnt_at(HEAD)) is not None:
            unit.facts.set(HEAD, f"{head}.{_head_mac(unit.vault, head)}", learnt_at)
        return None
    position, link = (head.position, head.hash) if head else (0, BEFORE_THE_FIRST)
    links: list[dict[str, Any]] = []
    for *columns, mark in rows:
        entry = StoredAuditEntry(*columns)
        position += 1
        link = _link(unit.vault, link, position, entry, mark)
        links.append({"key": entry.id, "new_position": position, "new_hash": link})
    unit.connection.execute(_SEAL, links)
    sealed = Head(position, link)
    unit.facts.set(HEAD, f"{sealed}.{_head_mac(unit.vault, sealed)}", entry.at)
    return sealed


def stored_head(unit: "UnitOfWork", *, is_trusted: bool = False) -> Head | None:
    """Return the head as the last sealing left it. None before the first. StorageError if no sealer wrote it.

    `is_trusted` takes it without a check if there is no keyring: in a copy that was just made.
    """
    found = unit.facts.get(HEAD)
    if found is None:
        return None
    noted, _, mac = found.rpartition(".")
    head = Head.read(noted)
    if is_trusted or hmac.compare_digest(mac, _head_mac(unit.vault, head)):
        return head
    # The entry as it was before there were marks. Only this program can have written it.
    if hmac.compare_digest(mac, unit.vault.mac(str(head).encode(), "audit head")):
        return replace(head, has_marked_data=False)
    raise StorageError("the head of the audit log was altered: run 'enlace audit verify'")


def sealed_until(unit: "UnitOfWork") -> tuple[Head | None, int]:
    """Return the head, and how many entries wait to be linked to it."""
    waiting: int = unit.connection.execute(select(func.count()).where(_E.c.hash.is_(None))).scalar_one()
    return stored_head(unit), waiting


def _mark_what_was_there(unit: "UnitOfWork") -> None:
    """Mark the entries from before there was a chain, at the first sealing, and never later."""
    after = 0
    while rows := unit.connection.execute(_UNMARKED, {"after": after}).all():
        entries = [StoredAuditEntry(*row) for row in rows]
        marks = [{"key": e.id, "new_mark": e.mark(unit.vault, secrets.token_hex(NONCE // 2))} for e in entries]
        unit.connection.execute(_MARK, marks)
        after = entries[-1].id


def _link(vault: Vault, before: str, position: int, entry: StoredAuditEntry, mark: str | None) -> str:
    place = orjson.dumps([before, position, entry.id, mark])
    return vault.mac(place + entry.canonical(), "audit link")


def _head_mac(vault: Vault, head: Head) -> str:
    return vault.mac(str(head).encode(), "audit head, data marked")


# ------------------------------------------------------------------ verifying
def verify(unit: "UnitOfWork", *, noted: Head | None = None) -> Verdict:
    """Check the whole log. Every edit, deletion, insertion, reordering and truncation is named by its entry.

    It takes constant memory, a page at a time. Give it a `view`, which sees one moment. `noted` is a head kept
    elsewhere.
    """
    verdict = Verdict()
    try:
        verdict.head = stored_head(unit)
    except StorageError as error:
        verdict.add("head", None, None, str(error).partition(":")[0])
    last, link = 0, BEFORE_THE_FIRST
    is_broken = False
    for position, entry, hash, mark in _linked(unit):
        verdict.sealed += 1
        if position > last + 1:
            gone = f"entry {last + 1} is" if position == last + 2 else f"entries {last + 1} to {position - 1} are"
            verdict.add("missing", last + 1, None, f"{gone} missing")
            is_broken = True
        if not _content(verdict, unit.vault, position, entry, mark):
            pass
        elif hash is None:
            verdict.add("altered", position, entry.id, "its hash is gone")
        elif not is_broken and hash != _link(unit.vault, link, position, entry, mark):
            verdict.add("moved", position, entry.id, "it does not follow the entry before it")
        if noted is not None and position == noted.position and not (hash or "").startswith(noted.hash):
            verdict.add("noted", position, entry.id, "it is not the entry whose head was noted")
        last, link, is_broken = position, hash or "", False
    for entry, hash, mark in _loose(unit):
        verdict.unsealed += 1
        if _content(verdict, unit.vault, None, entry, mark) and hash is not None:
            verdict.add("altered", None, entry.id, "its position is gone")
    for copied, id in unit.connection.execute(_COPIED):
        verdict.add("copied", None, id, f"the same entry is there {copied} times")
    _look_at_the_end(unit, verdict, last, link, noted)
    return verdict


def verify_data(unit: "UnitOfWork", verdict: Verdict, now: datetime, store: "FileStore | None" = None) -> None:
    """Compare the data with its marks and with the log, as of `now`; with a `store`, the files on the disk too.

    Add findings to the verdict.
    """
    if verdict.head is None or not verdict.head.has_marked_data:
        return  # nothing is marked before the log has first been sealed
    found = data_check.differences(unit, now)
    for finding in found if store is None else itertools.chain(found, data_check.files_on_disk(unit, store)):
        verdict.add("data", None, finding.id, finding.text)


def _content(verdict: Verdict, vault: Vault, position: int | None, entry: StoredAuditEntry, mark: str | None) -> bool:
    """Whether this program wrote the content of the entry."""
    if mark is None:
        verdict.add("foreign", position, entry.id, "it was not written by this program")
        return False
    if not hmac.compare_digest(mark.encode(), entry.mark(vault, mark[:NONCE]).encode()):
        verdict.add("altered", position, entry.id, "it was altered, or not written by this program")
        return False
    return True


def _look_at_the_end(unit: "UnitOfWork", verdict: Verdict, last: int, link: str, noted: Head | None) -> None:
    head = verdict.head
    if head is not None and last < head.position:
        verdict.add("truncated", last + 1, None, f"entries {last + 1} to {head.position} were cut off the end")
    elif head is not None and (last, link) != (head.position, head.hash):
        verdict.add("head", last, None, "the chain does not end at its head")
    elif head is None and last and not any(finding.kind == "head" for finding in verdict.findings):
        verdict.add("head", last, None, "the head of the audit log is gone")
    elif head is None and not last and not verdict.unsealed and unit.connection.execute(_ANYBODY).first() is not None:
        verdict.add("emptied", None, None, "the log is empty, and people have roles, each of which leaves an entry")
    if noted is not None and last < noted.position:
        verdict.add("noted", last + 1, None, f"the log ends at {last}, before the head that was noted")


_SEALED = (
    select(_E.c.position, *COLUMNS, _E.c.hash, _E.c.mark)
    .where(_E.c.position.is_not(None), tuple_(_E.c.position, _E.c.id) > tuple_(bindparam("place"), bindparam("after")))
    .order_by(_E.c.position, _E.c.id)
    .limit(PAGE)
)
_LOOSE = (
    select(*COLUMNS, _E.c.hash, _E.c.mark)
    .where(_E.c.position.is_(None), _E.c.id > bindparam("after"))
    .order_by(_E.c.id)
    .limit(PAGE)
)
_COPIED = (
    select(func.count(), func.max(_E.c.id))
    .where(_E.c.mark.is_not(None))
    .group_by(_E.c.mark)
    .having(func.count() > 1)
    .limit(TOLD)
)


def _linked(unit: "UnitOfWork") -> Iterator[tuple[int, StoredAuditEntry, str | None, str | None]]:
    """Return the entries with a position, in its order; two may claim the same."""
    place, after = FIRST, FIRST
    while rows := unit.connection.execute(_SEALED, {"place": place, "after": after}).all():
        for position, *columns, hash, mark in rows:
            yield position, StoredAuditEntry(*columns), hash, mark
        place, after = rows[-1][:2]


def _loose(unit: "UnitOfWork") -> Iterator[tuple[StoredAuditEntry, str | None, str | None]]:
    """Return the entries without a position: those that wait for the sealer, and those that lost their place."""
    after = FIRST
    while rows := unit.connection.execute(_LOOSE, {"after": after}).all():
        for *columns, hash, mark in rows:
            yield StoredAuditEntry(*columns), hash, mark
        after = rows[-1][0]
