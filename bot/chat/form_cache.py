"""Compiled forms by version. A version never changes; one that takes lists from the plan is compiled anew with them."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from conversations.card import Line, bold, cut, line
from conversations.plan.review import Answer, read_answers
from conversations.session.safeguards.known import Known
from conversations.wording import wording
from conversations.xforms.bundle import kind_of, stored_bundle
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.problems import AuthorError
from storage.plan.known import known_of_plan
from storage.plan.lists import revision
from storage.reports.files import FileStore
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

SENT_AS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp"), "photo"),
    **dict.fromkeys((".mp3", ".m4a"), "audio"),
    **dict.fromkeys((".mp4",), "video"),
    **dict.fromkeys((".gif", ".ogg", ".wav", ".svg", ".pdf"), "document"),
}
"""What Telegram shows a file of a form as, by its ending (Bot API, sendPhoto, sendAudio, sendVideo)."""


class FormCache:
    """The forms this process has used. Filled from the database; nothing on it is ever changed."""

    def __init__(self, timezone: str, store: FileStore | None = None) -> None:
        self._timezone = timezone
        self._store = store
        self._media: dict[int, dict[str, Path]] = {}
        self._forms: dict[int, tuple[Form, int, str]] = {}
        """Version id → the form, its plan, and the revision of the plan's lists with which it was compiled."""
        self._choices: dict[tuple[Form, str], frozenset[str]] = {}
        self._known: dict[int, tuple[str, Known]] = {}
        """Plan id → the revision of its lists, and the names and numbers that they make known."""

    def version(self, unit: UnitOfWork, form_version_id: int) -> Form:
        """The compiled form. NotFound."""
        known = self._forms.get(form_version_id)
        if known is not None:
            form, plan_id, compiled_with = known
            if not form.plan_lists or revision(unit, plan_id) == compiled_with:
                return form
            self._choices = {key: values for key, values in self._choices.items() if key[0] is not form}
        plan_id = unit.forms.version(form_version_id).plan_id
        form = unit.forms.form(form_version_id)
        self._forms[form_version_id] = form, plan_id, revision(unit, plan_id)
        return form

    def warm(self, unit: UnitOfWork, is_over: Callable[[], bool]) -> None:
        """Compile the forms in use before the first person waits for one. An end waits for no more than one of them."""
        for plan in unit.plans.all():
            for form in unit.forms.list(plan.id):
                if is_over():
                    return
                try:
                    self.version(unit, form.id)
                except AuthorError as error:  # an older release took it: everybody else goes on
                    logger.error("bot.form_not_read", form=form.form_id, version=form.version, reason=str(error))

    def known(self, unit: UnitOfWork, plan_id: int) -> Known:
        """The names and numbers of the plan, which free text may contain."""
        latest = revision(unit, plan_id)
        kept = self._known.get(plan_id)
        if kept is None or kept[0] != latest:
            kept = self._known[plan_id] = latest, known_of_plan(unit, plan_id)
        return kept[1]

    def media(self, unit: UnitOfWork, form_version_id: int) -> Mapping[str, Path]:
        """The paths of the pictures and recordings that a form was published with, by name.

        The store removes old files that nothing refers to, and nothing refers to these. So each call puts back what
        is missing.
        """
        kept = self._media.get(form_version_id)
        if self._store is None:
            return {}
        if kept is None or not all(path.exists() for path in kept.values()):
            bundle = stored_bundle("form", unit.forms.workbook(form_version_id))
            kept = self._media[form_version_id] = {
                name: self._store.path(self._store.put(data, sensitive=False))
                for name, data in bundle.media.items()
                if kind_of(name) in SENT_AS
            }
        for path in kept.values():
            os.utime(path)
        return kept

    def choice_values(self, unit: UnitOfWork, form_version_id: int, name: str) -> frozenset[str]:
        """All values a select question offers before anything is answered: which agencies a form is for."""
        form = self.version(unit, form_version_id)
        key = (form, name)
        if key not in self._choices:
            stored = unit.forms.version(form_version_id)
            filling = Filling("uuid:choices", stored.published_at, self._timezone, form.default_language)
            instance = Instance.start(form, filling)
            self._choices[key] = frozenset(choice.value for choice in instance.choices(instance.node(name)))
        return self._choices[key]

    def summary(self, unit: UnitOfWork, sent: StoredSubmission, language: str) -> list[Line]:
        """A submission's answers as people read them, one line each."""
        answers = self.answers(unit, sent, language)
        return [
            line(f"{answer.label}{wording(language).colon}", bold(cut(answer.shown, 200)))
            for answer in answers
            if answer.value
        ]

    def answers(self, unit: UnitOfWork, sent: StoredSubmission, language: str) -> tuple[Answer, ...]:
        """Every question that a submission was asked, with its answer in the reader's language."""
        return read_answers(
            self.version(unit, sent.form_version_id),
            unit.submissions.answers(sent),
            Filling(sent.instance_id, sent.submitted_at, self._timezone, language),
            is_restricted=sent.sensitive,
        )
