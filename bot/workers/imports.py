"""Plan workbooks sent to the bot: downloaded, compared and applied."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from bot.acts.plan import importing
from bot.acts.plan.importing import Terms, Trial, import_plan, try_plan
from bot.acts.reports.coverage import Gap, NotCovered
from bot.acts.reports.forms import title_of
from bot.chat.exchange import Exchange
from bot.chat.permissions import ADMINS, CHIEFS
from bot.screens.plan.imports import BUTTON_DIGITS, LISTED, LONGEST, OFFERED, answer_from_plan, plan_row
from bot.workers.job_answers import Answers, listed, told
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line
from conversations.plan.periods import PeriodType, ReportingPeriod, period_name
from conversations.routes import Route, tap
from conversations.xforms.problems import AuthorError, Problem
from storage.errors import NotFound
from storage.messages.jobs import JobRow
from storage.open_database import Database
from storage.reports.confinement import Confinement
from storage.reports.files import FileStore, storage_key
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from storage.imports.differences import Differences
    from storage.imports.reading import PlanDraft


# ------------------------------------------------------------------ outside of any unit
class Importing:
    """The plans' part of the worker of long jobs."""

    def __init__(self, database: Database, answers: Answers, store: FileStore, confinement: Confinement) -> None:
        self._database = database
        self._answers = answers
        self._store = store
        self._confinement = confinement

    async def work(self, job: JobRow) -> None:
        """Do one of KINDS."""
        match job.kind:
            case importing.APPLY:
                await self._apply(job)
            case importing.PAGE:
                await self._page(job)
            case _:
                await self._send(job)

    # -------------------------------------------------------------- looking
    async def check(self, job: JobRow, data: bytes) -> None:
        """Compare a plan's workbook, and answer with the changes or with its problems."""
        from storage.imports.reading import read_plan

        await self._answers.give(job, _comparing, ADMINS, is_last=False)
        name = job.payload["name"]
        try:
            draft = await asyncio.to_thread(read_plan, data, self._confinement.book)
        except AuthorError as error:
            problems = error.problems
            await self._answers.give(job, lambda ex: self._refuse(ex, name, problems), ADMINS)
            return
        job = await asyncio.to_thread(self._in_its_plan, job, draft)
        found = await asyncio.to_thread(self._differences, job, draft)
        await asyncio.to_thread(self._store.put, data, False)
        await self._answers.give(job, lambda ex: self._show_differences(ex, name, draft, found), ADMINS)

    def _differences(self, job: JobRow, draft: "PlanDraft") -> "Differences":
        from storage.imports.applying import differences

        with self._database.view() as unit:
            return differences(unit, draft, _code(draft, self.plan_code(unit, job)))

    def _in_its_plan(self, job: JobRow, draft: "PlanDraft") -> JobRow:
        """Return the job in the plan that the workbook names, if its sender administers that one too."""
        with self._database.view() as unit:
            person = unit.people.by_telegram_id(job.payload["telegram_id"])
            codes = {plan.id: plan.code for plan in unit.plans.all()}
        for held in person.memberships if person else ():
            if held.role in ADMINS and codes.get(held.plan_id) == draft.code:
                return replace(job, payload=job.payload | {"plan_id": held.plan_id})
        return job

    def plan_code(self, unit: UnitOfWork, job: JobRow) -> str:
        """The plan for which the import was requested. A person may have different roles in two plans."""
        return next((plan.code for plan in unit.plans.all() if plan.id == job.payload["plan_id"]), "")

    def _refuse(self, ex: Exchange, name: str, problems: Sequence[Problem]) -> None:
        ex.show(
            Card(
                (line(bold(ex.say("import.refused", file=name))), *told(problems, ex.language, ex.say)),
                ((home_button(ex.say),),),
            )
        )
        self._document(ex, f"{name}.txt", listed(problems, ex.language), "text/plain")
        ex.stand(None)

    def _show_differences(
        self,
        ex: Exchange,
        name: str,
        draft: "PlanDraft",
        found: "Differences",
        terms: Terms = Terms(),
        *,
        is_again: bool = False,
    ) -> None:
        """Show the first screen of the differences. They are stored, so that exactly these are applied later."""
        own = ex.unit.plans.by_id(ex.membership.plan_id)
        code = _code(draft, own.code)
        is_new = bool(importing.beside(ex.unit, code))
        if code != own.code and not is_new:
            importing.settle(ex.actor)
            answer_from_plan(ex, "import.of_another", code=code)
            return
        try:
            tried = _try(ex, draft, code, terms) if found else Trial()
        except NotFound:  # the period has locked meanwhile
            terms = replace(terms, begins="")
            tried = _try(ex, draft, code, terms)
        if tried.gaps:
            self._refuse_uncovered(ex, name, tried.gaps)
            return
        shown = {
            "name": name,
            "phase": tried.effect.phase,
            "effect": list(tried.effect.sentences(ex.say)),
            "begins": terms.begins,
            "offered": [] if is_new else _offered(ex, tried.effect.begins),
            "new": ex.say("import.new_beside", code=code, plans=own.title(ex.language)) if is_new else "",
            "same": list(terms.same),
            "doubts": [[each.code, str(each.new), each.sentence(ex.language)] for each in tried.doubts],
            "workbook": draft.sha256,
            "fingerprint": found.fingerprint(),
            "summary": found.summary(ex.language).splitlines(),
            "sentences": list(found.sentences(ex.language)),
            "lowering": [each.sentence(ex.language) for each in found.lowering],
        }
        kept = orjson.dumps(shown)
        self._store.put(kept, False)
        key = hashlib.sha256(kept).hexdigest()
        # A change that takes protection away needs more than a tap: it is shown, and must be made at the server.
        importing.wait_for_decision(ex.actor, key if found and not found.lowering else "")
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
        if new := shown.get("new"):
            lines.append(line(bold(new)))
        lines += [line(text) for text in shown["summary"]]
        if (words := f"import.{shown.get('phase')}") in say:  # what an earlier version stored has no phase
            lines.append(line(bold(say(words))))
        if notes and page == 0:
            lines += [line(""), *told(notes, ex.language, say)]
        if not sentences:
            ex.answer(Card(tuple(lines), (plan_row(ex),)))
            return
        if lowering := shown["lowering"]:
            lines += [line(""), line(bold(say("import.lowers")))]
            lines += [line(cut(text, LONGEST)) for text in lowering[:LISTED]]
            lines.append(line(say("import.lowers_chat")))
            ex.answer(Card(tuple(lines), (plan_row(ex),)))
            return
        number = key[:BUTTON_DIGITS]
        cancel = Button(say("import.no"), tap(Route.IMPORT, "no", number))
        if doubts := shown.get("doubts"):
            lines += [line(""), line(bold(say("import.reused"))), line(cut(doubts[0][2], 2 * LONGEST))]
            answers = (("import.same", importing.SAME), ("import.another", importing.ANOTHER))
            buttons = tuple(Button(say(words), tap(Route.IMPORT, act, number)) for words, act in answers)
            ex.answer(Card(tuple(lines), (buttons, (cancel,))))
            return
        lines += [line(text) for text in shown.get("effect", ())]
        pages = -(-len(sentences) // LISTED)
        page %= pages
        lines.append(line(""))
        lines += [line(cut(text, LONGEST)) for text in sentences[page * LISTED : (page + 1) * LISTED]]
        rows: list[tuple[Button, ...]] = []
        if pages > 1:
            lines.append(line(italic(say("import.page", page=page + 1, pages=pages))))
            more = Button(say("menu.more"), tap(Route.IMPORT, f"p{(page + 1) % pages}", number))
            before = Button(say("import.before"), tap(Route.IMPORT, f"p{(page - 1) % pages}", number))
            rows.append((before, more) if pages > 2 else (more,))
        yes = Button(say("import.new_yes" if new else "import.yes"), tap(Route.IMPORT, "yes", number), "primary")
        rows.append((yes, cancel))
        rows += [
            (Button(words, tap(Route.IMPORT, f"{importing.FROM}{code}", number)),)
            for code, words in shown.get("offered", ())
        ]
        ex.answer(Card(tuple(lines), tuple(rows)))

    async def _page(self, job: JobRow) -> None:
        key, said = job.payload["key"], job.payload.get("said", "")
        shown = await asyncio.to_thread(self._shown, key)

        def draw(ex: Exchange) -> None:
            if importing.waiting(ex.unit, ex.person.id) == key:
                self._draw(ex, key, shown or {}, job.payload["page"])

        def give_another_code(ex: Exchange) -> None:
            if shown is not None and importing.waiting(ex.unit, ex.person.id) == key:
                importing.settle(ex.actor)
                code, new, _ = shown["doubts"][0]
                ex.answer(Card((line(ex.say("import.another_way", code=code, new=new)),), (plan_row(ex),)))

        if shown is None:
            await self._answers.give(job, lambda ex: answer_from_plan(ex, "publish.gone"), ADMINS)
        elif said == importing.ANOTHER:
            await self._answers.give(job, give_another_code, ADMINS)
        elif said:
            await self._show_again(job, shown, said)
        else:
            await self._answers.give(job, draw, ADMINS)

    async def _show_again(self, job: JobRow, shown: Mapping[str, Any], said: str) -> None:
        """Show the differences with one more thing said."""
        terms = Terms(shown["begins"], shown["same"])
        if said == importing.SAME:
            terms = replace(terms, same=[*terms.same, shown["doubts"][0][0]])
        else:
            terms = replace(terms, begins=said.removeprefix(importing.FROM))
        draft = await self._read(job, shown)
        if draft is None:
            return
        found = await asyncio.to_thread(self._differences, job, draft)

        def show(ex: Exchange) -> None:
            if importing.waiting(ex.unit, ex.person.id) == job.payload["key"]:
                self._show_differences(ex, shown["name"], draft, found, terms)

        await self._answers.give(job, show, ADMINS)

    async def _read(self, job: JobRow, shown: Mapping[str, Any] | None) -> "PlanDraft | None":
        """Read the workbook that was shown. None, and that is said, if it is gone."""
        from storage.imports.reading import read_plan

        try:
            if shown is None:
                raise NotFound(job.payload["key"])
            data = await asyncio.to_thread(self._store.get, storage_key(shown["workbook"], sensitive=False))
            return await asyncio.to_thread(read_plan, data, self._confinement.book)
        except (NotFound, AuthorError):
            await self._answers.give(job, lambda ex: answer_from_plan(ex, "publish.gone"), ADMINS)
            return None

    # -------------------------------------------------------------- applying
    async def _apply(self, job: JobRow) -> None:
        from storage.imports.applying import differences
        from storage.imports.differences import ReusedCodes

        key = job.payload["key"]
        shown = await asyncio.to_thread(self._shown, key)
        draft = await self._read(job, shown)
        if draft is None or shown is None:
            return
        terms = Terms(shown.get("begins", ""), shown.get("same", ()))

        def apply_it(ex: Exchange) -> None:
            if importing.waiting(ex.unit, ex.person.id) != key:
                return  # cancelled, or applied by the same button pressed twice
            code = _code(draft, ex.unit.plans.by_id(ex.membership.plan_id).code)
            is_new = bool(importing.beside(ex.unit, code))
            fingerprint = shown["fingerprint"]
            if is_new != bool(shown.get("new")):  # somebody else has made this plan meanwhile
                self._show_differences(ex, shown["name"], draft, differences(ex.unit, draft, code), terms)
                return
            try:
                imported = import_plan(
                    ex.unit,
                    ex.house.forms,
                    draft,
                    code,
                    ex.person.id,
                    ex.now,
                    timezone=ex.timezone,
                    shown=fingerprint,
                    terms=terms,
                )
            except (NotFound, ReusedCodes):
                self._show_differences(
                    ex, shown["name"], draft, differences(ex.unit, draft, code), terms, is_again=True
                )
                return
            except NotCovered as refused:
                self._refuse_uncovered(ex, shown["name"], refused.gaps)
                return
            found = imported.found
            if found.fingerprint() != fingerprint:
                self._show_differences(ex, shown["name"], draft, found, terms, is_again=True)
                return
            importing.settle(ex.actor)
            lines = [
                line(bold(ex.say("import.new_done", code=code) if is_new else ex.say("import.done"))),
                *(line(text) for text in found.summary(ex.language).splitlines()),
                *(line(text) for text in imported.effect.sentences(ex.say)),
                *(
                    line(ex.say("coverage.renewed", form=title_of(each, ex.say), version=each.version))
                    for each in imported.renewed
                ),
            ]
            below = Button(ex.say("import.undo"), tap(Route.UNDO_IMPORT))
            if is_new:
                importing.administer(ex.actor, code)
                below = Button(ex.say("command.planes"), tap(Route.PLANS))  # a first import has nothing before it
            ex.answer(Card(tuple(lines), ((below,), plan_row(ex))))

        await self._answers.give(job, apply_it, ADMINS)

    def _refuse_uncovered(self, ex: Exchange, name: str, found: Sequence[Gap]) -> None:
        """Refuse an import with items that no form could report. Nothing has changed; say what to do."""
        lines = [line(bold(ex.say("import.refused", file=name))), line(ex.say("coverage.refused")), line("")]
        lines += [line(gap.sentence(ex.say)) for gap in found[:LISTED]]
        if len(found) > LISTED:
            lines.append(line(ex.say("coverage.more", n=len(found) - LISTED)))
        ex.answer(Card(tuple(lines), (plan_row(ex),)))

    def _shown(self, key: str) -> dict[str, Any] | None:
        try:
            shown: dict[str, Any] = orjson.loads(self._store.get(storage_key(key, sensitive=False)))
        except NotFound:
            return None
        return shown

    # -------------------------------------------------------------- sending
    async def _send(self, job: JobRow) -> None:
        def made() -> tuple[str, bytes]:
            from storage.imports.workbook import plan_workbook

            with self._database.view() as unit:
                code = self.plan_code(unit, job)
                return code, plan_workbook(unit, code, job.created_at)

        code, data = await asyncio.to_thread(made)

        def send_it(ex: Exchange) -> None:
            day = ex.now.astimezone(ex.zone).date().isoformat()
            self._document(ex, f"{code}-{day}.xlsx", data, _XLSX)
            importing.record_download(ex.actor, data)

        await self._answers.give(job, send_it, CHIEFS)

    def _document(self, ex: Exchange, name: str, data: bytes, mime_type: str) -> None:
        path = self._store.path(self._store.put(data, sensitive=False))
        upload = {"path": str(path), "name": name, "type": mime_type}
        ex.post("sendDocument", {"document": "attach://file", "@files": {"file": upload}}, kind="notice")


def _code(draft: "PlanDraft", own: str) -> str:
    """The plan that a workbook is of: the one that it names, else the one of its sender."""
    return draft.code or own


def _try(ex: Exchange, draft: "PlanDraft", code: str, terms: Terms) -> Trial:
    return try_plan(ex.unit, ex.house.forms, draft, code, ex.now, timezone=ex.timezone, terms=terms)


def _offered(ex: Exchange, begins: ReportingPeriod | None) -> list[tuple[str, str]]:
    """The next periods from which the changes could hold instead: their codes, and the words of a button."""
    ahead = importing.first_periods(ex.unit, ex.membership.plan_id, ex.today)
    shortest = min((list(PeriodType).index(each.type) for each in ahead), default=0)
    some = [each for each in ahead if list(PeriodType).index(each.type) == shortest and begins not in (None, each)]
    return [
        (each.code, ex.say("import.from_button", period_name=period_name(each, ex.language))) for each in some[:OFFERED]
    ]


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _comparing(ex: Exchange) -> None:
    ex.answer(Card((line(ex.say("import.comparing")),)))
