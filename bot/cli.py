"""The command line: parse and delegate (DESIGN §2; the names are a contract).

Data goes to stdout, talk to stderr; exit 0 done, 1 failed, 2 used wrongly. Heavy imports wait until a command
needs them, so that `--help` and `form check` start at once.
"""

import contextlib
import gc
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from conversations.problems import AuthorError, Problem
from conversations.wording import LANGUAGES

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.unit_of_work import UnitOfWork

T = TypeVar("T")

app = typer.Typer(
    name="enlace",
    help="Runs the monitoring cycle of a national plan of action in a Telegram chat.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
db_app = typer.Typer(help="The database: bring it up to date, check it, back it up.", no_args_is_help=True)
plan_app = typer.Typer(help="The plan: import it from its workbook.", no_args_is_help=True)
form_app = typer.Typer(help="Forms: check, publish, replay and try XLSForms.", no_args_is_help=True)
people_app = typer.Typer(help="People, at the server: for scripts and tests.", no_args_is_help=True)
agencies_app = typer.Typer(help="Agencies: who takes part in the plan, and from when until when.", no_args_is_help=True)
settings_app = typer.Typer(help="What admins decide for the plan.", no_args_is_help=True)
keys_app = typer.Typer(help="The encryption keyring.", no_args_is_help=True)
periods_app = typer.Typer(
    help="Reporting periods: where they stand, their days, reopened for one agency.", no_args_is_help=True
)
schedules_app = typer.Typer(help="What the bot says of its own accord, and when.", no_args_is_help=True)
holidays_app = typer.Typer(help="Days on which nobody is expected to work.", no_args_is_help=True)
delegations_app = typer.Typer(help="Posts that somebody has left to somebody else for a time.", no_args_is_help=True)
comments_app = typer.Typer(help="Observers' comments that wait for the coordination.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit log: read it, and prove that nobody changed it.", no_args_is_help=True)
app.add_typer(db_app, name="db")
app.add_typer(plan_app, name="plan")
app.add_typer(form_app, name="form")
app.add_typer(people_app, name="people")
app.add_typer(agencies_app, name="agencies")
app.add_typer(settings_app, name="settings")
app.add_typer(periods_app, name="periods")
app.add_typer(schedules_app, name="schedules")
app.add_typer(holidays_app, name="holidays")
app.add_typer(delegations_app, name="delegations")
app.add_typer(comments_app, name="comments")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")

ClockOption = Annotated[
    str, typer.Option("--clock", metavar="ISO", help="Start the clock there; never against Telegram's own host.")
]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the page of phones is served.")]
ContributorOption = Annotated[
    bool, typer.Option("--contributor", help="Of an observer: they also report the indicators their agency leads.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PlanOption = Annotated[
    str, typer.Option("--plan", metavar="CODE", help="Code of the plan, where the database holds several.")
]
RequestArgument = Annotated[int, typer.Argument(metavar="N", help="Its number in `people requests`.")]
PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="Its code, such as 201809 or 2018Q3.")]
ScheduleArgument = Annotated[int, typer.Argument(metavar="N", help="Its number in `schedules list`.")]
DayArgument = Annotated[str, typer.Argument(metavar="DAY", help="Such as 2018-11-06.")]
PersonOption = Annotated[int, typer.Option("--telegram-id", help="Telegram's number of the person.")]


def main() -> None:
    """The console script. Whatever the operator can mend is one line on stderr and exit code 1."""
    from bot.complaint import Complaint, Misuse
    from storage.errors import StorageError, Unavailable

    try:
        app()
    except Misuse as misuse:
        fail(str(misuse), 2)
    except Complaint as complaint:
        fail(str(complaint))
    except Unavailable as error:
        fail(f"The database cannot be reached: {error}. Check ENLACE_DATABASE_URL.")
    except StorageError as error:
        fail(str(error))


def fail(sentence: str, code: int = 1) -> NoReturn:
    print(f"enlace: {sentence}", file=sys.stderr)
    raise SystemExit(code)


def talk(text: str) -> None:
    print(text, file=sys.stderr)


def settings() -> "Settings":
    from bot.settings import read_settings

    return read_settings()


def in_unit(work: Callable[["UnitOfWork"], T], *, at: "Settings | None" = None) -> T:
    """Run one unit of work on the configured database and wait for it."""
    from bot.opening import open_storage

    with open_storage(at or settings()) as database:
        return database.units.submit(None, work).result()


def now() -> datetime:
    return datetime.now(UTC)


# ------------------------------------------------------------------ serving
@app.command()
def run(clock: ClockOption = "") -> None:
    """Serve: by polling, or by webhook when ENLACE_WEBHOOK_URL is set."""
    gc.disable()  # until the bot is ready (bot.app): what start-up builds stays, and is searched for garbage once
    chosen = settings()
    start = _instant(clock, chosen) if clock else None
    # Of rich structlog wants tracebacks that show local variables, which are answers and tokens (S8), and httpx, of
    # click, a command line of its own: 5 MB that nobody uses.
    with _without("rich", "click"):
        from bot.app import StartedClock, WallClock, serve

    serve(chosen, StartedClock(start) if start else WallClock())


