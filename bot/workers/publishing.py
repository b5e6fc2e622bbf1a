"""Forms sent to the bot: downloaded, checked and published."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.acts.plan import importing
from bot.acts.reports import publishing
from bot.acts.reports.forms import free_version, publish
from bot.acts.reports.publishing import BUTTON_DIGITS, TRIES
from bot.chat.exchange import Exchange
from bot.chat.permissions import ADMINS
from bot.telegram.api import Api
from bot.telegram.errors import RetryAfter, TelegramError, TooLarge, seconds_of
from bot.telegram.handled import Clock
from bot.workers.imports import Importing
from bot.workers.job_answers import SHOWN, Answers, listed, told
from conversations.card import Button, Card, Line, bold, home_button, line
from conversations.routes import Route, tap
from conversations.session.profiles import FORM_OF, profile
from conversations.xforms.bundle import Bundle, attached_files, kind_of, lacking_files, shown_files, stored_bundle
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import CheckedForm, Form
from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.revision import Revision, compare
from storage.errors import Conflict, NotFound
from storage.messages.jobs import JobRow
from storage.plan.lists import plan_lists
from storage.reports.confinement import Confinement
from storage.reports.files import FileStore, storage_key
from storage.reports.forms import StoredForm
from storage.unit_of_work import UnitOfWork, Units


# ------------------------------------------------------------------ outside of any unit
@dataclass(frozen=True, slots=True)
class _Published:
    """The data of a published form that a check needs."""

    stored: StoredForm
    xform: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Known:
    """The data of the database that a check needs."""

    waiting: tuple[str, ...] = ()
    published: Sequence[_Published] = ()
    lists: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Checked:
    """The result of checking one upload."""

    bundle: Bundle
    form: CheckedForm | None
    problems: tuple[Problem, ...]
    current: StoredForm | None = None
    revision: Revision | None = None
    is_same: bool = False


class Publishing:
    """The forms' part of the worker of long jobs."""

    def __init__(
        self,
        api: Api,
        units: Units,
        answers: Answers,
        plans: Importing,
        store: FileStore,
        clock: Clock,
        confinement: Confinement,
    ) -> None:
        self._api = api
        self._units = units
        self._answers = answers
        self._plans = plans
        self._store = store
        self._clock = clock
        self._confinement = confinement

    async def abandon(self, job: JobRow) -> None:
        """Fail a job that must not be begun again."""
        await self._answers.abandon(job)

    async def fail(self, job: JobRow, reason: str) -> None:
        """Fail a job for a reason on our side."""
        await self._answers.fail(job, reason)

    async def work(self, job: JobRow) -> None:
        """Do one of KINDS. If its person is no longer an admin, end the job silently."""
        match job.kind:
            case publishing.CHECK:
                await self._check(job)
            case publishing.PUBLISH:
                await self._publish(job)
            case kind if kind in importing.KINDS:
                await self._plans.work(job)
            case _:
                await self._send(job)

    # -------------------------------------------------------------- checking
    async def _check(self, job: JobRow) -> None:
        try:
            data = await self._api.download(job.payload["file_id"])
        except TooLarge:
            await self._refuse(job, [Problem("bundle.too_big", values={"limit": 20})])
            return
        except RetryAfter as error:
            at = self._clock.now() + timedelta(seconds=seconds_of(error))
            await self._units.run(None, lambda unit: unit.jobs.put_back(job, "retry after", at=at))
            return
        except TelegramError as error:
            now = self._clock.now()
            if job.tries < TRIES:
                at, reason = now + timedelta(seconds=1), type(error).__name__
                await self._units.run(None, lambda unit: unit.jobs.retry(job, reason, now, at=at))
            else:
                await self._refuse(job, [Problem("bundle.not_fetched")])
            return
        if kind_of(job.payload["name"]) == ".xlsx" and await asyncio.to_thread(self._is_plan, data):
            await self._plans.check(job, data)
            return
        try:
            sent = await asyncio.to_thread(self._confinement.bundle, job.payload["name"], data)
        except AuthorError as error:
            await self._refuse(job, error.problems)
            return
        known = await self._units.run(None, lambda unit: self._known(unit, job))
        found = await asyncio.to_thread(self._looked_at, sent, known)
        if not found:
            await self._refuse(job, [Problem("bundle.nobodys", values={"file": job.payload["name"]})])
            return
        keys = [await asyncio.to_thread(self._kept, checked.bundle) for checked in found]
        await self._answers.give(job, lambda ex: self._show_checks(ex, found, keys), ADMINS)

    def _known(self, unit: UnitOfWork, job: JobRow) -> _Known:
        """Return the bundles that wait for more files, the forms that this file may belong to, and the plan's lists."""
        visit = unit.chats.open(job.chat_id or 0, job.payload["telegram_id"])
        if visit.person is None or not visit.stand_in(job.payload["plan_id"]):
            return _Known()
        plan_id = job.payload["plan_id"]
        published = [
            _Published(stored, unit.forms.xform(stored.id), unit.forms.workbook(stored.id))
            for stored in unit.forms.list(plan_id)
        ]
        return _Known(publishing.waiting(unit, visit.person.id), published, plan_lists(unit, plan_id))

    def _looked_at(self, sent: Bundle, known: _Known) -> list[_Checked]:
        """The checks of an upload.

        A new workbook is checked. A further file is checked with the workbook that waits for it. New data is checked
        with each published form that uses it.
        """
        if not sent.workbook and len(known.waiting) == 1:
            try:
                before = self._waiting_bundle(known.waiting[0])
                return [self._checked(before.with_files(sent), known)]
            except (NotFound, AuthorError):
                pass  # deleted meanwhile
        if sent.workbook:
            return [self._checked(sent, known)]
        concerned = [each for each in known.published if set(attached_files(each.xform)) & set(sent.media)]
        return [
            self._checked(stored_bundle(each.stored.form_id, each.content).with_files(sent), known)
            for each in concerned
        ]

    def _checked(self, bundle: Bundle, all_known: _Known) -> _Checked:
        by_id = {each.stored.form_id: each for each in all_known.published}
        try:
            checked = self._form_in(bundle, all_known.lists)
        except AuthorError as error:
            return _Checked(bundle, None, error.problems)
        form = checked.form
        # A form may need a file that did not come along: it can be in the published version.
        known = by_id.get(form.form_id)
        lacking = [*form.missing_media, *(name for name in shown_files(checked.xform) if name not in bundle.media)]
        if lacking and known is not None:
            before = stored_bundle(form.form_id, known.content).media
            kept = {name: before[name] for name in lacking if name in before}
            if kept:
                return self._checked(bundle.with_files(Bundle(media=kept)), all_known)
        problems = [*checked.problems, *lacking_files(checked.xform, bundle.media), *_unfit(form)]
        if known is None:
            return _Checked(bundle, checked, tuple(problems))
        is_same = hashlib.sha256(bundle.content).hexdigest() == known.stored.sha256
        revision = compare(read_xform(known.xform, media=all_known.lists), form)
        return _Checked(bundle, checked, tuple(problems), known.stored, revision, is_same)

    def _is_plan(self, data: bytes) -> bool:
        from storage.imports.sheets import is_plan  # memory that a bot needs only while it imports

        try:
            return is_plan(self._confinement.tabs(data))
        except AuthorError:
            return False  # reading it as a form says what is wrong with it

    def _form_in(self, bundle: Bundle, lists: Mapping[str, bytes]) -> CheckedForm:
        return self._confinement.form(bundle.workbook, bundle.name, {**bundle.media, **lists})

    def _waiting_bundle(self, sha256: str) -> Bundle:
        return self._confinement.bundle("waiting.zip", self._store.get(storage_key(sha256, sensitive=False)))

    def _kept(self, bundle: Bundle) -> str:
        """Keep a bundle that waits for files. Returns its number."""
        packed = bundle.pack()
        self._store.put(packed, sensitive=False)
        return hashlib.sha256(packed).hexdigest()

    def _show_checks(self, ex: Exchange, found: list[_Checked], keys: list[str]) -> None:
        publishing.wait_for_decision(ex.actor, keys)
        for checked, key in zip(found, keys, strict=True):
            self._show_check(ex, checked, key)
            ex.forget_card()

    def _show_check(self, ex: Exchange, checked: _Checked, key: str) -> None:
        say, form = ex.say, checked.form.form if checked.form is not None else None
        problems = list(checked.problems)
        lines: list[Line] = []
        if form is None:
            lines.append(line(bold(say("publish.refused", file=checked.bundle.name))))
        else:
            lines += self._heading(ex, checked, form)
            if problem := self._taken(ex, checked, form):
                problems.insert(0, problem)
        lines += told(problems, ex.language, say)
        is_good = not any(problem.severity == "error" for problem in problems)
        rows: list[tuple[Button, ...]] = []
        if is_good and not checked.is_same:
            yes = Button(say("publish.yes"), tap(Route.PUBLISH, "yes", key[:BUTTON_DIGITS]), "primary")
            rows.append((yes, Button(say("publish.no"), tap(Route.PUBLISH, "no", key[:BUTTON_DIGITS]))))
        else:
            rows.append((home_button(say),))
        ex.show(Card(tuple(lines), tuple(rows)))
        if len(problems) > SHOWN:
            self._send_list(ex, checked, problems)
        ex.stand(None)

    def _heading(self, ex: Exchange, checked: _Checked, form: Form) -> list[Line]:
        """The lines that name the form, its changes, and the effect on open drafts."""
        say, plan_id = ex.say, ex.membership.plan_id
        asked = sum(question.is_asked and question.type != "note" for question in form.questions)
        version = free_version(ex.unit, plan_id, checked.bundle, form, ex.now)
        lines = [
            line(bold(form.title or form.form_id)),
            line(say("publish.about", id=form.form_id, version=version, n=asked, languages=len(form.languages) or 1)),
        ]
        if checked.current is None:
            lines.append(line(say("publish.first")))
        elif checked.is_same:
            lines.append(line(say("publish.same", version=checked.current.version)))
        else:
            current, revision = checked.current, checked.revision or Revision()
            if any(stored.version == version for stored in ex.unit.forms.versions(plan_id, form.form_id)):
                lines.append(line(say("publish.again", version=version)))
            lines.append(line(say("publish.against", version=current.version, date=ex.day(current.published_at))))
            if not revision:
                lines.append(line(say("publish.no_change")))
            for key, names in (("publish.added", revision.added), ("publish.removed", revision.removed)):
                if names:
                    lines.append(line(say(key, n=len(names), names=_some(names))))
            if revision.changed:
                what = [f"{name} ({', '.join(parts)})" for name, parts in revision.changed.items()]
                lines.append(line(say("publish.changed", n=len(what), names=_some(what))))
            drafts = sum(ex.unit.forms.open_drafts(plan_id, ex.now).get(current.form_key, {}).values())
            lines.append(line(say("publish.drafts" if drafts else "publish.no_drafts", n=drafts)))
        return [*lines, line("")]

    def _taken(self, ex: Exchange, checked: _Checked, form: Form) -> Problem | None:
        """Refuse a version number that is in use for other questions."""
        if checked.is_same:
            return None
        plan_id = ex.membership.plan_id
        version = free_version(ex.unit, plan_id, checked.bundle, form, ex.now)
        sha256 = hashlib.sha256(checked.bundle.content).hexdigest()
        versions = ex.unit.forms.versions(plan_id, form.form_id)
        if any(stored.version == version and stored.sha256 != sha256 for stored in versions):
            return Problem("bundle.version_taken", "settings", None, "version", {"version": version})
        return None

    def _send_list(self, ex: Exchange, checked: _Checked, problems: list[Problem]) -> None:
        """Send everything that was found, as a text document."""
        self._document(ex, f"{checked.bundle.name}.txt", listed(problems, ex.language), "text/plain")

    def _document(self, ex: Exchange, name: str, data: bytes, mime_type: str) -> None:
        path = self._store.path(self._store.put(data, sensitive=False))
        upload = {"path": str(path), "name": name, "type": mime_type}
        ex.post("sendDocument", {"document": "attach://file", "@files": {"file": upload}}, kind="notice")

    async def _refuse(self, job: JobRow, problems: "tuple[Problem, ...] | list[Problem]") -> None:
        checked = _Checked(Bundle(job.payload.get("name", "")), None, tuple(problems))
        await self._answers.give(job, lambda ex: self._show_check(ex, checked, ""), ADMINS)

    # -------------------------------------------------------------- publishing
    async def _publish(self, job: JobRow) -> None:
        try:
            bundle = await asyncio.to_thread(self._waiting_bundle, job.payload["sha256"])
            known = await self._units.run(None, lambda unit: self._known(unit, job))
            checked = await asyncio.to_thread(self._form_in, bundle, known.lists)
        except (NotFound, AuthorError):
            await self._answers.give(job, lambda ex: self._answer_with_forms(ex, "publish.gone"), ADMINS)
            return

        def publish_it(ex: Exchange) -> None:
            if job.payload["sha256"] not in publishing.waiting(ex.unit, ex.person.id):
                return  # discarded, or published by the same button pressed twice
            try:
                stored = publish(ex.unit, bundle, checked, ex.now, plan_id=ex.membership.plan_id, by=ex.person.id)
            except Conflict:
                self._answer_with_forms(ex, "publish.conflict", version=checked.form.version)
                return
            publishing.settle(ex.actor, job.payload["sha256"])
            drafts = ex.unit.forms.open_drafts(stored.plan_id, ex.now).get(stored.form_key, {})
            older = sum(count for version_id, count in drafts.items() if version_id != stored.id)
            title = stored.title or stored.form_id
            self._answer_with_forms(ex, "publish.done", title=title, version=stored.version, n=older)

        await self._answers.give(job, publish_it, ADMINS)

    def _answer_with_forms(self, ex: Exchange, key: str, **values: object) -> None:
        rows = ((Button(ex.say("command.formularios"), tap(Route.FORMS)), home_button(ex.say)),)
        ex.answer(Card((line(ex.say(key, **values)),), rows))

    # -------------------------------------------------------------- sending back
    async def _send(self, job: JobRow) -> None:
        def send_it(ex: Exchange) -> None:
            stored = ex.unit.forms.version(job.payload["version_id"])
            if stored.plan_id != ex.membership.plan_id:
                return
            content = ex.unit.forms.workbook(stored.id)
            bundle = stored_bundle(stored.form_id, content)
            kind = ".zip" if bundle.media else kind_of(bundle.name)
            name = f"{stored.form_id}-{stored.version}{kind}"
            self._document(ex, name, content, "application/octet-stream")

        await self._answers.give(job, send_it, ADMINS)


def _unfit(form: Form) -> list[Problem]:
    """Questions that the bot answers from the plan and that this form lacks."""
    if form.form_id not in FORM_OF.values():
        return []
    missing = sorted(name for name in profile(form.form_id).filled if name not in form.by_name)
    return [Problem("bundle.not_filled", "survey", values={"names": ", ".join(missing)})] if missing else []


def _some(names: "tuple[str, ...] | list[str]") -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
