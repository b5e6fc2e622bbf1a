"""RETENTION: how long data is kept, and how it is deleted (S14).

Data that is deleted cannot be stolen, subpoenaed or misread. A report stays, with its figures and codes, because a plan
is judged by them years later. Words, places and files about a restricted activity are needed only for some months. It
is one literal table, read from top to bottom; the docs and the chat show it to people.

Every rule may run at any time, in several replicas, and may be interrupted. Each works a page at a time.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import and_, delete, exists, or_, select, update

from conversations.xforms.form import Form
from conversations.xforms.question_types import QUESTION_TYPES
from storage.database.models import (
    Attachment,
    Comment,
    Delegation,
    Invitation,
    PoisonUpdate,
    ReviewDecision,
    Session,
    Stranger,
    Submission,
    table,
)
from storage.reports import submissions
from storage.reports.standing import StandingChanges
from storage.upkeep import data_check

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_A, _C, _D, _I, _P, _R, _S, _T, _W = map(
    table, (Attachment, Comment, Delegation, Invitation, PoisonUpdate, ReviewDecision, Session, Submission, Stranger)
)

PAGE: Final = 200
_UP_TO: Final = "retention.sensitive"

Forget = Callable[["UnitOfWork", datetime], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what is deleted, how long it is kept, and the function that deletes a page of it."""

    name: str
    kept: timedelta
    forget: Forget

    def at(self, unit: "UnitOfWork", now: datetime) -> int:
        """Delete up to a page of what is too old. Return how many rows; 0 if nothing is left."""
        return self.forget(unit, now - self.kept)


def _drafts(unit: "UnitOfWork", before: datetime) -> int:
    """Delete the content of drafts that were sent, discarded or lapsed, and the files of drafts that were not sent."""
    was_sent = exists().where(_T.c.instance_id == _A.c.instance_id)
    has_ended = exists().where(
        _S.c.instance_id == _A.c.instance_id, _S.c.state.in_(("cancelled", "expired")), _S.c.touched_at < before
    )
    files = unit.connection.execute(delete(_A).where(has_ended, ~was_sent)).rowcount
    return files + unit.sessions.purge(before)


def _strangers(unit: "UnitOfWork", before: datetime) -> int:
    is_old = and_(
        or_(_W.c.answered_at.is_(None), _W.c.answered_at < before),
        or_(_W.c.failures_since.is_(None), _W.c.failures_since < before),
    )
    return unit.connection.execute(delete(_W).where(is_old)).rowcount


def _invitations(unit: "UnitOfWork", before: datetime) -> int:
    """Delete links that have long lapsed. The link of a delegation stays as long as the record of the delegation."""
    is_named = exists().where(_D.c.invitation_id == _I.c.id)
    return unit.connection.execute(delete(_I).where(_I.c.expires_at < before, ~is_named)).rowcount


def _updates(unit: "UnitOfWork", before: datetime) -> int:
    return unit.inbox.purge(before) + unit.suspects.purge(before) + unit.kept.purge(before)


def _poisoned(unit: "UnitOfWork", before: datetime) -> int:
    return unit.connection.execute(delete(_P).where(_P.c.set_aside_at < before)).rowcount


def _sensitive(unit: "UnitOfWork", before: datetime) -> int:
    """Delete words and places of restricted reports in every version, reasons of returns, comments, and files.

    Figures stay.

    It goes through the reports in their order, and notes how far it has come.
    """
    connection = unit.connection
    removed = _sensitive_files(unit, before)
    has_words = _R.c.sealed_reason.is_not(None) & (_R.c.decided_at < before)
    removed += connection.execute(update(_R).where(has_words).values(sealed_reason=None)).rowcount
    is_told = _C.c.sealed_text.is_not(None) & (_C.c.written_at < before)
    removed += connection.execute(update(_C).where(is_told).values(sealed_text=None, sealed_reply=None)).rowcount
    last = int(unit.facts.get(_UP_TO) or 0)
    rows = connection.execute(
        select(_T.c.id, _T.c.submitted_at, _T.c.form_version_id, _T.c.sealed_answers.is_not(None), _T.c.is_standing)
        .where(_T.c.id > last)
        .order_by(_T.c.id)
        .limit(PAGE)
    ).all()
    forms: dict[int, Form] = {}
    done = last
    for id, submitted_at, version_id, is_sealed, is_standing in rows:
        if submitted_at >= before:
            break
        done = id
        if not is_sealed:
            continue
        if version_id not in forms:
            forms[version_id] = unit.forms.form(version_id)
        words = {question.path for question in forms[version_id].questions if QUESTION_TYPES[question.type].is_free}
        sent = unit.submissions.get(id)
        answers = unit.submissions.answers(sent)
        kept = {path: answer for path, answer in answers.items() if _question(path) not in words}
        if kept != answers:
            text = orjson.dumps(kept).decode()
            sealed = unit.vault.seal(text, submissions.row(sent.instance_id))
            with data_check.marked_anew(unit, id):
                connection.execute(update(_T).where(_T.c.id == id).values(sealed_answers=sealed))
            if is_standing:  # a repeat that contained only words is gone
                unit.of(StandingChanges).note(sent.plan_id, sent.root_id)
            removed += 1
    if done > last:
        unit.facts.set(_UP_TO, str(done), before)
        removed += len(rows) == PAGE and done == rows[-1][0]  # a full page: there may be more
    return removed


def _sensitive_files(unit: "UnitOfWork", before: datetime) -> int:
    """Detach a page of the files of restricted reports. Return how many."""
    is_old = _A.c.sensitive & (_A.c.created_at < before)
    of_sent = select(_A.c.instance_id, _T.c.id).outerjoin(_T, _T.c.instance_id == _A.c.instance_id).where(is_old)
    removed = 0
    for instance_id, id in unit.connection.execute(of_sent.distinct().limit(PAGE)).all():
        with contextlib.nullcontext() if id is None else data_check.marked_anew(unit, id):
            removed += unit.connection.execute(delete(_A).where(is_old, _A.c.instance_id == instance_id)).rowcount
    return removed


def _question(path: str) -> str:
    """Return a node's question: the path without the numbers of its repeats."""
    return "/".join(step.partition("[")[0] for step in path.split("/"))


RETENTION: Final[tuple[Rule, ...]] = (
    Rule("updates", timedelta(days=7), _updates),
    Rule("messages", timedelta(days=7), lambda unit, before: unit.ledger.purge_messages(before)),
    Rule("jobs", timedelta(days=7), lambda unit, before: unit.jobs.purge(before)),
    Rule("drafts", timedelta(days=7), _drafts),
    Rule("events", timedelta(days=30), lambda unit, before: unit.event_deliveries.purge(before)),
    Rule("strangers", timedelta(days=30), _strangers),
    Rule("invitations", timedelta(days=90), _invitations),
    Rule("poisoned", timedelta(days=90), _poisoned),
    Rule("reminders", timedelta(days=400), lambda unit, before: unit.ledger.purge(before)),
    Rule("sensitive", data_check.WORDS_KEPT, _sensitive),
)
"""Reports, reviews, roles and the audit log have no row here: they are never deleted."""

ORPHANS: Final = timedelta(days=1)
"""A file is stored before the unit that attaches it. If nothing names it after a day, it is deleted."""
