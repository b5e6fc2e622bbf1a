"""The OpenAPI 3.1 document of the data door, made from the models that the door itself reads and writes with.

It says nothing about any plan, so it needs no token.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.doors.odata import OPTIONS, Options
from bot.doors.odata import PATH as ODATA
from bot.doors.odata_sets import Document
from bot.doors.parameters import JSON, MEDIA_TYPES, TABULAR, Asked, names_of
from bot.doors.problems import TITLES, ODataError, ProblemDetails
from bot.doors.reading import ANSWERS, BASE, Listed, Package

Schema = dict[str, Any]


@cache
def openapi() -> bytes:
    return orjson.dumps(_document(), option=orjson.OPT_INDENT_2)


def _document() -> Schema:
    said: tuple[type[BaseModel], ...] = (Listed, Package, Document, ProblemDetails, ODataError, *ANSWERS.values())
    _, schemas = models_json_schema([(each, "serialization") for each in said], ref_template=_ref("{model}")["$ref"])
    paths: Schema = {f"{BASE}/": {"get": _operation("list", "What this token reads.", Listed)}}
    for dataset in TABULAR:
        paths[f"{BASE}/{dataset}"] = _both(_dataset(dataset))
        about = f"What each column of {dataset} means: a Frictionless data package."
        columns = _operation(f"{dataset}_columns", about, Package, _parameters(Asked, ["language"]))
        paths[f"{BASE}/{dataset}/columns"] = {"get": columns}
    paths |= _odata()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Enlace: the data door",
            "version": "1",
            "description": "What `enlace export` writes, read over HTTP. Which datasets a token reads is said by its "
            "audience; what is suppressed is the same as in a file.",
        },
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The token is the password."},
            },
            "schemas": schemas["$defs"],
        },
    }


def _dataset(dataset: str) -> Schema:
    about = f"The rows of {dataset}, as `enlace export {dataset}` writes them."
    made = _operation(dataset, about, ANSWERS[dataset], _parameters(Asked, names_of(dataset)))
    content = made["responses"]["200"]["content"]
    for format, media_type in MEDIA_TYPES.items():
        if format != JSON:
            content[media_type.partition(";")[0]] = {"schema": {"type": "string"}}
    return made


def _parameters(model: type[BaseModel], names: Iterable[str]) -> Iterator[Schema]:
    """Describe these parameters of a model."""
    known = model.model_json_schema()["properties"]
    for name in names:
        told = known[name]
        about = told.pop("description", "")
        schema = {key: value for key, value in told.items() if key not in ("title", "default")}
        yield {"name": name, "in": "query", "description": about, "schema": schema}


def _odata() -> Schema:
    of_set = {"name": "set", "in": "path", "required": True, "schema": {"type": "string"}}
    options = [of_set, *_parameters(Options, OPTIONS)]
    xml = _operation("odata_metadata", "The sets in CSDL.", Document, is_odata=True)
    xml["responses"]["200"]["content"] = {"application/xml": {"schema": {"type": "string"}}}
    sets = _operation("odata", "The OData v4 service document.", Document, is_odata=True)
    rows = _operation("odata_set", "A set's rows.", Document, options, is_odata=True)
    return {f"{ODATA}/": {"get": sets}, f"{ODATA}/$metadata": {"get": xml}, f"{ODATA}/{{set}}": {"get": rows}}


def _operation(
    name: str, summary: str, answer: type[BaseModel], parameters: Iterable[Schema] = (), *, is_odata: bool = False
) -> Schema:
    error = ODataError if is_odata else ProblemDetails
    media_type = "application/json" if is_odata else "application/problem+json"
    content = {media_type: {"schema": _ref(error.__name__)}}
    responses: Schema = {
        "200": {
            "description": "Here it is.",
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": _ref(answer.__name__)}},
        },
        "304": {"description": "It is what If-None-Match names."},
    }
    responses |= {
        str(status): {"description": title, "content": content} for status, title in TITLES.items() if status != 405
    }
    return {"operationId": name, "summary": summary, "parameters": list(parameters), "responses": responses}


def _both(operation: Schema) -> Schema:
    """GET, and HEAD with the same headers and no body."""
    head = {**operation, "operationId": f"{operation['operationId']}_head"}
    head["responses"] = {
        status: {name: value for name, value in each.items() if name != "content"}
        for status, each in operation["responses"].items()
    }
    return {"get": operation, "head": head}


def _ref(model: str) -> Schema:
    return {"$ref": f"#/components/schemas/{model}"}
