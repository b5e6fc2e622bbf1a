"""The command line. A line is read with the table of commands alone, or with Typer.

An error is shown as one sentence.
"""

import importlib
import sys

from bot.cli.console import fail
from bot.cli.nouns import plainly


def main() -> None:
    """The console script. What the operator can fix is one line on stderr and exit code 1."""
    from bot.errors import Complaint, Misuse, unavailable
    from storage.errors import StorageError, Unavailable

    try:
        match plainly(sys.argv[1:]):
            case None:
                from bot.cli.typed import app  # `run` lives for months without

                app()
            case noun, options:
                getattr(importlib.import_module(noun.module), noun.name)(**options)
    except Misuse as misuse:
        fail(str(misuse), 2)
    except Complaint as complaint:
        fail(str(complaint))
    except Unavailable as error:
        fail(unavailable(error))
    except StorageError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