@contextlib.contextmanager
def _without(*packages: str) -> Iterator[None]:
    """What is imported meanwhile does not find these packages."""
    found = {package: sys.modules.get(package) for package in packages}
    sys.modules |= dict.fromkeys(packages)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for package, module in found.items():
            del sys.modules[package]
            if module is not None:
                sys.modules[package] = module


def _instant(text: str, chosen: "Settings") -> datetime:
    """Where the clock starts; never at Telegram's own host, whose people live in real time."""
    from bot.settings import TELEGRAM

    if chosen.telegram_api == TELEGRAM:
        fail("--clock is for tests and demonstrations: it is refused against Telegram's own host", 2)
    return _moment("--clock", text, chosen)


def _moment(option: str, text: str, chosen: "Settings") -> datetime:
    """An ISO instant; without an offset it is wall time in ENLACE_TIMEZONE."""
    from zoneinfo import ZoneInfo

    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(chosen.timezone))).astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} {text!r} is not an instant such as 2018-10-05T09:00", 2)


@app.command()
def demo(
    port: PortOption = 8080,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier demos stored.")] = False,
) -> None:
    """Sandbox, bot and seeded plan: a Telegram to talk to at http://localhost:PORT, without token or internet."""
    from bot.demo import serve_demo

    _expect_free(port)
    serve_demo(port, fresh=fresh)


@app.command()
def sandbox(
    port: PortOption = 8081,
    limits: Annotated[bool, typer.Option("--limits", help="Answer 429 where Telegram would.")] = False,
) -> None:
    """The emulated Bot API alone, for any bot in any language."""
    from bot.sandbox.server import serve
    from bot.sandbox.telegram import World

    _expect_free(port)
    world = World(any_token=True, limited=limits)
    talk(
        f"The emulated Bot API is at http://127.0.0.1:{port}/bot<token>/… (any token is good), "
        f"its page of phones at http://127.0.0.1:{port}/"
    )
    serve(port, world=world)


def _expect_free(port: int) -> None:
    """Better one line now than a page that never comes."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            fail(f"Port {port} cannot be used ({error.strerror}). Choose another with --port.")


@app.command()
def init(
    empty: Annotated[bool, typer.Option("--empty", help="Neither the shipped plan nor the shipped forms.")] = False,
) -> None:
    """Database up to date, keyring made, shipped plan and forms in place. A second run changes nothing."""
    from bot.setup import set_up

    for sentence in set_up(settings(), now(), is_empty=empty):
        talk(sentence)


# ------------------------------------------------------------------ database
@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the tables up to date."""
    from storage.database import upgrade

    upgrade(settings().database_url)
    talk("The database is up to date.")


@db_app.command("check")
def db_check() -> None:
    """Whether the database can be reached and is up to date."""
    from bot.opening import open_storage

    open_storage(settings(), needs_keys=False).close()
    talk("The database is up to date.")


@db_app.command("backup")
def db_backup(file: Path) -> None:
    """A consistent copy of the database, also while the bot runs."""
    from bot.auditing import head_in
    from storage.database import backup

    try:
        backup(settings().database_url, file)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    talk(f"Backed up to {file}.")
    if (head := head_in(file)) is not None:
        talk(f"Its audit log ends at {head.note}: keep that elsewhere, for `enlace audit verify --head`.")


@db_app.command("restore")
def db_restore(file: Path) -> None:
    """Put a backup in place. Nothing that waited in its outbox is sent again."""
    from storage.database import restore

    restore(file, settings().database_url, now=now())
    talk(f"Restored from {file}.")


# ------------------------------------------------------------------ plan and forms
@plan_app.command("import")
def plan_import(
    file: Path,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the differences and change nothing.")] = False,
    plan_code: PlanOption = "",
    lower_protection: Annotated[
        bool, typer.Option("--lower-protection", help="Apply also what takes protection from figures or texts.")
    ] = False,
) -> None:
    """Print the differences to the stored plan, then apply them in one transaction."""
    from bot.complaint import Complaint
    from conversations.wording import wording
    from storage.imports import SEED_PLAN, apply, differences, read_plan

    chosen = settings()
    code = plan_code or SEED_PLAN
    draft = _authored(lambda: read_plan(_read(file)), chosen.language)
    print_problems(draft.problems, chosen.language)

    say = wording(chosen.language)

    def work(unit: "UnitOfWork") -> Any:
        if dry_run:
            return differences(unit, draft, code)
        if not lower_protection and (lowering := differences(unit, draft, code).lowering):
            told = "\n".join(each.sentence(chosen.language) for each in lowering)
            raise Complaint(f"{say('import.lowers')}\n{told}\n{say('import.lowers_server')}")
        return apply(unit, draft, code, None, now(), timezone=chosen.timezone)

    found = in_unit(work, at=chosen)
    for sentence in found.sentences(chosen.language):
        print(sentence)
    talk(found.summary(chosen.language))
    if dry_run and found.lowering:
        talk(say("import.lowers"))


