"""A plan on one page: a minister takes it into a meeting, a secretariat pins it to the wall, a donor gets it by mail.

It shows the counts of the digests together on paper: lights by area, who closed, what waits for a decision, what is
red, and the indicators with their targets. What it shows depends on the reader's audience
(docs/domain.md#restricted-activities). Pages are often printed without colour, so a light is a shape and a word. If
there is more than a page holds, the page says how much.

Pure: this module decides what the page says. Another one draws it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.card import cut
from conversations.plan.figures.annual import IndicatorYear
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import WORST_FIRST, ActivityStanding, Standing, percent_of
from conversations.plan.figures.plenary import plenary_items
from conversations.plan.messages import digest_words, digests
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import audience_name
from conversations.wording import Wording, wording

DECISIONS, TROUBLED, INDICATORS = 5, 9, 12
"""How many lines of each a page holds. Red and attention share theirs."""
LEVELS = ("impact", "outcome", "output")
"""Levels of results, the most important first."""
SHORT, LONG = 70, 90
"""Characters of an item."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What the reader of the page may see."""

    audience: str
    reads_restricted: bool = False
    """The texts of restricted activities, and figures however small."""
    reads_decisions: bool = False
    reads_reasons: bool = True
    ranks: bool = False
    """Whether institutions stand worst first, or in alphabetical order (docs/domain.md#ministers)."""
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A strategic area: how many of its activities have which light, and how far they are."""

    name: str
    counts: dict[Light, int]
    completed: int
    mean: int | None
    """The mean progress of the activities that have begun, in percent. None if nothing has been reported of them."""


@dataclass(frozen=True, slots=True)
class Page:
    """The content of the page, in the reader's language."""

    language: str
    title: str
    subtitle: str
    audience: str
    lights: tuple[tuple[str, str, int], ...]
    """Light, word, how many."""
    completed: tuple[str, int]
    rates: tuple[tuple[str, str, str, str], ...]
    """The rate's name, percent, how it is computed, and the change since the closing before."""
    areas: tuple[Area, ...]
    matrix: dict[str, Any]
    decisions: tuple[str, ...] | None
    """None if the reader may not read them."""
    red: tuple[str, ...]
    attention: tuple[str, ...]
    """As many as there is room for beside the red ones."""
    indicators: tuple[tuple[str, str, str, str, str, str], ...]
    """Code, name, baseline, the year's value, progress toward its target, target."""
    indicators_title: str
    method: str
    words: dict[str, str] = field(default_factory=dict)
    """Headings, by their key."""


def plan_state(
    s: Standing,
    indicators: Sequence[IndicatorYear],
    areas: Sequence[tuple[str, str]],
    plan_name: str,
    reader: Reader,
    language: str,
    room: int = INDICATORS,
) -> Page:
    """Return the page of a plan; `areas` are their codes and names, in order, and `room` is for so many indicators.

    `s` is counted from the reports that the reader may see. For most readers these are the validated ones.
    """
    say = wording(language)
    open_ones = [each for each in s.activities if not each.is_completed]
    lights = tuple(
        (light.value, digest_words.light_word(light, say), sum(each.light is light for each in open_ones))
        for light in WORST_FIRST
    )
    shown = _indicators(indicators, room, language)
    year = indicators[0].year.first.year if indicators else s.today.year
    red = tuple(_troubled(s, Light.CRITICAL, TROUBLED, reader, language))
    return Page(
        language=language,
        title=plan_name,
        subtitle=_subtitle(s, say),
        audience=audience_name(reader.audience, reader.role, say),
        lights=lights,
        completed=(say("state.completed"), len(s.activities) - len(open_ones)),
        rates=_rates(s, say),
        areas=tuple(area for code, name in areas if (area := _area(f"{code} · {name}", _of(s, code))) is not None),
        matrix=digests.matrix(s, language, alphabetical=not reader.ranks),
        decisions=tuple(_decisions(s, language)) if reader.reads_decisions else None,
        red=red,
        attention=tuple(_troubled(s, Light.ATTENTION, TROUBLED - len(red), reader, language)),
        indicators=shown,
        indicators_title=say("state.indicators", year=year),
        method=_method(s, reader, language),
        words=_headings(say, year, len(indicators) - len(shown)),
    )


