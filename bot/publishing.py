"""Forms are published from the chat: the M&E officer who edited the Excel sends it, looks at the check, and decides.

A workbook is anybody's file: fetching and reading it may take seconds, so neither happens inside an update. Three
jobs do it, each a row that a worker claims: `check_form` fetches what was sent and answers with problems, differences
and two buttons; `publish_form` publishes what those buttons are about; `fetch_form` sends a published workbook back.

What was sent lies in the file store under its content's number. Who sent it has one such bundle waiting (a fact,
`form_upload:PERSON`), to which further files are added; a button is about this one or about nothing. The store
forgets a bundle after a day.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telegram.error import TelegramError

from bot import importing
from bot.answers import SHOWN, Answers, listed, told
from bot.exchange import Denied, Exchange
from bot.reporting import FORM_OF, begin_free, open_free, resume
from bot.telegram.api import Api
from bot.telegram.handled import Clock
from bot.telegram.http import TooLarge
from bot.versions import free_version, publish
from conversations.bundle import (
    DATA_KINDS,
    FORM_KINDS,
    Bundle,
    attached_files,
    kind_of,
    lacking_files,
    read_bundle,
    shown_files,
    stored_bundle,
)
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.engine import show_date
from conversations.events import Offered
from conversations.form import Form, read_xform
from conversations.plan import Role
from conversations.problems import AuthorError, Problem
from conversations.reports import profile
from conversations.revision import Revision, compare
from conversations.wording import Wording
from storage.errors import Conflict, NotFound
from storage.files import FileStore, storage_key
from storage.forms import StoredForm
from storage.jobs import JobRow
from storage.unit_of_work import UnitOfWork, Units

if TYPE_CHECKING:
    from conversations.xlsform import CheckedForm

CHECK, PUBLISH, SEND = "check_form", "publish_form", "fetch_form"
KINDS = (CHECK, PUBLISH, SEND, *importing.KINDS)
ADMINS = frozenset({Role.ADMIN})
TRIES = 3
BUTTON_DIGITS = 32
"""Of a bundle's number, as many as a button has room for."""
SENT_KINDS = (*FORM_KINDS, *DATA_KINDS, ".zip")


# ------------------------------------------------------------------ in the unit of an update
def is_form_file(event: Offered) -> bool:
    """Whether this may be a form or its data, by what it is called; what it is, is seen once it has been fetched."""
    return event.kind in ("document", "other") and kind_of(event.name) in SENT_KINDS


def receive(ex: Exchange, event: Offered) -> None:
    """An admin sent a form or one of its files: fetch and check it; what it is, the answer will say."""
    payload = {
        "telegram_id": ex.telegram_id,
        "plan_id": ex.membership.plan_id,
        "file_id": event.file_id,
        "name": event.name[:200],
    }
    ex.unit.jobs.add(CHECK, payload, ex.now, chat_id=ex.chat_id)
    ex.forget_card()
    ex.show(Card((line(ex.say("publish.checking", file=event.name[:80])),)))
    ex.stand(None)


def decide(ex: Exchange, argument: str) -> None:
    """Publish or discard the bundle a button is about; a button of an earlier check decides nothing."""
    act, _, number = argument.partition(".")
    if act not in ("yes", "no") or len(number) != BUTTON_DIGITS:
        raise Denied
    sha256 = next((key for key in _waiting(ex.unit, ex.person.id) if key.startswith(number)), None)
    if sha256 is None:
        ex.toast = ex.say("publish.stale")
        return
    if act == "no":
        _settle(ex, sha256)
        ex.show(Card((line(ex.say("publish.discarded")),), ((_home(ex.say),),)))
    else:
        payload = {"telegram_id": ex.telegram_id, "plan_id": ex.membership.plan_id, "sha256": sha256}
        ex.unit.jobs.add(PUBLISH, payload, ex.now, chat_id=ex.chat_id)
        ex.show(Card((line(ex.say("publish.working")),)))
    ex.stand(None)


