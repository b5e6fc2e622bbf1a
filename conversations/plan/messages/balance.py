"""The balance of a plan in words: a card for the chat, and two pages that a commission is given when a plan ends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conversations.card import Line, bold, cut, line
from conversations.languages import translated
from conversations.plan.figures.balance import Balance, Outcome
from conversations.plan.figures.monitoring import percent_of
from conversations.plan.messages.plan_state import LONG, SHORT, Page, Reader
from conversations.wording import Wording, wording

INDICATORS, OBSTACLES, DROPPED = 24, 8, 16
"""How many lines of each the second page holds."""
Row = tuple[str, tuple[int, ...]]
"""A name, and how many activities have each outcome, in the order of `Outcome`; the last number counts them all."""


@dataclass(frozen=True, slots=True)
class BalancePages:
    """The content of the two pages, in the reader's language."""

    page: Page
    """Title, day, audience and indicators are those of the plan's one page."""
    title: str
    headline: str
    outcomes: tuple[str, ...]
    """The headings of the columns of numbers."""
    areas: tuple[Row, ...]
    agencies: tuple[Row, ...]
    """In alphabetical order."""
    obstacles: tuple[str, ...]
    dropped: tuple[str, ...]
    words: dict[str, str]
    method: str


def balance_pages(
    b: Balance,
    page: Page,
    areas: Sequence[tuple[str, str]],
    dropped: Mapping[str, str],
    reader: Reader,
    language: str,
) -> BalancePages:
    """Return the pages of a balance. `areas`: codes and names, in order; `dropped`: activity's code → why."""
    say = wording(language)
    return BalancePages(
        page=page,
        title=say("balance.title"),
        headline=_headline(b, say),
        outcomes=(*(outcome_name(each, say) for each in Outcome), say("balance.all")),
        areas=tuple(
            _row(f"{code} · {name}", b.counts(area=code)) for code, name in areas if any(b.counts(area=code).values())
        ),
        agencies=tuple(
            _row(code, b.counts(agency=code))
            for code in sorted({each.activity.agency_code for each, _ in b.activities})
        ),
        obstacles=tuple(_obstacles(b, say, OBSTACLES)),
        dropped=tuple(_dropped(b, dropped, reader, say)),
        words={name: say(f"balance.{name}") for name in ("obstacles", "dropped", "none")}
        | {"area": say("state.area"), "agency": say("table.column.agency")},
        method=say("balance.method"),
    )


def balance_lines(b: Balance, areas: Sequence[tuple[str, str]], language: str) -> tuple[Line, ...]:
    """Return the balance for the chat: all, each area, and what held it back most."""
    say = wording(language)
    lines = [line(bold(_headline(b, say))), line(_counted(b.counts(), say))]
    for code, name, counts in _of_areas(b, areas):
        lines.append(line(bold(f"{code} · {name}"), say.colon, _counted(counts, say)))
    if obstacles := list(_obstacles(b, say, 3)):
        lines += [line(""), line(bold(say("balance.obstacles")), say.colon, "; ".join(obstacles))]
    return tuple(lines)


def outcome_name(each: Outcome, say: Wording) -> str:
    return say(f"balance.{each.value}")


def _of_areas(b: Balance, areas: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, Mapping[Outcome, int]]]:
    """Yield the areas that have activities, with how many have each outcome."""
    for code, name in areas:
        counts = b.counts(area=code)
        if any(counts.values()):
            yield code, name, counts


def _headline(b: Balance, say: Wording) -> str:
    done, every = b.counts()[Outcome.DONE], len(b.activities)
    return say("balance.headline", n=done, of=every, percent=say.percent(percent_of(done, every)))


def _counted(counts: Mapping[Outcome, int], say: Wording) -> str:
    return " · ".join(f"{outcome_name(each, say)} {n}" for each, n in counts.items() if n)


def _row(name: str, counts: Mapping[Outcome, int]) -> Row:
    return name, (*counts.values(), sum(counts.values()))


def _obstacles(b: Balance, say: Wording, shown: int) -> Iterator[str]:
    for code, n in b.obstacles[:shown]:
        label = translated(b.found.reasons[code], say.language) if code in b.found.reasons else code
        yield say("balance.told", what=label, n=n)


def _dropped(b: Balance, dropped: Mapping[str, str], reader: Reader, say: Wording) -> Iterator[str]:
    """Return what is not carried on, and why. Of a restricted activity, outsiders read its code alone."""
    rows = [each.activity for each, _ in b.activities if each.code in dropped]
    for activity in rows[:DROPPED]:
        is_told = reader.reads_restricted or not activity.is_restricted
        name = f" {cut(activity.title(say.language), SHORT)}" if is_told else ""
        why = f"{say.colon}{cut(dropped[activity.code], LONG)}" if is_told and reader.reads_reasons else ""
        yield f"{activity.agency_code} · {activity.code}{name}{why}"
    if len(rows) > DROPPED:
        yield say("digest.more", n=len(rows) - DROPPED)


def spoken(pages: BalancePages) -> list[str]:
    """Return everything the pages say, line by line."""
    said = [pages.title, pages.page.title, pages.page.subtitle, pages.page.audience, pages.headline]
    for heading, rows in ((pages.words["area"], pages.areas), (pages.words["agency"], pages.agencies)):
        said.append(" | ".join((heading, *pages.outcomes)))
        said += [" | ".join((name, *map(str, numbers))) for name, numbers in rows]
    said += [pages.page.indicators_title, *(" | ".join(row) for row in pages.page.indicators)]
    none = (pages.words["none"],)
    said += [pages.words["obstacles"], *(pages.obstacles or none), pages.words["dropped"], *(pages.dropped or none)]
    return [*said, pages.method]
