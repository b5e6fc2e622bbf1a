"""`python -m bot` is the console script `enlace`."""

import gc
import sys

from bot.signals import INTERRUPTED, SERVING, be_deaf, leave_at_once


def main() -> None:
    """Run the command line.

    A signal tells a command that serves to stop, and never kills it, at any moment of its life. Any other command is
    broken off by Ctrl-C, without a traceback.
    """
    if not SERVING.intersection(sys.argv[1:2]):
        try:
            return _command()
        except KeyboardInterrupt:  # Typer answers it likewise, but not while it is being loaded
            sys.exit(INTERRUPTED)
    try:
        leave_at_once()
        _command()
    finally:
        be_deaf()


def _command() -> None:
    gc.set_threshold(50_000, 20, 50)  # imports make 200 000 objects, and hardly any of them is garbage
    from bot.cli.app import main

    main()


if __name__ == "__main__":
    main()
