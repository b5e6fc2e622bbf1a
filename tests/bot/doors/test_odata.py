"""The OData feed: the rows of the export under names and types that spreadsheets understand."""

from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from bot.doors import odata
from bot.doors.odata_sets import dataset_of
from conversations.plan.sharing.export_request import AUDIENCES
from storage.exports.tables import PROTECTED
from tests.bot.doors.served import Served

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
IS = {
    "Edm.String": (str,), "Edm.Int64": (int,), "Edm.Double": (int, float), "Edm.Boolean": (bool,), "Edm.Date": (str,),
    "Edm.DateTimeOffset": (str,),
}  # fmt: skip


def read(door: Served, path: str, audience: str, **query: str) -> Any:
    answer = door.ask(f"odata/{path}", audience, **{f"${name}": value for name, value in query.items()})
    assert answer.status == 200, answer.body
    assert answer.headers["odata-version"] == "4.0"
    return answer.json


def described(door: Served, audience: str) -> dict[str, Element]:
    answer = door.ask("odata/$metadata", audience)
    assert answer.headers["content-type"] == "application/xml"
    schema = fromstring(answer.body)
    types = {each.get("Name"): each for each in schema.iter(f"{EDM}EntityType")}
    return {
        str(each.get("Name")): types[str(each.get("EntityType")).partition(".")[2]]
        for each in schema.iter(f"{EDM}EntitySet")
    }


def test_every_row_is_what_the_metadata_says(door: Served) -> None:
    """Sets, properties, types and keys; each row has a key of its own."""
    for audience in AUDIENCES:
        types = described(door, audience)
        listed = [each["url"] for each in read(door, "", audience)["value"]]
        assert listed == list(types)
        for name, type in types.items():
            properties = {each.get("Name"): each.get("Type") for each in type.iter(f"{EDM}Property")}
            [key] = [str(each.get("Name")) for each in type.iter(f"{EDM}PropertyRef")]
            rows = read(door, name, audience)["value"]
            for row in rows:
                assert row.keys() == properties.keys()
                for column, value in row.items():
                    assert value is None or isinstance(value, IS[str(properties[column])]), (name, column, value)
            keys = [row[key] for row in rows]
            assert None not in keys
            assert len(set(keys)) == len(keys)


def test_the_rows_are_those_of_the_door(door: Served) -> None:
    """A number that is not told is null, and `_words` says so."""
    for audience in AUDIENCES:
        for name in described(door, audience):
            dataset = dataset_of(name)
            if dataset in ("answers", "audit"):
                continue
            rows = door.ask(dataset, audience).rows
            told = read(door, name, audience)["value"]
            assert len(told) == len(rows)
            for row, entity in zip(rows, told, strict=True):
                words = dict(each.split("=", 1) for each in (entity["_words"] or "").split())
                for column, cell in row.items():
                    assert entity[column] in (cell, None if cell is None else str(cell)) or words[column] == PROTECTED


def test_links_lead_through_all_pages(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(door, "reports", "internal")["value"]
    monkeypatch.setattr(odata, "PAGE", 4)
    found, asked = [], read(door, "reports", "internal", select="receipt,agency", filter="receipt ge 0")
    pages = 1
    while link := asked.get("@odata.nextLink"):
        found += asked["value"]
        asked = door.ask(link).json
        pages += 1
    found += asked["value"]

    assert pages == (len(whole) + 3) // 4
    assert found == [{"receipt": row["receipt"], "agency": row["agency"]} for row in whole]


def test_a_skiptoken_opens_nothing_for_another(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odata, "PAGE", 2)
    link = read(door, "reports", "internal")["@odata.nextLink"]
    assert door.ask(link, "internal").status == 200
    for audience in ("observers", "public"):
        assert door.ask(link, audience).json["error"]["code"] == "cursor"
    assert door.ask(link.replace("/reports?", "/answers_activity_report?")).status == 400
    assert door.ask(link.replace("/reports?", "/plan?")).status == 400

    of_a_form = read(door, "answers_activity_report", "internal")["@odata.nextLink"]
    assert door.ask(of_a_form.replace("activity_report?", "indicator_update?")).json["error"]["code"] == "cursor"


def test_what_is_chosen_is_chosen(door: Served) -> None:
    whole = read(door, "reports", "internal")["value"]
    agencies = sorted({row["agency"] for row in whole})
    for agency in agencies:
        answer = read(door, "reports", "internal", filter=f"agency eq '{agency}'", count="true", top="1", skip="0")
        expected = [row for row in whole if row["agency"] == agency]
        assert answer["@odata.count"] == len(expected)
        assert answer["value"] == expected[:1]
    assert read(door, "reports", "internal", skip="3", top="2")["value"] == whole[3:5]
    assert read(door, "reports", "internal", top="0")["value"] == []
    assert door.ask("odata/reports/$count").json == len(whole)

    narrowed = door.ask("odata/reports?agency=PGR").json["value"]
    assert narrowed == [row for row in whole if row["agency"] == "PGR"]

    days = read(door, "reports", "internal", filter="period_start ge 2018-08-01 and restricted eq false")["value"]
    assert days == [row for row in whole if row["period_start"] >= "2018-08-01" and not row["restricted"]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("reports?$orderby=receipt", 501, "not-offered"), ("reports?$expand=x", 501, "not-offered"),
        ("reports?$filter=x%20eq%201", 400, "unknown-column"), ("reports?$filter=agency%20eq", 400, "filter"),
        ("reports?$select=nothing", 400, "unknown-column"), ("reports?$top=-1", 400, "top"),
        ("reports?$skip=x", 400, "skip"), ("reports?$count=yes", 400, "count"),
        ("reports?$nothing=1", 400, "unknown-parameter"),
        ("reports?$skiptoken=x", 400, "cursor"), ("plan?$skiptoken=x", 400, "skiptoken"),
        ("reports?$skiptoken=x&$top=1", 400, "skiptoken"), ("reports?$format=atom", 406, "unknown-format"),
        ("$metadata?$format=json", 406, "unknown-format"), ("nothing", 404, "unknown-entity-set"),
        ("reports/1", 404, "not-found"), ("plan?period=2018", 400, "unknown-parameter"),
        ("reports?agency=NADIE", 400, "filter"),
    ],
)  # fmt: skip
def test_errors_have_the_shape_of_odata(door: Served, path: str, status: int, code: str) -> None:
    answer = door.ask(f"odata/{path}")
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert answer.json["error"]["message"]
    assert answer.headers["odata-version"] == "4.0"


def test_without_a_token_there_is_nothing(door: Served) -> None:
    answer = door.ask("odata/$metadata", token="")
    assert answer.status == 401
    assert "error" in answer.json


def test_a_set_that_is_not_for_the_audience_is_refused(door: Served) -> None:
    assert door.ask("odata/people", "public").json["error"]["code"] == "audience"
    assert "people" not in described(door, "public")
