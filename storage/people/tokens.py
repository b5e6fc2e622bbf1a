"""Tokens of the data door. A program shows one to read what is exported for an audience.

A token is 256 random bits, shown once. Only a plain SHA-256 of it is kept. Nobody finds 256 bits by trying, so a salt
or a key would add nothing; and a token stays valid when the keyring is rotated. Its first part, the prefix, is no
secret: it names the token in lists and in the audit log.

Law: a token is looked up in the database in the unit in which it is used. There is no copy of it anywhere, so a revoked
token is refused from the next request on.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, update

from conversations.plan.sharing.export_request import AUDIENCES
from conversations.session.safeguards.characters import clean
from storage.database.audit import Audit
from storage.database.marks import token_mark
from storage.database.models import DataRead, columns_of, table
from storage.database.models import DataToken as TokenTable
from storage.database.unit import Repository
from storage.errors import Conflict, NotFound

SHAPE: Final = re.compile(r"enlace_([a-z2-7]{8})_[A-Za-z0-9_-]{43}")
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
MOST: Final = 50
"""Tokens of a plan that are not revoked."""
LONGEST_NAME: Final = 60

_T, _R = table(TokenTable), table(DataRead)


@dataclass(frozen=True, slots=True)
class DataToken:
    """A token as lists show it: everything but its secret."""

    id: int
    plan_id: int
    prefix: str
    audience: str
    name: str
    created_at: datetime
    created_by_id: int | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token that was just made, with its secret. Nobody can read the secret later."""

    token: DataToken
    secret: str = field(repr=False)


_COLUMNS = columns_of(DataToken, _T)
_BY_PREFIX = select(*_COLUMNS, _T.c.token_hash).where(_T.c.prefix == bindparam("prefix"), _T.c.revoked_at.is_(None))


class DataTokens(Repository):
    """The tokens of a plan, and how often each was used."""

    # -------------------------------------------------------------- made and revoked
    def make(self, plan_id: int, audience: str, name: str, now: datetime, by: int | None) -> MadeToken:
        """Make a token. ValueError for an unknown audience; Conflict if there are too many."""
        if audience not in AUDIENCES:
            raise ValueError(f"no audience {audience!r}; there are: {', '.join(AUDIENCES)}")
        open_ones = select(func.count()).select_from(_T).where(_T.c.plan_id == plan_id, _T.c.revoked_at.is_(None))
        if self._connection.execute(open_ones).scalar_one() >= MOST:
            raise Conflict(f"there are {MOST} tokens already: revoke one that nobody uses")
        prefix = "".join(secrets.choice(ALPHABET) for _ in range(8))
        secret = f"enlace_{prefix}_{secrets.token_urlsafe(32)}"
        values: dict[str, Any] = {
            "plan_id": plan_id,
            "prefix": prefix,
            "audience": audience,
            "name": " ".join(clean(name).split())[:LONGEST_NAME],
            "created_at": now,
            "created_by_id": by,
        }
        values["token_hash"] = _hash(secret)
        self._connection.execute(insert(_T), values)
        details = {"token": prefix, "audience": audience, "mark": token_mark(self._unit.vault, values)}
        self._unit.of(Audit).record("token.made", by, plan_id, details, now)
        return MadeToken(self.get(plan_id, prefix), secret)

    def revoke(self, plan_id: int, prefix: str, now: datetime, by: int | None) -> DataToken:
        """Refuse this token from now on. NotFound if the plan has no such token. A second time changes nothing."""
        token = self.get(plan_id, prefix)
        done = self._connection.execute(
            update(_T).where(_T.c.id == token.id, _T.c.revoked_at.is_(None)).values(revoked_at=now)
        )
        if done.rowcount == 1:
            details = {"token": prefix, "audience": token.audience}
            self._unit.of(Audit).record("token.revoked", by, plan_id, details, now)
        return self.get(plan_id, prefix)

    # -------------------------------------------------------------- finding
    def get(self, plan_id: int, prefix: str) -> DataToken:
        """Return a token. NotFound."""
        statement = select(*_COLUMNS).where(_T.c.plan_id == plan_id, _T.c.prefix == prefix)
        found = self._connection.execute(statement).first()
        if found is None:
            raise NotFound(f"no token {prefix!r}")
        return DataToken(*found)

    def all(self, plan_id: int, *, only_open: bool = False) -> list[DataToken]:
        """Return the tokens in the order in which they were made."""
        statement = select(*_COLUMNS).where(_T.c.plan_id == plan_id).order_by(_T.c.id)
        if only_open:
            statement = statement.where(_T.c.revoked_at.is_(None))
        return [DataToken(*found) for found in self._connection.execute(statement)]

    def admitted(self, secret: str) -> DataToken | None:
        """The token with this secret. None if there is none, or if it was revoked."""
        shape = SHAPE.fullmatch(secret)
        found = self._connection.execute(_BY_PREFIX, {"prefix": shape[1]}).first() if shape else None
        if found is None or not hmac.compare_digest(found.token_hash, _hash(secret)):
            return None
        return DataToken(*found[:-1])

    # -------------------------------------------------------------- used
    def note_read(self, token: DataToken, dataset: str, day: date, now: datetime) -> bool:
        """Count a read of a dataset on a day of the plan. Return whether it was the first of that day."""
        self._connection.execute(update(_T).where(_T.c.id == token.id).values(last_used_at=now))
        key = (_R.c.data_token_id == token.id) & (_R.c.on_day == day) & (_R.c.dataset == dataset)
        if self._connection.execute(update(_R).where(key).values(reads=_R.c.reads + 1)).rowcount:
            return False
        values = {"data_token_id": token.id, "on_day": day, "dataset": dataset, "reads": 1}
        self._connection.execute(insert(_R), values)
        return True

    def reads(self, plan_id: int) -> Mapping[str, int]:
        """Return how often each token was used, by its prefix."""
        rows = self._connection.execute(
            select(_T.c.prefix, func.sum(_R.c.reads))
            .join(_R, _R.c.data_token_id == _T.c.id)
            .where(_T.c.plan_id == plan_id)
            .group_by(_T.c.prefix)
        )
        return {prefix: int(number) for prefix, number in rows}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
