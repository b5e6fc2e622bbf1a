"""Change the plan from the chat: an admin sends the workbook, reads its differences, and decides.

Several people edit a country's plan in Excel, and the sender has not seen every cell. So nothing is applied that was
not shown. The content whose differences were read is applied to the same state of the plan, in one transaction. If the
plan has changed meanwhile, the differences are shown again.

Reading and comparing take seconds. A worker does them with a reader of the database, and the writer sees only the
transaction itself. The shown workbook is in the file store under its content's number, and a button carries that
number, so it decides about this workbook only. The store deletes it after a day.
"""

from bot.acts.plan import importing
from bot.acts.plan.importing import hanging_sentence
from bot.chat.exchange import Exchange
from conversations.card import Button, Card, Line, bold, home_button, line
from conversations.routes import Route, tap
from storage.imports import history
from storage.imports.history import Undo

LISTED = 8
"""Differences on one screen."""
OFFERED = 2
"""Other periods from which the changes could hold, each with a button."""
BUTTON_DIGITS = 32
LONGEST = 180
"""Characters of one difference on the screen."""


# ------------------------------------------------------------------ in the unit of an update
def decide(ex: Exchange, act: str, number: str) -> None:
    """Apply, cancel, show page `p3` of the workbook that a button names, or answer what its import asks.

    An old button decides nothing.
    """
    key = importing.waiting(ex.unit, ex.person.id)
    if not key.startswith(number):
        ex.toast = ex.say("publish.stale")
        return
    if act.startswith("p"):
        importing.turn_page(ex.actor, ex.chat_id, key, int(act.removeprefix("p")))
    elif act == "no":
        importing.settle(ex.actor)
        ex.answer_line(ex.say("publish.discarded"))
    elif act != "yes":
        importing.answer_question(ex.actor, ex.chat_id, key, act)
    else:
        importing.apply_shown(ex.actor, ex.chat_id, key)
        ex.answer(Card((line(ex.say("import.applying")),)))


def undo(ex: Exchange, answer: str, import_id: int | None) -> None:
    """Take back the last import. First show what that does; after a yes, do it in one step."""
    say, plan_id = ex.say, ex.membership.plan_id
    if answer == "yes" and import_id is not None:
        done = importing.undo(ex.actor, import_id)
        if done is not None and done.is_possible:
            lines = [line(bold(say("import.undone"))), *_about_undo(ex, done)]
            ex.answer(Card(tuple(lines), (plan_row(ex),)))
            return
    found = history.look_back(ex.unit, plan_id, ex.now)
    if found is None:
        ex.answer(Card((line(say("import.nothing_to_undo")),), (plan_row(ex),)))
        return
    who = ex.unit.people.by_id(found.imported_by_id).name if found.imported_by_id else say("links.server")
    when = ex.day(found.imported_at)
    lines = [line(bold(say("import.undo_sure", date=when, name=who))), *_about_undo(ex, found)]
    rows = [plan_row(ex)]
    if found.is_possible:
        rows.insert(0, (Button(say("import.undo_yes"), tap(Route.UNDO_IMPORT, "yes", found.import_id), "danger"),))
    ex.answer(Card(tuple(lines), tuple(rows)))


def download(ex: Exchange) -> None:
    """Have the plan sent as its workbook."""
    importing.send_workbook(ex.actor, ex.chat_id)
    ex.toast = ex.say("forms.sending")


def _about_undo(ex: Exchange, found: Undo) -> list[Line]:
    say = ex.say
    if found.hanging:
        lines = [line(say("import.hanging"))]
        lines += [line(f"• {hanging_sentence(one, say)}") for one in found.hanging[:LISTED]]
        left = len(found.hanging) - LISTED
        return [*lines, line(say("digest.more", n=left))] if left > 0 else lines
    lines = []
    for key, rows in (("import.undo_restores", found.restored), ("import.undo_removes", found.removed)):
        codes = [code for _, code in rows]
        if codes:
            names = ", ".join(codes[:LISTED]) + (" …" if len(codes) > LISTED else "")
            lines.append(line(say(key, n=len(codes), codes=names)))
    if found.kept:
        names = ", ".join(f"{code} ({column})" for _, code, column in found.kept[:LISTED])
        lines.append(line(say("import.undo_keeps", codes=names)))
    return lines


def plan_row(ex: Exchange) -> tuple[Button, ...]:
    return (Button(ex.say("command.plan"), tap(Route.PLAN)), home_button(ex.say))


def answer_from_plan(ex: Exchange, key: str, **values: str) -> None:
    ex.answer(Card((line(ex.say(key, **values)),), (plan_row(ex),)))
