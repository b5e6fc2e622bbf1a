"""A program is known by what it holds, whatever its name says; what people write is not taken for one."""

from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from storage.reports import script_signs
from storage.reports.script_signs import SIGNS, Sign, is_program
from tests.storage.reports.file_samples import kept, refusal

REPORT = "Acta de la jornada de sensibilización en Santiago. Participaron 40 personas.\n" * 120
"""Longer than what was once looked at."""
WRITTEN = (
    "echo de menos a mi pueblo\nPAUSA\n",
    "10:00 Pausa\nStart at 8\nCall Ana\nMove the meeting\nCopy to the PGR\nExit interviews: 4\nSet de kits = 20\n",
    "Del % total, 30 son mujeres. El 5 % (temp) vino de lejos.\nSub comisión (nueva)\nDim sum\n",
    "If not, explain. If exist doubts, ask. For each person in the list; do not name them.\n",
    "Let us say x = 5. (ver anexo) => pendiente. Function: protect. Eval (parcial)\n",
    "from Haiti import nothing\nimport of goods\nEl sistema (document) se llenó. $RD = 500\nexport de datos = 3\n",
    "- [x] hecho\n<5 % y >3 %; <% 20>\nhttps://example.org/a.php?x=1&y=2\n| SH |\nRM: 4\n",
    "Pou chak moun: 5 %. Rele Ana.\nÉcho de la réunion\nPause\n",
)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"{sign.language}: {sign.example}")
def test_each_sign_is_found_at_the_end_of_a_long_text(sign: Sign) -> None:
    """Also where Windows ends the lines, in UTF-16, and as a table."""
    text = f"{REPORT}{sign.example}\n"
    assert not is_program(REPORT)
    for name, data in (
        ("acta.txt", text.encode()),
        ("acta.txt", text.replace("\n", "\r\n").encode()),
        ("acta.csv", text.encode("utf-16")),
        ("", sign.example.upper().encode() if sign.where != "any" else sign.example.encode()),
    ):
        assert refusal(data, name) in ("executable", "html"), name


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write_is_kept(text: str) -> None:
    assert kept(text.encode(), "acta.txt").data == text.encode()


def test_no_pattern_has_a_run_without_end() -> None:
    """So the time is linear in the length of a text, and a line of a million signs is read once."""
    assert [each.pattern for each in script_signs._SEARCHED if _has_endless_run(_parser.parse(each.pattern))] == []
    assert _has_endless_run(_parser.parse("a(?:b*)"))


def _has_endless_run(parsed: Any) -> bool:
    for kind, value in parsed:
        if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            if value[1] == _constants.MAXREPEAT:
                return True
            parts = [value[2]]
        else:
            parts = [part for part in _flat(value) if isinstance(part, _parser.SubPattern)]
        if any(_has_endless_run(part) for part in parts):
            return True
    return False


def _flat(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [each for part in value for each in _flat(part)]
    return [value]
