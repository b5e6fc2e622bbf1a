"""`enlace form`: XLSForms checked, published, downloaded, replayed and filled in the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, in_unit, local, look, now, settings
from bot.cli.authoring import authored, print_problems
from bot.cli.console import expect_language, fail, print_rows, read_file, talk, where, write_file
from bot.cli.options import JsonOption, LanguageOption, PlanOption
from bot.errors import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conversations.xforms.form import CheckedForm
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)


@app.command()
def check(
    file: Path,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings and notes fail too: for the CI of form authors.")
    ] = False,
) -> None:
    """Print every problem of an XLSForm, each with sheet, row, column and remedy."""
    language = settings().language
    checked = authored(lambda: _checked(file), language)
    print_problems(checked.problems, language)
    questions = sum(question.is_asked for question in checked.form.questions)
    languages = len(checked.form.languages)
    talk(f"{checked.form.form_id} {checked.form.version}: {questions} questions, {languages} languages.")
    if strict and checked.problems:
        raise SystemExit(1)


@app.command("publish")
def publish_form(file: Path, plan_code: PlanOption = "") -> None:
    """Publish a form: new sessions begin with this version, open ones finish with theirs."""
    from bot.acts.reports.forms import publish
    from bot.cli.reports.form_files import read_bundle_at
    from storage.plan.lists import plan_lists

    language = settings().language
    lists = look(plan_code, lambda unit, plan: plan_lists(unit, plan.id))
    bundle, checked = authored(lambda: read_bundle_at(file, lists), language)
    print_problems(checked.problems, language)
    stored = in_unit(lambda unit: publish(unit, bundle, checked, now(), plan_code=plan_code))
    talk(f"Published {stored.form_id}, version {stored.version}.")


@app.command("list")
def list_forms(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the versions of published forms: state, when published, and how many drafts use each."""
    chosen = settings()

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        drafts = unit.forms.open_drafts(plan.id, now())
        return [
            {
                "form": version.form_id,
                "version": version.version,
                "state": "current" if version.id == form.id else "earlier",
                "published_at": local(version.published_at, chosen),
                "drafts": drafts.get(form.form_key, {}).get(version.id, 0),
                "title": version.title or "-",
            }
            for form in unit.forms.list(plan.id)
            for version in unit.forms.versions(plan.id, form.form_id)
        ]

    print_rows(look(plan_code, rows, at=chosen), as_json)


@app.command()
def download(
    form_id: str,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    version: Annotated[str, typer.Option("--version", help="As in `form list`; the current one.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Write what a version was published from: its workbook, or a ZIP with the lists and pictures beside it."""

    def source(unit: "UnitOfWork", plan: "Plan") -> tuple[str, bytes]:
        found = unit.forms.versions(plan.id, form_id)
        if not found:
            known = ", ".join(form.form_id for form in unit.forms.list(plan.id)) or "none"
            raise Complaint(f"There is no form {form_id!r}; published are: {known}.")
        current = unit.forms.current(plan.id, form_id)
        for one in found:
            if one.version == version or (not version and one == current):
                return one.version, unit.forms.workbook(one.id)
        known = ", ".join(one.version for one in found)
        raise Complaint(f"{form_id} has no version {version!r}; it has {known}.")

    found, content = look(plan_code, source)
    write_file(out, content)
    talk(f"{form_id}, version {found}, is in {where(out)}.")


@app.command()
def replay(
    file: Path,
    script: Path,
    mode: Annotated[str, typer.Option(help="full: every node after each step; diff: what changed.")] = "full",
) -> None:
    """Play a script through the engine, without Telegram or database; JSON Lines to stdout."""
    from bot.cli.reports.form_terminal import replay_lines

    if mode not in ("full", "diff"):
        fail(f"--mode {mode!r} is neither full nor diff", 2)
    for text in authored(lambda: replay_lines(file, script, mode), settings().language):
        print(text)


@app.command("try")
def try_form(
    file: Path,
    language: LanguageOption = "",
    save: Annotated[Path | None, typer.Option(help="Write what was answered as a script for `form replay`.")] = None,
) -> None:
    """Fill the form in the terminal, as it would be in the chat."""
    from bot.cli.reports.form_terminal import fill

    chosen = settings()
    expect_language(language)
    checked = authored(lambda: _checked(file), chosen.language)
    raise SystemExit(fill(checked.form, language or chosen.language, chosen.timezone, now, save=save))


def _checked(file: Path) -> "CheckedForm":
    from bot.cli.reports.form_files import read_form

    return read_form(file, read_file(file), _known_lists())


def _known_lists() -> "Mapping[str, bytes]":
    """Return the plan's lists, if there is a database with a plan. A form can also be checked without one."""
    from storage.errors import StorageError
    from storage.plan.lists import plan_lists

    try:
        return look("", lambda unit, plan: plan_lists(unit, plan.id))
    except (Complaint, StorageError):
        return {}