@plan_app.command("export")
def plan_export(
    out: Annotated[Path, typer.Option("--out", help="The .xlsx to write.")],
    plan_code: PlanOption = "",
) -> None:
    """Write the plan as the workbook that `plan import` reads: edit it in Excel and bring it back."""
    from bot.opening import plan_named
    from storage.plan_workbook import plan_workbook

    def work(unit: "UnitOfWork") -> bytes:
        plan = plan_named(unit, plan_code)
        data = plan_workbook(unit, plan.code, now())
        unit.audit.record("plan.downloaded", None, plan.id, {"workbook": hashlib.sha256(data).hexdigest()}, now())
        return data

    try:
        out.write_bytes(in_unit(work))
    except OSError as error:
        fail(f"{out}: {error.strerror}")
    talk(f"The plan is in {out}.")


@plan_app.command("undo")
def plan_undo(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change and change nothing.")] = False,
    plan_code: PlanOption = "",
) -> None:
    """Take back the last import, in one step: the plan is what it was. Refused where reports hang on what would go."""
    from bot.importing import hangs
    from bot.opening import plan_named
    from conversations.wording import wording
    from storage.plan_history import Undo, look_back, undo

    chosen = settings()
    say = wording(chosen.language)

    def work(unit: "UnitOfWork") -> Undo | None:
        plan = plan_named(unit, plan_code)
        found = look_back(unit, plan.id)
        if found is None or dry_run:
            return found
        return undo(unit, plan.id, found.import_id, actor_id=None, now=now())

    found = in_unit(work, at=chosen)
    if found is None:
        fail(say("import.nothing_to_undo"))
    for one in found.hanging:
        talk(hangs(one, say))
    if not found.is_possible:
        fail(say("import.hanging"))
    for mark, rows in (("~", found.restored), ("-", found.removed)):
        for table, code in rows:
            print(f"{mark} {say(f'plan.table.{table}')} {code}")
    for table, code, column in found.kept:
        talk(say("import.undo_keeps", codes=f"{say(f'plan.table.{table}')} {code} ({column})"))


@form_app.command("check")
def form_check(
    file: Path,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings and notes fail too: for the CI of form authors.")
    ] = False,
) -> None:
    """Every problem of an XLSForm, each with sheet, row, column and remedy."""
    language = settings().language
    checked = _authored(lambda: _checked(file), language)
    print_problems(checked.problems, language)
    questions = sum(question.is_asked for question in checked.form.questions)
    languages = len(checked.form.languages)
    talk(f"{checked.form.form_id} {checked.form.version}: {questions} questions, {languages} languages.")
    if strict and checked.problems:
        raise SystemExit(1)


@form_app.command("publish")
def form_publish(file: Path, plan_code: PlanOption = "") -> None:
    """Make this the version that new sessions begin with; open ones finish on theirs."""
    from bot.forms import read_bundle_at
    from bot.versions import publish

    language = settings().language
    bundle, checked = _authored(lambda: read_bundle_at(file), language)
    print_problems(checked.problems, language)
    stored = in_unit(lambda unit: publish(unit, bundle, checked, now(), plan_code=plan_code))
    talk(f"Published {stored.form_id}, version {stored.version}.")


@form_app.command("list")
def form_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Every version of every published form: its state, when it was published, how many drafts are on it."""
    from bot.at_server import forms

    print_rows(forms(settings(), now(), plan_code), as_json)


@form_app.command("download")
def form_download(
    form_id: str,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    version: Annotated[str, typer.Option("--version", help="As in `form list`; the current one.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Write what a version was published from: its workbook, or a ZIP with the lists and pictures beside it."""
    from bot.at_server import form_source

    found, content = form_source(settings(), form_id, version, plan_code)
    try:
        out.write_bytes(content)
    except OSError as error:
        fail(f"{out}: {error.strerror}")
    talk(f"{form_id}, version {found}, is in {out}.")


@form_app.command("replay")
def form_replay(
    file: Path,
    script: Path,
    mode: Annotated[str, typer.Option(help="full: every node after each step; diff: what changed.")] = "full",
) -> None:
    """Play a script through the engine, without Telegram or database; JSON Lines to stdout."""
    from bot.forms import replay_lines

    if mode not in ("full", "diff"):
        fail(f"--mode {mode!r} is neither full nor diff", 2)
    for text in _authored(lambda: replay_lines(file, script, mode), settings().language):
        print(text)


@form_app.command("try")
def form_try(
    file: Path,
    language: Annotated[str, typer.Option(help="es, en or ht.")] = "",
    save: Annotated[Path | None, typer.Option(help="Write what was answered as a script for `form replay`.")] = None,
) -> None:
    """Fill the form in the terminal, as it would be in the chat."""
    from bot.forms import fill

    chosen = settings()
    if language and language not in LANGUAGES:
        fail(f"--language {language!r} is not one of {', '.join(LANGUAGES)}", 2)
    checked = _authored(lambda: _checked(file), chosen.language)
    raise SystemExit(fill(checked.form, language or chosen.language, chosen.timezone, now, save=save))


def _checked(file: Path) -> Any:
    from bot.forms import read_form

    return read_form(file, _read(file))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


