"""Every cell of every dataset beside the truth of a history that was played (`test_truth`).

The truth is computed here from the rules of the domain and from what the history wrote down. A row is compared whole:
a column that is added without its truth turns the test of its dataset red.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

import pytest

from conversations.plan.model import Role
from storage.database.models import Fire
from storage.exports.exporters import DATASETS
from tests.storage.exports.small_plan import ZONE, Plan, add, comparable, names_of_formats, same
from tests.storage.exports.truth import (
    ACTIVITIES,
    COMPLETED,
    CONTINUOUS,
    DUE,
    MONTHS,
    NOW,
    PERIODS,
    READERS,
    RESTRICTED,
    SILENT,
    Truth,
    at_noon,
    by_code,
    closings_in,
    figure_in,
    is_expected,
    is_inside,
    said_of,
    sees_all,
)

Row = dict[str, Any]
TODAY = NOW.astimezone(ZONE).date()
JOINED = datetime(2018, 10, 3, 12, tzinfo=UTC)
WORST_FIRST = ("critical", "attention", "no_report", "to_validate", "on_track", "grey")


def assert_whole(plan: Plan, dataset: str, expected: list[Row], **asked: Any) -> None:
    """The rows of a dataset of one table, in every format, with these columns and no other."""
    for format in names_of_formats():
        [rows] = comparable(plan.read(dataset, format, **asked)).values()
        assert rows == [{name: same(cell) for name, cell in row.items()} for row in expected], (format, asked)


# ------------------------------------------------------------------ the light (docs/domain.md#lights)
def last_read(truth: Truth, code: str, asked: Mapping[str, Any], day: date = TODAY) -> tuple[date, str, int] | None:
    """End of the period, status and progress of the last report until that day that this reader may have."""
    seen = [
        (by_code(period).end_on, status, progress)
        for (reported, period), (_, status, progress, state) in truth.reports.items()
        if reported == code and by_code(period).opens_on <= day and (state == "validated" or sees_all(asked))
    ]
    return max(seen) if seen else None


def light_of(truth: Truth, code: str, kind: str, start: date, asked: Mapping[str, Any], day: date = TODAY) -> str:
    last = last_read(truth, code, asked, day)
    status, progress = (last[1], last[2]) if last else (None, 0)
    missing = 0
    for period in reversed(PERIODS):
        if period.opens_on > day or not is_expected(code, kind, start, period):
            continue
        if (code, period.code) in truth.received:
            break
        missing += period.due_on < day
    is_dated = code != CONTINUOUS
    gap = 100 * (day - start).days / (DUE - start).days - progress if is_dated else 0
    if day < start:
        return "grey"
    if (is_dated and day > DUE and status != "completed") or gap > 25 or missing >= 2:
        return "critical"
    if gap > 10 or (is_dated and DUE - day <= timedelta(days=30) and progress < 80) or missing == 1:
        return "attention"
    if last is not None:
        return "on_track"
    # What this reader may not count has come, or nothing has.
    came = [
        state
        for (reported, period), (*_, state) in truth.reports.items()
        if reported == code and by_code(period).opens_on <= day
    ]
    return "to_validate" if {"submitted", "corrected"} & {*came} else "no_report"


def test_lights_day_after_day(told: tuple[Plan, Truth]) -> None:
    """Every third day, on one database or the other: not begun, on its way, behind, a report missing, two missing."""
    plan, truth = told
    lights = set()
    for number in range(0 if plan.database.is_sqlite else 3, 365, 6):
        day = date(2018, 1, 1) + timedelta(number)
        for asked in (READERS[0], READERS[-1]):
            at = replace(plan, now=datetime.combine(day, time(20), ZONE))
            read = {row["activity"]: row["light"] for row in at.rows("plan", **asked)}
            expected = {code: light_of(truth, code, kind, start, asked, day) for code, _, kind, start in ACTIVITIES}
            assert read == expected, (day, asked)
            lights |= set(read.values())
    assert lights == set(WORST_FIRST)


def test_plan_whole(told: tuple[Plan, Truth]) -> None:
    """What was promised, and where it is: the last report that this reader may have, and the light."""
    plan, truth = told
    for asked in READERS:
        expected = []
        for code, agency, kind, start in sorted(ACTIVITIES):
            last = last_read(truth, code, asked)
            hides = code == RESTRICTED and not is_inside(asked)
            light = light_of(truth, code, kind, start, asked)
            became = last_read(truth, code, READERS[-1])  # validated reports alone, whoever reads
            ends = {"completed": "done", "cancelled": "cancelled"}
            balance = ends.get(became[1], "in_part") if became and became[1:] != ("not_started", 0) else "not_begun"
            row: Row = {
                "activity": code, "activity_name": None if hides else f"Acción {code}", "area": "PRE",
                "area_name": "Prevención", "objective": "PRE-1", "objective_name": "Objetivo", "agency": agency,
                "supporting": "PGR" if code == "PRE-101" else None, "start_on": start,
                "joint_leads": "MINERD" if code == RESTRICTED else None,
                "due_on": None if code == CONTINUOUS else DUE,
                "frequency": kind, "status": last[1] if last else None, "status_name": None,
                "progress": last[2] if last else None, "light": light, "last_period_end": last[0] if last else None,
                "balance": balance, "dropped_because": None, "indicator": None, "target": 120,
                "target_unit": None if hides else "centros",
                "means_of_verification": None if hides else "Actas", "sdg_targets": None,
                "restricted": code == RESTRICTED, "retired_on": None,
            }  # fmt: skip
            if asked["audience"] != "public":
                row["gcm_objectives"] = None
            if is_inside(asked):
                sensitivity = "restricted" if code == RESTRICTED else "public"
                meets = True if code == "PRE-101" else None
                row |= {"sensitivity": sensitivity, "meets_victims": meets}
                row |= {"budget": None, "currency": None, "budget_status": None}
                row["source"] = "Ley"
                row["resources"] = "Ministerio 5000; UNDP 20.5 USD" if code == RESTRICTED else None
            expected.append(row)
        assert_whole(plan, "plan", expected, **asked)


def test_agencies_whole(told: tuple[Plan, Truth]) -> None:
    """The month that closes now, the worst of its lights, and how many in a row it has let lock."""
    plan, truth = told
    for asked in READERS:
        expected = []
        for agency in ("MINERD", "PGR"):
            mine = [each for each in ACTIVITIES if each[1] == agency]
            rows = {row[1]: row for row in closings_in(truth) if row[0] == agency}
            now = rows.get("201809")
            locked = [row for row in rows.values() if by_code(row[1]).locks_on <= TODAY]
            unclosed = len(list(takewhile(lambda row: not row[4], reversed(locked))))
            lights = {light_of(truth, code, kind, start, asked) for code, _, kind, start in mine}
            cells: Row = {
                "agency": agency, "agency_name": agency, "role_type": "member", "active_from": None,
                "active_to": None, "activities": len(mine), "light": next(w for w in WORST_FIRST if w in lights),
                "closing_month_end": date(2018, 9, 30) if now else None, "expected_reports": now[2] if now else 0,
                "received_reports": now[3] if now else 0, "closed": now[4] if now else None,
                "on_time": now[6] if now and now[4] else None,
            }  # fmt: skip
            if is_inside(asked):
                cells |= {"unclosed_in_a_row": unclosed, "focal_points": int(agency == "MINERD"), "reminders": 0}
            expected.append(cells)
        assert_whole(plan, "agencies", expected, **asked)


# ------------------------------------------------------------------ closings, reports, what was withdrawn
def test_closings_whole(told: tuple[Plan, Truth]) -> None:
    """The same to everybody: what was expected of whom, and what came of it."""
    plan, truth = told
    expected = []
    for agency, month, wanted, came, closed, closed_at, on_time, late in closings_in(truth):
        period = by_code(month)
        kinds = {
            each.code: each
            for code, whose, kind, start in ACTIVITIES
            for each in PERIODS
            if whose == agency and each.end_on == period.end_on and is_expected(code, kind, start, each)
        }
        expected.append({
            "agency": agency, "agency_name": agency, "period": month, "period_start": period.start_on,
            "period_end": period.end_on, "periods": " ".join(kinds),
            "due_on": max(each.due_on for each in kinds.values()),
            "locks_on": max(each.locks_on for each in kinds.values()), "expected_reports": wanted,
            "received_reports": came, "closed": closed, "closed_at": closed_at, "on_time": on_time, "days_late": late,
            "expectation": "sealed" if max(each.locks_on for each in kinds.values()) <= TODAY else "open",
        })  # fmt: skip
        assert month != SILENT
    for asked in READERS:
        assert_whole(plan, "closings", expected, **asked)


def test_reports_whole(told: tuple[Plan, Truth]) -> None:
    """Outside there is no free text, no place, and of what is restricted no number."""
    plan, truth = told
    agencies = {code: agency for code, agency, *_ in ACTIVITIES}
    for asked in READERS:
        expected = []
        for (code, month), (receipt, status, progress, state) in truth.reports.items():
            if state != "validated" and not sees_all(asked):
                continue
            period, said, is_closed = by_code(month), said_of(by_code(month)), code == RESTRICTED
            people: Row = {"quantity": None, "people_total": int(said["ben_total"]), "women": int(said["ben_women"])}
            people |= {"men": 10, "girls": 0, "boys": None}
            people["unknown"] = people["people_total"] - people["women"] - 10
            if is_closed and not is_inside(asked):
                people = dict.fromkeys(people, "protected")
            row: Row = {
                "receipt": receipt, "root_receipt": receipt, "activity": code, "continues": None,
                "activity_name": None if is_closed and not is_inside(asked) else f"Acción {code}", "area": "PRE",
                "area_name": "Prevención", "agency": agencies[code], "agency_name": agencies[code], "period": month,
                "period_start": period.start_on, "period_end": period.end_on, "status": status, "status_name": None,
                "progress": progress, "validation": state, "version": 1, "submitted_at": at_noon(period.opens_on),
                "on_time": True, "restricted": is_closed, **people, "completed_on": None, "new_due_on": None,
                "obstacles": None if is_closed and not is_inside(asked) else "budget staff", "zero_reason": None,
                "needs_decision": None, "evidence": None,
                "files": None if is_closed and not sees_all(asked) else 0,
            }  # fmt: skip
            if is_inside(asked):
                reads = not is_closed or sees_all(asked)
                row |= {
                    "place": None if is_closed else "x", "province": None,
                    "obstacle_detail": said["obstacle_detail"] if reads else None, "decision": None,
                    "next_step": "Ir" if reads else None, "evidence_link": None, "evidence_note": None,
                    "sent_by": "Person 0", "instance": f"uuid:{code}-{month}",
                }  # fmt: skip
            expected.append(row)
        assert_whole(plan, "reports", sorted(expected, key=lambda row: row["receipt"]), **asked)


def test_withdrawn_whole(told: tuple[Plan, Truth]) -> None:
    """In the order in which it happened."""
    plan, truth = told
    assert truth.withdrawn, "choose another seed: something is withdrawn"
    expected = []
    for first, receipt, code, month, why, instead in truth.withdrawn:
        versions = [number for number, *_ in truth.figures[code, month]]
        day = at_noon(by_code(month).opens_on + timedelta(1))
        expected.append({
            "root_receipt": first, "receipt": receipt, "version": versions.index(receipt) + 1, "subject": code,
            "agency": "MINERD" if code == "IND-01" else "PGR", "period": month,
            "withdrawn_at": day + (timedelta(minutes=2) if why == "taken_back" else timedelta(days=2)),
            "withdrawal": why, "replaced_by": instead,
        })  # fmt: skip
    expected.sort(key=lambda row: (row["withdrawn_at"], row["receipt"]))
    for asked in READERS:
        assert_whole(plan, "withdrawn", expected, **asked)


# ------------------------------------------------------------------ people, what was said to them, what they did
PEOPLE = (("P0001", "focal_point", "MINERD"), ("P0002", "alternate", "MINERD"), ("P0003", "coordinator", None))


def test_people_whole(told: tuple[Plan, Truth]) -> None:
    """Names stay inside."""
    plan, _ = told
    for asked in READERS:
        if asked["audience"] == "public":
            continue
        expected = []
        for number, (person, role, agency) in enumerate(PEOPLE):
            row: Row = {"person": person, "role": role, "agency": agency, "active_since": JOINED, "active_until": None}
            if is_inside(asked):
                row |= {"person_name": f"Person {number}", "language": "es", "joined_at": JOINED}
                row |= {"suspended_at": None, "unreachable_at": None}
            expected.append(row)
        assert_whole(plan, "people", expected, **asked)


def test_reminders_whole(told: tuple[Plan, Truth], apply: Any) -> None:
    """What was said, what was not and why, in the order in which it came about."""
    plan, _ = told
    fires = (
        (0, "2018-10-03", "ladder", "sent", "", "3", "tomorrow"),
        (1, "2018-10-03", "ladder", "skipped", "closed", "", ""),
        (2, "2018-10-08", "digest", "queued", "", "", ""),
    )

    def fire(unit: Any) -> None:
        for who, window, what, state, reason, rungs, answer in fires:
            add(unit, Fire, plan_id=plan.world.plan_id, person_id=plan.world.person_ids[who], what=what, window=window,
                state=state, reason=reason, rungs=rungs, answer=answer, fired_at=JOINED,
                settled_at=None if state == "queued" else NOW)  # fmt: skip

    apply(fire)
    expected: list[Row] = [
        {
            "number": number, "local_day": window, "what": what, "person": PEOPLE[who][0],
            "person_name": f"Person {who}", "role": PEOPLE[who][1], "agency": PEOPLE[who][2], "rungs": rungs or None,
            "outcome": state, "reason": reason or None, "pressed": answer or None, "fired_at": JOINED,
            "settled_at": None if state == "queued" else NOW,
        }
        for number, (who, window, what, state, reason, rungs, answer) in enumerate(fires, 1)
    ]  # fmt: skip
    for role in (Role.COORDINATOR, Role.ADMIN, None):
        assert_whole(plan, "reminders", expected, role=role)


def test_audit_whole(told: tuple[Plan, Truth]) -> None:
    """In the order in which it was written; a link that is not sealed yet has no hash."""
    plan, truth = told
    expected = [
        {
            "number": number, "at": on, "act": act, "person": "P0003", "person_name": "Person 2",
            "details": f'{{"questions":0,"receipt":{receipt},"version":{version}}}', "hash": None,
        }
        for number, (act, on, receipt, version) in enumerate(truth.acts, 1)
    ]  # fmt: skip
    for role in (Role.COORDINATOR, Role.ADMIN, None):
        assert_whole(plan, "audit", expected, role=role)


# ------------------------------------------------------------------ figures, years, answers
def about(code: str) -> Row:
    """What the plan says of an indicator, in every one of its rows."""
    computed = code in COMPUTED
    row: Row = {
        "indicator": code, "continues": None, "indicator_name": code, "area": "PRE",
        "agency": "PGR" if code == "IND-20" else "MINERD",
        "unit": "percent" if computed else "people", "level": "output", "direction": "increase",
        "aggregation": "ratio" if computed else "sum",
    }  # fmt: skip
    return row | dict.fromkeys(
        ("baseline", "baseline_period", "baseline_source", "target", "target_on", "sdg_target", "sdg_indicator")
    )


COMPUTED = {"IND-17": 4, "IND-18": 6, "IND-19": None}
"""The cell of `closings_in` that is counted; IND-19 is the share of activities that are completed."""


def period_of(month: str) -> Row:
    period = by_code(month)
    return {"period": month, "period_start": period.start_on, "period_end": period.end_on}


def of_total(category: str | None) -> Row:
    return {"dimension": category, "category": category, "category_name": "Total" if category else None}


def figures_whole(truth: Truth, code: str, *, only_validated: bool) -> Iterator[Row]:
    for month in MONTHS:
        receipt, root, status, value_status, value = figure_in(truth, code, month.code, only_validated=only_validated)
        states = {number: state for number, state, _ in truth.figures.get((code, month.code), ())}
        version = list(states).index(receipt) if receipt else None
        sent_at = None if version is None else at_noon(month.opens_on + timedelta(version + 1))
        yield about(code) | period_of(month.code) | of_total("total" if receipt else None) | {
            "cut_off": month.end_on if receipt else None, "data_status": status, "value": value,
            "value_status": value_status, "value_below": None, "numerator": None, "denominator": None,
            "data_source": None, "validation": states.get(receipt) if receipt else None, "receipt": receipt,
            "root_receipt": root, "submitted_at": sent_at,
        }  # fmt: skip


def computed_whole(truth: Truth, code: str) -> Iterator[Row]:
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for row in closings_in(truth):
        rows.setdefault(row[1], []).append(row)
    for month, found in rows.items():
        cell = COMPUTED[code]
        number = sum(row[cell] for row in found) if cell is not None else int(month >= COMPLETED)
        base = len(found) if cell is not None else 3
        locks_on = max(period.locks_on for period in PERIODS if period.end_on == by_code(month).end_on)
        yield about(code) | period_of(month) | of_total("total") | {
            "cut_off": by_code(month).end_on, "data_status": "final" if locks_on <= TODAY else "preliminary",
            "value": round(100 * number / base, 1), "value_status": "told", "value_below": None, "numerator": number,
            "denominator": base, "data_source": "system", "validation": None, "receipt": None, "root_receipt": None,
            "submitted_at": None,
        }  # fmt: skip


def test_indicators_whole(told: tuple[Plan, Truth]) -> None:
    """Outside nothing of who sent it; what counts few is told by the year, as `test_truth` proves."""
    plan, truth = told
    inside = {"numerator", "denominator", "data_source", "validation", "receipt", "root_receipt", "submitted_at"}
    for asked in READERS:
        expected = [
            *figures_whole(truth, "IND-01", only_validated=not sees_all(asked)),
            *(row for code in COMPUTED for row in computed_whole(truth, code)),
        ]
        if is_inside(asked):
            expected += figures_whole(truth, "IND-20", only_validated=not sees_all(asked))
            expected = [row | {"gcm_objective": None} for row in expected]
            assert_whole(plan, "indicators", expected, **asked)
            continue
        gcm = {} if asked["audience"] == "public" else {"gcm_objective": None}
        expected = [{name: cell for name, cell in (row | gcm).items() if name not in inside} for row in expected]
        assert_whole(plan, "indicators", expected, agency="MINERD", **asked)
        year = plan.rows("indicators", agency="PGR", **asked)[0]
        constant = about("IND-20") | gcm | {"period": "2018", "dimension": "total", "category": "total"}
        assert {name: year[name] for name in constant} == constant
        assert set(year) == set(expected[0])


def test_3p_whole(told: tuple[Plan, Truth]) -> None:
    """A measure and a year of either calendar, with what it holds of its months."""
    plan, truth = told
    spans = [("calendar", "2017", 2017, 1), ("april", "2017/2018", 2017, 4), ("calendar", "2018", 2018, 1)]
    spans.append(("april", "2018/2019", 2018, 4))
    for asked in READERS:
        expected = []
        for code, pillar in (("IND-20", "protection"), ("IND-01", "prevention")):
            for calendar, name, year, month in spans:
                first = date(year, month, 1)
                last = date(year + 1, month, 1) - timedelta(1)
                found = [
                    (each.end_on, value)
                    for each in MONTHS
                    if first <= each.end_on <= last
                    and (value := figure_in(truth, code, each.code, only_validated=True)[-1]) is not None
                ]
                expected.append({
                    "pillar": pillar, "indicator": code, "measure": code, "unit": "people",
                    "agency": "PGR" if code == "IND-20" else "MINERD", "calendar": calendar, "year": name,
                    "period_start": first, "period_end": last, "cut_off": found[-1][0] if found else None,
                    **of_total("total"), "value": sum(value for _, value in found) if found else None,
                    "value_status": "told" if found else "missing", "value_below": None,
                    "periods_reported": len(found), "periods_expected": 12,
                    "coverage": "missing" if not found else "running" if last > TODAY else "partial",
                })  # fmt: skip
        if is_inside(asked):
            assert_whole(plan, "3p", expected, **asked)
        else:
            mine = [row for row in expected if row["indicator"] == "IND-01"]
            assert_whole(plan, "3p", mine, agency="MINERD", **asked)


def test_answers_whole(told: tuple[Plan, Truth]) -> None:
    """Of both forms, in a table each; outside no text, no place, no person, and nothing of what is restricted."""
    plan, truth = told
    agencies = {code: agency for code, agency, *_ in ACTIVITIES} | {"IND-01": "MINERD", "IND-20": "PGR"}
    for asked in READERS:
        people: Row = {"_person": "P0001", "_person_name": "Person 0"} if is_inside(asked) else {}

        def head(
            code: str, month: str, receipt: int, root: int, state: str, version: int, key: str, people: Row = people
        ) -> Row:
            sent_at = at_noon(by_code(month).opens_on + timedelta(version if code.startswith("IND") else 0))
            return {
                "_key": key, "_receipt": receipt, "_root_receipt": root, "_form_version": "1", "_subject": code,
                "_agency": agencies[code], "_period": month, "_validation": state, "_version": version,
                "_started_at": JOINED, "_submitted_at": sent_at, "_restricted": code in (RESTRICTED, "IND-20"),
            } | people  # fmt: skip

        figures, reports = [], []
        for (code, month), versions in truth.figures.items():
            kept = [(n, *each) for n, each in enumerate(versions, 1) if each[1] == "validated" or sees_all(asked)]
            for number, receipt, state, said in kept[-1:]:
                shown = said if is_inside(asked) or code == "IND-01" else {}
                row = head(code, month, receipt, versions[0][0], state, number, f"uuid:{code}-{month}-{number}")
                count = shown.get("value_people")
                row |= {"data_status": shown.get("data_status"), "value_people": int(count) if count else None}
                row |= {"sa_women": None, "sa_girls": None} | ({"comment": None} if is_inside(asked) else {})
                figures.append(row)
        for (code, month), (receipt, _, _, state) in truth.reports.items():
            if state != "validated" and not sees_all(asked):
                continue
            is_closed, said = code == RESTRICTED, said_of(by_code(month))
            row = head(code, month, receipt, receipt, state, 1, f"uuid:{code}-{month}")
            opens = not is_closed or is_inside(asked)
            reads = not is_closed or sees_all(asked)
            numbers = ("ben_total", "ben_women", "ben_men", "ben_girls")
            row |= {name: int(said[name]) if opens else None for name in numbers}
            row["obstacle"] = said["obstacle"] if opens else None
            if is_inside(asked):
                row |= {name: said[name] if reads else None for name in ("obstacle_detail", "place", "next_step")}
            reports.append(row)
        whole = {"indicator_update": figures, "activity_report": reports}
        for format in names_of_formats():
            read = comparable(plan.read("answers", format, **asked))
            assert read == {
                name: [
                    {column: same(cell) for column, cell in row.items()}
                    for row in sorted(rows, key=lambda row: row["_receipt"])
                ]
                for name, rows in whole.items()
            }, (format, asked)


@pytest.mark.parametrize("dataset", [each.name for each in DATASETS])
def test_every_dataset_is_compared_whole(dataset: str) -> None:
    """A new dataset has its truth here too."""
    assert f"test_{dataset}_whole" in globals()