def _subtitle(s: Standing, say: Wording) -> str:
    today = digest_words.day(s.today, s, say)
    if s.closing is None:
        return say("state.subtitle_open", date=today)
    return say("state.subtitle", date=today, period_name=digest_words.closing_name(s.closing, say))


def _rates(s: Standing, say: Wording) -> tuple[tuple[str, str, str, str], ...]:
    """Return the rates of the last closing. A rate is a dash if nothing was expected, or if its day has not come."""
    rate = s.rate
    if not rate.expected:
        return (say("state.closed"), "–", "", ""), (say("state.on_time"), "–", "", "")
    closed = say("state.of", n=rate.closed, expected=rate.expected)
    if not s.is_due:
        until = say("state.until", due=digest_words.day(s.due_on, s, say)) if s.due_on else ""
        return (say("state.closed"), "–", closed, ""), (say("state.on_time"), "–", "", until)
    on_time = say("state.of", n=rate.on_time, expected=rate.expected)
    return (
        (say("state.closed"), say.percent(rate.closed_percent), closed, ""),
        (say("state.on_time"), say.percent(rate.on_time_percent), on_time, digest_words.trend(s, say).strip()),
    )


def _headings(say: Wording, year: int, more_indicators: int) -> dict[str, str]:
    """Return the headings of the page. `more_indicators` is the number of indicators that have no room on it."""
    return {name: say(f"state.{name}") for name in WORDS} | {
        "colon": say.colon,
        "percent": say.percent("{n}"),
        "agency": say("table.column.agency"),
        "measure": say("table.column.measure"),
        "three_p": say("table.3p"),
        "earlier_years": say("table.crosstab.earlier"),
        "no_measures": say("table.charts.none"),
        "value": f"{say('state.value')} {year}",
        "more_indicators": say("digest.more", n=more_indicators) if more_indicators > 0 else "",
    }


WORDS = ("areas", "area", "mean", "matrix", "decisions", "red", "indicator", "baseline", "target", "value", "towards",
         "none", "no_closings", "method")  # fmt: skip


def _of(s: Standing, code: str) -> list[ActivityStanding]:
    return [each for each in s.activities if each.activity.area_code == code]


def _area(name: str, own: Sequence[ActivityStanding]) -> Area | None:
    if not own:
        return None
    begun = [each for each in own if each.is_started]
    counts = {light: sum(each.light is light and not each.is_completed for each in own) for light in WORST_FIRST}
    is_told = any(each.last is not None for each in begun)
    mean = percent_of(sum(map(digest_words.progress_of, begun)), 100 * len(begun)) if is_told else None
    return Area(name, counts, sum(each.is_completed for each in own), mean)


def _decisions(s: Standing, language: str) -> Iterator[str]:
    say = wording(language)
    waiting = plenary_items(s)
    yield from (digest_words.plenary_line(item, s, say, LONG) for item in waiting[:DECISIONS])
    if len(waiting) > DECISIONS:
        yield say("digest.more", n=len(waiting) - DECISIONS)


def _troubled(s: Standing, light: Light, room: int, reader: Reader, language: str) -> Iterator[str]:
    """Return the activities with this light and their reasons, in the order in which they are due."""
    say = wording(language)
    found = [each for each in s.activities if each.light is light and not each.is_completed]
    found.sort(key=lambda each: (each.activity.ends_on, each.code))
    for each in found[: max(room, 0)]:
        hidden = each.activity.is_restricted and not reader.reads_restricted
        name = "" if hidden else f" {cut(each.activity.title(language), SHORT)}"
        status = digest_words.declared(each, say)
        head = digest_words.with_remark(f"{each.activity.agency_code} · {each.code}{name}", status)
        told = digest_words.reason(each, s, say) if reader.reads_reasons and not hidden else ""
        why = told or ", ".join(digest_words.why(each, s.today, say))
        yield f"{head}{say.colon}{why}" if why else head
    if len(found) > room > 0:
        yield say("digest.more", n=len(found) - room)


