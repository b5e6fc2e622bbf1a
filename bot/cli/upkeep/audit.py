"""`enlace audit`: the audit log, read and verified."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import day as day_of
from bot.cli.at_server import now, settings
from bot.cli.console import expect_language, fail, read_file, talk
from bot.cli.options import JsonOption, LanguageOption, PlanOption
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.upkeep.chain import Verdict

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(
    head: Annotated[
        str,
        typer.Option(
            "--head",
            help="A head noted elsewhere, such as 1234.0a1b2c3d4e5f, or a file that ends with one.",
        ),
    ] = "",
    data: Annotated[
        bool,
        typer.Option(
            "--data",
            help="Compare roles, reports, files, decisions, comments and doors with what the log says of them.",
        ),
    ] = False,
) -> None:
    """Verify the audit log. Exit 1 names each entry that was changed, added, moved or removed."""
    verdict = _verified(settings(), head, with_data=data)
    for finding in verdict.findings:
        place = "" if finding.position is None else f"entry {finding.position}"
        id = "" if finding.id is None else f"id {finding.id}"
        print("\t".join((finding.kind, place, id, finding.text)))
    if not verdict.is_whole:
        what = "audit log, or the data it tells of," if data else "audit log"
        fail(f"The {what} was tampered with: {verdict.found} finding(s) in {verdict.sealed} sealed entries.")
    end = f", up to {verdict.head.note}" if verdict.head else ""
    waiting = f"; {verdict.unsealed} not sealed yet" if verdict.unsealed else ""
    talk(f"The audit log is whole: {verdict.sealed} sealed entries{end}{waiting}.")


def _verified(settings: "Settings", noted: str, *, with_data: bool) -> "Verdict":
    """Check the whole log. `noted` is a head that somebody wrote down, a file with one, or blank."""
    from bot.open_storage import open_storage
    from storage.errors import StorageError
    from storage.reports.files import FileStore
    from storage.upkeep.chain import Head, verify, verify_data

    try:
        head = Head.read(_noted(noted)) if noted else None
    except StorageError as error:
        raise Complaint(f"--head: {error}. `enlace audit verify`, /estado and every backup print one.") from None
    with open_storage(settings) as database, database.view() as unit:
        verdict = verify(unit, noted=head)
        if with_data:
            verify_data(unit, verdict, now(), FileStore(settings.files, database.vault))
        return verdict


def _noted(text: str) -> str:
    """Return the head that was given. If it is a file, return the last line that has a head."""
    file = Path(text)
    if "/" not in text and not file.is_file():
        return text
    lines = [line.split()[-1] for line in read_file(file).decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""


@app.command("list")
def list_entries(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many of the newest.")] = 20,
    about: Annotated[str, typer.Option("--about", help="people, plan, reports, exports or messages.")] = "",
    person: Annotated[int | None, typer.Option("--person", help="Telegram's number of whoever did it.")] = None,
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="Only what was done on this day.")] = "",
    language: LanguageOption = "",
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """List who did what, newest first: when, who, and what in a sentence."""
    from storage.database.audit import KINDS

    chosen = settings()
    if about and about not in KINDS:
        fail(f"--about {about!r} is not one of {', '.join(KINDS)}", 2)
    expect_language(language)
    on = day_of("--day", day, chosen) if day else None
    for row in listed(chosen, limit, Asked(about, person, on), language or chosen.language, plan_code):
        print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join((row["at"], row["who"], row["told"])))


@dataclass(frozen=True, slots=True)
class Asked:
    """The entries that the operator asks for: a kind, the Telegram number of the actor, a day of ENLACE_TIMEZONE."""

    kind: str = ""
    telegram_id: int | None = None
    on: date | None = None


def listed(
    settings: "Settings", limit: int, asked: Asked, language: str, plan_code: str = ""
) -> Iterable[dict[str, Any]]:
    """The newest entries, the newest first, as stored and as a sentence; of every plan unless one is named."""
    from bot.acts.upkeep.audit import Teller, bounds_of
    from bot.open_storage import open_storage, plan_named
    from conversations.wording import wording
    from storage.database.audit import Search

    zone = ZoneInfo(settings.timezone)
    since, until = bounds_of(f"{asked.on:%Y%m%d}", zone) if asked.on else (None, None)
    if asked.on is not None and since is None:
        raise Complaint(f"{asked.on} is no day that anything was done on.")
    with open_storage(settings) as database, database.view() as unit:
        plan_id = plan_named(unit, plan_code).id if plan_code else None
        person = unit.people.by_telegram_id(asked.telegram_id) if asked.telegram_id is not None else None
        if asked.telegram_id is not None and person is None:
            raise Complaint(
                f"Nobody with the Telegram number {asked.telegram_id} was ever enrolled: see 'enlace people list'."
            )
        first = next((plan.id for plan in unit.plans.all()), 0)
        search = Search(asked.kind, person.id if person else None, since, until)
        for entry in unit.audit.latest(plan_id, search, limit=limit):
            teller = Teller(unit, entry.plan_id or first, wording(language), zone, names=True)
            yield {
                "id": entry.id,
                "at": entry.at.astimezone(teller.zone).isoformat(timespec="seconds"),
                "act": entry.act,
                "who": teller.who(entry),
                "told": teller.sentence(entry),
                "details": entry.details,
            }
