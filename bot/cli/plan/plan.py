"""`enlace plan`: the plan's workbook, read into the database and written from it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.at_server import act, day, in_unit, look, now, server, settings
from bot.cli.authoring import authored, print_problems
from bot.cli.console import fail, read_file, talk, where, write_file
from bot.cli.options import FEW, PlanOption
from bot.cli.plan.succession import succeed
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from storage.imports.differences import Difference, Doubt
    from storage.imports.history import Undo
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)
app.command()(succeed)


@app.command("new")
def new_plan(
    country: Annotated[str, typer.Option("--country", help="Its ISO 3166-1 code, such as HN.")],
    out: Annotated[Path, typer.Option("--out", help="The .xlsx to write.")],
    language: Annotated[
        list[str] | None,
        typer.Option("--language", help="Of notes and texts, else the server's; again for texts in another."),
    ] = None,
) -> None:
    """Write a workbook to begin a plan with: explained, with drop-downs, examples and the country's regions."""
    from bot.acts.calendar.holidays import public_holidays
    from conversations.languages import LANGUAGES
    from conversations.wording import wording
    from storage.imports.countries import country as find_country
    from storage.imports.new_workbook import begin_workbook

    first, *also = language or [settings().language]
    for each in (first, *also):
        if each not in LANGUAGES:
            fail(f"{each!r} is none of the bot's languages: {', '.join(LANGUAGES)}.")
    say = wording(first)
    found = find_country(country.strip().upper())
    if found is None:
        fail(say("book.unknown_country", code=country))
    today = now().date()
    has_holidays = bool(public_holidays(found.place.code, today.year, today.year))
    write_file(out, begin_workbook(found, first, today, has_holidays=has_holidays, also=also))
    place = found.place
    talk(
        say(
            "book.written",
            out=where(out),
            country=place.name(first),
            regions=len(found.regions),
            currency=place.currency,
            zone=found.zones[0] if found.zones else "UTC",
        )
    )


@app.command("import")
def import_plan(
    file: Path,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the differences and change nothing.")] = False,
    plan_code: PlanOption = "",
    lower_protection: Annotated[
        bool, typer.Option("--lower-protection", help="Apply also what takes protection from figures or texts.")
    ] = False,
    begins: Annotated[
        str, typer.Option("--from", metavar="PERIOD|DAY", help="From when it holds; else from the next one to lock.")
    ] = "",
    new_plan: Annotated[
        bool, typer.Option("--new-plan", help="Make the plan, beside those that are there already.")
    ] = False,
    same: Annotated[
        list[str] | None, typer.Option("--same", metavar="CODE", help="A code used before that stands for the same.")
    ] = None,
    print_all: Annotated[
        bool, typer.Option("--all", help=f"Print every row that is added, not just {FEW} of a sheet.")
    ] = False,
) -> None:
    """Print the differences to the stored plan, then apply them in one transaction."""
    from bot.acts.plan.importing import Effect, Terms, beside, try_plan
    from bot.acts.plan.importing import import_plan as import_it
    from bot.acts.reports.coverage import NotCovered
    from bot.acts.reports.forms import title_of
    from bot.chat.form_cache import FormCache
    from conversations.wording import wording
    from storage.errors import NotFound
    from storage.imports.applying import differences
    from storage.imports.differences import ReusedCodes
    from storage.imports.reading import read_plan
    from storage.reports.confinement import Confinement

    chosen = settings()
    draft = authored(lambda: read_plan(read_file(file), Confinement().book), chosen.language)
    print_problems(draft.problems, chosen.language)

    say = wording(chosen.language)

    def work(unit: "UnitOfWork") -> Any:
        code = plan_code or draft.code or _only_code(unit)
        if not code:
            raise Complaint(say("import.no_code"))
        if others := beside(unit, code):
            asked = say("import.new_beside", code=code, plans=", ".join(others))
            if not (new_plan or dry_run):
                raise Complaint(f"{asked}\n{say('import.new_server')}")
            talk(asked)
        how: Any = {"timezone": chosen.timezone, "terms": Terms(begins, same or ())}
        try:
            if dry_run:
                tried = try_plan(unit, FormCache(chosen.timezone), draft, code, now(), **how)
                for gap in tried.gaps:
                    talk(gap.sentence(say))
                for doubt in tried.doubts:
                    talk(doubt.sentence(chosen.language))
                tell(tried.effect)
                return differences(unit, draft, code)
            if not lower_protection and (lowering := differences(unit, draft, code).lowering):
                raise Complaint(refusal("import.lowers", lowering, say("import.lowers_server")))
            imported = import_it(unit, FormCache(chosen.timezone), draft, code, None, now(), **how)
        except NotCovered as refused:
            told = "\n".join(gap.sentence(say) for gap in refused.gaps)
            raise Complaint(f"{say('coverage.refused')}\n{told}") from None
        except ReusedCodes as asked:
            codes = " --same ".join(each.code for each in asked.doubts)
            raise Complaint(refusal("import.reused", asked.doubts, say("import.reused_server", codes=codes))) from None
        except NotFound as error:
            raise Complaint(say("import.bad_from", value=error)) from None
        for form in imported.renewed:
            talk(say("coverage.renewed", form=title_of(form, say), version=form.version))
        tell(imported.effect)
        return imported.found

    def refusal(key: str, named: "Iterable[Difference | Doubt]", way: str) -> str:
        return "\n".join([say(key), *(each.sentence(chosen.language) for each in named), way])

    def tell(effect: Effect) -> None:
        for sentence in effect.sentences(say):
            talk(sentence)
        if (key := f"import.{effect.phase}") in say:
            talk(say(key))

    found = in_unit(work, at=chosen)
    for sentence in found.sentences(chosen.language, None if print_all else FEW):
        print(sentence)
    talk(found.summary(chosen.language))
    if dry_run and found.lowering:
        talk(say("import.lowers"))