def _authored(read: Callable[[], T], language: str) -> T:
    """What was read, or every problem on stderr and exit 1."""
    try:
        return read()
    except AuthorError as error:
        print_problems(error.problems, language)
        fail(f"{len(error.problems)} problem(s); nothing was stored")


def print_problems(problems: Sequence[Problem], language: str) -> None:
    from conversations.problems import worst_first

    for problem in worst_first(problems):
        remedy = problem.remedy(language)
        place = f"{problem.place}: " if problem.place else ""
        talk(f"{problem.severity} {problem.code}: {place}{problem.sentence(language)} {remedy}".strip())


# ------------------------------------------------------------------ people
@app.command()
def invite(
    role: Annotated[str, typer.Option(help="admin, coordinator, focal_point, alternate, observer or reader.")],
    agency: Annotated[str, typer.Option(help="Code of the agency.")] = "",
    ttl: Annotated[
        str, typer.Option(help="How long the link lives, such as 72h or 15m; an admin's at most 15m.")
    ] = "72h",
    contributor: ContributorOption = False,
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print a link that grants this role once: the code, and the deep link once `run` has learnt the bot's name."""
    from bot.people import issue

    lives = _duration(ttl)
    made = issue(settings(), role, agency, lives, now(), is_contributor=contributor, plan_code=plan_code)
    if as_json:
        print(json.dumps(made))
    else:
        print(made["link"] or made["code"])
        talk(f"It works once and expires at {made['expires_at']}. Send it to the person in private.")


def _duration(text: str) -> timedelta:
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal() or not 0 < int(text[:-1]) < 10_000:
        fail(f"--ttl {text!r} is not a time such as 72h, 15m or 3d", 2)
    return timedelta(**{unit: int(text[:-1])})


@people_app.command("list")
def people_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Everybody with a role, one a line."""
    from bot.people import listed

    print_rows(listed(settings(), plan_code), as_json, ("telegram_id", "name", "role", "agency", "state"))


@people_app.command("add")
def people_add(
    telegram_id: PersonOption,
    name: Annotated[str, typer.Option()],
    role: Annotated[str, typer.Option()],
    agency: Annotated[str, typer.Option()] = "",
    language: Annotated[str, typer.Option()] = "",
    contributor: ContributorOption = False,
    plan_code: PlanOption = "",
) -> None:
    """Enrol a person at the server, the privacy notice taken as read: for scripts and tests."""
    from bot.people import add

    add(settings(), telegram_id, name, role, agency, language, now(), is_contributor=contributor, plan_code=plan_code)
    talk(f"Enrolled {telegram_id} as {role}.")


@people_app.command("suspend")
def people_suspend(telegram_id: PersonOption) -> None:
    """Take somebody's access away at once: role, drafts, pending messages."""
    from bot.at_server import set_suspended

    set_suspended(settings(), telegram_id, now(), is_suspended=True)
    talk("Suspended.")


@people_app.command("restore")
def people_restore(telegram_id: PersonOption) -> None:
    """Give a suspended person access again."""
    from bot.at_server import set_suspended

    set_suspended(settings(), telegram_id, now(), is_suspended=False)
    talk("Restored.")


@people_app.command("role")
def people_role(
    telegram_id: PersonOption,
    role: Annotated[str, typer.Option()],
    agency: Annotated[str, typer.Option()] = "",
    plan_code: PlanOption = "",
) -> None:
    """Give somebody another role, or their role in another agency. The bot tells them."""
    from bot.at_server import change_role

    change_role(settings(), telegram_id, role, agency, now(), plan_code)
    talk(f"{telegram_id} is {role} now.")


@people_app.command("links")
def people_links(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Invitations that may still be used, one a line."""
    from bot.at_server import links

    print_rows(links(settings(), now(), plan_code), as_json)


@people_app.command("revoke")
def people_revoke(
    link: Annotated[int, typer.Option(help="Its number in `people links`.")], plan_code: PlanOption = ""
) -> None:
    """Make an invitation useless."""
    from bot.at_server import revoke

    revoke(settings(), link, now(), plan_code)
    talk("Revoked.")


@people_app.command("contributor")
def people_contributor(
    telegram_id: PersonOption,
    contributes: Annotated[bool, typer.Option("--yes/--no", help="Give them the right, or take it away.")],
    plan_code: PlanOption = "",
) -> None:
    """Whether an observer also reports the indicators their agency leads. The bot tells them."""
    from bot.at_server import set_contributor

    if set_contributor(settings(), telegram_id, now(), plan_code, is_contributor=contributes):
        talk(f"{telegram_id} reports their agency's indicators{'' if contributes else ' no more'}.")
    else:
        talk("Nothing was changed: it was so.")


@people_app.command("requests")
def people_requests(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Roles that an admin has asked for in the chat and that wait for a second one."""
    from bot.at_server import requests

    print_rows(requests(settings(), now(), plan_code), as_json)


@people_app.command("grant")
def people_grant(request: RequestArgument, plan_code: PlanOption = "") -> None:
    """Grant a role that waits for a second admin. Whoever asked is told, and gets the link if it is one."""
    from bot.at_server import settle_request

    granted = settle_request(settings(), request, "granted", now(), plan_code)
    talk(f"Granted: {granted.role}.")


@people_app.command("refuse")
def people_refuse(request: RequestArgument, plan_code: PlanOption = "") -> None:
    """Refuse a role that waits for a second admin. Whoever asked is told."""
    from bot.at_server import settle_request

    refused = settle_request(settings(), request, "refused", now(), plan_code)
    talk(f"Refused: {refused.role}.")


# ------------------------------------------------------------------ agencies and settings
@agencies_app.command("list")
def agencies_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Every agency with its days and what hangs on it, one a line."""
    from bot.at_server import agencies

    chosen = settings()
    print_rows(agencies(chosen, _today(chosen), plan_code), as_json)


@agencies_app.command("add")
def agencies_add(
    code: Annotated[str, typer.Option(help="2 to 16 of A-Z, 0-9, - and _.")],
    name: Annotated[str, typer.Option(help="In Spanish.")],
    name_en: Annotated[str, typer.Option()] = "",
    name_ht: Annotated[str, typer.Option()] = "",
    kind: Annotated[str, typer.Option("--type", help="chair, member, collaborator, observer or proposed.")] = "member",
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="Its first day; today.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Add an agency. Add it to the plan's workbook too: the next import decides."""
    from bot.at_server import add_agency

    chosen = settings()
    names = {language: text for language, text in (("es", name), ("en", name_en), ("ht", name_ht)) if text.strip()}
    add_agency(chosen, code, names, kind, _on("--from", since, chosen), now(), plan_code)
    talk(f"Added {code.strip().upper()}.")


@agencies_app.command("change")
def agencies_change(
    code: Annotated[str, typer.Option()],
    name: Annotated[str | None, typer.Option(help="In Spanish.")] = None,
    name_en: Annotated[str | None, typer.Option(help="A blank one takes it away.")] = None,
    name_ht: Annotated[str | None, typer.Option(help="A blank one takes it away.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="chair, member, collaborator, observer or proposed.")
    ] = None,
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="Its first day.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Change an agency's name, type or first day. Change it in the plan's workbook too: the next import decides."""
    from bot.at_server import change_agency

    chosen = settings()
    names = {language: text for language, text in (("es", name), ("en", name_en), ("ht", name_ht)) if text is not None}
    change_agency(chosen, code, names, kind, _on("--from", since, chosen) if since else None, now(), plan_code)
    talk(f"{code} is changed.")


@agencies_app.command("end")
def agencies_end(
    code: Annotated[str, typer.Option()],
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The first day without it; today.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """An agency takes part no more. Nothing of it is deleted."""
    from bot.at_server import end_agency

    chosen = settings()
    held = end_agency(chosen, code, _on("--on", on, chosen), now(), plan_code)
    talk(f"{code} ends. Open activities: {held.activities}; people: {held.people}.")


@agencies_app.command("restore")
def agencies_restore(code: Annotated[str, typer.Option()], plan_code: PlanOption = "") -> None:
    """An agency that had ended takes part again."""
    from bot.at_server import restore_agency

    restore_agency(settings(), code, now(), plan_code)
    talk(f"{code} takes part again.")


@settings_app.command("list")
def settings_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """The plan's settings: name, value, default."""
    from bot.at_server import plan_settings

    print_rows(plan_settings(settings(), plan_code), as_json)


@settings_app.command("set")
def settings_set(
    name: str,
    value: Annotated[str, typer.Argument(help="Its value; - for the default.")],
    plan_code: PlanOption = "",
) -> None:
    """Change one of the plan's settings."""
    from bot.at_server import set_setting

    set_setting(settings(), name, value, now(), plan_code)
    talk(f"{name} is set.")


# ------------------------------------------------------------------ periods
@periods_app.command("list")
def periods_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Every period: code, where it stands, its days, and the agencies it is reopened for or was asked for by."""
    from bot.calendar_at_server import period_rows

    chosen = settings()
    print_rows(period_rows(chosen, _today(chosen), plan_code), as_json)


@periods_app.command("move")
def periods_move(
    code: PeriodArgument,
    opens: Annotated[bool, typer.Option("--open", help="Open it today.")] = False,
    locks: Annotated[bool, typer.Option("--lock", help="Lock it at the end of today.")] = False,
    days: Annotated[int | None, typer.Option("--days", help="1, 3 or 5 days more for everybody.")] = None,
    plan_code: PlanOption = "",
) -> None:
    """Open or lock a period earlier or later, for all agencies; reminders follow its days."""
    from bot.calendar_at_server import move_period

    if opens + locks + (days is not None) != 1:
        fail("Say one of --open, --lock and --days", 2)
    move = "open" if opens else "lock" if locks else f"more{days}"
    moved = move_period(settings(), code, move, now(), plan_code)
    talk(f"{code} opens {moved.opens_on}, is due {moved.due_on} and locks {moved.locks_on}.")


@periods_app.command("reopen")
def periods_reopen(
    code: PeriodArgument,
    agency: Annotated[str, typer.Option(help="For this agency alone.")],
    days: Annotated[int, typer.Option("--days", help="For 1, 3 or 7 days.")] = 3,
    reason: Annotated[
        str, typer.Option(help="correction, missing, trouble, or in words; the one that the agency gave.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Open a locked period again for one agency, whose people are told; it ends by itself."""
    from bot.calendar_at_server import reopen_period

    last = reopen_period(settings(), code, agency, days, reason, now(), plan_code)
    talk(f"{code} is open for {agency} until {last}.")


@periods_app.command("end")
def periods_end(code: PeriodArgument, agency: Annotated[str, typer.Option()], plan_code: PlanOption = "") -> None:
    """Lock it again for an agency before its day, or refuse what the agency asked for; its people are told."""
    from bot.calendar_at_server import end_reopening

    was_asked = end_reopening(settings(), code, agency, now(), plan_code)
    talk(f"{code} stays locked for {agency}." if was_asked else f"{code} is locked for {agency} again.")


# ------------------------------------------------------------------ schedules, holidays, pauses
@schedules_app.command("list")
def schedules_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """What is said regularly: number, what, state, days, time, zone, to whom, and the next three times."""
    from bot.calendar_at_server import schedule_rows

    print_rows(schedule_rows(settings(), now(), plan_code), as_json)


@schedules_app.command("add")
def schedules_add(
    what: Annotated[str, typer.Argument(help="reminders, digest, card, validated or export.")],
    days: Annotated[str, typer.Option(help="workdays, mon to fri, month:1 or month:15; the usual ones.")] = "",
    at: Annotated[str, typer.Option(metavar="HH:MM", help="From 08:00 to 17:30, by the half hour.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="To these roles alone; may be given again.")] = None,
    zone: Annotated[str, typer.Option(help="own: each person's time; plan: ENLACE_TIMEZONE.")] = "",
    dataset: Annotated[str, typer.Option(help="Of an export: what is taken out.")] = "",
    format: Annotated[str, typer.Option("--format", help="Of an export.")] = "",
    audience: Annotated[str, typer.Option(help="Of an export: internal, observers or public.")] = "",
    period: Annotated[
        str, typer.Option(help="Of an export: previous.month, previous.quarter, previous.year or all.")
    ] = "",
    where: Annotated[str, typer.Option(help="Of an export: an agency, area-CODE, or all.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Say something else regularly; an export goes to coordinators, of the month before, unless said otherwise."""
    from bot.calendar_at_server import add_schedule

    export = {"what": dataset, "as": format, "who": audience, "when": period, "where": where}
    number = add_schedule(settings(), what, days, at, role or (), zone, export, now(), plan_code)
    talk(f"Added schedule {number}.")


@schedules_app.command("pause")
def schedules_pause(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """Nothing is said on account of it until it is resumed."""
    from bot.calendar_at_server import pause_schedule

    pause_schedule(settings(), schedule, now(), plan_code, is_paused=True)
    talk(f"Schedule {schedule} is paused.")


@schedules_app.command("resume")
def schedules_resume(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """End its pause."""
    from bot.calendar_at_server import pause_schedule

    pause_schedule(settings(), schedule, now(), plan_code, is_paused=False)
    talk(f"Schedule {schedule} goes on.")


@schedules_app.command("now")
def schedules_now(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """Say it now, to whom it was not said today; the bot sends it."""
    from bot.calendar_at_server import run_schedule

    talk(f"To be sent to {run_schedule(settings(), schedule, now(), plan_code)}.")


@schedules_app.command("remove")
def schedules_remove(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """It is said no more."""
    from bot.calendar_at_server import remove_schedule

    remove_schedule(settings(), schedule, now(), plan_code)
    talk(f"Schedule {schedule} is removed.")


@holidays_app.command("list")
def holidays_list(
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="From this day on; today.")] = "",
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """The country's holidays and those that administrators added, one a line."""
    from bot.calendar_at_server import holiday_rows

    chosen = settings()
    print_rows(holiday_rows(chosen, _on("--from", since, chosen), now(), plan_code), as_json)


@holidays_app.command("add")
def holidays_add(day: DayArgument, plan_code: PlanOption = "") -> None:
    """A day on which nobody is expected to work; days of periods that are still to come move with it."""
    from bot.calendar_at_server import add_holiday

    chosen = settings()
    add_holiday(chosen, _on("DAY", day, chosen), now(), plan_code)
    talk(f"{day} is a holiday.")


@holidays_app.command("remove")
def holidays_remove(day: DayArgument, plan_code: PlanOption = "") -> None:
    """It is a day like others; days of periods that are still to come move back."""
    from bot.calendar_at_server import remove_holiday

    chosen = settings()
    remove_holiday(chosen, _on("DAY", day, chosen), now(), plan_code)
    talk(f"{day} is no holiday.")


@app.command()
def pause(
    until: Annotated[
        str, typer.Option("--until", metavar="DAY", help="The first day on which reminders go out again.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Remind nobody of anything: an emergency, holidays. Deadlines stay; without --until, until `resume`."""
    from bot.calendar_at_server import pause as pause_all

    chosen = settings()
    pause_all(chosen, _on("--until", until, chosen) if until else None, now(), plan_code)
    talk(f"Nobody is reminded of anything before {until}." if until else "Nobody is reminded of anything.")


@app.command()
def resume(plan_code: PlanOption = "") -> None:
    """End everybody's pause."""
    from bot.calendar_at_server import resume as resume_all

    talk("Reminders go out again." if resume_all(settings(), now(), plan_code) else "There was no pause.")


# ------------------------------------------------------------------ delegations and comments
@delegations_app.command("list")
def delegations_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """Who has left their post to whom, and until when."""
    from bot.at_server import delegations

    print_rows(delegations(settings(), plan_code), as_json)


@delegations_app.command("end")
def delegations_end(
    delegation: Annotated[int, typer.Argument(metavar="N", help="Its number in `delegations list`.")],
    plan_code: PlanOption = "",
) -> None:
    """The post is its focal point's own again, before its day. Both are told."""
    from bot.at_server import end_delegation

    end_delegation(settings(), delegation, now(), plan_code)
    talk("Ended.")


@comments_app.command("list")
def comments_list(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """What observers' open comments are about. Their words are read in the chat, by the coordination."""
    from bot.at_server import comments

    rows = comments(settings(), plan_code)
    print_rows(rows, as_json)
    talk(f"{len(rows)} open comments.")


def _today(chosen: "Settings") -> date:
    from zoneinfo import ZoneInfo

    return now().astimezone(ZoneInfo(chosen.timezone)).date()


def _on(option: str, text: str, chosen: "Settings") -> date:
    """A day; without one, today in ENLACE_TIMEZONE."""
    try:
        return date.fromisoformat(text) if text else _today(chosen)
    except ValueError:
        fail(f"{option} {text!r} is not a day such as 2018-10-05", 2)


def print_rows(rows: Sequence[Mapping[str, object]], as_json: bool, shown: Sequence[str] = ()) -> None:
    """As JSON, or one a line: in columns for whoever looks at a terminal, with tabs between for a script.

    `shown` are the columns of a line; all, if none are named.
    """
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    lines = [[_cell(row[key]) for key in shown or row] for row in rows]
    if not sys.stdout.isatty():
        for cells in lines:
            print("\t".join(cells))
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return " ".join(text.split()) or "-"


# ------------------------------------------------------------------ taking out
@app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="What to take out; docs/exports.md lists what there is.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    format: Annotated[
        str,
        typer.Option(
            "--format", help="csv, xlsx or jsonl; pdf for plan-state, zip for media, xml-zip for submissions."
        ),
    ],
    audience: Annotated[
        str, typer.Option("--audience", help="For whom: internal, observers or public. Small numbers are suppressed.")
    ] = "internal",
    role: Annotated[
        str, typer.Option("--role", help="As whom: admin (what is validated, no restricted text) or coordinator.")
    ] = "",
    period: Annotated[
        str, typer.Option("--period", help="201809 or 2018Q3; a year: all that lies in it; a range: 201807..201812.")
    ] = "",
    agency: Annotated[str, typer.Option("--agency", help="Only these agencies; codes, separated by commas.")] = "",
    area: Annotated[str, typer.Option("--area", help="Only these strategic areas.")] = "",
    status: Annotated[str, typer.Option("--status", help="Only activities with this status, such as delayed.")] = "",
    validation: Annotated[str, typer.Option("--validation", help="Only reports in this state of validation.")] = "",
    form: Annotated[str, typer.Option("--form", help="Only this form, by its form_id.")] = "",
    language: Annotated[str, typer.Option("--language", help="Of labels: es, en or ht.")] = "",
    bom: Annotated[bool, typer.Option("--bom", help="Begin a CSV with the mark by which Excel knows UTF-8.")] = False,
    plan_code: PlanOption = "",
) -> None:
    """Write a dataset to a file, readable by its owner alone, with an audit entry before it.

    Exit code 1 if files that belong to it are not on disk: all else is written, and what is missing is named.
    """
    from bot.taking_out import export_to
    from conversations.plan import Role

    chosen = settings()
    if role not in ("", Role.ADMIN, Role.COORDINATOR):
        fail(f"--role {role!r} takes nothing out; admin and coordinator do", 2)
    if language and language not in LANGUAGES:
        fail(f"--language {language!r} is not one of {', '.join(LANGUAGES)}", 2)
    written = export_to(
        chosen, dataset, format, out, plan_code, now=now(), audience=audience, role=Role(role) if role else None,
        period=period, agency=agency, area=area, status=status, validation=validation, form_id=form,
        language=language or chosen.language, bom=bom,
    )  # fmt: skip
    talk(f"{written.count} of {dataset} to {out}.")
    if written.lacking:
        for each in written.lacking[:20]:
            talk(f"Not on disk: {each}")
        fail(f"{len(written.lacking)} files are not on disk; missing-files.txt in {out} names them all.")


# ------------------------------------------------------------------ digest, due and keys
@app.command()
def digest(
    week: Annotated[str, typer.Option(metavar="DAY", help="The Monday it is for, or any day of that week.")] = "",
    language: Annotated[str, typer.Option(help="es, en or ht.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Print the coordinator's digest: of a week gone by, told with what is known today."""
    from bot.people import week_of

    chosen = settings()
    if language and language not in LANGUAGES:
        fail(f"--language {language!r} is not one of {', '.join(LANGUAGES)}", 2)
    at = now() if not week else _moment("--week", week, chosen)
    print(week_of(chosen, at, language or chosen.language, plan_code, is_monday=bool(week)))


@app.command()
def due(
    at: Annotated[str, typer.Option("--at", metavar="ISO", help="As of this instant.")] = "",
    reports: Annotated[bool, typer.Option("--reports", help="Instead: what each agency has still to report.")] = False,
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """What would be said now on schedule, to whom, and to whom nothing and why. Sends nothing."""
    chosen = settings()
    instant = now() if not at else _moment("--at", at, chosen)
    if reports:
        from bot.people import due_reports

        rows = due_reports(chosen, instant, plan_code)
    else:
        from bot.schedules import due_messages

        rows = due_messages(chosen, instant, plan_code)
    print_rows(rows, as_json)


# ------------------------------------------------------------------ state and audit log
@app.command()
def status(
    language: Annotated[str, typer.Option(help="es, en or ht.")] = "",
    as_json: JsonOption = False,
) -> None:
    """How the bot is, worst first: a word, what it is about, and a sentence. Exit 1 if something does not work."""
    from bot.status import stated

    chosen = settings()
    if language and language not in LANGUAGES:
        fail(f"--language {language!r} is not one of {', '.join(LANGUAGES)}", 2)
    rows = stated(chosen, language or chosen.language, now())
    for row in rows:
        print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join((row["state"], row["what"], row["told"])))
    if any(row["state"] == "bad" for row in rows):
        raise SystemExit(1)


@audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str, typer.Option("--head", help="A head noted elsewhere, such as 1234.0a1b2c3d4e5f: it must still be there.")
    ] = "",
) -> None:
    """Whether the audit log is what was written: exit 1 names each entry that was changed, added, moved or removed."""
    from bot.auditing import verified

    verdict = verified(settings(), head)
    for finding in verdict.findings:
        place = "" if finding.position is None else f"entry {finding.position}"
        id = "" if finding.id is None else f"id {finding.id}"
        print("\t".join((finding.kind, place, id, finding.text)))
    if not verdict.is_whole:
        fail(f"The audit log was tampered with: {verdict.found} finding(s) in {verdict.sealed} sealed entries.")
    end = f", up to {verdict.head.note}" if verdict.head else ""
    waiting = f"; {verdict.unsealed} not sealed yet" if verdict.unsealed else ""
    talk(f"The audit log is whole: {verdict.sealed} sealed entries{end}{waiting}.")


@audit_app.command("list")
def audit_list(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many of the newest.")] = 20,
    about: Annotated[str, typer.Option("--about", help="people, plan, reports, exports or messages.")] = "",
    person: Annotated[int | None, typer.Option("--person", help="Telegram's number of whoever did it.")] = None,
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="Only what was done on this day.")] = "",
    language: Annotated[str, typer.Option(help="es, en or ht.")] = "",
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """Who did what, newest first: when, who, and what in a sentence."""
    from bot.auditing import listed
    from storage.audit import KINDS

    chosen = settings()
    if about and about not in KINDS:
        fail(f"--about {about!r} is not one of {', '.join(KINDS)}", 2)
    if language and language not in LANGUAGES:
        fail(f"--language {language!r} is not one of {', '.join(LANGUAGES)}", 2)
    on = _on("--day", day, chosen) if day else None
    for row in listed(
        chosen, limit, about, language or chosen.language, plan_code=plan_code, telegram_id=person, on=on
    ):
        print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join((row["at"], row["who"], row["told"])))


@keys_app.command("new")
def keys_new() -> None:
    """Make the keyring (mode 0600); an existing one is left alone."""
    from storage.vault import Vault

    path = settings().keys
    if path.exists():
        fail(f"{path} exists; `enlace keys rotate` adds a new key to it")
    Vault.create(path)
    talk(f"Keyring made: {path}. Keep a copy apart from the database's backups.")


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Seal from now on with a new key; what older keys sealed stays readable."""
    from storage.vault import Vault

    path = settings().keys
    if not path.exists():
        fail(f"There is no keyring {path}. `enlace keys new` makes one.")
    Vault.rotate(path)
    talk("A new key is in use. Restart the bot.")


@keys_app.command("retire")
def keys_retire(key: Annotated[str, typer.Argument(help="The old key, such as k1.")]) -> None:
    """Throw an old key away, once the bot has sealed everything under the current one. Refused before."""
    from bot.opening import open_storage
    from storage.files import FileStore
    from storage.resealing import key_ids
    from storage.vault import Vault

    chosen = settings()
    with open_storage(chosen) as database, database.view() as unit:
        if key in key_ids(unit) | FileStore(chosen.files, database.vault).key_ids():
            fail(f"{key} still seals something: the bot renews seals when it starts, and once a day. Wait for that.")
    Vault.retire(chosen.keys, key)
    talk(
        f"{key} is gone from the keyring. Old backups that it sealed can be read with an old copy of the keyring only."
    )


if __name__ == "__main__":
    main()
