"""`python -m bot` is the console script `enlace`."""

import gc
import sys

from bot.signals import INTERRUPTED, SERVING, be_deaf, break_off, leave_at_once


def main() -> None:
    """Run the command line.

    A signal tells a command that serves to stop, and never kills it, at any moment of its life. Any other command is
    broken off by it, in one line and without a traceback.
    """
    if not SERVING.intersection(sys.argv[1:2]):
        try:
            break_off()
            return _command()
        except (KeyboardInterrupt, SystemExit) as end:  # Typer answers the first with the second, once it is loaded
            if isinstance(end, SystemExit) and end.code != INTERRUPTED:
                raise
            print("enlace: broken off.", file=sys.stderr)
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
