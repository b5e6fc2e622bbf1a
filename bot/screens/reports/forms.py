"""Publish forms from the chat: the author sends the workbook, reads the check, and decides.

A button names the bundle it decides about, so a button of an earlier check decides nothing.
"""

from bot.acts.reports import publishing
from bot.acts.reports.forms import title_of
from bot.chat.exchange import Denied, Exchange, existing
from bot.screens.reports.opening import open_free, resume
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line
from conversations.plan.model import Role
from conversations.routes import Route, tap
from conversations.session.events import Offered
from conversations.session.profiles import FORM_OF
from conversations.xforms.bundle import DATA_KINDS, FORM_KINDS, kind_of

SENT_KINDS = (*FORM_KINDS, *DATA_KINDS, ".zip")


# ------------------------------------------------------------------ in the unit of an update
def is_form_file(event: Offered) -> bool:
    """Whether this file may be a form or its data, by its name. The worker finds out after the download."""
    return event.kind in ("document", "other") and kind_of(event.name) in SENT_KINDS


def receive(ex: Exchange, event: Offered) -> None:
    """Take a form or one of its files from an admin: have it fetched and checked."""
    publishing.check(ex.actor, ex.chat_id, event.file_id, event.name)
    ex.forget_card()
    ex.answer(Card((line(ex.say("publish.checking", file=cut(event.name, 80))),)))


def decide(ex: Exchange, answer: str, number: str) -> None:
    """Publish or discard the bundle that a button names. A button of an earlier check decides nothing."""
    sha256 = next((key for key in publishing.waiting(ex.unit, ex.person.id) if key.startswith(number)), None)
    if sha256 is None:
        ex.toast = ex.say("publish.stale")
        return
    if answer == "no":
        publishing.settle(ex.actor, sha256)
        ex.answer_line(ex.say("publish.discarded"))
    else:
        publishing.publish(ex.actor, ex.chat_id, sha256)
        ex.answer(Card((line(ex.say("publish.working")),)))


def show_forms(ex: Exchange) -> None:
    """Show an admin every form with its version, date and drafts. Show a reporter the forms to fill besides reports."""
    say, plan_id = ex.say, ex.membership.plan_id
    is_admin = ex.membership.role == Role.ADMIN
    forms = [form for form in ex.unit.forms.list(plan_id) if is_admin or form.form_id not in FORM_OF.values()]
    lines: list[Line] = [line(bold(say("command.formularios")))]
    rows: list[tuple[Button, ...]] = []
    if not forms:
        lines.append(line(say("forms.none")))
    drafts = ex.unit.forms.open_drafts(plan_id, ex.now) if is_admin else {}
    for form in forms[:MOST_FORMS]:
        title = title_of(form, say)
        if is_admin:
            count = sum(drafts.get(form.form_key, {}).values())
            about = say("forms.row", version=form.version, date=ex.day(form.published_at), drafts=count)
            lines.append(line(bold(title), f" · {about}"))
            rows.append((Button(cut(title), tap(Route.FORM, form.id)),))
        else:
            rows.append((Button(cut(title), tap(Route.FILL, form.form_key)),))
    if is_admin:
        lines += [line(""), line(italic(say("forms.how")))]
    elif forms:
        lines.append(line(say("forms.pick")))
    ex.answer(Card(tuple(lines), (*rows, (home_button(say),))))


MOST_FORMS = 20


def show_form(ex: Exchange, what: int | str, version_id: int | None) -> None:
    """Show one form: its versions, and how many drafts use each. `what` "get" sends the workbook of that version."""
    match what, version_id:
        case (int() as wanted, None) | ("get", int() as wanted):
            pass
        case _:
            raise Denied
    form = existing(ex.unit.forms.version, wanted)
    if form.plan_id != ex.membership.plan_id:
        raise Denied
    say = ex.say
    if what == "get":
        publishing.send_workbook(ex.actor, ex.chat_id, form.id)
        ex.toast = say("forms.sending")
        return
    drafts = ex.unit.forms.open_drafts(form.plan_id, ex.now).get(form.form_key, {})
    lines = [line(bold(title_of(form, say))), line(form.form_id)]
    rows: list[tuple[Button, ...]] = []
    for version in ex.unit.forms.versions(form.plan_id, form.form_id)[:8]:
        text = say(
            "forms.row", version=version.version, date=ex.day(version.published_at), drafts=drafts.get(version.id, 0)
        )
        lines.append(line(text))
        rows.append((Button(say("forms.download", version=version.version), tap(Route.FORM, "get", version.id)),))
    ex.answer(Card(tuple(lines), (*rows, (Button(say("command.formularios"), tap(Route.FORMS)), home_button(say)))))


def fill(ex: Exchange, form_key: int) -> None:
    """Begin a form that belongs to no report of the plan, or continue the person's own draft of it."""
    forms = {form.form_key: form for form in ex.unit.forms.list(ex.membership.plan_id)}
    stored = forms.get(form_key)
    if stored is None or stored.form_id in FORM_OF.values():
        raise Denied
    for draft in ex.unit.sessions.drafts_of(ex.person.id):
        if draft.form_id == stored.form_key and draft.supersedes_id is None and draft.expires_at > ex.now:
            resume(ex, draft)
            return
    open_free(ex, stored)
