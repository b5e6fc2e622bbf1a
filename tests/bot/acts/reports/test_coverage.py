"""The plan changes at random, and whatever is expected can be reported: plan and forms are one truth."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.acts.people.enrolment import Newcomer, enrol
from bot.acts.plan.importing import Terms, import_plan
from bot.acts.reports.coverage import EARLIER, NotCovered, gaps, refresh, shipped_forms
from bot.acts.reports.forms import publish
from bot.acts.upkeep.status import Vitals
from bot.chat.form_cache import FormCache
from bot.open_storage import open_storage
from bot.setup import set_up
from bot.workers.upkeep import Premises, look_after_coverage
from conversations.authoring.xlsform import read_xlsform
from conversations.plan.expected import DueReport, expected_activities, expected_indicators
from conversations.plan.model import Role
from conversations.routes import Route
from conversations.session.session import Session
from conversations.wording import wording
from conversations.xforms.bundle import Bundle
from conversations.xforms.form import Form
from storage.database.models import Base
from storage.imports.applying import apply as plan_apply
from storage.imports.applying import kept_rows
from storage.imports.countries import country
from storage.imports.new_workbook import begin_workbook
from storage.imports.reading import PlanDraft, read_plan
from storage.plan.lists import plan_lists
from storage.reports.files import FileStore
from storage.seed import SEED_PLAN, seed_workbook
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, said, tap
from tests.bot.house import install, settings_in
from tests.faults.deployment import seed_of
from tests.taps import form_token

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
ZONE = "America/Santo_Domingo"
WHOLE = frozenset({"women", "sexual", "1"})
"""In which part of each sum the ten are counted."""
EDITS = 16


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The shipped plan and forms, and nobody."""
    install(tmp_path)
    with open_storage(settings_in(tmp_path)) as database:
        yield Desk(database)


# ------------------------------------------------------------------ edits
Rows = dict[str, dict[str, dict[str, Any]]]


def rows_of(unit: UnitOfWork) -> Rows:
    """The plan as a workbook would have it: what is retired is not in it."""
    return {
        table: {code: dict(kept.values) for code, kept in rows.items() if kept.retired_on is None}
        for table, rows in kept_rows(unit, SEED_PLAN).items()
    }


def edit(dice: random.Random, rows: Rows, gone: Rows, number: int) -> None:
    """One change of a plan: something is added, renamed, moved, merged, retired, or comes back as it was or not."""
    activities, indicators = rows["activity"], rows["indicator"]
    agencies = {code: row for code, row in rows["agency"].items() if row["role_type"] != "proposed"}
    kinds = (
        "add",
        "add",
        "rename",
        "move",
        "retire",
        "restore",
        "indicator",
        "agency",
        "frequency",
        "cadence",
        "merge",
        "reuse",
    )
    match dice.choice(kinds):
        case "add":
            like = dict(dice.choice(list(activities.values())))
            code = f"NEW-{number}"
            activities[code] = like | {"code": code, "responsible": dice.choice(sorted(agencies))}
        case "rename":
            table, header = dice.choice((("activity", "short_es"), ("indicator", "name_es"), ("agency", "name_es")))
            dice.choice(list(rows[table].values()))[header] = f"Otro nombre {number}"
        case "move":
            moved = dice.choice([*activities.values(), *indicators.values()])
            moved["responsible"] = dice.choice(sorted(agencies))
            if "objective_code" in moved:
                moved["objective_code"] = dice.choice(sorted(rows["objective"]))
        case "retire":
            retire(dice, rows, gone, agencies)
        case "restore" if any(gone.values()):
            table = dice.choice(sorted(table for table, kept in gone.items() if kept))
            code = dice.choice(sorted(gone[table]))
            row = gone[table].pop(code)
            rows[table][code] = row if table == "agency" else row | {"responsible": dice.choice(sorted(agencies))}
            if table == "activity" and row["indicator_code"] not in indicators:
                rows[table][code]["indicator_code"] = ""
        case "indicator":
            code = dice.choice((f"IND-N{number}", dice.choice(sorted(indicators))))
            like = dict(dice.choice([one for one in indicators.values() if one["unit"] == "count"]))
            indicators[code] = indicators.get(code, like) | {"code": code, "responsible": dice.choice(sorted(agencies))}
        case "agency":
            code = f"AG{number}"
            rows["agency"][code] = dict(agencies["MIREX"]) | {"code": code, "name_es": f"Institución {number}"}
            dice.choice(list(activities.values()))["responsible"] = code
        case "merge":
            merge(rows, gone, *dice.sample(sorted(set(agencies) - {"MIREX"}), 2))
        case "reuse" if gone.get("activity"):
            code = dice.choice(sorted(gone["activity"]))
            activities[code] = dict(dice.choice(list(activities.values()))) | {"code": code}
            del gone["activity"][code]
        case "frequency":
            dice.choice(list(activities.values()))["report_frequency"] = dice.choice(("monthly", "quarterly"))
        case "cadence":
            opening, due, grace, lock = sorted(dice.sample(range(1, 60), 4))
            dice.choice(list(rows["cadence"].values())).update(
                {"opening_day": opening, "due_day": due, "grace_day": grace, "lock_day": lock}
            )


