"""`enlace init`: everything a deployment needs before its first `run`. Running it again changes nothing."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from importlib.resources import files

from bot.complaint import Complaint
from bot.opening import open_storage
from bot.settings import Settings
from bot.versions import publish
from conversations.bundle import Bundle
from conversations.xlsform import read_xlsform
from storage.database import upgrade
from storage.errors import NotFound
from storage.imports import SEED_PLAN, apply, read_plan, seed_workbook
from storage.unit_of_work import UnitOfWork
from storage.vault import Vault


def set_up(settings: Settings, now: datetime, *, is_empty: bool = False) -> Iterator[str]:
    """Do it, and tell what was done."""
    if settings.keys.exists():
        Vault.load(settings.keys)
        yield f"Keyring: {settings.keys} (there already)."
    else:
        Vault.create(settings.keys)
        yield f"Keyring: {settings.keys} made. Keep a copy apart from the database's backups."
    upgrade(settings.database_url)
    yield "Database: up to date."
    try:
        settings.files.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Complaint(f"The folder {settings.files} cannot be made ({error.strerror}). Check ENLACE_FILES.") from None
    if is_empty:
        return
    with open_storage(settings) as database:
        yield database.units.submit(None, lambda unit: _plan(unit, now, settings)).result()
        database.units.submit(None, lambda unit: _calendar(unit, now)).result()
        for name, data in shipped_forms():
            yield database.units.submit(None, partial(_form, name=name, data=data, now=now)).result()


def shipped_forms() -> Iterator[tuple[str, bytes]]:
    """File name and content of each XLSForm the package brings."""
    for resource in sorted((files("conversations") / "forms").iterdir(), key=lambda r: r.name):
        if resource.name.endswith(".xlsx"):
            yield resource.name, resource.read_bytes()


def _plan(unit: UnitOfWork, now: datetime, settings: Settings) -> str:
    try:
        unit.plans.by_code(SEED_PLAN)
        return f"Plan: {SEED_PLAN} (there already)."
    except NotFound:
        pass
    found = apply(unit, read_plan(seed_workbook()), SEED_PLAN, None, now, timezone=settings.timezone)
    return f"Plan: {SEED_PLAN}. {found.summary(settings.language)}"


def _calendar(unit: UnitOfWork, now: datetime) -> None:
    """Holidays and schedules of every plan, which the bot would otherwise furnish when it first looks."""
    from bot.holidays import furnish_calendar
    from bot.scheduler import furnish

    for plan in unit.plans.all():
        furnish_calendar(unit, plan, now)
        furnish(unit, plan.id, now)


def _form(unit: UnitOfWork, name: str, data: bytes, now: datetime) -> str:
    checked = read_xlsform(data, name)
    versions = unit.forms.versions(unit.plans.by_code(SEED_PLAN).id, checked.form.form_id)
    known = next((each for each in versions if each.sha256 == hashlib.sha256(data).hexdigest()), None)
    # What is known may have been followed by the plan's own edition, and that one stays.
    stored = known or publish(unit, Bundle(name, data), checked, now, plan_code=SEED_PLAN)
    return f"Form: {stored.form_id}, version {stored.version}."
