"""`enlace delegations`: posts that somebody has left to somebody else for a time."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, act, look
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_delegations(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List who has left their post to whom, and until when."""

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        return [
            {
                "delegation": one.id,
                "agency": unit.plans.agency_by_id(one.agency_id).code,
                "of": unit.people.by_id(one.person_id).name,
                "to": unit.people.by_id(one.deputy_id).name if one.deputy_id is not None else "whoever gets the link",
                "last_day": one.last_day.isoformat(),
            }
            for one in unit.delegations.of_plan(plan.id)
        ]

    print_rows(look(plan_code, rows), as_json)


@app.command()
def end(
    delegation: Annotated[int, typer.Argument(metavar="N", help="Its number in `delegations list`.")],
    plan_code: PlanOption = "",
) -> None:
    """End a delegation before its last day. The focal point has the post again. Both are told."""
    from bot.acts.people.delegations import end_delegation

    def work(actor: "Actor") -> None:
        for one in actor.unit.delegations.of_plan(actor.plan_id):
            if one.id == delegation:
                actor.tell(end_delegation(actor, one))
                return
        raise Complaint(f"No delegation {delegation} lasts: see 'enlace delegations list'.")

    act(plan_code, work)
    talk("Ended.")
