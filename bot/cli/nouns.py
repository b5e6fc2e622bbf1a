"""The table of the command line (its names are a contract): every command and group, and its module.

Data goes to stdout, messages to stderr; exit 0 done, 1 failed, 2 used wrongly. A module is imported when its command is
used, and imports what it needs when it runs. So `--help` reads only this table.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Noun:
    """A command, or a group of them.

    `module` has its code, `help` is its line in the list of commands.
    """

    name: str
    module: str
    help: str
    is_group: bool = False


NOUNS: Final = (
    Noun(
        "run",
        "bot.cli.running",
        "Serve the bot: by polling, or by webhook if ENLACE_WEBHOOK_URL is set.",
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
        "bot.cli.status",
        "Print the state of the bot, worst first: a word, a subject and a sentence. Exit 1 if something does not work.",
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
