"""`enlace export`: write a dataset from the database into a file, with a progress bar."""

import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from bot.cli.at_server import now, settings
from bot.cli.console import expect_language, fail, making, talk, where
from bot.cli.options import PlanOption
from bot.errors import Misuse

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.exports.wanted import Wanted, Written
    from storage.unit_of_work import UnitOfWork


app = typer.Typer()


@app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="What to take out; docs/exports.md lists what there is.")],
    out: Annotated[str, typer.Option(metavar="<path>", help="The file to write; - is the standard output.")],
    format: Annotated[
        str,
        typer.Option(help="csv, xlsx, jsonl, datapackage; pdf for plan-state, zip for media, xml-zip for submissions."),
    ],
    audience: Annotated[
        str, typer.Option(help="For whom: internal, observers or public. Small numbers are suppressed.")
    ] = "internal",
    role: Annotated[
        str, typer.Option(help="As whom: admin (what is validated, no restricted text) or coordinator.")
    ] = "",
    period: Annotated[
        str, typer.Option(help="201809 or 2018Q3; a year: all that lies in it; a range: 201807..201812.")
    ] = "",
    agency: Annotated[str, typer.Option(help="Only these agencies; codes, separated by commas.")] = "",
    area: Annotated[str, typer.Option(help="Only these strategic areas.")] = "",
    status: Annotated[str, typer.Option(help="Only activities with this status, such as delayed.")] = "",
    validation: Annotated[str, typer.Option(help="Only reports in this state of validation.")] = "",
    form: Annotated[str, typer.Option(help="Only this form, by its form_id.")] = "",
    since: Annotated[
        str, typer.Option(help="Only what was sent or decided since this day, as 2018-10-03, or instant.")
    ] = "",
    language: Annotated[str, typer.Option(help="Of labels: es, en, ht or fr.")] = "",
    bom: Annotated[bool, typer.Option("--bom", help="Begin a CSV with the mark by which Excel knows UTF-8.")] = False,
    dictionary: Annotated[
        str, typer.Option(metavar="<path>", help="Beside csv or jsonl: what each column means, as a datapackage.json.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Write a dataset to a file, readable by its owner alone, with an audit entry before it.

    Exit code 1 if files that belong to it are not on disk: all else is written, and what is missing is named.
    """
    from conversations.plan.model import Role

    chosen = settings()
    if role not in ("", Role.ADMIN, Role.COORDINATOR):
        fail(f"--role {role!r} takes nothing out; admin and coordinator do", 2)
    expect_language(language)
    file, beside = Path(out), Path(dictionary) if dictionary else None
    written = _export_to(
        chosen, dataset, format, file, beside, plan_code, now=now(), audience=audience,
        role=Role(role) if role else None,
        period=period, agency=agency, area=area, status=status, validation=validation, form_id=form, since=since,
        language=language, bom=bom,
    )  # fmt: skip
    talk(f"{written.count} of {dataset} to {where(file)}.")
    if written.lacking:
        for each in written.lacking[:20]:
            talk(f"Not on disk: {each}")
        fail(f"{len(written.lacking)} files are not on disk; missing-files.txt in {out} names them all.")


def _export_to(
    settings: "Settings", dataset: str, format: str, out: Path, dictionary: Path | None, plan_code: str, **asked: Any
) -> "Written":
    """Write the file: whole or not at all, after its audit entry.

    `asked` is the rest of `Wanted`, as the options of the command line.
    """
    from bot.open_storage import open_storage, plan_named
    from conversations.plan.model import Role
    from storage.exports.exporters import EXPORTERS, check_wanted, exporter, record_export
    from storage.exports.formats.dictionary import MEDIA_TYPES, write_dictionary
    from storage.exports.wanted import Wanted
    from storage.plan.settings import LANGUAGE
    from storage.reports.files import FileStore

    audience, role = asked["audience"], asked["role"]
    used = exporter(dataset, format, audience, role)
    if used is None and role is None and exporter(dataset, format, audience, Role.COORDINATOR) is not None:
        raise Misuse(f"{dataset} holds what is restricted: --role coordinator, if it is taken in a coordinator's name")
    if used is None:
        raise Misuse(f"{dataset} as {format} for {audience} is not exported; what is:\n{told_by_dataset(EXPORTERS)}")
    if used.suffix == ".zip" != out.suffix and out.suffix in (".csv", ".jsonl", ".xlsx"):
        raise Misuse(f"This takes several files, which go into one ZIP: end --out in .zip, not {out.suffix}")
    if dictionary is not None and used.format not in MEDIA_TYPES:
        raise Misuse(f"--dictionary goes beside csv and jsonl; {format} has what its columns mean in it")
    if out.is_dir():
        raise Misuse(f"{out} is a folder: let --out name the file in it.")
    with open_storage(settings) as database:

        def prepare(unit: "UnitOfWork") -> "Wanted":
            plan = plan_named(unit, plan_code)
            asked["language"] = asked["language"] or unit.settings.text(plan.id, LANGUAGE) or settings.language
            wanted = Wanted(plan.id, plan.timezone, **asked)
            check_wanted(unit, used, wanted)
            record_export(unit, used, wanted, None)
            return wanted

        wanted = database.units.submit(None, prepare).result()
        store = FileStore(settings.files, database.vault)
        with making(out) as made, made.open("w+b") as file, database.view() as unit:
            written = used.write(unit, store, wanted, file, _bar())
        if dictionary is not None and used.tables is not None:
            with making(dictionary) as made, made.open("wb") as beside, database.view() as unit:
                extract = used.tables(unit, wanted)
                write_dictionary(extract, wanted, {extract.tables[0].name: out.name}, format, beside)
    return written


class Exported(Protocol):
    """A dataset, a format and its audiences: an exporter, or the offer of one to somebody."""

    @property
    def dataset(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def audiences(self) -> Collection[str]: ...


def told_by_dataset(exported: Iterable[Exported]) -> str:
    """List what can be exported, one line for each dataset."""
    from conversations.plan.sharing.export_request import AUDIENCES

    lines: dict[tuple[str, str], list[str]] = {}
    for each in exported:
        whom = " or ".join(audience for audience in AUDIENCES if audience in each.audiences)
        lines.setdefault((each.dataset, whom), []).append(each.format)
    width = max(len(dataset) for dataset, _ in lines)
    return "\n".join(
        f"  {name:{width}}  as {', '.join(formats)}, for {whom}" for (name, whom), formats in lines.items()
    )


def _bar() -> Callable[[int, int], None]:
    """A progress bar: a line that is overwritten on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(total, 1)
        if percent == shown and done != total:
            return
        shown, filled = percent, 30 * percent // 100
        end = "\n" if done == total else ""
        print(f"\r{'█' * filled}{'░' * (30 - filled)} {done}/{total}", end=end, file=sys.stderr, flush=True)

    return show
