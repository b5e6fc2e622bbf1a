"""The table of the command line (DESIGN §2; the names are a contract): every command and group, and its module.

Data goes to stdout, messages to stderr; exit 0 done, 1 failed, 2 used wrongly. A module is imported when its command is
used, and imports what it needs when it runs. So `--help` reads only this table.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from bot.cli.console import fail


@dataclass(frozen=True, slots=True)
class Noun:
    """A command, or a group of them.

    `module` has its code, `help` is its line in the list of commands.
    """

    name: str
    module: str
    help: str
    is_group: bool = False
    texts: tuple[str, ...] | None = None
    """Options that the command takes as they are typed: a line with no other is read without Typer (`plainly`)."""


NOUNS: Final = (
    Noun(
        "run",
        "bot.cli.serving",
        "Serve: by polling, or by webhook when ENLACE_WEBHOOK_URL is set.",
        texts=("clock", "parent"),
    ),
    Noun(
        "demo",
        "bot.cli.serving",
        "Sandbox, bot and seeded plan: a Telegram to talk to at http://localhost:PORT, without token or internet.",
    ),
    Noun("sandbox", "bot.cli.serving", "The emulated Bot API alone, for any bot in any language."),
    Noun(
        "init",
        "bot.cli.serving",
        "Database up to date, keyring made, shipped plan and forms in place. A second run changes nothing.",
    ),
    Noun(
        "invite",
        "bot.cli.people.invite",
        "Print a link that grants this role once: the code, and the deep link once `run` has learnt the bot's name.",
    ),
    Noun(
        "pause",
        "bot.cli.calendar.pauses",
        "Remind nobody of anything: an emergency, holidays. Deadlines stay; without --until, until `resume`.",
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
        "Print the coordinator's digest: of a week gone by, told with what is known today.",
    ),
    Noun(
        "due",
        "bot.cli.calendar.due",
        "What would be said now on schedule, to whom, and to whom nothing and why. Sends nothing.",
    ),
    Noun(
        "status",
        "bot.cli.upkeep.status",
        "How the bot is, worst first: a word, what it is about, and a sentence. Exit 1 if something does not work.",
        texts=("language",),
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
        "Reporting periods: where they stand, their days, reopened for one agency.",
        is_group=True,
    ),
    Noun("schedules", "bot.cli.calendar.schedules", "What the bot says of its own accord, and when.", is_group=True),
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


class Unloaded(TyperCommand):
    """The name and help of a command or group. Its module is imported when somebody uses it."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(noun.name, help=noun.help)
        self.noun = noun

    @cached_property
    def loaded(self) -> Any:
        group = get_group(importlib.import_module(self.noun.module).app)
        if not self.noun.is_group:
            return group.commands[self.noun.name]
        group.name, group.help = self.noun.name, self.noun.help
        return group

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """The context of the real command: from here on, Typer runs that one."""
        return self.loaded.make_context(*args, **kwargs)


class Nouns(TyperGroup):
    """All commands; none of them is imported."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"commands": {noun.name: Unloaded(noun) for noun in NOUNS}})


app = typer.Typer(
    name="enlace",
    cls=Nouns,
    help="Runs the monitoring cycle of a national plan of action in a Telegram chat.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def enlace() -> None:
    """Typer makes a group of what has a callback; the group's commands are in NOUNS."""


def plainly(arguments: Sequence[str]) -> tuple[Noun, dict[str, str]] | None:
    """The command and its options, where all of them are texts; None leaves the line to Typer.

    Typer reads each with pydantic, 9 MB for as long as the process lives: `run` lives for months.
    """
    noun = next((noun for noun in NOUNS if noun.name in arguments[:1]), None)
    names, values = arguments[1::2], arguments[2::2]
    if noun is None or noun.texts is None or len(names) != len(values) or len(set(names)) != len(names):
        return None
    known = {f"--{name}": name for name in noun.texts}
    if not known.keys() >= set(names) or any(value.startswith("-") for value in values):
        return None
    return noun, {known[name]: value for name, value in zip(names, values, strict=True)}


def main() -> None:
    """The console script. What the operator can fix is one line on stderr and exit code 1."""
    from bot.errors import Complaint, Misuse
    from storage.errors import StorageError, Unavailable

    try:
        match plainly(sys.argv[1:]):
            case None:
                app()
            case noun, options:
                getattr(importlib.import_module(noun.module), noun.name)(**options)
    except Misuse as misuse:
        fail(str(misuse), 2)
    except Complaint as complaint:
        fail(str(complaint))
    except Unavailable as error:
        fail(f"The database cannot be reached: {error}. Check ENLACE_DATABASE_URL.")
    except StorageError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
