"""The settings that an admin may change for a plan, and their defaults.

A commission lasts longer than the operator of its server. So admins change these settings in the plan, not in the
environment of the process: whom people ask for help, how long a draft lives. What protects people is not a setting:
suppression thresholds, the second admin, and the longest life of a link.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam, delete, select

from conversations.languages import LANGUAGES
from storage.database.audit import Audit
from storage.database.marks import setting_mark
from storage.database.models import Base
from storage.database.statements import insert_into
from storage.database.unit import Repository

Kind = Literal["text", "number", "yes_no", "choice"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `least` and `most` bound a number; `most` bounds the length of a text.

    `is_personal`: the value may be somebody's name or number, and stays out of the audit log.
    """

    name: str
    kind: Kind
    default: str
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    is_personal: bool = False

    def read(self, text: str) -> str | None:
        """Read a text as a value of this setting. None if it is not one. The default is always valid."""
        said = " ".join(text.split())
        if said == self.default:
            return said
        match self.kind:
            case "text":
                return said if len(said) <= self.most and said.isprintable() else None
            case "number":
                is_number = said.isascii() and said.isdecimal() and len(said) < 9
                return str(int(said)) if is_number and self.least <= int(said) <= self.most else None
            case "yes_no":
                return said if said in ("yes", "no") else None
            case "choice":
                return said if said in self.choices else None

    def told(self) -> str:
        """Describe its values, for the command line."""
        match self.kind:
            case "text":
                return f"a line of up to {self.most} characters"
            case "number":
                return f"a number from {self.least} to {self.most}"
            case "yes_no":
                return "yes or no"
            case "choice":
                return f"one of {', '.join(self.choices)}"


CONTACT = Setting("contact", "text", "", most=80, is_personal=True)
"""The contact for somebody with a link that does not work: an office, a number. Blank: "the plan's coordination"."""
LANGUAGE = Setting("language", "choice", "", choices=LANGUAGES)
"""The language of newcomers if the bot does not speak their phone's. Blank: the deployment's language."""
LINK_HOURS = Setting("link_hours", "number", "72", least=1, most=72)
"""How long a link that is made in the chat lives. The most is that of every link (S1)."""
DRAFT_DAYS = Setting("draft_days", "number", "30", least=3, most=90)
"""How many days a draft is kept that has no reporting period."""
SHOW_GCM = Setting("show_gcm", "yes_no", "no")
"""Whether the Global Compact's objectives are shown to ministers and the public
(docs/domain.md#sdgs-and-the-global-compact: off by default).
"""

SETTINGS: tuple[Setting, ...] = (CONTACT, LANGUAGE, LINK_HOURS, DRAFT_DAYS, SHOW_GCM)

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_setting = Base.metadata.tables["setting"]
_VALUE = select(_setting.c.value).where(
    _setting.c.plan_id == bindparam("plan_id"), _setting.c.name == bindparam("setting_name")
)


def find(name: str) -> Setting | None:
    return _BY_NAME.get(name)


class PlanSettings(Repository):
    """The settings of each plan."""

    def text(self, plan_id: int, setting: Setting) -> str:
        """Return the value that was set, or the default. A value that the table no longer allows counts as not set."""
        found = self._connection.execute(_VALUE, {"plan_id": plan_id, "setting_name": setting.name}).scalar()
        kept = None if found is None else setting.read(found)
        return setting.default if kept is None else kept

    def number(self, plan_id: int, setting: Setting) -> int:
        return int(self.text(plan_id, setting))

    def is_on(self, plan_id: int, setting: Setting) -> bool:
        return self.text(plan_id, setting) == "yes"

    def set(self, plan_id: int, setting: Setting, value: str, *, now: datetime, by: int | None) -> bool:
        """Set a value; the default removes the row. False if nothing changes. ValueError if it is not a value."""
        kept = setting.read(value)
        if kept is None:
            raise ValueError(f"{value!r} is no value of {setting.name}")
        before = self.text(plan_id, setting)
        if kept == before:
            return False
        here = (_setting.c.plan_id == plan_id, _setting.c.name == setting.name)
        if kept == setting.default:
            self._connection.execute(delete(_setting).where(*here))
        else:
            row = {"plan_id": plan_id, "name": setting.name, "value": kept, "set_at": now, "set_by_id": by}
            statement = insert_into(self._connection, _setting).values(row)
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[_setting.c.plan_id, _setting.c.name],
                    set_={"value": kept, "set_at": now, "set_by_id": by},
                )
            )
        mark = setting_mark(self._unit.vault, plan_id, setting.name, kept)
        details: dict[str, object] = {"setting": setting.name, "mark": mark}
        if not setting.is_personal:
            details |= {"from": before, "to": kept}
        self._unit.of(Audit).record("setting.changed", actor_id=by, plan_id=plan_id, details=details, now=now)
        return True
