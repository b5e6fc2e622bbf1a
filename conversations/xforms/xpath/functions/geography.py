"""Functions of points, lines and areas on the globe."""

import math
from itertools import pairwise

from conversations.xforms.xpath.functions.numbers import round_half_away
from conversations.xforms.xpath.values import NAN, number_of

EARTH_RADIUS = 6_378_100.0


def points(text: str) -> list[tuple[float, float]]:
    """Latitude and longitude of each point of a geopoint, geotrace or geoshape. Empty if one of them is no point."""
    found: list[tuple[float, float]] = []
    for part in text.split(";"):
        if not part.strip():
            continue
        numbers = [number_of(word) for word in part.split()]
        if len(numbers) < 2 or not all(math.isfinite(number) for number in numbers[:2]):
            return []
        if abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
            return []
        found.append((numbers[0], numbers[1]))
    return found


def distance(*texts: str) -> float:
    """The length of a line in metres, to the centimetre; NaN if it has less than two points."""
    path = points(";".join(texts))
    if len(path) < 2:
        return NAN
    return round_half_away(sum(_arc(a, b) for a, b in pairwise(path)), 2)


def _arc(a: tuple[float, float], b: tuple[float, float]) -> float:
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    turn = math.radians(a[1] - b[1])
    cosine = math.sin(lat_a) * math.sin(lat_b) + math.cos(lat_a) * math.cos(lat_b) * math.cos(turn)
    return math.acos(max(-1.0, min(1.0, cosine))) * EARTH_RADIUS


def area(text: str) -> float:
    """The area of a shape in square metres; 0 if it has less than three points."""
    shape = points(text)
    if len(shape) < 3:
        return 0.0
    total = sum(
        math.radians(lon_b - lon_a) * (2 + math.sin(math.radians(lat_a)) + math.sin(math.radians(lat_b)))
        for (lat_a, lon_a), (lat_b, lon_b) in zip(shape, shape[1:] + shape[:1], strict=True)
    )
    return round_half_away(abs(total) * EARTH_RADIUS**2 / 2, 2)


def geofence(point: str, shape: str) -> bool:
    """Whether a point lies in a shape."""
    where, fence = points(point), points(shape)
    if not where or len(fence) < 3:
        return False
    (lat, lon), inside = where[0], False
    for (lat_a, lon_a), (lat_b, lon_b) in zip(fence, fence[1:] + fence[:1], strict=True):
        if (lon_a > lon) != (lon_b > lon) and lat < (lat_b - lat_a) * (lon - lon_a) / (lon_b - lon_a) + lat_a:
            inside = not inside
    return inside