def _indicators(
    found: Sequence[IndicatorYear], room: int, language: str
) -> tuple[tuple[str, str, str, str, str, str], ...]:
    """Return the indicators that matter most. A missing figure is a dash, which differs from zero
    (docs/domain.md#rates).

    Beside a target stands the number that it is compared with: the sum since the beginning, or the year's figure if the
    target is of a year.
    """
    say = wording(language)
    rows = []
    for each in sorted(found, key=_weight)[:room]:
        value = "".join(digests.shown_value(each.year, say)) if each.year.reported else "–"
        so_far = value if each.so_far is None else digests.shown_figure(each.so_far, say)
        indicator = each.indicator
        baseline, target = (_promised(text, indicator.unit, say) for text in (indicator.baseline, each.target))
        rows.append((indicator.code, indicator.title(language), baseline or "–", value, so_far, target or "–"))
    return tuple(rows)


def _promised(text: str, unit: str, say: Wording) -> str:
    """Return a baseline or target in the form of the value beside it: for a percentage, "80%"."""
    is_percent = unit == "percent" and text.replace(".", "", 1).isdecimal()
    return say.percent(text) if is_percent else digest_words.number(text)


def _weight(each: IndicatorYear) -> tuple[bool, bool, int, bool, str]:
    """Return a sort key: indicators with a figure first, then with a target, outcomes before outputs, then the 3P."""
    indicator = each.indicator
    has_figure = bool(each.year.reported or each.so_far)
    level = LEVELS.index(indicator.level) if indicator.level in LEVELS else len(LEVELS)
    return not has_figure, not each.target, level, not indicator.annual_table, indicator.code


def _method(s: Standing, reader: Reader, language: str) -> str:
    say = wording(language)
    parts = [say("state.method.lights"), say("state.method.silence"), say("state.method.rates")]
    parts.append(say("state.method.dash"))
    parts.append(say("state.method.whole" if reader.reads_restricted else "state.method.validated"))
    if not reader.reads_restricted:
        parts.append(say("state.method.suppressed"))
    return " ".join(parts)


def spoken(page: Page) -> list[str]:
    """Return everything the page says, line by line: for people who cannot see it, and for tests."""
    words, colon = page.words, page.words["colon"]
    said = [page.title, page.subtitle, page.audience]
    said += [f"{word}{colon}{count}" for _, word, count in page.lights] + [
        f"{page.completed[0]}{colon}{page.completed[1]}"
    ]
    said += [" ".join(filter(None, rate)) for rate in page.rates]
    said.append(words["areas"])
    for area in page.areas:
        counts = " ".join(str(area.counts[light]) for light in WORST_FIRST)
        mean = "–" if area.mean is None else words["percent"].format(n=area.mean)
        said.append(f"{area.name} | {counts} | {area.completed} | {mean}")
    said.append(f"{words['matrix']}{colon}{' '.join(page.matrix['columns'])}")
    said += [] if page.matrix["rows"] else [words["no_closings"]]
    for agency, cells in page.matrix["rows"]:
        said.append(f"{agency} " + " ".join("–" if cell is None else f"{cell[0]}:{cell[1]}" for cell in cells))
    if page.decisions is not None:
        said += [words["decisions"], *(page.decisions or (words["none"],))]
    said += [words["red"], *(page.red or (words["none"],))]
    said += [page.lights[1][1], *page.attention] if page.attention else []
    said.append(page.indicators_title)
    said += [" | ".join(row) for row in page.indicators]
    return [*said, *filter(None, [words["more_indicators"]]), page.method]
