"""Agencies that come and go without losing what they reported; settings that are rows of the plan."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import update

from conversations.plan.model import Agency
from storage.database.models import Setting as SettingRow
from storage.database.models import table
from storage.errors import Conflict
from storage.people.agencies import Belongings, NewAgency, read_code
from storage.plan.settings import CONTACT, DRAFT_DAYS, LANGUAGE, LINK_HOURS, SETTINGS, SHOW_GCM, find
from storage.unit_of_work import UnitOfWork

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
TODAY = date(2018, 10, 3)
Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


def entries(unit: UnitOfWork) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.act, entry.details) for entry in reversed(unit.audit.latest(limit=100))]


def add(
    world: Any, code: str = "inm", name: str = "Instituto  Nacional\nde Migración"
) -> Callable[[UnitOfWork], Agency]:
    return lambda unit: unit.agencies.add(
        world.plan_id, NewAgency(code, {"es": name}, role_type="collaborator", active_from=TODAY), NOW, by=None
    )


# ------------------------------------------------------------------ agencies
def test_an_agency_joins_is_renamed_leaves_and_comes_back(world: Any, apply: Apply) -> None:
    """It is one row all the while; who takes part on a day follows from its two dates (docs/domain.md#agencies)."""
    plan_id = world.plan_id
    made = apply(add(world))
    assert (made.code, made.name["es"], made.role_type) == ("INM", "Instituto Nacional de Migración", "collaborator")
    assert made.is_active(TODAY)

    named = apply(lambda u: u.agencies.rename(made, plan_id, {"en": "Migration Institute", "ht": ""}, now=NOW, by=None))
    assert named.name == {"es": "Instituto Nacional de Migración", "en": "Migration Institute"}

    ended = apply(lambda u: u.agencies.end(named, plan_id, date(2018, 11, 1), now=NOW, by=None))
    assert ended.is_active(date(2018, 10, 31))
    assert not ended.is_active(date(2018, 11, 1))

    back = apply(lambda u: u.agencies.reactivate(ended, plan_id, now=NOW, by=None))
    assert (back.id, back.active_to) == (made.id, None)
    assert [act for act, _ in apply(entries)] == [
        "agency.added",
        "agency.renamed",
        "agency.ended",
        "agency.reactivated",
    ]


def test_what_is_no_agency_is_refused(world: Any, apply: Apply) -> None:
    """A code is taken once, in any case of its letters; it is named; it ends after it begins."""
    plan_id = world.plan_id
    with pytest.raises(Conflict, match="PGR"):
        apply(add(world, "pgr"))
    for code, name in (("A", "x"), ("A.B", "x"), ("Á1", "x"), ("OK", " "), ("x" * 17, "x")):
        with pytest.raises(ValueError, match=r"code|Spanish"):
            apply(add(world, code, name))
    made = apply(add(world))
    for refused in (
        lambda u: u.agencies.end(made, plan_id, TODAY, now=NOW, by=None),
        lambda u: u.agencies.rename(made, plan_id, {"es": " "}, now=NOW, by=None),
        lambda u: u.agencies.set_type(made, plan_id, "king", now=NOW, by=None),
    ):
        with pytest.raises(ValueError, match="agency"):
            apply(refused)

    assert read_code(" cesfront-2 ") == "CESFRONT-2"


def test_what_hangs_on_an_agency_is_counted(world: Any, apply: Apply) -> None:
    """People with a role now, focal points who can be reached, activities that are not over."""
    counted = apply(lambda unit: unit.agencies.belongings(world.plan_id))
    assert counted == {world.agency_ids[0]: Belongings(people=2, focal_points=1, activities=0)}

    apply(lambda unit: unit.leaving.suspend(world.person_ids[0], now=NOW, by=None))
    counted = apply(lambda unit: unit.agencies.belongings(world.plan_id))
    assert counted[world.agency_ids[0]] == Belongings(people=2, focal_points=0, activities=0)


# ------------------------------------------------------------------ settings
def test_every_default_is_a_value_of_its_setting() -> None:
    """And names are found as they are written; what is decided fits the column."""
    for setting in SETTINGS:
        assert setting.read(setting.default) == setting.default
        assert find(setting.name) is setting
        assert len(setting.name) <= 32
    assert find("min_cell") is None


@pytest.mark.parametrize(
    ("setting", "typed", "kept"),
    [
        (LINK_HOURS, "024", "24"),
        (LINK_HOURS, "73", None),
        (LINK_HOURS, "0", None),
        (LINK_HOURS, "-1", None),
        (LINK_HOURS, "٣", None),
        (LANGUAGE, "ht", "ht"),
        (LANGUAGE, "pt", None),
        (LANGUAGE, "", ""),
        (SHOW_GCM, "yes", "yes"),
        (SHOW_GCM, "si", None),
        (CONTACT, "  la Secretaría   Técnica ", "la Secretaría Técnica"),
        (CONTACT, "x" * 81, None),
        (CONTACT, "a\u202eb", None),
    ],
)
def test_a_text_is_a_value_or_it_is_not(setting: Any, typed: str, kept: str | None) -> None:
    """Bounds are those of the table, in chat as at the server."""
    assert setting.read(typed) == kept


def test_a_setting_is_the_plans_own_and_falls_back_to_its_default(world: Any, apply: Apply) -> None:
    """Set, set again, set back; each change is in the log, and a contact's words are not."""
    plan_id = world.plan_id

    def put(setting: Any, value: str) -> bool:
        changed: bool = apply(lambda unit: unit.settings.set(plan_id, setting, value, now=NOW, by=world.person_ids[2]))
        return changed

    assert apply(lambda unit: unit.settings.number(plan_id, DRAFT_DAYS)) == 30
    assert put(DRAFT_DAYS, "14")
    assert not put(DRAFT_DAYS, "14")
    assert put(DRAFT_DAYS, "15")
    assert apply(lambda unit: unit.settings.number(plan_id, DRAFT_DAYS)) == 15
    assert apply(lambda unit: unit.settings.number(plan_id + 1, DRAFT_DAYS)) == 30
    assert put(DRAFT_DAYS, "30")
    assert put(CONTACT, "Marta Reyes, 809 555 0100")
    assert put(SHOW_GCM, "yes")
    assert apply(lambda unit: unit.settings.is_on(plan_id, SHOW_GCM))

    with pytest.raises(ValueError, match="link_hours"):
        put(LINK_HOURS, "100")
    told = [{**details} for _, details in apply(entries)]
    assert all(details.pop("mark") for details in told)
    assert told == [
        {"setting": "draft_days", "from": "30", "to": "14"},
        {"setting": "draft_days", "from": "14", "to": "15"},
        {"setting": "draft_days", "from": "15", "to": "30"},
        {"setting": "contact"},
        {"setting": "show_gcm", "from": "no", "to": "yes"},
    ]


def test_a_kept_value_that_is_no_longer_allowed_counts_as_not_set(world: Any, apply: Apply) -> None:
    """A newer version may narrow a bound; nobody should have to mend rows for it."""
    row = table(SettingRow)
    apply(lambda unit: unit.settings.set(world.plan_id, LINK_HOURS, "24", now=NOW, by=None))
    apply(lambda unit: unit.connection.execute(update(row).values(value="500")))
    assert apply(lambda unit: unit.settings.number(world.plan_id, LINK_HOURS)) == 72
