"""Read attached files. CSV, GeoJSON and XML become root/item/column, as the specification says."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from conversations.xforms.document.xml import copy_items, local, parse_xml
from conversations.xforms.nodes import Item
from conversations.xforms.problems import AuthorError, Problem

MAX_MEDIA_ROWS = 200_000


def read_media(file_name: str, data: bytes, container: Item) -> None:
    """Put an attached file below `container` as a secondary instance. AuthorError if it cannot be read."""
    kind = file_name.rpartition(".")[2].casefold()
    match kind:
        case "csv":
            _read_csv(file_name, data, container)
        case "geojson" | "json":
            _read_geojson(file_name, data, container)
        case "xml":
            root = parse_xml(data)
            top = Item(local(root), "", container)
            copy_items(root, top)
        case _:
            raise AuthorError([Problem("media.unknown_kind", values={"file": file_name})])


def _read_csv(file_name: str, data: bytes, container: Item) -> None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AuthorError([Problem("media.not_utf8", values={"file": file_name})]) from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise AuthorError([Problem("media.unreadable", values={"file": file_name, "detail": str(error)})]) from None
    if len(rows) > MAX_MEDIA_ROWS:
        raise AuthorError([Problem("media.too_long", values={"file": file_name, "limit": MAX_MEDIA_ROWS})])
    root = Item("root", "", container)
    header = [name.strip() for name in rows[0]] if rows else []
    for row in rows[1:]:
        if any(row):
            item = Item("item", "", root)
            for name, value in zip(header, row, strict=False):
                Item(name, value, item)


def _read_geojson(file_name: str, data: bytes, container: Item) -> None:
    try:
        document = json.loads(data)
        features = document["features"]
        rows = [(feature.get("properties") or {}, feature.get("geometry"), feature.get("id")) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise AuthorError([Problem("media.unreadable", values={"file": file_name, "detail": "GeoJSON"})]) from None
    root = Item("root", "", container)
    for properties, geometry, feature_id in rows[:MAX_MEDIA_ROWS]:
        item = Item("item", "", root)
        written = _geometry(geometry)
        if written:
            Item("geometry", written, item)
        if feature_id is not None and "id" not in properties:
            Item("id", str(feature_id), item)
        for name, value in properties.items():
            Item(str(name), _plain(value), item)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else json.dumps(value, ensure_ascii=False)


def _geometry(geometry: object) -> str:
    """Write a GeoJSON geometry as ODK writes points: latitude first."""
    if not isinstance(geometry, dict):
        return ""
    coordinates: Any = geometry.get("coordinates")
    try:
        match geometry.get("type"):
            case "Point":
                return _position(coordinates)
            case "LineString":
                return "; ".join(_position(point) for point in coordinates)
            case "Polygon":
                return "; ".join(_position(point) for point in coordinates[0])
    except (TypeError, ValueError, IndexError):
        return ""
    return ""


def _position(point: Sequence[float]) -> str:
    return f"{point[1]} {point[0]} 0 0"
