"""`enlace status` for a program, and in another language."""

import json
from pathlib import Path

from tests.bot.cli.commands import enlace


def test_the_state_is_told_to_programs_and_in_the_language_asked_for(folder: Path) -> None:
    """A row a subject; the words of the sentence are those of the language, and the state is a code."""
    rows = {
        language: [
            json.loads(row) for row in enlace(folder, "status", "--json", "--language", language).out.splitlines()
        ]
        for language in ("en", "fr")
    }
    assert [(row["what"], row["state"]) for row in rows["en"]] == [(row["what"], row["state"]) for row in rows["fr"]]
    assert {row["told"] for row in rows["en"]}.isdisjoint({row["told"] for row in rows["fr"]})
