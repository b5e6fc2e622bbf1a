"""`enlace init`: make everything that a deployment needs before its first `run`. Running it again changes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.acts.reports.coverage import publish_shipped
from bot.errors import Complaint
from bot.open_storage import expect_no_sealed_data, open_storage
from bot.settings import Settings
from storage.database.migrating import upgrade
from storage.database.vault import Vault
from storage.errors import PlanClosed
from storage.imports.applying import apply
from storage.imports.reading import read_plan
from storage.seed import SEED_PLAN, Example, seed_workbook
from storage.unit_of_work import UnitOfWork


def set_up(settings: Settings, now: datetime, *, is_empty: bool = False, is_from_today: bool = False) -> Iterator[str]:
    """Set up the deployment. Yields a line for each thing done.

    `is_from_today`: the shipped plan is made as an example that has begun this year.
    """
    if settings.keys.exists():
        Vault.load(settings.keys)
        yield f"Keyring: {settings.keys} (there already)."
    else:
        expect_no_sealed_data(settings)
        Vault.create(settings.keys)
        yield f"Keyring: {settings.keys} made. Keep a copy apart from the database's backups."
    upgrade(settings.database_url)
    yield "Database: up to date."
    try:
        settings.files.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Complaint(f"The folder {settings.files} cannot be made ({error.strerror}). Check ENLACE_FILES.") from None
    with open_storage(settings) as database:
        if not is_empty:
            yield database.units.submit(None, lambda unit: _plan(unit, now, settings, is_from_today)).result()
        database.units.submit(None, lambda unit: _calendar(unit, now)).result()
        yield from database.units.submit(None, lambda unit: _forms(unit, now)).result()


def _plan(unit: UnitOfWork, now: datetime, settings: Settings, is_from_today: bool) -> str:
    if there := ", ".join(plan.code for plan in unit.plans.all()):
        return f"Plan: {there} (there already)."  # a second one is made by nobody who was not asked
    if is_from_today:
        example = Example(now.astimezone(ZoneInfo(settings.timezone)).date())
        code, draft = example.code, read_plan(seed_workbook(), example.read)
    else:
        code, draft = SEED_PLAN, read_plan(seed_workbook())
    found = apply(unit, draft, code, None, now, timezone=settings.timezone)
    return f"Plan: {code}. {found.summary(settings.language)}"


def _calendar(unit: UnitOfWork, now: datetime) -> None:
    """Add the holidays and schedules of every plan. Otherwise the bot would add them at its first scan."""
    from bot.acts.calendar.holidays import add_public_holidays
    from bot.schedule.scheduler import ensure_schedules

    for plan in unit.plans.all():
        add_public_holidays(unit, plan, now)
        ensure_schedules(unit, plan.id, now)


def _forms(unit: UnitOfWork, now: datetime) -> list[str]:
    """Publish the shipped forms in every plan that has an earlier one or none."""
    told = []
    for plan in unit.plans.all():
        with suppress(PlanClosed):
            unit.audit.expect_open(plan.id, now)
            publish_shipped(unit, plan.id, now)
        told += [f"Form: {stored.form_id}, version {stored.version}." for stored in unit.forms.list(plan.id)]
    return told
