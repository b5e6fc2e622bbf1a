"""`python -m bot` is the console script `enlace`."""

from bot.cli import main

main()
