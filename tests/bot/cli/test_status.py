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


def test_a_handover_names_what_there_is_and_no_secret(folder: Path) -> None:
    """Plans, people, doors and dates, and where the keys must be; a lost keyring is said, a password never."""
    assert enlace(folder, "people", "add", "--telegram-id", "506", "--name", "Pedro", "--role", "admin").code == 0
    assert enlace(folder, "invite", "--role", "reader").code == 0
    told = enlace(folder, "status", "--handover").out
    assert f"{folder / 'keys.json'}\tthere" in told
    for said in ("do-trata-2017-2020\t", "506\tPedro\tadmin", "1\treader", "reminders\tactive", "activity_report\t"):
        assert said in told, said
    assert [line for line in told.splitlines() if "SANDBOX-token" in line] == []

    (folder / "keys.json").rename(folder / "elsewhere.json")
    (folder / "evidence").rmdir()
    lost = enlace(folder, "status", "--handover")
    assert "MISSING" in lost.out or "keys.json" in lost.err
    assert enlace(folder, "status", "--handover", "--json").code == 2
