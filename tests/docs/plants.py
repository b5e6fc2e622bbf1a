"""For each row of "what turns red" in docs/extending.md: the defect that somebody leaves, and a test that it names.

A pytest plugin (`-p tests.docs.plants --plants`): these tests alone are run, each with its own defect planted from its
setup to its end. tests/docs/test_extending.py looks that all of them turn red.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from pydantic import create_model

# That a test turns red is all there is to see: nobody reads which is the smallest example.
settings.register_profile(
    "planted", settings.get_profile("default"), derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
)


@dataclass(frozen=True, slots=True)
class Plant:
    """`test` is the beginning of a test's id. `install` breaks the product until the stack is closed."""

    test: str
    install: Callable[[pytest.MonkeyPatch, ExitStack], None]


# ------------------------------------------------------------------ a question type
def no_sentence_for_authors(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import catalogue
    from conversations.xforms.question_types import QUESTION_TYPES

    differs = next(kind.name for kind in QUESTION_TYPES.values() if kind.support == "differs")
    patch.delitem(catalogue("ht"), f"problem.type.{differs}")


def another_line_in_the_table(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.xforms.question_types import QUESTION_TYPES

    patch.setitem(QUESTION_TYPES, "text", replace(QUESTION_TYPES["text"], chat="Something else."))


def a_cast_that_goes_on_changing(_: pytest.MonkeyPatch, stack: ExitStack) -> None:
    from conversations.xforms.question_types import QUESTION_TYPES

    kind = QUESTION_TYPES["text"]
    stack.callback(object.__setattr__, kind, "cast", kind.cast)
    object.__setattr__(kind, "cast", lambda text, parameters: f"{text}.")


# ------------------------------------------------------------------ a command, or a button
def no_handler(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from bot.commands import HANDLERS
    from conversations.routes import Route

    patch.delitem(HANDLERS, Route.REFERRALS)  # type: ignore[arg-type]


def no_description(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import catalogue

    patch.delitem(catalogue("ht"), "command.pendientes")


def another_row_of_permissions(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from tests.bot.chat import test_matrix

    patch.setattr(test_matrix, "PERMISSIONS", test_matrix.PERMISSIONS[1:])


def no_audit_of_who_is_let_in_or_shut_out(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.plan.model import Role
    from storage.database.audit import Audit
    from tests.bot.chat import test_matrix

    record = Audit.record

    def recorded(self: Audit, act: Any, *given: Any, **more: Any) -> None:
        if not act.startswith(("person.", "membership.")):
            record(self, act, *given, **more)

    patch.setattr(Audit, "record", recorded)
    # Whoever lets people in is one of those who walk: the plant is not tried on the thirteen others.
    admins = tuple(who for who in test_matrix.ENROLLED if who.role is Role.ADMIN)
    patch.setattr(test_matrix, "ENROLLED", admins)


def nothing_declared_of_what_is_carried(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.routes import CARRIES, Route

    patch.setitem(CARRIES, Route.STOP_BROADCAST, ())  # type: ignore[arg-type]


def a_handler_that_trusts_its_button(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from bot.chat.exchange import Exchange

    patch.setattr(Exchange, "own_submission", lambda ex, submission_id: ex.unit.submissions.get(submission_id))


def a_button_written_by_hand(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from tests import test_house

    by_hand = Path("bot", "screens", "new.py"), ast.parse('Button("x", "command:pendientes")')
    there = test_house.sources()
    patch.setattr(test_house, "sources", lambda: (*there, by_hand))


# ------------------------------------------------------------------ a language
def a_gap_is_lost(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import catalogue

    key = next(key for key, sentence in catalogue("ht").items() if "{name}" in sentence)
    patch.setitem(catalogue("ht"), key, catalogue("ht")[key].replace("{name}", ""))


def a_language_without_a_month(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations import language_check

    read = language_check.read_catalogue

    def without(text: str) -> dict[str, str]:
        return {key: told.replace("|desanm/des", "") for key, told in read(text).items()}

    patch.setattr(language_check, "read_catalogue", without)


def a_label_is_missing(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    import openpyxl

    load = openpyxl.load_workbook

    def loaded(*given: Any, **more: Any) -> Any:
        book = load(*given, **more)
        sheet = book["survey"]
        header = [str(cell.value or "") for cell in sheet[1]]
        column = next(at for at, title in enumerate(header) if title.startswith("label::") and "(en)" in title)
        row = next(cells for cells in sheet.iter_rows(min_row=2) if cells[column].value)
        row[column].value = None
        return book

    patch.setattr(openpyxl, "load_workbook", loaded)


def another_word_on_every_screen(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import wording

    patch.setattr(wording("es"), "_sentences", {key: f"{text}!" for key, text in wording("es")._sentences.items()})


def another_word_than_on_the_card(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import catalogue

    for key, text in list(catalogue("es").items()):
        patch.setitem(catalogue("es"), key, f"¡{text}")


# ------------------------------------------------------------------ an export format, a dataset
def a_format_that_loses_cells(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from storage.exports import exporters
    from storage.exports.formats.json_lines import write_jsonl
    from tests.storage.exports import small_plan

    def lossy(extract: Any, wanted: Any, out: Any, progress: Any) -> Any:
        rows = ((number, (*row[:-1], None)) for number, row in extract.rows)
        return write_jsonl(replace(extract, rows=rows), wanted, out, progress)

    _one_format_more(patch, exporters, small_plan, lossy)
    patch.setitem(small_plan.READERS, "lossy", small_plan.read_jsonl)


def a_format_that_nobody_reads_back(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from storage.exports import exporters
    from storage.exports.formats.json_lines import write_jsonl
    from tests.storage.exports import small_plan

    _one_format_more(patch, exporters, small_plan, write_jsonl)


def a_format_that_tells_a_secret(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from storage.exports import exporters
    from storage.exports.formats.json_lines import write_jsonl
    from tests.storage.exports import small_plan

    def talkative(extract: Any, wanted: Any, out: Any, progress: Any) -> Any:
        written = write_jsonl(extract, wanted, out, progress)
        out.write(b'{"secreto": true}\n')
        return written

    _one_format_more(patch, exporters, small_plan, talkative)


def _one_format_more(patch: pytest.MonkeyPatch, exports: Any, tests: Any, write: Any) -> None:
    """One row more in FORMATS, as somebody adds it: the tests learn of it from the table alone."""
    added = exports.TableFormat("lossy", write, ".lossy")
    more = tuple(exports._tabular(dataset, added) for dataset in exports.DATASETS)
    patch.setattr(exports, "EXPORTERS", (*exports.EXPORTERS, *more))
    patch.setattr(tests, "FORMATS", (*exports.FORMATS, added))


def another_exporter(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from tests.storage.exports import test_exporters

    patch.setattr(test_exporters, "EXPORTERS", test_exporters.EXPORTERS[:-1])


def a_column_without_a_label(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import catalogue

    patch.delitem(catalogue("ht"), "table.column.activity")


# ------------------------------------------------------------------ a scheduled message
def a_job_without_a_name(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.wording import catalogue

    patch.delitem(catalogue("ht"), "job.digest")


def a_scan_beside_the_rule(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from bot.schedule import ledger

    patch.setattr(ledger, "one_a_day", lambda unit, batch, now: batch.planned)


def an_exception_of_no_job(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.plan.calendar.ledger import BESIDE

    patch.setitem(BESIDE, "reminder", "Misspelt.")  # type: ignore[arg-type]


# ------------------------------------------------------------------ a kind of event
def a_kind_without_its_row(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from tests.storage.messages import test_endpoints

    patch.setattr(test_endpoints, "EVENTS", test_endpoints.EVENTS[:-1])


def an_act_that_becomes_no_event(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from storage.database import audit

    patch.delitem(audit.EVENTS, "period.moved")


def an_act_that_nobody_decided_about(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from storage.database import audit

    patch.delitem(audit.EVENTS, "form_published")


def an_event_with_all_that_the_act_knows(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.plan.sharing import events

    every = tuple(
        replace(event, data=create_model("Talkative", __base__=event.data, reason=(str | None, None)))
        for event in events.EVENTS
    )
    patch.setattr(events, "_OF", {event.kind: event for event in every})


def news_for_everybody(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.plan.sharing import events

    every = tuple(replace(event, audiences=frozenset(events.AUDIENCES)) for event in events.EVENTS)
    patch.setattr(events, "_OF", {event.kind: event for event in every})


def a_kind_that_the_guide_does_not_name(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from conversations.plan.sharing.events import EVENTS
    from tests.docs import test_events

    patch.setattr(test_events, "EVENTS", (*EVENTS, replace(EVENTS[0], kind="report.lost")))  # type: ignore[arg-type]


# ------------------------------------------------------------------ a filter
def a_filter_without_a_condition(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from storage.exports import choosing

    matching = choosing.matching
    patch.setattr(choosing, "matching", lambda wanted: matching(replace(wanted, status="")))


def a_filter_that_is_passed_over(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from tests.storage.exports import test_choosing_filters

    patch.setattr(test_choosing_filters, "check_wanted", lambda unit, used, wanted: None)


def a_filter_without_a_sentence(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from bot.doors.parameters import Filters

    patch.delitem(Filters.model_fields, "since")


def a_door_that_reads_as_the_coordination(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from bot.doors import reading

    wanted = reading.Reader.wanted
    patch.setattr(reading.Reader, "wanted", lambda *given, **more: replace(wanted(*given, **more), audience="internal"))


# ------------------------------------------------------------------ a rule, a message, a setting
def a_setting_that_nobody_documents(patch: pytest.MonkeyPatch, _: ExitStack) -> None:
    from bot.settings import Settings

    patch.setitem(Settings.model_fields, "fresh", Settings.model_fields["language"])


def a_table_without_its_migration(_: pytest.MonkeyPatch, stack: ExitStack) -> None:
    from sqlalchemy import Column, Integer, Table

    from storage.database.models import Base

    added = Table("fresh", Base.metadata, Column("id", Integer, primary_key=True))
    stack.callback(Base.metadata.remove, added)


HOUSE, TABLES = "tests/test_house.py::", "tests/storage/exports/test_tables.py::"
ACCESS, MATRIX = "tests/bot/chat/test_permissions.py::", "tests/bot/chat/test_matrix.py::"
LANGUAGES = "tests/conversations/test_languages.py::"
ONE_A_DAY = "tests/bot/schedule/test_one_a_day.py::"
EVENTS = "tests/storage/messages/test_endpoints.py::"

PLANTS: Mapping[str, Plant] = {
    "the sentence for authors, in any language": Plant(
        "tests/conversations/authoring/test_xlsform.py::test_the_catalogue_of_form_problems_is_complete",
        no_sentence_for_authors,
    ),
    "the line in the docs": Plant(
        "tests/conversations/xforms/test_conformance.py::test_the_page_shows_the_tables", another_line_in_the_table
    ),
    "a cast that changes its own result": Plant(
        "tests/conversations/xforms/test_question_types.py::test_casting_twice_is_casting_once[text]",
        a_cast_that_goes_on_changing,
    ),
    "the row, or the handler": Plant(ACCESS + "test_every_route_has_one_permission_and_one_handler", no_handler),
    "the description, in any language": Plant(ACCESS + "test_the_table_declares_every_row", no_description),
    "its row on the page [who may do what](access.md)": Plant(
        MATRIX + "test_the_page_shows_the_tables", another_row_of_permissions
    ),
    "the audit entry of an act upon others": Plant(
        MATRIX + "test_whatever_changes_access_or_data_of_others_leaves_an_audit_entry",
        no_audit_of_who_is_let_in_or_shut_out,
    ),
    "what its buttons carry, in `CARRIES`": Plant(
        ACCESS + "test_a_handler_takes_what_its_route_carries[detener]", nothing_declared_of_what_is_carried
    ),
    "that a forged button may name an item of another agency": Plant(
        ACCESS + "test_an_agencys_items_are_its_own", a_handler_that_trusts_its_button
    ),
    "that a button is made by `tap`": Plant(
        HOUSE + "test_a_button_is_made_by_the_functions_of_routes", a_button_written_by_hand
    ),
    "a sentence, or a gap such as `{name}` in it": Plant(
        HOUSE + "test_all_languages_have_the_same_keys_and_gaps", a_gap_is_lost
    ),
    "how people write months, numbers, an emergency": Plant(
        LANGUAGES + "test_every_language_is_whole[ht]", a_language_without_a_month
    ),
    "a label of a shipped form": Plant(
        HOUSE + "test_every_label_of_a_shipped_form_is_in_every_language[activity_report.xlsx]", a_label_is_missing
    ),
    "to look at the screens": Plant(
        "tests/conversations/session/cards/test_session_card.py::test_the_screens_are_as_they_were_approved[activity_report-es]",
        another_word_on_every_screen,
    ),
    "the card": Plant(
        "tests/docs/test_site.py::test_the_card_quotes_the_bot_word_for_word[es]", another_word_than_on_the_card
    ),
    "a cell that a format loses or changes": Plant(
        TABLES + "test_the_same_cells_come_back_from_every_format[sqlite-reports-internal]", a_format_that_loses_cells
    ),
    "how a format is read back, in `READERS`": Plant(
        TABLES + "test_the_same_cells_come_back_from_every_format[sqlite-plan-internal]",
        a_format_that_nobody_reads_back,
    ),
    "the table of the docs": Plant(
        "tests/storage/exports/test_exporters.py::test_the_page_lists_every_exporter", another_exporter
    ),
    "a column's label in a language": Plant(
        "tests/storage/exports/test_exporters.py::test_every_column_has_a_label_in_every_language[sqlite-ht]",
        a_column_without_a_label,
    ),
    "that some words must stay inside": Plant(
        TABLES + "test_outside_there_is_no_free_text_no_name_and_nobody_who_is_few[sqlite-public]",
        a_format_that_tells_a_secret,
    ),
    "the name of the job, in any language": Plant(HOUSE + "test_every_family_of_keys_is_whole", a_job_without_a_name),
    "that nobody gets two notices on a day": Plant(
        ONE_A_DAY + "test_nobody_gets_two_notices_on_a_day_from_any_two_jobs", a_scan_beside_the_rule
    ),
    "the reason of an exception, or its right name": Plant(
        ONE_A_DAY + "test_every_exception_is_a_job_and_has_its_reason", an_exception_of_no_job
    ),
    "the row in `EVENTS`": Plant(EVENTS + "test_every_kind_of_event_has_its_row_and_its_act", a_kind_without_its_row),
    "the act that becomes it": Plant(
        EVENTS + "test_each_kind_is_recorded_by_its_act[sqlite]", an_act_that_becomes_no_event
    ),
    "whether a new act becomes an event": Plant(
        EVENTS + "test_every_act_is_told_or_is_known_not_to_be", an_act_that_nobody_decided_about
    ),
    "that an event holds no words": Plant(
        EVENTS + "test_no_restricted_word_is_in_any_event[sqlite]", an_event_with_all_that_the_act_knows
    ),
    "that only validated reports go outside": Plant(
        EVENTS + "test_outside_nobody_hears_of_what_is_not_validated[sqlite]", news_for_everybody
    ),
    "its line in the guide": Plant(
        "tests/docs/test_events.py::test_the_page_names_every_kind_of_event[events.md]",
        a_kind_that_the_guide_does_not_name,
    ),
    "its condition": Plant(
        "tests/storage/exports/test_choosing_filters.py::test_every_filter_that_is_declared_leaves_something_out[sqlite-reports-status]",
        a_filter_without_a_condition,
    ),
    "that a dataset without it refuses it": Plant(
        "tests/storage/exports/test_choosing_filters.py::test_a_filter_that_is_not_declared_is_refused_with_those_that_are[sqlite]",
        a_filter_that_is_passed_over,
    ),
    "its sentence at the data door": Plant(
        "tests/bot/doors/test_openapi.py::test_every_filter_has_its_sentence_at_the_door", a_filter_without_a_sentence
    ),
    "that the door reads no more than an export": Plant(
        "tests/bot/doors/test_data.py::test_the_same_rows_and_the_same_suppression_as_export[sqlite",
        a_door_that_reads_as_the_coordination,
    ),
    "a setting": Plant(HOUSE + "test_env_example_names_exactly_the_settings", a_setting_that_nobody_documents),
    "a table": Plant(
        "tests/storage/migrations/test_migrations.py::test_a_database_of_an_old_commit_gets_the_tables_of_a_new_one[9468034d-sqlite]",
        a_table_without_its_migration,
    ),
}
"""By the first cell of its row, as the page writes it."""

NOT_PLANTED: Mapping[str, str] = {
    "the roles": "A row without roles is no row.",
    "constant memory": "A benchmark shows it, not a test.",
    "when something is due, a traffic light": "A rule of the plan is changed, not forgotten.",
    "a sentence of the bot": "As the rows about a language.",
    "the name of the kind": "As what a job is called.",
    "the database itself": "The whole contract suite runs on it.",
}
"""Rows of which no test speaks, and why."""


# ------------------------------------------------------------------ the plugin
def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plants", action="store_true", help="plant each defect while its test runs")


def planted(item: pytest.Item) -> Plant | None:
    return next((plant for plant in PLANTS.values() if item.nodeid.startswith(plant.test)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--plants"):
        items[:] = [item for item in items if planted(item)]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    plant = planted(item) if item.config.getoption("--plants") else None
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        if plant is not None:
            plant.install(patch, stack)
        yield
