"""`enlace agencies`: who takes part in the plan, and from when until when."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, act, agency_named, day, look, settings, today
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Misuse

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from bot.settings import Settings
    from storage.people.agencies import Belongings
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)

CodeOption = Annotated[str, typer.Option()]
_ANY_LANGUAGE = {"allow_extra_args": True, "ignore_unknown_options": True}
"""The options such as --name-fr depend on the languages there are; `_names` reads them."""


@app.command("list")
def list_agencies(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the agencies with their days and what depends on each, one a line."""
    from conversations.languages import translated
    from storage.people.agencies import Belongings

    chosen = settings()
    on = today(chosen)

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        counted = unit.agencies.belongings(plan.id)
        return [
            {
                "agency": agency.code,
                "name": translated(agency.name, chosen.language),
                "type": agency.role_type,
                "from": agency.active_from.isoformat() if agency.active_from else "-",
                "to": agency.active_to.isoformat() if agency.active_to else "-",
                "state": "active" if agency.is_active(on) else "inactive",
                "activities": held.activities,
                "people": held.people,
            }
            for agency in unit.plans.agencies(plan.id)
            for held in [counted.get(agency.id, Belongings())]
        ]

    print_rows(look(plan_code, rows, at=chosen), as_json)


@app.command(context_settings=_ANY_LANGUAGE)
def add(
    context: typer.Context,
    code: Annotated[str, typer.Option(help="2 to 16 of A-Z, 0-9, - and _.")],
    name: Annotated[str, typer.Option(help="In ENLACE_LANGUAGE; --name-fr and the like: in another language.")] = "",
    kind: Annotated[str, typer.Option("--type", help="chair, member, collaborator, observer or proposed.")] = "member",
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="Its first day; today.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Add an agency. Add it to the plan's workbook too: the next import decides."""
    from bot.acts.people import agencies
    from conversations.session.safeguards.characters import read_name

    chosen = settings()
    names = {language: text for language, text in _names(context, name, chosen).items() if read_name(text)}
    if not names:
        raise Misuse("An agency needs its --name, in which a letter can be seen.")
    first = day("--from", since, chosen)
    _expect_usable(names, kind)
    act(plan_code, lambda actor: agencies.add(actor, code, names, first, kind), at=chosen)
    talk(f"Added {code.strip().upper()}.")


@app.command(context_settings=_ANY_LANGUAGE)
def change(
    context: typer.Context,
    code: CodeOption,
    name: Annotated[
        str | None,
        typer.Option(help="In ENLACE_LANGUAGE; --name-fr and the like: in another language. A blank one goes."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="chair, member, collaborator, observer or proposed.")
    ] = None,
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="Its first day.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Change an agency's name, type or first day. Change it in the plan's workbook too: the next import decides."""
    from bot.acts.people import agencies

    chosen = settings()
    names = _names(context, name, chosen)
    first = day("--from", since, chosen) if since else None
    if not names and kind is None and first is None:
        raise Misuse("Nothing to change: give a name, --type or --from.")
    _expect_usable(names, kind)

    def work(actor: "Actor") -> None:
        agency = agency_named(actor.unit, actor.plan_id, code)
        if names:
            agency = agencies.rename(actor, agency, names)
        if kind is not None:
            agency = agencies.set_type(actor, agency, kind)
        if first is not None:
            agencies.begin(actor, agency, first)

    act(plan_code, work, at=chosen)
    talk(f"{code} is changed.")


@app.command()
def end(
    code: CodeOption,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The first day without it; today.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """End an agency's part in the plan. Nothing of it is deleted."""
    from bot.acts.people import agencies
    from storage.people.agencies import Belongings

    chosen = settings()
    last = day("--on", on, chosen)

    def work(actor: "Actor") -> "Belongings":
        agency = agency_named(actor.unit, actor.plan_id, code)
        agencies.end(actor, agency, last)
        return actor.unit.agencies.belongings(actor.plan_id).get(agency.id, Belongings())

    held = act(plan_code, work, at=chosen)
    talk(f"{code} ends. Open activities: {held.activities}; people: {held.people}.")


@app.command()
def restore(code: CodeOption, plan_code: PlanOption = "") -> None:
    """Let an agency that had ended take part again."""
    from bot.acts.people import agencies

    act(plan_code, lambda actor: agencies.reactivate(actor, agency_named(actor.unit, actor.plan_id, code)))
    talk(f"{code} takes part again.")


def _names(context: typer.Context, name: str | None, chosen: "Settings") -> dict[str, str]:
    """Language → name, from --name and each --name-LANGUAGE. Misuse for any other option."""
    from conversations.languages import LANGUAGES

    names = {} if name is None else {chosen.language: name}
    given = iter(context.args)
    for option in given:
        option, is_joined, text = option.partition("=")
        language = option.removeprefix("--name-")
        if not option.startswith("--name-") or language not in LANGUAGES:
            offered = ", ".join(f"--name-{each}" for each in LANGUAGES)
            raise Misuse(f"There is no option {option}. A name in another language is one of {offered}.")
        found = text if is_joined else next(given, None)
        if found is None:
            raise Misuse(f"{option} needs a name.")
        names[language] = found
    return names


def _expect_usable(names: dict[str, str], kind: str | None) -> None:
    """Refuse a name that the chat would refuse or cut."""
    from conversations.plan.model import ROLE_TYPES
    from conversations.session.safeguards.characters import read_name
    from storage.people.agencies import LONGEST_NAME

    if kind is not None and kind not in ROLE_TYPES:
        raise Misuse(f"--type {kind!r} is not one of {', '.join(ROLE_TYPES)}.")
    for text in names.values():
        if text.strip() and not read_name(text):
            raise Misuse("An agency's name needs a letter that can be seen; a blank one removes it.")
        length = len(read_name(text))
        if length > LONGEST_NAME:
            raise Misuse(f"An agency's name has {LONGEST_NAME} characters at most; this one has {length}.")
