"""The plan that is shipped with the bot, as an example to look at and to try."""

from importlib.resources import files
from typing import Final

SEED_PLAN: Final = "do-trata-2017-2020"
"""Its code, which its sheet `settings` names too."""


def seed_workbook() -> bytes:
    return (files("storage") / "seed" / "plan.xlsx").read_bytes()