def show_forms(ex: Exchange, argument: str) -> None:
    """For an admin every form with its version, date and drafts; for a reporter the forms to fill beside reports."""
    say, plan_id = ex.say, ex.membership.plan_id
    is_admin = ex.membership.role == Role.ADMIN
    forms = [form for form in ex.unit.forms.list(plan_id) if is_admin or form.form_id not in FORM_OF.values()]
    lines: list[Line] = [line(bold(say("command.formularios")))]
    rows: list[tuple[Button, ...]] = []
    if not forms:
        lines.append(line(say("forms.none")))
    drafts = ex.unit.forms.open_drafts(plan_id, ex.now) if is_admin else {}
    for form in forms[:MOST_FORMS]:
        title = form.title or form.form_id
        if is_admin:
            count = sum(drafts.get(form.form_key, {}).values())
            about = say("forms.row", version=form.version, date=_day(ex, form), drafts=count)
            lines.append(line(bold(title), f" · {about}"))
            rows.append((Button(_short(title), f"command:formulario:{form.id}"),))
        else:
            rows.append((Button(_short(title), f"command:llenar:{form.form_key}"),))
    if is_admin:
        lines += [line(""), line(italic(say("forms.how")))]
    elif forms:
        lines.append(line(say("forms.pick")))
    ex.show(Card(tuple(lines), (*rows, (_home(say),))))
    ex.stand(None)


MOST_FORMS = 20


def show_form(ex: Exchange, argument: str) -> None:
    """One form: its versions and who is still on which; `get.ID` sends that version's workbook."""
    act, _, number = argument.rpartition(".")
    if act not in ("", "get") or not (number.isascii() and number.isdecimal() and len(number) < 18):
        raise Denied
    try:
        form = ex.unit.forms.version(int(number))
    except NotFound:
        raise Denied from None
    if form.plan_id != ex.membership.plan_id:
        raise Denied
    say = ex.say
    if act == "get":
        ex.unit.jobs.add(SEND, {"telegram_id": ex.telegram_id, "version_id": form.id}, ex.now, chat_id=ex.chat_id)
        ex.toast = say("forms.sending")
        return
    drafts = ex.unit.forms.open_drafts(form.plan_id, ex.now).get(form.form_key, {})
    lines = [line(bold(form.title or form.form_id)), line(form.form_id)]
    rows: list[tuple[Button, ...]] = []
    for version in ex.unit.forms.versions(form.plan_id, form.form_id)[:8]:
        text = say("forms.row", version=version.version, date=_day(ex, version), drafts=drafts.get(version.id, 0))
        lines.append(line(text))
        rows.append((Button(say("forms.download", version=version.version), f"command:formulario:get.{version.id}"),))
    ex.show(Card(tuple(lines), (*rows, (Button(say("command.formularios"), "command:formularios:"), _home(say)))))
    ex.stand(None)


def fill(ex: Exchange, argument: str) -> None:
    """Begin a form that is no report of the plan, or go on with one's own draft of it."""
    forms = {form.form_key: form for form in ex.unit.forms.list(ex.membership.plan_id)}
    stored = forms.get(int(argument)) if argument.isascii() and argument.isdecimal() and len(argument) < 18 else None
    if stored is None or stored.form_id in FORM_OF.values():
        raise Denied
    for draft in ex.unit.sessions.drafts_of(ex.person.id):
        if draft.form_id == stored.form_key and draft.supersedes_id is None and draft.expires_at > ex.now:
            resume(ex, draft)
            return
    open_free(ex, begin_free(ex, stored), stored)


def _fact(person_id: int) -> str:
    return f"form_upload:{person_id}"


def _waiting(unit: UnitOfWork, person_id: int) -> tuple[str, ...]:
    """The bundles of this person that have been checked and neither published nor discarded."""
    return tuple((unit.facts.get(_fact(person_id)) or "").split())


def _settle(ex: Exchange, sha256: str) -> None:
    left = [key for key in _waiting(ex.unit, ex.person.id) if key != sha256]
    ex.unit.facts.set(_fact(ex.person.id), " ".join(left), ex.now)


def _short(title: str) -> str:
    return title if len(title) <= 40 else f"{title[:39]}…"


def _home(say: Wording) -> Button:
    return Button(say("menu.home"), "command:menu:")


