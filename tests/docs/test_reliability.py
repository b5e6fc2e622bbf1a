"""The table of planted defects has a row for each, and each says that it was found."""

from pathlib import Path

from tests.faults.plants import PLANTS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_each_planted_defect_has_its_row_and_was_found() -> None:
    """In the order in which `make torture PLANT=all` prints them; where one is new, it is run again."""
    table = PAGE.read_text("utf-8").partition("| guarantee | defect |")[2]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ") and "`" in line]
    planted = [[f"| {each.guarantee}", f"`{name}`", each.breaks, each.test] for name, each in PLANTS.items()]
    assert [row[:4] for row in rows] == planted
    assert not [row for row in rows if row[4].startswith("NOTHING")]
