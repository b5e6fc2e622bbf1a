"""Make docs/commands.md, every command of `enlace` with its options, from what the command line says of itself.

python docs/commands.py
"""

from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import typer

from bot.cli import typed

OUT = Path(__file__).parent / "commands.md"

HEAD = """\
# Every command and its options

Each command says this of itself too: `enlace people add --help`. Where the database holds several plans, `--plan CODE`
says which; `--json` prints JSON.
"""
SHARED = ("plan_code", "as_json")
"""The parameters that the head of the page explains for all commands."""


def text() -> str:
    parts = [HEAD]
    for noun in typer.main.get_command(typed.app).commands.values():  # type: ignore[attr-defined]
        parts.append(f"## {noun.name}\n\n{noun.help}\n")
        parts += _told(noun.name, noun.loaded, is_group=noun.noun.is_group)
    return "\n".join(parts)


def _told(path: str, command: Any, *, is_group: bool) -> Iterator[str]:
    if is_group:
        for name, each in command.commands.items():
            yield from (f"### {path} {name}\n\n{cleandoc(each.help)}\n", *_told(f"{path} {name}", each, is_group=False))
        return
    shown = [option for option in command.params if option.name != "help" and not getattr(option, "hidden", False)]
    lines = [_line(option) for option in shown if option.name not in SHARED]
    if shared := [f"`{option.opts[0]}`" for option in shown if option.name in SHARED]:
        lines.append(f"- {', '.join(shared)}: as above")
    if lines:
        yield "\n".join([*lines, ""])


def _line(option: Any) -> str:
    name = f"`{option.opts[0]}`" if option.param_type_name == "option" else f"`{option.name.upper()}`"
    usual = option.default if isinstance(option.default, str | int) and not isinstance(option.default, bool) else ""
    told = f"{option.help or ''}{f' Default: {usual}.' if usual != '' else ''}{' Required.' if option.required else ''}"
    return f"- {name}: {told.strip()}" if told else f"- {name}"


if __name__ == "__main__":
    OUT.write_text(text(), "utf-8")
