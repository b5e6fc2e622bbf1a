"""`enlace language`: whether a folder of catalogues is a whole language."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.console import fail, talk

app = typer.Typer(no_args_is_help=True)


@app.callback()
def language() -> None:
    """Languages: each is a folder of conversations/locales."""


@app.command()
def check(
    code: Annotated[str, typer.Argument(help="Its code, such as fr: the name of its folder.")],
    folder: Annotated[Path | None, typer.Option(help="Where it is, if not yet in conversations/locales.")] = None,
) -> None:
    """Print what a language lacks (sentences, gaps, tables) and what is too long. Exit 1 if anything is wrong."""
    from conversations.language_check import awaits_reader, check_language
    from conversations.languages import LANGUAGES, folder_of

    if not code.replace("-", "").isalnum():
        fail(f"{code!r} is no code of a language, such as fr.", 2)
    where = folder if folder is not None else folder_of(code)
    if not where.is_dir():
        fail(f"There is no folder {where}. The bot speaks {', '.join(LANGUAGES)}.", 2)
    gaps = check_language(code, where)
    for gap in gaps:
        print(gap)
    if awaits_reader(where):
        talk(f"{code} awaits a native reader.")
    if gaps:
        fail(f"{code} is not whole: {len(gaps)} gaps.")
    talk(f"{code} is whole.")