def _day(ex: Exchange, form: StoredForm) -> str:
    return show_date(form.published_at.astimezone(ex.zone).date().isoformat(), ex.language)


# ------------------------------------------------------------------ outside of any unit
@dataclass(frozen=True, slots=True)
class _Published:
    """A form that is published now, as far as a check needs it."""

    stored: StoredForm
    xform: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of one upload."""

    bundle: Bundle
    form: "CheckedForm | None"
    problems: tuple[Problem, ...]
    current: StoredForm | None = None
    revision: Revision | None = None
    is_same: bool = False


class Publishing:
    """What the worker of long jobs does for forms."""

    def __init__(
        self, api: Api, units: Units, answers: Answers, plans: importing.Importing, store: FileStore, clock: Clock
    ) -> None:
        self._api = api
        self._units = units
        self._answers = answers
        self._plans = plans
        self._store = store
        self._clock = clock

    async def work(self, job: JobRow) -> None:
        """Do one of KINDS. A job of somebody who is no admin any more ends without a word."""
        match job.kind:
            case "check_form":
                await self._check(job)
            case "publish_form":
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
        except TelegramError as error:
            now = self._clock.now()
            if job.attempts < TRIES:
                at, reason = now + timedelta(seconds=1), type(error).__name__
                await self._units.run(None, lambda unit: unit.jobs.retry(job, reason, now, at=at))
            else:
                await self._refuse(job, [Problem("bundle.not_fetched")])
            return
        if kind_of(job.payload["name"]) == ".xlsx" and await asyncio.to_thread(_is_plan, data):
            await self._plans.check(job, data)
            return
        try:
            sent = await asyncio.to_thread(read_bundle, job.payload["name"], data)
        except AuthorError as error:
            await self._refuse(job, error.problems)
            return
        waiting, published = await self._units.run(None, lambda unit: self._known(unit, job))
        found = await asyncio.to_thread(self._looked_at, sent, waiting, published)
        if not found:
            await self._refuse(job, [Problem("bundle.nobodys", values={"file": job.payload["name"]})])
            return
        keys = [await asyncio.to_thread(self._kept, checked.bundle) for checked in found]
        await self._answers.give(job, lambda ex: self._show_checks(ex, found, keys), ADMINS)

    def _known(self, unit: UnitOfWork, job: JobRow) -> tuple[tuple[str, ...], list[_Published]]:
        """What waits for more files, and the forms that what was sent may belong to."""
        visit = unit.chats.open(job.chat_id or 0, job.payload["telegram_id"])
        if visit.person is None or visit.membership is None:
            return (), []
        plan_id = visit.membership.plan_id
        published = [
            _Published(stored, unit.forms.xform(stored.id), unit.forms.workbook(stored.id))
            for stored in unit.forms.list(plan_id)
        ]
        return _waiting(unit, visit.person.id), published

    def _looked_at(self, sent: Bundle, waiting: tuple[str, ...], published: list[_Published]) -> list[_Checked]:
        """The checks this upload leads to: of a new workbook, of a waiting one with one more file, or of those
        published forms whose data was sent anew."""
        if not sent.workbook and len(waiting) == 1:
            try:
                before = read_bundle("waiting.zip", self._store.get(storage_key(waiting[0], sensitive=False)))
                return [self._checked(before.with_files(sent), published)]
            except (NotFound, AuthorError):
                pass  # forgotten meanwhile
        if sent.workbook:
            return [self._checked(sent, published)]
        concerned = [each for each in published if set(attached_files(each.xform)) & set(sent.media)]
        return [
            self._checked(stored_bundle(each.stored.form_id, each.content).with_files(sent), published)
            for each in concerned
        ]

    def _checked(self, bundle: Bundle, published: list[_Published]) -> _Checked:
        by_id = {each.stored.form_id: each for each in published}
        try:
            checked = _form_in(bundle)
        except AuthorError as error:
            return _Checked(bundle, None, error.problems)
        form = checked.form
        # What a form takes from a file that did not come along may be in the version that is published.
        known = by_id.get(form.form_id)
        lacking = [*form.missing_media, *(name for name in shown_files(checked.xform) if name not in bundle.media)]
        if lacking and known is not None:
            before = stored_bundle(form.form_id, known.content).media
            kept = {name: before[name] for name in lacking if name in before}
            if kept:
                return self._checked(bundle.with_files(Bundle(media=kept)), published)
        problems = [*checked.problems, *lacking_files(checked.xform, bundle.media), *_unfit(form)]
        if known is None:
            return _Checked(bundle, checked, tuple(problems))
        is_same = hashlib.sha256(bundle.content).hexdigest() == known.stored.sha256
        revision = compare(read_xform(known.xform), form)
        return _Checked(bundle, checked, tuple(problems), known.stored, revision, is_same)

    def _kept(self, bundle: Bundle) -> str:
        """The number under which the bundle waits."""
        packed = bundle.pack()
        self._store.put(packed, sensitive=False)
        return hashlib.sha256(packed).hexdigest()

    def _show_checks(self, ex: Exchange, found: list[_Checked], keys: list[str]) -> None:
        ex.unit.facts.set(_fact(ex.person.id), " ".join(keys), ex.now)
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
            yes = Button(say("publish.yes"), f"command:publicar:yes.{key[:BUTTON_DIGITS]}", "primary")
            rows.append((yes, Button(say("publish.no"), f"command:publicar:no.{key[:BUTTON_DIGITS]}")))
        else:
            rows.append((_home(say),))
        ex.show(Card(tuple(lines), tuple(rows)))
        if len(problems) > SHOWN:
            self._send_list(ex, checked, problems)
        ex.stand(None)

    def _heading(self, ex: Exchange, checked: _Checked, form: Form) -> list[Line]:
        """What form it is, what it changes, and what becomes of open drafts."""
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
            lines.append(line(say("publish.against", version=current.version, date=_day(ex, current))))
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
        """The version number is in use for other questions."""
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
        """Everything that was found, as a text document."""
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
            packed = await asyncio.to_thread(self._store.get, storage_key(job.payload["sha256"], sensitive=False))
            bundle = await asyncio.to_thread(read_bundle, "waiting.zip", packed)
            checked = await asyncio.to_thread(_form_in, bundle)
        except (NotFound, AuthorError):
            await self._answers.give(job, lambda ex: self._say(ex, "publish.gone"), ADMINS)
            return

        def publish_it(ex: Exchange) -> None:
            if job.payload["sha256"] not in _waiting(ex.unit, ex.person.id):
                return  # discarded, or published by the same button pressed twice
            try:
                stored = publish(ex.unit, bundle, checked, ex.now, plan_id=ex.membership.plan_id, by=ex.person.id)
            except Conflict:
                self._say(ex, "publish.conflict", version=checked.form.version)
                return
            _settle(ex, job.payload["sha256"])
            drafts = ex.unit.forms.open_drafts(stored.plan_id, ex.now).get(stored.form_key, {})
            older = sum(count for version_id, count in drafts.items() if version_id != stored.id)
            title = stored.title or stored.form_id
            self._say(ex, "publish.done", title=title, version=stored.version, n=older)

        await self._answers.give(job, publish_it, ADMINS)

    def _say(self, ex: Exchange, key: str, **values: object) -> None:
        rows = ((Button(ex.say("command.formularios"), "command:formularios:"), _home(ex.say)),)
        ex.show(Card((line(ex.say(key, **values)),), rows))
        ex.stand(None)

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


def _is_plan(data: bytes) -> bool:
    from storage.imports import is_plan_workbook

    return is_plan_workbook(data)


def _form_in(bundle: Bundle) -> "CheckedForm":
    from conversations.xlsform import read_xlsform  # pyxform: memory that a bot needs only while it publishes

    return read_xlsform(bundle.workbook, bundle.name, media=bundle.media)


def _unfit(form: Form) -> list[Problem]:
    """What a form of the plan needs and this one lacks: the questions that the bot answers from the plan."""
    if form.form_id not in FORM_OF.values():
        return []
    missing = sorted(name for name in profile(form.form_id).filled if name not in form.by_name)
    return [Problem("bundle.not_filled", "survey", values={"names": ", ".join(missing)})] if missing else []


def _some(names: "tuple[str, ...] | list[str]") -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
