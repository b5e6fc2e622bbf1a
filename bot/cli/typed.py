"""Give the table of the command line to Typer, which explains commands and says what is wrong with a line."""

import importlib
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from bot.cli.nouns import NOUNS, Noun


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
