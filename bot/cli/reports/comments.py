"""`enlace comments`: observers' comments that nobody has settled."""

from typing import TYPE_CHECKING

import typer

from bot.cli.at_server import Row, local, look, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption

if TYPE_CHECKING:
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_comments(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List what observers' open comments are about. The coordination reads their words in the chat."""
    chosen = settings()

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        return [
            {
                "comment": one.id,
                "about": one.code or "the plan",
                "agency": one.agency_code or "-",
                "written_at": local(one.written_at, chosen),
            }
            for one in unit.comments.waiting(plan.id)
        ]

    found = look(plan_code, rows, at=chosen)
    print_rows(found, as_json)
    talk(f"{len(found)} open comments.")