def retire(dice: random.Random, rows: Rows, gone: Rows, agencies: Mapping[str, Any]) -> None:
    """An activity, an indicator or an agency; what named it names another one, or none."""
    table = dice.choice(("activity", "indicator", "agency"))
    code = dice.choice(sorted(set(agencies) - {"MIREX"} if table == "agency" else rows[table]))
    others = sorted(set(agencies) - {code})
    gone.setdefault(table, {})[code] = rows[table].pop(code)
    for row in (*rows["activity"].values(), *rows["indicator"].values()):
        if row["responsible"] == code:
            row["responsible"] = dice.choice(others)
        if row.get("indicator_code") == code:
            row["indicator_code"] = ""
        if code in row.get("supporting", ()):
            row["supporting"] = tuple(each for each in row["supporting"] if each != code)


def merge(rows: Rows, gone: Rows, code: str, into: str) -> None:
    """An agency becomes a part of another one, which leads and supports what it did."""
    gone.setdefault("agency", {})[code] = rows["agency"].pop(code)
    for row in (*rows["activity"].values(), *rows["indicator"].values()):
        if row["responsible"] == code:
            row["responsible"] = into
        supporting = {into if each == code else each for each in row.get("supporting", ())}
        row |= {"supporting": tuple(sorted(supporting - {row["responsible"]}))} if "supporting" in row else {}


