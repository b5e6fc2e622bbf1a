"""`enlace settings`: what admins decide for the plan."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, act, look
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint, Misuse

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_settings(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the plan's settings: name, value, default."""
    from storage.plan.settings import SETTINGS

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        return [
            {
                "setting": setting.name,
                "value": unit.settings.text(plan.id, setting) or "-",
                "default": setting.default or "-",
            }
            for setting in SETTINGS
        ]

    print_rows(look(plan_code, rows), as_json)


@app.command("set")
def set_setting(
    name: str,
    value: Annotated[str, typer.Argument(help="Its value; - for the default.")],
    plan_code: PlanOption = "",
) -> None:
    """Change one of the plan's settings."""
    from bot.acts.plan.settings import change
    from storage.plan.settings import SETTINGS, find

    setting = find(name)
    if setting is None:
        raise Misuse(f"{name!r} is no setting of a plan; there are {', '.join(one.name for one in SETTINGS)}.")

    def work(actor: "Actor") -> None:
        wanted = setting.default if value == "-" else value
        try:
            change(actor, setting, wanted)
        except ValueError:
            raise Complaint(f"{name} was not changed: {setting.told()}.") from None

    act(plan_code, work)
    talk(f"{name} is set.")
