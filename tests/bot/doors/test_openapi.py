"""The description of the data door is held against the door, by requests that it allows and by others."""

import json
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from bot.doors.openapi import openapi
from bot.doors.parameters import TABULAR, Filters, names_of
from conversations.plan.sharing.export_request import AUDIENCES, FILTERS
from tests.bot.doors.served import Answer, Served


@cache
def document() -> Any:
    return json.loads(openapi())


def check(schema: Any, told: object) -> None:
    registry: Any = Registry().with_resource("urn:door", Resource.from_contents(document(), _draft()))
    whole = json.loads(json.dumps(schema).replace('"#/', '"urn:door#/'))
    Draft202012Validator(whole, registry=registry).validate(told)


def _draft() -> Any:
    from referencing.jsonschema import DRAFT202012

    return DRAFT202012


def hold(answer: Answer, operation: Any) -> None:
    """An answer is one that the description has: status, media type, and shape."""
    assert answer.status < 500, answer.body
    told = operation["responses"].get(str(answer.status))
    assert told is not None, answer.status
    if answer.status == 304 or "content" not in told:
        assert answer.body == b""
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    content = told["content"][media_type]
    if media_type.endswith("json"):
        check(content["schema"], answer.json)


def test_it_is_open_and_says_what_the_door_obeys(door: Served) -> None:
    answer = door.ask("openapi.json", token="")
    assert (answer.status, answer.body) == (200, openapi())
    paths = answer.json["paths"]
    for dataset in TABULAR:
        named = [each["name"] for each in paths[f"/data/v1/{dataset}"]["get"]["parameters"]]
        assert named == names_of(dataset)


def test_every_filter_has_its_sentence_at_the_door() -> None:
    assert list(Filters.model_fields) == [name.removesuffix("_id") for name in FILTERS]
    assert all(each.description for each in Filters.model_fields.values())


def values(schema: Any) -> st.SearchStrategy[str]:
    """What the description allows, and what it does not."""
    if "enum" in schema:
        right: st.SearchStrategy[str] = st.sampled_from(schema["enum"])
    elif schema.get("type") == "integer":
        right = st.integers(schema["minimum"], schema["maximum"]).map(str)
    else:
        right = st.sampled_from(
            ["2018", "201809", "2018Q3", "201801..201812", "PGR", "MINERD,PGR", "PRE", "in_progress", "validated",
             "2018-09-01", "activity_report", "agency eq 'PGR'", "receipt", "receipt,agency"]
        )  # fmt: skip
    signs = st.characters(exclude_categories=("Cs",))
    return (
        right | right | st.text(signs, max_size=30) | st.sampled_from(["'", "1' OR '1'='1", "\0", "ñ", "-1", "9" * 30])
    )


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, str, Any]:
    """Audience, method, address and operation."""
    path = draw(st.sampled_from(sorted(document()["paths"])))
    method = draw(st.sampled_from(sorted(document()["paths"][path])))
    operation = document()["paths"][path][method]
    query = []
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            name = draw(
                st.sampled_from(["reports", "plan", "indicators", "answers_activity_report", "x", "$", "a/b", "é"])
            )
            path = path.replace("{set}", quote(name, safe=""))
        elif draw(st.integers(0, 9)) < 2:
            query.append((parameter["name"], draw(values(parameter["schema"]))))
    if draw(st.integers(0, 9)) == 0:
        query.append((draw(st.sampled_from(["x", "period", "$filter", "limit"])), draw(st.text(max_size=5))))
    address = path + ("?" + urlencode(query, errors="replace") if query else "")
    return draw(st.sampled_from(AUDIENCES)), method.upper(), address, operation


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(requests())
def test_every_answer_is_one_that_is_described(door_of_sqlite: Served, asked: tuple[str, str, str, Any]) -> None:
    audience, method, address, operation = asked
    hold(door_of_sqlite.ask(address, audience, method=method), operation)


@pytest.fixture(scope="module")
def door_of_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from bot.open_storage import open_storage
    from tests.bot.doors.served import served
    from tests.bot.house import furnish, settings_in

    folder = tmp_path_factory.mktemp("fuzzed")
    furnish(folder)
    with open_storage(settings_in(folder)) as database, served(database) as opened:
        yield opened
