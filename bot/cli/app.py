"""The command line: what Typer reads is done, and what goes wrong is told.

An error is shown as one sentence: here, for every command.
"""

import os
import sys

from bot.cli.console import fail
from bot.cli.typed import app


def main() -> None:
    """The console script. What the operator can fix is one line on stderr and exit code 1."""
    from bot.errors import Complaint, Misuse, refused, unavailable
    from storage.errors import StorageError, Unavailable

    try:
        try:
            app()
        finally:
            print(end="", flush=True)  # here, where a full disk is a sentence
    except Misuse as misuse:
        fail(str(misuse), 2)
    except Complaint as complaint:
        fail(str(complaint))
    except Unavailable as error:
        fail(unavailable(error))
    except StorageError as error:
        fail(str(error))
    except BrokenPipeError:  # whoever reads it has enough, as `head`
        _write_nothing_more()
        sys.exit(1)
    except OSError as error:
        _write_nothing_more()
        fail(refused(error))


def _write_nothing_more() -> None:
    """Let nobody hear what still waits for the standard output: the interpreter would fail at it once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    main()
