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
        finally:
            be_deaf()
    try:
        leave_at_once()
        _command()
    finally:
        be_deaf()


def _command() -> None:
    _leave_no_core()
    gc.set_threshold(50_000, 20, 50)  # imports make 200 000 objects, and hardly any of them is garbage
    from bot.cli.app import main

    main()


def _leave_no_core() -> None:
    """Let a crash leave no copy of the memory on a disk: keys, tokens and answers are in it, unsealed (S12, S22).

    One byte is too little for a file. Linux also reads this limit as: give the copy to no program. A limit of 0 does
    not say that (fs/coredump.c).
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    most = 0 if hard == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


if __name__ == "__main__":
    main()
