"""`enlace pause` and `enlace resume`: everybody's reminders, stopped and begun again."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import act, day, settings
from bot.cli.console import talk
from bot.cli.options import PlanOption
from bot.errors import Misuse

if TYPE_CHECKING:
    from bot.chat.actor import Actor

app = typer.Typer()


@app.command()
def pause(
    until: Annotated[
        str, typer.Option("--until", metavar="DAY", help="The first day on which reminders go out again.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Pause everybody's reminders, as in an emergency. Deadlines stay. Without --until, it ends with `resume`."""
    from bot.acts.calendar.pauses import pause_everybody

    chosen = settings()
    first = day("--until", until, chosen) if until else None

    def work(actor: "Actor") -> None:
        if first is not None and first <= actor.today:
            raise Misuse(f"--until {first.isoformat()} is over: it is the first day on which reminders go out again.")
        pause_everybody(actor, first)

    act(plan_code, work, at=chosen)
    talk(f"Nobody is reminded of anything before {until}." if until else "Nobody is reminded of anything.")


@app.command()
def resume(plan_code: PlanOption = "") -> None:
    """End everybody's pause."""
    from bot.acts.calendar.pauses import resume_everybody

    talk("Reminders go out again." if act(plan_code, resume_everybody) else "There was no pause.")
