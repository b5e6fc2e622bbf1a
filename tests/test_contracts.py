"""The import contracts of pyproject.toml: each is there for an import that somebody writes by mistake."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from shutil import copytree, ignore_patterns

from tests import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]

PLANTS: Mapping[str, tuple[str, str]] = {
    "a floor knows only the floors below it": ("conversations.dates", "storage.errors"),
    "bot: each room knows only those below it": ("bot.errors", "bot.acts.plan.settings"),
    "storage: each room knows only those below it": ("storage.errors", "storage.people.people"),
    "an export: from what is wanted to datasets, formats and files": (
        "storage.exports.tables",
        "storage.exports.formats.delimited",
    ),
    "conversations: each room knows only those below it": ("conversations.card", "conversations.plan.model"),
    "an XLSForm: from the nodes of a form to what is said with it": (
        "conversations.xforms.nodes",
        "conversations.xforms.form",
    ),
    "an expression: from its trees and values to what compiles it": (
        "conversations.xforms.xpath.values",
        "conversations.xforms.xpath.compiler",
    ),
    "a session: from what is read and asked to the engine": (
        "conversations.session.effects",
        "conversations.session.engine",
    ),
    "the cards of a session: each screen over one view": (
        "conversations.session.cards.view",
        "conversations.session.cards.session_card",
    ),
    "the rules of a plan: from periods to what is said": (
        "conversations.plan.figures.monitoring",
        "conversations.plan.messages.reminders",
    ),
    "acts: a report is acted on without the plan around it": ("bot.acts.reports.comments", "bot.acts.plan.settings"),
    "screens: from a report to what everybody sees": ("bot.screens.reports.receipts", "bot.screens.everyone.home"),
    "the command line: nouns over what all of them use": ("bot.cli.at_server", "bot.cli.people.people"),
    "no circles between siblings": ("conversations.plan.calendar.ladder", "conversations.plan.calendar.agenda"),
    "what is asked and said is pure": ("conversations.card", "logging"),
    "the storage speaks no Telegram": ("storage.errors", "telegram"),
    "Telegram is spoken in bot/telegram only": ("bot.acts.plan.settings", "telegram"),
    "the command line calls acts, never screens": ("bot.cli.sharing.tokens", "bot.screens.sharing.tokens"),
    "an act knows nothing of the chat that asks for it": ("bot.acts.plan.settings", "bot.chat.exchange"),
    "the sandbox knows nothing of the bot": ("bot.sandbox.clock", "storage.errors"),
    "the doors read exports and know nothing of the chat": ("bot.doors.limits", "bot.screens.sharing.tokens"),
    "a call to a receiver knows nothing of the chat": ("bot.workers.webhooks", "bot.chat.exchange"),
    "the demonstration's page carries no database and no form": ("bot.demo.receiver", "storage.errors"),
    "a drawing in a process of its own waits for no library of the database": (
        "storage.exports.codes",
        "storage.people.agencies",
    ),
}
"""By the name of the contract: a module, and an import of it that the contract forbids."""


def test_each_contract_has_its_plant() -> None:
    assert [contract["name"] for contract in CONTRACTS if contract["name"] not in PLANTS] == []
    assert len(CONTRACTS) == len(PLANTS)


def test_each_contract_turns_red_at_its_import(tmp_path: Path) -> None:
    """All planted in one copy. Each contract must name its own: one may be broken by another's too."""
    for floor in ("bot", "storage", "conversations"):
        copytree(ROOT / floor, tmp_path / floor, ignore=ignore_patterns("__pycache__", "locales", "forms", "*.ttf"))
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for module, imported in PLANTS.values():
        path = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
        path.write_text(f"{path.read_text('utf-8')}\nimport {imported}\n", "utf-8")

    said = lint(tmp_path)

    unseen = [name for name, (module, imported) in PLANTS.items() if not named(said, name, module, imported)]
    assert unseen == [], said


def lint(folder: Path) -> str:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.partition("Broken contracts")[2]


def named(said: str, contract: str, module: str, imported: str) -> bool:
    """Whether the linter's paragraph about this contract names this import. It tells a circle by the last names."""
    about = re.split(r"^-{3,}$", said, flags=re.MULTILINE)
    found = next((after for before, after in pairwise(about) if contract in before), "")
    told = " ".join(found.split())
    last = f".{module.rpartition('.')[2]} -> .{imported.rpartition('.')[2]} "
    return f"{module} -> {imported} " in told or last in told


def test_every_room_of_the_bot_but_one_speaks_no_telegram() -> None:
    """A new room is added to the contract."""
    [rooms] = [contract["layers"] for contract in CONTRACTS if contract.get("containers") == ["bot"]]
    [silent] = [one["source_modules"] for one in CONTRACTS if one["name"] == "Telegram is spoken in bot/telegram only"]
    assert {f"bot.{room}" for room in rooms} - set(silent) == {"bot.telegram"}
