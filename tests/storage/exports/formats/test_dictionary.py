"""What describes our data to programs: it lists the lights from the one list, or not at all."""

import json
import re
from collections.abc import Iterator
from typing import Any

from bot.doors.openapi import openapi
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import WORST_FIRST
from storage.exports.exporters import DATASETS
from storage.exports.formats.dictionary import data_package
from tests import ROOT
from tests.storage.exports.small_plan import Plan

OURS = {Light.CRITICAL, Light.NO_REPORT, Light.TO_VALIDATE, Light.ON_TRACK}
"""Codes that only a light has."""


def lists_of_lights(told: Any) -> Iterator[set[str]]:
    """Every list in a document that names a light."""
    if isinstance(told, dict):
        for each in told.values():
            yield from lists_of_lights(each)
    elif isinstance(told, list):
        words = {each for each in told if isinstance(each, str)}
        if words & OURS:
            yield words
        for each in told:
            yield from lists_of_lights(each)


def test_each_description_has_all_lights(plan: Plan) -> None:
    """The data packages, the data door's OpenAPI, the events' schema; and the page of exports in their order."""
    documents = [json.loads(openapi()), json.loads((ROOT / "docs" / "guide" / "events.schema.json").read_text("utf-8"))]
    for dataset in ("plan", "agencies"):
        with plan.database.view() as unit:
            tables = {each.name: each.tables for each in DATASETS}[dataset](unit, plan.wanted())
        package = data_package(tables, plan.wanted(), {dataset: f"{dataset}.csv"}, "csv")
        assert list(lists_of_lights(package)) == [set(Light)]
        documents.append(package)
    assert all(found == set(Light) for each in documents for found in lists_of_lights(each))

    page = (ROOT / "docs" / "exports.md").read_text("utf-8")
    sentence = page.partition("A light is ")[2].partition("the worst first")[0]
    assert re.findall(r"`(\w+)`", sentence) == [*WORST_FIRST]
