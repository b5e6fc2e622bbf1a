"""The plan changed from the chat: an admin sends the workbook, reads what it would change, and decides.

A plan of a country is edited in Excel by several people, and whoever sends the file has not seen every cell of it. So
nothing is applied that was not shown: what is applied is the very content whose differences were read, to the very
state of the plan they were read for, in one transaction; if the plan has changed meanwhile, they are shown again.

Reading and comparing take seconds and happen in a worker, with a reader of the database; the writer sees only the
transaction itself. What was shown lies in the file store under its content's number, and a button carries that number:
it is about this one or about nothing. The store forgets it after a day.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from bot.answers import Answers, listed, told
from bot.exchange import Denied, Exchange, number_of
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.digests import cut
from conversations.engine import show_date
from conversations.plan import Role
from conversations.problems import AuthorError, Problem
from storage import plan_history
from storage.database import Database
from storage.errors import NotFound
from storage.files import FileStore, storage_key
from storage.jobs import JobRow
from storage.plan_history import Undo
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from storage.imports import Differences, PlanDraft

APPLY, PAGE, SEND = "apply_plan", "page_plan", "send_plan"
KINDS = (APPLY, PAGE, SEND)
ADMINS = frozenset({Role.ADMIN})
CHIEFS = frozenset({Role.ADMIN, Role.COORDINATOR})
LISTED = 8
"""Differences on one screen."""
BUTTON_DIGITS = 32
LONGEST = 180
"""Characters of one difference on the screen."""


# ------------------------------------------------------------------ in the unit of an update
def decide(ex: Exchange, argument: str) -> None:
    """Apply, cancel, or turn the page of what a button is about; one of an earlier look decides nothing."""
    act, _, number = argument.partition(".")
    page = act[1:] if act.startswith("p") else ""
    if (act not in ("yes", "no") and not page) or len(number) != BUTTON_DIGITS:
        raise Denied
    key = ex.unit.facts.get(_fact(ex.person.id)) or ""
    if not key.startswith(number):
        ex.toast = ex.say("publish.stale")
        return
    payload = {"telegram_id": ex.telegram_id, "plan_id": ex.membership.plan_id, "key": key}
    if page:
        ex.unit.jobs.add(PAGE, payload | {"page": number_of(page)}, ex.now, chat_id=ex.chat_id)
        return
    if act == "no":
        ex.unit.facts.set(_fact(ex.person.id), "", ex.now)
        ex.show(Card((line(ex.say("publish.discarded")),), (_home(ex),)))
    else:
        ex.unit.jobs.add(APPLY, payload, ex.now, chat_id=ex.chat_id)
        ex.show(Card((line(ex.say("import.applying")),)))
    ex.stand(None)


def undo(ex: Exchange, argument: str) -> None:
    """Take back the last import: first what that does, then, with `yes.IMPORT`, in one step."""
    say, plan_id = ex.say, ex.membership.plan_id
    act, _, number = argument.partition(".")
    if act == "yes":
        done = plan_history.undo(ex.unit, plan_id, number_of(number), actor_id=ex.person.id, now=ex.now)
        if done is not None and done.is_possible:
            lines = [line(bold(say("import.undone"))), *_about_undo(ex, done)]
            ex.show(Card(tuple(lines), (_plan_row(ex),)))
            ex.stand(None)
            return
    found = plan_history.look_back(ex.unit, plan_id)
    if found is None:
        ex.show(Card((line(say("import.nothing_to_undo")),), (_plan_row(ex),)))
        ex.stand(None)
        return
    who = ex.unit.people.by_id(found.imported_by_id).name if found.imported_by_id else say("links.server")
    when = show_date(found.imported_at.astimezone(ex.zone).date().isoformat(), ex.language)
    lines = [line(bold(say("import.undo_sure", date=when, name=who))), *_about_undo(ex, found)]
    rows = [_plan_row(ex)]
    if found.is_possible:
        rows.insert(0, (Button(say("import.undo_yes"), f"command:deshacer:yes.{found.import_id}", "danger"),))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def download(ex: Exchange, argument: str) -> None:
    """The plan as its workbook, sent below in a moment."""
    payload = {"telegram_id": ex.telegram_id, "plan_id": ex.membership.plan_id}
    ex.unit.jobs.add(SEND, payload, ex.now, chat_id=ex.chat_id)
    ex.toast = ex.say("forms.sending")


def _about_undo(ex: Exchange, found: Undo) -> list[Line]:
    say = ex.say
    if found.hanging:
        lines = [line(say("import.hanging"))]
        lines += [line(hanging_sentence(one, ex)) for one in found.hanging[:LISTED]]
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


def hanging_sentence(one: plan_history.Hanging, ex: Exchange) -> str:
    return f"• {hangs(one, ex.say)}"


def hangs(one: plan_history.Hanging, say: Any) -> str:
    """ "actividad PRE-199: reportes, 2"."""
    key = f"plan.hangs.{one.what}"
    what = say(key) if key in say else say("plan.hangs.other")
    return f"{say(f'plan.table.{one.table}')} {one.code}: {what}, {one.count}"


def _fact(person_id: int) -> str:
    return f"plan_upload:{person_id}"


def _home(ex: Exchange) -> tuple[Button, ...]:
    return (Button(ex.say("menu.home"), "command:menu:"),)


def _plan_row(ex: Exchange) -> tuple[Button, ...]:
    return (Button(ex.say("command.plan"), "command:plan:"), *_home(ex))


# ------------------------------------------------------------------ outside of any unit
class Importing:
    """What the worker of long jobs does for plans."""

    def __init__(self, database: Database, answers: Answers, store: FileStore) -> None:
        self._database = database
        self._answers = answers
        self._store = store

    async def work(self, job: JobRow) -> None:
        """Do one of KINDS."""
        match job.kind:
            case "apply_plan":
                await self._apply(job)
            case "page_plan":
                await self._page(job)
            case _:
                await self._send(job)

    # -------------------------------------------------------------- looking
    async def check(self, job: JobRow, data: bytes) -> None:
        """A workbook that is meant as a plan has been fetched: say what it would change, or what is wrong with it."""
        from storage.imports import read_plan  # openpyxl: memory that a bot needs only while it imports

        await self._answers.give(job, _comparing, ADMINS, is_last=False)
        name = job.payload["name"]
        try:
            draft = await asyncio.to_thread(read_plan, data)
        except AuthorError as error:
            problems = error.problems
            await self._answers.give(job, lambda ex: self._refuse(ex, name, problems), ADMINS)
            return
        found = await asyncio.to_thread(self._differences, job, draft)
        await asyncio.to_thread(self._store.put, data, False)
        await self._answers.give(job, lambda ex: self._show(ex, name, draft, found), ADMINS)

    def _differences(self, job: JobRow, draft: "PlanDraft") -> "Differences":
        from storage.imports import differences

        with self._database.view() as unit:
            return differences(unit, draft, self.plan_code(unit, job))

    def plan_code(self, unit: UnitOfWork, job: JobRow) -> str:
        """Of the plan in which it was asked for: whoever has roles in two has not the same in both."""
        return next((plan.code for plan in unit.plans.all() if plan.id == job.payload["plan_id"]), "")

    def _refuse(self, ex: Exchange, name: str, problems: Sequence[Problem]) -> None:
        ex.show(
            Card((line(bold(ex.say("import.refused", file=name))), *told(problems, ex.language, ex.say)), (_home(ex),))
        )
        self._document(ex, f"{name}.txt", listed(problems, ex.language), "text/plain")
        ex.stand(None)

    def _show(
        self, ex: Exchange, name: str, draft: "PlanDraft", found: "Differences", *, is_again: bool = False
    ) -> None:
        """The first screen of what it would change; what is shown is kept, so that it is what is applied."""
        shown = {
            "name": name,
            "workbook": draft.sha256,
            "fingerprint": found.fingerprint(),
            "summary": found.summary(ex.language).splitlines(),
            "sentences": list(found.sentences(ex.language)),
            "lowering": [each.sentence(ex.language) for each in found.lowering],
        }
        kept = orjson.dumps(shown)
        self._store.put(kept, False)
        key = hashlib.sha256(kept).hexdigest()
        # What takes protection away is nobody's tap: it is shown, and done at the server if it is meant.
        ex.unit.facts.set(_fact(ex.person.id), key if found and not found.lowering else "", ex.now)
        notes = [problem for problem in draft.problems if problem.severity != "note"]
        self._draw(ex, key, shown, 0, notes, is_again=is_again)

    def _draw(
        self,
        ex: Exchange,
        key: str,
        shown: dict[str, Any],
        page: int,
        notes: Sequence[Problem] = (),
        *,
        is_again: bool = False,
    ) -> None:
        say, sentences = ex.say, shown["sentences"]
        lines: list[Line] = [line(bold(say("import.title", file=cut(shown["name"], 60))))]
        if is_again:
            lines.append(line(bold(say("import.changed_meanwhile"))))
        lines += [line(text) for text in shown["summary"]]
        if notes and page == 0:
            lines += [line(""), *told(notes, ex.language, say)]
        if not sentences:
            ex.show(Card(tuple(lines), (_plan_row(ex),)))
            ex.stand(None)
            return
        if lowering := shown["lowering"]:
            lines += [line(""), line(bold(say("import.lowers")))]
            lines += [line(cut(text, LONGEST)) for text in lowering[:LISTED]]
            lines.append(line(say("import.lowers_chat")))
            ex.show(Card(tuple(lines), (_plan_row(ex),)))
            ex.stand(None)
            return
        pages = -(-len(sentences) // LISTED)
        page %= pages
        lines.append(line(""))
        lines += [line(cut(text, LONGEST)) for text in sentences[page * LISTED : (page + 1) * LISTED]]
        number = key[:BUTTON_DIGITS]
        rows: list[tuple[Button, ...]] = []
        if pages > 1:
            lines.append(line(italic(say("import.page", page=page + 1, pages=pages))))
            more = Button(say("menu.more"), f"command:importar:p{(page + 1) % pages}.{number}")
            before = Button(say("import.before"), f"command:importar:p{(page - 1) % pages}.{number}")
            rows.append((before, more) if pages > 2 else (more,))
        yes = Button(say("import.yes"), f"command:importar:yes.{number}", "primary")
        rows.append((yes, Button(say("import.no"), f"command:importar:no.{number}")))
        ex.show(Card(tuple(lines), tuple(rows)))
        ex.stand(None)

    async def _page(self, job: JobRow) -> None:
        shown = await asyncio.to_thread(self._shown, job.payload["key"])

        def draw(ex: Exchange) -> None:
            if shown is None:
                _say(ex, "publish.gone")
            elif ex.unit.facts.get(_fact(ex.person.id)) == job.payload["key"]:
                self._draw(ex, job.payload["key"], shown, job.payload["page"])

        await self._answers.give(job, draw, ADMINS)

    # -------------------------------------------------------------- applying
    async def _apply(self, job: JobRow) -> None:
        from storage.imports import apply, read_plan

        key = job.payload["key"]
        shown = await asyncio.to_thread(self._shown, key)
        try:
            if shown is None:
                raise NotFound(key)
            data = await asyncio.to_thread(self._store.get, storage_key(shown["workbook"], sensitive=False))
            draft = await asyncio.to_thread(read_plan, data)
        except (NotFound, AuthorError):
            await self._answers.give(job, lambda ex: _say(ex, "publish.gone"), ADMINS)
            return

        def apply_it(ex: Exchange) -> None:
            if ex.unit.facts.get(_fact(ex.person.id)) != key:
                return  # cancelled, or applied by the same button pressed twice
            plan_id = ex.membership.plan_id
            code = ex.unit.plans.by_id(plan_id).code
            fingerprint = shown["fingerprint"]
            found = apply(
                ex.unit,
                draft,
                code,
                ex.person.id,
                ex.now,
                shown=fingerprint,
                timezone=ex.house.timezone,
            )
            if found.fingerprint() != fingerprint:
                self._show(ex, shown["name"], draft, found, is_again=True)
                return
            ex.unit.facts.set(_fact(ex.person.id), "", ex.now)
            lines = [
                line(bold(ex.say("import.done"))),
                *(line(text) for text in found.summary(ex.language).splitlines()),
            ]
            rows = ((Button(ex.say("import.undo"), "command:deshacer:"),), _plan_row(ex))
            ex.show(Card(tuple(lines), rows))
            ex.stand(None)

        await self._answers.give(job, apply_it, ADMINS)

    def _shown(self, key: str) -> dict[str, Any] | None:
        try:
            shown: dict[str, Any] = orjson.loads(self._store.get(storage_key(key, sensitive=False)))
        except NotFound:
            return None
        return shown

    # -------------------------------------------------------------- sending
    async def _send(self, job: JobRow) -> None:
        def made() -> tuple[str, bytes]:
            from storage.plan_workbook import plan_workbook

            with self._database.view() as unit:
                code = self.plan_code(unit, job)
                return code, plan_workbook(unit, code, job.created_at)

        code, data = await asyncio.to_thread(made)

        def send_it(ex: Exchange) -> None:
            day = ex.now.astimezone(ex.zone).date().isoformat()
            self._document(ex, f"{code}-{day}.xlsx", data, _XLSX)
            details = {"workbook": hashlib.sha256(data).hexdigest()}
            ex.unit.audit.record("plan.downloaded", ex.person.id, ex.membership.plan_id, details, ex.now)

        await self._answers.give(job, send_it, CHIEFS)

    def _document(self, ex: Exchange, name: str, data: bytes, mime_type: str) -> None:
        path = self._store.path(self._store.put(data, sensitive=False))
        upload = {"path": str(path), "name": name, "type": mime_type}
        ex.post("sendDocument", {"document": "attach://file", "@files": {"file": upload}}, kind="notice")


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _comparing(ex: Exchange) -> None:
    ex.show(Card((line(ex.say("import.comparing")),)))
    ex.stand(None)


def _say(ex: Exchange, key: str) -> None:
    ex.show(Card((line(ex.say(key)),), (_plan_row(ex),)))
    ex.stand(None)