def draft_of(rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> PlanDraft:
    return PlanDraft(rows, date(2017, 1, 1), date(2020, 12, 31), "0" * 64)


# ------------------------------------------------------------------ the truth, from the plan alone
def expected(unit: UnitOfWork, on: date) -> set[tuple[str, str, str]]:
    """Agency, subject and period of everything that is due, where nobody has reported anything."""
    plan = unit.plans.only()
    activities, indicators = unit.plans.activities(plan.id), unit.plans.indicators(plan.id)
    found = set()
    for period in unit.plans.periods(plan.id):
        if period.is_open(on):
            items = (*expected_activities(activities, period), *expected_indicators(indicators, period))
            found |= {(item.agency_code, item.subject, period.code) for item in items}
    return found


def all_due(unit: UnitOfWork, on: date) -> dict[tuple[str, str, str], DueReport]:
    plan = unit.plans.only()
    return {
        (agency.code, due.subject, due.period.code): due
        for agency in unit.plans.agencies(plan.id)
        for due in unit.plans.due(plan.id, agency.id, on)
    }


@pytest.mark.slow
def test_after_any_change_of_the_plan_all_that_is_due_can_be_reported(desk: Desk) -> None:
    """Some forty changes; what is due is what the plan says, no form lacks any of it, and some of it is sent."""
    dice = random.Random(seed_of())
    gone: Rows = {}
    sent: set[tuple[str, str]] = set()
    forms = forms_of(desk)
    for number in range(EDITS):
        if number % 8 == 7:
            desk.now += timedelta(days=40)  # periods lock, and others open
        rows = desk.do(rows_of)
        for _ in range(dice.randint(1, 4)):
            edit(dice, rows, gone, number)
        same = Terms(same=[code for sheet in rows.values() for code in sheet])  # a code that comes back is what it was
        apply = partial(import_plan, forms=forms, draft=draft_of(rows), plan_code=SEED_PLAN, by=None, terms=same)
        at = desk.now
        desk.do(lambda unit: apply(unit, now=at, timezone=ZONE))  # noqa: B023
        # As if it had been in the plan for long: whatever a new activity is expected in, it is due in.
        today = desk.now.date()
        truth = desk.do(lambda unit: expected(unit, today))  # noqa: B023
        due = desk.do(lambda unit: all_due(unit, today))  # noqa: B023
        assert due.keys() == {key for key in truth if key[1:] not in sent}
        assert desk.do(lambda unit: gaps(unit, forms, unit.plans.only().id)) == ()
        assert all(each.is_reportable for each in due.values())
        if due and number % 5 == 0:
            key = dice.choice(sorted(due))
            send(desk, due[key])
            sent.add(key[1:])

    assert len(sent) >= EDITS // 8


def send(desk: Desk, due: DueReport) -> None:
    """Its focal point opens it with the button of the list and answers what is asked until it is sent."""
    who = focal_point(desk, due.item.agency_code)
    kind = "i" if due.is_indicator else "a"
    tap(desk, who, Route.REPORT, f"{kind}.{due.code}.{due.period.code}")
    for _ in range(60):
        stored = desk.do(lambda unit: unit.chats.open(who, who).session)
        if stored is None:
            break
        form = desk.do(partial(forms_of(desk).version, form_version_id=stored.form_version_id))
        session = Session.from_json(stored.data)
        answer(desk, who, stored.id, session, form)
    after = desk.do(lambda unit: all_due(unit, desk.now.date()))
    assert (due.item.agency_code, due.subject, due.period.code) not in after, f"{due.code}: {stored and stored.data}"


def answer(desk: Desk, who: int, session_id: int, session: Session, form: Form) -> None:
    """The first choice, ten or else none, yesterday, a line; what may be left out is left out."""
    question = form.question(session.at)
    if question.type in ("select_one", "acknowledge"):
        desk.tap(who, form_token(session_id, session.turn, "pick", "0"))
        return
    skipped = desk.tap(who, form_token(session_id, session.turn, "skip", ""))
    if any("obligatori" in text or "Necesitamos" in text for text in said(skipped, who)):
        group, _, part = question.name.partition("_")
        number = "0" if group in ("sa", "ex", "na") and part not in WHOLE else "10"
        desk.say(who, {"integer": number, "decimal": "10", "date": "ayer"}.get(question.type, "Seguir con el plan"))


def forms_of(desk: Desk) -> FormCache:
    return desk.house.forms


def focal_point(desk: Desk, agency_code: str) -> int:
    """Somebody of this agency, enrolled if there is nobody yet."""
    plan = desk.do(lambda unit: unit.plans.only())
    agency = desk.do(lambda unit: unit.plans.agency(plan.id, agency_code))
    who = 10_000 + agency.id
    if desk.do(lambda unit: unit.people.by_telegram_id(who)) is None:
        desk.do(lambda unit: enrol(unit, Newcomer(who, "Ana", Role.FOCAL_POINT, agency_code, "es"), NOW, ZONE))
    return who


# ------------------------------------------------------------------ forms that list the plan themselves
def listing(version: str, *codes: str) -> bytes:
    """An activity report as forms were before, with these activities of MMUJER among its own choices."""
    rows = "".join(f"|  | activity | {code} | {code} | MMUJER |\n" for code in codes)
    return (
        "| survey |\n|  | type | name | label | choice_filter |\n|  | hidden | prev_progress |  |  |\n"
        "|  | hidden | restricted |  |  |\n|  | select_one agency | agency | Which agency? |  |\n"
        "|  | select_one activity | activity | Which activity? | agency=${agency} |\n"
        "|  | text | period | Which period? |  |\n|  | text | next_step | Next? |  |\n"
        "| choices |\n|  | list_name | name | label | agency |\n|  | agency | MMUJER | Women |  |\n"
        f"{rows}| settings |\n|  | form_id | version |\n|  | activity_report | {version} |\n"
    ).encode()


def list_all_of_mmujer(desk: Desk, version: str) -> None:
    """Such a form is published, and nobody but MMUJER leads anything."""

    def work(unit: UnitOfWork) -> None:
        plan = unit.plans.only()
        codes = [one.code for one in unit.plans.activities(plan.id, unit.plans.agency(plan.id, "MMUJER").id)]
        publish_listing(desk, unit, version, *codes)

    rows = desk.do(rows_of)
    for row in rows["activity"].values():
        row["responsible"] = "MMUJER"
    desk.do(partial(imported, desk, rows))
    desk.now += timedelta(minutes=1)
    desk.do(work)


def list_one_of_mmujer(desk: Desk) -> None:
    desk.now += timedelta(minutes=1)
    desk.do(lambda unit: publish_listing(desk, unit, "less", "PRE-101"))


def publish_listing(desk: Desk, unit: UnitOfWork, version: str, *codes: str) -> None:
    data = listing(version, *codes)
    checked = read_xlsform(data, "listing.md")
    publish(unit, Bundle("listing.md", data), checked, desk.now, plan_id=unit.plans.only().id)


def imported(desk: Desk, rows: Rows, unit: UnitOfWork) -> Any:
    return import_plan(unit, forms_of(desk), draft_of(rows), SEED_PLAN, None, desk.now, timezone=ZONE)


def one_more(desk: Desk) -> Rows:
    rows = desk.do(rows_of)
    rows["activity"]["PRE-999"] = rows["activity"]["PRE-101"] | {"code": "PRE-999", "responsible": "MMUJER"}
    return rows


def test_an_earlier_shipped_form_gives_way_to_todays_when_the_plan_grows(desk: Desk) -> None:
    """The database of an older bot: the import publishes the form anew, and the new activity is reported."""
    list_all_of_mmujer(desk, next(version for form_id, version in EARLIER if form_id == "activity_report"))
    desk.now += timedelta(minutes=1)
    done = desk.do(partial(imported, desk, one_more(desk)))

    assert [form.form_id for form in done.renewed] == ["activity_report"]

    due = desk.do(lambda unit: all_due(unit, desk.now.date()))
    send(desk, next(each for key, each in due.items() if each.code == "PRE-999" or key[1] == "activity:PRE-101"))


def test_a_form_of_ones_own_that_lists_the_plan_refuses_what_it_does_not_list(desk: Desk) -> None:
    """Nothing has changed, and the sentence names the activity and the form."""
    list_all_of_mmujer(desk, "of our own")
    before = desk.do(rows_of)
    with pytest.raises(NotCovered) as refused:
        desk.do(partial(imported, desk, one_more(desk)))

    assert [gap.subject for gap in refused.value.gaps] == ["activity:PRE-999"]
    assert "PRE-999" in refused.value.gaps[0].sentence(wording("es"))
    assert desk.do(rows_of) == before
    assert desk.do(lambda unit: gaps(unit, forms_of(desk), unit.plans.only().id)) == ()


def test_what_cannot_be_reported_is_expected_and_nobody_is_asked_for_it(desk: Desk) -> None:
    """A form that lists less is published afterwards: due names it, the officer's list and "nothing new" do not."""
    who = focal_point(desk, "MMUJER")
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    list_one_of_mmujer(desk)
    found = desk.do(lambda unit: refresh(unit, forms_of(desk), plan_id, desk.now))
    assert "activity:PRE-101" not in {gap.subject for gap in found}

    due = desk.do(lambda unit: all_due(unit, desk.now.date()))
    lost = {each.code for key, each in due.items() if key[0] == "MMUJER" and not each.is_reportable}
    assert lost

    shown = "".join(said(tap(desk, who, Route.DUE), who) + list(buttons(tap(desk, who, Route.DUE), who)))
    assert "PRE-101" in shown
    assert not [code for code in lost if code in shown]


def test_the_plan_is_tried_again_only_when_it_the_forms_or_the_bot_have_changed(desk: Desk) -> None:
    """Whichever process tried it last. What it found is an alarm all the same, at each look."""
    tried: list[int] = []

    class Tried(FormCache):
        def version(self, unit: UnitOfWork, form_version_id: int) -> Form:
            tried.append(form_version_id)
            return super().version(unit, form_version_id)

    def looked(version: str = "1") -> tuple[bool, set[str]]:
        """Whether anything was tried by a process that begins, and what is alarming."""
        raised: set[str] = set()
        tried.clear()
        vitals = Vitals(version, NOW, None, None, 0, None, False)
        look_after_coverage(
            Premises(desk.database, FileStore(Path(), None), vitals, lambda kind, _: raised.add(kind), Tried(ZONE)), NOW
        )
        return bool(tried), raised

    assert [looked(), looked()] == [(True, set()), (False, set())]
    list_one_of_mmujer(desk)
    assert [looked(), looked()] == [(True, {"unreportable"}), (False, {"unreportable"})]
    rows = desk.do(rows_of)
    rows["activity"]["PRE-101"]["short_es"] = "Nunca"
    desk.do(lambda unit: plan_apply(unit, draft_of(rows), SEED_PLAN, None, NOW))
    assert [looked(), looked()] == [(True, {"unreportable"}), (False, {"unreportable"})]
    assert [looked("2"), looked("2")] == [(True, {"unreportable"}), (False, {"unreportable"})]


def test_a_plan_of_ones_own_in_an_empty_database_has_its_forms(tmp_path: Path) -> None:
    """`init --empty` and a first import: everything that is expected can be reported."""
    list(set_up(settings_in(tmp_path), NOW, is_empty=True))
    with open_storage(settings_in(tmp_path)) as database:
        desk = Desk(database)
        desk.do(
            lambda unit: import_plan(
                unit, forms_of(desk), read_plan(seed_workbook()), "HN", None, NOW, timezone="America/Tegucigalpa"
            )
        )
        plan_id = desk.do(lambda unit: unit.plans.by_code("HN").id)
        assert desk.do(lambda unit: gaps(unit, forms_of(desk), plan_id)) == ()
        assert len(desk.do(lambda unit: unit.forms.list(plan_id))) == len(list(shipped_forms()))


@pytest.mark.slow
def test_a_plan_of_another_country_reaches_its_first_validated_report(tmp_path: Path) -> None:
    """The workbook that `plan new` writes, as it is: imported, everything due is sent, and the first one validated."""
    list(set_up(settings_in(tmp_path), NOW, is_empty=True))
    honduras = country("HN")

    assert honduras is not None

    draft = read_plan(begin_workbook(honduras, "es", NOW.date(), has_holidays=True))
    with open_storage(settings_in(tmp_path)) as database:
        desk = Desk(database)
        desk.do(lambda unit: import_plan(unit, forms_of(desk), draft, draft.code, None, NOW, timezone=ZONE))
        assert desk.do(lambda unit: gaps(unit, forms_of(desk), unit.plans.only().id)) == ()
        due = desk.do(lambda unit: all_due(unit, desk.now.date()))
        assert {each.code for each in due.values()} == {"A-101", "I-1"}
        for each in due.values():
            send(desk, each)
        desk.do(lambda unit: enrol(unit, Newcomer(7, "Carmen", Role.COORDINATOR, None, "es"), NOW, ZONE))
        shown = desk.say(7, "/revisar")
        for words in ("A-101", "Validar"):
            shown = desk.tap(7, next(data for text, data in buttons(shown, 7).items() if words in text))
        submission = Base.metadata.tables["submission"]
        states = desk.do(lambda unit: unit.connection.execute(select(submission.c.validation_state)).scalars().all())
        assert sorted(states) == ["submitted", "validated"]


def test_where_no_form_is_published_a_button_says_so(tmp_path: Path) -> None:
    """A plan that came in without forms: what is reported on answers with a sentence, and the admins' page names it."""
    list(set_up(settings_in(tmp_path), NOW, is_empty=True))
    with open_storage(settings_in(tmp_path)) as database:
        desk = Desk(database)
        desk.do(lambda unit: plan_apply(unit, read_plan(seed_workbook()), SEED_PLAN, None, NOW))
        due = next(iter(desk.do(lambda unit: all_due(unit, desk.now.date())).values()))
        who = focal_point(desk, due.item.agency_code)
        told = said(tap(desk, who, Route.REPORT, f"a.{due.code}.{due.period.code}"), who)
        assert any(wording("es")("form.none_published") in text for text in told)
        found = desk.do(lambda unit: gaps(unit, forms_of(desk), unit.plans.only().id))
        assert {gap.why for gap in found} == {"no_form"}


def test_lists_for_other_clients_are_without_what_has_ended(desk: Desk) -> None:
    """The bot's own lists keep it, so that old answers have their words."""
    rows = desk.do(rows_of)
    del rows["activity"]["PRE-101"]
    desk.do(partial(imported, desk, rows))
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    own = desk.do(lambda unit: plan_lists(unit, plan_id))["plan_activities.csv"].decode()
    theirs = desk.do(lambda unit: plan_lists(unit, plan_id, only_current=True))["plan_activities.csv"].decode()

    assert own.count("\n") == theirs.count("\n") + 1
    assert "PRE-101 ·" in own
    assert "PRE-101 ·" not in theirs


def test_a_change_that_was_undone_is_not_taken_for_the_next(desk: Desk) -> None:
    """What was compiled for a change that was rolled back is compiled again for the change that comes then."""
    forms = forms_of(desk)

    def labels(unit: UnitOfWork) -> str:
        plan = unit.plans.only()
        current = unit.forms.current(plan.id, "activity_report")
        assert current is not None
        form = forms.version(unit, current.id)
        return str(
            [
                item.child_text("label")
                for item in form.instances["plan_activities"].children["root"][0].children["item"]
            ]
        )

    def lost(unit: UnitOfWork) -> None:
        rows = rows_of(unit)
        rows["activity"]["PRE-101"]["short_es"] = "Nunca"
        imported(desk, rows, unit)
        assert "Nunca" in labels(unit)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        desk.do(lost)
    rows = desk.do(rows_of)
    rows["activity"]["PRE-101"]["short_es"] = "Siempre"
    desk.do(partial(imported, desk, rows))

    assert "Siempre" in desk.do(labels)
    assert "Nunca" not in desk.do(labels)


def test_nobody_is_reminded_of_what_no_form_takes(desk: Desk) -> None:
    """What is left of an agency, as the ladder counts it, is what it can report."""

    def left(unit: UnitOfWork) -> set[str]:
        plan = unit.plans.only()
        periods = [period for period in unit.plans.periods(plan.id) if period.is_open(desk.now.date())]
        found = unit.agendas.reports(plan.id, periods).left(periods, {})
        return {one.item.code for reports in found.values() for one in reports}

    assert "PRE-101" in desk.do(left)

    desk.do(lambda unit: unit.plans.note_unreportable(unit.plans.only().id, ["activity:PRE-101"], desk.now))
    assert "PRE-101" not in desk.do(left)
    assert "activity:PRE-101" in {key[1] for key in desk.do(lambda unit: all_due(unit, desk.now.date()))}