def _only_code(unit: "UnitOfWork") -> str:
    """The code of the database's only plan; blank if it has none or several."""
    plans = unit.plans.all()
    return plans[0].code if len(plans) == 1 else ""


@app.command("lists")
def write_lists(
    out: Annotated[Path, typer.Option("--out", help="The folder to write into; it is made if it is not there.")],
    plan_code: PlanOption = "",
) -> None:
    """Write the plan's lists as CSV files: what a form names in select_one_from_file, for ODK, Kobo and Excel."""
    from storage.plan.lists import plan_lists

    lists = look(plan_code, lambda unit, plan: plan_lists(unit, plan.id, only_current=True))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    for name, data in lists.items():
        write_file(out / name, data)
    talk(f"{', '.join(lists)} are in {out}.")


@app.command("export")
def export_plan(
    out: Annotated[Path, typer.Option("--out", help="The .xlsx to write.")],
    plan_code: PlanOption = "",
) -> None:
    """Write the plan as the workbook that `plan import` reads: edit it in Excel and bring it back."""
    from bot.acts.plan import importing
    from bot.open_storage import open_storage, plan_named
    from storage.imports.workbook import plan_workbook

    chosen = settings()
    with open_storage(chosen) as database:
        with database.view() as unit:  # reading waits for nobody, and nobody waits for it
            plan = plan_named(unit, plan_code)
            data = plan_workbook(unit, plan.code, now())
        record = database.units.submit(None, lambda unit: importing.record_download(server(unit, plan), data))
        record.result()
    write_file(out, data)
    talk(f"The plan is in {where(out)}.")


@app.command()
def undo(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change and change nothing.")] = False,
    plan_code: PlanOption = "",
) -> None:
    """Undo the last import in one step. Refused if reports depend on rows that would be removed."""
    from bot.acts.plan import importing
    from bot.acts.plan.importing import hanging_sentence
    from bot.open_storage import plan_named
    from conversations.wording import wording
    from storage.imports import history

    chosen = settings()
    say = wording(chosen.language)

    def work(unit: "UnitOfWork") -> "Undo | None":
        plan = plan_named(unit, plan_code)
        found = history.look_back(unit, plan.id, now())
        return found if found is None else importing.undo(server(unit, plan), found.import_id)

    if dry_run:
        found = look(plan_code, lambda unit, plan: history.look_back(unit, plan.id, now()), at=chosen)
    else:
        found = in_unit(work, at=chosen)
    if found is None:
        fail(say("import.nothing_to_undo"))
    for one in found.hanging:
        talk(hanging_sentence(one, say))
    if not found.is_possible:
        fail(say("import.hanging"))
    for mark, rows in (("~", found.restored), ("-", found.removed)):
        for table, code in rows:
            print(f"{mark} {say(f'plan.table.{table}')} {code}")
    for table, code, column in found.kept:
        talk(say("import.undo_keeps", codes=f"{say(f'plan.table.{table}')} {code} ({column})"))


@app.command()
def close(
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="The last day for late reports.")] = "",
    dropped: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="CODE=REASON", help="Not carried on into the next plan, and why. CODE=: it is."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Take the decision back, before its day.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the balance and change nothing.")] = False,
    plan_code: PlanOption = "",
) -> None:
    """Close the plan: late reports are received until a day; afterwards it is read and verified, and never written."""
    from bot.acts.plan import ending as acts
    from conversations.card import Card, plain
    from conversations.languages import translated
    from conversations.plan.messages.balance import balance_lines
    from conversations.session.safeguards.characters import clean
    from conversations.session.safeguards.guard import personal_data
    from storage.errors import NotFound

    chosen = settings()
    pairs = [(code.strip(), clean(why)) for code, _, why in (each.partition("=") for each in dropped or ())]
    if any(personal_data(why, strict=True) is not None for _, why in pairs):
        fail("A reason seems to hold personal data or the place of a shelter: say it without.", 2)
    if not (until or pairs or keep or dry_run):
        fail("Say until which day late reports are received: --until 2021-02-15", 2)

    def work(actor: "Actor") -> str:
        try:
            for code, why in () if dry_run else pairs:
                acts.drop(actor, code, why)
        except NotFound as error:
            raise Complaint(f"Nothing was changed: {error}.") from None
        if keep:
            news = acts.keep_open(actor)
            if news is None:
                raise Complaint("Nothing was changed: nobody has asked to close the plan.")
            actor.tell(news)
        elif until and not dry_run:
            actor.tell(acts.close_plan(actor, day("--until", until, chosen))[1])
        found, areas = acts.balance_of(actor), actor.unit.plans.strategic_areas(actor.plan_id)
        named = [(area.code, translated(area.name, chosen.language)) for area in areas]
        return plain(Card(balance_lines(found, named, chosen.language)))

    print(act(plan_code, work, at=chosen))
    if until and not dry_run:
        talk(f"Late reports are received until {until}. Afterwards the plan is read, searched, exported and verified.")
    elif keep:
        talk("The plan stays open. Days that its last periods got more, they keep.")
