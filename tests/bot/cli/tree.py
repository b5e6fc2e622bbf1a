"""Every command of `enlace` with its module imported, for tests that walk all of them."""

from collections.abc import Iterator
from typing import Any

import typer

from bot.cli import typed


def whole() -> Any:
    """The group of all commands; `commands` of it and of its groups hold the real ones."""
    group: Any = typer.main.get_command(typed.app)
    group.commands = {name: unloaded.loaded for name, unloaded in group.commands.items()}
    return group


def paths(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The group itself, every group in it and every command."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from paths(command, (*path, name))


def found(group: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        group = group.commands[name]
    return group
