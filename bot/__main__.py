"""`python -m bot` is the console script `enlace`."""

import gc
import sys

from bot.signals import SERVING, be_deaf, leave_at_once


def main() -> None:
    """Run the command line.

    A signal tells a command that serves to stop, and never kills it, at any moment of its life.
    """
    if not SERVING.intersection(sys.argv[1:2]):
        return _command()
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
