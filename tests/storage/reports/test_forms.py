"""A published version never changes; new sessions begin with the newest."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.errors import Conflict, NotFound
from storage.open_database import Database
from storage.reports.forms import NewForm
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.forms import compiled

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


def publish(unit: UnitOfWork, world: Any, version: str, content: str = "a", **changes: Any) -> Any:
    values = {
        "plan_id": world.plan_id,
        "form_id": "survey",
        "version": version,
        "title": "Encuesta",
        "xform": f"<{content}/>",
        "workbook": content.encode(),
        "sha256": content * 64,
    }
    by = changes.pop("by", world.person_ids[2])
    now = changes.pop("now", NOW)
    return unit.forms.publish(NewForm(**values | changes), now, by=by)


def test_what_was_published_is_there_to_the_byte(apply: Any, world: Any) -> None:
    """XForm, workbook, who and when."""
    form = apply(lambda unit: publish(unit, world, "1"))

    assert (form.form_id, form.version, form.published_by_id) == ("survey", "1", world.person_ids[2])
    assert apply(lambda unit: unit.forms.xform(form.id)) == "<a/>"
    assert apply(lambda unit: unit.forms.version(form.id)) == form
    assert apply(lambda unit: unit.forms.workbook(form.id)) == b"a"

    for missing in (
        lambda unit: unit.forms.version(10**6),
        lambda unit: unit.forms.xform(10**6),
        lambda unit: unit.forms.workbook(10**6),
    ):
        with pytest.raises(NotFound):
            apply(missing)


def test_the_same_content_again_changes_nothing(apply: Any, world: Any) -> None:
    """`enlace init` runs twice."""
    first = apply(lambda unit: publish(unit, world, "1"))
    assert apply(lambda unit: publish(unit, world, "1", now=NOW + timedelta(days=1))) == first
    assert len(apply(lambda unit: unit.forms.versions(world.plan_id, "survey"))) == 1


def test_a_version_number_with_other_content_is_a_conflict_the_unit_survives(apply: Any, world: Any) -> None:
    """Answers belong to the questions that were asked."""
    first = apply(lambda unit: publish(unit, world, "1"))

    def again(unit: UnitOfWork) -> Any:
        with pytest.raises(Conflict):
            publish(unit, world, "1", "b")
        return unit.forms.current(world.plan_id, "survey")

    assert apply(again) == first


def test_new_sessions_begin_with_the_newest_and_old_ones_keep_theirs(apply: Any, world: Any) -> None:
    """T15."""
    old = apply(lambda unit: publish(unit, world, "1"))
    new = apply(lambda unit: publish(unit, world, "2", "b", now=NOW + timedelta(days=1)))

    assert new.form_key == old.form_key
    assert apply(lambda unit: unit.forms.current(world.plan_id, "survey")) == new
    assert apply(lambda unit: unit.forms.version(old.id)) == old
    assert [form.version for form in apply(lambda unit: unit.forms.versions(world.plan_id, "survey"))] == ["2", "1"]
    assert [form.form_id for form in apply(lambda unit: unit.forms.list(world.plan_id))] == [
        "activity_report",
        "survey",
    ]


def test_an_older_version_published_again_is_the_current_one(apply: Any, world: Any) -> None:
    """Going back is publishing again: the same version, with when and by whom of the last time."""
    old = apply(lambda unit: publish(unit, world, "1"))
    apply(lambda unit: publish(unit, world, "2", "b", now=NOW + timedelta(days=1)))
    again = apply(lambda unit: publish(unit, world, "1", now=NOW + timedelta(days=2), by=world.person_ids[0]))

    assert (again.id, again.published_at) == (old.id, NOW + timedelta(days=2))
    assert again.published_by_id == world.person_ids[0]
    assert apply(lambda unit: unit.forms.current(world.plan_id, "survey")) == again
    assert again in apply(lambda unit: unit.forms.list(world.plan_id))
    assert [form.version for form in apply(lambda unit: unit.forms.versions(world.plan_id, "survey"))] == ["1", "2"]


def test_a_document_is_compiled_once_whatever_was_published_under_it(apply: Any, world: Any) -> None:
    """Every export needs every edition; an edition with other content is another form."""

    def editions(unit: UnitOfWork) -> list[Any]:
        sources = [f"| survey |\n| | type | name | label |\n| | text | {name} | A |" for name in ("a", "b")]
        forms = [
            publish(unit, world, version, version, xform=compiled(source).xform)
            for version, source in zip("123", (*sources, sources[0]), strict=True)
        ]
        return [unit.forms.form(form.id) for form in forms]

    first, other, same = apply(editions)
    assert same is first
    assert [form.questions[0].name for form in (first, other)] == ["a", "b"]


def test_who_wants_a_form_while_it_is_compiled_gets_the_same_one(database: Database, apply: Any, world: Any) -> None:
    """At a start two threads want each form: a second compilation would cost as much as the first."""
    questions = "\n".join(f"| | text | q{number} | A |" for number in range(300))
    xform = compiled(f"| survey |\n| | type | name | label |\n{questions}").xform
    form = apply(lambda unit: publish(unit, world, "1", xform=xform))
    both = threading.Barrier(2)

    def wanted() -> Any:
        with database.view() as unit:
            both.wait(PATIENCE)
            return unit.forms.form(form.id)

    with ThreadPoolExecutor(2) as readers:
        first, second = [readers.submit(wanted) for _ in range(2)]
        assert first.result(PATIENCE) is second.result(PATIENCE)


def test_two_plans_share_no_form(apply: Any, world: Any) -> None:
    """The same form_id in another plan is another form."""
    assert apply(lambda unit: unit.forms.current(world.plan_id + 1, "activity_report")) is None
    assert apply(lambda unit: unit.forms.list(world.plan_id + 1)) == []
