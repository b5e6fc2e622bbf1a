"""`enlace tokens`: who may read what is exported, over HTTP."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, act, local, look, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from bot.settings import Settings
    from storage.people.tokens import DataToken
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)

PrefixArgument = Annotated[str, typer.Argument(metavar="PREFIX", help="Its prefix, as 'enlace tokens list' shows it.")]


@app.command("list")
def list_tokens(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the tokens, one a line: prefix, audience, name, made, last used, how often, and when revoked."""
    chosen = settings()

    def read(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        reads = unit.tokens.reads(plan.id)
        return [
            {
                "token": one.prefix,
                "audience": one.audience,
                "name": one.name,
                "made_at": local(one.created_at, chosen),
                "last_used_at": local(one.last_used_at, chosen) if one.last_used_at else "",
                "reads": reads.get(one.prefix, 0),
                "revoked_at": local(one.revoked_at, chosen) if one.revoked_at else "",
            }
            for one in unit.tokens.all(plan.id)
        ]

    print_rows(look(plan_code, read, at=chosen), as_json)


@app.command()
def add(
    audience: Annotated[str, typer.Option("--audience", help="For whom: internal, observers or public.")],
    name: Annotated[str, typer.Option("--name", help="What it is for, such as 'the statistics office'.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Make a token and print it. It is shown only now."""
    from bot.acts.sharing.tokens import make

    chosen = settings()
    made = act(plan_code, lambda actor: make(actor, audience, name), at=chosen)
    print(made.secret)
    talk(f"Token {made.token.prefix} reads what is for {audience}. It is kept nowhere: store it now.")
    _warn_if_shut(chosen)


@app.command("test")
def try_token(
    prefix: PrefixArgument,
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """Read now what this token reads: each dataset, and how many rows. Exit 1 if it reads nothing any more."""
    from bot.acts.sharing.tokens import readable
    from bot.cli.at_server import now

    chosen = settings()

    def read(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        token = _named(unit, plan.id, prefix)
        if token.revoked_at is not None:
            raise Complaint(f"Token {prefix} was revoked: it reads nothing.")
        return [{"dataset": name, "rows": rows} for name, rows in readable(unit, token, now())]

    print_rows(look(plan_code, read, at=chosen), as_json)
    _warn_if_shut(chosen)


def _warn_if_shut(chosen: "Settings") -> None:
    if not chosen.origin:
        talk("Nothing is open to it yet: set ENLACE_APP_URL to the bot's public address and start the bot again.")


@app.command()
def revoke(
    prefix: PrefixArgument,
    plan_code: PlanOption = "",
) -> None:
    """Refuse a token from the next request on."""
    from bot.acts.sharing.tokens import revoke

    def work(actor: "Actor") -> None:
        _named(actor.unit, actor.plan_id, prefix)
        revoke(actor, prefix)

    act(plan_code, work)
    talk(f"Token {prefix} is refused from now on.")


def _named(unit: "UnitOfWork", plan_id: int, prefix: str) -> "DataToken":
    from storage.errors import NotFound

    try:
        return unit.tokens.get(plan_id, prefix)
    except NotFound:
        raise Complaint("There is no such token: see 'enlace tokens list'.") from None
