"""The runbook has a section for each kind of alarm, in the order of the table, and no other."""

import re
from pathlib import Path

from bot.alarms.standing import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "runbook.md"


def test_each_alarm_has_its_section_and_each_section_its_alarm() -> None:
    """What it means, what to look at, what to do."""
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = {section.partition("\n")[0]: section for section in sections}
    assert [name for name in found if "_" in name or name in KINDS] == list(KINDS)
    for kind in KINDS:
        assert "**Look at:**" in found[kind]
        assert "**Do:**" in found[kind]
