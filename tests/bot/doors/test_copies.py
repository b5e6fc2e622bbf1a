"""A copy kept by `next` is the whole dataset, whatever is done meanwhile: rows change, come, go, lose their words."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import update

from conversations.plan.sharing.export_request import AUDIENCES
from storage.database.models import Plan, table
from storage.errors import Conflict
from storage.imports import history
from storage.reports.files import NewAttachment
from storage.reports.inspection import Inspected
from storage.reports.submissions import NewSubmission, StoredSubmission
from storage.unit_of_work import UnitOfWork
from storage.upkeep import retention
from storage.upkeep.holding import settle_and_hold
from tests.bot.doors.served import NOW, Served
from tests.bot.house import ANA, CARMEN
from tests.storage.imports.plan_books import Book, bring

FOLLOWED: Final = (("reports", {}), ("reports", {"status": "delayed"}), ("answers", {"form": "activity_report"}))


@dataclass
class Copy:
    """What somebody keeps who follows a dataset: rows by the first receipt of their report."""

    door: Served
    audience: str
    dataset: str
    filters: dict[str, str]
    rows: dict[int, list[Any]] = field(default_factory=dict)
    address: str = ""
    begun: int = 0

    def read(self) -> bool:
        """One page; whether there is more."""
        if not self.address:
            self.rows, self.begun = {}, self.begun + 1
            page = self.door.ask(self.dataset, self.audience, limit="3", **self.filters)
        else:
            page = self.door.ask(self.address, self.audience)
        if page.status == 410:
            self.address = ""
            return True
        assert page.status == 200, page.body
        for receipt in page.json["removed"]:
            self.rows.pop(receipt, None)
        told: dict[int, list[Any]] = {}
        for row in page.rows:
            told.setdefault(row.get("root_receipt", row.get("_root_receipt")), []).append(row)
        self.rows |= told
        self.address = page.json["next"]
        return bool(page.json["has_more"])

    def whole(self) -> list[Any]:
        return _in_order(self.door.ask(self.dataset, self.audience, **self.filters).rows)

    def kept(self) -> list[Any]:
        return _in_order([row for rows in self.rows.values() for row in rows])


def _in_order(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: str(row.get("receipt", row.get("_receipt"))))


class Acts:
    """What can happen to a plan, each drawn at random."""

    def __init__(self, door: Served, dice: random.Random) -> None:
        self.door, self.dice = door, dice
        self.number = dice.randrange(10**6) * 1000
        self.all: tuple[Callable[[UnitOfWork], Any], ...] = (
            *(self.send,) * 6,
            *(self.decide,) * 8,
            *(self.correct,) * 4,
            self.rename_agency,
            self.end_agency,
            self.bring_plan,
            self.undo_plan,
            self.protect,
            self.forget,
            self.put_back,
        )

    def one(self) -> None:
        with contextlib.suppress(Conflict):  # decided or reported already
            self.door.do(self.dice.choice(self.all))

    # -------------------------------------------------------------- reports
    def send(self, unit: UnitOfWork) -> None:
        activity = self.dice.choice(unit.plans.activities(self.door.plan_id))
        period = self.dice.choice(unit.plans.periods(self.door.plan_id))
        self._send(unit, activity.subject, period.id, is_sensitive=activity.is_restricted or self.dice.random() < 0.2)

    def _send(
        self, unit: UnitOfWork, subject: str | None, period_id: int | None, *, is_sensitive: bool,
        before: StoredSubmission | None = None,
    ) -> None:  # fmt: skip
        person = unit.people.by_telegram_id(ANA)
        assert person is not None
        form = next(each for each in unit.forms.list(self.door.plan_id) if each.form_id == "activity_report")
        root = unit.forms.form(form.id).root.path
        self.number += 1
        instance = f"uuid:act-{self.number}"
        answers = {f"{root}/next_step": "palabras", f"{root}/ben_total": str(self.dice.randint(0, 40))}
        if self.dice.random() < 0.5:
            found = Inspected(b"x", "text/plain", "txt", "acta.txt", f"{self.number:064x}", f"{self.number:064x}")
            unit.attachments.add(
                NewAttachment(
                    plan_id=self.door.plan_id,
                    instance_id=instance,
                    ref=f"{root}/file",
                    inspected=found,
                    sensitive=is_sensitive,
                    is_compressed=False,
                ),
                NOW,
            )
        unit.submissions.add(NewSubmission(
            plan_id=self.door.plan_id, form_id=form.form_key, form_version_id=form.id, instance_id=instance,
            person_id=person.id, agency_id=None, answers=answers, language="es", started_at=NOW, sensitive=is_sensitive,
            subject=subject, validation_state="submitted" if before is None else "corrected",
            reporting_period_id=period_id, activity_status=self.dice.choice(["in_progress", "delayed"]),
            progress=self.dice.randint(0, 100), supersedes_id=None if before is None else before.id,
        ), NOW)  # fmt: skip

    def decide(self, unit: UnitOfWork) -> None:
        sent, by = self._any(unit), unit.people.by_telegram_id(CARMEN)
        if sent is None or by is None:
            return
        if sent.validation_state == "validated":
            unit.reviews.take_back(sent, by.id, NOW)
        else:
            unit.reviews.decide(sent, self.dice.choice(["validated", "validated", "returned"]), by.id, NOW)

    def correct(self, unit: UnitOfWork) -> None:
        sent = self._any(unit)
        if sent is not None:
            self._send(unit, sent.subject, sent.reporting_period_id, is_sensitive=sent.sensitive, before=sent)

    def _any(self, unit: UnitOfWork) -> StoredSubmission | None:
        ids = unit.connection.exec_driver_sql(
            "SELECT id FROM submission WHERE is_current AND instance_id LIKE 'uuid:act-%%'"
            if unit.is_postgresql
            else "SELECT id FROM submission WHERE is_current AND instance_id LIKE 'uuid:act-%'"
        ).scalars()
        found = list(ids)
        return unit.submissions.get(self.dice.choice(found)) if found else None

    # -------------------------------------------------------------- the plan
    def rename_agency(self, unit: UnitOfWork) -> None:
        agency = self.dice.choice(unit.plans.agencies(self.door.plan_id))
        unit.agencies.rename(agency, self.door.plan_id, {"es": f"Nombre {self.dice.random()}"}, now=NOW, by=None)

    def end_agency(self, unit: UnitOfWork) -> None:
        agency = self.dice.choice(unit.plans.agencies(self.door.plan_id))
        day = (NOW + timedelta(days=9)).date()
        if agency.active_to is None:
            unit.agencies.end(agency, self.door.plan_id, day, now=NOW, by=None)
        else:
            unit.agencies.reactivate(agency, self.door.plan_id, now=NOW, by=None)

    def bring_plan(self, unit: UnitOfWork) -> None:
        """Another name, and an activity that is restricted from now on."""
        book = Book().put("activities", "PRE-101", "name_es", f"Otra {self.dice.random()}")
        if self.dice.random() < 0.5:
            book.put("activities", "PRE-102", "sensitivity", "restricted")
        bring(book.draft())(unit)

    def undo_plan(self, unit: UnitOfWork) -> None:
        found = history.look_back(unit, self.door.plan_id, NOW)
        if found is not None and found.is_possible:
            history.undo(unit, self.door.plan_id, found.import_id, actor_id=None, now=NOW)

    def protect(self, unit: UnitOfWork) -> None:
        """Another size from which people are few."""
        plan = table(Plan)
        unit.connection.execute(update(plan).values(min_cell=self.dice.choice([3, 5, 11])))

    # -------------------------------------------------------------- what time and operators do
    def forget(self, unit: UnitOfWork) -> None:
        """The words of what is restricted, years later."""
        [rule] = [rule for rule in retention.RETENTION if rule.name == "sensitive"]
        while rule.at(unit, NOW + timedelta(days=1000)):
            pass
        unit.facts.forget("retention.sensitive")

    def put_back(self, unit: UnitOfWork) -> None:
        """A backup is restored, and somebody lets it go on."""
        settle_and_hold(unit.connection, NOW)
        unit.facts.forget("held")


@pytest.mark.slow
@pytest.mark.parametrize(("door", "seed"), [("sqlite", 1), ("postgresql", 2)], indirect=["door"])
def test_a_copy_is_the_whole_whatever_is_done(door: Served, seed: int) -> None:
    """For each audience, dataset and filter: read at any moment, and at the end the same rows, deletions included."""
    dice = random.Random(seed)
    acts = Acts(door, dice)
    copies = [Copy(door, audience, *followed) for audience in AUDIENCES for followed in FOLLOWED]
    for _ in range(30):
        for _ in range(dice.randint(1, 3)):
            acts.one()
        dice.choice(copies).read()
    for copy in copies:
        while copy.read() or copy.begun == 0:
            pass
        while copy.read():  # the round that began before the last act is over: one more
            pass
        assert copy.kept() == copy.whole(), (copy.audience, copy.dataset, copy.filters)
    assert any(copy.rows for copy in copies)
