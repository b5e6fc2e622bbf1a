"""`enlace status`: how the bot is, worst first; with `--handover`, what whoever inherits it must know."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import now, settings
from bot.cli.console import expect_language, fail
from bot.cli.options import JsonOption, LanguageOption

if TYPE_CHECKING:
    from bot.settings import Settings


app = typer.Typer()


@app.command()
def status(
    language: LanguageOption = "",
    as_json: JsonOption = False,
    handover: Annotated[
        bool, typer.Option("--handover", help="Then what whoever inherits this must know: plans, people, doors, keys.")
    ] = False,
) -> None:
    """Print the state of the bot, worst first: a word, a subject and a sentence. Exit 1 if something does not work."""
    if handover and as_json:
        fail("--handover is for people: each of its lists has --json of its own", 2)
    chosen = settings()
    expect_language(language)
    rows = status_rows(chosen, language or chosen.language, now())
    for row in rows:
        print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join((row["state"], row["what"], row["told"])))
    if handover:
        from bot.cli.handover import hand_over

        hand_over(chosen)
    if any(row["state"] == "bad" for row in rows):
        raise SystemExit(1)


def status_rows(settings: "Settings", language: str, now: datetime) -> list[dict[str, Any]]:
    """Return what /estado says in the chat. The disk, however, is checked on this machine."""
    from bot.acts.upkeep.status import free_bytes, look, readings, sentence
    from bot.open_storage import open_storage
    from conversations.wording import wording

    with open_storage(settings) as database, database.view() as unit:
        seen = look(unit, now)
    if seen.vitals is not None:
        seen = replace(seen, vitals=replace(seen.vitals, free=free_bytes(settings)))
    say, zone = wording(language), ZoneInfo(settings.timezone)
    return [
        {"what": name, "state": reading.state, "told": sentence(name, reading, say, zone), **_plain(reading.values)}
        for name, reading in readings(seen)
    ]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case timedelta():
            return round(value.total_seconds())
        case date():  # an instant too
            return value.isoformat()
    return value
