"""The OpenAPI 3.1 document of the data door, made from the tables that the door itself uses.

It says nothing about any plan, so it needs no token.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import orjson

from bot.doors.odata import OPTIONS
from bot.doors.odata import PATH as ODATA
from bot.doors.parameters import JSON, LENGTHS, LONGEST, MEDIA_TYPES, TABULAR, parameters_of
from bot.doors.problems import TITLES
from bot.doors.reading import BASE
from conversations.languages import LANGUAGES
from storage.exports.exporters import DATASETS
from storage.exports.paging import FOLLOWED

Schema = dict[str, Any]
LANGUAGE: Final[Schema] = {
    "name": "language", "in": "query", "schema": {"type": "string", "enum": list(LANGUAGES)},
}  # fmt: skip
ROW: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    "description": "By the names of the columns, which /columns explains.",
}
NUMBER_OPTIONS: Final = ("$top", "$skip")


@cache
def openapi() -> bytes:
    return orjson.dumps(_document(), option=orjson.OPT_INDENT_2)


def _document() -> Schema:
    paths: Schema = {f"{BASE}/": {"get": _operation("list", "What this token reads.", (), {"type": "object"})}}
    for dataset in TABULAR:
        paths[f"{BASE}/{dataset}"] = _both(_dataset(dataset))
        paths[f"{BASE}/{dataset}/columns"] = {
            "get": _operation(
                f"{dataset}_columns", f"What each column of {dataset} means: a Frictionless data package.", (LANGUAGE,),
                {"type": "object", "required": ["resources"]},
            )
        }  # fmt: skip
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
            "schemas": {"Problem": _problem(), "ODataError": _odata_error(), "Row": ROW},
        },
    }


def _dataset(dataset: str) -> Schema:
    audiences = next(each.audiences for each in DATASETS if each.name == dataset)
    parameters = [
        {"name": each.name, "in": "query", "description": each.about, "schema": dict(each.schema)}
        for each in parameters_of(dataset)
    ]
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
    required = ["dataset", "audience", "filters", "rows"]
    schema: Schema = {
        "type": "object",
        "properties": {
            "dataset": {"const": dataset},
            "audience": {"enum": sorted(audiences)},
            "filters": {"type": "object", "additionalProperties": {"type": "string"}},
            "rows": rows,
        },
        "additionalProperties": False,
    }
    if dataset in FOLLOWED:
        schema["properties"] |= {
            "removed": {"type": "array", "items": {"type": "integer"}},
            "has_more": {"type": "boolean"},
            "next": {"type": "string", "format": "uri"},
        }
        required = [*required, "removed", "has_more", "next"]
    schema["required"] = required
    made = _operation(dataset, f"The rows of {dataset}, as `enlace export {dataset}` writes them.", parameters, schema)
    content = made["responses"]["200"]["content"]
    for format, media_type in MEDIA_TYPES.items():
        if format != JSON:
            content[media_type.partition(";")[0]] = {"schema": {"type": "string"}}
    return made


def _odata() -> Schema:
    options = [
        {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999}}
        if name in NUMBER_OPTIONS
        else {"name": name, "in": "query", "schema": {"enum": ["true", "false"]}}
        if name == "$count"
        else {"name": name, "in": "query", "schema": {"enum": ["json"]}}
        if name == "$format"
        else {"name": name, "in": "query", "schema": {"type": "string", "maxLength": LENGTHS.get(name, LONGEST)}}
        for name in OPTIONS
    ]
    of_set = {"name": "set", "in": "path", "required": True, "schema": {"type": "string"}}
    rows = {"type": "object", "required": ["@odata.context", "value"]}
    xml = _operation("odata_metadata", "The sets in CSDL.", (), {"type": "string"}, is_odata=True)
    xml["responses"]["200"]["content"] = {"application/xml": {"schema": {"type": "string"}}}
    return {
        f"{ODATA}/": {"get": _operation("odata", "The OData v4 service document.", (), rows, is_odata=True)},
        f"{ODATA}/$metadata": {"get": xml},
        f"{ODATA}/{{set}}": {"get": _operation("odata_set", "A set's rows.", (of_set, *options), rows, is_odata=True)},
    }


def _operation(
    name: str, summary: str, parameters: Any, schema: Mapping[str, Any], *, is_odata: bool = False
) -> Schema:
    error = "ODataError" if is_odata else "Problem"
    media_type = "application/json" if is_odata else "application/problem+json"
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{error}"}}}
    responses: Schema = {
        "200": {
            "description": "Here it is.",
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": dict(schema)}},
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


def _problem() -> Schema:
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:enlace:problem:[a-z-]+$"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "there_is": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
    }


def _odata_error() -> Schema:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            }
        },
    }
