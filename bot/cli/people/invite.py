"""`enlace invite`: a link that grants a role once."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import in_unit, server, settings
from bot.cli.console import fail, talk
from bot.cli.options import ContributorOption, JsonOption, PlanOption, RoleOption
from bot.errors import Complaint
from conversations.plan.model import Post

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

app = typer.Typer()


@app.command()
def invite(
    role: RoleOption,
    agency: Annotated[str, typer.Option(help="Code of the agency.")] = "",
    ttl: Annotated[
        str, typer.Option(help="How long the link lives, such as 72h or 15m; an admin's at most 15m.")
    ] = "72h",
    contributor: ContributorOption = False,
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print a link that grants this role once: the code, and the deep link once `run` has learnt the bot's name."""
    lives = _duration(ttl)
    made = _issued(role, agency, lives, is_contributor=contributor, plan_code=plan_code)
    if as_json:
        print(json.dumps(made))
    else:
        print(made["link"] or made["code"])
        if not made["link"]:
            talk(f"`enlace run` has not learnt the bot's name yet. Open its chat and write: /start {made['code']}")
        talk(f"It works once and expires at {made['expires_at']}. Send it to the person in private.")


def _duration(text: str) -> timedelta:
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal() or not 0 < int(text[:-1]) < 10_000:
        fail(f"--ttl {text!r} is not a time such as 72h, 15m or 3d", 2)
    return timedelta(**{unit: int(text[:-1])})


def _issued(
    role_name: str, agency_code: str, lives: timedelta, *, is_contributor: bool, plan_code: str
) -> dict[str, str]:
    """A new invitation: its code, its link (empty until the bot's name is known) and when it expires."""
    from bot.acts.people.enrolment import agency_id_of, role_named
    from bot.acts.people.people import deep_link, issue_link
    from bot.open_storage import BOT_USERNAME, plan_named
    from storage.errors import Conflict

    chosen = settings()
    role = role_named(role_name)

    def work(unit: "UnitOfWork") -> dict[str, str]:
        plan = plan_named(unit, plan_code)
        agency_id = agency_id_of(unit, plan.id, agency_code)
        try:
            made = issue_link(
                server(unit, plan), Post(role, agency_id, is_contributor=is_contributor), None, lives=lives
            )
        except (Conflict, ValueError) as error:
            raise Complaint(f"No link was made: {error}.") from None
        username = unit.facts.get(BOT_USERNAME)
        expires = made.expires_at.astimezone(ZoneInfo(chosen.timezone))
        return {
            "code": made.token,
            "link": deep_link(username, made.token) if username else "",
            "role": role.value,
            "agency": agency_code,
            "expires_at": expires.isoformat(timespec="minutes"),
        }

    return in_unit(work, at=chosen)
