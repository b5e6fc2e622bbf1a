"""What became of the rows of the earlier plan, as the following plan's code list `succession` says it.

It is read from the present rows of the following plan: whoever corrects its sheet corrects what is told. Codes of the
two plans are never mixed: an old code is looked up here, and nowhere else.
"""

from datetime import datetime
from typing import NamedTuple

from conversations.plan.model import SUCCESSION, Translations
from storage.database.audit import Audit, Search
from storage.database.unit import Repository
from storage.plan.plans import Plans


class Became(NamedTuple):
    """What became of a row: a word of `FOLLOWERS`, the rows of the new plan, and why."""

    relation: str
    codes: tuple[str, ...]
    because: Translations


class Succession(Repository):
    """Questions about the rows of two plans, of which one follows the other."""

    def became(self, plan_id: int) -> dict[str, Became]:
        """Return code in the earlier plan → what became of it in this one. Empty for a plan that follows none."""
        return {
            label.code: Became(
                label.attributes.get("relation", ""),
                tuple(label.attributes.get("new_codes", "").split()),
                label.label,
            )
            for label in self._unit.of(Plans).code_list(plan_id, SUCCESSION)
        }

    def begun_at(self, plan_id: int, since: datetime) -> datetime | None:
        """Return when the plan was last made to follow another one. None if that was not since then."""
        search = Search(act="plan.succeeded", since=since)
        return next((entry.at for entry in self._unit.of(Audit).latest(plan_id, search, limit=1)), None)

    def earlier(self, plan_id: int, code: str) -> list[str]:
        """Return the codes of the earlier plan that became this row, in their order on the sheet."""
        return [old for old, became in self.became(plan_id).items() if code in became.codes]
