"""The table of the command line (its names are a contract): every command and group, and its module.

Data goes to stdout, messages to stderr; exit 0 done, 1 failed, 2 used wrongly. A module is imported when its command is
used, and imports what it needs when it runs. So `--help` reads only this table, and `run`, which lives for months,
never imports Typer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Option:
    """An option that can be read without Typer: a text, or a switch. A flag without dashes is an argument."""

    flag: str
    parameter: str
    help: str
    metavar: str | None = None
    is_switch: bool = False
    is_hidden: bool = False
    is_required: bool = False
    """What is not required has its default in the command's function."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A command, or a group of them.

    `module` has its code, `help` is its line in the list of commands.
    """

    name: str
    module: str
    help: str
    is_group: bool = False
    options: tuple[Option, ...] | None = None
    """All options of a command that is a plain function of its module. A line with no others is read by `plainly`."""


NOUNS: Final = (
    Noun(
        "run",
        "bot.cli.running",
        "Serve the bot: by polling, or by webhook if ENLACE_WEBHOOK_URL is set.",
        options=(
            Option("--clock", "clock", "Start the clock at this time. Refused at Telegram's own host.", "ISO"),
            Option("--parent", "parent", "A pipe; its end is ours.", is_hidden=True),
        ),
    ),
    Noun(
        "demo",
        "bot.cli.serving",
        "Serve a demonstration at http://localhost:PORT: an emulated Telegram, the bot and a plan. Without internet.",
    ),
    Noun("sandbox", "bot.cli.serving", "Serve the emulated Bot API alone, for any bot in any language."),
    Noun(
        "init",
        "bot.cli.serving",
        "Prepare a deployment: database, keyring, shipped plan and forms. A second run changes nothing.",
    ),
    Noun(
        "invite",
        "bot.cli.people.invite",
        "Print a link that grants this role once: the code, and the deep link once `run` has learnt the bot's name.",
    ),
    Noun(
        "pause",
        "bot.cli.calendar.pauses",
        "Pause everybody's reminders, as in an emergency. Deadlines stay. Without --until, it ends with `resume`.",
    ),
    Noun("resume", "bot.cli.calendar.pauses", "End everybody's pause."),
    Noun(
        "export",
        "bot.cli.sharing.export",
        "Write a dataset to a file, readable by its owner alone, with an audit entry before it.",
        options=(
            Option("dataset", "dataset", "What to take out; docs/exports.md lists what there is.", is_required=True),
            Option("--out", "out", "The file to write; - is the standard output.", "<path>", is_required=True),
            Option(
                "--format",
                "format",
                "csv, xlsx, jsonl, datapackage; pdf for plan-state, zip for media, xml-zip for submissions.",
                is_required=True,
            ),
            Option("--audience", "audience", "For whom: internal, observers or public. Small numbers are suppressed."),
            Option("--role", "role", "As whom: admin (what is validated, no restricted text) or coordinator."),
            Option(
                "--period",
                "period",
                "201809 or 2018Q3; a year: all that lies in it; a range: 201807..201812.",
            ),
            Option("--agency", "agency", "Only these agencies; codes, separated by commas."),
            Option("--area", "area", "Only these strategic areas."),
            Option("--status", "status", "Only activities with this status, such as delayed."),
            Option("--validation", "validation", "Only reports in this state of validation."),
            Option("--form", "form", "Only this form, by its form_id."),
            Option("--since", "since", "Only what was sent or decided since this day, as 2018-10-03, or instant."),
            Option("--language", "language", "Of labels: es, en, ht or fr."),
            Option("--bom", "bom", "Begin a CSV with the mark by which Excel knows UTF-8.", is_switch=True),
            Option(
                "--dictionary",
                "dictionary",
                "Beside csv or jsonl: what each column means, as a datapackage.json.",
                "<path>",
            ),
            Option("--plan", "plan_code", "Code of the plan, where the database holds several.", "CODE"),
        ),
    ),
    Noun(
        "digest",
        "bot.cli.calendar.due",
        "Print the coordinator's digest. For a past week, it shows what is known today.",
    ),
    Noun(
        "due",
        "bot.cli.calendar.due",
        "Print the scheduled messages that would be sent now and to whom, and why others get none. Send nothing.",
    ),
    Noun(
        "status",
        "bot.cli.upkeep.status",
        "Print the state of the bot, worst first: a word, a subject and a sentence. Exit 1 if something does not work.",
        options=(
            Option("--language", "language", "es, en, ht or fr."),
            Option("--json", "as_json", "Print JSON.", is_switch=True),
        ),
    ),
    Noun("db", "bot.cli.upkeep.db", "The database: bring it up to date, check it, back it up.", is_group=True),
    Noun("plan", "bot.cli.plan.plan", "The plan: import it from its workbook.", is_group=True),
    Noun("form", "bot.cli.reports.form", "Forms: check, publish, replay and try XLSForms.", is_group=True),
    Noun("language", "bot.cli.language", "Languages: what a folder of catalogues lacks.", is_group=True),
    Noun("people", "bot.cli.people.people", "People, at the server: for scripts and tests.", is_group=True),
    Noun(
        "agencies",
        "bot.cli.people.agencies",
        "Agencies: who takes part in the plan, and from when until when.",
        is_group=True,
    ),
    Noun("settings", "bot.cli.plan.settings", "What admins decide for the plan.", is_group=True),
    Noun(
        "periods",
        "bot.cli.plan.periods",
        "Reporting periods: their state, their days, and reopening them for one agency.",
        is_group=True,
    ),
    Noun("schedules", "bot.cli.calendar.schedules", "What the bot sends regularly, and when.", is_group=True),
    Noun("holidays", "bot.cli.calendar.holidays", "Days on which nobody is expected to work.", is_group=True),
    Noun(
        "delegations",
        "bot.cli.people.delegations",
        "Posts that somebody has left to somebody else for a time.",
        is_group=True,
    ),
    Noun("comments", "bot.cli.reports.comments", "Observers' comments that wait for the coordination.", is_group=True),
    Noun(
        "tokens",
        "bot.cli.sharing.tokens",
        "Tokens of the data door: who may read what is exported, over HTTP.",
        is_group=True,
    ),
    Noun("events", "bot.cli.sharing.events", "Receivers outside that are told what happens (webhooks).", is_group=True),
    Noun("keys", "bot.cli.upkeep.keys", "The encryption keyring.", is_group=True),
    Noun("audit", "bot.cli.upkeep.audit", "The audit log: read it, and prove that nobody changed it.", is_group=True),
)
"""In the order of `enlace --help`."""


def plainly(arguments: Sequence[str]) -> tuple[Noun, dict[str, str | bool]] | None:
    """The command and its options, where the table has all of them; None leaves the line to Typer.

    Typer, with the pydantic that it imports, is a third of an export's start. For as long as the process lives it
    keeps 9 MB: `run` lives for months.
    """
    noun = next((noun for noun in NOUNS if noun.name in arguments[:1]), None)
    if noun is None or noun.options is None:
        return None
    known = {option.flag: option for option in noun.options if option.flag.startswith("-")}
    places = (option for option in noun.options if option.flag not in known)
    given: dict[str, str | bool] = {}
    left = iter(arguments[1:])
    for word in left:
        option = known.get(word) if word.startswith("-") else next(places, None)
        if option is None or option.parameter in given:
            return None
        text = next(left, "--") if word.startswith("-") and not option.is_switch else word
        if text.startswith("-") and text != "-" and not option.is_switch:
            return None
        given[option.parameter] = option.is_switch or text
    is_whole = all(option.parameter in given for option in noun.options if option.is_required)
    return (noun, given) if is_whole else None
